package vendortest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

// canary is in every name, address and link of this file's candidates, and in every
// message and error of its provider.
const canary = "cAnArY"

// fact is what a support engineer has to be able to find out about one delivery or
// one result.
type fact struct {
	what, account, order, outcome string
	attempts, status              int // of HTTP; 0 for a result that was written or left out
}

// evidence collects what hooks and log say, each by itself.
type evidence struct {
	mu            sync.Mutex
	hooks         []fact
	drift, events int
	all           strings.Builder // everything that a hook was told, printed
	log           bytes.Buffer
}

func (e *evidence) observer() assessment.Observer {
	note := func(told any, add func()) {
		e.mu.Lock()
		defer e.mu.Unlock()
		fmt.Fprintf(&e.all, "%v %+v %#v\n", told, told, told)
		add()
	}
	return assessment.Observer{
		Delivery: func(_ context.Context, d assessment.Delivery) {
			note(d, func() {
				e.hooks = append(e.hooks, fact{"delivery", d.Account, orderOf(d.Order), string(d.Outcome), 0, d.StatusCode})
			})
		},
		Result: func(_ context.Context, r assessment.ResultReport) {
			note(r, func() {
				var failure *assessment.APIError
				f := fact{"result", r.Order.Account, orderOf(r.Order), string(r.Outcome), r.Receipt.Attempts, 0}
				if errors.As(r.Err, &failure) {
					f.attempts, f.status = failure.Attempts, failure.StatusCode
				}
				e.hooks = append(e.hooks, f)
			})
		},
		Drift: func(_ context.Context, d assessment.Drift) {
			note(d, func() { e.count(d.Field) })
		},
		Attempt:  func(_ context.Context, a assessment.Attempt) { note(a, func() {}) },
		Provider: func(_ context.Context, p assessment.ProviderCall) { note(p, func() {}) },
	}
}

// count tells unknown events from unknown values.
func (e *evidence) count(field string) {
	if field == "type" || field == "event" || field == "action" {
		e.events++
		return
	}
	e.drift++
}

func orderOf(ref assessment.OrderRef) string {
	if ref.ID == "" {
		return ""
	}
	return ref.String()
}

// fromLog rebuilds the facts from the lines of the log.
func (e *evidence) fromLog(t *testing.T) (facts []fact, drift, events int) {
	t.Helper()
	var counted evidence
	lines := bufio.NewScanner(bytes.NewReader(e.log.Bytes()))
	for lines.Scan() {
		var line struct {
			Message    string          `json:"msg"`
			Account    string          `json:"account"`
			Order      string          `json:"order"`
			Outcome    string          `json:"outcome"`
			Status     json.RawMessage `json:"status"`
			HTTPStatus int             `json:"http_status"`
			Attempts   int             `json:"attempts"`
			Field      string          `json:"field"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), lines.Text())
		switch {
		case line.Message == "delivery":
			f := fact{"delivery", line.Account, line.Order, line.Outcome, 0, 0}
			require.NoError(t, json.Unmarshal(line.Status, &f.status))
			facts = append(facts, f)
		case strings.HasPrefix(line.Message, "result "):
			facts = append(facts, fact{"result", line.Account, line.Order, line.Outcome, line.Attempts, line.HTTPStatus})
		case line.Message == "drift":
			counted.count(line.Field)
		}
	}
	return facts, counted.drift, counted.events
}

// answering is a provider whose answer stands in the candidate's address.
type answering struct{}

func (answering) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

func (answering) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	switch {
	case strings.Contains(o.Candidate.Email, "reject"):
		return assessment.Started{}, assessment.Reject(canary + " has an order already")
	case strings.Contains(o.Candidate.Email, "fault"):
		return assessment.Started{}, errors.New("mail server down")
	}
	return assessment.Started{CandidateURL: "https://tests.example.com/" + canary}, nil
}

func (answering) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

// vendors are the three simulated vendors beside one service.
type vendors struct {
	kombo    *kombotest.Server
	stackone *stackonetest.Server
	ashby    *ashbytest.Server
	router   *assessment.Router
}

const ashbyAccount = "acme"

func serve(t *testing.T, e *evidence) *vendors {
	t.Helper()
	logger := slog.New(slog.NewJSONHandler(&e.log, nil))
	v := &vendors{
		kombo: kombotest.Start(t, func(c *kombotest.Config) { c.Seed = 1 }),
		stackone: stackonetest.Start(t, func(c *stackonetest.Config) {
			// An ATS that takes any number of updates.
			c.Accounts = []stackonetest.AccountSpec{{ID: stackonetest.DefaultAccount, Provider: "workdayats"}}
		}),
		ashby: ashbytest.Start(t),
	}
	store := assessment.NewMemoryStore(0)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: answering{}, Store: store, Logger: logger, Observer: e.observer()})
	require.NoError(t, err)

	komboClient, err := kombo.New(kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: v.kombo.Client(), Logger: logger, Observer: e.observer()})
	require.NoError(t, err)
	stackoneClient, err := stackone.New(stackone.Config{
		APIKey: stackonetest.DefaultAPIKey, HTTPClient: v.stackone.Client(), Logger: logger, Observer: e.observer(),
	})
	require.NoError(t, err)
	ashbyClient, err := ashby.New(ashby.Config{APIKey: ashbytest.DefaultAPIKey, HTTPClient: v.ashby.Client(), Logger: logger, Observer: e.observer()})
	require.NoError(t, err)
	v.router, err = assessment.NewRouter(assessment.RouterConfig{
		Publishers: []assessment.Publisher{komboClient, stackoneClient, ashbyClient}, Store: store,
	})
	require.NoError(t, err)

	komboVerifier, err := kombo.NewVerifier(webhook.Secret{ID: "s", Key: kombotest.DefaultWebhookSecret})
	require.NoError(t, err)
	komboHandler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: komboVerifier, Logger: logger, Observer: e.observer()})
	require.NoError(t, err)
	v.kombo.Target(komboHandler)

	stackoneVerifier, err := stackone.NewVerifier(webhook.Secret{ID: "s", Key: stackonetest.DefaultWebhookSecret})
	require.NoError(t, err)
	stackoneHandler, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: intake, Verifier: stackoneVerifier, Publisher: &silent{}, Logger: logger, Observer: e.observer(),
	})
	require.NoError(t, err)
	v.stackone.Target(stackoneHandler)

	ashbyHandler, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake: intake, Logger: logger, Observer: e.observer(),
		Authenticate: func(_ context.Context, key string) (string, error) {
			if key != ashbytest.DefaultPartnerKey {
				return "", assessment.ErrUnauthorized
			}
			return ashbyAccount, nil
		},
	})
	require.NoError(t, err)
	v.ashby.Target(ashbyHandler)
	return v
}

// silent takes StackOne's rejections, so that they are not counted as results.
type silent struct{}

func (*silent) Vendor() assessment.Vendor { return assessment.StackOne }

func (*silent) Connection() string { return "" }

func (*silent) PublishResult(context.Context, assessment.OrderRef, assessment.Result) (assessment.Receipt, error) {
	return assessment.Receipt{Outcome: assessment.ResultWritten}, nil
}

// script is what happens to the orders of a vendor, over and over.
var script = []string{"fine", "again", "reject", "fine", "fault", "fine", "forged", "fine"}

// Two hundred deliveries and two hundred results with faults: what became of each
// can be told from the hooks alone, and from the log alone, without anything about
// the candidate, a key, a signature or a link.
func TestEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e evidence
		v := serve(t, &e)
		want, started := v.deliver(t, 197)
		want = append(want, v.unknownEvents(t)...) // three more
		require.Len(t, want, 200)
		want = append(want, v.publish(t, started, 200)...)

		facts, drift, events := e.fromLog(t)
		for source, got := range map[string][]fact{"hooks": e.hooks, "log": facts} {
			require.Len(t, got, 400, source)
			require.ElementsMatch(t, withoutMinted(want), withoutMinted(got), source)
			for _, f := range got {
				require.NotEmpty(t, f.outcome, "%s: %v", source, f)
				if f.outcome != "refused" && f.outcome != "handled" {
					require.NotEmpty(t, f.order, "%s: %v", source, f)
				}
			}
		}
		require.Equal(t, e.hooks, facts)
		require.Equal(t, []int{7, 3}, []int{e.drift, e.events}, "hooks")
		require.Equal(t, []int{7, 3}, []int{drift, events}, "log")

		for source, text := range map[string]string{"hooks": e.all.String(), "log": e.log.String()} {
			require.NotContains(t, text, canary, source)
			for _, secret := range []string{
				kombotest.DefaultAPIKey, kombotest.DefaultWebhookSecret, stackonetest.DefaultAPIKey, stackonetest.DefaultWebhookSecret,
				ashbytest.DefaultAPIKey, ashbytest.DefaultPartnerKey,
			} {
				require.NotContains(t, text, secret, source)
			}
		}
	})
}

// withoutMinted leaves out the references that only the intake knows beforehand.
func withoutMinted(facts []fact) []fact {
	all := make([]fact, len(facts))
	for i, f := range facts {
		if f.what == "delivery" && strings.HasPrefix(f.order, "ashby/") {
			f.order = ""
		}
		all[i] = f
	}
	return all
}

// deliver plays n deliveries and returns what became of them, and the references of
// the orders that run.
func (v *vendors) deliver(t *testing.T, n int) (want []fact, started []assessment.OrderRef) {
	t.Helper()
	statuses := map[string]int{"fine": 200, "again": 200, "reject": 422, "fault": 500, "forged": 401}
	outcomes := map[string]string{"fine": "accepted", "again": "replayed", "reject": "rejected", "fault": "fault", "forged": "refused"}
	unknown := 7
	for i := range n {
		what := script[i/3%len(script)]
		email := fmt.Sprintf("%s-%s-%d@example.com", canary, what, i)
		var ref assessment.OrderRef
		status := statuses[what]
		switch i % 3 {
		case 0:
			word := ""
			if what == "fine" && unknown > 0 {
				// The log shows the same word once an hour.
				word = fmt.Sprintf("PAUSED_%d", unknown)
				unknown--
			}
			ref = v.komboOrder(t, what, email, started, word, status)
		case 1:
			if what == "reject" {
				status = 200 // StackOne's recruiters read no answer
			}
			ref = v.stackoneOrder(t, what, email, started, status)
		case 2:
			ref = v.ashbyOrder(t, what, email, i, status)
		}
		f := fact{"delivery", ref.Account, orderOf(ref), outcomes[what], 0, status}
		if what == "forged" {
			f.account, f.order = "", ""
		}
		want = append(want, f)
		if what == "fine" {
			started = append(started, ref)
		}
	}
	require.Zero(t, unknown)
	return want, started
}

// last is the latest order of a vendor that runs.
func last(started []assessment.OrderRef, vendor assessment.Vendor) assessment.OrderRef {
	for i := len(started) - 1; i >= 0; i-- {
		if started[i].Vendor == vendor {
			return started[i]
		}
	}
	return assessment.OrderRef{}
}

func (v *vendors) komboOrder(t *testing.T, what, email string, started []assessment.OrderRef, unknown string, status int) assessment.OrderRef {
	t.Helper()
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration}
	if what == "again" {
		ref = last(started, assessment.Kombo)
		delivery, err := v.kombo.Redeliver(t.Context(), ref.ID)
		require.NoError(t, err)
		require.Equal(t, status, delivery.Status)
		return ref
	}
	var faults []kombotest.DeliveryFault
	if what == "forged" {
		faults = append(faults, kombotest.BadSignature())
	}
	if unknown != "" {
		faults = append(faults, kombotest.UnknownStatus(unknown))
	}
	id, delivery, err := v.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{
		Fields: map[string]any{"candidate.email": email, "candidate.first_name": canary},
	}, faults...)
	require.NoError(t, err)
	require.Equal(t, status, delivery.Status)
	ref.ID = id
	return ref
}

func (v *vendors) stackoneOrder(t *testing.T, what, email string, started []assessment.OrderRef, status int) assessment.OrderRef {
	t.Helper()
	ref := assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: stackonetest.DefaultAccount}
	if what == "again" {
		ref = last(started, assessment.StackOne)
		delivery, err := v.stackone.Redeliver(t.Context(), ref.Account, ref.ID)
		require.NoError(t, err)
		require.Equal(t, status, delivery.Status)
		return ref
	}
	var faults []stackonetest.DeliveryFault
	if what == "forged" {
		faults = append(faults, stackonetest.BadSignature())
	}
	id, delivery, err := v.stackone.PlaceOrder(t.Context(), stackonetest.OrderSpec{
		Fields: map[string]any{"candidate.emails.0.value": email, "candidate.first_name": canary},
	}, faults...)
	require.NoError(t, err)
	require.Equal(t, status, delivery.Status)
	ref.ID = id
	return ref
}

func (v *vendors) ashbyOrder(t *testing.T, what, email string, i, status int) assessment.OrderRef {
	t.Helper()
	ref := assessment.OrderRef{Vendor: assessment.Ashby, Account: ashbyAccount}
	spec := ashbytest.StartSpec{Fields: map[string]any{
		"application.ashby_id": fmt.Sprintf("application-%d", i), "candidate.email": email, "candidate.first_name": canary,
	}}
	if what == "again" {
		spec.Fields["application.ashby_id"] = fmt.Sprintf("application-%d", i-3) // that of the round before
	}
	var options []ashbytest.DeliveryFault
	if what == "forged" {
		options = append(options, ashbytest.BadKey())
	}
	answer := v.ashby.StartAssessment(t.Context(), spec, options...)
	require.Equal(t, status, answer.Status, string(answer.Body))
	ref.ID = answer.AssessmentID
	return ref
}

// unknownEvents plays an event of a kind that nobody knows, for each vendor that
// sends events.
func (v *vendors) unknownEvents(t *testing.T) (want []fact) {
	t.Helper()
	for i := range 3 {
		event, err := v.kombo.CustomEvent(fmt.Sprintf("assessment:moon-phase-%d", i), map[string]any{})
		require.NoError(t, err)
		delivery := v.kombo.Deliver(t.Context(), event)
		require.Equal(t, 200, delivery.Status)
		want = append(want, fact{"delivery", "", "", "handled", 0, 200})
	}
	return want
}

// publish writes n results to the orders that run, with faults, and returns what
// became of them.
func (v *vendors) publish(t *testing.T, started []assessment.OrderRef, n int) (want []fact) {
	t.Helper()
	at := time.Now()
	for i := range n {
		ref := started[i%len(started)]
		f := fact{"result", ref.Account, orderOf(ref), "written", 1, 0}
		result := assessment.Result{
			Status: assessment.StatusInProgress, ReportURL: "https://tests.example.com/" + canary, Summary: canary,
			At: at.Add(time.Duration(i) * time.Second),
		}
		switch i % 5 {
		case 1: // busy once
			v.fail(ref, kombotest.LoadBalancer503(), stackonetest.RateLimited(), ashbytest.LoadBalancer503())
			f.attempts = 2
		case 3: // cannot be sent
			result.Summary = "caf\xc3"
			f.outcome, f.attempts = "refused", 0
		}
		receipt, err := v.router.PublishResult(t.Context(), ref, result)
		if f.outcome == "refused" {
			require.Error(t, err)
		} else {
			require.NoError(t, err)
			require.Equal(t, f.attempts, receipt.Attempts, "%s: %v", ref.Vendor, receipt)
		}
		want = append(want, f)
	}
	return want
}

func (v *vendors) fail(ref assessment.OrderRef, k kombotest.Fault, s stackonetest.Fault, a ashbytest.Fault) {
	switch ref.Vendor {
	case assessment.Kombo:
		v.kombo.Fail(kombotest.OpUpdateResult, k)
	case assessment.StackOne:
		v.stackone.Fail(stackonetest.OpUpdateAssessmentResult, s)
	case assessment.Ashby:
		v.ashby.Fail(ashbytest.OpUpdate, a)
	}
}
