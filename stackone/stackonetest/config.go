package stackonetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// BaseURL is the documented base URL of the API, for use with [Server.Client],
// which answers for any host: https://docs.stackone.com/api/authentication
const BaseURL = "https://api.stackone.com"

// Default values of a [Config]. None of them is a real credential.
const (
	// DefaultAPIKey is the API key that is accepted unless [Config.APIKey] says
	// otherwise. Its prefix names a region, as StackOne's do.
	DefaultAPIKey = "v1.eu1.stackonetest-0123456789abcdef"
	// DefaultWebhookSecret signs webhooks unless [Config.WebhookSecret] says otherwise.
	DefaultWebhookSecret = "stackone-test-webhook-secret-0001"
	// DefaultAccount exists from the start unless [Config.Accounts] says otherwise.
	// It is an account of Greenhouse, which takes one result per test.
	DefaultAccount = "45355976281015164504"
	// DefaultProjectID is the project of webhooks.
	DefaultProjectID = "dev-56501"
	// DefaultPackageID is the package that a recruiter orders unless
	// [OrderSpec.PackageID] says otherwise.
	DefaultPackageID = "PACKAGE_5421"
	// DefaultWebhookTimeout is how long the simulator waits for the answer to a
	// webhook. StackOne does not document its own limit.
	DefaultWebhookTimeout = 30 * time.Second
	// DefaultPackagesTimeout is how long the simulator waits for the answer of the
	// packages endpoint. StackOne does not document its own limit; a recruiter is
	// waiting in a dialog.
	DefaultPackagesTimeout = 10 * time.Second
	// DefaultPageSize is the documented size of a page.
	DefaultPageSize = 25
)

// Config says how a simulator behaves. The zero value is a usable project with one
// account, [DefaultAccount].
type Config struct {
	// APIKey is the key that clients must send; empty: [DefaultAPIKey]. More keys
	// are added and revoked with [Server.AddKey] and [Server.RevokeKey].
	APIKey string
	// WebhookSecret signs webhooks; empty: [DefaultWebhookSecret].
	WebhookSecret string
	// PackagesSecret signs calls of the packages endpoint; empty: the secret of the
	// webhooks. StackOne does not document which secret it is.
	PackagesSecret string
	// PackagesKey is the credential that calls of the packages endpoint carry;
	// empty: APIKey. StackOne does not document which key it is.
	PackagesKey string
	// PackagesKeyBare sends that credential without a colon. StackOne does not
	// document which form it uses; by default there is a colon and no password.
	PackagesKeyBare bool
	// ProjectID is in every webhook; empty: [DefaultProjectID].
	ProjectID string
	// Seed determines every id and the random choices of the simulator. Two
	// simulators with one seed and the same calls give the same ids.
	Seed uint64
	// Clock gives the timestamps; nil: [time.Now]. It must not call the simulator.
	// Waiting (timeouts, slow answers) always uses real time, or that of the
	// testing/synctest bubble.
	Clock func() time.Time
	// WebhookPath is the path of webhooks sent to a handler given to
	// [Server.Target], with a query if one is wanted; empty: "/".
	WebhookPath string
	// PackagesPath is the path of calls to a handler given to
	// [Server.PackagesTarget]; empty: "/".
	PackagesPath string
	// WebhookTimeout bounds the wait for the answer to a webhook; zero:
	// [DefaultWebhookTimeout].
	WebhookTimeout time.Duration
	// PackagesTimeout bounds the wait for the answer of the packages endpoint; zero:
	// [DefaultPackagesTimeout].
	PackagesTimeout time.Duration
	// Retry is the repetition of webhooks that failed. StackOne does not document
	// one; the zero value is none.
	Retry Retry
	// Accounts exist from the start; nil: one, [DefaultAccount]; empty but not nil:
	// none.
	Accounts []AccountSpec
	// AccountFailures says what a unified call answers for an account in the given
	// status, in place of the default; the zero Failure lets the call pass. By
	// default accounts that are inactive, suspended, archived or expired answer 412
	// AccountIntegrationInactiveError, and those in error 401
	// AccountInvalidCredentialsError. StackOne documents the failures, but not
	// completely which status leads to which.
	AccountFailures map[string]Failure
	// ConnectorMeta is what GET /connectors/meta answers for a provider, in place of
	// the built-in list of result fields.
	ConnectorMeta map[string]json.RawMessage
	// PrettyPrint indents webhook bodies by two spaces. StackOne does not document
	// the formatting of its bodies.
	PrettyPrint bool
	// Limits are enforced on calls of the API; the zero value is none.
	Limits Limits
	// MaxExchanges bounds the number of exchanges that are kept, and with it the memory
	// of a long run; zero: 10,000, and never more than 64 MiB of bodies; negative: no
	// bound. The oldest are dropped.
	MaxExchanges int
	// DialContext opens the connections to the URLs of [Server.TargetURL] and [Server.PackagesTargetURL], so that
	// a program that takes them from others can decide whom it calls; nil: a
	// [net.Dialer] does. Handlers are called without it.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// OnExchange is called with every [Exchange] that ended, by the goroutine that made
	// it: a slow one delays an answer. It may call the simulator; nil: nobody follows.
	OnExchange func(Exchange)
	// Quirks chooses between plausible behaviours where StackOne documents none.
	Quirks Quirks
}

// Retry is how a webhook that failed is repeated.
type Retry struct {
	Times int           // repetitions after the first attempt
	Wait  time.Duration // before each of them
}

// Quirks are behaviours that StackOne does not document, or documents in two
// ways. The zero value is the strictest plausible reading.
type Quirks struct {
	// AcceptBareKey also takes a key whose Basic credentials have no colon, as an
	// older guide shows it: https://docs.stackone.com/basic-authentication-with-stackone-api
	AcceptBareKey bool
	// WrapAccounts answers GET /accounts with {"data": […]}, as one guide shows it:
	// https://docs.stackone.com/api/multi-tenant-accounts
	WrapAccounts bool
	// NumericOrganizationID gives connect sessions a number as organization_id, as
	// it was before 2026.
	NumericOrganizationID bool
	// Removed is what the removed endpoints for orders and results answer.
	Removed RemovedPolicy
	// GreenhouseRepeat answers the second result for an order of Greenhouse, which
	// takes one; zero: 400.
	GreenhouseRepeat Failure
	// RepeatableGreenhouse lets Greenhouse take more than one result.
	RepeatableGreenhouse bool
	// FinalIsFinal refuses a result for an order of any ATS that has a final one,
	// with 409. By default results can be corrected.
	FinalIsFinal bool
	// NullLeaves makes an explicit null in a result leave the earlier value alone.
	// By default it erases it.
	NullLeaves bool
	// AllowUnknownEnums takes values that are not in the documented lists, such as
	// an unknown result: StackOne's OpenAPI description calls its enumerations open.
	AllowUnknownEnums bool
	// RefuseUnlistedResults refuses a result that the guide of the ATS does not
	// list, such as "passed" for Teamtailor.
	RefuseUnlistedResults bool
	// RefuseUnknownFields refuses members of a body that the schema does not name.
	RefuseUnknownFields bool
	// PartnerAPIStatus is what lookups answer for an account that only has the
	// Partner API: 403 or 501; zero: 403.
	PartnerAPIStatus int
	// SentAtPerAttempt gives every attempt of a webhook a sent_at of its own. By
	// default a redelivery has the same bytes.
	SentAtPerAttempt bool
	// Any2xx counts every 2xx as the acceptance of a webhook. By default only the
	// documented 200 counts.
	Any2xx bool
	// EmptyPages puts this many empty pages, each with a cursor, before the first
	// record of every listing: snippets/common-guides/pagination.mdx
	// in github.com/StackOneHQ/hub-docs
	EmptyPages int
	// ListEnd is how the last page of a listing says so.
	ListEnd ListEnd
	// BareEnums serves the job postings as StackOne's reference prints them, with
	// bare texts where its schema has enum objects.
	BareEnums bool
	// HeartbeatErrors answers every failure under "Prefer: heartbeat" with HTTP 200
	// and the status in the body alone. By default the failure has its own status.
	HeartbeatErrors bool
}

// RemovedPolicy is what the removed endpoints for orders and results answer.
type RemovedPolicy int

// The answers of the removed endpoints.
const (
	RemovedNotFound       RemovedPolicy = iota // 404
	RemovedNotImplemented                      // 501
	RemovedServed                              // the order or result, as in 2025
)

// ListEnd is how the last page of a listing says that it is the last. All three
// forms are documented: snippets/common-guides/pagination.mdx
// in github.com/StackOneHQ/hub-docs
type ListEnd int

// The forms of the end of a list.
const (
	EndNull   ListEnd = iota // next is null
	EndAbsent                // there is no next
	EndBlank                 // next is the empty string
)

func (c Config) withDefaults() Config {
	c.APIKey = simkit.OrDefault(c.APIKey, DefaultAPIKey)
	c.WebhookSecret = simkit.OrDefault(c.WebhookSecret, DefaultWebhookSecret)
	c.PackagesKey = simkit.OrDefault(c.PackagesKey, c.APIKey)
	c.ProjectID = simkit.OrDefault(c.ProjectID, DefaultProjectID)
	c.WebhookPath = simkit.OrDefault(c.WebhookPath, "/")
	c.PackagesPath = simkit.OrDefault(c.PackagesPath, "/")
	c.WebhookTimeout = simkit.OrDefault(c.WebhookTimeout, DefaultWebhookTimeout)
	c.PackagesTimeout = simkit.OrDefault(c.PackagesTimeout, DefaultPackagesTimeout)
	c.Quirks.PartnerAPIStatus = simkit.OrDefault(c.Quirks.PartnerAPIStatus, 403)
	if c.Quirks.GreenhouseRepeat.isZero() {
		c.Quirks.GreenhouseRepeat = greenhouseRepeat()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Accounts == nil {
		c.Accounts = []AccountSpec{{ID: DefaultAccount}}
	}
	return c
}

func (c Config) validate() error {
	if !strings.HasPrefix(c.WebhookPath, "/") || !strings.HasPrefix(c.PackagesPath, "/") {
		return errors.New("stackonetest: a path of the provider does not start with a slash")
	}
	if c.WebhookTimeout < 0 || c.PackagesTimeout < 0 || c.Quirks.EmptyPages < 0 || c.Retry.Times < 0 || c.Retry.Wait < 0 {
		return errors.New("stackonetest: negative duration or number")
	}
	if status := c.Quirks.PartnerAPIStatus; status != 403 && status != 501 {
		return fmt.Errorf("stackonetest: the Partner API answers lookups 403 or 501, not %d", status)
	}
	if err := simkit.Limits(c.Limits).Validate(); err != nil {
		return named(err)
	}
	if err := c.Quirks.GreenhouseRepeat.validate(); err != nil {
		return err
	}
	for _, failure := range c.AccountFailures {
		if err := failure.validate(); err != nil {
			return err
		}
	}
	for provider, meta := range c.ConnectorMeta {
		if !json.Valid(meta) {
			return fmt.Errorf("stackonetest: the metadata of %q are not JSON", provider)
		}
	}
	return nil
}
