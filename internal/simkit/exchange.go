package simkit

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Exchange is one request and its answer. Its slices and maps belong to the
// simulator and are not to be changed.
type Exchange struct {
	ID             int // from 1, in the order in which they began
	Direction      string
	Op             string
	Account        string // whose it was, as far as known
	Order          string // the order it is about; empty: none, or unknown
	Delivery       int    // the number of the delivery it belongs to; 0: a call of the API
	Time           time.Time
	Duration       time.Duration // until the answer began, or until it was read
	Method         string
	URL            string // secrets redacted
	RequestHeader  http.Header
	RequestBody    []byte
	Status         int // 0: no answer
	ResponseHeader http.Header
	ResponseBody   []byte
	Err            string
	Fault          string
	Notes          []string
}

func (e Exchange) size() int { return len(e.RequestBody) + len(e.ResponseBody) }

// The defaults of a log: what is older is dropped.
const (
	DefaultMaxExchanges = 10_000
	maxExchangeBytes    = 64 << 20 // of bodies
)

// exchangeLog keeps the latest exchanges.
type exchangeLog struct {
	limit int // number of exchanges; negative: no limit, not of bytes either
	hook  func(Exchange)

	mu    sync.Mutex
	begun int
	kept  []Exchange
	first int // of kept: those before it were dropped
	bytes int
}

// begin numbers an exchange that starts.
func (l *exchangeLog) begin() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
	return l.begun
}

// keep takes an exchange that ended, and tells whoever follows. The hook runs
// without the lock: it may ask the simulator.
func (l *exchangeLog) keep(e Exchange) {
	l.add(e)
	if l.hook != nil {
		l.hook(e)
	}
}

func (l *exchangeLog) add(e Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, e)
	l.bytes += e.size()
	for l.limit >= 0 && l.overfull() {
		l.bytes -= l.kept[l.first].size()
		l.kept[l.first] = Exchange{}
		l.first++
	}
	// What was dropped is cut off now and then, so that keeping one costs the same
	// however many there were.
	if l.first > len(l.kept)/2 {
		l.kept = slices.Clone(l.kept[l.first:])
		l.first = 0
	}
}

func (l *exchangeLog) overfull() bool {
	n := len(l.kept) - l.first
	return n > l.limit || n > 1 && l.bytes > maxExchangeBytes
}

func (l *exchangeLog) all() []Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept[l.first:])
}

func (l *exchangeLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept, l.first, l.bytes = nil, 0, 0
}

// What stands in place of a secret; in a URL it must not need escaping.
const (
	redaction    = "[redacted]"
	urlRedaction = "redacted"
)

// secretHeaders are never shown. A signature is: it opens nothing without a body.
var secretHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key"}

func redactedHeader(h http.Header) http.Header {
	c := h.Clone()
	for _, name := range secretHeaders {
		if c.Get(name) != "" {
			c.Set(name, redaction)
		}
	}
	return c
}

// secretParameters are the names of query parameters that carry a secret.
var secretParameters = regexp.MustCompile(`(?i)(^|[_.\-\[])(token|secret|password|passwd|pwd|key|apikey|auth|authorization|signature|sig|credential|credentials|code|jwt|session)(\]|$)|token$|apikey$|secret$|password$`)

// RedactedURL is a URL without its user info and without the values of parameters
// that carry a secret, so that it can be printed. The rest stays as it was written.
func RedactedURL(address string) string {
	address, fragment, hasFragment := strings.Cut(address, "#")
	address, query, hasQuery := strings.Cut(address, "?")
	if scheme, rest, hasHost := strings.Cut(address, "//"); hasHost {
		host, path, hasPath := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			host = urlRedaction + host[at:]
		}
		address = scheme + "//" + host
		if hasPath {
			address += "/" + path
		}
	}
	if hasQuery {
		address += "?" + redactedQuery(query)
	}
	if hasFragment {
		address += "#" + redactedQuery(fragment)
	}
	return address
}

func redactedQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, hasValue := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if hasValue && value != "" && (err != nil || secretParameters.MatchString(plain)) {
			pairs[i] = name + "=" + urlRedaction
		}
	}
	return strings.Join(pairs, "&")
}
