package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// names is a resolver that knows these names and nobody else.
func names(table map[string]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		if table[host] == "" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr(table[host])}, nil
	}
}

func guardOf(remote []string, table map[string]string) *targetGuard {
	g := newTargetGuard(remote)
	g.lookup = names(table)
	g.canonical = func(_ context.Context, host string) (string, error) { return host + ".", nil }
	return g
}

// Whom the sandbox may call is decided by the address, not by how it is written.
func TestPrivateTargets(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:80/":           true,
		"http://127.9.9.9/":              true,
		"http://[::1]:80/":               true,
		"http://[::ffff:127.0.0.1]/":     true,
		"http://10.1.2.3/":               true,
		"http://172.16.0.1/":             true,
		"http://192.168.1.1/":            true,
		"http://[fd12:3456::1]/":         true,
		"http://private.test/":           true,
		"http://8.8.8.8/":                false,
		"http://172.32.0.1/":             false,
		"http://0.0.0.0/":                false,
		"http://169.254.169.254/":        false, // the metadata services of clouds
		"http://[fe80::1]/":              false,
		"http://[fd00:ec2::254]/":        false,
		"http://[fd20:ce::254]/":         false,
		"http://[::ffff:8.8.8.8]/":       false,
		"http://100.100.100.200/":        false,
		"http://public.test/":            false,
		"http://api.kombo.dev/":          false,
		"http://127.0.0.1.evil.test/":    false,
		"ftp://127.0.0.1/":               false,
		"file:///etc/passwd":             false,
		"http:///nowhere":                false,
		"gopher://127.0.0.1:6379/_FLUSH": false,
	} {
		g := guardOf(nil, map[string]string{"private.test": "10.0.0.1", "public.test": "8.8.8.8", "127.0.0.1.evil.test": "8.8.8.8", "api.kombo.dev": "127.0.0.1"})
		err := g.resolve(t.Context(), Target{Webhook: address})
		require.Equal(t, want, err == nil, "%s: %v", address, err)
		require.Equal(t, want, g.resolve(t.Context(), Target{Base: address}) == nil, address)
		require.Equal(t, want, g.resolve(t.Context(), Target{Packages: address}) == nil, address)
	}
	g := guardOf([]string{"public.test", "8.8.8.8"}, map[string]string{"public.test": "8.8.8.8"})
	require.NoError(t, g.resolve(t.Context(), Target{Webhook: "http://public.test/", Base: "http://8.8.8.8/"}), "named with --allow-remote")
	require.Error(t, g.resolve(t.Context(), Target{Webhook: "http://8.8.4.4/"}), "another one")
}

// The vendors are never called: not by name, whatever the name resolves to and whatever
// is allowed, and not by an alias.
func TestRealVendorsAreNeverCalled(t *testing.T) {
	hosts := []string{
		"kombo.dev", "api.kombo.dev", "API.Kombo.Dev", "api.kombo.dev.", "api.eu1.stackone.com", "stackone.com", "api.ashbyhq.com", "ashbyhq.com",
	}
	table := map[string]string{"alias.test": "8.8.8.8"}
	for _, host := range hosts {
		table[host] = "127.0.0.1"
	}
	g := guardOf(append(hosts, "alias.test"), table)
	g.canonical = func(_ context.Context, host string) (string, error) {
		return map[string]string{"alias.test": "api.kombo.dev."}[host], nil
	}
	for _, host := range hosts {
		for _, target := range []Target{{Webhook: "https://" + host + "/v1"}, {Packages: "http://" + host + ":8080"}, {Base: "https://" + host}} {
			require.ErrorContains(t, g.permits(target), "belongs to a real vendor", host)
		}
		_, err := g.dial(t.Context(), "tcp", net.JoinHostPort(host, "80"))
		require.ErrorContains(t, err, "belongs to a real vendor", host)
	}
	_, err := g.dial(t.Context(), "tcp", "alias.test:443")
	require.ErrorContains(t, err, "belongs to a real vendor")
	for _, host := range []string{"notkombo.dev", "kombo.dev.test", "ashbyhq.com.localhost"} {
		require.False(t, ofVendor(host), host)
	}
}

// A name that was private when it was looked at, and is public when it is called, is not
// called: by no vendor's simulator, and not by hand.
func TestTargetIsCheckedWhenItIsDialled(t *testing.T) {
	for _, vendor := range Vendors {
		app, err := New(Settings{Timeout: 2 * time.Second})
		require.NoError(t, err)
		defer app.Close()
		var private atomic.Int32 // so many looks are answered with a private address
		private.Store(3)         // at each of the three endpoints
		app.guard.lookup = func(context.Context, string) ([]netip.Addr, error) {
			if private.Add(-1) >= 0 {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("93.184.216.34")}, nil
		}
		require.NoError(t, app.Target(vendor, Target{Webhook: "http://rebound.test/hook", Packages: "http://rebound.test/packages", Base: "http://rebound.test/ashby"}))
		done, err := app.Place(t.Context(), Request{Vendor: vendor})
		require.NoError(t, err, vendor)
		row, found := app.journal.row(done.Rows[0])
		require.True(t, found)
		require.Zero(t, row.Status)
		require.Contains(t, row.Err, "rebound.test is neither on this machine nor in a private network", vendor)

		private.Store(4) // and at the one that is called
		done, err = app.Again(t.Context(), Resend{Row: row.N, Mode: ResendEdited, Body: []byte("{}"), Header: http.Header{}})
		require.NoError(t, err, vendor)
		row, _ = app.journal.row(done.Rows[0])
		require.Contains(t, row.Err, "rebound.test is neither", vendor)
	}
}

// A proxy of the environment would be asked in place of the target.
func TestNoProxy(t *testing.T) {
	require.Nil(t, newTargetGuard(nil).client().Transport.(*http.Transport).Proxy)
}

// No redirect is followed: by no vendor, not by hand and not by the look at the health.
func TestNoRedirects(t *testing.T) {
	var strangers atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	defer other.Close()
	app, address := answeredBy(t, http.RedirectHandler(other.URL, http.StatusTemporaryRedirect), func(t *testing.T, row Row) {
		require.Equal(t, http.StatusTemporaryRedirect, row.Status, row.Vendor)
	})
	state, word := app.knock(address)
	require.Equal(t, "bad redirects", state+" "+word)
	require.Zero(t, strangers.Load())
}

// answeredBy sends an order and an edited message of every vendor to a provider, and
// gives what it answered to each.
func answeredBy(t *testing.T, provider http.Handler, each func(*testing.T, Row)) (app *App, address string) {
	t.Helper()
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	app, err := New(Settings{})
	require.NoError(t, err)
	t.Cleanup(app.Close)
	for _, vendor := range Vendors {
		require.NoError(t, app.Target(vendor, Target{Webhook: server.URL, Packages: server.URL, Base: server.URL}))
		done, err := app.Place(t.Context(), Request{Vendor: vendor})
		require.NoError(t, err)
		row, _ := app.journal.row(done.Rows[0])
		each(t, row)
		done, err = app.Again(t.Context(), Resend{Row: row.N, Mode: ResendEdited, Body: []byte("{}"), Header: http.Header{}})
		require.NoError(t, err)
		row, _ = app.journal.row(done.Rows[0])
		each(t, row)
	}
	return app, server.URL
}

// What a provider answers, and what it sends, is read up to a limit.
func TestBodiesAreCapped(t *testing.T) {
	app, _ := answeredBy(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 3*maxAnswer))
	}), func(t *testing.T, row Row) {
		require.Len(t, row.ResponseBody, maxAnswer, row.Vendor)
	})
	for _, vendor := range Vendors {
		w := httptest.NewRecorder()
		app.API(vendor).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/anything", io.LimitReader(zeros{}, maxCall+1)))
		require.Equal(t, http.StatusRequestEntityTooLarge, w.Code, vendor)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// The address of the provider may have secrets in it: they are sent and never shown.
func TestAddressesAreRedacted(t *testing.T) {
	const user, word, token = "ursula", "open-sesame", "abracadabra"
	var asked atomic.Pointer[http.Request]
	provider := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked.Store(r) }))
	defer provider.Close()
	address, err := url.Parse(provider.URL)
	require.NoError(t, err)
	address.User, address.RawQuery = url.UserPassword(user, word), "token="+token
	app, err := New(Settings{})
	require.NoError(t, err)
	defer app.Close()
	for _, vendor := range []string{Kombo, StackOne} {
		require.NoError(t, app.Target(vendor, Target{Webhook: address.String(), Packages: address.String()}))
		done, err := app.Place(t.Context(), Request{Vendor: vendor})
		require.NoError(t, err)
		require.Equal(t, token, asked.Load().URL.Query().Get("token"), "it is sent")
		byHand, err := app.Again(t.Context(), Resend{Row: done.Rows[0], Mode: ResendEdited, Body: []byte("{}"), Header: http.Header{}})
		require.NoError(t, err)
		require.Equal(t, token, asked.Load().URL.Query().Get("token"), "it is sent")
		for _, n := range append(done.Rows, byHand.Rows...) {
			row, _ := app.journal.row(n)
			for _, secret := range []string{user, word, token} {
				require.NotContains(t, row.URL+row.Err+row.Verdict.Text+app.curl(row, false), secret)
			}
			require.Contains(t, app.curl(row, true), token, "on demand")
		}
	}
}
