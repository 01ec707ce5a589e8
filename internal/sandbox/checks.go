package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/check"
)

// checkRuns are the runs of the checks in a sandbox, one at a time.
type checkRuns struct {
	mu      sync.Mutex
	kit     *check.Kit // of the run under way; nil: there is none
	last    int
	reports map[int]*check.Report
}

// keptReports bounds the reports that are kept.
const keptReports = 20

var errCheckRuns = errors.New("the checks run already: wait until they are done")

// begin makes the kit the one to which the calls of the provider go.
func (c *checkRuns) begin(kit *check.Kit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kit != nil {
		return errCheckRuns
	}
	c.kit = kit
	return nil
}

// end keeps the report, if there is one, and returns its number.
func (c *checkRuns) end(report *check.Report) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kit = nil
	if report == nil {
		return 0
	}
	c.last++
	if c.reports == nil {
		c.reports = map[int]*check.Report{}
	}
	c.reports[c.last] = report
	delete(c.reports, c.last-keptReports)
	return c.last
}

func (c *checkRuns) report(n int) *check.Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reports[n]
}

// api is a vendor's API as long as the checks run: they answer what is about them.
func (c *checkRuns) api(vendor string) http.Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kit == nil {
		return nil
	}
	api, err := c.kit.API(vendor)
	if err != nil {
		return nil
	}
	return api
}

// checkOrder is what a command asks of the checks.
type checkOrder struct {
	Seed    uint64            `json:"seed"`
	IDs     []string          `json:"ids,omitempty"`
	Vendor  string            `json:"vendor,omitempty"`
	Level   check.Level       `json:"level,omitempty"`
	Set     string            `json:"set,omitempty"`
	Skip    map[string]string `json:"skip,omitempty"`
	Known   map[string]string `json:"known,omitempty"`
	Without []string          `json:"without,omitempty"`
	Hooks   checkHooks        `json:"hooks"`
	Bail    bool              `json:"bail,omitempty"`

	AnswerTimeout time.Duration `json:"answer_timeout,omitempty"`
	Settle        time.Duration `json:"settle,omitempty"`
	Patience      time.Duration `json:"patience,omitempty"`
}

// checkNews is a line of the answer to a command: a check that ended, or the end.
type checkNews struct {
	Result  *check.Result `json:"result,omitempty"`
	Run     int           `json:"run,omitempty"`
	Report  *check.Report `json:"report,omitempty"`
	Nothing string        `json:"nothing,omitempty"` // why nothing could be judged
	Error   string        `json:"error,omitempty"`
}

// apiCheck runs the checks and tells of each that ends.
func (p *page) apiCheck(w http.ResponseWriter, r *http.Request) {
	var o checkOrder
	if !read(w, r, &o) {
		return
	}
	run, err := p.app.prepareChecks(r.Context(), o)
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, Result{Error: err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush := http.NewResponseController(w)
	tell := func(n checkNews) {
		if data, err := json.Marshal(n); err == nil {
			_, _ = w.Write(append(data, '\n')) // the one who is told may have left
			_ = flush.Flush()
		}
	}
	tell(run.do(r.Context(), func(result check.Result) {
		result.Exchanges = nil // they come with the report
		tell(checkNews{Result: &result})
	}))
}

// checkRun is a run of the checks that may begin.
type checkRun struct {
	app    *App
	kit    *check.Kit
	target check.Target
	opts   check.Options
	hosts  []string // of the provider
}

// prepareChecks refuses what is wrong with an order before anything is sent.
func (a *App) prepareChecks(ctx context.Context, o checkOrder) (*checkRun, error) {
	s := a.now()
	for _, vendor := range Vendors {
		if err := a.guard.resolve(ctx, s.Vendors[vendor].Target); err != nil {
			return nil, err
		}
	}
	hooks := hookCaller{app: a}
	target, err := hooks.target(ctx, s, o)
	if err != nil {
		return nil, err
	}
	others := map[string]http.Handler{}
	for _, vendor := range Vendors {
		others[vendor] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serveSimulator(vendor, w, r) })
	}
	kit, err := check.New(check.Config{Seed: o.Seed, Credentials: s.credentials(), Others: others, DialContext: a.guard.dial})
	if err != nil {
		return nil, err
	}
	run := &checkRun{app: a, kit: kit, target: target, opts: check.Options{
		IDs: o.IDs, Vendor: o.Vendor, Level: o.Level, Set: o.Set, Skip: o.Skip, Known: o.Known, Bail: o.Bail,
		AnswerTimeout: o.AnswerTimeout, Settle: o.Settle, Patience: o.Patience,
	}}
	checks, err := kit.Checks(target, run.opts)
	if err == nil {
		err = a.runs.begin(kit)
	}
	if err != nil {
		kit.Close()
		return nil, err
	}
	run.hosts = s.hostsOf(checks)
	return run, nil
}

// hostsOf are the hosts of the provider that checks call.
func (s Settings) hostsOf(checks []check.Check) []string {
	var hosts []string
	for _, vendor := range Vendors {
		if slices.ContainsFunc(checks, func(c check.Check) bool { return c.Vendor() == vendor || c.Vendor() == "all" }) {
			hosts = append(hosts, s.Vendors[vendor].Target.hosts()...)
		}
	}
	return hosts
}

// do runs the checks, unless there is nobody to check.
func (r *checkRun) do(ctx context.Context, tell func(check.Result)) checkNews {
	defer r.kit.Close()
	if len(r.hosts) > 0 && !slices.ContainsFunc(r.hosts, func(host string) bool { return listens(ctx, host, r.app.guard.dial) }) {
		r.app.runs.end(nil)
		slices.Sort(r.hosts)
		return checkNews{Nothing: "nothing listens at " + strings.Join(slices.Compact(r.hosts), ", ")}
	}
	r.opts.OnResult = tell
	report, err := r.kit.Run(ctx, r.target, r.opts)
	if err != nil || ctx.Err() != nil {
		r.app.runs.end(nil)
		return checkNews{Error: fmt.Sprint(errors.Join(err, ctx.Err()))}
	}
	n := r.app.runs.end(report)
	r.app.journal.announce(News{Say: "The checks are done: " + report.Line() + "."})
	return checkNews{Run: n, Report: report}
}

// reportPolicy lets a report have its styles, which stand in it, and nothing else.
const reportPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

func (p *page) showReport(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.PathValue("run"))
	report := p.app.runs.report(n)
	if report == nil {
		http.Error(w, "there is no such report (any more)", http.StatusNotFound)
		return
	}
	data, err := report.HTML()
	if err != nil {
		http.Error(w, "the report cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", reportPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(data)
}

func reportLink(run int, id string) string {
	link := "/report/" + strconv.Itoa(run)
	if id != "" {
		link += "#" + id
	}
	return link
}

// hookCaller calls what a build of the provider for tests offers to the checks.
type hookCaller struct{ app *App }

// target is the provider as the checks see it.
func (h hookCaller) target(ctx context.Context, s Settings, o checkOrder) (check.Target, error) {
	k, so, ash := s.Vendors[Kombo].Target, s.Vendors[StackOne].Target, s.Vendors[Ashby].Target
	t := check.Target{
		Kombo:    check.KomboTarget{Webhook: check.Endpoint{URL: k.Webhook}},
		StackOne: check.StackOneTarget{Webhook: check.Endpoint{URL: so.Webhook}, AssessmentPackages: check.Endpoint{URL: so.Packages}, EmptyAccount: o.Hooks.EmptyAccount},
		Ashby:    check.AshbyTarget{Base: check.Endpoint{URL: ash.Base}, EmptyKey: o.Hooks.EmptyKey},
		Package:  o.Hooks.Package, RejectedPackage: o.Hooks.RejectedPackage, FaultPackage: o.Hooks.FaultPackage,
		ConflictPackage: o.Hooks.ConflictPackage, Without: o.Without,
	}
	for _, address := range []string{o.Hooks.Finish, o.Hooks.Reconcile, o.Hooks.Started, o.Hooks.Packages} {
		if address == "" {
			continue
		}
		if err := h.app.guard.resolveOne(ctx, address); err != nil {
			return t, err
		}
	}
	if address := o.Hooks.Finish; address != "" {
		t.Finish = func(ctx context.Context, ref assessment.OrderRef, result assessment.Result) error {
			return h.call(ctx, address, hookCall{orderOf(ref), &result}, nil)
		}
	}
	if address := o.Hooks.Reconcile; address != "" {
		t.Reconcile = func(ctx context.Context) error { return h.call(ctx, address, struct{}{}, nil) }
	}
	if address := o.Hooks.Started; address != "" {
		t.Started = func(ctx context.Context, ref assessment.OrderRef) (int, error) { return h.started(ctx, address, ref) }
	}
	if address := o.Hooks.Packages; address != "" {
		t.Packages = func(ctx context.Context, ref assessment.OrderRef) ([]string, error) {
			return h.packages(ctx, address, ref)
		}
	}
	return t, nil
}

func (h hookCaller) started(ctx context.Context, address string, ref assessment.OrderRef) (int, error) {
	var is struct {
		Started *int `json:"started"`
	}
	if err := h.call(ctx, address, hookCall{hookOrder: orderOf(ref)}, &is); err != nil {
		return 0, err
	}
	if is.Started == nil {
		return 0, errors.New("the answer does not say how often")
	}
	return *is.Started, nil
}

func (h hookCaller) packages(ctx context.Context, address string, ref assessment.OrderRef) ([]string, error) {
	var are struct {
		Packages []string `json:"packages"`
	}
	err := h.call(ctx, address, hookCall{hookOrder: orderOf(ref)}, &are)
	return are.Packages, err
}

// hookOrder is an order as a hook is told of it.
type hookOrder struct {
	Vendor  string `json:"vendor"`
	Account string `json:"account"`
	ID      string `json:"id"`
	Kind    string `json:"kind"`
}

func orderOf(ref assessment.OrderRef) hookOrder {
	return hookOrder{string(ref.Vendor), ref.Account, ref.ID, string(ref.Kind)}
}

type hookCall struct {
	hookOrder
	Result *assessment.Result `json:"result,omitempty"`
}

// call posts JSON to a hook, and reads the answer if somebody wants it.
func (h hookCaller) call(ctx context.Context, address string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address of a hook is no URL")
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := h.app.guard.client().Do(request)
	if err != nil {
		return errors.New(withoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return err
	case response.StatusCode < 200 || response.StatusCode > 299:
		return fmt.Errorf("the hook answered %d", response.StatusCode)
	case into == nil:
		return nil
	}
	return json.Unmarshal(data, into)
}
