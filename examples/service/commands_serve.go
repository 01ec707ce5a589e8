package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// commandsPath begins the path of every command on the second port.
const commandsPath = "/commands/"

const (
	maxQuestion  = 1 << 20
	commandTime  = 30 * time.Second // below the server's WriteTimeout
	rowsAtOnce   = 1000
	ordersAtOnce = 10_000
)

// protected lets operators through: a request under a name that this port is not
// known by comes from a browser that was led here (DNS rebinding), and so does a
// write from another origin.
func protected(s settings, next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(guard(s.OpsToken, next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.operatorsHost(r.Host) {
			http.Error(w, "unknown host name; see ops_hosts", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// operatorsHost says whether the second port is meant: by an address, which no name
// server can hand out, by localhost, or by a name that is configured.
func (s settings) operatorsHost(host string) bool {
	name := hostname(host)
	if name == "" {
		return false
	}
	return net.ParseIP(name) != nil || name == "localhost" || name == hostname(s.OpsListen) ||
		slices.ContainsFunc(s.OpsHosts, func(one string) bool { return hostname(one) == name })
}

// hostname is the host of host:port, in small letters.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// commands is the handler of the operator's commands.
func (v *service) commands() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+commandsPath+"attention", answering(v, "attention", v.listAttention))
	mux.Handle("POST "+commandsPath+"redrive", answering(v, "redrive", v.redrive))
	mux.Handle("POST "+commandsPath+"discard", answering(v, "discard", v.discard))
	mux.Handle("POST "+commandsPath+"at-risk", answering(v, "at-risk", v.atRisk))
	mux.Handle("POST "+commandsPath+"accounts", answering(v, "accounts", v.accounts))
	mux.Handle("POST "+commandsPath+"switch", answering(v, "switch", v.turn))
	mux.Handle("POST "+commandsPath+"gates", answering(v, "gates", v.gates))
	mux.Handle("POST "+commandsPath+"erase", answering(v, "erase", v.erase))
	mux.Handle("POST "+commandsPath+"subject", answering(v, "subject", v.subject))
	mux.Handle("POST "+commandsPath+"offboard", answering(v, "offboard", v.offboard))
	mux.Handle("POST "+commandsPath+"readmit", answering(v, "readmit", v.readmit))
	mux.Handle("POST "+commandsPath+"timeline", answering(v, "timeline", v.timeline))
	return mux
}

// wrong is a question that cannot be answered as it is.
type wrong struct{ error }

// no is a question whose answer is no.
type no struct{ error }

// answering reads a question as JSON and writes the answer. What failed is in the
// log; the operator reads what can be done.
func answering[Q, A any](v *service, name string, answer func(context.Context, Q) (A, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
			return
		}
		var question Q
		read := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
		read.DisallowUnknownFields()
		if err := read.Decode(&question); err != nil || !errors.Is(read.Decode(new(any)), io.EOF) {
			http.Error(w, "the question cannot be read: are service and command of the same release?", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), commandTime)
		defer cancel()
		found, err := answer(ctx, question)
		var bad wrong
		var not no
		switch {
		case errors.As(err, &bad):
			http.Error(w, bad.Error(), http.StatusBadRequest)
		case errors.As(err, &not):
			http.Error(w, not.Error(), http.StatusConflict)
		case errors.Is(err, context.DeadlineExceeded):
			http.Error(w, "it takes too long; what was done is kept, so call again", http.StatusServiceUnavailable)
		case err != nil:
			v.logger.WarnContext(ctx, "command failed", "command", name, "error", err)
			http.Error(w, "the database is away", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(found)
		}
	})
}

func (v *service) listAttention(ctx context.Context, q attentionQuestion) (a attentionAnswer, err error) {
	a.Rows = []row{}
	if q.What == aboutOrders {
		orders, err := v.ordersInNeed(ctx, q.which)
		for _, o := range orders {
			a.Rows = append(a.Rows, row{
				What: "order", Order: o.Ref.String(), State: "attention", Reason: o.Reason, Tries: o.Tries, Made: o.Made, HasBody: true,
			})
		}
		return a, err
	}
	f, err := q.filter()
	if err != nil {
		return a, wrong{err}
	}
	f.Uncertain, f.Late = true, true
	n := rowsAtOnce
	if q.Max > 0 {
		n = min(n, q.Max)
	}
	found, err := v.durable.Outbox().Matching(ctx, f, q.After, n)
	for _, one := range found {
		state := one.State
		if state == "pending" {
			state = "late"
		}
		a.Rows = append(a.Rows, row{
			What: "result", Row: one.Seq, Order: one.Ref.String(), State: state, Reason: one.Reason,
			HTTPStatus: one.Answer.HTTPStatus, Code: one.Answer.Code, Operation: one.Answer.Operation, RequestID: one.Answer.RequestID,
			Made: one.Made, Settled: one.Settled, HasBody: one.HasBody,
		})
	}
	if len(found) == n {
		a.Next = found[n-1].Seq
	}
	return a, err
}

// ordersInNeed are the orders that need attention and that w chooses.
func (v *service) ordersInNeed(ctx context.Context, w which) ([]sqlstore.WaitingOrder, error) {
	refs, err := references(w.Orders)
	if err != nil {
		return nil, wrong{err}
	}
	all, err := v.durable.Spool().Attention(ctx, ordersAtOnce)
	return slices.DeleteFunc(all, func(o sqlstore.WaitingOrder) bool {
		return len(refs) > 0 && !slices.Contains(refs, o.Ref) ||
			w.Vendor != "" && w.route() != sqlstore.Route(o.Ref.Vendor, o.Ref.Connection) ||
			w.Account != "" && w.Account != o.Ref.Account ||
			w.State != "" && w.State != o.Reason ||
			o.Made.Before(w.Since) || !w.Until.IsZero() && !o.Made.Before(w.Until)
	}), err
}

func (v *service) redrive(ctx context.Context, q manyQuestion) (manyAnswer, error) {
	if q.What == aboutOrders {
		return v.eachOrder(ctx, "redrive", q, v.durable.Spool().StartNow)
	}
	return v.manyResults(ctx, "redrive", q, v.durable.Outbox().RedriveMany)
}

func (v *service) discard(ctx context.Context, q manyQuestion) (manyAnswer, error) {
	if q.What == aboutOrders {
		return v.eachOrder(ctx, "discard", q, v.durable.Spool().Discard)
	}
	return v.manyResults(ctx, "discard", q, v.durable.Outbox().DiscardMany)
}

// act is who does it. A dry run does nothing, so anybody may.
func (q manyQuestion) act() (sqlstore.Act, error) {
	if q.DryRun {
		return sqlstore.Act{Actor: "dry run", Reason: "dry run"}, nil
	}
	return q.person.checked()
}

func (p person) checked() (sqlstore.Act, error) {
	if p.Actor == "" || p.Reason == "" {
		return sqlstore.Act{}, wrong{errors.New("actor and reason are required")}
	}
	return p.act(), nil
}

func (v *service) manyResults(ctx context.Context, name string, q manyQuestion,
	do func(context.Context, sqlstore.Filter, sqlstore.Many) (sqlstore.Dealt, error)) (manyAnswer, error) {
	act, err := q.act()
	if err != nil {
		return manyAnswer{}, err
	}
	f, err := q.filter()
	if err != nil {
		return manyAnswer{}, wrong{err}
	}
	f.Uncertain, f.Late = q.Uncertain, q.Late
	asOf, err := v.durable.DB().Now(ctx)
	if err != nil {
		return manyAnswer{}, err
	}
	done, err := do(ctx, f, sqlstore.Many{Act: act, DryRun: q.DryRun, Max: q.Max, PerMinute: q.PerMinute})
	v.byHand(ctx, name, act, done.Changed, q.DryRun)
	return manyAnswer{
		What: aboutResults, DryRun: q.DryRun, Matched: done.Matched, Newer: done.Newer, Gone: done.Gone,
		Changed: done.Changed, Due: done.Until, AsOf: asOf.Add(time.Millisecond), // it is exclusive
	}, err
}

// eachOrder does something with the orders that the question chooses: those that are
// named, or those that need attention.
func (v *service) eachOrder(ctx context.Context, name string, q manyQuestion,
	do func(context.Context, assessment.OrderRef, sqlstore.Act) error) (manyAnswer, error) {
	act, err := q.act()
	if err != nil {
		return manyAnswer{}, err
	}
	chosen, err := v.ordersInNeed(ctx, q.which)
	if err != nil {
		return manyAnswer{}, err
	}
	a := manyAnswer{What: aboutOrders, DryRun: q.DryRun, Matched: len(chosen)}
	if q.Max > 0 {
		chosen = chosen[:min(q.Max, len(chosen))]
	}
	if q.DryRun {
		a.Changed = len(chosen)
		return a, nil
	}
	for _, o := range chosen {
		err = do(ctx, o.Ref, act)
		if errors.Is(err, sqlstore.ErrNoOrder) { // it was taken meanwhile
			err = nil
			continue
		}
		if err != nil {
			break
		}
		a.Changed++
	}
	v.byHand(ctx, name, act, a.Changed, false)
	return a, err
}

// byHand logs an act. Its reason is in the journal.
func (v *service) byHand(ctx context.Context, name string, act sqlstore.Act, changed int, dryRun bool) {
	if !dryRun {
		v.logger.InfoContext(ctx, "by hand", "command", name, "actor", act.Actor, "changed", changed)
	}
}

// turn switches something off or on.
func (v *service) turn(ctx context.Context, q switchQuestion) (a switchAnswer, err error) {
	act, err := q.checked()
	if err != nil {
		return a, err
	}
	route, account := routeText(q.Vendor, q.Connection), sqlstore.Account(q.Account)
	if !v.serves(route) {
		return a, wrong{errors.New("no such vendor and connection here")}
	}
	if !slices.Contains(switches, q.Switch) {
		return a, wrong{errors.New("no such switch")}
	}
	before, err := v.durable.DB().Gates(ctx)
	if err != nil {
		return a, err
	}
	do, name := v.durable.DB().Pause, "pause"
	if q.On {
		do, name = v.durable.DB().Resume, "resume"
	}
	if err := do(ctx, route, account, q.Switch, act); err != nil {
		return a, err
	}
	v.byHand(ctx, name, act, 1, false)
	if !q.On {
		if before, err = v.durable.DB().Gates(ctx); err != nil {
			return a, err
		}
	}
	a.Gates = gatesOf(slices.DeleteFunc(before, func(g sqlstore.Gate) bool {
		return g.Route != route || g.Account != account || g.What != q.Switch
	}))
	return a, nil
}

var switches = []sqlstore.Switch{sqlstore.SwitchStarts, sqlstore.SwitchResults, sqlstore.SwitchReconcile}

// serves says whether there is a client for a route.
func (v *service) serves(route string) bool {
	return v.kombo != nil && route == sqlstore.Route(v.kombo.Vendor(), v.kombo.Connection()) ||
		v.stackone != nil && route == sqlstore.Route(v.stackone.Vendor(), v.stackone.Connection()) ||
		v.ashby != nil && route == sqlstore.Route(v.ashby.Vendor(), v.ashby.Connection())
}

func (v *service) gates(ctx context.Context, _ gatesQuestion) (a gatesAnswer, err error) {
	found, err := v.durable.DB().Gates(ctx)
	if err != nil {
		return a, err
	}
	a.Gates = gatesOf(found)
	a.NoKey, err = v.durable.DB().KeyErrors(ctx)
	return a, err
}

func gatesOf(found []sqlstore.Gate) []gate {
	all := []gate{}
	for _, g := range found {
		all = append(all, gate{
			Route: g.Route, Account: unescaped(g.Account), What: g.What, Kind: g.Kind, Cause: g.Cause,
			Since: g.Since, Opens: g.Opens, By: g.By, Pending: g.Pending,
		})
	}
	return all
}

// unescaped is the account as flags take it.
func unescaped(account string) string {
	ref, err := assessment.ParseOrderRef("///" + account + "/")
	if err != nil {
		return account
	}
	return ref.Account
}

func (v *service) erase(ctx context.Context, q eraseQuestion) (a eraseAnswer, err error) {
	act, err := q.checked()
	if err != nil {
		return a, err
	}
	a.Erased = []string{}
	refs, err := references(q.Orders)
	if err != nil {
		return a, wrong{err}
	}
	for _, ref := range refs {
		known, err := v.durable.EraseBy(ctx, ref, act)
		switch {
		case err != nil:
			return a, err
		case known:
			a.Erased = append(a.Erased, ref.String())
		default:
			a.Unknown = append(a.Unknown, ref.String())
		}
	}
	if q.Candidate != "" {
		found, err := v.durable.EraseSubjectBy(ctx, q.Vendor, q.Connection, q.Account, q.Candidate, act)
		err = explained(err)
		if err != nil {
			return a, err
		}
		for _, ref := range found {
			a.Erased = append(a.Erased, ref.String())
		}
	}
	v.byHand(ctx, "erase", act, len(a.Erased), false)
	return a, nil
}

func (v *service) subject(ctx context.Context, q subjectQuestion) (a subjectAnswer, err error) {
	if q.Candidate == "" {
		return a, wrong{errors.New("candidate is required")}
	}
	found, err := v.durable.Subject(ctx, q.Vendor, q.Connection, q.Account, q.Candidate)
	a.Orders = []subjectOrder{}
	for _, o := range found {
		results := []subjectResult{}
		for _, r := range o.Results {
			results = append(results, subjectResult(r))
		}
		a.Orders = append(a.Orders, subjectOrder{Order: o.Ref.String(), State: o.State, Made: o.Made, Results: results})
	}
	return a, explained(err)
}

// explained says in the operator's words what the library refuses.
func explained(err error) error {
	switch {
	case errors.Is(err, sqlstore.ErrNoSubjectKey):
		return no{errors.New("candidates are not known here: no subject_key is set")}
	case errors.Is(err, sqlstore.ErrMoreRows):
		return no{errors.New("there are more rows than --most; count again with --dry-run")}
	case errors.Is(err, sqlstore.ErrNotOffboarded):
		return no{errors.New("the account was not offboarded")}
	}
	return err
}

// errWhose: an act on a customer without saying on whom.
var errWhose = errors.New("vendor and account are required")

func (v *service) offboard(ctx context.Context, q offboardQuestion) (a offboardAnswer, err error) {
	o := sqlstore.Offboarding{Act: sqlstore.Act{Actor: "dry run", Reason: "dry run"}, DryRun: q.DryRun, Keep: q.Keep, Most: q.Most}
	if !q.DryRun {
		if o.Act, err = q.checked(); err != nil {
			return a, err
		}
	}
	if q.Vendor == "" || q.Account == "" {
		return a, wrong{errWhose}
	}
	done, err := v.durable.Offboard(ctx, q.Vendor, q.Connection, q.Account, o)
	a = offboardAnswer{Offboarded: done.Offboarded, Rows: done.Rows(), Jobs: done.Jobs, Files: done.Files, DryRun: q.DryRun, Done: done.Done}
	v.byHand(ctx, "offboard", o.Act, int(a.Rows), q.DryRun)
	return a, explained(err)
}

func (v *service) readmit(ctx context.Context, q readmitQuestion) (a readmitAnswer, err error) {
	act, err := q.checked()
	if err != nil {
		return a, err
	}
	if q.Vendor == "" || q.Account == "" {
		return a, wrong{errWhose}
	}
	err = v.durable.Readmit(ctx, q.Vendor, q.Connection, q.Account, act)
	v.byHand(ctx, "readmit", act, 1, err != nil)
	return readmitAnswer{Account: q.Account}, explained(err)
}

func (v *service) timeline(ctx context.Context, q timelineQuestion) (a timelineAnswer, err error) {
	refs, err := references([]string{q.Order})
	if err != nil {
		return a, wrong{err}
	}
	found, err := v.durable.DB().Timeline(ctx, refs[0])
	a.Notes = []note{}
	for _, n := range found {
		a.Notes = append(a.Notes, note{n.At, n.What, n.Detail})
	}
	return a, err
}
