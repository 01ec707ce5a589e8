package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

const maxRedirects = 10

// redirectPolicy follows a redirection only to where the request was meant to
// go: net/http would carry the account's header, and between sub-domains the
// key, to whatever host an answer names, and would turn a redirected write into
// a GET without saying so. The caller's own policy can refuse more.
func redirectPolicy(callers func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		first := via[0]
		if len(via) >= maxRedirects || next.Method != first.Method || !sameOrigin(next.URL, first.URL) {
			return http.ErrUseLastResponse
		}
		if callers != nil {
			return callers(next, via)
		}
		return nil
	}
}

// refusedRedirect says why a redirection was not followed.
func (e *exchange) refusedRedirect(answer Answer) error {
	location := answer.Header.Get("Location")
	if location == "" {
		return errors.New("redirect without an address")
	}
	target, err := e.client.base.Parse(location)
	switch {
	case err != nil:
		return errors.New("redirect to an unreadable address")
	case !sameOrigin(target, e.client.base):
		return fmt.Errorf("redirect to %s://%s refused", target.Scheme, target.Host)
	case e.call.repeat() != Read:
		return errors.New("redirect of a write refused")
	}
	return errors.New("redirect refused")
}

// sameOrigin compares scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}
