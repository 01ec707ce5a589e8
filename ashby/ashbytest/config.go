package ashbytest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// BaseURL is the documented base URL, for use with [Server.Client], which answers
// for any host: https://developers.ashbyhq.com/reference/introduction
const BaseURL = "https://api.ashbyhq.com"

// Default values of a [Config] and of an [Organization]. None of them is a real
// credential.
const (
	// DefaultOrganization is the name of the only customer, unless
	// [Config.Organizations] says otherwise.
	DefaultOrganization = "acme"
	// DefaultAPIKey is the Ashby key of the first customer.
	DefaultAPIKey = "ashby_test_key_123"
	// DefaultPartnerKey is the key that the provider issued to the first customer.
	DefaultPartnerKey = "partner_test_key_456"
	// DefaultPartnerID is the provider's own id in Ashby.
	DefaultPartnerID = "7c1f8f3a-2d4b-4a55-8f0e-1b2c3d4e5f60"
	// DefaultWebhookSecret signs webhooks. It looks like hex, as the secret in
	// Ashby's own sample does, and its characters are the key all the same:
	// https://developers.ashbyhq.com/docs/authenticating-webhooks
	DefaultWebhookSecret = "8b943c474f5d1e1712f13e1a870b485c9b6b2b57"
	// DefaultVersion is the only active version of the API:
	// https://developers.ashbyhq.com/docs/api-versions
	DefaultVersion = "2026-01-01"
	// DefaultTimeout is how long the simulator waits for the answer of a provider.
	// Ashby does not document its own limit.
	DefaultTimeout = 30 * time.Second
)

// Config says how a simulator behaves. The zero value is a usable Ashby with one
// customer, [DefaultOrganization].
type Config struct {
	// Organizations are the customers; nil: one, with all its defaults. The first
	// is the one that calls play unless [From] names another.
	Organizations []Organization
	// Seed determines every id and the random choices of the simulator. Two
	// simulators with one seed and the same calls give the same ids.
	Seed uint64
	// Clock gives the times of assessments and exchanges; nil: [time.Now]. It must
	// not call the simulator. Waiting (timeouts, slow answers, retries) always uses
	// real time, or that of the testing/synctest bubble.
	Clock func() time.Time
	// PartnerPath is the base path of the endpoints of a handler given to
	// [Server.Target], with or without a trailing slash; empty: "/". The base URL is
	// agreed with Ashby and may have a path.
	PartnerPath string
	// WebhookPath is the path of webhooks sent to a handler given to
	// [Server.WebhookTarget]; empty: "/".
	WebhookPath string
	// Timeout bounds the wait for the answer to a call or a webhook; zero:
	// [DefaultTimeout].
	Timeout time.Duration
	// Version is the version that processes requests, and the only one that
	// Ashby-Version may name; empty: [DefaultVersion].
	Version string
	// VersionStatus is the value of Ashby-Version-Status; empty: "active".
	VersionStatus string
	// Limits are enforced on calls of the API; the zero value is none.
	Limits Limits
	// MaxExchanges bounds the number of exchanges that are kept, and with it the memory
	// of a long run; zero: 10,000, and never more than 64 MiB of bodies; negative: no
	// bound. The oldest are dropped.
	MaxExchanges int
	// DialContext opens the connections to the URLs of [Server.TargetURL] and [Server.WebhookTargetURL], so that
	// a program that takes them from others can decide whom it calls; nil: a
	// [net.Dialer] does. Handlers are called without it.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// OnExchange is called with every [Exchange] that ended, by the goroutine that made
	// it: a slow one delays an answer. It may call the simulator; nil: nobody follows.
	OnExchange func(Exchange)
	// Quirks chooses between plausible behaviours where Ashby documents none.
	Quirks Quirks
}

// Quirks are behaviours that Ashby does not document. The zero value is the
// strictest plausible reading.
type Quirks struct {
	// PartnerKeyAsPassword sends the partner key as the Basic password with an empty
	// user name. By default it is the user name, as in Ashby's own API.
	PartnerKeyAsPassword bool
	// CustomFieldsOp is the operation that [Server.SyncCustomFields] calls; empty:
	// [OpCustomFieldList], the only one whose path is public.
	CustomFieldsOp string

	// Repeat is what happens to an update that was accepted before, with the same
	// timestamp and the same body; zero: [RepeatAccepted].
	Repeat RepeatPolicy
	// AcceptOlderTimestamps takes an update whose timestamp is not after that of the
	// last one, and the assessment shows what came in last. By default it is refused.
	AcceptOlderTimestamps bool
	// AcceptAfterTerminal takes updates of an assessment that is completed or
	// cancelled. By default they are refused.
	AcceptAfterTerminal bool
	// AcceptCancelConfirmation takes one kind of update after an end: with a
	// cancelled_reason, for an assessment that Ashby itself cancelled. By default it
	// is refused as any other.
	AcceptCancelConfirmation bool
	// AllowTypeMismatch takes a value whose JSON type does not fit its type, such as
	// a text for a numeric_score, and a url that is not absolute.
	AllowTypeMismatch bool
	// AllowUnknownTypes takes a value type outside of the five documented ones.
	AllowUnknownTypes bool
	// AllowDuplicateIdentifiers takes a payload that uses an identifier twice.
	AllowDuplicateIdentifiers bool
	// AllowResultWithCancel takes an update with a result and a cancelled_reason; the
	// assessment is then cancelled, and keeps the result.
	AllowResultWithCancel bool
	// RefuseNulls refuses null for an optional member of an update, as the older
	// renderings of the reference do. By default the slots and metadata may be null.
	RefuseNulls bool
	// RequireUUIDs refuses ids of assessments and assessment types that are not
	// UUIDs, in both directions. By default they are opaque strings.
	RequireUUIDs bool
	// AcceptUnknownCandidates takes a completed assessment for a candidate that the
	// simulator does not know.
	AcceptUnknownCandidates bool

	// OmitErrors leaves the deprecated array "errors" out of error envelopes, as the
	// examples of https://developers.ashbyhq.com/docs/responses do.
	OmitErrors bool
	// TextAuthErrors answers 401 and 403 with a plain text instead of an envelope.
	// Ashby calls these bodies human-readable and says no more.
	TextAuthErrors bool
	// RefuseDefaultUserAgent treats the agent that Go sends by itself as Cloudflare
	// treats an empty one.
	RefuseDefaultUserAgent bool
	// UpdateResults are the results of a successful update; nil: there is no such
	// member.
	UpdateResults json.RawMessage
	// MissingKeyCode answers a call without a key; empty: missing_api_key, which is
	// invented.
	MissingKeyCode string
	// WrongKeyCode answers a call with an unknown key; empty:
	// missing_endpoint_permission.
	WrongKeyCode string
	// UnknownAssessmentCode answers an update of an unknown assessment; empty:
	// invalid_input.
	UnknownAssessmentCode string
	// ClosedAssessmentCode answers an update after the end; empty: invalid_input.
	ClosedAssessmentCode string
	// OlderTimestampCode answers an update that is not after the last; empty:
	// invalid_input.
	OlderTimestampCode string
	// UnknownRecordCode answers a question for an unknown candidate or file; empty:
	// invalid_input.
	UnknownRecordCode string
}

// RepeatPolicy is what happens to an update that was accepted before. Ashby has no
// idempotency key and documents nothing about repeats.
type RepeatPolicy int

// The answers to a repeated update.
const (
	// RepeatAccepted answers success and stores nothing.
	RepeatAccepted RepeatPolicy = iota
	// RepeatStored takes it as one more update.
	RepeatStored
	// RepeatRefused judges it as any update that is not after the last one.
	RepeatRefused
)

func (c Config) withDefaults() Config {
	c.PartnerPath = simkit.OrDefault(c.PartnerPath, "/")
	c.WebhookPath = simkit.OrDefault(c.WebhookPath, "/")
	c.Timeout = simkit.OrDefault(c.Timeout, DefaultTimeout)
	c.Version = simkit.OrDefault(c.Version, DefaultVersion)
	c.VersionStatus = simkit.OrDefault(c.VersionStatus, "active")
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Organizations == nil {
		c.Organizations = []Organization{{}}
	}
	q := &c.Quirks
	q.CustomFieldsOp = simkit.OrDefault(q.CustomFieldsOp, OpCustomFieldList)
	q.MissingKeyCode = simkit.OrDefault(q.MissingKeyCode, "missing_api_key")
	q.WrongKeyCode = simkit.OrDefault(q.WrongKeyCode, codePermission)
	for _, code := range []*string{&q.UnknownAssessmentCode, &q.ClosedAssessmentCode, &q.OlderTimestampCode, &q.UnknownRecordCode} {
		*code = simkit.OrDefault(*code, codeInvalidInput)
	}
	return c
}

func (c Config) validate() error {
	if !strings.HasPrefix(c.PartnerPath, "/") || !strings.HasPrefix(c.WebhookPath, "/") {
		return fmt.Errorf("ashbytest: path %q or %q does not start with a slash", c.PartnerPath, c.WebhookPath)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("ashbytest: negative timeout %s", c.Timeout)
	}
	if err := simkit.Limits(c.Limits).Validate(); err != nil {
		return named(err)
	}
	if len(c.Organizations) == 0 {
		return fmt.Errorf("ashbytest: no organization")
	}
	if c.Quirks.UpdateResults != nil && !json.Valid(c.Quirks.UpdateResults) {
		return fmt.Errorf("ashbytest: UpdateResults is not JSON")
	}
	return nil
}
