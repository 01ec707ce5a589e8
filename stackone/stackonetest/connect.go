package stackonetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// session is a connect session: https://docs.stackone.com/platform/connect-your-backend-with-stackone
type session struct {
	request map[string]any
	account string // to be edited; empty: a new one
	expires time.Time
}

const defaultSessionLife = 1800 // seconds

// categories are the documented values; the spec's example spells two of them
// otherwise.
func categories() []string {
	return []string{"ats", "hris", "hris-legacy", "crm", "iam", "marketing", "lms", "stackone", "documents",
		"ticketing", "screening", "messaging", "accounting", "scheduling"}
}

func (s *Server) createConnectSession(c *call) (reply, *Failure) {
	var request map[string]any
	expiresIn := float64(defaultSessionLife)
	_, failure := s.checked(c, func(o *object) {
		request = o.members
		expiresIn = readSession(o)
	})
	if failure != nil {
		return reply{}, failure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := request["account_id"].(string)
	if id != "" && s.findAccount(id) == nil {
		return reply{}, failed(http.StatusNotFound, "Account not found")
	}
	token := s.nextUUID("session token")
	s.sessions[token] = &session{request: request, account: id, expires: s.now().Add(time.Duration(expiresIn * float64(time.Second)))}
	return jsonReply(http.StatusCreated, s.sessionAnswer(request, token)), nil
}

func readSession(o *object) (expiresIn float64) {
	o.require("origin_owner_id", "origin_owner_name")
	// connector_profile_id and integration_id are two names of one thing.
	o.texts("origin_owner_id", "origin_owner_name", "origin_username", "provider", "provider_version", "account_id", "label", "integration_id", "connector_profile_id")
	if o.has("provider_version") && !o.has("provider") {
		o.fail("provider_version", "must be used together with provider")
	}
	for i, item := range o.list("categories") {
		entry := &object{checker: o.checker, path: "body", members: map[string]any{fmt.Sprintf("categories[%d]", i): item}}
		entry.oneOf(fmt.Sprintf("categories[%d]", i), categories()...)
	}
	o.oneOf("type", "production", "test")
	o.free("metadata")
	if v, ok := o.get("multiple"); ok {
		if _, isFlag := v.(bool); !isFlag {
			o.fail("multiple", "must be a boolean")
		}
	}
	v, ok := o.get("expires_in")
	if !ok {
		return defaultSessionLife
	}
	number, _ := v.(json.Number)
	seconds, err := number.Float64()
	if err != nil || seconds <= 0 || seconds > 1e9 {
		o.fail("expires_in", "must be a positive number of seconds")
	}
	return seconds
}

// sessionAnswer. The caller holds s.mu.
func (s *Server) sessionAnswer(request map[string]any, token string) map[string]any {
	answer := map[string]any{
		"id": len(s.sessions), "organization_id": "1234", "project_id": s.cfg.ProjectID,
		"created_at": timestamp(s.now()), "token": token, "auth_link_url": "https://app.stackone.com/embedded/accounts/connect/" + token,
		"external_trigger_token": s.nextUUID("trigger token"), "type": "production",
	}
	for _, name := range []string{"origin_owner_id", "origin_owner_name", "origin_username", "categories", "provider", "account_id", "label", "metadata", "type", "integration_id"} {
		if value, sent := request[name]; sent && value != nil {
			answer[name] = value
		}
	}
	if s.cfg.Quirks.NumericOrganizationID {
		answer["organization_id"] = 1234
	}
	return answer
}

// Connection is the outcome of a customer finishing the Hub.
type Connection struct {
	// Account is its id, the value of x-account-id.
	Account string
	// Delivery is the answer to account.created, or to account.updated if the session
	// edited an account.
	Delivery Delivery
}

// Connect plays the customer finishing a connect session, given by its token: the
// account is created or edited, and the event is sent. A known owner and provider
// open the account they have, unless the session says multiple. The spec fills in
// what the session leaves open, such as the id and the ATS that the customer
// picks. It fails if the session is unknown or has expired.
func (s *Server) Connect(ctx context.Context, token string, spec AccountSpec, faults ...DeliveryFault) (Connection, error) {
	event, err := s.connect(token, spec)
	if err != nil {
		return Connection{}, err
	}
	return Connection{Account: event.Account, Delivery: s.Deliver(ctx, event, faults...)}, nil
}

func (s *Server) connect(token string, spec AccountSpec) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.sessions[token]
	if session == nil || !s.now().Before(session.expires) {
		return Event{}, fmt.Errorf("stackonetest: no such connect session, or it has expired")
	}
	for name, field := range map[string]*string{
		"origin_owner_id": &spec.OriginOwnerID, "origin_owner_name": &spec.OriginOwnerName,
		"origin_username": &spec.OriginUsername, "provider": &spec.Provider, "label": &spec.Label, "type": &spec.Type,
	} {
		if text, ok := session.request[name].(string); ok {
			*field = text
		}
	}
	if a := s.edited(session, spec); a != nil {
		a.spec.Status, a.spec.StatusReasons, a.updated = "active", nil, s.now()
		return s.addAccountEvent(a, EventAccountUpdated).Event, nil
	}
	if spec.ID != "" && s.findAccount(spec.ID) != nil {
		return Event{}, fmt.Errorf("stackonetest: account %q exists already", spec.ID)
	}
	return s.addAccountEvent(s.addAccount(spec), EventAccountCreated).Event, nil
}

// edited is the account that the session opens, if it opens one.
func (s *Server) edited(session *session, spec AccountSpec) *account {
	if session.account != "" {
		return s.findAccount(session.account)
	}
	if session.request["multiple"] == true {
		return nil
	}
	for _, a := range s.accounts {
		same := a.spec.OriginOwnerID == spec.OriginOwnerID && a.spec.OriginOwnerName == spec.OriginOwnerName
		if same && a.spec.Provider == orDefault(spec.Provider, Greenhouse) {
			return a
		}
	}
	return nil
}
