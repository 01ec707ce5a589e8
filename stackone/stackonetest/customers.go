package stackonetest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// listAccounts answers an array, or the wrapped form of one guide.
func (s *Server) listAccounts(c *simkit.Call) (simkit.Reply, *Failure) {
	check := &simkit.Checker{}
	page, size := positive(check, c, "page", 1), positive(check, c, "page_size", DefaultPageSize)
	for name := range c.Query {
		if !slices.Contains([]string{"page", "page_size", "provider", "origin_owner_id", "origin_owner_ids", "providers", "account_ids", "status"}, name) {
			c.Note("unknown query parameter " + name)
		}
	}
	if failure := refused(check); failure != nil {
		return simkit.Reply{}, failure
	}
	found := s.matching(func(spec AccountSpec) bool { return spec.matches(c) })
	first := min((page-1)*size, len(found))
	found = found[first:min(first+size, len(found))]
	if s.cfg.Quirks.WrapAccounts {
		return simkit.JSONReply(http.StatusOK, map[string]any{"data": found}), nil
	}
	return simkit.JSONReply(http.StatusOK, found), nil
}

// matching returns the accounts that a filter lets through, as the API shows them.
func (w *world) matching(filter func(AccountSpec) bool) []map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := []map[string]any{}
	for a := range w.accounts.All() {
		if filter(a.spec) {
			found = append(found, a.wire())
		}
	}
	return found
}

func positive(check *simkit.Checker, call *simkit.Call, name string, otherwise int) int {
	if !call.Query.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(call.Query.Get(name))
	if err != nil || n < 1 || n > 1_000_000 {
		check.Fail(name, "must be a positive number")
		return otherwise
	}
	return n
}

// matches applies the filters. Arrays are repeated keys: a comma is part of a
// value.
func (spec AccountSpec) matches(c *simkit.Call) bool {
	for name, value := range map[string]string{
		"provider": spec.Provider, "providers": spec.Provider, "account_ids": spec.ID, "status": spec.Status,
		"origin_owner_id": spec.OriginOwnerID, "origin_owner_ids": spec.OriginOwnerID,
	} {
		wanted := c.Query[name]
		if len(wanted) > 0 && !slices.Contains(wanted, value) {
			return false
		}
		if strings.Contains(strings.Join(wanted, ""), ",") {
			c.Note("the values of " + name + " are not separated by commas: the key is repeated")
		}
	}
	return true
}

func (s *Server) getAccount(c *simkit.Call) (simkit.Reply, *Failure) {
	return s.withAccount(c, func(*account) {})
}

// withAccount answers with an account of the API, after something was done to it.
func (s *Server) withAccount(c *simkit.Call, do func(*account)) (simkit.Reply, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(c.Params["id"])
	if a == nil {
		return simkit.Reply{}, noAccount()
	}
	c.Account = a.spec.ID
	do(a)
	return simkit.JSONReply(http.StatusOK, a.wire()), nil
}

func (s *Server) updateAccount(c *simkit.Call) (simkit.Reply, *Failure) {
	var changes map[string]any
	_, failure := s.checked(c, func(o *simkit.Object) {
		changes = o.Members
		o.Texts("provider", "origin_owner_id", "origin_owner_name", "origin_username", "authentication_config_key", "environment", "label", "integration_id")
		o.Enum("type", nullable, "production", "test")
		o.Free("credentials", "setup_information", "secrets", "metadata")
		o.Flag("shared", nullable)
	})
	if failure != nil {
		return simkit.Reply{}, failure
	}
	return s.withAccount(c, func(a *account) {
		a.patch(changes)
		a.updated = s.now()
		s.leavePending(s.addAccountEvent(a, EventAccountUpdated))
	})
}

func (a *account) patch(changes map[string]any) {
	texts := map[string]*string{
		"provider": &a.spec.Provider, "origin_owner_id": &a.spec.OriginOwnerID, "origin_owner_name": &a.spec.OriginOwnerName,
		"origin_username": &a.spec.OriginUsername, "label": &a.spec.Label, "type": &a.spec.Type,
	}
	for name, value := range changes {
		if field := texts[name]; field != nil {
			*field, _ = value.(string) // a null empties it
		}
	}
	if setup, ok := changes["setup_information"].(map[string]any); ok {
		a.spec.SetupInformation = setup
	}
	if shared, ok := changes["shared"].(bool); ok {
		a.patched["shared"] = shared
	}
}

func (s *Server) deleteAccount(c *simkit.Call) (simkit.Reply, *Failure) {
	return s.withAccount(c, func(a *account) {
		s.leavePending(s.addAccountEvent(a, EventAccountDeleted))
		s.accounts.Remove(a.spec.ID)
	})
}

func (s *Server) accountMeta(c *simkit.Call) (simkit.Reply, *Failure) {
	spec, found := s.AccountState(c.Params["id"])
	if !found {
		return simkit.Reply{}, noAccount()
	}
	return simkit.JSONReply(http.StatusOK, map[string]any{"provider": spec.Provider, "category": "ats", "models": connectorModels(spec.Provider)}), nil
}

// ChangeAccount gives an account another status from the outside (credentials
// expire, an integration is disabled) and sends the event: account.error or
// account.expired for these statuses, account.updated for the others. An empty
// status stays.
func (s *Server) ChangeAccount(ctx context.Context, id, status string, reasons []StatusReason, faults ...DeliveryFault) (Delivery, error) {
	event, err := s.changeAccount(id, status, reasons)
	if err != nil {
		return Delivery{}, err
	}
	return s.Deliver(ctx, event, faults...), nil
}

func (w *world) changeAccount(id, status string, reasons []StatusReason) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(id)
	if a == nil {
		return Event{}, unknownAccount(id)
	}
	a.spec.Status, a.spec.StatusReasons, a.updated = simkit.OrDefault(status, a.spec.Status), slices.Clone(reasons), w.now()
	name := EventAccountUpdated
	switch status {
	case "error":
		name = EventAccountError
	case "expired":
		name = EventAccountExpired
	}
	return w.addAccountEvent(a, name).Event, nil
}

// DeleteAccount unlinks an account, as from the dashboard, and sends
// account.deleted. Its orders can no longer be reached through the API.
func (s *Server) DeleteAccount(ctx context.Context, id string, faults ...DeliveryFault) (Delivery, error) {
	event, err := s.AccountEvent(id, EventAccountDeleted)
	if err != nil {
		return Delivery{}, err
	}
	s.mu.Lock()
	s.accounts.Remove(id)
	s.mu.Unlock()
	return s.Deliver(ctx, event, faults...), nil
}
