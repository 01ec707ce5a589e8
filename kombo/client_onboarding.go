package kombo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// categoryAssessment is the only category of a provider's integrations. Kombo's
// default is another.
const categoryAssessment = "ASSESSMENT"

// LinkType is how long a link to the connection flow is good for.
type LinkType string

// Kombo's link types.
const (
	LinkEmbedded LinkType = "EMBEDDED"   // for the Connect SDK in the browser; an hour
	LinkMagic    LinkType = "MAGIC_LINK" // to be sent to the customer; a year
)

// LinkRequest says who is to connect which ATS
// (https://docs.kombo.dev/v1/post-connect-create-link).
type LinkRequest struct {
	// EndUserEmail and OrganizationName are the customer's; required.
	EndUserEmail     string
	OrganizationName string
	// OriginID is the provider's own id of the customer. It comes back as
	// [EndUser.OriginID]. Kombo does not tell customers apart by it: a second
	// link can make a second integration.
	OriginID string
	// Tool preselects the ATS, such as "greenhouse".
	Tool string
	// RemoteEnvironment selects an environment of the tool; only with Tool.
	RemoteEnvironment string
	// Language is en, de, fr, it or es; Kombo's default is en.
	Language string
	// ScopeConfigID selects what the integration may do.
	ScopeConfigID string
	// EnableFieldMapping lets the customer map fields.
	EnableFieldMapping bool
	// LinkType is [LinkEmbedded] if empty.
	LinkType LinkType
}

type wireLinkRequest struct {
	EndUserEmail       string `json:"end_user_email,omitempty"`
	OrganizationName   string `json:"end_user_organization_name,omitempty"`
	Category           string `json:"integration_category,omitempty"`
	Tool               string `json:"integration_tool,omitempty"`
	RemoteEnvironment  string `json:"remote_environment,omitempty"`
	OriginID           string `json:"end_user_origin_id,omitempty"`
	Language           string `json:"language,omitempty"`
	ScopeConfigID      string `json:"scope_config_id,omitempty"`
	EnableFieldMapping bool   `json:"enable_field_mapping,omitempty"`
	LinkType           string `json:"link_type,omitempty"`
}

// RelinkRequest asks for a link by which a customer renews the credentials of
// an integration or finishes its setup. Every field may be left out.
type RelinkRequest struct {
	Language      string   // en, de, fr, it or es
	ScopeConfigID string   // not for [Client.SetupLink]
	LinkType      LinkType // [LinkEmbedded] if empty
}

// ConnectedIntegration is what the connection flow's token is exchanged for.
type ConnectedIntegration struct {
	// ID is the account of the customer's orders: the argument integration of
	// every other method.
	ID   string `json:"id"`
	Tool string `json:"tool"`
	// OriginID is [LinkRequest.OriginID].
	OriginID         string `json:"end_user_origin_id"`
	OrganizationName string `json:"end_user_organization_name"`
	EndUserEmail     string `json:"end_user_email"`
	// SetupStatus is INCOMPLETE, FINAL_SYNC_PENDING or COMPLETED.
	SetupStatus string `json:"setup_status"`
}

// Integration is a customer's connection to an ATS.
type Integration struct {
	ID       string `json:"id"`
	Tool     Tool   `json:"tool"`
	Category string `json:"category"`
	// Status is ACTIVE, INVALID or INACTIVE; the webhook
	// [IntegrationStateChanged] calls it state.
	Status      string  `json:"status"`
	SetupStatus string  `json:"setup_status"`
	EndUser     EndUser `json:"end_user"`
	ScopeConfig struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"scope_config"`
	DataExpiredAt time.Time    `json:"data_expired_at"`
	CreatedAt     time.Time    `json:"created_at"`
	Beta          bool         `json:"beta"`
	ReadModels    []Capability `json:"read_models"`
	WriteActions  []Capability `json:"write_actions"`
}

// Tool is an ATS that Kombo connects to. What comes after IconURL is told by
// [Client.Tools] only.
type Tool struct {
	ID            string `json:"id"`
	Label         string `json:"label"`
	InternalLabel string `json:"internal_label"`
	LogoURL       string `json:"logo_url"`
	IconURL       string `json:"icon_url"`
	// ConnectionGuideURL is the page that leads a customer through connecting; empty
	// if there is none.
	ConnectionGuideURL string `json:"connection_guide_url,omitempty"`
	// PaidAPIDetails, FastTrackDetails and PartnerOnlyDetails say in Markdown what the
	// ATS asks of a customer or of you before it can be connected. Sanitise what you
	// render from them.
	PaidAPIDetails     string `json:"paid_api_details_markdown,omitempty"`
	FastTrackDetails   string `json:"fast_track_details_markdown,omitempty"`
	PartnerOnlyDetails string `json:"partner_only_details_markdown,omitempty"`
	// Coverage is what Kombo can do with the ATS.
	Coverage Coverage `json:"coverage,omitzero"`
}

// Coverage is what Kombo can read from an ATS, write to it, and do besides.
type Coverage struct {
	ReadModels   []Capability `json:"read_models"`
	WriteActions []Capability `json:"write_actions"`
	Features     []Capability `json:"features"`
}

// Capability is something that an integration can read or write, or a field of
// it.
type Capability struct {
	ID          string `json:"id"`
	Label       string `json:"label"`
	IsAvailable bool   `json:"is_available"`
	// CoverageStatus is SUPPORTED, UNSUPPORTED, NOT_IMPLEMENTED or UNKNOWN.
	CoverageStatus string `json:"coverage_status"`
	// ScopeConfigSetting is ENABLED, DISABLED or OPTIONAL.
	ScopeConfigSetting string       `json:"scope_config_setting"`
	OptedOutByCustomer bool         `json:"opted_out_by_customer"`
	Fields             []Capability `json:"fields"`
}

// CheckAPIKey asks whether the API key is good and returns the id of its
// environment.
func (c *Client) CheckAPIKey(ctx context.Context) (environmentID string, err error) {
	got, err := request[struct {
		EnvironmentID string `json:"environment_id"`
	}](ctx, c, "GET /check-api-key", http.MethodGet, nil, "check-api-key")
	return got.EnvironmentID, err
}

// CreateLink makes a link by which a customer connects an ATS, in the category
// ASSESSMENT. A link already made does no harm, so a call whose answer was lost
// can be made again.
func (c *Client) CreateLink(ctx context.Context, r LinkRequest) (link string, err error) {
	var problems assessment.ValidationError
	if r.EndUserEmail == "" {
		problems.Add("end_user_email", "required")
	}
	if r.OrganizationName == "" {
		problems.Add("end_user_organization_name", "required")
	}
	if r.RemoteEnvironment != "" && r.Tool == "" {
		problems.Add("remote_environment", "only together with a tool")
	}
	if err := problems.Err(); err != nil {
		return "", err
	}
	return c.link(ctx, "POST /connect/create-link", wireLinkRequest{
		EndUserEmail:       r.EndUserEmail,
		OrganizationName:   r.OrganizationName,
		Category:           categoryAssessment,
		Tool:               r.Tool,
		RemoteEnvironment:  r.RemoteEnvironment,
		OriginID:           r.OriginID,
		Language:           r.Language,
		ScopeConfigID:      r.ScopeConfigID,
		EnableFieldMapping: r.EnableFieldMapping,
		LinkType:           string(r.LinkType),
	}, "connect", "create-link")
}

// IntegrationByToken exchanges the token that the connection flow hands back
// for the integration. [EventIntegrationCreated] arrives too, before or after.
func (c *Client) IntegrationByToken(ctx context.Context, token string) (ConnectedIntegration, error) {
	return request[ConnectedIntegration](ctx, c, "GET /connect/integration-by-token/{token}",
		http.MethodGet, nil, "connect", "integration-by-token", token)
}

// Integration returns a customer's integration.
func (c *Client) Integration(ctx context.Context, integration string) (Integration, error) {
	return request[Integration](ctx, c, "GET /integrations/{id}", http.MethodGet, nil, "integrations", integration)
}

// DeleteIntegration deletes a customer's integration for good.
func (c *Client) DeleteIntegration(ctx context.Context, integration string) error {
	call, err := onboardingCall("DELETE /integrations/{id}", http.MethodDelete, struct{}{}, "integrations", integration)
	if err != nil {
		return err
	}
	_, err = c.write(ctx, call)
	var failure *assessment.APIError
	if errors.As(err, &failure) && failure.Uncertain && findCode(failure.Code).class == notFound {
		return nil // an attempt before was carried out, and its answer lost
	}
	return err
}

// SetEnabled pauses an integration or lets it go on.
func (c *Client) SetEnabled(ctx context.Context, integration string, enabled bool) error {
	call, err := onboardingCall("PUT /integrations/{id}/enabled", http.MethodPut, struct {
		Value bool `json:"value"`
	}{enabled}, "integrations", integration, "enabled")
	if err != nil {
		return err
	}
	_, err = c.write(ctx, call)
	return err
}

// Relink makes a link by which a customer renews the credentials of an
// integration that stays the same.
func (c *Client) Relink(ctx context.Context, integration string, r RelinkRequest) (link string, err error) {
	return c.link(ctx, "POST /integrations/{id}/relink", wireLinkRequest{
		Language: r.Language, ScopeConfigID: r.ScopeConfigID, LinkType: string(r.LinkType),
	}, "integrations", integration, "relink")
}

// SetupLink makes a link by which a customer finishes the setup of an
// integration. Where there is no such step the error matches
// [assessment.ErrInvalid].
func (c *Client) SetupLink(ctx context.Context, integration string, r RelinkRequest) (link string, err error) {
	if r.LinkType == "" {
		r.LinkType = LinkEmbedded // required here, unlike elsewhere
	}
	return c.link(ctx, "POST /integrations/{id}/setup-link", wireLinkRequest{
		Language: r.Language, LinkType: string(r.LinkType),
	}, "integrations", integration, "setup-link")
}

// Tools lists the ATSs that a customer can connect in the category ASSESSMENT, with
// what Kombo covers of each and the guide for connecting it.
func (c *Client) Tools(ctx context.Context) ([]Tool, error) {
	type entry struct {
		Tool
		Assets struct {
			LogoURL string `json:"logo_url"`
			IconURL string `json:"icon_url"`
		} `json:"assets"`
	}
	got, err := request[struct {
		Tools []entry `json:"tools"`
	}](ctx, c, "GET /tools/{category}", http.MethodGet, nil, "tools", "assessment")
	tools := make([]Tool, len(got.Tools))
	for i, t := range got.Tools {
		tools[i] = t.Tool
		tools[i].LogoURL, tools[i].IconURL = t.Assets.LogoURL, t.Assets.IconURL
	}
	return tools, err
}

// errNoLink: a success that holds nothing to give to the customer.
var errNoLink = errors.New("the answer holds no link")

func (c *Client) link(ctx context.Context, operation string, body wireLinkRequest, path ...string) (string, error) {
	got, err := request[struct {
		Link string `json:"link"`
	}](ctx, c, operation, http.MethodPost, body, path...)
	if err == nil && got.Link == "" {
		err = &assessment.APIError{
			Vendor: assessment.Kombo, Operation: operation, StatusCode: http.StatusOK, Attempts: 1, Cause: errNoLink,
		}
	}
	return got.Link, err
}

// request makes a call that names no integration in its header and returns the
// data of the answer.
func request[T any](ctx context.Context, c *Client, operation, method string, body any, path ...string) (T, error) {
	call, err := onboardingCall(operation, method, body, path...)
	if err != nil {
		var zero T
		return zero, err
	}
	return read[T](ctx, c, call)
}

// onboardingCall builds such a call. All of them end in the same state when they
// are made twice, so that they may be repeated: a second link replaces none.
func onboardingCall(operation, method string, body any, path ...string) (transport.Call, error) {
	var problems assessment.ValidationError
	for i, element := range path {
		if element == "" {
			name := "token"
			if path[i-1] == "integrations" {
				name = "integration"
			}
			problems.Add(name, "required")
		}
	}
	if err := problems.Err(); err != nil {
		return transport.Call{}, err
	}
	call := transport.Call{Operation: operation, Method: method, Path: path, Repeat: transport.Same}
	if body == nil {
		return call, nil
	}
	var err error
	if call.Body, err = json.Marshal(body); err != nil {
		return call, fmt.Errorf("kombo: encode request: %w", err)
	}
	return call, nil
}
