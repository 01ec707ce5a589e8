package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// The defaults of [Config].
const (
	DefaultMaxRetries  = 4
	DefaultMinBackoff  = 500 * time.Millisecond
	DefaultMaxBackoff  = 10 * time.Second
	DefaultMaxWait     = time.Minute
	DefaultCallTimeout = 2 * time.Minute
	DefaultMaxBody     = 32 << 20
)

// Config says how to talk to one vendor. Vendor, BaseURL, Authorize and one of
// Key and Keys are required.
type Config struct {
	Vendor     assessment.Vendor
	Connection string

	// BaseURL is an absolute http or https URL without user, query or fragment,
	// such as "https://api.kombo.dev/v1".
	BaseURL string
	// HTTPClient makes the requests. It is copied and never changed: its
	// Transport, Jar, Timeout (for each attempt) and CheckRedirect stay in force.
	// Nil means a client with a connection pool of its own that uses no proxy,
	// because this module reads no environment variables. A client without a
	// Transport uses [http.DefaultTransport], as everywhere.
	HTTPClient *http.Client

	// Authorize sets the Authorization header: [Bearer] or [Basic].
	Authorize func(h http.Header, key string)
	// Key is the API key of every call.
	Key string
	// Keys returns the API key for an account. It is asked before every call,
	// and once more after an answer 401 or 403; the call is repeated only if the
	// key has changed. It must be safe for concurrent use.
	Keys func(ctx context.Context, account string) (string, error)

	// Escape writes one element of a path; nil means [url.PathEscape]. It must
	// escape a slash.
	Escape func(string) string
	// UserAgent defaults to "assessbridge-go/" and the module's version. It is
	// never empty, because firewalls before the vendors' APIs refuse that.
	UserAgent string
	// Header is sent with every call, except for User-Agent and Authorization;
	// [Call.Header] wins. Accept defaults to "application/json".
	Header http.Header
	// AccountHeader names the header that carries [Call.Account], if there is one.
	AccountHeader string
	// RequestIDHeader names the header of an answer that holds the vendor's
	// request id, if there is one.
	RequestIDHeader string
	// Classify reads a vendor's own error envelope. It is called for every answer,
	// successes included, and returns nil if the answer is none; what is not the
	// vendor's and the status decide then. It must be safe for concurrent use and must not keep
	// or change the answer. Nil means that the status always decides.
	Classify func(Answer) *Failure

	// ShowVendorMessages makes the texts of errors show a vendor's message whole.
	ShowVendorMessages bool

	Logger   *slog.Logger // told of repeated calls at debug level; nil = silent
	Observer assessment.Observer

	// MaxRetries is how often a call is repeated at most. Zero means
	// [DefaultMaxRetries], a negative number none.
	MaxRetries int
	// MinBackoff and MaxBackoff bound the back-off: before retry n (from 0) the wait
	// is random between 0 and MinBackoff·2ⁿ, but at most MaxBackoff. Zero means
	// [DefaultMinBackoff] and [DefaultMaxBackoff].
	MinBackoff, MaxBackoff time.Duration
	// MaxWait is the longest single wait, at the gate or because the vendor asks for
	// one; beyond it the call ends at once with [assessment.ErrRateLimited]. Zero
	// means [DefaultMaxWait].
	MaxWait time.Duration
	// Pacing bounds the calls by hand; see [Client.SetPacing].
	Pacing assessment.Pacing
	// LimitScope says what the vendor counts calls by, where that is known.
	LimitScope assessment.LimitScope
	// PerMinute is how many calls a minute the vendor documents for a key, where its
	// answers do not tell. Zero means that nothing is known.
	PerMinute int
	// ShowsWindow says that every answer of the vendor shows the window of calls
	// that it grants.
	ShowsWindow bool
	// InFlightPerAccount is how many calls of an account the vendor is known to take
	// together. Zero means that nothing is known.
	InFlightPerAccount int
	// CallTimeout limits a call, its retries and waits included, whose context
	// has no deadline. Zero means [DefaultCallTimeout].
	CallTimeout time.Duration
	// MaxBody is the largest answer accepted, in bytes. Zero means
	// [DefaultMaxBody].
	MaxBody int64
}

// Client calls one vendor. It is safe for concurrent use.
type Client struct {
	keyring
	config Config // without the key and the HTTP client
	base   *url.URL
	prefix string // base as text, without a slash at the end
	http   *http.Client
	gate   *gate

	// Of every request. The slices are shared by all of them: a transport must
	// not change a request.
	header      http.Header
	userAgent   []string
	contentType []string // of a body that names none
}

// New checks config, fills in its defaults and returns a client.
func New(config Config) (*Client, error) {
	base, err := parseBase(config.BaseURL)
	if err == nil {
		err = config.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.Vendor, err)
	}
	config = config.withDefaults()
	c := &Client{
		keyring:     newKeyring(&config),
		base:        base,
		prefix:      base.String(),
		http:        disarm(config.HTTPClient),
		header:      constantHeader(config.Header),
		userAgent:   []string{config.UserAgent},
		contentType: []string{"application/json"},
	}
	c.gate = newGate(&config)
	c.config = config
	c.config.Key, c.config.Keys, c.config.Authorize, c.config.HTTPClient = "", nil, nil, nil
	return c, nil
}

func (c *Config) check() error {
	switch {
	case c.Vendor == "":
		return errors.New("vendor missing")
	case c.Authorize == nil:
		return errors.New("authorization missing")
	case c.Key == "" && c.Keys == nil:
		return errors.New("API key missing")
	case c.Key != "" && c.Keys != nil:
		return errors.New("either one API key or a function, not both")
	case c.MinBackoff < 0, c.MaxBackoff < 0, c.MaxWait < 0, c.CallTimeout < 0, c.MaxBody < 0:
		return errors.New("negative limit")
	case c.MaxBackoff > 0 && c.MinBackoff > c.MaxBackoff:
		return errors.New("least wait greater than the greatest")
	case c.AccountHeader != "" && !token(c.AccountHeader):
		return errors.New("account header is not a token")
	case !printable(c.UserAgent):
		return errors.New("user agent with a control character")
	}
	if c.LimitScope < assessment.ScopeAuto || c.LimitScope > assessment.ScopeAccount {
		return errors.New("unknown limit scope")
	}
	if err := errors.Join(c.Pacing.Check(), checkHeader(c.Header)); err != nil {
		return err
	}
	if c.Keys != nil {
		return nil
	}
	return checkKey(c.Key)
}

func (c Config) withDefaults() Config {
	c.UserAgent = cmp.Or(c.UserAgent, userAgent())
	if c.Escape == nil {
		c.Escape = url.PathEscape
	}
	if c.Classify == nil {
		c.Classify = func(Answer) *Failure { return nil }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Observer = c.Observer.Contained(c.Logger)
	c.AccountHeader = http.CanonicalHeaderKey(c.AccountHeader)
	c.MaxRetries = min(max(0, cmp.Or(c.MaxRetries, DefaultMaxRetries)), math.MaxInt-1) // one is added
	c.MinBackoff = cmp.Or(c.MinBackoff, DefaultMinBackoff)
	c.MaxBackoff = max(c.MinBackoff, cmp.Or(c.MaxBackoff, DefaultMaxBackoff))
	c.MaxWait = cmp.Or(c.MaxWait, DefaultMaxWait)
	c.CallTimeout = cmp.Or(c.CallTimeout, DefaultCallTimeout)
	c.MaxBody = min(cmp.Or(c.MaxBody, DefaultMaxBody), math.MaxInt64-1) // one more is read
	return c
}

func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("base URL cannot be parsed") // its text may hold a password
	}
	switch {
	case strings.TrimSpace(text) != text: // it would become a part of every path
		return nil, errors.New("base URL starts or ends with a blank")
	case base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("base URL must begin with https:// or http://")
	case base.Hostname() == "":
		return nil, errors.New("base URL without a host")
	case !isPort(base.Port()):
		return nil, errors.New("base URL with a port that does not exist")
	case base.User != nil:
		return nil, errors.New("base URL must not hold a user or password")
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return nil, errors.New("base URL must not hold a query or fragment")
	}
	base = base.JoinPath()
	base.Path, base.RawPath = trimSlash(base.Path), trimSlash(base.RawPath)
	return base, nil
}

// isPort: none, or one that can be connected to.
func isPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// disarm copies the caller's client so that neither go-retryablehttp nor this
// package can change it or close its connections.
func disarm(given *http.Client) *http.Client {
	if given == nil {
		given = &http.Client{Transport: newTransport()}
	}
	client := *given
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = hidden{client.Transport}
	client.CheckRedirect = redirectPolicy(given.CheckRedirect)
	return &client
}

// hidden shows only RoundTrip of a transport. go-retryablehttp calls
// CloseIdleConnections after every failed call, which would close connections
// that other users of the same transport are about to use.
type hidden struct{ http.RoundTripper }

// newTransport has the limits of [http.DefaultTransport], but no proxy from the
// environment.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   32, // as many as are in flight together, or each burst opens new ones
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// deadline gives a call that has no deadline the default one.
func (c *Client) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.config.CallTimeout)
}

// SetPacing changes [Config.Pacing] of a running client, for waiting calls too.
func (c *Client) SetPacing(p assessment.Pacing) error {
	if c == nil {
		return errNotMade
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("%s: %w", c.config.Vendor, err)
	}
	c.gate.set(p, time.Now())
	return nil
}

// Pacing returns what [Client.SetPacing] or [Config.Pacing] set.
func (c *Client) Pacing() assessment.Pacing {
	if c == nil {
		return assessment.Pacing{}
	}
	return c.gate.paced()
}

// Limits lists what holds calls back or is being counted: the key, whose Account
// is empty, and the accounts that are not at rest.
func (c *Client) Limits() []assessment.Limit {
	if c == nil {
		return nil
	}
	return c.gate.limits()
}
