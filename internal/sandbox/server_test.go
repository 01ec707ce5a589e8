package sandbox_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// bench is a sandbox and somebody's browser.
type bench struct {
	*sandbox.Server
	browser *http.Client
}

func start(t *testing.T, change ...func(*sandbox.Options)) bench {
	t.Helper()
	o := sandbox.Options{Listen: "127.0.0.1:0", Settings: sandbox.Settings{Seed: 1, Timeout: 2 * time.Second}}
	for _, f := range change {
		f(&o)
	}
	s, err := sandbox.Start(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b := bench{s, &http.Client{Jar: jar}}
	response, err := b.browser.Get(s.Entrance())
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NotContains(t, response.Request.URL.String(), "token", "the token leaves the address bar")
	return b
}

// get is a page.
func (b bench) get(t *testing.T, path string) string {
	t.Helper()
	status, body := b.do(t, "GET", path, nil)
	require.Equal(t, http.StatusOK, status, "%.200s", body)
	return body
}

// post sends a form and returns the page to which it leads.
func (b bench) post(t *testing.T, path string, pairs ...string) string {
	t.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	status, body := b.do(t, "POST", path, values)
	require.Equal(t, http.StatusOK, status, "%.200s", body)
	return body
}

func (b bench) do(t *testing.T, method, path string, values url.Values) (int, string) {
	t.Helper()
	var body io.Reader
	if values != nil {
		body = strings.NewReader(values.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.URL+path, body)
	require.NoError(t, err)
	if values != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.browser.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(page)
}

// eventually waits for a page to say something.
func (b bench) eventually(t *testing.T, path, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(b.get(t, path), text) }, 8*time.Second, 30*time.Millisecond, text)
}

// has is a short form of require.Contains, whose failure prints no whole page.
func has(t *testing.T, page, text string, about ...any) {
	t.Helper()
	require.True(t, strings.Contains(page, text), "%q is missing %v", text, about)
}

var customers = map[string]string{
	sandbox.Kombo:    "kombo workday:CBNMt7dSNCzBdnRTx87dev4E",
	sandbox.StackOne: "stackone 45355976281015164505",
	sandbox.Ashby:    "ashby acme",
}

var orderPath = regexp.MustCompile(`name="back" value="(/o/[^"]+)"`)

// orderOn is the order that a page is about: its path and its id.
func orderOn(t *testing.T, page string) (path, id string) {
	t.Helper()
	found := orderPath.FindStringSubmatch(page)
	require.NotNil(t, found, "a page about an order")
	path = html.UnescapeString(found[1])
	id, err := url.PathUnescape(strings.Split(path, "/")[3])
	require.NoError(t, err)
	return path, id
}

// Without a target, the demonstration shows life at all three vendors by itself.
func TestFirstPageShowsLife(t *testing.T) {
	b := start(t)
	for _, vendor := range sandbox.Vendors {
		b.eventually(t, "/?vendor="+vendor, `data-group="completed"`)
	}
	has(t, b.get(t, "/"), "export KOMBO_BASE_URL=http://127.0.0.1:")
}

// The whole story without JavaScript: order, result, order again.
func TestStory(t *testing.T) {
	b := start(t)
	for _, vendor := range sandbox.Vendors {
		page := b.post(t, "/do/order", "customer", customers[vendor], "first", "Kim", "last", "Novel", "email", "kim@example.com")
		has(t, page, "Timeline of Kim Novel", vendor)
		has(t, page, "You answered 200: ", vendor)
		order, id := orderOn(t, page)
		b.eventually(t, order, "took your")
		b.eventually(t, order, `data-group="completed"`)
		again := b.post(t, "/do/verb", "vendor", vendor, "order", id, "verb", "again")
		has(t, again, "Timeline of Kim Novel", vendor)
		_, newID := orderOn(t, again)
		require.NotEqual(t, id, newID)
	}
}

// What a recruiter sees of a provider that rejects, fails, or is not there, and of an
// order that is lost, late, repeated or forged.
func TestSentences(t *testing.T) {
	const reason = "“We do not offer this test in the candidate&#39;s country.”"
	const once = ", and the recruiter sees one; it must be one invitation at your side too."
	b := start(t)
	for _, c := range []struct{ vendor, email, fault, want string }{
		{"kombo", "reject@example.com", "", "You answered 422: Kombo marks the order as rejected; the recruiter reads " + reason + "</p>"},
		{"kombo", "fail@example.com", "", "You answered 500: Kombo keeps the order open; the recruiter sees nothing yet."},
		{"kombo", "", "lost", "Lost before it was sent: the recruiter sees an open order; you learn of it only by asking Kombo for open orders."},
		{"kombo", "", "duplicate=1", "It came once more and you answered 200: Kombo counts it as one order" + once},
		{"kombo", "", "late=50ms", "It was sent 50ms late; until then the recruiter saw an open order. You answered 200: Kombo counts the order as taken;"},
		{"kombo", "fail@example.com", "late=50ms", "It was sent 50ms late; until then the recruiter saw an open order. You answered 500: "},
		{"kombo", "", "bad signature", "You answered 401: Kombo keeps the order open; the recruiter sees nothing yet."},
		{"kombo", "", "answer lost", "Your answer was lost on the way: Kombo did not hear it and keeps the order open; if the order comes again, the candidate must not be invited twice."},
		{"stackone", "reject@example.com", "", "StackOne took your result; the recruiter sees cancelled and no reason: Teamtailor does not show your " + reason + "</p>"},
		{"stackone", "", "lost", "Lost before it was sent: the recruiter sees the order as sent; nobody ever tells you of it."},
		{"stackone", "", "duplicate=1", "It came once more and you answered 200: StackOne counts it as one order" + once},
		{"stackone", "", "late=50ms", "It was sent 50ms late; until then the recruiter saw the order as sent. You answered 200: StackOne counts"},
		{"ashby", "reject@example.com", "", "You answered 422: the assessment does not start; the recruiter reads " + reason + "</p>"},
		{"ashby", "fail@example.com", "", "You answered 500: the stage hangs at “starting”; the recruiter sees no reason."},
		{"ashby", "", "lost", "Lost before it was sent: the stage hangs at “starting”; you never hear of it."},
		{"ashby", "", "duplicate=1", "It came once more and you answered 200: Ashby got the id of the live assessment once more; the recruiter sees one assessment."},
		{"ashby", "", "late=50ms", "It was sent 50ms late; until then the recruiter saw “starting”. You answered 200: Ashby holds a live assessment;"},
	} {
		page := b.post(t, "/do/order", "customer", customers[c.vendor], "email", c.email, "faults", c.fault)
		order, _ := orderOn(t, page)
		b.eventually(t, order, c.want)
	}
}

// Twice is twice at every vendor, one after the other and at once, questions included.
func TestDuplicates(t *testing.T) {
	b := start(t)
	for _, vendor := range sandbox.Vendors {
		for _, fault := range []string{"duplicate=2", "duplicate at once=2", "duplicate-at-once=2"} {
			page := b.post(t, "/do/order", "customer", customers[vendor], "faults", fault)
			require.Equal(t, 3, strings.Count(page, `<span class="arrow" aria-hidden="true">→`), "%s %s", vendor, fault)
			require.Equal(t, 2, strings.Count(page, "It came once more"), "%s %s", vendor, fault)
		}
	}
	for _, vendor := range []string{sandbox.StackOne, sandbox.Ashby} {
		done, err := b.App.Ask(t.Context(), vendor, "", []string{"duplicate=1"})
		require.NoError(t, err)
		require.Len(t, done.Rows, 2, vendor)
	}
}

// Texts of others end a sentence once, and an empty one is no reason.
func TestQuotations(t *testing.T) {
	for answer, want := range map[string]string{
		`{"status":"ORDER_REJECTED","message":"No."}`: "the recruiter reads “No.”</p>",
		`{"status":"ORDER_REJECTED","message":"No"}`:  "the recruiter reads “No”.</p>",
		`{"status":"ORDER_REJECTED","message":"No!"}`: "the recruiter reads “No!”</p>",
		`{"status":"ORDER_REJECTED","message":" "}`:   "the recruiter reads no reason.</p>",
	} {
		provider := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, answer)
		})
		b := start(t, at(provider))
		has(t, b.post(t, "/do/order", "customer", customers["kombo"]), want)
	}
}

// A provider that takes what nobody has signed is told so, whatever the vendor makes of
// its answer; one that reads another spelling of the right signature is not.
func TestForgeryTaken(t *testing.T) {
	const told = "you took it although its signature is wrong"
	b := start(t, at(serve(t, func(http.ResponseWriter, *http.Request) {})))
	for _, vendor := range []string{"kombo", "stackone"} {
		for _, fault := range []string{"bad signature", "missing signature", "old secret"} {
			has(t, b.post(t, "/do/order", "customer", customers[vendor], "faults", fault), told, vendor, fault)
		}
		for _, fault := range []string{"", "padded signature", "standard Base64 signature"} {
			require.NotContains(t, b.post(t, "/do/order", "customer", customers[vendor], "faults", fault), told, "%s %s", vendor, fault)
		}
	}
	_, err := b.App.Serve(t.Context(), "kombo", "rotate", "")
	require.NoError(t, err)
	require.NotContains(t, b.post(t, "/do/order", "customer", customers["kombo"], "faults", "old secret"), told, "both are valid while a secret is rotated")
}

// serve runs a provider of its own.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// at has all vendors call a provider.
func at(base string) func(*sandbox.Options) {
	return func(o *sandbox.Options) {
		o.Vendors = map[string]sandbox.VendorSettings{
			sandbox.Kombo:    {Target: sandbox.Target{Webhook: base + "/kombo"}},
			sandbox.StackOne: {Target: sandbox.Target{Webhook: base + "/stackone", Packages: base + "/stackone/packages"}},
			sandbox.Ashby:    {Target: sandbox.Target{Base: base + "/ashby"}},
		}
	}
}

func TestCancelAndStartAgain(t *testing.T) {
	b := start(t)
	page := b.post(t, "/do/order", "customer", customers["ashby"], "email", "kim@example.com", "faults", "answer lost")
	has(t, page, "Ashby did not hear the id")
	_, id := orderOn(t, page)
	has(t, b.post(t, "/do/verb", "vendor", "ashby", "order", id, "verb", "cancel"), "Ashby has no assessment to cancel")
	page = b.post(t, "/do/verb", "vendor", "ashby", "order", id, "verb", "redeliver")
	has(t, page, "Ashby holds a live assessment")
	page = b.post(t, "/do/verb", "vendor", "ashby", "order", id, "verb", "restart")
	has(t, page, "the assessment is cancelled; the recruiter may start it again")
	require.Equal(t, 2, strings.Count(page, `<p class="verdict">You answered 200: Ashby holds a live assessment`))
}

// From the start to the first page it is less than a second, of which the processor's
// time is what the sandbox itself can be blamed for.
func TestFirstPageIsQuick(t *testing.T) {
	before, began := processorTime(t), time.Now()
	b := start(t)
	b.get(t, "/")
	spent := processorTime(t) - before
	t.Logf("to the first page: %v, of the processor %v", time.Since(began), spent)
	require.Less(t, spent, time.Second)
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// What an admin does at the vendor is on the card of the chosen order, and the page says
// what it did, also when the order is gone by it.
func TestAdminVerbs(t *testing.T) {
	b := start(t)
	for vendor, verbs := range map[string][]string{
		"kombo":    {"connect", "expire", "mend", "rotate", "revoke", "reset"},
		"stackone": {"connect", "expire", "mend", "rotate", "revoke"},
		"ashby":    {"ping", "rotate", "revoke"},
	} {
		order, _ := orderOn(t, b.post(t, "/do/order", "customer", customers[vendor]))
		card := b.get(t, order)
		has(t, card, `<details class="admin"`)
		for _, verb := range verbs {
			has(t, card, `data-verb="`+verb+`"`, vendor)
			status, page := b.do(t, "POST", "/do/customer", url.Values{
				"vendor": {vendor}, "verb": {verb}, "customer": {strings.Fields(customers[vendor])[1]}, "back": {order},
			})
			switch verb {
			case "rotate":
				has(t, page, `<p class="notice" role="status">Rotate secret: signs with another secret from now on.`)
			case "revoke":
				has(t, page, `<p class="notice" role="status">Revoke key: your calls are answered 401 or 403 from now on.`)
			case "reset":
				require.Equal(t, http.StatusNotFound, status)
				has(t, page, `<p class="notice" role="status">Reset: Kombo`)
				has(t, page, "There is no such order, or no longer.")
			default:
				has(t, page, `class="detail"`, verb, "the exchange is shown")
			}
		}
	}
	require.NotContains(t, b.get(t, "/?done=%3Cb%3Enonsense"), `class="notice"`)
}

// A recruiter's and a vendor's verbs on the card, each with what it causes.
func TestCardVerbs(t *testing.T) {
	b := start(t, at(serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"success":true,"results":{"assessment_id":"a-`+fmt.Sprintf("%x", len(body))+`"}}`)
	})))
	for vendor, verbs := range map[string]map[string]int{
		"kombo":    {"redeliver": 1, "twice": 2},
		"stackone": {"redeliver": 1, "twice": 2, "update": 1, "delete": 1},
		"ashby":    {"redeliver": 1, "twice": 2, "restart": 2, "cancel": 1},
	} {
		order, id := orderOn(t, b.post(t, "/do/order", "customer", customers[vendor]))
		card := b.get(t, order)
		for verb := range verbs {
			has(t, card, `name="verb" value="`+verb+`"`, vendor)
		}
		for _, verb := range slices.Sorted(maps.Keys(verbs)) {
			if verb == "cancel" {
				continue // the provider hands out the cancelled id again
			}
			before := strings.Count(b.get(t, order), `<li class="row`)
			page := b.post(t, "/do/verb", "vendor", vendor, "order", id, "verb", verb)
			require.Equal(t, verbs[verb], strings.Count(page, `<li class="row`)-before, "%s %s", vendor, verb)
		}
	}
	for _, what := range []struct{ vendor, verb string }{{"kombo", "cancel"}, {"stackone", "restart"}, {"ashby", "update"}, {"kombo", ""}} {
		_, id := orderOn(t, b.post(t, "/do/order", "customer", customers[what.vendor]))
		has(t, b.post(t, "/do/verb", "vendor", what.vendor, "order", id, "verb", what.verb), "that cannot be done here", what)
	}
}

// Deep links lead to an order and to an exchange, and a wrong one to the page.
func TestDeepLinks(t *testing.T) {
	b := start(t)
	order, _ := orderOn(t, b.post(t, "/do/order", "customer", customers["kombo"]))
	row := regexp.MustCompile(`href="(/x/\d+)"`).FindStringSubmatch(b.get(t, order))[1]
	has(t, b.get(t, row), `class="detail"`)
	for path, says := range map[string]string{
		"/o/kombo/none": "There is no such order", "/o/nobody/1": "There is no such order", "/x/99999": "There is no such exchange",
		"/x/0": "There is no such exchange", "/x/-1": "There is no such exchange", "/x/one": "There is no such exchange",
	} {
		status, page := b.do(t, "GET", path, nil)
		require.Equal(t, http.StatusNotFound, status, path)
		has(t, page, says)
		has(t, page, `id="order-form"`)
	}
}

// Two rows of an order are compared: what was sent, and what was answered.
func TestCompareRows(t *testing.T) {
	b := start(t)
	order, _ := orderOn(t, b.post(t, "/do/order", "customer", customers["kombo"]))
	b.eventually(t, order, "took your")
	rows := regexp.MustCompile(`data-row="(\d+)"`).FindAllStringSubmatch(b.get(t, order), -1)
	require.Len(t, rows, 2)
	page := b.get(t, "/x/"+rows[1][1]+"?with="+rows[0][1])
	has(t, page, `<option value="`+rows[0][1]+`" selected>`)
	has(t, page, "The request, exchange "+rows[0][1]+" and this one")
	has(t, page, "The answer, exchange "+rows[0][1]+" and this one")
	has(t, page, `<span class="plus">&#43;   &#34;status&#34;: &#34;COMPLETED&#34;`)
	require.NotContains(t, b.get(t, "/x/"+rows[1][1]+"?with="+rows[1][1]), "request-diff", "the same")
	require.NotContains(t, b.get(t, "/x/"+rows[1][1]+"?with=nothing"), `id="diff"`)
}

// The archive holds both directions and no secret.
func TestHAR(t *testing.T) {
	b := start(t)
	for _, vendor := range sandbox.Vendors {
		order, id := orderOn(t, b.post(t, "/do/order", "customer", customers[vendor]))
		b.eventually(t, order, "took your")
		status, text := b.do(t, "GET", "/har/"+vendor+"/"+url.PathEscape(id), nil)
		require.Equal(t, http.StatusOK, status)
		var archive struct {
			Log struct {
				Version string
				Entries []struct {
					Request  struct{ Method, URL string }
					Response struct {
						Status  int
						Content struct{ Text string }
					}
					Comment string
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(text), &archive))
		require.Equal(t, "1.2", archive.Log.Version)
		require.GreaterOrEqual(t, len(archive.Log.Entries), 2)
		for _, entry := range archive.Log.Entries {
			require.Equal(t, http.StatusOK, entry.Response.Status)
			require.NotEmpty(t, entry.Request.URL)
			require.NotEmpty(t, entry.Comment)
		}
		var env map[string]string
		require.NoError(t, json.Unmarshal([]byte(b.App.Env("json")), &env))
		for name, value := range env {
			if !strings.HasSuffix(name, "_URL") {
				require.NotContains(t, text, value, name)
				require.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(value+":")), name)
			}
		}
	}
	status, _ := b.do(t, "GET", "/har/kombo/none", nil)
	require.Equal(t, http.StatusNotFound, status)
}

// A verdict that rests on what a vendor does not say has a badge with the section.
func TestAssumptionsOnResults(t *testing.T) {
	b := start(t)
	var env map[string]string
	require.NoError(t, json.Unmarshal([]byte(b.App.Env("json")), &env))
	call := func(vendor, method, path, customer, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, env[strings.ToUpper(vendor)+"_BASE_URL"]+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Integration-Id", customer)
		r.Header.Set("X-Account-Id", customer)
		key := env[strings.ToUpper(vendor)+"_API_KEY"]
		r.SetBasicAuth(key, "")
		if vendor == "kombo" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	for _, c := range []struct{ vendor, customer, section string }{
		{"kombo", "", "2.5"}, {"stackone", "", "3.2"}, {"stackone", stackonetest.DefaultAccount, "11"}, {"ashby", "", "2.3"},
	} {
		customer := orWord(c.customer, strings.Fields(customers[c.vendor])[1])
		order, id := orderOn(t, b.post(t, "/do/order", "customer", c.vendor+" "+customer))
		b.eventually(t, order, "took your")
		badge := "assumed · " + c.section + "<"
		require.NotContains(t, b.get(t, order), badge, "one result is documented")
		switch c.vendor {
		case "kombo":
			call(c.vendor, "PUT", "/assessment/orders/"+url.PathEscape(id)+"/result", customer, `{"status":"COMPLETED","score":1,"max_score":2,"result_url":"https://tests.example.com/1","completed_at":"2026-01-02T03:04:05.000Z"}`)
		case "stackone":
			call(c.vendor, "PATCH", "/unified/ats/assessments/orders/"+url.PathEscape(id)+"/result", customer, `{"summary":"better","result":{"value":"passed"}}`)
		case "ashby":
			call(c.vendor, "POST", "/assessment.update", customer, `{"assessment_id":"`+b.state(t).Orders[0].TheirID+`","timestamp":4102444800000,"assessment_status":{"identifier":"s","label":"Status","type":"string","value":"Started"}}`)
		}
		has(t, b.get(t, order), badge, c.vendor, customer)
	}
}

func orWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
