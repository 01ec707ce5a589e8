package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// service is a provider that answers everything alike, and keeps what it got.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	header []http.Header
	paths  []string
}

func newService(t *testing.T, status int, body string) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.bodies, s.header, s.paths = append(s.bodies, string(sent)), append(s.header, r.Header), append(s.paths, r.URL.RequestURI())
		s.mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

// trigger runs the command for itself, at ports that are free.
func (s *shell) trigger(args ...string) said {
	return s.run(append([]string{"trigger", "--listen", "127.0.0.1:0"}, args...)...)
}

const rejection = `{"status":"ORDER_REJECTED","message":"Not offered in Norway."}`

// The receiver's verdict is in the exit status and in a sentence.
func TestTriggerSaysWhatTheVendorDoes(t *testing.T) {
	for _, c := range []struct {
		name, event  string
		status       int
		body, expect string
		exit         int
		sentence     string
	}{
		{"taken", "kombo.order", 200, "", "accepted", 0, "You answered 200: Kombo counts the order as taken"},
		{"an outage", "kombo.order", 500, "oh", "accepted", 1, "You answered 500: Kombo keeps the order open; the recruiter sees nothing yet."},
		{"an outage as expected", "kombo.order", 500, "", "failed", 0, "You answered 500"},
		{"a rejection", "kombo.order", 422, rejection, "accepted", 1, "the recruiter reads “Not offered in Norway.”"},
		{"a rejection as expected", "kombo.order", 422, rejection, "rejected", 0, "“Not offered in Norway.”"},
		{"no rejection", "kombo.order", 422, `{"error":"no"}`, "rejected", 1, "this is not Kombo's rejection"},
		{"a dead page", "kombo.inline-order", 200, "{}", "accepted", 1, "the waiting candidate looks at a dead page"},
		{"a link", "kombo.inline-order", 200, `{"assessment_url":"https://t.example.com/1"}`, "accepted", 0, "the candidate is sent to https://t.example.com/1"},
		{"an event", "kombo.expire", 200, "", "accepted", 0, "no recruiter sees it"},
		{"StackOne, an outage", "stackone.order", 503, "", "accepted", 1, "You answered 503: StackOne counts the event as not delivered"},
		{"StackOne, taken", "stackone.background-check", 200, "", "accepted", 0, "StackOne counts the event as delivered"},
		{"StackOne, no packages", "stackone.packages", 500, "", "accepted", 1, "the recruiter reads “packages unavailable”"},
		{"Ashby, an outage", "ashby.order", 500, "", "accepted", 1, "You answered 500: the stage hangs at “starting”"},
		{"Ashby, a rejection", "ashby.order", 422, `{"message":"No."}`, "rejected", 0, "the assessment does not start"},
		{"Ashby, no list", "ashby.list", 500, "", "accepted", 1, "the drop-down is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShell(t)
			got := s.trigger(c.event, "--provider", newService(t, c.status, c.body).URL, "--expect", c.expect)
			require.Equal(t, c.exit, got.status, got)
			require.Contains(t, got.out, c.sentence)
			require.NotContains(t, got.out, "/o/", "no link to a page that is gone")
		})
	}
}

func TestTriggerWithoutProvider(t *testing.T) {
	s := newShell(t)
	for _, event := range []string{"kombo.order", "stackone.order", "ashby.order"} {
		for _, expect := range []string{"accepted", "failed"} {
			got := s.trigger(event, "--provider", nobody(t), "--expect", expect)
			requireSaid(t, got, sandbox.ExitNothing, "nothing could be judged: nothing listens at http://127.0.0.1:")
			require.Contains(t, got.out, "Nobody listens at your endpoint")
			require.Contains(t, got.errors, "host.docker.internal")
		}
	}
	got := s.trigger("ashby.order", "--kombo", nobody(t))
	requireSaid(t, got, sandbox.ExitNothing, "there is no endpoint for Ashby: name it: --ashby URL or $SANDBOX_ASHBY_URL")
}

func TestTriggerRefusesWhatIsNotListed(t *testing.T) {
	s := newShell(t)
	s.write("body.json", "{}")
	provider := newService(t, 200, "")
	for _, c := range []struct{ line, message string }{
		{"kombo.ordr", `there is no event "kombo.ordr", did you mean "kombo.order"?`},
		{"kombo.order --set candidate.emial=a@example.com", `an order of Kombo has no field "candidate.emial", did you mean "candidate.email"?`},
		{"ashby.order --set email=a@example.com", `no field "email", did you mean "candidate.email"?`},
		{"stackone.order --set shoe=1", `no field "shoe": list fields --vendor stackone has them all`},
		{"kombo.order --set nothing", "PATH=TEXT or PATH:=JSON"},
		{"kombo.order --set job.name:=yes", "takes JSON"},
		{"kombo.order --fault duplikate=1", `there is no fault "duplikate=1", did you mean "duplicate"?`},
		{"kombo.order --fault bad-key", `there is no fault "bad-key": list faults --vendor kombo has them all`},
		{"kombo.order --fault duplicate=often", `fault "duplicate"`},
		{"kombo.order --customer glbex", `did you mean "globex"?`},
		{"kombo.order --customer initech", `there is no customer of Kombo "initech": there are acme, inc., `},
		{"kombo.order --expect acepted", `it is one of accepted, rejected, failed, did you mean "accepted"?`},
		{"kombo.order --times 0", "--times is between 1 and 1000"},
		{"kombo.expire --set candidate.email=x", "takes neither fields nor faults"},
		{"kombo.expire --body body.json", "takes no body"},
		{"kombo.order --body body.json --fault lost", "a body is sent as it is"},
		{"kombo.order --body missing.json", "missing.json"},
		{"", "the event, such as kombo.order, is missing"},
	} {
		got := s.trigger(append(strings.Fields(c.line), "--provider", provider.URL)...)
		requireSaid(t, got, sandbox.ExitUsage, c.message)
		require.Empty(t, got.out)
	}
	require.Empty(t, provider.bodies, "nothing was sent")
}

// The user's own data arrives, and flags may stand behind the event.
func TestTriggerSetsFields(t *testing.T) {
	s := newShell(t)
	for event, want := range map[string]string{
		"kombo.order": `"email":"kim@example.com"`, "stackone.order": `"value":"kim@example.com"`, "ashby.order": `"email":"kim@example.com"`,
	} {
		provider := newService(t, 200, "")
		s.trigger(event, "--provider", provider.URL, "--set", "candidate.email=kim@example.com", "--set", "candidate.first_name:=null")
		require.Len(t, provider.bodies, 1)
		require.Contains(t, provider.bodies[0], want)
		require.Contains(t, provider.bodies[0], `"first_name":null`)
	}
}

func TestTriggerFaultsAndTimes(t *testing.T) {
	s := newShell(t)
	provider := newService(t, 200, "")
	require.Equal(t, sandbox.ExitOK, s.trigger("kombo.order", "--provider", provider.URL, "--fault", "duplicate=2", "--customer", "Globex").status)
	require.Len(t, provider.bodies, 3)
	require.Equal(t, provider.bodies[0], provider.bodies[2])
	require.Contains(t, provider.bodies[0], "greenhouse:3uPDAvJHUKqA6hpqXtbFkDzE")
	require.Equal(t, sandbox.ExitOK, s.trigger("kombo.order", "--provider", provider.URL, "--times", "4", "--at-once").status)
	require.Len(t, provider.bodies, 7)
	require.NotEqual(t, provider.bodies[5], provider.bodies[6], "each time it is another order")

	lost := s.trigger("kombo.order", "--provider", provider.URL, "--fault", "lost")
	requireSaid(t, lost, sandbox.ExitNothing, "the message was lost on purpose")
	require.Equal(t, sandbox.ExitOK, s.trigger("kombo.order", "--provider", provider.URL, "--fault", "lost", "--expect", "failed").status)
	require.Len(t, provider.bodies, 7)
}

// A body of the user's own goes out byte for byte, signed as the vendor signs.
func TestTriggerBody(t *testing.T) {
	s := newShell(t)
	body := "{ \"id\": 1,\r\n \"type\":\"x\"}"
	s.write("body.json", body)
	for _, c := range []struct {
		event  string
		status int
		answer string
		exit   int
		want   string
	}{
		{"kombo.order", 200, "", 0, "Kombo counts the order as taken"},
		{"kombo.order", 422, rejection, 1, "“Not offered in Norway.”"},
		{"kombo.order", 422, `{"message":"x"}`, 1, "this is not Kombo's rejection"},
		{"kombo.inline-order", 200, "{}", 1, "dead page"},
		{"stackone.order", 202, "", 1, "not delivered"},
		{"ashby.order", 409, "", 1, "already being assessed"},
		{"ashby.order", 200, "", 0, "Ashby holds a live assessment"},
	} {
		provider := newService(t, c.status, c.answer)
		got := s.trigger(c.event, "--body", "body.json", "--provider", provider.URL)
		require.Equal(t, c.exit, got.status, got)
		require.Contains(t, got.out, c.want)
		require.Equal(t, []string{body}, provider.bodies)
		switch header := provider.header[0]; c.event {
		case "ashby.order":
			user, _, _ := (&http.Request{Header: header}).BasicAuth()
			require.Equal(t, "partner_test_key_456", user)
			require.Equal(t, "/ashby/assessment.start", provider.paths[0])
		case "kombo.order":
			require.Equal(t, kombotest.Sign(kombotest.DefaultWebhookSecret, []byte(body)), header.Get(kombotest.SignatureHeader))
		}
	}
	requireSaid(t, s.trigger("kombo.order", "--body", "body.json", "--provider", nobody(t)), sandbox.ExitNothing, "nothing listens")
	requireSaid(t, s.trigger("ashby.order", "--body", "body.json", "--kombo", nobody(t)), sandbox.ExitNothing, "there is no endpoint for Ashby")
}

// A flag comes before the environment, that before sandbox.yaml, that before the default.
func TestWhereTheProviderIs(t *testing.T) {
	s := newShell(t)
	byFlag, byVariable, byFile := newService(t, 200, ""), newService(t, 200, ""), newService(t, 200, "")
	s.env["T"] = "s3cret"
	got := s.trigger("kombo.order") // nothing is said
	require.Contains(t, got.out, "http://localhost:8080/kombo ")

	s.write("sandbox.yaml", "provider: {base: \""+byFile.URL+"/\"}\nkombo: {webhook: /hooks/kombo}\nstackone: {webhook: \"/hooks/s?token=${T}\"}\n")
	require.Equal(t, sandbox.ExitOK, s.trigger("kombo.order").status)
	got = s.trigger("stackone.order")
	require.Equal(t, sandbox.ExitOK, got.status)
	require.NotContains(t, got.out, "s3cret", "a token in an address is not shown")
	s.trigger("stackone.packages")
	require.Equal(t, []string{"/hooks/kombo", "/hooks/s?token=s3cret", "/hooks/s/assessments?token=s3cret"}, byFile.paths)
	requireSaid(t, s.trigger("ashby.order"), sandbox.ExitNothing, "there is no endpoint for Ashby")

	s.env["SANDBOX_KOMBO_URL"] = byVariable.URL + "/k"
	s.env["SANDBOX_ASHBY_URL"] = byVariable.URL + "/a"
	s.trigger("kombo.order")
	s.trigger("ashby.order")
	require.Equal(t, []string{"/k", "/a/assessment.start"}, byVariable.paths)
	s.trigger("kombo.order", "--kombo", byFlag.URL+"/flag")
	require.Equal(t, []string{"/flag"}, byFlag.paths)
	s.trigger("stackone.packages", "--stackone", byFlag.URL+"/s", "--stackone-packages", byFlag.URL+"/p")
	require.Equal(t, "/p", byFlag.paths[1])
	require.Len(t, byVariable.paths, 2)
}

var entrance = regexp.MustCompile(`The page:  (http://\S+)/\?token=(\S+)`)

// serve runs the sandbox in the background until the test ends and returns its address.
func (s *shell) serve(args ...string) string {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	said, stderr := io.Pipe()
	status := make(chan int, 1)
	go func() {
		defer func() { _ = stderr.Close() }()
		status <- sandbox.Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), func(name string) string { return s.env[name] }, io.Discard, stderr)
	}()
	s.t.Cleanup(func() {
		stop()
		require.Equal(s.t, sandbox.ExitOK, <-status, "it ends well when it is told to")
	})
	page := make(chan string, 1)
	s.token = make(chan string, 1)
	go func() {
		var text strings.Builder
		chunk := make([]byte, 4096)
		for {
			n, err := said.Read(chunk)
			text.Write(chunk[:n])
			if found := entrance.FindStringSubmatch(text.String()); found != nil {
				text.Reset()
				page <- found[1]
				s.token <- found[2]
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case address := <-page:
		require.Eventually(s.t, func() bool {
			_, err := os.Stat(filepath.Join(s.env["XDG_RUNTIME_DIR"], "assessbridge", "sandbox.json"))
			return err == nil
		},
			5*time.Second, 5*time.Millisecond)
		return address
	case code := <-status:
		require.Fail(s.t, "the sandbox did not start", "%d", code)
		return ""
	}
}

// A sandbox that runs is found by itself, unless another provider is meant.
func TestTriggerFindsTheSandbox(t *testing.T) {
	s := newShell(t)
	provider, other := newService(t, 200, ""), newService(t, 200, "")
	page := s.serve("--provider", provider.URL)

	got := s.run("trigger", "kombo.order")
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Regexp(t, regexp.QuoteMeta(page)+`/o/kombo/\S+\n`, got.out)
	got = s.run("trigger", "kombo.order", "--provider", provider.URL, "--format", "json")
	var results []sandbox.Result
	require.NoError(t, json.Unmarshal([]byte(got.out), &results))
	require.True(t, strings.HasPrefix(results[0].Link, page+"/o/kombo/"), results[0].Link)
	require.Len(t, provider.bodies, 2)

	got = s.trigger("kombo.order", "--provider", other.URL)
	requireSaid(t, got, sandbox.ExitOK, "another sandbox runs for another provider")
	require.Len(t, other.bodies, 1)

	// What others could have written is not believed.
	file := filepath.Join(s.env["XDG_RUNTIME_DIR"], "assessbridge", "sandbox.json")
	require.NoError(t, os.Chmod(file, 0o644)) //nolint:gosec // which is the point
	s.trigger("kombo.order", "--provider", other.URL)
	require.Len(t, other.bodies, 2)
	require.NoError(t, os.Chmod(file, 0o600))
}

// A file that a killed sandbox left behind leads nowhere, and is no obstacle.
func TestTriggerSurvivesStaleFile(t *testing.T) {
	s := newShell(t)
	dir := filepath.Join(s.env["XDG_RUNTIME_DIR"], "assessbridge")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	s.write(filepath.Join(dir, "sandbox.json"), `{"url":"`+nobody(t)+`","token":"x","pid":1}`)
	provider := newService(t, 200, "")
	require.Equal(t, sandbox.ExitOK, s.trigger("kombo.order", "--provider", provider.URL).status)
	require.Len(t, provider.bodies, 1)
}

func TestInterrupted(t *testing.T) {
	s := newShell(t)
	ctx, stop := context.WithCancel(t.Context())
	s.ctx = ctx
	provider := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stop() }))
	t.Cleanup(provider.Close)
	require.Equal(t, sandbox.ExitInterrupted, s.trigger("kombo.order", "--provider", provider.URL).status)
}
