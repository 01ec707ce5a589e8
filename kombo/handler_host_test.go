package kombo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// handOver is a delivery that ends in a function of the host's.
type handOver struct {
	body   []byte
	config func(c *kombo.WebhookConfig, fn func(context.Context) error)
}

func handOvers(t testing.TB) map[string]handOver {
	onEvent := func(c *kombo.WebhookConfig, fn func(context.Context) error) {
		c.OnEvent = func(ctx context.Context, _ kombo.Event) error { return fn(ctx) }
	}
	over := bytes.Replace(orderBody(t), []byte(`"OPEN"`), []byte(`"CANCELED"`), 1)
	return map[string]handOver{
		"Queue": {orderBody(t), func(c *kombo.WebhookConfig, fn func(context.Context) error) {
			c.Queue = func(ctx context.Context, _ assessment.Order) error { return fn(ctx) }
		}},
		"OnEvent":                        {[]byte(`{"id":"e","type":"integration-deleted","data":{"id":"lever:1"}}`), onEvent},
		"OnEvent, an order that is over": {over, onEvent},
	}
}

// A sender that hangs up while the host stores something must not undo it.
func TestSenderCannotCancelTheHost(t *testing.T) {
	for name, tc := range handOvers(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen error
				var bounded bool
				h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
					tc.config(c, func(ctx context.Context) error {
						_, bounded = ctx.Deadline()
						select {
						case <-time.After(500 * time.Millisecond):
						case <-ctx.Done():
						}
						seen = ctx.Err()
						return seen
					})
				}})
				ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer hangUp()
				w := h.post(tc.body, func(r *http.Request) { *r = *r.WithContext(ctx) })
				require.NoError(t, seen)
				require.True(t, bounded)
				require.Equal(t, 200, w.Code)
			})
		})
	}
}

// A function that never returns keeps nobody waiting beyond the intake's deadline.
func TestDeafHost(t *testing.T) {
	for name, tc := range handOvers(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
					tc.config(c, func(context.Context) error { <-time.After(time.Hour); return nil })
				}})
				began := time.Now()
				w := h.post(tc.body)
				require.Equal(t, 503, w.Code)
				require.NotEmpty(t, w.Header().Get("Retry-After"))
				require.Equal(t, assessment.DefaultDeadline, time.Since(began))
				require.ErrorContains(t, h.delivered(t).Err, strings.SplitN(name, ",", 2)[0])
				<-time.After(2 * time.Hour)
			})
		})
	}
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// Whatever a function of the host's does, Kombo gets an answer and may come again.
func TestHostMisbehaves(t *testing.T) {
	var none *nilError
	for name, tc := range handOvers(t) {
		for what, fn := range map[string]func(context.Context) error{
			"panics":                 func(context.Context) error { panic(marker) },
			"returns a nil pointer":  func(context.Context) error { return none },
			"fails":                  func(context.Context) error { return errors.New("disk full") },
			"rejects where it can't": func(context.Context) error { return assessment.Reject(marker) },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) { tc.config(c, fn) }})
				w := h.post(tc.body)
				require.Equal(t, 503, w.Code)
				require.Equal(t, "try again later\n", w.Body.String())
				require.Equal(t, assessment.DeliveryFault, h.delivered(t).Outcome)
				require.Equal(t, 1, strings.Count(h.log.String(), "level=ERROR"), h.log.String())
				require.NotContains(t, h.log.String(), marker)
			})
		}
	}
}

type contextKey struct{}

// A server that uses contexts again gives the host's functions one of their own.
func TestBaseContext(t *testing.T) {
	for name, tc := range handOvers(t) {
		t.Run(name, func(t *testing.T) {
			var seen any
			h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
				var err error
				c.Intake, err = assessment.NewIntake(assessment.IntakeConfig{
					Provider: &provider{}, Store: assessment.NewMemoryStore(0),
					BaseContext: func(context.Context) context.Context { return context.WithValue(t.Context(), contextKey{}, "own") },
				})
				require.NoError(t, err)
				tc.config(c, func(ctx context.Context) error { seen = ctx.Value(contextKey{}); return nil })
			}})
			foreign := context.WithValue(t.Context(), contextKey{}, "another request's")
			require.Equal(t, 200, h.post(tc.body, func(r *http.Request) { *r = *r.WithContext(foreign) }).Code)
			require.Equal(t, "own", seen)
		})
	}
}

// Who asked for the erasure wants the order gone: no rejection, no fault, no start.
func TestErasedOrder(t *testing.T) {
	for name, body := range map[string][]byte{"order": orderBody(t), "inline": inlineBody(t)} {
		t.Run(name, func(t *testing.T) {
			store := assessment.NewMemoryStore(0)
			h := newHost(t, &provider{}, options{store: store})
			require.Equal(t, 200, h.post(body).Code)
			require.NoError(t, store.Erase(t.Context(), documentedRef))
			for range 2 {
				w := h.post(body)
				require.Equal(t, 410, w.Code)
				require.Equal(t, `{"message":"erased"}`, w.Body.String())
			}
			require.Equal(t, 1, h.provider.calls())
			last := h.deliveries[2]
			require.Equal(t, assessment.DeliveryErased, last.Outcome)
			require.Equal(t, documentedRef, last.Order)
			require.NotContains(t, h.log.String(), "level=ERROR")
			require.Equal(t, 2, strings.Count(h.log.String(), "outcome=erased"))
		})
	}
}

// An unknown status starts the order, unless the host wants to look at it first.
func TestUnknownStatus(t *testing.T) {
	body := bytes.Replace(orderBody(t), []byte(`"OPEN"`), []byte(`"ON_HOLD"`), 1)
	for policy, starts := range map[assessment.UnknownStatus]int{assessment.UnknownStatusStarts: 1, assessment.UnknownStatusHeld: 0} {
		var events []kombo.Event
		p := &provider{}
		h := newHost(t, p, options{config: func(c *kombo.WebhookConfig) {
			var err error
			c.Intake, err = assessment.NewIntake(assessment.IntakeConfig{
				Provider: p, Store: assessment.NewMemoryStore(0), UnknownStatus: policy,
			})
			require.NoError(t, err)
			c.OnEvent = func(_ context.Context, e kombo.Event) error { events = append(events, e); return nil }
		}})
		require.Equal(t, 200, h.post(body).Code)
		require.Equal(t, starts, p.calls())
		require.Len(t, events, 1-starts)
		require.Equal(t, "ON_HOLD", h.drift[0].Value)
	}
}

// The order of 2024 had no event around it.
func TestUnwrappedOrder(t *testing.T) {
	var wrapped struct{ Data json.RawMessage }
	require.NoError(t, json.Unmarshal(orderBody(t), &wrapped))
	bare := []byte(wrapped.Data)

	h := newHost(t, &provider{}, options{})
	w := h.post(bare)
	require.Equal(t, 400, w.Code)
	require.Equal(t, "order without an event around it\n", w.Body.String())
	require.ErrorIs(t, h.delivered(t).Err, kombo.ErrUnwrappedOrder)

	accepting := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) { c.AcceptUnwrapped = true }})
	require.Equal(t, 200, accepting.post(bare).Code)
	want := documentedOrder("eu", documentedRef.Account, "workday")
	got := accepting.provider.orders[0]
	want.ReceivedAt, want.Raw = got.ReceivedAt, bare
	requireEqual(t, want, got)
	require.Equal(t, documentedRef, accepting.delivered(t).Order)
	requireEqual(t, []assessment.Drift{{
		Vendor: assessment.Kombo, Connection: "eu", Account: documentedRef.Account, Event: "assessment:order-received", Field: "type",
	}}, accepting.drift)
	// The same order in its event is the same order.
	require.Equal(t, 200, accepting.post(orderBody(t)).Code)
	require.Equal(t, 1, accepting.provider.calls())
	// Anything else without an event is still none.
	require.Equal(t, 400, accepting.post([]byte(`{"id":"x"}`)).Code)
}

func TestClientGivesConnection(t *testing.T) {
	client := newClient(t, play(answers(200, written)), func(c *kombo.Config) { c.Connection = "us" })
	h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) { c.Connection, c.Client = "", client }})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	require.Equal(t, "us", h.provider.orders[0].Ref.Connection)
	require.Equal(t, "us", h.delivered(t).Connection)

	_, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: h.intake, Verifier: h.verifier, Client: client, Connection: "eu"})
	require.ErrorContains(t, err, "connection")
	_, err = kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: h.intake, Verifier: &webhook.Verifier{}})
	require.ErrorIs(t, err, webhook.ErrNoVerifier)
}

// Which order it was is the first question of everybody who reads the log.
func TestOrderInTheReport(t *testing.T) {
	for name, tc := range map[string]struct {
		answer error
		config func(*kombo.WebhookConfig)
		status int
	}{
		"rejected": {assessment.Reject("no"), func(*kombo.WebhookConfig) {}, 422},
		"fault":    {errors.New("down"), func(*kombo.WebhookConfig) {}, 500},
		"queue": {nil, func(c *kombo.WebhookConfig) {
			c.Queue = func(context.Context, assessment.Order) error { return errors.New("down") }
		}, 503},
	} {
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, tc.answer
		}}, options{config: tc.config})
		require.Equal(t, tc.status, h.post(orderBody(t)).Code, name)
		d := h.delivered(t)
		require.Equal(t, documentedRef, d.Order, name)
		require.Equal(t, "/hooks/kombo", d.Path, name)
		require.Contains(t, h.log.String(), "order="+documentedRef.String()+" event=assessment:order-received", name)
	}
	h := newHost(t, &provider{}, options{})
	h.post(orderBody(t), func(r *http.Request) { r.Header.Del(kombo.SignatureHeader) })
	require.NotContains(t, h.log.String(), "order=", "nothing is known of what is not signed")
	require.NotContains(t, h.log.String(), "account=")
}
