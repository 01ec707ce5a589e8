package check_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/check"
)

var tapLine = regexp.MustCompile(`^(ok|not ok) (\d+) - (\S+): (.*)$`)

func TestTAP(t *testing.T) {
	report := &check.Report{Results: []check.Result{
		{ID: "a.b.passed", Title: "One", Level: check.Core, State: check.Passed},
		{ID: "a.b.failed", Title: "Two # 2", Level: check.Core, State: check.Failed, Mismatches: []check.Mismatch{{Consequence: "It hurts.", What: "the status", Expected: "200", Got: "500 \"x\""}}},
		{ID: "a.b.advice", Title: "Three", Level: check.Advice, State: check.Failed, Mismatches: []check.Mismatch{{Consequence: "It could be better."}}},
		{ID: "a.b.known", Title: "Four", Level: check.Core, State: check.Known, Reason: "mended in\nMarch"},
		{ID: "a.b.skipped", Title: "Five", Level: check.Core, State: check.Skipped, Reason: "no endpoint"},
		{ID: "a.b.unjudged", Title: "Six", Level: check.Core, State: check.NotJudged, Reason: "nothing can be seen"},
		{ID: "a.b.kit", Title: "Seven", Level: check.Core, State: check.KitError, Reason: "panic"},
	}}
	require.Equal(t, `TAP version 14
1..7
ok 1 - a.b.passed: One
not ok 2 - a.b.failed: Two \# 2
  ---
  level: core
  state: failed
  mismatches:
    - consequence: "It hurts."
      difference: "the status: expected 200, got 500 \"x\""
  ...
ok 3 - a.b.advice: Three # SKIP advice: It could be better.
not ok 4 - a.b.known: Four # TODO mended in March
  ---
  level: core
  state: known
  reason: "mended in\nMarch"
  ...
ok 5 - a.b.skipped: Five # SKIP skipped: no endpoint
ok 6 - a.b.unjudged: Six # SKIP not judged: nothing can be seen
not ok 7 - a.b.kit: Seven
  ---
  level: core
  state: kit error
  reason: "panic"
  ...
`, report.TAP())
}

// A real report has a line for each result, numbered.
func TestTAPOfRun(t *testing.T) {
	report := reported(t)
	n := 0
	for line := range strings.Lines(report.TAP()) {
		if found := tapLine.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			require.Equal(t, report.Results[n].ID, found[3])
			n++
		}
	}
	require.Len(t, report.Results, n)
}

func TestCompare(t *testing.T) {
	of := func(states map[string]check.State) *check.Report {
		r := &check.Report{}
		for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
			r.Results = append(r.Results, check.Result{ID: id, State: states[id]})
		}
		return r
	}
	now := of(map[string]check.State{"a": check.Failed, "b": check.Passed, "c": check.Failed, "d": check.Known, "e": check.NotJudged, "f": check.Passed})
	before := of(map[string]check.State{"a": check.Passed, "b": check.Failed, "c": check.Failed, "d": check.Failed, "e": check.Failed, "f": check.Passed})
	c := now.Compare(before)
	require.Equal(t, check.Comparison{New: []string{"a"}, Fixed: []string{"b"}, Same: []string{"c", "d"}}, c)
	require.Equal(t, "1 new (a), 1 fixed (b), 2 same (c, d)", c.String())
	require.Equal(t, "0 new, 0 fixed, 0 same", check.Comparison{}.String())
}

func TestReadReport(t *testing.T) {
	report := reported(t)
	data, err := report.JSON()
	require.NoError(t, err)
	read, err := check.ReadReport(data)
	require.NoError(t, err)
	require.Equal(t, check.Comparison{Same: report.Compare(report).Same}, report.Compare(read))
	require.NotEmpty(t, report.Compare(read).Same)
	for text, want := range map[string]string{"{}": "its schema is 0", "[": "that is no report", `{"schema":2}`: "its schema is 2"} {
		_, err := check.ReadReport([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

// After a failure nothing more begins, and what is left says why.
func TestBail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReference(t, wrong{inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) { a.Code = http.StatusInternalServerError })})
		opts := fast
		opts.Vendor, opts.Level, opts.Bail, opts.Parallel = "kombo", check.Core, true, 1
		report, err := r.kit.Run(t.Context(), r.target, opts)
		require.NoError(t, err)
		require.Equal(t, 1, report.Counts[check.Failed], report.Line())
		require.Equal(t, len(report.Results)-1-report.Counts[check.Passed], report.Counts[check.Skipped])
		require.Equal(t, check.VerdictFailed, report.Verdict)
		for _, one := range report.In(check.Skipped) {
			require.Contains(t, one.Reason, "an earlier check failed")
		}
	})
}

// A call that is about no check reaches whoever serves the vendor otherwise.
func TestOthers(t *testing.T) {
	for _, vendor := range []string{"kombo", "stackone", "ashby"} {
		kit, err := check.New(check.Config{Others: map[string]http.Handler{
			vendor: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		}})
		require.NoError(t, err)
		t.Cleanup(kit.Close)
		for _, asked := range []string{"kombo", "stackone", "ashby"} {
			api, err := kit.API(asked)
			require.NoError(t, err)
			answer := httptest.NewRecorder()
			api.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/v1/check-api-key", strings.NewReader("{}")))
			require.Equal(t, asked == vendor, answer.Code == http.StatusTeapot, asked)
		}
	}
}

// Every connection to the service is opened by the dialer that was given.
func TestDialContext(t *testing.T) {
	refused := errors.New("not to there")
	dialled := make(chan string, 10_000)
	kit, err := check.New(check.Config{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		dialled <- address
		return nil, refused
	}})
	require.NoError(t, err)
	t.Cleanup(kit.Close)
	at := func(host string) check.Endpoint { return check.Endpoint{URL: "http://" + host + ".invalid"} }
	opts := fast
	opts.Settle, opts.Patience = time.Millisecond, time.Millisecond
	report, err := kit.Run(t.Context(), check.Target{
		Kombo:    check.KomboTarget{Webhook: at("kombo")},
		StackOne: check.StackOneTarget{Webhook: at("stackone"), AssessmentPackages: at("packages"), BackgroundPackages: at("background")},
		Ashby:    check.AshbyTarget{Base: at("ashby")},
	}, opts)
	require.NoError(t, err)
	close(dialled)
	hosts := map[string]bool{}
	for address := range dialled {
		hosts[address] = true
	}
	for _, host := range []string{"kombo", "stackone", "packages", "ashby"} {
		require.True(t, hosts[host+".invalid:80"], host)
	}
	data, err := report.JSON()
	require.NoError(t, err)
	require.NotContains(t, string(data), "no such host", "nothing went past it")
}
