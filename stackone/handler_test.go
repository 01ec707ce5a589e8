package stackone_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

// provider is a host of which each test sets what it does.
type provider struct {
	start    func(context.Context, assessment.Order) (assessment.Started, error)
	packages func(context.Context, assessment.PackageQuery) ([]assessment.Package, error)

	mu     sync.Mutex
	orders []assessment.Order
}

func (p *provider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	p.mu.Lock()
	p.orders = append(p.orders, o)
	p.mu.Unlock()
	if p.start == nil {
		return assessment.Started{}, nil
	}
	return p.start(ctx, o)
}

func (p *provider) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.orders)
}

func (p *provider) Packages(ctx context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	return p.packages(ctx, q)
}

func (*provider) CancelOrder(context.Context, assessment.OrderRef) error {
	return errors.New("not asked by StackOne")
}

func rejecting(err error) *provider {
	return &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
		return assessment.Started{}, err
	}}
}

// lockedBuffer is a log that late goroutines may still write to.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// host is a handler with everything that it reports to.
type host struct {
	provider *provider
	handler  *stackone.WebhookHandler
	intake   *assessment.Intake
	verifier *webhook.Verifier
	log      *lockedBuffer

	mu         sync.Mutex
	deliveries []assessment.Delivery
	drift      []assessment.Drift
}

func newHost(t testing.TB, p *provider, options ...func(*stackone.WebhookConfig)) *host {
	t.Helper()
	h := &host{provider: p, log: &lockedBuffer{}}
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	h.intake, err = assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: assessment.NewMemoryStore(0), Logger: logger})
	require.NoError(t, err)
	h.verifier, err = stackone.NewVerifier(webhook.Secret{ID: "now", Key: stackonetest.DefaultWebhookSecret})
	require.NoError(t, err)
	config := stackone.WebhookConfig{
		Intake: h.intake, Verifier: h.verifier, Logger: logger,
		Observer: assessment.Observer{
			Delivery: func(_ context.Context, d assessment.Delivery) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.deliveries = append(h.deliveries, d)
			},
			Drift: func(_ context.Context, d assessment.Drift) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.drift = append(h.drift, d)
			},
		},
	}
	for _, set := range options {
		set(&config)
	}
	h.handler, err = stackone.NewWebhookHandler(config)
	require.NoError(t, err)
	return h
}

// post is a delivery as StackOne makes it; the changes come after the
// signature.
func (h *host) post(body []byte, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/hooks/stackone", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(stackone.SignatureHeader, h.verifier.Sign(body))
	for _, change := range changes {
		change(r)
	}
	return serve(h.handler, r)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// last is what was reported of the latest delivery.
func (h *host) last() assessment.Delivery { return h.deliveries[len(h.deliveries)-1] }

func orderBody(t testing.TB) []byte {
	return example(t, "webhook.constructed.native_ats_assessments_created.json")
}

func TestNewWebhookHandlerRefuses(t *testing.T) {
	good := newHost(t, &provider{})
	client := newClient(t, play(), func(c *stackone.Config) { c.Connection = "us" })
	for name, config := range map[string]stackone.WebhookConfig{
		"no intake":          {Verifier: good.verifier},
		"no verifier":        {Intake: good.intake},
		"negative maximum":   {Intake: good.intake, Verifier: good.verifier, MaxBody: -1},
		"another connection": {Intake: good.intake, Verifier: good.verifier, Publisher: client},
		"event of no kind":   {Intake: good.intake, Verifier: good.verifier, OrderEvents: map[stackone.EventType]assessment.Kind{"x.created": ""}},
	} {
		handler, err := stackone.NewWebhookHandler(config)
		require.Error(t, err, name)
		require.Nil(t, handler, name)
	}
}

func TestOrderAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) { c.Connection = "eu" })
		body := orderBody(t)
		w := h.post(body)
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Body.String())
		want := exampleOrder(assessment.KindAssessment, "c28xIQaWQ6b3JkZXItMQ", "order-1")
		want.Ref.Connection, want.ReceivedAt, want.Raw = "eu", time.Now().UTC(), body
		requireEqual(t, []assessment.Order{want}, h.provider.orders)
		requireEqual(t, []assessment.Delivery{{
			Vendor: assessment.StackOne, Connection: "eu", Account: account, Order: want.Ref, Event: "ats_assessments.created",
			Outcome: assessment.DeliveryAccepted, StatusCode: 200, SecretID: "now",
		}}, h.deliveries)
		require.Empty(t, h.log.String())
		require.Empty(t, h.drift)
	})
}

// Event names and sent_at differ between deliveries of one order.
func TestOneOrderManyNames(t *testing.T) {
	p := &provider{}
	h := newHost(t, p, func(c *stackone.WebhookConfig) {
		c.OrderEvents = map[stackone.EventType]assessment.Kind{
			"partner_orders.placed": assessment.KindAssessment, "screening.requested": assessment.KindBackgroundCheck,
		}
	})
	named := func(name string, i int) []byte {
		return fmt.Appendf(nil, `{"event":%q,"account_id":"a","record_id":7,"sent_at":"2024-01-01T00:00:0%dZ"}`, name, i%10)
	}
	for i, name := range []string{"ats_assessments.created", "assessment.created", "partner_orders.placed", "ats_assessments.created"} {
		require.Equal(t, 200, h.post(named(name, i)).Code)
	}
	require.Equal(t, 1, p.calls())
	for i, name := range []string{
		"background_check_order.created", "background_check.created", "ats_background_checks.created",
		"ats_background_check_order.created", "ats_background_check_orders.created", "screening.requested",
	} {
		require.Equal(t, 200, h.post(named(name, i)).Code)
	}
	require.Equal(t, 2, p.calls(), "an assessment and a background check of the same id are two orders")
	require.Equal(t, 200, h.post(bytes.Replace(named("assessment.created", 0), []byte(`"a"`), []byte(`"b"`), 1)).Code)
	require.Equal(t, 3, p.calls(), "ids of different customers may be equal")
}

// The number goes into the path of the result as it came.
func TestNumericRecordID(t *testing.T) {
	h := newHost(t, &provider{})
	require.Equal(t, 200, h.post([]byte(`{"event":"ats_assessments.created","account_id":"a","record_id":9223372036854775807123}`)).Code)
	server := play(answers(200, written))
	_, err := newClient(t, server, behind("")).PublishResult(t.Context(), h.provider.orders[0].Ref, completed())
	require.NoError(t, err)
	require.Equal(t, "https://api.stackone.com/unified/ats/assessments/orders/9223372036854775807123/result", server.seen[0].URL)
}

func TestSimulatedOrders(t *testing.T) {
	for name, tc := range map[string]struct {
		spec  stackonetest.OrderSpec
		check func(t *testing.T, o assessment.Order)
	}{
		"native": {stackonetest.OrderSpec{}, func(t *testing.T, o assessment.Order) {
			require.NotEmpty(t, o.Candidate.Email)
			require.Equal(t, stackonetest.DefaultPackageID, o.Package.RemoteID)
		}},
		"own package id": {stackonetest.OrderSpec{PackageIn: stackonetest.PackageOwnID}, func(t *testing.T, o assessment.Order) {
			require.Equal(t, stackonetest.DefaultPackageID, o.Package.ID)
		}},
		"flat references": {stackonetest.OrderSpec{References: stackonetest.Flat}, func(t *testing.T, o assessment.Order) {
			require.NotEmpty(t, o.Application.ID)
			require.NotEmpty(t, o.Candidate.ID)
			require.NotEmpty(t, o.Job.ID)
		}},
		"references at the top": {stackonetest.OrderSpec{References: stackonetest.TopLevel}, func(t *testing.T, o assessment.Order) {
			require.NotEmpty(t, o.Application.ID)
			require.NotEmpty(t, o.Candidate.ID)
			require.NotEmpty(t, o.Job.ID)
		}},
		"synthetic, ids only": {stackonetest.OrderSpec{
			Shape: stackonetest.ShapeSynthetic, Envelope: map[string]any{"application_id": "a/1"},
		}, func(t *testing.T, o assessment.Order) {
			require.False(t, stackone.Bare(o))
			require.Empty(t, o.Candidate.Email)
			require.Equal(t, "a/1", o.Application.ID)
			require.False(t, o.OrderedAt.IsZero())
		}},
		"synthetic": {stackonetest.OrderSpec{Shape: stackonetest.ShapeSynthetic}, func(t *testing.T, o assessment.Order) {
			require.True(t, stackone.Bare(o))
		}},
		"record only": {stackonetest.OrderSpec{Shape: stackonetest.ShapeRecordOnly}, func(t *testing.T, o assessment.Order) {
			require.True(t, stackone.Bare(o))
		}},
		"background check": {stackonetest.OrderSpec{Kind: stackonetest.BackgroundCheck}, func(t *testing.T, o assessment.Order) {
			require.Equal(t, assessment.KindBackgroundCheck, o.Ref.Kind)
		}},
		"number": {stackonetest.OrderSpec{NumericRecordID: true}, func(t *testing.T, o assessment.Order) {
			require.NotContains(t, o.Ref.ID, "e+")
		}},
		"ATS": {stackonetest.OrderSpec{Provider: true}, func(t *testing.T, o assessment.Order) {
			require.Equal(t, stackonetest.Greenhouse, o.ATS)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := stackonetest.Start(t)
			h := newHost(t, &provider{})
			server.Target(h.handler)
			id, delivery, err := server.PlaceOrder(t.Context(), tc.spec, stackonetest.PaddedSignature(), stackonetest.Duplicate(1))
			require.NoError(t, err)
			require.Equal(t, stackonetest.Accepted, delivery.Outcome)
			require.Len(t, h.provider.orders, 1)
			require.Equal(t, id, h.provider.orders[0].Ref.ID)
			require.Equal(t, stackonetest.DefaultAccount, h.provider.orders[0].Ref.Account)
			tc.check(t, h.provider.orders[0])
		})
	}
}

func TestBareOrders(t *testing.T) {
	bare := []byte(`{"event":"background_check_order.created","account_id":"a","record_id":"r"}`)
	var got []assessment.Order
	var err error
	h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
		c.Queue = func(context.Context, assessment.Order) error { t.Error("queued"); return nil }
		c.OnBareOrder = func(_ context.Context, o assessment.Order) error {
			got = append(got, o)
			return err
		}
	})
	require.Equal(t, 200, h.post(bare).Code)
	require.Len(t, got, 1)
	require.True(t, stackone.Bare(got[0]))
	require.Equal(t, "r", got[0].Ref.ID)
	require.Equal(t, bare, got[0].Raw)
	err = errors.New("not now")
	require.Equal(t, 503, h.post(bare).Code)
	require.Zero(t, h.provider.calls())
}

func TestOrderRejected(t *testing.T) {
	rejected := func() *provider { return rejecting(assessment.Reject("We do not offer this test any more.")) }
	t.Run("the cancelled result is written once", func(t *testing.T) {
		server := stackonetest.Start(t) // Greenhouse takes one
		client, err := stackone.New(stackone.Config{APIKey: stackonetest.DefaultAPIKey, HTTPClient: server.Client()})
		require.NoError(t, err)
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = client })
		server.Target(h.handler)
		id, delivery, err := server.PlaceOrder(t.Context(), stackonetest.OrderSpec{}, stackonetest.Duplicate(2))
		require.NoError(t, err)
		require.Equal(t, 200, delivery.Status)
		order, _ := server.Order(stackonetest.DefaultAccount, id)
		require.Len(t, order.Results, 1)
		require.Equal(t, "cancelled", order.State.Result.Value)
		require.Equal(t, "We do not offer this test any more.", order.State.Summary)
		require.NotEmpty(t, order.State.SubmissionDate)
		for _, d := range h.deliveries {
			require.Equal(t, assessment.DeliveryRejected, d.Outcome)
			require.NoError(t, d.Err)
		}
		require.Equal(t, 1, h.provider.calls())
		require.NotContains(t, h.log.String(), "We do not offer")
	})
	t.Run("written when StackOne can", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(503, ""), answers(200, written))
			client := newClient(t, server, behind(""), func(c *stackone.Config) { c.MaxRetries = -1 })
			h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = client })
			w := h.post(orderBody(t))
			require.Equal(t, 503, w.Code)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
			require.Equal(t, 200, h.post(orderBody(t)).Code)
			require.Equal(t, 200, h.post(orderBody(t)).Code)
			require.Len(t, server.seen, 2)
			require.Equal(t, 1, h.provider.calls())
		})
	})
	t.Run("a refused write is not tried for ever", func(t *testing.T) {
		server := play(answers(422, ""))
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = newClient(t, server, behind("")) })
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.ErrorIs(t, h.last().Err, assessment.ErrInvalid)
		require.NotEmpty(t, h.log.String())
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Len(t, server.seen, 1)
	})
	t.Run("the sender hangs up", func(t *testing.T) {
		server := play(answers(200, written))
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = newClient(t, server, behind("")) })
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		body := bytes.ReplaceAll(orderBody(t), []byte("c28xIQaWQ6b3JkZXItMQ"), []byte("other"))
		h.post(body, func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, 200, h.post(body).Code)
		require.Len(t, server.seen, 2)
	})
	t.Run("OnRejected", func(t *testing.T) {
		var messages []string
		var err error
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) {
			c.OnRejected = func(_ context.Context, o assessment.Order, no *assessment.Rejection) error {
				messages = append(messages, o.Ref.ID+": "+no.Message)
				return err
			}
		})
		err = errors.New("not now")
		require.Equal(t, 503, h.post(orderBody(t)).Code)
		err = nil
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, []string{
			"c28xIQaWQ6b3JkZXItMQ: We do not offer this test any more.", "c28xIQaWQ6b3JkZXItMQ: We do not offer this test any more.",
		}, messages)
		require.NoError(t, h.last().Err)
	})
	t.Run("OnRejected after a failed write", func(t *testing.T) {
		called := 0
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) {
			c.Publisher = newClient(t, play(answers(503, "")), behind(""), func(c *stackone.Config) { c.MaxRetries = -1 })
			c.OnRejected = func(context.Context, assessment.Order, *assessment.Rejection) error { called++; return nil }
		})
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, 1, called)
	})
	t.Run("nobody tells the recruiter", func(t *testing.T) {
		h := newHost(t, rejected())
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Error(t, h.last().Err, "it is logged")
	})
	t.Run("many", func(t *testing.T) { // more than are remembered
		server := play(answers(200, written))
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) {
			c.Publisher = newClient(t, server, behind(""))
			c.Logger = nil
		})
		for i := range 1100 {
			require.Equal(t, 200, h.post(fmt.Appendf(nil, `{"event":"assessment.created","account_id":"a","record_id":%d}`, i)).Code)
		}
		require.Len(t, server.seen, 1100)
	})
}

func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		status int
	}{
		"error":                {errors.New("database down"), 500},
		"error of another API": {&assessment.APIError{StatusCode: 422, Class: assessment.ErrInvalid}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, written))
			h := newHost(t, rejecting(tc.err), func(c *stackone.WebhookConfig) { c.Publisher = newClient(t, server, behind("")) })
			for range 2 {
				w := h.post(orderBody(t))
				require.Equal(t, tc.status, w.Code)
				require.NotContains(t, w.Body.String(), "database")
				require.Equal(t, assessment.DeliveryFault, h.last().Outcome)
			}
			require.Equal(t, 2, h.provider.calls(), "a fault is not an answer")
			require.Empty(t, server.seen, "and never a rejection")
		})
	}
	t.Run("slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
				wait(time.Minute) // deaf to its context
				return assessment.Started{}, nil
			}})
			w := h.post(orderBody(t))
			require.Equal(t, 503, w.Code)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
			wait(time.Minute)
			require.Equal(t, 200, h.post(orderBody(t)).Code)
			require.Equal(t, 1, h.provider.calls())
		})
	})
	t.Run("draining", func(t *testing.T) {
		h := newHost(t, &provider{})
		require.NoError(t, h.intake.Drain(t.Context()))
		require.Equal(t, 503, h.post(orderBody(t)).Code)
	})
}

// Every verified order is in the queue once the 200 went out, however the
// provider is.
func TestQueue(t *testing.T) {
	queued := make(map[assessment.OrderRef]assessment.Order)
	full := true
	h := newHost(t, rejecting(errors.New("down")), func(c *stackone.WebhookConfig) {
		c.Queue = func(_ context.Context, o assessment.Order) error {
			if full {
				return errors.New("disk full")
			}
			queued[o.Ref] = o
			return nil
		}
	})
	w := h.post(orderBody(t))
	require.Equal(t, 503, w.Code)
	require.NotContains(t, w.Body.String(), "disk")
	full = false
	for range 2 {
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, assessment.DeliveryQueued, h.last().Outcome)
	}
	require.Len(t, queued, 1)
	require.Zero(t, h.provider.calls())
}

func TestOtherEvents(t *testing.T) {
	bodies := map[string][]byte{
		"webhook.account_updated.json":                  nil,
		"webhook.native_ats_job_postings_updated.json":  nil,
		"webhook.synthetic_hris_employees_updated.json": nil,
	}
	for name := range bodies {
		bodies[name] = example(t, name)
	}
	bodies["order updated"] = bytes.Replace(orderBody(t), []byte("ats_assessments.created"), []byte("ats_assessments.updated"), 1)
	bodies["order deleted"] = bytes.Replace(orderBody(t), []byte("ats_assessments.created"), []byte("assessment.deleted"), 1)
	bodies["account error"] = []byte(`{"event":"account.error","account_id":"a"}`)
	bodies["unknown"] = []byte(`{"event":"moon.landed"}`)
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{})
			require.Equal(t, 200, h.post(body).Code, "acknowledged")
			require.Equal(t, assessment.DeliveryHandled, h.last().Outcome)

			var got []stackone.Event
			failure := errors.New("not now")
			h = newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
				c.Connection = "eu"
				c.OnEvent = func(_ context.Context, e stackone.Event) error { got = append(got, e); return failure }
			})
			require.Equal(t, 503, h.post(body).Code)
			failure = nil
			require.Equal(t, 200, h.post(body).Code)
			require.Len(t, got, 2)
			require.Equal(t, body, got[1].Raw)
			require.Equal(t, string(got[1].Type), h.last().Event)
			require.Equal(t, got[1].Account, h.last().Account)
			if changed, ok := got[1].Data.(stackone.OrderChanged); ok {
				require.Equal(t, "eu", changed.Order.Ref.Connection)
				require.Equal(t, changed.Order.Ref, h.last().Order)
				require.Equal(t, strings.HasSuffix(name, "deleted"), changed.Deleted)
			}
			require.Zero(t, h.provider.calls())
			require.Equal(t, name == "unknown" || strings.Contains(name, "hris"), len(h.drift) > 0)
		})
	}
}

func TestDecodeOrder(t *testing.T) {
	decode := func(e stackone.Event) (assessment.Order, error) {
		read := e.Data.(stackone.OrderCreated).Order
		if strings.Contains(string(e.Raw), "broken") {
			return assessment.Order{}, errors.New("host's decoder")
		}
		o := assessment.Order{Package: assessment.Package{ID: "mine"}, Candidate: read.Candidate}
		if strings.Contains(string(e.Raw), "finished") {
			o.Status = assessment.StatusCompleted
		}
		if strings.Contains(string(e.Raw), "another") {
			o.Ref = assessment.OrderRef{Vendor: "x", Connection: "y", Kind: assessment.KindBackgroundCheck, Account: "b", ID: "s"}
		}
		return o, nil
	}
	var events []stackone.Event
	h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
		c.DecodeOrder = decode
		c.OnEvent = func(_ context.Context, e stackone.Event) error { events = append(events, e); return nil }
	})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	got := h.provider.orders[0]
	require.Equal(t, assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: "c28xIQaWQ6b3JkZXItMQ"}, got.Ref)
	require.Equal(t, "mine", got.Package.ID)
	require.NotEmpty(t, got.Candidate.Email)
	require.Equal(t, orderBody(t), got.Raw)

	require.Equal(t, 200, h.post([]byte(`{"event":"assessment.created","note":"another"}`)).Code)
	require.Equal(t, assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindBackgroundCheck, Account: "b", ID: "s"}, h.provider.orders[1].Ref)

	w := h.post([]byte(`{"event":"assessment.created","account_id":"a","record_id":"r","note":"broken"}`))
	require.Equal(t, 503, w.Code)
	require.NotContains(t, w.Body.String(), "decoder")

	require.Equal(t, 200, h.post([]byte(`{"event":"assessment.created","account_id":"a","record_id":"r","note":"finished"}`)).Code)
	require.Equal(t, 2, h.provider.calls(), "an order that is over is not started")
	require.Len(t, events, 1)
	require.Equal(t, assessment.StatusCompleted, events[0].Data.(stackone.OrderCreated).Order.Status)
}

// What is no signed event is refused before anything of it is looked at.
func TestRefusedDeliveries(t *testing.T) {
	big := append(orderBody(t), bytes.Repeat([]byte(" "), 1<<20)...)
	sign := func(change func(string) string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(stackone.SignatureHeader, change(r.Header.Get(stackone.SignatureHeader)))
		}
	}
	for name, tc := range map[string]struct {
		body   []byte
		change func(*http.Request)
		status int
	}{
		"GET":                     {nil, func(r *http.Request) { r.Method = "GET" }, 405},
		"too large":               {big, nil, 413},
		"no signature":            {orderBody(t), func(r *http.Request) { r.Header.Del(stackone.SignatureHeader) }, 401},
		"bad signature":           {orderBody(t), sign(func(s string) string { return "A" + s[1:] + "" }), 401},
		"two paddings":            {orderBody(t), sign(func(s string) string { return s + "==" }), 401},
		"unsigned and no JSON":    {[]byte("{"), sign(func(string) string { return "" }), 401},
		"cut JSON":                {[]byte(`{"event":"assessment.created","record_id":`), nil, 400},
		"empty body":              {[]byte{}, nil, 400},
		"no event name":           {[]byte(`{"record_id":"r","account_id":"a"}`), nil, 400},
		"order without an id":     {[]byte(`{"event":"assessment.created","account_id":"a"}`), nil, 400},
		"order with a null id":    {[]byte(`{"event":"assessment.created","account_id":"a","record_id":null}`), nil, 400},
		"order without a account": {[]byte(`{"event":"assessment.created","record_id":"r"}`), nil, 400},
		"body eaten":              {orderBody(t), func(r *http.Request) { _, _ = io.ReadAll(r.Body) }, 500},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
				c.OnEvent = func(context.Context, stackone.Event) error { t.Error("OnEvent called"); return nil }
			})
			change := tc.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w := h.post(tc.body, change)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.status == 405, w.Header().Get("Allow") == "POST")
			require.Less(t, w.Body.Len(), 60, "a short fixed text")
			require.Zero(t, h.provider.calls())
			require.Len(t, h.deliveries, 1)
			require.Error(t, h.last().Err)
			require.NotContains(t, h.log.String(), "sestier")
		})
	}
}

func TestRotation(t *testing.T) {
	server := stackonetest.Start(t)
	h := newHost(t, &provider{})
	server.Target(h.handler)
	require.NoError(t, h.verifier.Rotate(webhook.Secret{ID: "next", Key: "another"}, webhook.Secret{ID: "now", Key: stackonetest.DefaultWebhookSecret}))
	place := func(want string, faults ...stackonetest.DeliveryFault) {
		t.Helper()
		_, delivery, err := server.PlaceOrder(t.Context(), stackonetest.OrderSpec{}, faults...)
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprint(delivery.Status, " ", h.last().SecretID))
	}
	place("200 now")
	server.RotateSecret("another")
	place("200 next")
	place("200 now", stackonetest.OldSecret())
	require.NoError(t, h.verifier.Rotate(webhook.Secret{ID: "next", Key: "another"}))
	place("401 ", stackonetest.OldSecret())
}
