package stackonetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

func (s *Server) createConnectSession(c *simkit.Call) (simkit.Reply, *Failure) {
	var request map[string]any
	expiresIn := float64(defaultSessionLife)
	_, failure := s.checked(c, func(o *simkit.Object) {
		request = o.Members
		expiresIn = readSession(o)
	})
	if failure != nil {
		return simkit.Reply{}, failure
	}
	answer, failure := s.openSession(request, time.Duration(expiresIn*float64(time.Second)))
	if failure != nil {
		return simkit.Reply{}, failure
	}
	return simkit.JSONReply(http.StatusCreated, answer), nil
}

// openSession opens a connect session and returns it as the API shows it.
func (w *world) openSession(request map[string]any, life time.Duration) (map[string]any, *Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := simkit.TextAt(request, "account_id")
	if id != "" && w.account(id) == nil {
		return nil, noAccount()
	}
	token := w.ids.UUID("session token")
	w.sessions[token] = &session{request: request, account: id, expires: w.now().Add(life)}
	return w.sessionAnswer(request, token), nil
}

func readSession(o *simkit.Object) (expiresIn float64) {
	demand(o, "origin_owner_id", "origin_owner_name")
	// connector_profile_id and integration_id are two names of one thing.
	o.Texts("origin_owner_id", "origin_owner_name", "origin_username", "provider", "provider_version", "account_id", "label", "integration_id", "connector_profile_id")
	if o.Given("provider_version") && !o.Given("provider") {
		o.Fail("provider_version", "must be used together with provider")
	}
	listed, _ := o.List("categories", nullable)
	for i, item := range listed {
		name := fmt.Sprintf("categories[%d]", i)
		entry := &simkit.Object{Checker: o.Checker, Path: "body", Members: map[string]any{name: item}}
		entry.Enum(name, nullable, categories()...)
	}
	o.Enum("type", nullable, "production", "test")
	o.Free("metadata")
	o.Flag("multiple", nullable)
	v, ok := o.Get("expires_in", nullable)
	if !ok {
		return defaultSessionLife
	}
	number, _ := v.(json.Number)
	seconds, err := number.Float64()
	if err != nil || seconds <= 0 || seconds > 1e9 {
		o.Fail("expires_in", "must be a positive number of seconds")
	}
	return seconds
}

// sessionAnswer. The caller holds w.mu.
func (w *world) sessionAnswer(request map[string]any, token string) map[string]any {
	answer := map[string]any{
		"id": len(w.sessions), "organization_id": "1234", "project_id": w.cfg.ProjectID,
		"created_at": timestamp(w.now()), "token": token, "auth_link_url": "https://app.stackone.com/embedded/accounts/connect/" + token,
		"external_trigger_token": w.ids.UUID("trigger token"), "type": "production",
	}
	for _, name := range []string{"origin_owner_id", "origin_owner_name", "origin_username", "categories", "provider", "account_id", "label", "metadata", "type", "integration_id"} {
		if value, sent := request[name]; sent && value != nil {
			answer[name] = value
		}
	}
	if w.quirks.NumericOrganizationID {
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

func (w *world) connect(token string, spec AccountSpec) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	session := w.sessions[token]
	if session == nil || !w.now().Before(session.expires) {
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
	if a := w.edited(session, spec); a != nil {
		a.spec.Status, a.spec.StatusReasons, a.updated = "active", nil, w.now()
		return w.addAccountEvent(a, EventAccountUpdated).Event, nil
	}
	if spec.ID != "" && w.account(spec.ID) != nil {
		return Event{}, fmt.Errorf("stackonetest: account %q exists already", spec.ID)
	}
	return w.addAccountEvent(w.addAccount(spec), EventAccountCreated).Event, nil
}

// edited is the account that the session opens, if it opens one.
func (w *world) edited(session *session, spec AccountSpec) *account {
	if session.account != "" {
		return w.account(session.account)
	}
	if session.request["multiple"] == true {
		return nil
	}
	for a := range w.accounts.All() {
		same := a.spec.OriginOwnerID == spec.OriginOwnerID && a.spec.OriginOwnerName == spec.OriginOwnerName
		if same && a.spec.Provider == simkit.OrDefault(spec.Provider, Greenhouse) {
			return a
		}
	}
	return nil
}
