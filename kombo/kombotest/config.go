package kombotest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Default values of a [Config]. None of them is a real credential.
const (
	// DefaultAPIKey is the API key that is accepted unless [Config.APIKey] says
	// otherwise. The prefix is that of Kombo's development environments.
	DefaultAPIKey = "ks_dev_kombotest_0123456789abcdef"
	// DefaultWebhookSecret signs webhooks unless [Config.WebhookSecret] says otherwise.
	DefaultWebhookSecret = "kombo-test-webhook-secret-0001"
	// DefaultIntegration is the integration of Kombo's documented example order. It
	// exists from the start unless [Config.Integrations] says otherwise.
	DefaultIntegration = "workday:CBNMt7dSNCzBdnRTx87dev4E"
	// DefaultPackageID is the package of Kombo's documented example order.
	DefaultPackageID = "typescript_test"
	// DefaultEnvironmentID is what the check of an API key answers.
	DefaultEnvironmentID = "2Uev1YUTqLFdvMPD3Jtrg2FX"
	// DefaultInlineTimeout is how long an ATS waits for the URL of an inline
	// assessment. Kombo says that most of them give up after 15 to 30 seconds:
	// https://docs.kombo.dev/assessment/features/inline-assessment
	DefaultInlineTimeout = 15 * time.Second
	// DefaultWebhookTimeout is how long the simulator waits for the answer to any
	// other webhook. Kombo does not document its own limit.
	DefaultWebhookTimeout = 30 * time.Second
)

// Region is one of Kombo's isolated data regions. A key of one region does not
// work on the host of another: https://docs.kombo.dev/data-residency-compliance
type Region string

// The regions of Kombo.
const (
	EU Region = "EU"
	US Region = "US"
)

// The documented base URLs of the regions, for use with [Server.Client], which
// answers for any host.
const (
	BaseURLEU = "https://api.kombo.dev/v1"
	BaseURLUS = "https://api.us.kombo.dev/v1"
)

var regionHosts = map[Region]string{EU: "api.kombo.dev", US: "api.us.kombo.dev"}

// Config says how a simulator behaves. The zero value is a usable EU environment
// with one integration, [DefaultIntegration].
type Config struct {
	// APIKey is the key that clients must send; empty: [DefaultAPIKey]. More keys
	// are added and revoked with [Server.AddKey] and [Server.RevokeKey].
	APIKey string
	// WebhookSecret signs webhooks; empty: [DefaultWebhookSecret].
	WebhookSecret string
	// Region is where the keys are valid; empty: [EU]. A call made through
	// [Server.Client] to the documented host of the other region is answered 401.
	Region Region
	// Seed determines every id and the random choices of the simulator. Two
	// simulators with one seed and the same calls give the same ids.
	Seed uint64
	// Clock gives the timestamps of orders, packages and events; nil: [time.Now]. It
	// must not call the simulator.
	// Waiting (timeouts, slow answers) always uses real time, or that of the
	// testing/synctest bubble.
	Clock func() time.Time
	// WebhookPath is the path of webhooks sent to a handler given to
	// [Server.Target]; empty: "/".
	WebhookPath string
	// WebhookTimeout bounds the wait for the answer to a webhook; zero:
	// [DefaultWebhookTimeout].
	WebhookTimeout time.Duration
	// InlineTimeout bounds the wait for the URL of an inline assessment; zero:
	// [DefaultInlineTimeout].
	InlineTimeout time.Duration
	// Integrations exist from the start; nil: one, [DefaultIntegration]; empty but
	// not nil: none.
	Integrations []IntegrationSpec
	// PrettyPrint indents webhook bodies by two spaces. Kombo does not document
	// the formatting of its bodies.
	PrettyPrint bool
	// FetchAttachment plays the download of an attachment's data_url, which Kombo
	// does on receipt; nil: every URL counts as fetched and nothing is downloaded.
	FetchAttachment func(ctx context.Context, url string) error
	// Limits are enforced on calls of the API; the zero value is none.
	Limits Limits
	// MaxExchanges bounds the number of exchanges that are kept, and with it the memory
	// of a long run; zero: 10,000, and never more than 64 MiB of bodies; negative: no
	// bound. The oldest are dropped.
	MaxExchanges int
	// DialContext opens the connections to the URLs of [Server.TargetURL], so that
	// a program that takes them from others can decide whom it calls; nil: a
	// [net.Dialer] does. Handlers are called without it.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// OnExchange is called with every [Exchange] that ended, by the goroutine that made
	// it: a slow one delays an answer. It may call the simulator; nil: nobody follows.
	OnExchange func(Exchange)
	// Statuses overrides the HTTP status of error codes, for instance
	// {"INTEGRATION.SETUP_INCOMPLETE": 503} as it was before May 2026. Most are not
	// documented, and Kombo asks clients to branch on the code:
	// https://docs.kombo.dev/guides/errors
	Statuses map[string]int
	// Quirks chooses between plausible behaviours where Kombo documents none.
	Quirks Quirks
}

// Quirks are behaviours that Kombo does not document. The zero value is the
// strictest plausible reading.
type Quirks struct {
	// RepeatedFinal is what happens to a result with the final status that the
	// order already has; zero: [RepeatRefused].
	RepeatedFinal RepeatPolicy
	// UnknownOrderCode answers a result for an unknown order; empty: PLATFORM.INPUT_INVALID.
	UnknownOrderCode string
	// ClosedOrderCode answers a result that an order can no longer take; empty:
	// PLATFORM.INPUT_INVALID.
	ClosedOrderCode string
	// UnknownTokenCode answers an unknown connection token; empty: PLATFORM.INPUT_INVALID.
	UnknownTokenCode string
	// AllowBothSources accepts an attachment that has both data and data_url.
	AllowBothSources bool
	// LenientBase64 accepts attachment data in URL-safe or unpadded Base64, besides
	// the standard padded form of the documented example.
	LenientBase64 bool
	// RefuseUnfetchable refuses a result whose attachment cannot be fetched. By
	// default it is accepted with a warning.
	RefuseUnfetchable bool
	// AllowDuplicatePackages accepts a package list that repeats an id; the last
	// one wins. By default it is refused.
	AllowDuplicatePackages bool
	// RequirePackage makes [Server.PlaceOrder] refuse a package that was not
	// submitted. By default any package can be ordered.
	RequirePackage bool
	// ServePausedReads serves the lists of packages and orders for an integration that is
	// INVALID or INACTIVE: the page about states pauses only syncs, yet the errors of
	// both states are in the error set of these operations. By default they are refused.
	ServePausedReads bool
	// InlineRejectionIgnored makes the ORDER_REJECTED answer to an inline order a
	// fault. By default it rejects the order as it does for an ordinary one.
	InlineRejectionIgnored bool
	// EmptyPages puts this many empty pages, each with a cursor, before the first
	// orders of every listing.
	EmptyPages int
	// NewestFirst lists orders from the newest to the oldest. By default it is the
	// other way round.
	NewestFirst bool
}

// RepeatPolicy is what happens to a result that repeats the final status of its
// order. Kombo only says that the status can no longer change to another value.
type RepeatPolicy int

// The answers to a repeated final result.
const (
	// RepeatRefused answers with [Quirks.ClosedOrderCode].
	RepeatRefused RepeatPolicy = iota
	// RepeatAccepted takes the new result in place of the old one.
	RepeatAccepted
	// RepeatDuplicated takes the new result, and its attachments appear beside
	// those of the old one.
	RepeatDuplicated
)

func (c Config) withDefaults() Config {
	c.APIKey = simkit.OrDefault(c.APIKey, DefaultAPIKey)
	c.WebhookSecret = simkit.OrDefault(c.WebhookSecret, DefaultWebhookSecret)
	c.Region = simkit.OrDefault(c.Region, EU)
	c.WebhookPath = simkit.OrDefault(c.WebhookPath, "/")
	c.WebhookTimeout = simkit.OrDefault(c.WebhookTimeout, DefaultWebhookTimeout)
	c.InlineTimeout = simkit.OrDefault(c.InlineTimeout, DefaultInlineTimeout)
	c.Quirks.UnknownOrderCode = simkit.OrDefault(c.Quirks.UnknownOrderCode, codeInputInvalid)
	c.Quirks.ClosedOrderCode = simkit.OrDefault(c.Quirks.ClosedOrderCode, codeInputInvalid)
	c.Quirks.UnknownTokenCode = simkit.OrDefault(c.Quirks.UnknownTokenCode, codeInputInvalid)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Integrations == nil {
		c.Integrations = []IntegrationSpec{{ID: DefaultIntegration}}
	}
	return c
}

func (c Config) validate() error {
	if _, known := regionHosts[c.Region]; !known {
		return fmt.Errorf("kombotest: unknown region %q", c.Region)
	}
	if !strings.HasPrefix(c.WebhookPath, "/") {
		return fmt.Errorf("kombotest: webhook path %q does not start with a slash", c.WebhookPath)
	}
	if c.WebhookTimeout < 0 || c.InlineTimeout < 0 || c.Quirks.EmptyPages < 0 {
		return fmt.Errorf("kombotest: negative timeout or number of empty pages")
	}
	if err := simkit.Limits(c.Limits).Validate(); err != nil {
		return named(err)
	}
	for code, status := range c.Statuses {
		if status < http.StatusBadRequest || status > 599 {
			return fmt.Errorf("kombotest: status %d of %s is not an error status", status, code)
		}
	}
	return nil
}
