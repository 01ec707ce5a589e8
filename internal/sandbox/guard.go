package sandbox

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// hostCheck lets through what is addressed to this machine, at the port where it came
// in. A page of somebody else can make a browser resolve its own name to the
// loopback, but it cannot change the name.
type hostCheck struct {
	next http.Handler
	// anyAddress also takes addresses that are not loopback, for a sandbox that was
	// told to listen elsewhere: an address cannot be made to mean another.
	anyAddress bool
}

func (c hostCheck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.ours(r) {
		http.Error(w, "this host is not the sandbox", http.StatusMisdirectedRequest)
		return
	}
	c.next.ServeHTTP(w, r)
}

func (c hostCheck) ours(r *http.Request) bool {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		return false // also without a port: the sandbox never has the default one
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if local == nil || port != strconv.Itoa(local.Port) {
		return false
	}
	if strings.EqualFold(host, "localhost") || c.anyAddress && host == dockerHost {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && (c.anyAddress || ip.Unmap().IsLoopback())
}

// dockerHost is what a container calls the machine it runs on.
const dockerHost = "host.docker.internal"

// contentPolicy lets the page load its own files and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func safeHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// tokenCheck lets in who knows the token of this start.
type tokenCheck struct {
	token  string
	cookie string // its name
	next   http.Handler
}

func (c tokenCheck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if given := r.URL.Query().Get("token"); given != "" && r.Method == http.MethodGet {
		if !c.is(given) {
			http.Error(w, "that token is not of this start of the sandbox", http.StatusUnauthorized)
			return
		}
		http.SetCookie(w, &http.Cookie{
			Name: c.cookie, Value: c.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		query := r.URL.Query()
		query.Del("token")
		to := r.URL.EscapedPath()
		if strings.HasPrefix(to, "//") || !strings.HasPrefix(to, "/") {
			to = "/" // a path of two slashes would lead to another host
		}
		if rest := query.Encode(); rest != "" {
			to += "?" + rest
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	if !c.knows(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "open the address that the sandbox printed when it started: it has the token in it", http.StatusUnauthorized)
		return
	}
	c.next.ServeHTTP(w, r)
}

func (c tokenCheck) knows(r *http.Request) bool {
	if given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found && strings.HasPrefix(r.URL.Path, "/api/") {
		return c.is(given)
	}
	for _, cookie := range r.CookiesNamed(c.cookie) {
		if c.is(cookie.Value) {
			return true
		}
	}
	return false
}

func (c tokenCheck) is(given string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(c.token)) == 1
}
