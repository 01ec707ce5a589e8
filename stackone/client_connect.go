package stackone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// ConnectRequest says who is to connect which ATS
// (https://docs.stackone.com/platform/connect-your-backend-with-stackone).
// Owner id, owner name and provider together decide: a known combination opens
// the account that there is.
type ConnectRequest struct {
	// OriginOwnerID and OriginOwnerName are the provider's own id and name of the
	// customer; required. Take them from the session of the server, never from
	// the browser.
	OriginOwnerID, OriginOwnerName string
	OriginUsername                 string
	// Provider opens the Hub on this ATS, such as "greenhouse".
	Provider string
	// ProviderVersion is only for use with Provider.
	ProviderVersion string
	// Categories restrict what is offered; ["ats"] for ATSs.
	Categories []string
	// AccountID edits an existing account.
	AccountID string
	// ExpiresIn is how long the session is good, in whole seconds; half an hour
	// if zero.
	ExpiresIn time.Duration
	// Metadata are tags of any form, a JSON object.
	Metadata json.RawMessage
	// Multiple makes a new account although the customer has one for this ATS.
	Multiple bool
	Label    string
	// Type is production or test; production if empty.
	Type string
	// IntegrationID selects an authentication configuration. StackOne's newer
	// pages call it connector_profile_id and take both names.
	IntegrationID string
}

type wireConnectRequest struct {
	OriginOwnerID   string          `json:"origin_owner_id"`
	OriginOwnerName string          `json:"origin_owner_name"`
	OriginUsername  string          `json:"origin_username,omitempty"`
	Provider        string          `json:"provider,omitempty"`
	ProviderVersion string          `json:"provider_version,omitempty"`
	Categories      []string        `json:"categories,omitempty"`
	AccountID       string          `json:"account_id,omitempty"`
	ExpiresIn       int64           `json:"expires_in,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	Multiple        bool            `json:"multiple,omitempty"`
	Label           string          `json:"label,omitempty"`
	Type            string          `json:"type,omitempty"`
	IntegrationID   string          `json:"integration_id,omitempty"`
}

// ConnectSession lets a customer connect an ATS. Token, AuthLinkURL,
// ExternalTriggerToken and Metadata are secrets: they are printed and logged
// nowhere.
type ConnectSession struct {
	ID, OrganizationID, ProjectID                  string
	OriginOwnerID, OriginOwnerName, OriginUsername string
	Provider, AccountID, Label, Type               string
	Categories                                     []string
	IntegrationID                                  string
	CreatedAt                                      time.Time
	// Token opens StackOne's embedded Hub in the browser.
	Token string
	// AuthLinkURL is a page of StackOne's to send the customer to. There is no
	// callback: [AccountChanged] tells when the customer has connected.
	AuthLinkURL string
	// ExternalTriggerToken is what the customer pastes into an ATS that calls
	// StackOne. It identifies the account.
	ExternalTriggerToken string
	// Metadata is that of the request.
	Metadata json.RawMessage
}

// String names the session without its secrets.
func (s ConnectSession) String() string {
	return fmt.Sprintf("stackone connect session %s (%s)", s.ID, s.Provider)
}

// Format implements [fmt.Formatter]: every verb prints [ConnectSession.String].
func (s ConnectSession) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, s.String()) }

// LogValue implements [slog.LogValuer] without the secrets.
func (s ConnectSession) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String names the request without the customer's data.
func (r ConnectRequest) String() string {
	return fmt.Sprintf("stackone connect request (%s)", r.Provider)
}

// Format implements [fmt.Formatter]: every verb prints [ConnectRequest.String].
func (r ConnectRequest) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] without the customer's data.
func (r ConnectRequest) LogValue() slog.Value { return slog.StringValue(r.String()) }

// wireConnectSession has the ids as text: StackOne gives the session's as a
// number and, depending on its version, the organization's too.
type wireConnectSession struct {
	ID                   lenient.Text    `json:"id"`
	OrganizationID       lenient.Text    `json:"organization_id"`
	ProjectID            lenient.Text    `json:"project_id"`
	OriginOwnerID        lenient.Text    `json:"origin_owner_id"`
	OriginOwnerName      string          `json:"origin_owner_name"`
	OriginUsername       string          `json:"origin_username"`
	Provider             string          `json:"provider"`
	AccountID            lenient.Text    `json:"account_id"`
	Label                string          `json:"label"`
	Type                 string          `json:"type"`
	Categories           []string        `json:"categories"`
	IntegrationID        lenient.Text    `json:"integration_id"`
	CreatedAt            time.Time       `json:"created_at"`
	Token                string          `json:"token"`
	AuthLinkURL          string          `json:"auth_link_url"`
	ExternalTriggerToken string          `json:"external_trigger_token"`
	Metadata             json.RawMessage `json:"metadata"`
}

type connectAnswer struct{ wireConnectSession }

// Tolerates implements [transport.Tolerant]: what can be read is kept.
func (*connectAnswer) Tolerates(path string) bool { return path != "" }

var errNoSession = errors.New("no session")

// Check implements [transport.Checker]: what names no session is not StackOne's
// answer.
func (a *connectAnswer) Check() error {
	if a.ID == "" && a.Token == "" && a.AuthLinkURL == "" {
		return errNoSession
	}
	return nil
}

// CreateConnectSession makes a short-lived session in which a customer connects
// an ATS. A session already made does no harm, so a call whose answer was lost
// can be made again.
func (c *Client) CreateConnectSession(ctx context.Context, r ConnectRequest) (ConnectSession, error) {
	if err := r.check(); err != nil {
		return ConnectSession{}, err
	}
	call := transport.Call{
		Operation: "POST /connect_sessions", Method: http.MethodPost, Path: []string{"connect_sessions"}, Repeat: transport.Same,
	}
	err := setBody(&call, wireConnectRequest{
		OriginOwnerID: r.OriginOwnerID, OriginOwnerName: r.OriginOwnerName, OriginUsername: r.OriginUsername,
		Provider: r.Provider, ProviderVersion: r.ProviderVersion, Categories: r.Categories, AccountID: r.AccountID,
		ExpiresIn: int64(r.ExpiresIn / time.Second), Metadata: r.Metadata, Multiple: r.Multiple, Label: r.Label,
		Type: r.Type, IntegrationID: r.IntegrationID,
	})
	if err != nil {
		return ConnectSession{}, err
	}
	got, _, err := transport.JSON[connectAnswer](ctx, c.transport, call)
	if err != nil {
		return ConnectSession{}, err
	}
	return ConnectSession{
		ID: string(got.ID), OrganizationID: string(got.OrganizationID), ProjectID: string(got.ProjectID),
		OriginOwnerID: string(got.OriginOwnerID), OriginOwnerName: got.OriginOwnerName, OriginUsername: got.OriginUsername,
		Provider: got.Provider, AccountID: string(got.AccountID), Label: got.Label, Type: got.Type,
		Categories: got.Categories, IntegrationID: string(got.IntegrationID), CreatedAt: got.CreatedAt,
		Token: got.Token, AuthLinkURL: got.AuthLinkURL, ExternalTriggerToken: got.ExternalTriggerToken, Metadata: got.Metadata,
	}, nil
}

func (r *ConnectRequest) check() error {
	var problems outbound.Problems
	problems.Name("origin_owner_id", r.OriginOwnerID)
	problems.Name("origin_owner_name", r.OriginOwnerName)
	problems.Text("origin_username", r.OriginUsername)
	problems.Text("label", r.Label)
	if r.ProviderVersion != "" && r.Provider == "" {
		problems.Add("provider_version", "only together with a provider")
	}
	if r.ExpiresIn < 0 || r.ExpiresIn%time.Second != 0 {
		problems.Add("expires_in", "must be whole seconds")
	}
	problems.Object("metadata", r.Metadata)
	return problems.Err()
}
