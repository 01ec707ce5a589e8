package sandbox_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// Who can reach the sandbox can use it: it is on the loopback unless told otherwise.
func TestLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "example.com:0", "127.0.0.1.example.com:0"} {
		_, err := sandbox.Start(sandbox.Options{Listen: address})
		require.ErrorContains(t, err, "--insecure-listen", address)
	}
	for _, address := range []string{"nonsense", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:70000"} {
		_, err := sandbox.Start(sandbox.Options{Listen: address})
		require.Error(t, err, address)
	}
	b := start(t)
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, origin := range b.doors(t) {
		u, err := url.Parse(origin)
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1", u.Hostname())
		for _, address := range addresses {
			ip, isIP := address.(*net.IPNet)
			if !isIP || ip.IP.IsLoopback() || ip.IP.IsLinkLocalUnicast() {
				continue
			}
			c, err := net.Dial("tcp", net.JoinHostPort(ip.IP.String(), u.Port()))
			require.Error(t, err, "%s is reached at %s", origin, address)
			require.Nil(t, c)
		}
	}
	wide, err := sandbox.Start(sandbox.Options{Listen: "0.0.0.0:0", Insecure: true})
	require.NoError(t, err)
	wide.Close()
}

// doors are the page and the simulators.
func (b bench) doors(t *testing.T) []string {
	t.Helper()
	list := []string{b.URL}
	var env map[string]string
	require.NoError(t, json.Unmarshal([]byte(b.App.Env("json")), &env))
	for name, value := range env {
		if strings.HasSuffix(name, "_BASE_URL") {
			list = append(list, strings.TrimSuffix(value, "/v1"))
		}
	}
	require.Len(t, list, 4)
	return list
}

// send makes a request as anybody could, and returns the answer without its body.
func send(t *testing.T, method, address string, change func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	require.NoError(t, err)
	change(r)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

// bearer lets a request in.
func (b bench) bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+b.Token) }

// A name that leads to the loopback is not ours: the Host is parsed, at the page and at
// the simulators.
func TestHost(t *testing.T) {
	b := start(t)
	for _, door := range b.doors(t) {
		_, port, found := strings.Cut(strings.TrimPrefix(door, "http://"), ":")
		require.True(t, found)
		for name, ours := range map[string]bool{
			"127.0.0.1:" + port:                   true,
			"localhost:" + port:                   true,
			"LocalHost:" + port:                   true,
			"[::1]:" + port:                       true,
			"evil.example:" + port:                false,
			"127.evil.example:" + port:            false,
			"127.0.0.1.evil.example:" + port:      false,
			"localhost.evil.example:" + port:      false,
			"localhost.:" + port:                  false,
			"192.168.0.1:" + port:                 false,
			"0.0.0.0:" + port:                     false,
			"host.docker.internal:" + port:        false,
			"127.0.0.1":                           false,
			"localhost":                           false,
			"127.0.0.1:1":                         false,
			"evil.example:" + port + "@127.0.0.1": false,
			"2130706433:" + port:                  false,
			"0x7f.1:" + port:                      false,
		} {
			status := send(t, http.MethodGet, door+"/", host(name)).StatusCode
			if ours {
				require.NotEqual(t, http.StatusMisdirectedRequest, status, "%s at %s", name, door)
			} else {
				require.Contains(t, []int{http.StatusMisdirectedRequest, http.StatusBadRequest}, status, "%s at %s", name, door)
			}
		}
		// What DNS rebinding does: the browser takes it for the same origin.
		response := send(t, http.MethodPost, door+"/do/reset", func(r *http.Request) {
			r.Host = "evil.example:" + port
			r.Header.Set("Origin", "http://evil.example:"+port)
			r.AddCookie(&http.Cookie{Name: "sandbox-" + port, Value: b.Token})
		})
		require.Equal(t, http.StatusMisdirectedRequest, response.StatusCode)
	}
}

var pattern = regexp.MustCompile(`HandleFunc\("(GET|POST) (/[^"]*)"`)

// routes are all of the page, as the sources name them.
func routes(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotRegexp(t, `HandleFunc\("[^GP]|\.Handle\("`, string(source), "a route without a method")
		for _, match := range pattern.FindAllStringSubmatch(string(source), -1) {
			path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllStringFunc(match[2], func(name string) string {
				return map[string]string{"{$}": "", "{n}": "1", "{vendor}": "kombo", "{file}": "page.js"}[name] + map[bool]string{true: "1"}[name == "{order}" || name == "{run}"]
			})
			found[match[1]] = append(found[match[1]], path)
		}
	}
	require.Greater(t, len(found["GET"]), 5)
	require.Greater(t, len(found["POST"]), 8)
	return found
}

// A page of somebody else changes nothing and reads nothing.
func TestCrossOrigin(t *testing.T) {
	b := start(t)
	b.eventually(t, "/?vendor=ashby", `data-group="completed"`)
	_, port, _ := strings.Cut(strings.TrimPrefix(b.URL, "http://"), ":")
	foreign := map[string]func(*http.Request){
		"another site":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another local port": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"the same site":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"no origin":          func(r *http.Request) { r.Header.Set("Origin", "null") },
	}
	for name, by := range foreign {
		for _, path := range routes(t)["POST"] {
			response := send(t, http.MethodPost, b.URL+path, func(r *http.Request) {
				by(r)
				b.bearer(r)
				r.AddCookie(&http.Cookie{Name: "sandbox-" + port, Value: b.Token})
			})
			require.Equal(t, http.StatusForbidden, response.StatusCode, "%s by %s", path, name)
		}
		for _, door := range b.doors(t)[1:] {
			require.Equal(t, http.StatusForbidden, send(t, http.MethodPost, door+"/v1/anything", by).StatusCode, "%s by %s", door, name)
		}
	}
	for _, door := range b.doors(t) {
		for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
			response := send(t, method, door+"/", func(r *http.Request) {
				r.Header.Set("Origin", "http://evil.example")
				r.Header.Set("Access-Control-Request-Method", "POST")
				r.Header.Set("Access-Control-Request-Headers", "authorization")
			})
			for header := range response.Header {
				require.False(t, strings.HasPrefix(header, "Access-Control-"), "%s %s: %s", method, door, header)
			}
		}
	}
}

// Nothing that can be asked for changes anything.
func TestGetChangesNothing(t *testing.T) {
	b := start(t)
	b.eventually(t, "/?vendor=ashby", `data-group="completed"`)
	b.eventually(t, "/?vendor=kombo", `data-group="completed"`)
	b.eventually(t, "/?vendor=stackone", `data-group="completed"`)
	before := b.get(t, "/api/state")
	for _, path := range append(routes(t)["GET"], routes(t)["POST"]...) {
		if path == "/api/events" {
			continue // never ends
		}
		_, _ = b.do(t, http.MethodGet, path+"?customer=kombo&order=1&verb=again&vendor=kombo&quirk=NewestFirst&on=true&mode=same&row=1", nil)
	}
	require.Equal(t, orders(t, before), orders(t, b.get(t, "/api/state")))
}

// orders are the cards and the number of rows of a state.
func orders(t *testing.T, state string) any {
	t.Helper()
	var s sandbox.State
	require.NoError(t, json.Unmarshal([]byte(state), &s))
	require.NotEmpty(t, s.Orders)
	return []any{s.Orders, len(s.Rows)}
}

// The token lets in once and leaves the address; the cookie stays in this browser.
func TestToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	b := start(t, func(o *sandbox.Options) { o.RuntimeDir = dir })
	other := start(t)
	require.Len(t, b.Token, 32, "128 bits")
	require.NotEqual(t, b.Token, other.Token)
	nobody := func(*http.Request) {}
	for method, paths := range routes(t) {
		for _, path := range paths {
			require.Equal(t, http.StatusUnauthorized, send(t, method, b.URL+path, nobody).StatusCode, path)
			require.Equal(t, http.StatusUnauthorized, send(t, method, b.URL+path, other.bearer).StatusCode, path)
			if !strings.HasPrefix(path, "/api/") {
				require.Equal(t, http.StatusUnauthorized, send(t, method, b.URL+path, b.bearer).StatusCode, "the bearer is for programs: %s", path)
			}
		}
	}
	require.Equal(t, http.StatusUnauthorized, send(t, http.MethodGet, b.URL+"/?token="+other.Token, nobody).StatusCode)
	require.Equal(t, http.StatusOK, send(t, http.MethodGet, b.URL+"/api/state", b.bearer).StatusCode)

	for path, to := range map[string]string{"/?token=": "/", "/?vendor=ashby&token=": "/?vendor=ashby", "/o/kombo/1?token=": "/o/kombo/1", "//evil.example/?token=": "/"} {
		response := send(t, http.MethodGet, b.URL+path+b.Token, nobody)
		require.Equal(t, http.StatusSeeOther, response.StatusCode, path)
		require.Equal(t, to, response.Header.Get("Location"))
		cookie, err := http.ParseSetCookie(response.Header.Get("Set-Cookie"))
		require.NoError(t, err)
		require.True(t, cookie.HttpOnly)
		require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
		require.Equal(t, "/", cookie.Path)
		require.Empty(t, cookie.Domain)
		require.Zero(t, cookie.MaxAge, "it goes with the browser")
	}

	folder, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), folder.Mode().Perm())
	file, err := os.Stat(filepath.Join(dir, "sandbox.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	found, err := sandbox.FindPresence(dir)
	require.NoError(t, err)
	require.Equal(t, b.Token, found.Token)
	b.Close()
	_, err = sandbox.FindPresence(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Every answer of the page forbids what the page does not need.
func TestHeaders(t *testing.T) {
	b := start(t)
	all := routes(t)
	for method, paths := range map[string][]string{http.MethodGet: append(all["GET"], "/nowhere", "/x/0", "/o/kombo/none"), http.MethodPost: all["POST"]} {
		for _, path := range paths {
			for _, by := range []func(*http.Request){b.bearer, func(*http.Request) {}} {
				h := send(t, method, b.URL+path, by).Header
				require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "+
					"form-action 'self'; frame-ancestors 'none'; base-uri 'none'", h.Get("Content-Security-Policy"), path)
				require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
				require.Equal(t, "no-referrer", h.Get("Referrer-Policy"), path)
				require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), path)
				require.Equal(t, "no-store", h.Get("Cache-Control"), path)
			}
		}
	}
}

// hostile is what a provider might write to attack who looks at it.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`

// Everything that others wrote is text.
func TestHostileTexts(t *testing.T) {
	text, err := json.Marshal(hostile)
	require.NoError(t, err)
	b := start(t, at(serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Hostile", hostile)
		switch {
		case strings.HasSuffix(r.URL.Path, "/packages"):
			_, _ = io.WriteString(w, `{"data":[{"id":`+string(text)+`,"name":`+string(text)+`}],"next":null}`)
		case strings.HasSuffix(r.URL.Path, "/assessment.list"):
			_, _ = io.WriteString(w, `{"success":true,"results":[{"assessment_type_id":`+string(text)+`,"name":`+string(text)+`,"description":`+string(text)+`}]}`)
		case strings.HasSuffix(r.URL.Path, "/kombo"), strings.HasSuffix(r.URL.Path, "/assessment.start"):
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"status":"ORDER_REJECTED","message":`+string(text)+`}`)
		default:
			_, _ = io.WriteString(w, hostile)
		}
	})))
	pages := []string{b.get(t, "/?vendor="+url.QueryEscape(hostile)+"&problem="+url.QueryEscape(hostile))}
	for _, vendor := range sandbox.Vendors {
		pages = append(pages,
			b.post(t, "/do/packages", "vendor", vendor, "customer", ""),
			b.post(t, "/do/order", "customer", customers[vendor], "package", hostile, "first", hostile, "last", hostile, "email", hostile),
			b.post(t, "/do/order", "customer", customers[vendor], "faults", hostile),
			b.post(t, "/do/verb", "vendor", vendor, "order", hostile, "verb", hostile))
	}
	state := b.state(t)
	for _, row := range state.Rows {
		pages = append(pages, b.get(t, row.Link+"?edit=1&secrets=1&with=1"))
	}
	require.Greater(t, len(pages), 15)
	for _, page := range pages {
		require.NotContains(t, page, "<script>alert")
		require.NotContains(t, page, "<img")
		// Nothing that the policy forbids is on the page either.
		require.NotRegexp(t, `(?i)<script(>| [^>]*>[^<])`, page)
		require.NotRegexp(t, `(?i)<[a-z][^<>"]*("[^"]*"[^<>"]*)* (style|on[a-z]+)=`, page)
	}
	has(t, strings.Join(pages, ""), "&lt;script&gt;alert(1)&lt;/script&gt;")
}

func (b bench) state(t *testing.T) sandbox.State {
	t.Helper()
	var s sandbox.State
	require.NoError(t, json.Unmarshal([]byte(b.get(t, "/api/state")), &s))
	return s
}

// A link of the provider is followed only if it leads to the web, and what it attached
// is handed out and never shown, nor fetched.
func TestLinksAndFiles(t *testing.T) {
	fetched := 0
	provider := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			fetched++
		}
	})
	b := start(t, at(provider))
	var env map[string]string
	require.NoError(t, json.Unmarshal([]byte(b.App.Env("json")), &env))
	for link, safe := range map[string]bool{
		"https://tests.example.com/1": true, "http://tests.example.com/1": true, "javascript:alert(1)": false,
		"data:text/html,x": false, "vbscript:x": false, "file:///etc/passwd": false, "ftp://tests.example.com/1": false,
	} {
		order, id := orderOn(t, b.post(t, "/do/order", "customer", customers["kombo"]))
		body, err := json.Marshal(map[string]any{
			"status": "COMPLETED", "score": 1, "max_score": 2, "result_url": link, "completed_at": "2026-01-02T03:04:05.000Z",
			"attachments": []any{
				map[string]any{"name": "page\r\nX-Evil: 1.html", "content_type": "text/html", "data": "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="},
				map[string]any{"name": "by link", "content_type": "application/pdf", "data_url": provider + "/file"},
			},
		})
		require.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, env["KOMBO_BASE_URL"]+"/assessment/orders/"+id+"/result", strings.NewReader(string(body)))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+env["KOMBO_API_KEY"])
		r.Header.Set("X-Integration-Id", kombotest.DefaultIntegration)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		if response.StatusCode != http.StatusOK {
			require.False(t, safe, "%s: %s", link, text)
			continue // Kombo's own rules refuse it
		}
		page := b.get(t, order)
		has(t, page, `data-status>COMPLETED`)
		if safe {
			has(t, page, `<a href="`+link+`" target="_blank" rel="noopener noreferrer">`)
		} else {
			require.NotContains(t, page, `href="`+link)
			require.NotContains(t, page, `href="#ZgotmplZ`)
			has(t, page, "Not a link: ")
		}

		file, err := b.browser.Get(b.URL + "/a/kombo/" + url.PathEscape(id) + "/0")
		require.NoError(t, err)
		data, err := io.ReadAll(file.Body)
		require.NoError(t, err)
		require.NoError(t, file.Body.Close())
		require.Equal(t, "<script>alert(1)</script>", string(data))
		require.Equal(t, "application/octet-stream", file.Header.Get("Content-Type"))
		require.True(t, strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment; "), "%v", file.Header)
		require.Empty(t, file.Header.Get("X-Evil"))
	}
	require.Zero(t, fetched, "an attachment is not fetched")
}

// A form that is too large is refused.
func TestFormsAreCapped(t *testing.T) {
	b := start(t)
	big := url.Values{"first": {strings.Repeat("x", 5<<20)}}
	for _, path := range routes(t)["POST"] {
		if strings.HasPrefix(path, "/do/") {
			status, _ := b.do(t, http.MethodPost, path, big)
			require.Equal(t, http.StatusRequestEntityTooLarge, status, path)
		}
	}
}

// The built-in secrets say what they are; others are nowhere before they are asked for.
func TestSecrets(t *testing.T) {
	const key, secret, partner = "k-5d41402abc4b2a76", "s-b9719d911017c592", "p-7d793037a0760186"
	shown := start(t).App.Env("json")
	var env map[string]string
	require.NoError(t, json.Unmarshal([]byte(shown), &env))
	for name, value := range env {
		if strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_SECRET") {
			require.Contains(t, value, "test", name)
		}
	}
	provider := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
	b := start(t, at(provider), func(o *sandbox.Options) {
		for vendor, v := range o.Vendors {
			v.Key, v.Secret, v.PartnerKey = key, secret, partner
			o.Vendors[vendor] = v
		}
	})
	for _, vendor := range sandbox.Vendors {
		b.post(t, "/do/packages", "vendor", vendor, "customer", "")
		b.post(t, "/do/order", "customer", customers[vendor])
	}
	rows := b.state(t).Rows
	require.GreaterOrEqual(t, len(rows), 5)
	pages := []string{b.get(t, "/"), b.get(t, "/api/state"), b.App.Env("sh"), b.App.Env("json")}
	asked := ""
	for _, row := range rows {
		pages = append(pages, b.get(t, row.Link), b.get(t, row.Link+"?edit=1"))
		asked += b.get(t, row.Link+"?secrets=1")
	}
	for _, page := range pages {
		for _, one := range []string{key, secret, partner, "ay01ZDQxNDAyYWJjNGIyYTc2", "cC03ZDc5MzAzN2EwNzYwMTg2"} {
			require.False(t, strings.Contains(page, one), "%s is shown", one)
		}
	}
	has(t, asked, "cC03ZDc5MzAzN2EwNzYwMTg2", "the partner key, on demand")
	require.NotContains(t, asked, secret, "the secret that signs is never shown")
}
