package simkit

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Call is one request to a simulated API, read completely.
type Call struct {
	Context context.Context //nolint:containedctx // a call is a request, which has one too
	Method  string
	URL     *url.URL // with scheme and host, as far as they are known
	Header  http.Header
	Body    []byte
	// Op, Params and Query are set by [Routes.Match]. Query is nil if the query string
	// is malformed.
	Op     string
	Params map[string]string
	Query  url.Values
	// Account and Order are what the call is about, as far as it is known.
	Account string
	Order   string
	// Warnings are those that a fault adds to the answer.
	Warnings []string
	notes    []string
}

func newCall(r *http.Request, body []byte) *Call {
	u := *r.URL
	u.Host, u.Scheme = r.Host, "http"
	if secure(r) {
		u.Scheme = "https"
	}
	return &Call{Context: r.Context(), Method: r.Method, URL: &u, Header: r.Header.Clone(), Body: body}
}

// Note records an oddity that the vendor is not known to refuse.
func (c *Call) Note(text string) { c.notes = append(c.notes, text) }

// NoteUnknown notes the members that a schema does not name.
func (c *Call) NoteUnknown(check *Checker) {
	for _, path := range check.Unknown {
		c.Note("unknown key " + path)
	}
}

// shownURL hides what is secret in the URL, tokens in the path included.
func (c *Call) shownURL() string {
	u := *c.URL
	if token := c.Params["token"]; token != "" {
		path := strings.ReplaceAll(u.EscapedPath(), url.PathEscape(token), urlRedaction)
		u.Path, u.RawPath = strings.ReplaceAll(u.Path, token, urlRedaction), path
	}
	return RedactedURL(u.String())
}

// Route is an operation at a method and a path in which "{name}" is a parameter.
type Route[H any] struct {
	Op      string
	Pattern string // such as "GET /orders/{id}"; empty: Op
	Handle  H
}

// Routes are the operations of an API.
type Routes[H any] struct {
	base string
	list []compiled[H]
}

type compiled[H any] struct {
	Route[H]
	method   string
	segments []string
}

// NewRoutes returns the routes below a base path.
func NewRoutes[H any](base string, list ...Route[H]) *Routes[H] {
	r := &Routes[H]{base: base}
	for _, route := range list {
		if route.Pattern == "" {
			route.Pattern = route.Op
		}
		method, path, _ := strings.Cut(route.Pattern, " ")
		r.list = append(r.list, compiled[H]{route, method, strings.Split(path, "/")})
	}
	return r
}

// Match finds the operation of a call and fills in what the path and the query say.
// It works on the escaped path, because ids have characters that clients escape.
func (r *Routes[H]) Match(c *Call) (handle H, found bool) {
	path, below := strings.CutPrefix(c.URL.EscapedPath(), r.base)
	if !below {
		return handle, false
	}
	segments := strings.Split(path, "/")
	for _, route := range r.list {
		if params, ok := route.match(c.Method, segments); ok {
			c.Op, c.Params = route.Op, params
			c.Query = parsedQuery(c.URL.RawQuery)
			return route.Handle, true
		}
	}
	return handle, false
}

func parsedQuery(text string) url.Values {
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil
	}
	return query
}

func (r compiled[H]) match(method string, segments []string) (map[string]string, bool) {
	if method != r.method || len(segments) != len(r.segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, want := range r.segments {
		name, isParam := strings.CutPrefix(want, "{")
		if !isParam {
			if segments[i] != want {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}
