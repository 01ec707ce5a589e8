package kombotest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
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

func (s *Server) openLink(text string) (link, error) {
	if text == "" {
		return link{}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return link{}, fmt.Errorf("kombotest: not a link of the connection flow: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page, found := s.links[u.Query().Get("token")]
	if !found {
		return link{}, errors.New("kombotest: unknown link of the connection flow")
	}
	if s.now().After(page.expiresAt) {
		return link{}, errors.New("kombotest: the link of the connection flow has expired")
	}
	return *page, nil
}

func (s *Server) finishFlow(page link, choice IntegrationSpec) (id string, event Event, err error) {
	if page.relinks != "" {
		repaired := StateChange{State: StateActive, SetupStatus: "COMPLETED"}
		if err := s.changeState(page.relinks, repaired); err != nil {
			return "", Event{}, err
		}
		event, err = s.StateChangedEvent(page.relinks)
		return page.relinks, event, err
	}
	id, err = s.Integration(page.merge(choice))
	if err != nil {
		return "", Event{}, err
	}
	event, err = s.IntegrationCreatedEvent(id)
	return id, event, err
}

// merge puts what the link fixes over what the customer chooses.
func (l link) merge(choice IntegrationSpec) IntegrationSpec {
	choice.Tool = orDefault(l.spec.Tool, choice.Tool)
	choice.Category = orDefault(l.spec.Category, choice.Category)
	choice.EndUser = orDefault(l.spec.EndUser, choice.EndUser)
	return choice
}

func (s *Server) issueToken(integration string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.nextID("token")
	s.tokens[token] = integration
	return token
}

func (s *Server) createLink(_ context.Context, c *call) (answer, *refusal) {
	check := &checker{}
	var page link
	var linkType string
	if body := c.bodyObject(check); body != nil {
		page.spec, linkType = readLinkRequest(body)
		body.done()
	}
	c.noteUnknown(check)
	if problem := check.refusal(); problem != nil {
		return answer{}, problem
	}
	return s.linkAnswer(page, linkType), nil
}

func readLinkRequest(o *object) (IntegrationSpec, string) {
	spec := IntegrationSpec{
		EndUser: EndUser{
			CreatorEmail:     o.email("end_user_email", required),
			OrganizationName: o.text("end_user_organization_name", required),
			OriginID:         o.text("end_user_origin_id", optionalOrNull),
		},
		Category: orDefault(o.enum("integration_category", optional, categories...), "HRIS"),
		Tool:     o.text("integration_tool", optionalOrNull),
	}
	for _, name := range []string{"end_user_organization_name", "end_user_origin_id"} {
		if o.members[name] == "" {
			o.fail(o.at(name), "must not be empty")
		}
	}
	if o.text("remote_environment", optionalOrNull) != "" && spec.Tool == "" {
		o.fail(o.at("remote_environment"), "needs integration_tool")
	}
	o.enum("language", optionalOrNull, languages...)
	o.text("scope_config_id", optionalOrNull)
	o.flag("enable_filtering", optional)
	o.flag("enable_field_mapping", optional)
	return spec, o.enum("link_type", optional, linkTypes...)
}

func (s *Server) linkAnswer(page link, linkType string) answer {
	page.expiresAt = s.now().Add(embeddedLifetime)
	if linkType == "MAGIC_LINK" {
		page.expiresAt = s.now().Add(magicLinkLifetime)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.nextID("link")
	s.links[token] = &page
	return answer{data: map[string]string{"link": linkBase + token}}
}

func (s *Server) relink(_ context.Context, c *call) (answer, *refusal) {
	if _, problem := s.selected(c); problem != nil {
		return answer{}, problem
	}
	return s.integrationLink(c, optional)
}

func (s *Server) setupLink(_ context.Context, c *call) (answer, *refusal) {
	i, problem := s.selected(c)
	if problem != nil {
		return answer{}, problem
	}
	if !i.spec.HasSetup && i.spec.SetupStatus == "COMPLETED" {
		return answer{}, refuse(codeInputInvalid, "The integration has no setup step.")
	}
	return s.integrationLink(c, required)
}

func (s *Server) integrationLink(c *call, linkTypeNeed need) (answer, *refusal) {
	check := &checker{}
	var linkType string
	if body := c.bodyObject(check); body != nil {
		linkType = body.enum("link_type", linkTypeNeed, linkTypes...)
		body.enum("language", optionalOrNull, languages...)
		body.text("scope_config_id", optionalOrNull)
		body.done()
	}
	c.noteUnknown(check)
	if problem := check.refusal(); problem != nil {
		return answer{}, problem
	}
	return s.linkAnswer(link{relinks: c.integration}, linkType), nil
}

func (s *Server) integrationByToken(_ context.Context, c *call) (answer, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.integrations[s.tokens[c.params["token"]]]
	if !found {
		return answer{}, refuse(s.cfg.Quirks.UnknownTokenCode, "There is no such token.")
	}
	return answer{data: map[string]any{
		"tool":                       i.spec.Tool,
		"id":                         i.spec.ID,
		"end_user_origin_id":         nullable(i.spec.EndUser.OriginID),
		"end_user_organization_name": i.spec.EndUser.OrganizationName,
		"end_user_email":             nullable(i.spec.EndUser.CreatorEmail),
		"setup_status":               i.spec.SetupStatus,
	}}, nil
}
