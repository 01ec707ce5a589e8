package kombotest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

const linkBase = "https://connect.kombo.dev/v1?token="

// How long links are valid: https://docs.kombo.dev/hris/implementation-guide/connection-setup
const (
	embeddedLifetime  = time.Hour
	magicLinkLifetime = 365 * 24 * time.Hour
)

// link is a page of the connection flow that waits for the customer.
type link struct {
	spec      IntegrationSpec
	relinks   string // the integration that gets new credentials or setup; empty: a new one
	expiresAt time.Time
}

// Connection is the outcome of a customer finishing the connection flow.
type Connection struct {
	// Token is what the Connect SDK hands to the provider's page, to be exchanged
	// by [OpIntegrationByToken].
	Token string
	// Integration is its id, the value of X-Integration-Id.
	Integration string
	// Delivery is the answer to integration-created, or for a relink to
	// integration-state-changed.
	Delivery Delivery
}

// ConnectSpec says how the customer finishes the connection flow.
type ConnectSpec struct {
	// Link is the one returned by create-link, relink or setup-link; empty: the
	// customer arrives without one, and Integration describes the outcome.
	Link string
	// Integration fills in what the link leaves open, such as the tool the customer
	// picks and the id.
	Integration IntegrationSpec
}

// Connect plays the customer finishing the connection flow: it creates the
// integration, or repairs the one of a relink, sends the event and returns the
// token. Like Kombo it does not deduplicate: a second link makes a second
// integration. It fails if the link is unknown or has expired.
func (s *Server) Connect(ctx context.Context, spec ConnectSpec, faults ...DeliveryFault) (Connection, error) {
	page, err := s.openLink(spec.Link)
	if err != nil {
		return Connection{}, err
	}
	id, event, err := s.finishFlow(page, spec.Integration)
	if err != nil {
		return Connection{}, err
	}
	token := s.issueToken(id)
	return Connection{Token: token, Integration: id, Delivery: s.Deliver(ctx, event, faults...)}, nil
}

func (w *world) openLink(text string) (link, error) {
	if text == "" {
		return link{}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return link{}, fmt.Errorf("kombotest: not a link of the connection flow: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	page, found := w.links[u.Query().Get("token")]
	if !found {
		return link{}, errors.New("kombotest: unknown link of the connection flow")
	}
	if w.now().After(page.expiresAt) {
		return link{}, errors.New("kombotest: the link of the connection flow has expired")
	}
	return *page, nil
}

func (w *world) finishFlow(page link, choice IntegrationSpec) (id string, event Event, err error) {
	if page.relinks != "" {
		repaired := StateChange{State: StateActive, SetupStatus: "COMPLETED"}
		if err := w.changeState(page.relinks, repaired); err != nil {
			return "", Event{}, err
		}
		event, err = w.StateChangedEvent(page.relinks)
		return page.relinks, event, err
	}
	id, err = w.Integration(page.merge(choice))
	if err != nil {
		return "", Event{}, err
	}
	event, err = w.IntegrationCreatedEvent(id)
	return id, event, err
}

// merge puts what the link fixes over what the customer chooses.
func (l link) merge(choice IntegrationSpec) IntegrationSpec {
	choice.Tool = simkit.OrDefault(l.spec.Tool, choice.Tool)
	choice.Category = simkit.OrDefault(l.spec.Category, choice.Category)
	choice.EndUser = simkit.OrDefault(l.spec.EndUser, choice.EndUser)
	return choice
}

func (w *world) issueToken(integration string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	token := w.newID("token")
	w.tokens[token] = integration
	return token
}

func (s *Server) createLink(c *simkit.Call) (answer, *refusal) {
	var page link
	var linkType string
	if problem := checked(c, func(body *simkit.Object) { page.spec, linkType = readLinkRequest(body) }); problem != nil {
		return answer{}, problem
	}
	return s.linkAnswer(page, linkType), nil
}

func readLinkRequest(o *simkit.Object) (IntegrationSpec, string) {
	spec := IntegrationSpec{
		EndUser: EndUser{
			CreatorEmail:     o.Email("end_user_email", simkit.Required),
			OrganizationName: o.Text("end_user_organization_name", simkit.Required),
			OriginID:         o.Text("end_user_origin_id", simkit.OptionalOrNull),
		},
		Category: simkit.OrDefault(o.Enum("integration_category", simkit.Optional, categories...), "HRIS"),
		Tool:     o.Text("integration_tool", simkit.OptionalOrNull),
	}
	for _, name := range []string{"end_user_organization_name", "end_user_origin_id"} {
		if o.Members[name] == "" {
			o.Fail(o.At(name), "must not be empty")
		}
	}
	if o.Text("remote_environment", simkit.OptionalOrNull) != "" && spec.Tool == "" {
		o.Fail(o.At("remote_environment"), "needs integration_tool")
	}
	o.Enum("language", simkit.OptionalOrNull, languages...)
	o.Text("scope_config_id", simkit.OptionalOrNull)
	o.Flag("enable_filtering", simkit.Optional)
	o.Flag("enable_field_mapping", simkit.Optional)
	return spec, o.Enum("link_type", simkit.Optional, linkTypes...)
}

func (s *Server) linkAnswer(page link, linkType string) answer {
	lifetime := embeddedLifetime
	if linkType == "MAGIC_LINK" {
		lifetime = magicLinkLifetime
	}
	return answer{data: map[string]string{"link": linkBase + s.addLink(page, lifetime)}}
}

// addLink opens a page of the connection flow and returns its token.
func (w *world) addLink(page link, lifetime time.Duration) string {
	page.expiresAt = w.now().Add(lifetime)
	w.mu.Lock()
	defer w.mu.Unlock()
	token := w.newID("link")
	w.links[token] = &page
	return token
}

func (s *Server) relink(c *simkit.Call) (answer, *refusal) {
	if _, problem := s.selected(c); problem != nil {
		return answer{}, problem
	}
	return s.integrationLink(c, simkit.Optional)
}

func (s *Server) setupLink(c *simkit.Call) (answer, *refusal) {
	i, problem := s.selected(c)
	if problem != nil {
		return answer{}, problem
	}
	if !i.spec.HasSetup && i.spec.SetupStatus == "COMPLETED" {
		return answer{}, refuse(codeInputInvalid, "The integration has no setup step.")
	}
	return s.integrationLink(c, simkit.Required)
}

func (s *Server) integrationLink(c *simkit.Call, need simkit.Need) (answer, *refusal) {
	var linkType string
	if problem := checked(c, func(body *simkit.Object) {
		linkType = body.Enum("link_type", need, linkTypes...)
		body.Enum("language", simkit.OptionalOrNull, languages...)
		body.Text("scope_config_id", simkit.OptionalOrNull)
	}); problem != nil {
		return answer{}, problem
	}
	return s.linkAnswer(link{relinks: c.Account}, linkType), nil
}

func (s *Server) integrationByToken(c *simkit.Call) (answer, *refusal) {
	spec, found := s.connected(c.Params["token"])
	if !found {
		return answer{}, refuse(s.cfg.Quirks.UnknownTokenCode, "There is no such token.")
	}
	return answer{data: map[string]any{
		"tool":                       spec.Tool,
		"id":                         spec.ID,
		"end_user_origin_id":         simkit.Nullable(spec.EndUser.OriginID),
		"end_user_organization_name": spec.EndUser.OrganizationName,
		"end_user_email":             simkit.Nullable(spec.EndUser.CreatorEmail),
		"setup_status":               spec.SetupStatus,
	}}, nil
}

// connected returns the integration that a connection token was issued for.
func (w *world) connected(token string) (IntegrationSpec, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, found := w.integrations[w.tokens[token]]; found {
		return i.spec, true
	}
	return IntegrationSpec{}, false
}
