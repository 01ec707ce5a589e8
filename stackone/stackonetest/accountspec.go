package stackonetest

import (
	"fmt"
	"maps"
	"time"
)

// AccountSpec describes a linked account: one customer's connection to its ATS.
// https://docs.stackone.com/api/multi-tenant-accounts
type AccountSpec struct {
	ID       string // empty: generated
	Provider string // key of the ATS; empty: [Greenhouse]
	// Status is active, inactive, suspended, archived, expired, error or anything
	// else; empty: active.
	Status        string
	StatusReasons []StatusReason
	// PartnerAPI is an account that was linked with "Partner API" only: lookups are
	// refused, and orders have no hiring team.
	PartnerAPI       bool
	OriginOwnerID    string // the provider's own id of the customer; empty: "owner_123"
	OriginOwnerName  string // empty: "Acme Corp"
	OriginUsername   string // empty: null
	Label            string // empty: null
	Type             string // production or test; empty: production
	SetupInformation map[string]any
}

// StatusReason says why an account has its status.
type StatusReason struct {
	Code        string
	Description string
	At          time.Time
}

// account is the state behind an AccountSpec.
type account struct {
	spec     AccountSpec
	created  time.Time
	updated  time.Time
	patched  map[string]any // by PATCH, beyond what the spec holds
	packages map[Kind][]Package
	records  map[Model][]map[string]any
}

// Account links an account without a connect session and without an event, and
// returns its id. It fails if the id is taken.
func (s *Server) Account(spec AccountSpec) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if spec.ID != "" && s.findAccount(spec.ID) != nil {
		return "", fmt.Errorf("stackonetest: account %q exists already", spec.ID)
	}
	return s.addAccount(spec).spec.ID, nil
}

func (s *Server) addAccount(spec AccountSpec) *account {
	if spec.ID == "" {
		spec.ID = s.nextNumber("account")
	}
	spec.Provider = orDefault(spec.Provider, Greenhouse)
	spec.Status = orDefault(spec.Status, "active")
	spec.OriginOwnerID = orDefault(spec.OriginOwnerID, "owner_123")
	spec.OriginOwnerName = orDefault(spec.OriginOwnerName, "Acme Corp")
	spec.Type = orDefault(spec.Type, "production")
	a := &account{
		spec: spec, created: s.now(), updated: s.now(), patched: map[string]any{},
		packages: map[Kind][]Package{Assessment: {examplePackage()}},
		records:  s.exampleRecords(),
	}
	s.accounts = append(s.accounts, a)
	return a
}

// AccountState returns an account as it is now, and false if it does not exist
// (any more).
func (s *Server) AccountState(id string) (AccountSpec, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.findAccount(id); a != nil {
		return a.spec.copied(), true
	}
	return AccountSpec{}, false
}

func (spec AccountSpec) copied() AccountSpec {
	spec.StatusReasons = append([]StatusReason(nil), spec.StatusReasons...)
	spec.SetupInformation = maps.Clone(spec.SetupInformation)
	return spec
}

func (s *Server) findAccount(id string) *account {
	for _, a := range s.accounts {
		if a.spec.ID == id {
			return a
		}
	}
	return nil
}

func unknownAccount(id string) error { return fmt.Errorf("stackonetest: unknown account %q", id) }

// wire is the account as the API shows it. Members that PATCH may write and that
// are secrets are never shown.
func (a *account) wire() map[string]any {
	spec := a.spec
	w := map[string]any{
		"id": spec.ID, "provider": spec.Provider, "provider_name": atsOf(spec.Provider).name,
		"status": spec.Status, "status_reasons": spec.wireReasons(),
		"origin_owner_id": spec.OriginOwnerID, "origin_owner_name": spec.OriginOwnerName,
		"origin_username": nullable(spec.OriginUsername), "credentials": map[string]any{},
		"setup_information": spec.SetupInformation, "label": nullable(spec.Label),
		"created_at": timestamp(a.created), "updated_at": timestamp(a.updated),
		"type": spec.Type, "shared": false,
	}
	maps.Copy(w, a.patched)
	return w
}

func (spec AccountSpec) wireReasons() []map[string]any {
	var list []map[string]any
	for _, r := range spec.StatusReasons {
		list = append(list, map[string]any{"code": nullable(r.Code), "description": nullable(r.Description), "timestamp": timestamp(r.At)})
	}
	return list
}
