package stackonetest

import (
	"fmt"
	"maps"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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
	packages map[Kind]*packageTable
	records  map[Model]*recordTable
}

// Account links an account without a connect session and without an event, and
// returns its id. It fails if the id is taken.
func (w *world) Account(spec AccountSpec) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if spec.ID != "" && w.account(spec.ID) != nil {
		return "", fmt.Errorf("stackonetest: account %q exists already", spec.ID)
	}
	return w.addAccount(spec).spec.ID, nil
}

func (w *world) addAccount(spec AccountSpec) *account {
	if spec.ID == "" {
		spec.ID = w.newNumber("account")
	}
	spec.Provider = simkit.OrDefault(spec.Provider, Greenhouse)
	spec.Status = simkit.OrDefault(spec.Status, "active")
	spec.OriginOwnerID = simkit.OrDefault(spec.OriginOwnerID, "owner_123")
	spec.OriginOwnerName = simkit.OrDefault(spec.OriginOwnerName, "Acme Corp")
	spec.Type = simkit.OrDefault(spec.Type, "production")
	a := &account{
		spec: spec, created: w.now(), updated: w.now(), patched: map[string]any{},
		packages: map[Kind]*packageTable{Assessment: packagesOf(examplePackage())},
		records:  map[Model]*recordTable{},
	}
	for model, records := range w.exampleRecords() {
		for _, record := range records {
			a.addRecord(model, record)
		}
	}
	w.accounts.Add(a, spec.ID)
	return a
}

// AccountState returns an account as it is now, and false if it does not exist
// (any more).
func (w *world) AccountState(id string) (AccountSpec, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a := w.account(id); a != nil {
		return a.spec.copied(), true
	}
	return AccountSpec{}, false
}

func (spec AccountSpec) copied() AccountSpec {
	spec.StatusReasons = append([]StatusReason(nil), spec.StatusReasons...)
	spec.SetupInformation = maps.Clone(spec.SetupInformation)
	return spec
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
		"origin_username": simkit.Nullable(spec.OriginUsername), "credentials": map[string]any{},
		"setup_information": spec.SetupInformation, "label": simkit.Nullable(spec.Label),
		"created_at": timestamp(a.created), "updated_at": timestamp(a.updated),
		"type": spec.Type, "shared": false,
	}
	maps.Copy(w, a.patched)
	return w
}

func (spec AccountSpec) wireReasons() []map[string]any {
	var list []map[string]any
	for _, r := range spec.StatusReasons {
		list = append(list, map[string]any{"code": simkit.Nullable(r.Code), "description": simkit.Nullable(r.Description), "timestamp": timestamp(r.At)})
	}
	return list
}
