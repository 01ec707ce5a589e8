package stackone_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// handOver is a delivery that ends in a function of the host's.
type handOver struct {
	body     string
	provider *provider
	config   func(c *stackone.WebhookConfig, fn func(context.Context) error)
}

const bareOrder = `{"event":"ats_assessments.created","account_id":"a","record_id":"bare"}`

func handOvers(t testing.TB) map[string]handOver {
	onEvent := func(c *stackone.WebhookConfig, fn func(context.Context) error) {
		c.OnEvent = func(ctx context.Context, _ stackone.Event) error { return fn(ctx) }
	}
	return map[string]handOver{
		"Queue": {string(orderBody(t)), &provider{}, func(c *stackone.WebhookConfig, fn func(context.Context) error) {
			c.Queue = func(ctx context.Context, _ assessment.Order) error { return fn(ctx) }
		}},
		"OnBareOrder": {bareOrder, &provider{}, func(c *stackone.WebhookConfig, fn func(context.Context) error) {
			c.OnBareOrder = func(ctx context.Context, _ assessment.Order) error { return fn(ctx) }
		}},
		"OnEvent":                        {`{"event":"account.created","account_id":"a"}`, &provider{}, onEvent},
		"OnEvent, an order that changed": {`{"event":"ats_assessments.deleted","account_id":"a","record_id":"r"}`, &provider{}, onEvent},
		"OnRejected": {string(orderBody(t)), rejecting(assessment.Reject("no")), func(c *stackone.WebhookConfig, fn func(context.Context) error) {
			c.OnRejected = func(ctx context.Context, _ assessment.Order, _ *assessment.Rejection) error { return fn(ctx) }
		}},
	}
}

// StackOne documents no redelivery: what a sender that hangs up takes along is lost.
func TestSenderCannotCancelTheHost(t *testing.T) {
	for name, tc := range handOvers(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen error
				var called, bounded bool
				h := newHost(t, tc.provider, func(c *stackone.WebhookConfig) {
					tc.config(c, func(ctx context.Context) error {
						called = true
						_, bounded = ctx.Deadline()
						select {
						case <-time.After(500 * time.Millisecond):
						case <-ctx.Done():
						}
						seen = ctx.Err()
						return seen
					})
				})
				ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer hangUp()
				w := h.post([]byte(tc.body), func(r *http.Request) { *r = *r.WithContext(ctx) })
				require.True(t, called)
				require.NoError(t, seen)
				require.True(t, bounded)
				require.Equal(t, 200, w.Code)
			})
		})
	}
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

const hostMarker = "jane.doe@example.com"

func TestHostMisbehaves(t *testing.T) {
	var none *nilError
	for name, tc := range handOvers(t) {
		for what, fn := range map[string]func(context.Context) error{
			"panics":                func(context.Context) error { panic(hostMarker) },
			"returns a nil pointer": func(context.Context) error { return none },
			"fails":                 func(context.Context) error { return errors.New("disk full") },
			"never returns":         func(context.Context) error { <-time.After(time.Hour); return nil },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHost(t, tc.provider, func(c *stackone.WebhookConfig) { tc.config(c, fn) })
					w := h.post([]byte(tc.body))
					require.Equal(t, 503, w.Code)
					require.Equal(t, "try again later\n", w.Body.String())
					require.Equal(t, assessment.DeliveryFault, h.last().Outcome)
					require.NotContains(t, h.log.String(), hostMarker)
					<-time.After(2 * time.Hour)
				})
			})
		}
	}
}

// DecodeOrder is the host's, too.
func TestDecodeOrderMisbehaves(t *testing.T) {
	for what, decode := range map[string]func(stackone.Event) (assessment.Order, error){
		"panics": func(stackone.Event) (assessment.Order, error) { panic(hostMarker) },
		"fails":  func(stackone.Event) (assessment.Order, error) { return assessment.Order{}, errors.New("new form") },
		"never returns": func(stackone.Event) (assessment.Order, error) {
			<-time.After(time.Hour)
			return assessment.Order{}, nil
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) { c.DecodeOrder = decode })
				w := h.post(orderBody(t))
				require.Equal(t, 503, w.Code)
				require.Equal(t, "c28xIQaWQ6b3JkZXItMQ", h.last().Order.ID, "the event names it")
				require.NotContains(t, h.log.String(), hostMarker)
				require.Zero(t, h.provider.calls())
				<-time.After(2 * time.Hour)
			})
		})
	}
}

type contextKey struct{}

func TestBaseContext(t *testing.T) {
	for name, tc := range handOvers(t) {
		t.Run(name, func(t *testing.T) {
			var seen any
			h := newHost(t, tc.provider, func(c *stackone.WebhookConfig) {
				var err error
				c.Intake, err = assessment.NewIntake(assessment.IntakeConfig{
					Provider: tc.provider, Store: assessment.NewMemoryStore(0),
					BaseContext: func(context.Context) context.Context { return context.WithValue(t.Context(), contextKey{}, "own") },
				})
				require.NoError(t, err)
				tc.config(c, func(ctx context.Context) error { seen = ctx.Value(contextKey{}); return nil })
			})
			foreign := context.WithValue(t.Context(), contextKey{}, "another request's")
			require.Equal(t, 200, h.post([]byte(tc.body), func(r *http.Request) { *r = *r.WithContext(foreign) }).Code)
			require.Equal(t, "own", seen)
		})
	}
}

// Only an order that names nothing but itself is bare.
func TestOnlyBareOrdersAreBare(t *testing.T) {
	for name, body := range map[string]string{
		"example":     string(orderBody(t)),
		"candidate":   `{"event":"ats_assessments.created","account_id":"a","record_id":"r","candidate_id":"c"}`,
		"application": `{"event":"ats_assessments.created","account_id":"a","record_id":"r","event_data":{"application":{"id":"p"}}}`,
		"job":         `{"event":"ats_assessments.created","account_id":"a","record_id":"r","event_data":{"job":{"remote_id":"j"}}}`,
		"package":     `{"event":"ats_assessments.created","account_id":"a","record_id":"r","event_data":{"package":{"id":"p"}}}`,
	} {
		h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
			c.OnBareOrder = func(context.Context, assessment.Order) error { t.Errorf("%s: not bare", name); return nil }
		})
		require.Equal(t, 200, h.post([]byte(body)).Code, name)
		require.Equal(t, 1, h.provider.calls(), name)
	}
}

func TestErasedOrder(t *testing.T) {
	store := assessment.NewMemoryStore(0)
	p := &provider{}
	h := newHost(t, p, func(c *stackone.WebhookConfig) {
		var err error
		c.Intake, err = assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: store})
		require.NoError(t, err)
	})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	require.NoError(t, store.Erase(t.Context(), h.last().Order))
	w := h.post(orderBody(t))
	require.Equal(t, 410, w.Code)
	require.Equal(t, `{"message":"erased"}`, w.Body.String())
	require.Equal(t, assessment.DeliveryErased, h.last().Outcome)
	require.Equal(t, 1, p.calls())
	require.NotContains(t, h.log.String(), "level=ERROR")
}

// A recording is as well signed as what was recorded.
func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // 2000-01-01T00:00:00Z
		sent := func(at string) []byte {
			return fmt.Appendf(nil, `{"event":"ats_assessments.created","account_id":"a","record_id":"r","candidate_id":"c","sent_at":%s}`, at)
		}
		for at, status := range map[string]int{
			`"2000-01-01T00:00:00Z"`: 200, `"1999-12-31T23:00:00.000Z"`: 200, `"2000-01-01T01:00:00Z"`: 200,
			`"1999-12-31T22:59:59Z"`: 401, `"2000-01-01T01:00:01Z"`: 401, `"1980-01-01T00:00:00Z"`: 401, `null`: 401, `"soon"`: 401, `""`: 401,
		} {
			h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) { c.MaxAge = time.Hour })
			w := h.post(sent(at))
			require.Equal(t, status, w.Code, at)
			if status == 200 {
				continue
			}
			require.Zero(t, h.provider.calls(), at)
			require.ErrorIs(t, h.last().Err, webhook.ErrStale)
			require.Equal(t, assessment.DeliveryRefused, h.last().Outcome)
			require.Equal(t, 200, newHost(t, &provider{}).post(sent(at)).Code, "off by default")
		}
	})
}

// Without a queue an order that fails may be gone; whoever sets that up should know.
func TestWithoutQueue(t *testing.T) {
	queue := func(context.Context, assessment.Order) error { return nil }
	for _, tc := range []struct {
		queue func(context.Context, assessment.Order) error
		warns int
	}{{nil, 1}, {queue, 0}} {
		h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) { c.Queue = tc.queue })
		require.Equal(t, tc.warns, strings.Count(h.log.String(), "level=WARN msg=\"webhook handler without a Queue"))
	}
}

func TestClientGivesConnection(t *testing.T) {
	client := newClient(t, play(answers(200, written)), func(c *stackone.Config) { c.Connection = "us" })
	h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) { c.Client, c.Publisher = client, client })
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	require.Equal(t, "us", h.last().Order.Connection)
	_, err := stackone.NewWebhookHandler(stackone.WebhookConfig{Intake: h.intake, Verifier: h.verifier, Client: client, Connection: "eu"})
	require.ErrorContains(t, err, "connection")
	_, err = stackone.NewPackagesHandler(stackone.PackagesConfig{Intake: h.intake, Verifier: h.verifier, Client: client, Connection: "eu"})
	require.ErrorContains(t, err, "connection")
	_, err = stackone.NewWebhookHandler(stackone.WebhookConfig{Intake: h.intake, Verifier: &webhook.Verifier{}})
	require.ErrorIs(t, err, webhook.ErrNoVerifier)
	_, err = stackone.NewWebhookHandler(stackone.WebhookConfig{Intake: h.intake, Verifier: h.verifier, MaxAge: -1})
	require.ErrorContains(t, err, "MaxAge")

	packages := newPackagesHost(t, func(c *stackone.PackagesConfig) { c.Client = client })
	require.Equal(t, 200, packages.ask(http.MethodPost, []byte(`{}`)).Code)
	require.Equal(t, "us", packages.queries[0].Connection)
}

// What the headers alone show to be wrong is refused before the body is read.
func TestPackagesCallerBeforeBody(t *testing.T) {
	key := func(c *stackone.PackagesConfig) { c.Verifier, c.BasicKeys = nil, []string{"key"} }
	for name, tc := range map[string]struct {
		config func(*stackone.PackagesConfig)
		change func(*http.Request)
		status int
	}{
		"no signature":   {func(*stackone.PackagesConfig) {}, func(r *http.Request) { r.Header.Del(stackone.SignatureHeader) }, 401},
		"malformed":      {func(*stackone.PackagesConfig) {}, func(r *http.Request) { r.Header.Set(stackone.SignatureHeader, "?") }, 401},
		"no key":         {key, func(*http.Request) {}, 401},
		"wrong key":      {key, basic("other"), 401},
		"compressed":     {key, func(r *http.Request) { basic("key")(r); r.Header.Set("Content-Encoding", "br") }, 415},
		"another method": {key, func(r *http.Request) { r.Method = http.MethodPut }, 405},
	} {
		h := newPackagesHost(t, tc.config)
		body := &untouched{}
		w := h.ask(http.MethodPost, nil, func(r *http.Request) {
			tc.change(r)
			r.Body, r.ContentLength = body, 100
		})
		require.Equal(t, tc.status, w.Code, name)
		require.False(t, body.read, name)
		require.Equal(t, "close", w.Header().Get("Connection"), name)
	}
}

// untouched is a body that nobody should read.
type untouched struct{ read bool }

func (u *untouched) Read([]byte) (int, error) { u.read = true; return 0, errors.New("read") }
func (*untouched) Close() error               { return nil }

func TestOrderInTheReport(t *testing.T) {
	for name, tc := range map[string]struct {
		answer error
		status int
	}{"rejected": {assessment.Reject("no"), 200}, "fault": {errors.New("down"), 500}} {
		h := newHost(t, rejecting(tc.answer), func(c *stackone.WebhookConfig) {
			c.OnRejected = func(context.Context, assessment.Order, *assessment.Rejection) error { return nil }
		})
		require.Equal(t, tc.status, h.post(orderBody(t)).Code, name)
		require.Equal(t, "c28xIQaWQ6b3JkZXItMQ", h.last().Order.ID, name)
		require.Equal(t, "/hooks/stackone", h.last().Path, name)
		require.Contains(t, h.log.String(), "order="+h.last().Order.String()+" event=ats_assessments.created", name)
	}
	var log bytes.Buffer
	h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	h.post(orderBody(t), func(r *http.Request) { r.Header.Del(stackone.SignatureHeader) })
	require.NotContains(t, log.String(), "order=")
}

func TestEatenBody(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"length known":   func(r *http.Request) { r.Body = http.NoBody },
		"length unknown": func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, -1 },
	} {
		h := newHost(t, &provider{})
		w := h.post(orderBody(t), change)
		require.Equal(t, 500, w.Code, name)
		require.ErrorIs(t, h.last().Err, webhook.ErrBodyConsumed, name)
	}
}
