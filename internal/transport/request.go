package transport

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/assessbridge/assessbridge/assessment"
)

// check finds everything that would make the request something else than what
// the caller means.
func (c *Call) check() error {
	var problems assessment.ValidationError
	if !token(c.Method) {
		problems.Add("method", "not an HTTP method")
	}
	if !printable(c.Account) {
		problems.Add("account", "contains a control character")
	}
	for i, element := range c.Path {
		// RFC 3986 section 5.2.4 removes dot segments even where they are
		// percent-encoded, because encoding an unreserved character changes nothing.
		if element == "" || element == "." || element == ".." {
			problems.Add(fmt.Sprintf("path[%d]", i), "must not be empty, a dot or two dots")
		}
	}
	addHeaderProblems(&problems, c.Header)
	return problems.Err()
}

func checkHeader(h http.Header) error {
	var problems assessment.ValidationError
	addHeaderProblems(&problems, h)
	return problems.Err()
}

// addHeaderProblems finds what net/http would refuse only when it sends the
// request, with an error that looks like one of the connection.
func addHeaderProblems(problems *assessment.ValidationError, h http.Header) {
	for name, values := range h {
		if !token(name) {
			problems.Add("header", "name is not a token")
			continue
		}
		for _, value := range values {
			if !printable(value) {
				problems.Add("header["+name+"]", "contains a control character")
			}
		}
	}
}

// request builds what go-retryablehttp sends.
func (c *Client) request(ctx context.Context, call *Call, key string) (*retryablehttp.Request, error) {
	plain, err := http.NewRequestWithContext(ctx, call.Method, c.url(call), nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	plain.Header = c.requestHeader(call, key)
	request := &retryablehttp.Request{Request: plain}
	if len(call.Body) == 0 {
		return request, nil
	}
	return request, request.SetBody(call.Body) // a []byte is rewound without a copy
}

func (c *Client) url(call *Call) string {
	var b strings.Builder
	b.Grow(len(c.prefix) + 64)
	b.WriteString(c.prefix)
	for _, element := range call.Path {
		b.WriteByte('/')
		b.WriteString(c.config.Escape(element))
	}
	if len(call.Query) > 0 {
		b.WriteByte('?')
		b.WriteString(call.Query.Encode())
	}
	return b.String()
}

func (c *Client) requestHeader(call *Call, key string) http.Header {
	h := make(http.Header, 3+len(c.header)+len(call.Header))
	if len(call.Body) > 0 {
		h["Content-Type"] = c.contentType
	}
	maps.Copy(h, c.header)
	merge(h, call.Header)
	h["User-Agent"] = c.userAgent
	if c.config.AccountHeader != "" && call.Account != "" {
		h[c.config.AccountHeader] = []string{call.Account}
	}
	c.authorize(h, key)
	return h
}

func constantHeader(configured http.Header) http.Header {
	h := http.Header{"Accept": {"application/json"}}
	merge(h, configured.Clone())
	return h
}

func merge(h, more http.Header) {
	for name, values := range more {
		h[http.CanonicalHeaderKey(name)] = values
	}
}

// printable reports whether s can stand in a header: without line breaks, which
// would begin another header, and other control characters.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// token reports whether s is a token by RFC 9110 section 5.6.2, as methods and
// header names are.
func token(s string) bool {
	for _, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return s != ""
}

func trimSlash(s string) string { return strings.TrimRight(s, "/") }
