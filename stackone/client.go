package stackone

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// DefaultBaseURL is StackOne's only documented base URL. The region of a project
// is part of its API key (https://docs.stackone.com/api/authentication).
const DefaultBaseURL = "https://api.stackone.com"

// DefaultTimeout limits a call whose context has no deadline. StackOne works on
// a request for up to a minute, then answers 408 and asks to wait another one
// (https://docs.stackone.com/guides/rate-limiting): less would leave no time for
// the one repetition that a result gets.
const DefaultTimeout = 4 * time.Minute

// Config configures [New]. APIKey or Keys is required; everything else has a
// working zero value.
type Config struct {
	// APIKey is the key of the StackOne project, such as v1.eu1.….
	APIKey string
	// Keys returns the key for an account, for keys that differ or change. It is
	// asked before every call, and once more after an answer 401 or 403. The
	// account is empty where a call is about none: for [Client.Accounts],
	// [Client.CreateConnectSession], and [Client.Call] without an account.
	Keys func(ctx context.Context, account string) (string, error)
	// BaseURL replaces [DefaultBaseURL], for tests and proxies.
	BaseURL string
	// Connection is [assessment.OrderRef.Connection] of the orders that this
	// client writes results for. Leave it empty unless there are several projects.
	Connection string

	// Provider returns StackOne's key of the ATS behind an account, such as
	// "greenhouse"; what a result may hold depends on it, see [Capabilities]. Nil
	// means that the client asks StackOne and remembers the answer for an hour,
	// which needs an API key that may read accounts: without one interim updates
	// are not sent, see [Client.PublishResult]. It must not wait long. An empty
	// text without an error says that the ATS is not known. An error is taken for
	// one that may pass, unless it is an [*assessment.APIError] that is not
	// [assessment.Retryable].
	Provider func(ctx context.Context, account string) (string, error)
	// Candidate returns who a result is about, to be sent with it; nil sends
	// nothing. What StackOne makes of it is not documented. It must not wait long.
	// After an error the result goes without it, with a warning.
	Candidate func(ctx context.Context, ref assessment.OrderRef) (ResultCandidate, error)
	// Heartbeat asks StackOne to keep the connections of long calls alive with
	// line breaks. Such an answer has its HTTP status before the work is done, so
	// that a late failure can be told from its body only: leave it off unless
	// something on the way cuts idle connections.
	Heartbeat bool

	// HTTPClient makes the requests; it is copied and never changed. Nil means a
	// connection pool of its own without a proxy.
	HTTPClient *http.Client
	// UserAgent replaces the module's own.
	UserAgent string
	// ShowVendorMessages makes the texts of errors show StackOne's messages whole.
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
	// MaxWait is the longest single wait, to keep within StackOne's limits or because
	// StackOne asks for one; beyond it the call ends at once with
	// [assessment.ErrRateLimited], so that a worker can go on with another customer's.
	// A minute if zero; five seconds are right for the workers of a queue.
	MaxWait time.Duration
	// Pacing bounds by hand how fast the client calls; see [Client.SetPacing].
	// Without it the client keeps to StackOne's limits by itself.
	Pacing assessment.Pacing
	// LimitScope says whether StackOne's limits are those of the key or of each
	// account, if the client is not to find out.
	LimitScope assessment.LimitScope
	// Timeout limits a call, waits included, whose context has no deadline;
	// [DefaultTimeout] if zero.
	Timeout time.Duration
}

// String names the configuration without the key.
func (c Config) String() string {
	return "stackone config (connection " + strconv.Quote(c.Connection) + ")"
}

// Format implements [fmt.Formatter]: every verb prints [Config.String].
func (c Config) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] without the key.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// callsPerMinute is what StackOne takes with one key
// (https://docs.stackone.com/guides/rate-limiting). Its answers do not tell how
// much is left.
const callsPerMinute = 1000

// Client calls StackOne's API. It is safe for concurrent use.
type Client struct {
	transport  *transport.Client
	connection string
	heartbeat  bool
	ats        atsCache
	results    *outbound.Results[struct{}]
	candidate  func(context.Context, assessment.OrderRef) (ResultCandidate, error)
}

var _ assessment.Publisher = (*Client)(nil)

// New returns a client. It refuses a missing or malformed key and a malformed
// BaseURL. Nothing is sent.
func New(c Config) (*Client, error) {
	t, err := transport.New(transport.Config{
		Vendor:             assessment.StackOne,
		Connection:         c.Connection,
		BaseURL:            cmp.Or(c.BaseURL, DefaultBaseURL),
		HTTPClient:         c.HTTPClient,
		Authorize:          transport.Basic,
		Key:                c.APIKey,
		Keys:               c.Keys,
		Escape:             escape,
		UserAgent:          c.UserAgent,
		Classify:           classify,
		ShowVendorMessages: c.ShowVendorMessages,
		Logger:             c.Logger,
		Observer:           c.Observer,
		MaxRetries:         c.MaxRetries,
		MaxWait:            c.MaxWait,
		Pacing:             c.Pacing,
		PerMinute:          callsPerMinute,
		LimitScope:         c.LimitScope,
		CallTimeout:        cmp.Or(c.Timeout, DefaultTimeout),
	})
	if err != nil {
		return nil, err
	}
	client := &Client{transport: t, connection: c.Connection, heartbeat: c.Heartbeat, candidate: c.Candidate}
	client.ats.host = c.Provider
	client.ats.lookUp = client.accountProvider
	client.results = outbound.NewResults[struct{}](outbound.Config{
		Vendor: assessment.StackOne, Operation: resultOperation, Logger: c.Logger, Observer: c.Observer,
		Patience: cmp.Or(c.Timeout, DefaultTimeout),
	})
	return client, nil
}

// escape writes a path element as StackOne's own clients do: also +, = and &
// are percent-encoded.
func escape(element string) string {
	return strings.ReplaceAll(url.QueryEscape(element), "+", "%20")
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
func (c *Client) Vendor() assessment.Vendor { return assessment.StackOne }

// Connection implements [assessment.Publisher].
func (c *Client) Connection() string { return c.connection }

// Request is a call that this package has no method for; see [Client.Call].
type Request struct {
	Method string
	// Path continues the base URL element by element, as in {"unified", "ats",
	// "users"}. Each is escaped on its own.
	Path  []string
	Query url.Values
	// Body is sent as JSON; nil sends none.
	Body any
}

// Call makes any call of StackOne's API, with the account's header unless
// account is empty, and returns the whole answer. Unified paths need an account;
// those of the platform, such as /connectors/meta, take none. A GET is repeated
// after failures that may pass, a write only if it was certainly not carried
// out. Errors are as for every other call: [*assessment.APIError].
func (c *Client) Call(ctx context.Context, account string, r Request) (json.RawMessage, error) {
	call := transport.Call{
		Operation: r.Method + " (custom)",
		Method:    r.Method,
		Path:      r.Path,
		Query:     r.Query,
	}
	if len(r.Path) > 0 && r.Path[0] == "unified" && account == "" {
		return nil, errNoAccount()
	}
	if r.Body != nil {
		if err := setBody(&call, r.Body); err != nil {
			return nil, err
		}
	}
	c.selectAccount(&call, account)
	answer, err := c.transport.Do(ctx, call)
	return answer.Body, err
}

// accountHeader selects the customer. Every unified call needs it
// (https://docs.stackone.com/api/multi-tenant-accounts).
const accountHeader = "X-Account-Id"

func (c *Client) selectAccount(call *transport.Call, account string) {
	if account == "" {
		return
	}
	call.Account = account
	call.Header = http.Header{accountHeader: {account}}
	// Only the answers of these paths have a form that tells a late failure.
	if c.heartbeat && len(call.Path) > 1 && call.Path[0] == "unified" && call.Path[1] == "ats" {
		call.Header["Prefer"] = []string{"heartbeat"}
	}
}

// unified is a call below /unified/ats for an account. The operation names the
// path as StackOne's reference does.
func (c *Client) unified(method, operation, account string, path ...string) (transport.Call, error) {
	if account == "" {
		return transport.Call{}, errNoAccount()
	}
	call := transport.Call{
		Operation: method + " /unified/ats/" + operation,
		Method:    method,
		Path:      append([]string{"unified", "ats"}, path...),
	}
	c.selectAccount(&call, account)
	return call, nil
}

// errNoAccount is what a unified call without an account gets.
func errNoAccount() error {
	var p assessment.ValidationError
	p.Add("account", "required")
	return p.Err()
}

func setBody(call *transport.Call, body any) error {
	encoded, err := outbound.Body(body)
	if err != nil {
		return fmt.Errorf("stackone: encode request: %w", err)
	}
	call.Body = encoded
	return nil
}

func splitPath(path string) []string { return strings.Split(path, "/") }
