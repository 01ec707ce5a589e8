package stackonetest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listAccounts answers an array, or the wrapped form of one guide.
func (s *Server) listAccounts(c *call) (reply, *Failure) {
	check := &checker{}
	page, size := check.positive(c, "page", 1), check.positive(c, "page_size", DefaultPageSize)
	for name := range c.query {
		if !slices.Contains([]string{"page", "page_size", "provider", "origin_owner_id", "origin_owner_ids", "providers", "account_ids", "status"}, name) {
			c.note("unknown query parameter " + name)
		}
	}
	if failure := check.failure(); failure != nil {
		return reply{}, failure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []map[string]any{}
	for _, a := range s.accounts {
		if a.spec.matches(c) {
			found = append(found, a.wire())
		}
	}
	first := min((page-1)*size, len(found))
	found = found[first:min(first+size, len(found))]
	if s.cfg.Quirks.WrapAccounts {
		return jsonReply(http.StatusOK, map[string]any{"data": found}), nil
	}
	return jsonReply(http.StatusOK, found), nil
}

func (c *checker) positive(call *call, name string, otherwise int) int {
	if !call.query.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(call.query.Get(name))
	if err != nil || n < 1 || n > 1_000_000 {
		c.fail(name, "must be a positive number")
		return otherwise
	}
	return n
}

// matches applies the filters. Arrays are repeated keys: a comma is part of a
// value.
func (spec AccountSpec) matches(c *call) bool {
	for name, value := range map[string]string{
		"provider": spec.Provider, "providers": spec.Provider, "account_ids": spec.ID, "status": spec.Status,
		"origin_owner_id": spec.OriginOwnerID, "origin_owner_ids": spec.OriginOwnerID,
	} {
		wanted := c.query[name]
		if len(wanted) > 0 && !slices.Contains(wanted, value) {
			return false
		}
		if strings.Contains(strings.Join(wanted, ""), ",") {
			c.note("the values of " + name + " are not separated by commas: the key is repeated")
		}
	}
	return true
}

func (s *Server) getAccount(c *call) (reply, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, failure := s.accountOf(c)
	if failure != nil {
		return reply{}, failure
	}
	return jsonReply(http.StatusOK, a.wire()), nil
}

func (s *Server) accountOf(c *call) (*account, *Failure) {
	if a := s.findAccount(c.params["id"]); a != nil {
		return a, nil
	}
	return nil, failed(http.StatusNotFound, "Account not found")
}

func (s *Server) updateAccount(c *call) (reply, *Failure) {
	var changes map[string]any
	_, failure := s.checked(c, func(o *object) {
		changes = o.members
		o.texts("provider", "origin_owner_id", "origin_owner_name", "origin_username", "authentication_config_key", "environment", "label", "integration_id")
		o.oneOf("type", "production", "test")
		o.free("credentials", "setup_information", "secrets", "metadata")
		if v, ok := o.get("shared"); ok {
			if _, isFlag := v.(bool); !isFlag {
				o.fail("shared", "must be a boolean")
			}
		}
	})
	if failure != nil {
		return reply{}, failure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, failure := s.accountOf(c)
	if failure != nil {
		return reply{}, failure
	}
	a.patch(changes)
	a.updated = s.now()
	s.addAccountEvent(a, EventAccountUpdated).pending = true
	return jsonReply(http.StatusOK, a.wire()), nil
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

func (s *Server) deleteAccount(c *call) (reply, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, failure := s.accountOf(c)
	if failure != nil {
		return reply{}, failure
	}
	s.addAccountEvent(a, EventAccountDeleted).pending = true
	s.removeAccount(a.spec.ID)
	return jsonReply(http.StatusOK, a.wire()), nil
}

func (s *Server) removeAccount(id string) {
	s.accounts = slices.DeleteFunc(s.accounts, func(a *account) bool { return a.spec.ID == id })
}

func (s *Server) accountMeta(c *call) (reply, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, failure := s.accountOf(c)
	if failure != nil {
		return reply{}, failure
	}
	return jsonReply(http.StatusOK, map[string]any{"provider": a.spec.Provider, "category": "ats", "models": connectorModels(a.spec.Provider)}), nil
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

func (s *Server) changeAccount(id, status string, reasons []StatusReason) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(id)
	if a == nil {
		return Event{}, unknownAccount(id)
	}
	a.spec.Status, a.spec.StatusReasons, a.updated = orDefault(status, a.spec.Status), slices.Clone(reasons), s.now()
	name := EventAccountUpdated
	switch status {
	case "error":
		name = EventAccountError
	case "expired":
		name = EventAccountExpired
	}
	return s.addAccountEvent(a, name).Event, nil
}

// DeleteAccount unlinks an account, as from the dashboard, and sends
// account.deleted. Its orders can no longer be reached through the API.
func (s *Server) DeleteAccount(ctx context.Context, id string, faults ...DeliveryFault) (Delivery, error) {
	event, err := s.AccountEvent(id, EventAccountDeleted)
	if err != nil {
		return Delivery{}, err
	}
	s.mu.Lock()
	s.removeAccount(id)
	s.mu.Unlock()
	return s.Deliver(ctx, event, faults...), nil
}
