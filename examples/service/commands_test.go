package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// operator runs commands against a process, as somebody beside it would.
type operator struct {
	t         *testing.T
	variables []string
}

func (p *process) operator(t *testing.T) operator {
	return operator{t, append([]string{prefix + "OPS_LISTEN=" + p.ops}, p.world.variables...)}
}

// run runs a command and returns the program's exit code and what it printed.
func (o operator) run(args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	var out, told bytes.Buffer
	err := run(o.t.Context(), args, o.variables, &out, &told)
	if err != nil {
		told.WriteString(err.Error())
	}
	return exitCode(err), out.String(), told.String()
}

// does runs a command that has to end with a code and decodes what it printed.
func (o operator) does(code int, into any, line string, more ...string) {
	o.t.Helper()
	args := append(append(strings.Fields(line), more...), "--format", "json")
	got, stdout, stderr := o.run(args...)
	require.Equal(o.t, code, got, "%s: %s%s", line, stdout, stderr)
	if into == nil {
		return
	}
	require.NoError(o.t, json.Unmarshal([]byte(stdout), into), "%s: stdout is data: %s", line, stdout)
}

// by is what an act by hand needs.
var by = []string{"--actor", "kim", "--reason", "the template was mended"}

func because(args ...string) []string { return append(args, by...) }

func (w *world) orders(t *testing.T, vendor assessment.Vendor, n int) []assessment.OrderRef {
	refs := make([]assessment.OrderRef, n)
	var all sync.WaitGroup
	for part := range 4 {
		all.Go(func() {
			for i := part; i < n; i += 4 {
				refs[i] = w.order(t.Context(), t, vendor)
			}
		})
	}
	all.Wait()
	eventually(t, "all are started", func() bool { return w.number(t, `SELECT COUNT(*) FROM tests`) == n })
	return refs
}

func (w *world) refuse(refuse bool) {
	w.kombo.Chaos(func(op string, _ int) kombotest.Fault {
		if refuse && op == kombotest.OpUpdateResult {
			return kombotest.Status(400, "PLATFORM.INPUT_INVALID")
		}
		return kombotest.Fault{}
	})
	w.ashby.Chaos(func(op string, _ int) ashbytest.Fault {
		if refuse && op == ashbytest.OpUpdate {
			return ashbytest.Status(400, "invalid_input")
		}
		return ashbytest.Fault{}
	})
}

func (w *world) counts(t *testing.T, state string) int {
	return w.number(t, `SELECT COUNT(*) FROM {results} WHERE state = '`+state+`'`)
}

// What is refused is listed, re-driven, discarded; each act is in the journal.
func TestCommandsForResults(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		t.Parallel()
		p := w.start(t, oldRelease)
		p.ready(t)
		o := p.operator(t)
		rows := []row{{}}
		o.does(exitDone, &rows, "attention list")
		require.Empty(t, rows)
		refs := w.orders(t, assessment.Kombo, 5)
		w.refuse(true)
		for _, ref := range refs {
			w.put(t.Context(), t, ref, finalResult)
		}
		eventually(t, "all are refused", func() bool { return w.counts(t, "refused") == 5 })
		w.refuse(false)

		o.does(exitDone, &rows, "attention list")
		require.Len(t, rows, 5)
		first := rows[0]
		require.Equal(t, row{
			What: "result", Row: first.Row, Order: refs[0].String(), State: "refused", Reason: "invalid PLATFORM.INPUT_INVALID",
			HTTPStatus: 400, Code: "PLATFORM.INPUT_INVALID", Operation: first.Operation, RequestID: first.RequestID,
			Made: first.Made, Settled: first.Settled, HasBody: true,
		}, first)
		require.NotEmpty(t, first.Operation)
		for line, want := range map[string]int{
			"attention list --vendor kombo":                                                  5,
			"attention list --vendor ashby":                                                  0,
			"attention list --vendor kombo --connection eu":                                  0,
			"attention list --account " + kombotest.DefaultIntegration:                       5,
			"attention list --account other":                                                 0,
			"attention list --code PLATFORM.INPUT_INVALID":                                   5,
			"attention list --code OTHER":                                                    0,
			"attention list --state refused --since 1h":                                      5,
			"attention list --state uncertain":                                               0,
			"attention list --since 2099-01-01":                                              0,
			"attention list --until 2020-01-01T10:00:00Z":                                    0,
			"attention list --max 2":                                                         2,
			"attention list --what orders":                                                   0,
			"attention list " + refs[1].String() + " --what results":                         1,
			"attention list --max 3 " + refs[1].String() + " --state refused --vendor kombo": 1,
		} {
			o.does(exitDone, &rows, line)
			require.Len(t, rows, want, line)
		}
		o.does(exitDone, &rows, "attention list", "--operation", first.Operation)
		require.Len(t, rows, 5)

		var dealt manyAnswer
		o.does(exitDone, &dealt, "redrive --vendor kombo --dry-run")
		require.Equal(t, manyAnswer{What: "results", DryRun: true, Matched: 5, Changed: 5, AsOf: dealt.AsOf}, dealt)
		require.Equal(t, 5, w.counts(t, "refused"), "a dry run changes nothing")
		o.does(exitRefused, &dealt, "redrive --code OTHER", by...)
		require.Zero(t, dealt.Matched)
		o.does(exitRefused, nil, "redrive --code OTHER --dry-run")
		o.does(exitRefused, nil, "redrive kombo///other/other", by...)
		require.Equal(t, 5, w.counts(t, "refused"))

		code, stdout, stderr := o.run(because("redrive", refs[0].String(), "--per-minute", "60000")...)
		require.Zero(t, code)
		require.Equal(t, "1 match, 1 to redrive; left out: 0 that the vendor has something newer of, 0 without content\n", stderr)
		require.Regexp(t, `^WHAT +MATCHED +NEWER +GONE +HELD +RUNNING +CHANGED +DRYRUN +DUE\nresults +1 +0 +0 +0 +0 +1 +no +20\S+Z\n$`, stdout)
		eventually(t, "written", func() bool { return w.counts(t, "written") == 1 })
		require.Equal(t, 4, w.counts(t, "refused"))

		_, err := w.db.Exec(`UPDATE `+w.schema+`assessbridge_results SET state = 'uncertain' WHERE ref = $1`, refs[1].String())
		require.NoError(t, err)
		o.does(exitDone, &dealt, "discard --all --max 1", by...)
		require.Equal(t, 3, dealt.Matched, "the uncertain one was not asked for")
		require.Equal(t, 1, dealt.Changed)
		require.Equal(t, 1, w.counts(t, "discarded"))
		o.does(exitDone, &dealt, "redrive --state uncertain --uncertain --per-minute 60000", by...)
		require.Equal(t, 1, dealt.Changed)
		eventually(t, "written too", func() bool { return w.counts(t, "written") == 2 })

		for ref, what := range map[string]string{refs[0].String(): "result.redriven", refs[1].String(): "result.redriven", refs[2].String(): "result.discarded"} {
			var notes []note
			o.does(exitDone, &notes, "timeline "+ref)
			require.Contains(t, said(notes), what+" by kim: the template was mended")
		}
		code, stdout, _ = o.run("timeline", refs[0].String())
		require.Zero(t, code)
		require.Contains(t, stdout, "result.redriven")
		o.does(exitRefused, nil, "timeline kombo///other/other")
		require.Contains(t, p.log.String(), `msg="by hand" command=discard actor=kim changed=1`)
		require.NotContains(t, p.log.String(), "template was mended")
	})
}

func said(notes []note) []string {
	var all []string
	for _, n := range notes {
		all = append(all, fmt.Sprintf("%s by %s: %s", n.What, n.Actor, n.Reason))
	}
	return all
}

// Switches hold results and starts back; orders are started or given up by hand.
func TestCommandsForSwitchesAndOrders(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		t.Parallel()
		p := w.start(t, oldRelease)
		p.ready(t)
		o := p.operator(t)
		account := "--account=" + kombotest.DefaultIntegration
		gates := []gate{{}}
		o.does(exitDone, &gates, "gates")
		require.Empty(t, gates)
		ref := w.orders(t, assessment.Kombo, 1)[0]
		o.does(exitDone, &gates, "pause results --vendor kombo "+account, by...)
		require.Len(t, gates, 1)
		w.put(t.Context(), t, ref, finalResult)
		o.does(exitDone, &gates, "gates")
		require.Equal(t, []gate{{
			Route: "kombo", Account: kombotest.DefaultIntegration, What: "results", Cause: "paused",
			Since: gates[0].Since, By: "kim: the template was mended", Pending: 1,
		}}, gates)
		require.Zero(t, w.counts(t, "written"))
		o.does(exitDone, &gates, "resume results --vendor kombo "+account, by...)
		require.Equal(t, 1, gates[0].Pending, "what was closed")
		eventually(t, "written", func() bool { return w.counts(t, "written") == 1 })
		o.does(exitRefused, nil, "resume results --vendor kombo "+account, by...)
		var notes []note
		o.does(exitDone, &notes, "timeline kombo///"+kombotest.DefaultIntegration+"/")
		require.Contains(t, said(notes), "switch.paused by kim: the template was mended")

		// Orders that wait, one of them because somebody has to look.
		o.does(exitDone, nil, "pause starts --vendor kombo", by...)
		o.does(exitDone, nil, "pause reconcile --vendor kombo", by...)
		var waiting []string
		for range 3 {
			id, delivery, err := w.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
			require.NoError(t, err)
			require.Equal(t, 200, delivery.Status)
			waiting = append(waiting, komboRef(id).String())
		}
		_, err := w.db.Exec(`UPDATE ` + w.schema + `assessbridge_orders SET state = 'attention', reason = 'faulting', due = 4102444800000 WHERE state = 'queued'`)
		require.NoError(t, err)
		var rows []row
		o.does(exitDone, &rows, "attention list --vendor kombo")
		require.Len(t, rows, 3)
		require.Equal(t, "faulting", rows[0].Reason)
		for line, want := range map[string]int{
			"attention list --state faulting --max 2":                            2,
			"attention list --what orders --state undecodable":                   0,
			"attention list --what orders --account other":                       0,
			"attention list --what orders --since 1h " + waiting[2]:              1,
			"attention list --what orders --until 2020-01-01 --vendor kombo":     0,
			"attention list --what orders " + account + " --since 2020-01-01":    3,
			"attention list --what orders --vendor kombo --connection elsewhere": 0,
		} {
			o.does(exitDone, &rows, line)
			require.Len(t, rows, want, line)
		}
		var dealt manyAnswer
		o.does(exitDone, &dealt, "discard --what orders "+waiting[0], by...)
		require.Equal(t, manyAnswer{What: "orders", Matched: 1, Changed: 1, AsOf: dealt.AsOf}, dealt)
		code, _, stderr := o.run(because("redrive", "--what", "orders", "--state", "faulting")...)
		require.Equal(t, exitRefused, code)
		require.Contains(t, stderr, "2 match, 0 to redrive; left out: 2 whose starts are switched off, 0 that are being started\n")
		o.does(exitDone, nil, "resume starts --vendor kombo", by...)
		o.does(exitDone, &dealt, "redrive --what orders --state faulting --dry-run")
		require.Equal(t, manyAnswer{What: "orders", DryRun: true, Matched: 2, Changed: 2, AsOf: dealt.AsOf}, dealt)
		require.Equal(t, 2, w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state = 'attention'`))
		o.does(exitDone, &dealt, "redrive --what orders --state faulting --max 1 --per-minute 60000", by...)
		require.Equal(t, 1, dealt.Changed)
		eventually(t, "the one is started", func() bool {
			return w.number(t, `SELECT COUNT(*) FROM tests`) == 2 && w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state = 'started'`) == 2
		})
		require.Equal(t, 1, w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state = 'discarded'`))
		require.Equal(t, 2, w.number(t, `SELECT COUNT(*) FROM {journal} WHERE what IN ('order.start_now', 'order.discarded')`))
		o.does(exitDone, &rows, "attention list --what orders")
		require.Len(t, rows, 1)

		// The recruiter of the last one reads why.
		const words = "No seats are left this month."
		var rejected rejectAnswer
		o.does(exitDone, &rejected, "reject "+rows[0].Order, because("--text", words)...)
		require.Equal(t, rejectAnswer{Rejected: []string{rows[0].Order}}, rejected)
		eventually(t, "Kombo has it", func() bool { return len(w.writes()[rows[0].Order]) == 1 })
		require.Contains(t, w.writes()[rows[0].Order][0].body, words)
		o.does(exitRefused, &rejected, "reject "+rows[0].Order, because("--text", words)...)
		require.Equal(t, rejectAnswer{Rejected: []string{}, Unknown: []string{rows[0].Order}}, rejected)
		o.does(exitDone, &notes, "timeline "+rows[0].Order)
		require.Contains(t, said(notes), "order.rejected by kim: the template was mended")
		require.NotContains(t, p.log.String(), words)
		o.does(exitMisused, nil, "pause results --vendor stackone --connection none", by...)
	})
}

// People can be asked about and erased, by order and by candidate.
func TestCommandsForPeople(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		t.Parallel()
		w.set("SUBJECT_KEY", secret)
		p := w.start(t, oldRelease)
		p.ready(t)
		o := p.operator(t)
		var refs []assessment.OrderRef
		for range 2 {
			id, _, err := w.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{Fields: map[string]any{"candidate.remote_id": "person-1"}})
			require.NoError(t, err)
			refs = append(refs, komboRef(id))
		}
		refs = append(refs, w.order(t.Context(), t, assessment.Kombo))
		eventually(t, "all are started", func() bool { return w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state = 'started'`) == 3 })
		whose := []string{"--vendor", "kombo", "--account", kombotest.DefaultIntegration, "--candidate"}
		var known []subjectOrder
		o.does(exitDone, &known, "subject", append(whose, "person-1")...)
		require.Len(t, known, 2)
		require.Equal(t, "started", known[0].State)
		o.does(exitRefused, &known, "subject", append(whose, "person-2")...)
		require.Empty(t, known)

		var erased eraseAnswer
		o.does(exitRefused, &erased, "erase "+refs[2].String()+" kombo///other/other", by...)
		require.Equal(t, eraseAnswer{Erased: []string{refs[2].String()}, Unknown: []string{"kombo///other/other"}}, erased)
		o.does(exitDone, &erased, "erase", because(append(whose, "person-1")...)...)
		require.ElementsMatch(t, []string{refs[0].String(), refs[1].String()}, erased.Erased)
		o.does(exitRefused, nil, "erase", because(append(whose, "person-1")...)...)
		for _, ref := range refs {
			var notes []note
			o.does(exitDone, &notes, "timeline "+ref.String())
			require.Contains(t, said(notes), "erased by kim: the template was mended")
		}
		require.NotContains(t, p.log.String(), "person-1")
	})
}

// Two hundred results were refused, and what the vendor objected to is mended. One
// command has all of them written, each once, while others go on.
func TestRedriveFromTheCommandLine(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		t.Parallel()
		const n = 200
		p := w.start(t, oldRelease)
		p.ready(t)
		refs := w.orders(t, assessment.Ashby, n+1)
		live := refs[n]
		w.refuse(true)
		for _, ref := range refs[:n] {
			w.put(t.Context(), t, ref, finalResult)
		}
		eventually(t, "all are refused", func() bool { return w.counts(t, "refused") == n })
		w.refuse(false)
		var dealt manyAnswer
		p.operator(t).does(exitDone, &dealt, "redrive --vendor ashby --account acme --code invalid_input --since 1h --per-minute 12000", by...)
		require.Equal(t, n, dealt.Matched)
		require.Equal(t, n, dealt.Changed)
		w.put(t.Context(), t, live, finalResult)
		eventually(t, "all are written", func() bool { return w.counts(t, "written") == n+1 })
		writes := w.writes()
		for _, ref := range refs {
			taken := 0
			for _, one := range writes[ref.String()] {
				if one.taken {
					taken++
				}
			}
			require.Equal(t, 1, taken, ref)
		}
		require.Equal(t, n, w.number(t, `SELECT COUNT(*) FROM {journal} WHERE what = 'result.redriven'`))
	})
}

// A customer leaves: counted first, removed if the count is confirmed, gone from
// then on, and let in again.
func TestCommandsForLeavers(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		t.Parallel()
		w.set("KOMBO_RECONCILE_EVERY", "1h")
		p := w.start(t, oldRelease)
		p.ready(t)
		o := p.operator(t)
		refs := w.orders(t, assessment.Kombo, 3)
		w.refuse(true)
		w.put(t.Context(), t, refs[0], finalResult)
		eventually(t, "refused", func() bool { return w.counts(t, "refused") == 1 })
		w.refuse(false)
		const whose = " --vendor kombo --account " + kombotest.DefaultIntegration
		var counted, kept, gone offboardAnswer
		o.does(exitDone, &counted, "offboard --dry-run"+whose)
		require.EqualValues(t, 3, counted.Orders)
		require.EqualValues(t, 1, counted.ResultsWaiting)
		require.False(t, counted.Done)
		o.does(exitMisused, nil, "offboard"+whose, by...)
		o.does(exitRefused, nil, "offboard --most 1"+whose, by...)
		o.does(exitRefused, &kept, "offboard --keep --most 1"+whose, by...)
		require.EqualValues(t, 1, kept.ResultsWaiting, "it goes when that has come to its end")
		require.Equal(t, 3, w.number(t, `SELECT COUNT(*) FROM {orders}`))
		o.does(exitDone, &counted, "offboard --dry-run"+whose)
		o.does(exitDone, &gone, fmt.Sprintf("offboard --most %d%s", counted.Rows, whose), by...)
		require.True(t, gone.Done)
		require.Equal(t, counted.Rows, gone.Rows)
		require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {orders}`))
		_, delivery, err := w.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
		require.NoError(t, err)
		require.Equal(t, 410, delivery.Status)
		var notes []note
		o.does(exitDone, &notes, "timeline kombo///"+kombotest.DefaultIntegration+"/")
		require.Contains(t, said(notes), "offboarded by kim: the template was mended")

		o.does(exitDone, nil, "readmit"+whose, by...)
		o.does(exitRefused, nil, "readmit"+whose, by...)
		_, delivery, err = w.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
		require.NoError(t, err)
		require.Equal(t, 200, delivery.Status)
	})
}

// What cannot be meant is refused before anything is asked.
func TestCommandsMisused(t *testing.T) {
	o := operator{t, good(prefix+"OPS_TOKEN="+secret, prefix+"OPS_LISTEN=127.0.0.1:1")}
	for line, want := range map[string]string{
		"attention":                      `did you mean "attention list"?`,
		"attention redrive":              `did you mean "redrive"?`,
		"redriev":                        `did you mean "redrive"?`,
		"serve":                          `unknown command "serve"`,
		"attention list --vendor kmobo":  "want kombo, stackone or ashby",
		"attention list --connection eu": "--connection needs --vendor",
		"attention list --state written": "of results want refused, uncertain, late",
		"attention list --what orders --state faultin":  "of orders want faulting, undecodable",
		"attention list --what orders --state refused":  "is one of results",
		"redrive --state faulting --dry-run":            "is one of orders: see --what",
		"discard --what orders --all --late --dry-run":  "orders have no --uncertain",
		"reject --text no --actor a --reason b":         "say which orders",
		"reject kombo///a/1 --actor a --reason b":       "--text is required",
		"reject x --text no --actor a --reason b":       "not a reference",
		"reject kombo///a/1 --text no":                  "--actor and --reason are required",
		"hot --since 1h --actor a --reason b":           "--vendor is required",
		"hot --vendor kombo --actor a --reason b":       "--since is required",
		"hot --vendor kombo --since 1h":                 "--actor and --reason are required",
		"hot x --vendor kombo --since 1h --dry-run":     `unknown argument "x"`,
		"since --vendor kombo --since 1h --dry-run":     "--account is required",
		"since --vendor kombo --account a --since 1h":   "--actor and --reason are required",
		"backfill --vendor kombo --since 1h --dry-run":  "--account is required",
		"backfill --vendor kombo --account a --dry-run": "--since is required",
		"attention list --what orders --code x":         "orders have no --code",
		"attention list --what people":                  "want results or orders",
		"attention list --since yesterday":              "want a time such as",
		"attention list --max -1":                       "--max",
		"attention list --colour":                       "see service attention list --help",
		"attention list --format xml":                   "want text or json",
		"attention list x":                              "not a reference",
		"redrive --actor a --reason b":                  "or --all",
		"redrive --vendor kombo":                        "--actor and --reason are required",
		"redrive --vendor kombo --actor a":              "--actor and --reason are required",
		"redrive --state uncertain --dry-run":           "with --uncertain only",
		"redrive --state late --dry-run":                "they can be discarded",
		"discard --state late --dry-run":                "with --late only",
		"redrive --what orders --all --uncertain":       "orders have no --uncertain",
		"redrive --all --per-minute -1":                 "--per-minute",
		"redrive x --actor a --reason b":                "not a reference",
		"pause --vendor kombo --actor a --reason b":     "starts, results or reconcile",
		"pause all --vendor kombo --actor a --reason b": `no switch "all"`,
		"pause starts --actor a --reason b":             "--vendor is required",
		"resume starts --vendor kombo":                  "--actor and --reason are required",
		"timeline":                                      "say which order",
		"timeline x":                                    "not a reference",
		"gates x":                                       `unknown argument "x"`,
		"subject --vendor kombo --account a":            "--candidate",
		"erase --actor a --reason b":                    "say which orders",
		"erase --candidate c --actor a --reason b":      "--candidate, --vendor and --account",
		"erase kombo///a/1":                             "--actor and --reason are required",
		"erase kombo///a/1 --candidate c --vendor kombo --account a --actor a --reason b": "not both",
		"offboard --vendor kombo":                                            "--vendor and --account",
		"offboard --vendor kombo --account a":                                "--dry-run first",
		"offboard --vendor kombo --account a --most 3":                       "--actor and --reason are required",
		"offboard --vendor kombo --account a --most -3 --actor a --reason b": "--most",
		"readmit --vendor kombo --actor a --reason b":                        "--vendor and --account",
		"readmit --vendor kombo --account a":                                 "--actor and --reason are required",
		"gates --service ftp://x":                                            "--service",
		"gates --service http://a:b@host":                                    "--service",
		"gates --service host":                                               "--service",
		"gates --config /none":                                               "/none",
	} {
		code, stdout, stderr := o.run(strings.Fields(line)...)
		require.Equal(t, exitMisused, code, "%s: %s", line, stderr)
		require.Contains(t, stderr, want, line)
		require.Empty(t, stdout, line)
	}
	code, _, stderr := operator{t, good()}.run("gates")
	require.Equal(t, exitMisused, code)
	require.Contains(t, stderr, "ASSESSBRIDGE_OPS_TOKEN is missing")
}

// A service that is not there, is another program, or has another token.
func TestCommandsUnreachable(t *testing.T) {
	o := operator{t, good(prefix + "OPS_TOKEN=" + secret)}
	code, stdout, stderr := o.run("gates", "--service", freeAddress(t))
	require.Equal(t, exitUnreachable, code, stderr)
	require.Empty(t, stdout)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   int
		want   string
	}{
		"another program": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, exitUnreachable, "not the service"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
		}, exitUnreachable, "not the service"},
		"no commands":   {http.NotFound, exitRefused, "no ops_token"},
		"another token": {guard("another", nil).ServeHTTP, exitRefused, "another ops_token"},
		"no database": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the database is \x1b[31maway", http.StatusServiceUnavailable)
		}, exitUnreachable, "answers 503: the database is \ufffd[31maway"},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"gates": [`)
		}, exitUnreachable, "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.answer)
			defer s.Close()
			code, stdout, stderr := operator{t, o.variables}.run("gates", "--service", s.URL)
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stderr, c.want)
			require.NotContains(t, stderr, secret)
			require.Empty(t, stdout)
		})
	}
}

func TestCommandHelp(t *testing.T) {
	o := operator{t, nil}
	for _, v := range verbs {
		code, stdout, stderr := o.run(append(strings.Fields(v.name), "--help")...)
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, "Usage: service "+v.name)
		require.Contains(t, stdout, "-format")
	}
	_, _, stderr := o.run("--help")
	for _, v := range verbs {
		require.Contains(t, stderr, "service "+v.name)
	}
}

// Commands are for whoever has the token, asks this port and is no web page.
func TestCommandsAreGuarded(t *testing.T) {
	r := begin(t, func(s *settings) { s.OpsHosts = []string{"Ops.internal"} })
	r.ready(t)
	const path = commandsPath + "gates"
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"as it should be":         {func(*http.Request) {}, 200},
		"under a name of its own": {func(q *http.Request) { q.Host = "ops.internal:8081" }, 200},
		"under localhost":         {func(q *http.Request) { q.Host = "localhost" }, 200},
		"under an address":        {func(q *http.Request) { q.Host = "[::1]:8081" }, 200},
		"rebound name":            {func(q *http.Request) { q.Host = "evil.example" }, 421},
		"rebound, with a dot":     {func(q *http.Request) { q.Host = "localhost.evil.example." }, 421},
		"no token":                {func(q *http.Request) { q.Header.Del("Authorization") }, 401},
		"wrong token":             {func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+secret+"x") }, 401},
		"another origin":          {func(q *http.Request) { q.Header.Set("Origin", "https://evil.example") }, 403},
		"another site":            {func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"as a form":               {func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }, 415},
		"to be read":              {func(q *http.Request) { q.Method = "GET" }, 405},
		"an unknown field":        {func(q *http.Request) { q.Body = io.NopCloser(strings.NewReader(`{"x":1}`)) }, 400},
		"two questions":           {func(q *http.Request) { q.Body = io.NopCloser(strings.NewReader(`{}{}`)) }, 400},
		"no question":             {func(q *http.Request) { q.Body = http.NoBody }, 400},
		"too long a question": {func(q *http.Request) {
			q.Body = io.NopCloser(io.MultiReader(strings.NewReader(`"`), strings.NewReader(strings.Repeat("x", maxQuestion))))
		}, 400},
		"no such command": {func(q *http.Request) { q.URL.Path = commandsPath + "drop" }, 404},
		"page, rebound": {func(q *http.Request) {
			q.Method, q.URL.Path, q.Host = "GET", "/", "evil.example"
		}, 421},
		"jobs, rebound":   {func(q *http.Request) { q.Method, q.URL.Path, q.Host = "GET", "/jobs/", "evil.example" }, 421},
		"health, by name": {func(q *http.Request) { q.Method, q.URL.Path, q.Host = "GET", "/healthz", "pod-7.example" }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+r.ops+path, strings.NewReader("{}"))
			require.NoError(t, err)
			request.ContentLength = -1
			request.Header.Set("Authorization", "Bearer "+secret)
			request.Header.Set("Content-Type", "application/json")
			c.change(request)
			answer, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			_ = answer.Body.Close()
			require.Equal(t, c.status, answer.StatusCode)
		})
	}

	// The service judges by itself, whatever the command has judged before.
	for command, body := range map[string]string{
		"redrive":   `{"what":"results"}`,
		"discard":   `{"what":"orders","actor":"kim"}`,
		"switch":    `{"vendor":"kombo","switch":"everything","actor":"kim","reason":"x"}`,
		"erase":     `{"orders":["kombo///a/1"]}`,
		"subject":   `{"vendor":"kombo","account":"a"}`,
		"timeline":  `{"order":"x"}`,
		"offboard":  `{"vendor":"kombo","account":"a","most":1000}`,
		"readmit":   `{"vendor":"kombo","actor":"a","reason":"b"}`,
		"attention": `{"orders":["x"]}`,
		"reject":    `{"orders":["kombo///a/1"],"actor":"a","reason":"b"}`,
		"hot":       `{"vendor":"kombo","actor":"a","reason":"b"}`,
		"since":     `{"vendor":"kombo","account":"a","since":"2026-11-25T10:00:00Z"}`,
		"backfill":  `{"vendor":"kombo","account":"a","since":"2026-11-25T10:00:00Z"}`,
	} {
		require.Equal(t, 400, r.post(t, commandsPath+command, body), command)
	}
	for command, body := range map[string]string{
		"attention": `{"what":"orders","state":"refused"}`,
		"redrive":   `{"what":"orders","state":"faultin","dry_run":true}`,
		"discard":   `{"what":"results","per_minute":-1,"dry_run":true}`,
	} {
		require.Equal(t, 400, r.post(t, commandsPath+command, body), command)
	}
	require.Equal(t, 409, r.post(t, commandsPath+"subject", `{"vendor":"kombo","account":"a","candidate":"c"}`), "no subject key")
	require.NotContains(t, r.log.String(), secret)
}

// Without a token there are no commands.
func TestNoTokenNoCommands(t *testing.T) {
	r := begin(t, func(s *settings) { s.OpsToken = "" })
	require.Equal(t, 404, r.post(t, commandsPath+"gates", "{}"))
}

func (r *running) post(t *testing.T, path, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+r.ops+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+secret)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_ = answer.Body.Close()
	return answer.StatusCode
}

func TestWhereTheServiceIs(t *testing.T) {
	for _, c := range []struct{ address, listens, want string }{
		{"", "127.0.0.1:8081", "http://127.0.0.1:8081"},
		{"", ":8081", "http://127.0.0.1:8081"},
		{"", "0.0.0.0:8081", "http://127.0.0.1:8081"},
		{"", "[::]:8081", "http://127.0.0.1:8081"},
		{"ops.internal:9", ":8081", "http://ops.internal:9"},
		{"https://ops.internal/a/", ":8081", "https://ops.internal/a"},
	} {
		got, err := baseURL(c.address, c.listens)
		require.NoError(t, err, c)
		require.Equal(t, c.want, got, c)
	}
}

func TestMoment(t *testing.T) {
	day := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-25":                day,
		"2026-11-25T10:30":          day.Add(10*time.Hour + 30*time.Minute),
		"2026-11-25T10:30:00+02:00": day.Add(8*time.Hour + 30*time.Minute),
		"36h":                       time.Now().Add(-36 * time.Hour),
		"7d":                        time.Now().Add(-7 * 24 * time.Hour),
	} {
		var got time.Time
		require.NoError(t, moment(&got)(text), text)
		require.WithinDuration(t, want, got, time.Minute, text)
	}
	for _, text := range []string{"", "d", "7days", "-3h", "-7d", "0s", "tomorrow"} {
		require.Error(t, moment(new(time.Time))(text), text)
	}
}
