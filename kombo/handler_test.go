package kombo_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
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

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
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

func TestNewWebhookHandlerRefuses(t *testing.T) {
	good := newHost(t, &provider{}, options{})
	for name, config := range map[string]kombo.WebhookConfig{
		"no intake":        {Verifier: good.verifier},
		"no verifier":      {Intake: good.intake},
		"negative maximum": {Intake: good.intake, Verifier: good.verifier, MaxBody: -1},
	} {
		t.Run(name, func(t *testing.T) {
			handler, err := kombo.NewWebhookHandler(config)
			require.Error(t, err)
			require.Nil(t, handler)
		})
	}
}

func TestOrderAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{}, options{})
		body := orderBody(t)
		w := h.post(body)
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Body.String())

		want := documentedOrder("eu", documentedRef.Account, "workday")
		want.ReceivedAt, want.Raw = time.Now().UTC(), body
		requireEqual(t, []assessment.Order{want}, h.provider.orders)

		requireEqual(t, assessment.Delivery{
			Vendor: assessment.Kombo, Connection: "eu", Account: documentedRef.Account, Order: documentedRef,
			Event: "assessment:order-received", EventID: "Cbfk5sHtDxrSrJBRjsDtbaN9",
			Outcome: assessment.DeliveryAccepted, StatusCode: 200, SecretID: "now",
		}, h.delivered(t))
		require.Empty(t, h.log.String())
		require.Empty(t, h.drift)
	})
}

// Only this body makes a 422 a rejection (https://docs.kombo.dev/assessment/introduction).
func TestOrderRejected(t *testing.T) {
	want := example(t, "webhook-reply-order-rejected-422.json")
	for name, refusal := range map[string]error{
		"rejected":        assessment.Reject("There is an existing order for this candidate..."),
		"already running": assessment.AlreadyRunning("There is an existing order for this candidate..."),
		"wrapped":         fmt.Errorf("start: %w", assessment.Reject("There is an existing order for this candidate...")),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
				return assessment.Started{}, refusal
			}}, options{})
			for range 2 { // the second delivery gets the stored answer
				w := h.post(orderBody(t))
				require.Equal(t, 422, w.Code)
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))
				requireSameJSON(t, want, w.Body.Bytes())
			}
			require.Equal(t, 1, h.provider.calls())
			require.Len(t, h.deliveries, 2)
			require.Equal(t, assessment.DeliveryRejected, h.deliveries[0].Outcome)
			require.Equal(t, assessment.DeliveryRejected, h.deliveries[1].Outcome)
			require.NoError(t, h.deliveries[0].Err)
		})
	}
	t.Run("any text", func(t *testing.T) {
		message := "Näch\"ste\n<b>Woche</b> & \u2028 \x00 später"
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject(message)
		}}, options{})
		w := h.post(orderBody(t))
		require.Equal(t, map[string]any{"status": "ORDER_REJECTED", "message": message}, decoded(t, w.Body.Bytes()))
		require.NotContains(t, h.log.String(), "Woche")
	})
	t.Run("no text", func(t *testing.T) {
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject("")
		}}, options{})
		answer := decoded(t, h.post(orderBody(t)).Body.Bytes()).(map[string]any)
		require.NotEmpty(t, answer["message"])
	})
}

func TestInlineOrder(t *testing.T) {
	t.Run("answered with the URL", func(t *testing.T) {
		h := newHost(t, &provider{}, options{})
		for range 2 {
			w := h.post(inlineBody(t))
			require.Equal(t, 200, w.Code)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			requireSameJSON(t, example(t, "webhook-reply-inline-assessment-url.json"), w.Body.Bytes())
		}
		require.Equal(t, 1, h.provider.calls())
		require.True(t, h.provider.orders[0].Inline)
		require.Equal(t, assessment.DeliveryAccepted, h.deliveries[0].Outcome)
		require.Equal(t, assessment.DeliveryReplayed, h.deliveries[1].Outcome)
	})
	t.Run("URL with every character", func(t *testing.T) {
		const address = "https://app.acme.com/t?a=1&b=<2>#ü"
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{CandidateURL: address}, nil
		}}, options{})
		require.Equal(t, map[string]any{"assessment_url": address}, decoded(t, h.post(inlineBody(t)).Body.Bytes()))
	})
	t.Run("without a URL it is a fault and not stored", func(t *testing.T) {
		address := ""
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{CandidateURL: address}, nil
		}}, options{})
		w := h.post(inlineBody(t))
		require.GreaterOrEqual(t, w.Code, 500)
		require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
		address = "https://app.acme.com/1"
		require.Equal(t, 200, h.post(inlineBody(t)).Code)
		require.Equal(t, 2, h.provider.calls())
	})
	t.Run("rejected", func(t *testing.T) {
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject("no")
		}}, options{})
		require.Equal(t, 422, h.post(inlineBody(t)).Code)
	})
	t.Run("one order through both events", func(t *testing.T) {
		h := newHost(t, &provider{}, options{})
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		w := h.post(inlineBody(t))
		require.Equal(t, 200, w.Code)
		requireSameJSON(t, example(t, "webhook-reply-inline-assessment-url.json"), w.Body.Bytes())
		require.Equal(t, 1, h.provider.calls())
	})
	t.Run("goes to the intake although there is a queue", func(t *testing.T) {
		h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
			c.Queue = func(context.Context, assessment.Order) error { return errors.New("not for this") }
		}})
		require.Equal(t, 200, h.post(inlineBody(t)).Code)
		require.Equal(t, 1, h.provider.calls())
	})
}

func TestSameOrderTwice(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	body := orderBody(t)
	// Another event id: it is the order that is told again.
	again := bytes.Replace(body, []byte("Cbfk5sHtDxrSrJBRjsDtbaN9"), []byte("Another1EventsId11111111"), 1)
	for i, b := range [][]byte{body, body, again} {
		w := h.post(b)
		require.Equal(t, 200, w.Code)
		want := assessment.DeliveryReplayed
		if i == 0 {
			want = assessment.DeliveryAccepted
		}
		require.Equal(t, want, h.deliveries[i].Outcome)
	}
	require.Equal(t, 1, h.provider.calls())

	other := bytes.Replace(body, []byte("workday:CBNM"), []byte("workday:XBNM"), 1)
	require.Equal(t, 200, h.post(other).Code)
	require.Equal(t, 2, h.provider.calls(), "ids of different customers may be equal")
}

// failingStore is a store that is down.
type failingStore struct{ assessment.Store }

func (failingStore) Claim(context.Context, assessment.Claim, time.Duration) (assessment.Claim, error) {
	return assessment.Claim{}, errors.New("connection refused")
}

func TestFaults(t *testing.T) {
	var typedNil *assessment.Rejection
	for name, tc := range map[string]struct {
		start  func(context.Context, assessment.Order) (assessment.Started, error)
		store  assessment.Store
		status int
		retry  bool
		calls  int
	}{
		"error": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, errors.New("database down")
		}, status: 500, calls: 2},
		"error that looks like a rejection to the vendor": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, &assessment.APIError{StatusCode: 422, Class: assessment.ErrInvalid}
		}, status: 500, calls: 2},
		"typed nil rejection": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, typedNil
		}, status: 500, calls: 2},
		"panic": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			panic(marker)
		}, status: 500, calls: 2},
		"store down": {store: failingStore{}, status: 503, retry: true},
		"store full": {store: fullStore(t), status: 503, retry: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{start: tc.start}, options{store: tc.store})
			for range 2 {
				w := h.post(orderBody(t))
				require.Equal(t, tc.status, w.Code)
				require.Equal(t, tc.retry, w.Header().Get("Retry-After") != "")
				require.NotContains(t, w.Body.String(), marker)
				require.NotContains(t, w.Body.String(), "database")
			}
			require.Equal(t, tc.calls, h.provider.calls())
			require.Len(t, h.deliveries, 2)
			require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
			require.Error(t, h.deliveries[0].Err)
			require.NotContains(t, h.log.String(), marker)
		})
	}
}

func fullStore(t testing.TB) assessment.Store {
	t.Helper()
	store := assessment.NewMemoryStore(1)
	_, err := store.Claim(t.Context(), assessment.Claim{Key: "k", Ref: assessment.OrderRef{ID: "x"}, Token: "t"}, time.Hour)
	require.NoError(t, err)
	return store
}

func TestDrainingAnswersLater(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	require.NoError(t, h.intake.Drain(t.Context()))
	w := h.post(orderBody(t))
	require.Equal(t, 503, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.Zero(t, h.provider.calls())
}

// Kombo's ATSs give up after 15 to 30 seconds; who answers later than that is
// answered for at the next delivery.
func TestSlowProvider(t *testing.T) {
	for name, tc := range map[string]struct {
		body     []byte
		deadline time.Duration
	}{
		"order":  {orderBody(t), assessment.DefaultDeadline},
		"inline": {inlineBody(t), assessment.DefaultInlineDeadline},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
					<-time.After(time.Minute) // deaf to its context
					return assessment.Started{CandidateURL: "https://app.acme.com/late"}, nil
				}}, options{})
				began := time.Now()
				w := h.post(tc.body)
				require.Equal(t, 503, w.Code)
				require.NotEmpty(t, w.Header().Get("Retry-After"))
				require.Equal(t, tc.deadline, time.Since(began))
				require.Less(t, tc.deadline, 15*time.Second)
				require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
				require.Equal(t, tc.deadline, h.deliveries[0].Duration)

				w = h.post(tc.body) // while it is still running
				require.Equal(t, 503, w.Code)
				<-time.After(time.Minute)
				w = h.post(tc.body)
				require.Equal(t, 200, w.Code)
				require.Equal(t, assessment.DeliveryReplayed, h.deliveries[2].Outcome)
				require.Equal(t, 1, h.provider.calls())
			})
		})
	}
}

func TestSenderHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{start: func(ctx context.Context, _ assessment.Order) (assessment.Started, error) {
			select {
			case <-time.After(5 * time.Second):
				return assessment.Started{}, nil
			case <-ctx.Done():
				return assessment.Started{}, ctx.Err()
			}
		}}, options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := h.post(orderBody(t), func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, 503, w.Code)
		<-time.After(5 * time.Second)
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, 1, h.provider.calls())
	})
}

// What is no signed event is refused before anything of it is looked at.
func TestRefusedDeliveries(t *testing.T) {
	big := append(orderBody(t), bytes.Repeat([]byte(" "), 1<<20)...)
	removeSignature := func(r *http.Request) { r.Header.Del(kombo.SignatureHeader) }
	sign := func(change func(string) string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(kombo.SignatureHeader, change(r.Header.Get(kombo.SignatureHeader)))
		}
	}
	old, err := kombo.NewVerifier(webhook.Secret{Key: "an old secret"})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		body   []byte
		change func(*http.Request)
		status int
	}{
		"GET":                       {nil, func(r *http.Request) { r.Method = "GET" }, 405},
		"HEAD":                      {nil, func(r *http.Request) { r.Method = "HEAD" }, 405},
		"PUT":                       {orderBody(t), func(r *http.Request) { r.Method = "PUT" }, 405},
		"too large":                 {big, nil, 413},
		"too large, length unknown": {big, func(r *http.Request) { r.ContentLength = -1 }, 413},
		"too large and unsigned":    {big, removeSignature, 413},
		"no signature":              {orderBody(t), removeSignature, 401},
		"empty signature":           {orderBody(t), sign(func(string) string { return "" }), 401},
		"bad signature":             {orderBody(t), sign(func(string) string { return old.Sign([]byte("x")) }), 401},
		"padded":                    {orderBody(t), sign(func(s string) string { return s + "=" }), 401},
		"standard base64": {orderBody(t), sign(func(s string) string {
			return strings.NewReplacer("-", "+", "_", "/").Replace(s) + "="
		}), 401},
		"two signatures":         {orderBody(t), func(r *http.Request) { r.Header.Add(kombo.SignatureHeader, r.Header.Get(kombo.SignatureHeader)) }, 401},
		"another secret":         {orderBody(t), sign(func(string) string { return old.Sign(orderBody(t)) }), 401},
		"unsigned and no JSON":   {[]byte("{"), removeSignature, 401},
		"cut JSON":               {[]byte(`{"id":"e","type":"assessment:order-received","data":{`), nil, 400},
		"empty body":             {[]byte{}, nil, 400},
		"no type":                {[]byte(`{"id":"e","data":{}}`), nil, 400},
		"array":                  {[]byte(`[]`), nil, 400},
		"order without an id":    {orderEvent(`{"integration_id":"lever:1"}`), nil, 400},
		"order with a null id":   {orderEvent(`{"id":null,"integration_id":"lever:1"}`), nil, 400},
		"order of nobody":        {orderEvent(`{"id":"o"}`), nil, 400},
		"order without data":     {[]byte(`{"id":"e","type":"assessment:order-received"}`), nil, 400},
		"inline order of nobody": {[]byte(`{"id":"e","type":"inline-assessment:order-received","data":{"id":"o"}}`), nil, 400},
		"unwrapped order of 2024": {
			[]byte(`{"id":"o","integration_id":"lever:1","package_id":"p","status":"OPEN","candidate":{"email":"` + marker + `"},"remote_data":{}}`), nil, 400,
		},
		"body broke off": {orderBody(t), func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), errorReader{io.ErrUnexpectedEOF}))
		}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
				c.OnEvent = func(context.Context, kombo.Event) error { t.Error("OnEvent called"); return nil }
			}})
			change := tc.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w := h.post(tc.body, change)
			require.Equal(t, tc.status, w.Code)
			require.Zero(t, h.provider.calls())
			if tc.status == 405 {
				require.Equal(t, "POST", w.Header().Get("Allow"))
			}
			require.Less(t, w.Body.Len(), 60, "a short fixed text")
			d := h.delivered(t)
			require.Equal(t, assessment.DeliveryRefused, d.Outcome)
			require.Equal(t, tc.status, d.StatusCode)
			require.Error(t, d.Err)
			require.NotEmpty(t, h.log.String())
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestMaxBody(t *testing.T) {
	body := orderBody(t)
	for limit, want := range map[int64]int{int64(len(body)): 200, int64(len(body)) - 1: 413} {
		h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) { c.MaxBody = limit }})
		require.Equal(t, want, h.post(body).Code)
	}
	// Job descriptions and hiring teams are unbounded.
	h := newHost(t, &provider{}, options{})
	require.Equal(t, 200, h.post(grown(t, 900<<10)).Code)
}

// grown is the documented order with a job description of at least size bytes.
func grown(t testing.TB, size int) []byte {
	t.Helper()
	description := strings.Repeat("<p>Ensure that bottles are opened swiftly &amp; safely.</p>", size/58+1)
	return bytes.Replace(orderBody(t), []byte(`"description": "`), []byte(`"description": "`+description), 1)
}

// A logging middleware that eats the body is the host's mistake, and the sender
// shall come again; "bad signature" would send everybody the wrong way.
func TestEatenBody(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	r := signedRequest(h.verifier, orderBody(t))
	_, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	w := serve(h.handler, r)
	require.Equal(t, 500, w.Code)
	require.Contains(t, h.log.String(), "middleware")
	require.NotContains(t, h.log.String(), "signature")
	d := h.delivered(t)
	require.Equal(t, assessment.DeliveryFault, d.Outcome)
	require.ErrorIs(t, d.Err, webhook.ErrBodyConsumed)
}

func TestRotatedSecrets(t *testing.T) {
	before, after := webhook.Secret{ID: "2026-01", Key: "old key"}, webhook.Secret{ID: "2026-02", Key: "new key"}
	h := newHost(t, &provider{}, options{secrets: []webhook.Secret{before, after}})
	for i, secret := range []webhook.Secret{before, after} {
		w := h.post(orderBody(t), func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, kombotest.Sign(secret.Key, orderBody(t))) })
		require.Equal(t, 200, w.Code)
		require.Equal(t, secret.ID, h.deliveries[i].SecretID)
	}
	require.NoError(t, h.verifier.Rotate(after))
	w := h.post(orderBody(t), func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, kombotest.Sign(before.Key, orderBody(t))) })
	require.Equal(t, 401, w.Code)
	require.Empty(t, h.deliveries[2].SecretID)
}

func TestQueue(t *testing.T) {
	var queued []assessment.Order
	var answer error
	h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
		c.Queue = func(_ context.Context, o assessment.Order) error {
			queued = append(queued, o)
			return answer
		}
	}})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	require.Equal(t, assessment.DeliveryQueued, h.deliveries[0].Outcome)
	require.Equal(t, documentedRef, queued[0].Ref)
	require.Equal(t, "john.doe@gmail.com", queued[0].Candidate.Email)

	for _, answer = range []error{errors.New("queue full " + marker), assessment.Reject("no")} {
		w := h.post(orderBody(t))
		require.Equal(t, 503, w.Code, "a queue cannot say no")
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		require.NotContains(t, w.Body.String(), marker)
		require.Equal(t, assessment.DeliveryFault, h.deliveries[len(h.deliveries)-1].Outcome)
	}
	require.Len(t, h.deliveries, 3)
	require.Zero(t, h.provider.calls())
}

// An order that is over is an event, not something to start.
func TestOrderThatIsOver(t *testing.T) {
	for _, word := range []string{"COMPLETED", "CANCELLED", "REJECTED"} {
		for _, body := range [][]byte{orderBody(t), inlineBody(t)} {
			body := bytes.Replace(body, []byte(`"OPEN"`), []byte(`"`+word+`"`), 1)
			var events []kombo.Event
			h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
				c.OnEvent = func(_ context.Context, e kombo.Event) error { events = append(events, e); return nil }
				c.Queue = func(context.Context, assessment.Order) error { t.Error("queued"); return nil }
			}})
			w := h.post(body)
			require.Equal(t, 200, w.Code)
			require.Empty(t, w.Body.String())
			require.Zero(t, h.provider.calls())
			require.Len(t, events, 1)
			order := events[0].Data.(kombo.OrderReceived).Order
			require.Equal(t, documentedRef, order.Ref, "with the connection, so that it can be answered")
			require.Equal(t, assessment.Status(strings.ToLower(word)), order.Status)
			require.False(t, order.ReceivedAt.IsZero())
			require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)
		}
	}
}

func TestOtherEvents(t *testing.T) {
	for name, tc := range eventExamples(t) {
		if _, isOrder := tc.want.Data.(kombo.OrderReceived); isOrder {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var events []kombo.Event
			var answer error
			h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
				c.OnEvent = func(_ context.Context, e kombo.Event) error { events = append(events, e); return answer }
			}})
			require.Equal(t, 200, h.post(tc.body).Code)
			want := tc.want
			want.Raw = tc.body
			requireEqual(t, []kombo.Event{want}, events)
			require.Equal(t, assessment.DeliveryHandled, h.deliveries[0].Outcome)
			require.Equal(t, string(tc.want.Type), h.deliveries[0].Event)
			require.Equal(t, tc.want.ID, h.deliveries[0].EventID)
			if name != "flow failed" { // which names no integration
				require.Contains(t, string(tc.body), fmt.Sprintf("%q", h.deliveries[0].Account))
			}
			require.Zero(t, h.deliveries[0].Order)

			answer = errors.New("disk full " + marker)
			w := h.post(tc.body)
			require.Equal(t, 503, w.Code)
			require.NotContains(t, w.Body.String(), marker)
			require.Len(t, events, 2, "at least once")
			require.Equal(t, assessment.DeliveryFault, h.deliveries[1].Outcome)
			require.ErrorIs(t, h.deliveries[1].Err, answer)
		})
		t.Run(name+" without a hook", func(t *testing.T) {
			h := newHost(t, &provider{}, options{})
			require.Equal(t, 200, h.post(tc.body).Code)
			require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)
			require.Empty(t, h.drift)
		})
	}
}

func TestUnknownEvent(t *testing.T) {
	body := []byte(`{"id":"e","type":"assessment:order-withdrawn","data":{"id":"o","reason":"` + marker + `"}}`)
	var events []kombo.Event
	h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
		c.OnEvent = func(_ context.Context, e kombo.Event) error { events = append(events, e); return nil }
	}})
	require.Equal(t, 200, h.post(body).Code)
	require.Len(t, events, 1)
	require.JSONEq(t, `{"id":"o","reason":"`+marker+`"}`, string(events[0].Data.(kombo.UnknownEvent).Data))
	requireEqual(t, []assessment.Drift{{
		Vendor: assessment.Kombo, Connection: "eu", Event: "assessment:order-withdrawn", Field: "type", Value: "assessment:order-withdrawn",
	}}, h.drift)
	require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)

	without := newHost(t, &provider{}, options{})
	require.Equal(t, 200, without.post(body).Code, "acknowledged, not failed")
}

func TestUnknownValuesStartTheOrder(t *testing.T) {
	body := bytes.Replace(orderBody(t), []byte(`"OPEN"`), []byte(`"ON_HOLD"`), 1)
	body = bytes.Replace(body, []byte(`"RECRUITER"`), []byte(`"BOSS"`), 1)
	body = bytes.Replace(body, []byte(`"+1 123 456 7890"`), []byte(`11234567890`), 1)
	h := newHost(t, &provider{}, options{})
	require.Equal(t, 200, h.post(body).Code)
	require.Equal(t, 1, h.provider.calls())
	order := h.provider.orders[0]
	require.Equal(t, assessment.Status("ON_HOLD"), order.Status)
	require.Equal(t, []assessment.Role{"BOSS"}, order.Job.HiringTeam[0].Roles)
	require.Equal(t, "john.doe@gmail.com", order.Candidate.Email)
	fields := map[string]string{}
	for _, d := range h.drift {
		require.Equal(t, "eu", d.Connection)
		require.Equal(t, documentedRef.Account, d.Account)
		fields[d.Field] = d.Value
	}
	require.Equal(t, map[string]string{
		"data.status": "ON_HOLD", "data.job.hiring_team[0].hiring_team_roles[0]": "BOSS", "data.candidate.phone": "",
	}, fields)
}

// Everything but the ids may be missing or null.
func TestBareOrder(t *testing.T) {
	for _, data := range []string{
		`{"id":"o","integration_id":"jazzhr:1"}`,
		`{"id":"o","integration_id":"jazzhr:1","package_id":null,"status":null,"candidate":null,"application":{},"job":null}`,
	} {
		h := newHost(t, &provider{}, options{})
		require.Equal(t, 200, h.post(orderEvent(data)).Code)
		require.Equal(t, 1, h.provider.calls())
		require.Equal(t, "jazzhr", h.provider.orders[0].ATS)
	}
}

// Wherever a delivery ends, nothing of the candidate, the secret or the
// signature may be left in log, observer or answer.
func TestNothingLeaks(t *testing.T) {
	secret := webhook.Secret{ID: "now", Key: "s3cret-" + marker}
	body := bytes.ReplaceAll(orderBody(t), []byte("john.doe@gmail.com"), []byte(marker+"@example.com"))
	body = bytes.ReplaceAll(body, []byte(`"John"`), []byte(`"`+marker+`"`))
	body = bytes.ReplaceAll(body, []byte(`"Jane"`), []byte(`"`+marker+`"`))
	body = bytes.ReplaceAll(body, []byte("<p>We"), []byte("<p>"+marker))
	cut := body[:len(body)/2]
	starts := map[string]func(context.Context, assessment.Order) (assessment.Started, error){
		"accepted": func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{CandidateURL: "https://example.com/" + marker}, nil
		},
		"rejected": func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject("no")
		},
		"fault": func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, errors.New("down")
		},
		"panic": func(_ context.Context, o assessment.Order) (assessment.Started, error) { panic(o.Candidate.Email) },
	}
	for name, start := range starts {
		for _, b := range [][]byte{body, cut, bytes.Replace(body, []byte(`"OPEN"`), []byte(`"X"`), 1), body[1:]} {
			for _, bad := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d bytes/bad signature %v", name, len(b), bad), func(t *testing.T) {
					h := newHost(t, &provider{start: start}, options{secrets: []webhook.Secret{secret}})
					signature := h.verifier.Sign(b)
					presented := signature
					if bad {
						presented = signature[1:] + signature[:1]
					}
					w := h.post(b, func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, presented) })
					everything := h.log.String() + w.Body.String() + fmt.Sprint(w.Header()) + fmt.Sprintf("%+v %+v", h.deliveries, h.drift)
					reported, err := json.Marshal(h.drift)
					require.NoError(t, err)
					everything += string(reported)
					require.NotContains(t, everything, marker)
					require.NotContains(t, everything, signature)
					require.NotContains(t, everything, presented)
				})
			}
		}
	}
}

func TestMounting(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/kombo", h.handler)
	mux.Handle("/any/", h.handler)
	mux.Handle("/stripped/", http.StripPrefix("/stripped/hooks", h.handler))
	mux.Handle("POST /tenants/{tenant}/kombo/{$}", h.handler)
	mux.Handle("POST example.com/host", h.handler)
	outer := http.NewServeMux()
	outer.Handle("/api/", http.StripPrefix("/api", mux))
	outer.Handle("/", mux)
	for _, path := range []string{
		"/hooks/kombo", "/hooks/kombo?x=y", "/any/", "/any/thing/at/all", "/stripped/hooks", "/stripped/hooks/", "/tenants/acme/kombo/", "/host", "/api/hooks/kombo",
	} {
		t.Run(path, func(t *testing.T) {
			body := orderBody(t)
			r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
			r.Header.Set(kombo.SignatureHeader, h.verifier.Sign(body))
			require.Equal(t, 200, serve(outer, r).Code)
		})
	}
	require.Equal(t, 405, serve(outer, httptest.NewRequest(http.MethodGet, "/hooks/kombo", nil)).Code)
}

func TestSilentHandler(t *testing.T) {
	h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
		c.Logger, c.Observer = nil, assessment.Observer{}
	}})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	require.Equal(t, 200, h.post([]byte(`{"type":"new"}`)).Code)
	require.Equal(t, 400, h.post([]byte(`{}`)).Code)
	require.Empty(t, h.log.String())
}

// The simulator judges the answers as Kombo does.
func TestHandlerAtTheSimulator(t *testing.T) {
	for name, tc := range map[string]struct {
		faults []kombotest.DeliveryFault
		want   kombotest.Outcome
		status int
		calls  int
	}{
		"plain":                     {nil, kombotest.Accepted, 200, 1},
		"thrice":                    {[]kombotest.DeliveryFault{kombotest.Duplicate(2)}, kombotest.Accepted, 200, 1},
		"thrice at once":            {[]kombotest.DeliveryFault{kombotest.DuplicateAtOnce(2)}, kombotest.Accepted, 200, 1},
		"late":                      {[]kombotest.DeliveryFault{kombotest.Late(time.Hour)}, kombotest.Accepted, 200, 1},
		"bad signature":             {[]kombotest.DeliveryFault{kombotest.BadSignature()}, kombotest.Failed, 401, 0},
		"missing signature":         {[]kombotest.DeliveryFault{kombotest.MissingSignature()}, kombotest.Failed, 401, 0},
		"padded signature":          {[]kombotest.DeliveryFault{kombotest.PaddedSignature()}, kombotest.Failed, 401, 0},
		"standard base64 signature": {[]kombotest.DeliveryFault{kombotest.StandardBase64Signature()}, kombotest.Failed, 401, 0},
		"old secret":                {[]kombotest.DeliveryFault{kombotest.OldSecret()}, kombotest.Failed, 401, 0},
		"unknown type":              {[]kombotest.DeliveryFault{kombotest.UnknownType("new")}, kombotest.Accepted, 200, 0},
		"unknown status":            {[]kombotest.DeliveryFault{kombotest.UnknownStatus("ON_HOLD")}, kombotest.Accepted, 200, 1},
		"unknown role":              {[]kombotest.DeliveryFault{kombotest.UnknownRole("BOSS")}, kombotest.Accepted, 200, 1},
		"oversized":                 {[]kombotest.DeliveryFault{kombotest.OversizedBody(2 << 20)}, kombotest.Failed, 413, 0},
		"large":                     {[]kombotest.DeliveryFault{kombotest.OversizedBody(1 << 20)}, kombotest.Accepted, 200, 1},
		"truncated":                 {[]kombotest.DeliveryFault{kombotest.TruncatedBody()}, kombotest.Failed, 400, 0},
		"legacy":                    {[]kombotest.DeliveryFault{kombotest.LegacyBody()}, kombotest.Failed, 400, 0},
		"absent fields": {[]kombotest.DeliveryFault{
			kombotest.AbsentFields("candidate.phone", "candidate.remote_id", "application.remote_id", "job.location", "job.hiring_team", "job.job_code"),
		}, kombotest.Accepted, 200, 1},
		"null fields": {[]kombotest.DeliveryFault{kombotest.NullFields("candidate.phone", "job.location", "application.remote_id", "job.name")}, kombotest.Accepted, 200, 1},
		"no id":       {[]kombotest.DeliveryFault{kombotest.AbsentFields("id")}, kombotest.Failed, 400, 0},
	} {
		for _, inline := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/inline %v", name, inline), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := kombotest.Start(t)
					h := newHost(t, &provider{}, options{})
					server.Target(h.handler)
					_, delivery, err := server.PlaceOrder(t.Context(), kombotest.OrderSpec{Inline: inline}, tc.faults...)
					require.NoError(t, err)
					require.Equal(t, tc.status, delivery.Status)
					if !inline || tc.calls > 0 || tc.status >= 400 {
						require.Equal(t, tc.want, delivery.Outcome, delivery.Reason)
					}
					require.Equal(t, tc.calls, h.provider.calls())
				})
			})
		}
	}
}
