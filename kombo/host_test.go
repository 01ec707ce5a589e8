package kombo_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// provider is a host of which each test sets what it does with an order.
type provider struct {
	start func(context.Context, assessment.Order) (assessment.Started, error)

	mu     sync.Mutex
	orders []assessment.Order
}

func (p *provider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	p.mu.Lock()
	p.orders = append(p.orders, o)
	p.mu.Unlock()
	if p.start == nil {
		return assessment.Started{CandidateURL: "https://app.acme.com/assessment/:test_id"}, nil
	}
	return p.start(ctx, o)
}

func (p *provider) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.orders)
}

func (*provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, errors.New("not asked by Kombo")
}

func (*provider) CancelOrder(context.Context, assessment.OrderRef) error {
	return errors.New("not asked by Kombo")
}

const secretKey = "kombo-test-webhook-secret-0001"

// host is a handler with everything that it reports to.
type host struct {
	provider *provider
	handler  *kombo.WebhookHandler
	intake   *assessment.Intake
	verifier *webhook.Verifier
	log      *lockedBuffer

	mu         sync.Mutex
	deliveries []assessment.Delivery
	drift      []assessment.Drift
}

type options struct {
	store   assessment.Store
	config  func(*kombo.WebhookConfig)
	secrets []webhook.Secret
}

func newHost(t testing.TB, p *provider, o options) *host {
	t.Helper()
	if o.store == nil {
		o.store = assessment.NewMemoryStore(0)
	}
	if o.secrets == nil {
		o.secrets = []webhook.Secret{{ID: "now", Key: secretKey}}
	}
	h := &host{provider: p, log: &lockedBuffer{}}
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	h.intake, err = assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: o.store, Logger: logger})
	require.NoError(t, err)
	h.verifier, err = kombo.NewVerifier(o.secrets...)
	require.NoError(t, err)
	config := kombo.WebhookConfig{
		Intake: h.intake, Verifier: h.verifier, Connection: "eu", Logger: logger,
		Observer: assessment.Observer{
			Delivery: vendortest.Into(&h.mu, &h.deliveries),
			Drift:    vendortest.Into(&h.mu, &h.drift),
		},
	}
	if o.config != nil {
		o.config(&config)
	}
	h.handler, err = kombo.NewWebhookHandler(config)
	require.NoError(t, err)
	return h
}

// post is a delivery as Kombo makes it; the changes come after the signature.
func (h *host) post(body []byte, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	return serve(h.handler, signedRequest(h.verifier, body, changes...))
}

func signedRequest(v *webhook.Verifier, body []byte, changes ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/kombo", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(kombo.SignatureHeader, v.Sign(body))
	for _, change := range changes {
		change(r)
	}
	return r
}

// delivered is the one delivery that was reported.
func (h *host) delivered(t testing.TB) assessment.Delivery {
	t.Helper()
	require.Len(t, h.deliveries, 1, "every delivery is reported exactly once")
	return h.deliveries[0]
}

func orderBody(t testing.TB) []byte { return example(t, "webhook-assessment-order-received.json") }

func inlineBody(t testing.TB) []byte {
	return example(t, "webhook-inline-assessment-order-received.json")
}

var documentedRef = assessment.OrderRef{
	Vendor: assessment.Kombo, Connection: "eu", Account: "workday:CBNMt7dSNCzBdnRTx87dev4E", ID: "B5KQKhAgTv6ZwzrfAbqbhipd",
}
