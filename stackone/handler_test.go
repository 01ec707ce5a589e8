package stackone_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
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
			Delivery: vendortest.Into(&h.mu, &h.deliveries),
			Drift:    vendortest.Into(&h.mu, &h.drift),
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

// last is what was reported of the latest delivery.
func (h *host) last() assessment.Delivery { return h.deliveries[len(h.deliveries)-1] }

func orderBody(t testing.TB) []byte {
	return example(t, "webhook.constructed.native_ats_assessments_created.json")
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
			Vendor: assessment.StackOne, Connection: "eu", Account: account, Order: want.Ref, Path: "/hooks/stackone", Event: "ats_assessments.created",
			Outcome: assessment.DeliveryAccepted, StatusCode: 200, SecretID: "now",
		}}, h.deliveries)
		require.Contains(t, h.log.String(), "level=INFO msg=delivery vendor=stackone connection=eu account="+account+" order=")
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
