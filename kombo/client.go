package kombo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Region is where a Kombo account lives. Regions are isolated: a key of one is
// refused by the other (https://docs.kombo.dev/data-residency-compliance).
type Region string

// Kombo's regions. The empty Region is the EU, as in Kombo's own clients.
const (
	RegionEU Region = "eu"
	RegionUS Region = "us"
)

// The base URLs of the regions.
const (
	BaseURLEU = "https://api.kombo.dev/v1"
	BaseURLUS = "https://api.us.kombo.dev/v1"
)

// Config configures [New]. APIKey or Keys is required; everything else has a
// working zero value.
type Config struct {
	// APIKey is the key of the environment, beginning with ks_prod_ or ks_dev_.
	APIKey string
	// Keys returns the key for an integration, for keys that differ or change.
	// It is asked before every call, and once more after an answer 401 or 403.
	Keys func(ctx context.Context, integration string) (string, error)
	// Region selects the base URL; BaseURL replaces it, for tests and proxies.
	Region  Region
	BaseURL string
	// Connection is [assessment.OrderRef.Connection] of the orders that this
	// client writes results for. Leave it empty unless there are several.
	Connection string
	// ResultURL stands in for [assessment.Result.ReportURL] where a result is not
	// completed: Kombo requires a URL even then. It should be a page that any
	// recruiter can open. Without it a rejection cannot be written back, which
	// [Client.Reconcile] and a queue's worker have to do.
	ResultURL string

	// HTTPClient makes the requests; it is copied and never changed. Nil means a
	// connection pool of its own without a proxy.
	HTTPClient *http.Client
	// UserAgent replaces the module's own.
	UserAgent string
	// ShowVendorMessages makes the texts of errors show Kombo's messages whole.
	// Without it they show those that are known to be fixed texts, because any other
	// may hold a candidate's data; [assessment.APIError.Message] always has them.
	ShowVendorMessages bool
	// Logger is told what became of every result, one line each, and of repeated
	// calls at debug level; nil is silent.
	Logger *slog.Logger
	// Observer is told of every attempt and of every result.
	Observer assessment.Observer

	// MaxRetries is how often a call is repeated: 4 times if zero, never if
	// negative.
	MaxRetries int
	// MaxWait is the longest single wait, to keep within Kombo's limits or because
	// Kombo asks for one; beyond it the call ends at once with
	// [assessment.ErrRateLimited], so that a worker can go on with another customer's.
	// A minute if zero; five seconds are right for the workers of a queue.
	MaxWait time.Duration
	// Pacing bounds by hand how fast the client calls; see [Client.SetPacing].
	// Without it the client keeps to Kombo's limits by itself.
	Pacing assessment.Pacing
	// LimitScope says whether Kombo's limits are those of the key or of each
	// account, if the client is not to find out.
	LimitScope assessment.LimitScope
	// Timeout limits a call whose context has no deadline, waits and retries
	// included; two minutes if zero, since an action may run for minutes at Kombo.
	// Each page of a list is a call. A result whose fate stays unknown is written
	// up to three times, with a question of up to 30 seconds after each.
	Timeout time.Duration
}

// String describes the configuration without keys.
func (c Config) String() string {
	return fmt.Sprintf("kombo config (region %q, connection %q)", c.Region, c.Connection)
}

// Format implements [fmt.Formatter]: every verb prints [Config.String].
func (c Config) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] without keys.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// maxInFlight is how many actions of an integration Kombo takes together; its
// answers say if it is another number for this one
// (https://docs.kombo.dev/assessment/guides/concurrency-limiting).
const maxInFlight = 30

// Client calls Kombo's API. It is safe for concurrent use.
type Client struct {
	transport  *transport.Client
	connection string
	resultURL  string
	results    *outbound.Results[struct{}]
}

var _ assessment.Publisher = (*Client)(nil)

// New returns a client. It refuses a missing or malformed key, an unknown
// region and a ResultURL that is no http URL. Nothing is sent.
func New(c Config) (*Client, error) {
	base, err := c.baseURL()
	if err != nil {
		return nil, err
	}
	if c.ResultURL != "" && !assessment.Link(c.ResultURL).Valid() {
		return nil, errors.New("kombo: ResultURL must be an absolute http or https URL")
	}
	t, err := transport.New(transport.Config{
		Vendor:             assessment.Kombo,
		Connection:         c.Connection,
		BaseURL:            base,
		HTTPClient:         c.HTTPClient,
		Authorize:          transport.Bearer,
		Key:                c.APIKey,
		Keys:               c.Keys,
		UserAgent:          c.UserAgent,
		AccountHeader:      integrationHeader,
		Classify:           classify,
		ShowVendorMessages: c.ShowVendorMessages,
		Logger:             c.Logger,
		Observer:           c.Observer,
		MaxRetries:         c.MaxRetries,
		MaxWait:            c.MaxWait,
		Pacing:             c.Pacing,
		InFlightPerAccount: maxInFlight,
		ShowsWindow:        true,
		LimitScope:         c.LimitScope,
		CallTimeout:        c.Timeout,
	})
	if err != nil {
		return nil, err
	}
	client := &Client{transport: t, connection: c.Connection, resultURL: outbound.URL(c.ResultURL)}
	client.results = outbound.NewResults[struct{}](outbound.Config{
		Vendor: assessment.Kombo, Operation: resultOperation, Logger: c.Logger, Observer: c.Observer,
		Patience: cmp.Or(c.Timeout, transport.DefaultCallTimeout),
	})
	return client, nil
}

func (c *Config) baseURL() (string, error) {
	if c.BaseURL != "" {
		return c.BaseURL, nil
	}
	switch c.Region {
	case "", RegionEU:
		return BaseURLEU, nil
	case RegionUS:
		return BaseURLUS, nil
	}
	return "", fmt.Errorf("kombo: unknown region %q", c.Region)
}

// Limits lists what holds calls back or is being counted now, for metrics and for
// queues: the key, whose Account is empty, and the accounts that are not at rest.
func (c *Client) Limits() []assessment.Limit { return c.transport.Limits() }

// SetPacing changes [Config.Pacing] while the client runs, also for the calls that
// are waiting. It refuses negative numbers.
func (c *Client) SetPacing(p assessment.Pacing) error { return c.transport.SetPacing(p) }

// Pacing returns what [Client.SetPacing] or the configuration set.
func (c *Client) Pacing() assessment.Pacing { return c.transport.Pacing() }

// KeyPrint implements [assessment.KeyPrinter].
func (c *Client) KeyPrint(ctx context.Context, account string) (assessment.KeyPrint, error) {
	return c.transport.KeyPrint(ctx, account)
}

// Vendor implements [assessment.Publisher].
func (c *Client) Vendor() assessment.Vendor { return assessment.Kombo }

// Connection implements [assessment.Publisher].
func (c *Client) Connection() string { return c.connection }

// Request is a call that this package has no method for; see [Client.Call].
type Request struct {
	Method string
	// Path continues the base URL element by element, as in {"tools",
	// "assessment"}. Each is escaped on its own.
	Path  []string
	Query url.Values
	// Body is sent as JSON; nil sends none.
	Body any
}

// Call makes any call of Kombo's API, with the integration's header unless
// integration is empty, and returns the whole answer. A GET is repeated after
// failures that may pass, a write only if it was certainly not carried out.
// Errors are as for every other call: [*assessment.APIError].
func (c *Client) Call(ctx context.Context, integration string, r Request) (json.RawMessage, error) {
	call := transport.Call{
		Operation: r.Method + " (custom)",
		Method:    r.Method,
		Path:      r.Path,
		Query:     r.Query,
		Account:   integration,
	}
	if r.Body != nil {
		body, err := outbound.Body(r.Body)
		if err != nil {
			return nil, fmt.Errorf("kombo: encode request: %w", err)
		}
		call.Body = body
	}
	answer, err := c.transport.Do(ctx, call)
	return answer.Body, err
}

// errNoData is the cause of an error for a success that is not Kombo's envelope,
// such as a maintenance page in JSON. Taken for an empty answer it would say that
// there are no orders.
var errNoData = errors.New("the answer holds no data")

// Check implements [transport.Checker].
func (e *envelope[T]) Check() error {
	if e.Data == nil {
		return errNoData
	}
	return nil
}

// read makes a call and returns the data of the answer.
func read[T any](ctx context.Context, c *Client, call transport.Call) (T, error) {
	got, _, err := transport.JSON[envelope[T]](ctx, c.transport, call)
	if err != nil {
		var none T
		return none, err
	}
	return *got.Data, nil
}

// integrationHeader selects the customer. Every assessment call needs it;
// Kombo's own clients leave it out silently.
const integrationHeader = "X-Integration-Id"

// checkIntegration notes an assessment call without an integration.
func checkIntegration(p *assessment.ValidationError, integration string) {
	if integration == "" {
		p.Add("integration", "required")
	}
}
