package stackone

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// AccountUpdate changes a linked account; what is nil is not sent and stays as it
// is (https://docs.stackone.com/api/multi-tenant-accounts).
type AccountUpdate struct {
	// Label is the account's name for people, free to choose.
	Label *string
	// OriginOwnerID, OriginOwnerName and OriginUsername name the customer, as in
	// [ConnectRequest].
	OriginOwnerID, OriginOwnerName, OriginUsername *string
	// Provider is the key of the ATS.
	Provider *string
	// Type is production or test.
	Type *string
	// Environment and AuthenticationConfigKey choose among those of the connector.
	Environment, AuthenticationConfigKey *string
	// IntegrationID selects an authentication configuration.
	IntegrationID *string
	// Shared is known to newer versions of StackOne only.
	Shared *bool
	// Credentials, Secrets and SetupInformation are what the customer entered, and
	// Metadata tags of any form: JSON objects.
	Credentials, Secrets, SetupInformation, Metadata json.RawMessage
}

type wireAccountUpdate struct {
	Label                   *string         `json:"label,omitempty"`
	OriginOwnerID           *string         `json:"origin_owner_id,omitempty"`
	OriginOwnerName         *string         `json:"origin_owner_name,omitempty"`
	OriginUsername          *string         `json:"origin_username,omitempty"`
	Provider                *string         `json:"provider,omitempty"`
	Type                    *string         `json:"type,omitempty"`
	Environment             *string         `json:"environment,omitempty"`
	AuthenticationConfigKey *string         `json:"authentication_config_key,omitempty"`
	IntegrationID           *string         `json:"integration_id,omitempty"`
	Shared                  *bool           `json:"shared,omitempty"`
	Credentials             json.RawMessage `json:"credentials,omitempty"`
	Secrets                 json.RawMessage `json:"secrets,omitempty"`
	SetupInformation        json.RawMessage `json:"setup_information,omitempty"`
	Metadata                json.RawMessage `json:"metadata,omitempty"`
}

func (u *AccountUpdate) check() error {
	var problems outbound.Problems
	// Without these an account is no customer's, or no ATS's.
	required := map[string]*string{"origin_owner_id": u.OriginOwnerID, "origin_owner_name": u.OriginOwnerName, "provider": u.Provider}
	free := map[string]*string{
		"label": u.Label, "origin_username": u.OriginUsername, "environment": u.Environment,
		"authentication_config_key": u.AuthenticationConfigKey, "integration_id": u.IntegrationID,
	}
	objects := map[string]json.RawMessage{
		"credentials": u.Credentials, "secrets": u.Secrets, "setup_information": u.SetupInformation, "metadata": u.Metadata,
	}
	given := u.Type != nil || u.Shared != nil
	for name, text := range required {
		if text != nil {
			given = true
			problems.Name(name, *text)
		}
	}
	for name, text := range free {
		if text != nil {
			given = true
			problems.Text(name, *text)
		}
	}
	for name, object := range objects {
		given = given || object != nil
		problems.Object(name, object)
	}
	if u.Type != nil && *u.Type != "production" && *u.Type != "test" {
		problems.Add("type", "must be production or test")
	}
	if !given {
		problems.Add("update", "changes nothing")
	}
	return problems.Err()
}

// UpdateAccount changes a linked account and returns it as it is then. It may be
// repeated. StackOne tells of the change as [AccountChanged] too.
func (c *Client) UpdateAccount(ctx context.Context, account string, u AccountUpdate) (Account, error) {
	if account == "" {
		return Account{}, errNoAccount()
	}
	if err := u.check(); err != nil {
		return Account{}, err
	}
	call := accountCall(http.MethodPatch, account)
	if err := setBody(&call, wireAccountUpdate(u)); err != nil {
		return Account{}, err
	}
	got, _, err := transport.JSON[accountAnswer](ctx, c.transport, call)
	if u.Provider != nil { // also after a failure, which may have come too late
		c.ats.forget(account)
	}
	if err != nil {
		return Account{}, err
	}
	return got.domain(), nil
}

// String says nothing but what it is: the members are the customer's data and
// secrets.
func (u AccountUpdate) String() string { return "stackone account update" }

// Format implements [fmt.Formatter]: every verb prints [AccountUpdate.String].
func (u AccountUpdate) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, u.String()) }

// LogValue implements [slog.LogValuer] without the customer's data.
func (u AccountUpdate) LogValue() slog.Value { return slog.StringValue(u.String()) }
