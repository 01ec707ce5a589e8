package ashby

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// BaseURL is where Ashby's API is; there are no regions
// (https://developers.ashbyhq.com/reference/introduction).
const BaseURL = "https://api.ashbyhq.com"

// Config configures [New]. APIKey or Keys is required; everything else has a
// working zero value.
type Config struct {
	// APIKey is the key that the customer made in Ashby, if there is one customer
	// only. Updates need its permission candidatesWrite.
	APIKey string
	// Keys returns the key for an account, which is the name that
	// [HandlerConfig.Authenticate] gave the customer. It is asked before every
	// call, and once more after an answer 401 or 403.
	Keys func(ctx context.Context, account string) (string, error)
	// BaseURL replaces [BaseURL], for tests and proxies.
	BaseURL string
	// Version is sent as Ashby-Version, such as "2026-01-01"
	// (https://developers.ashbyhq.com/docs/api-versions). Without it Ashby uses the
	// version that the customer's key was made with.
	Version string
	// Connection is [assessment.OrderRef.Connection] of the orders that this
	// client writes results for. Leave it empty unless there are several.
	Connection string
	// PartnerID is the provider's own id in Ashby, which only
	// [Client.AddCompleted] needs.
	PartnerID string
	// Labels are what recruiters read instead of the standard labels, by
	// identifier, as in {ashby.IDReportURL: "Open in Acme Tests"}.
	Labels map[string]string
	// Descriptions are further help that Ashby shows beside the common values, by
	// identifier, as in {ashby.IDResult: "Share of correct answers"}. An attribute
	// brings its own ([assessment.Attribute.Description]).
	Descriptions map[string]string

	// HTTPClient makes the requests; it is copied and never changed. Nil means a
	// connection pool of its own without a proxy.
	HTTPClient *http.Client
	// UserAgent replaces the module's own. The firewall before Ashby's API answers
	// 403 to clients without one.
	UserAgent string
	// ShowVendorMessages makes the texts of errors show Ashby's messages whole.
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
	// MaxWait is the longest single wait, to keep within Ashby's limits or because
	// Ashby asks for one; beyond it the call ends at once with
	// [assessment.ErrRateLimited], so that a worker can go on with another customer's.
	// A minute if zero; five seconds are right for the workers of a queue.
	MaxWait time.Duration
	// Pacing bounds by hand how fast the client calls; see [Client.SetPacing].
	// Without it the client keeps to Ashby's limits by itself.
	Pacing assessment.Pacing
	// LimitScope says whether Ashby's limits are those of the key or of each
	// account, if the client is not to find out.
	LimitScope assessment.LimitScope
	// Timeout limits a call whose context has no deadline, waits included; two
	// minutes if zero. [Client.PublishResult] waits as long, before its call, for
	// other updates of the assessment.
	Timeout time.Duration
}

// String describes the configuration without keys.
func (c Config) String() string { return fmt.Sprintf("ashby config (connection %q)", c.Connection) }

// Format implements [fmt.Formatter]: every verb prints [Config.String].
func (c Config) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] without keys.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client calls Ashby's API. It is safe for concurrent use.
type Client struct {
	transport  *transport.Client
	connection string
	partnerID  string
	wording    wording
	results    *outbound.Results[timeline]
}

var _ assessment.Publisher = (*Client)(nil)

// New returns a client. It refuses a missing or malformed key, and Labels and
// Descriptions for unknown identifiers. Nothing is sent.
func New(c Config) (*Client, error) {
	if err := checkTexts("Labels", c.Labels); err != nil {
		return nil, err
	}
	if err := checkTexts("Descriptions", c.Descriptions); err != nil {
		return nil, err
	}
	// The version in Accept is of every official example and has nothing to do
	// with Ashby-Version (https://developers.ashbyhq.com/reference/authentication).
	header := http.Header{"Accept": {"application/json; version=1"}}
	if c.Version != "" {
		header["Ashby-Version"] = []string{c.Version}
	}
	t, err := transport.New(transport.Config{
		Vendor:             assessment.Ashby,
		Connection:         c.Connection,
		BaseURL:            cmp.Or(c.BaseURL, BaseURL),
		HTTPClient:         c.HTTPClient,
		Authorize:          transport.Basic,
		Key:                c.APIKey,
		Keys:               c.Keys,
		UserAgent:          c.UserAgent,
		Header:             header,
		RequestIDHeader:    "X-Ashby-Request-Id",
		Classify:           classify,
		ShowVendorMessages: c.ShowVendorMessages,
		Logger:             c.Logger,
		Observer:           c.Observer,
		MaxRetries:         c.MaxRetries,
		MaxWait:            c.MaxWait,
		Pacing:             c.Pacing,
		// Each customer has a key of its own, and Ashby documents no limit.
		LimitScope:  cmp.Or(c.LimitScope, assessment.ScopeAccount),
		CallTimeout: c.Timeout,
	})
	if err != nil {
		return nil, err
	}
	client := &Client{
		transport: t, connection: c.Connection, partnerID: c.PartnerID,
		wording: wording{maps.Clone(c.Labels), maps.Clone(c.Descriptions)},
	}
	client.results = outbound.NewResults[timeline](outbound.Config{
		Vendor: assessment.Ashby, Operation: opUpdate, Logger: c.Logger, Observer: c.Observer,
		Patience: cmp.Or(c.Timeout, transport.DefaultCallTimeout),
	})
	return client, nil
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
func (c *Client) Vendor() assessment.Vendor { return assessment.Ashby }

// Connection implements [assessment.Publisher].
func (c *Client) Connection() string { return c.connection }

// MintsOrderIDs is true: Ashby gives its orders no id, so the intake does, and the
// final result has to free the order; see [assessment.RouterConfig].
func (c *Client) MintsOrderIDs() bool { return true }

// Request is a call that this package has no method for; see [Client.Call].
type Request struct {
	// Operation is the name of the call, such as "application.info". Each is a
	// POST at a path of that name.
	Operation string
	// Body is sent as JSON; nil sends an empty object.
	Body any
	// Read says that the call changes nothing, so that it may be repeated after
	// any failure. All others are repeated only if they were certainly not
	// carried out.
	Read bool
}

// String names the operation without the body.
func (r Request) String() string { return fmt.Sprintf("ashby request %q", r.Operation) }

// Format implements [fmt.Formatter]: every verb prints [Request.String], because
// the body may be about a candidate.
func (r Request) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] without the body.
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Call makes any call of Ashby's API (https://developers.ashbyhq.com/reference)
// for an account and returns the whole answer, which may be empty. Errors are as
// for every other call: [*assessment.APIError].
func (c *Client) Call(ctx context.Context, account string, r Request) (json.RawMessage, error) {
	if r.Operation == "" || strings.Contains(r.Operation, "/") {
		var p assessment.ValidationError
		p.Add("operation", `must be a name such as "application.info"`)
		return nil, p.Err()
	}
	if r.Body == nil {
		r.Body = struct{}{}
	}
	body, err := outbound.Body(r.Body)
	if err != nil {
		return nil, fmt.Errorf("ashby: encode request: %w", err)
	}
	call := operation(account, r.Operation, body)
	if r.Read {
		call.Repeat = transport.Read
	}
	answer, err := c.transport.Do(ctx, call)
	return answer.Body, err
}

// operation is a call of Ashby's API, which knows no path but the name of the
// operation and no method but POST.
func operation(account, name string, body []byte) transport.Call {
	return transport.Call{
		Operation: name,
		Method:    http.MethodPost,
		Path:      []string{name},
		Account:   account,
		Body:      body,
	}
}

// read asks Ashby something and returns the results, and the answer that they
// came in.
func (c *Client) read(ctx context.Context, account, name string, question any) (json.RawMessage, transport.Answer, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return nil, transport.Answer{}, fmt.Errorf("ashby: encode request: %w", err)
	}
	call := operation(account, name, body)
	call.Repeat = transport.Read
	got, answer, err := transport.JSON[envelope[json.RawMessage]](ctx, c.transport, call)
	return got.Results, answer, err
}

// notAnswered is a success that does not hold what was asked for. The class is nil
// where the status is to decide.
func notAnswered(account, name, message string, answer transport.Answer, class error) *assessment.APIError {
	return &assessment.APIError{
		Vendor: assessment.Ashby, Operation: name, Account: account, StatusCode: answer.StatusCode,
		RequestID: answer.RequestID, Attempts: answer.Attempts, Body: answer.Body, Class: class, Cause: errors.New(message),
	}
}

// empty reports whether results hold nothing: they are missing, or not an
// object, or one without members.
func empty(results json.RawMessage) bool {
	var members map[string]json.RawMessage
	_, err := lenient.Unmarshal(results, &members)
	return err != nil || len(members) == 0
}

// write makes a call and says how it went. The answer to an update may be empty,
// so nothing of it is needed.
func (c *Client) write(ctx context.Context, call transport.Call) (answer transport.Answer, receipt assessment.Receipt, err error) {
	call.Empty = true
	_, answer, err = transport.JSON[transport.Written](ctx, c.transport, call)
	receipt.Attempts, receipt.RequestID = answer.Attempts, answer.RequestID
	var failure *assessment.APIError
	if errors.As(err, &failure) {
		receipt.Attempts, receipt.RequestID = failure.Attempts, failure.RequestID
	}
	if err == nil {
		receipt.Outcome, receipt.Warnings = assessment.ResultWritten, warningsOf(answer.Body)
	}
	return answer, receipt, err
}

// warningsOf returns the codes of what Ashby remarked on, such as
// "unable_to_add_application_metadata"
// (https://developers.ashbyhq.com/docs/responses).
func warningsOf(body []byte) []string {
	if !bytes.Contains(body, []byte(`"warnings"`)) {
		return nil // as nearly always
	}
	var wire struct {
		Warnings []string `json:"warnings"`
	}
	_, _ = lenient.Unmarshal(body, &wire)
	return slices.DeleteFunc(wire.Warnings, func(w string) bool { return w == "" })
}
