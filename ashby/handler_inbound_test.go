package ashby_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

// untouched is a body of which every read is noted.
type untouched struct {
	*bytes.Reader
	read int
}

func (u *untouched) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.read += n
	return n, err
}
func (*untouched) Close() error { return nil }

// Nothing of a call is read before its key is known.
func TestKeyBeforeBody(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"no key":         {func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"wrong key":      {withKey("wrong", "wrong too"), 401},
		"key of a bot":   {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401},
		"endless key":    {withKey(strings.Repeat("x", 1<<20), ""), 401},
		"compressed":     {func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415},
		"another method": {func(r *http.Request) { r.Method = "PUT" }, 405},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
				authenticate := c.Authenticate
				c.Authenticate = func(ctx context.Context, key string) (string, error) { asked++; return authenticate(ctx, key) }
			}})
			body := &untouched{Reader: bytes.NewReader(minimal(t))}
			w := h.post("assessment.start", nil, func(r *http.Request) {
				r.Body, r.ContentLength = body, body.Size()
				tc.change(r)
			})
			require.Equal(t, tc.status, w.Code)
			require.Zero(t, body.read)
			require.Equal(t, "close", w.Header().Get("Connection"))
			require.Equal(t, name == "wrong key", asked > 0, "what is no key is not looked up")
		})
	}
}

// Keys are looked up in a store, whose connection must not die with the sender's.
func TestSenderCannotCancelAuthenticate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context) error {
			select {
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
			}
			return ctx.Err()
		}
		var seen []error
		h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
			c.Authenticate = func(ctx context.Context, _ string) (string, error) {
				seen = append(seen, slow(ctx))
				return account, nil
			}
			c.FieldsFor = func(ctx context.Context, _ string) ([]ashby.FieldSpec, error) {
				seen = append(seen, slow(ctx))
				return nil, nil
			}
		}})
		ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer hangUp()
		w := h.post("assessment.customField.list", nil, func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, 200, w.Code)
		require.Equal(t, []error{nil, nil}, seen)
	})
}

func TestErasedStart(t *testing.T) {
	store := assessment.NewMemoryStore(0)
	h := newHost(t, &provider{}, options{store: erasing{store}})
	w := h.post("assessment.start", minimal(t))
	require.Equal(t, 410, w.Code)
	require.Equal(t, `{"message":"erased"}`, w.Body.String())
	require.Equal(t, assessment.DeliveryErased, h.delivered(t).Outcome)
	require.Empty(t, h.provider.refs())
	require.NotContains(t, h.log.String(), "level=ERROR")
}

// erasing is a store in which the order was erased by somebody else's clock.
type erasing struct{ assessment.Store }

func (e erasing) Claim(_ context.Context, c assessment.Claim, _ time.Duration) (assessment.Claim, error) {
	c.Token, c.Answer = "", []byte(assessment.ErasedAnswer)
	return c, nil
}

// The id that the intake mints is in the report of whatever comes of it.
func TestOrderInTheReport(t *testing.T) {
	for name, tc := range map[string]struct {
		answer error
		status int
	}{"rejected": {assessment.Reject("no"), 422}, "running": {assessment.AlreadyRunning("no"), 409}, "fault": {errors.New("down"), 500}} {
		h := newHost(t, failsWith(tc.answer), options{})
		require.Equal(t, tc.status, h.post("assessment.start", minimal(t)).Code, name)
		require.Equal(t, h.provider.refs()[0], h.delivered(t).Order, name)
		require.Equal(t, "/ashby/assessment.start", h.delivered(t).Path, name)
		require.Contains(t, h.log.String(), "order="+h.provider.refs()[0].String()+" event=assessment.start", name)
	}
	h := newHost(t, &provider{}, options{})
	h.post("assessment.start", minimal(t), withKey("wrong", ""))
	require.NotContains(t, h.log.String(), "order=")
}

func TestClientGivesConnection(t *testing.T) {
	client := newClient(t, play(answers(200, written)), func(c *ashby.Config) { c.Connection = "eu" })
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) { c.Client = client }})
	require.Equal(t, 200, h.post("assessment.start", minimal(t)).Code)
	require.Equal(t, "eu", h.delivered(t).Order.Connection)

	r := newReceiver(t, func(c *ashby.WebhookConfig) { c.Client, c.Connection = client, "" })
	require.Equal(t, 200, r.sim.Deliver(t.Context(), r.sim.CandidateDeleteEvent(candidateID)).Status)
	require.Equal(t, "eu", r.deliveries[0].Connection)
	for _, c := range []ashby.WebhookConfig{
		{Verifier: r.verifier, Client: client, Connection: "us"}, {Verifier: r.verifier, Deadline: -1}, {Verifier: &webhook.Verifier{}},
	} {
		_, err := ashby.NewWebhookHandler(c)
		require.Error(t, err)
	}
}

// deleted posts the webhook of a deleted candidate.
func (r *receiver) deleted(changes ...func(*http.Request)) *httptest.ResponseRecorder {
	body := []byte(`{"webhookActionId":"w","action":"candidateDelete","data":{"candidate":{"id":"` + candidateID + `"}}}`)
	request := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	request.Header.Set(ashby.SignatureHeader, r.verifier.Sign(body))
	for _, change := range changes {
		change(request)
	}
	return serve(r.handler, request)
}

func TestSenderCannotCancelOnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen error
		r := newReceiver(t, func(c *ashby.WebhookConfig) {
			c.OnEvent = func(ctx context.Context, _ ashby.Event) error {
				select {
				case <-time.After(500 * time.Millisecond):
				case <-ctx.Done():
				}
				seen = ctx.Err()
				return seen
			}
		})
		ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer hangUp()
		require.Equal(t, 200, r.deleted(func(r *http.Request) { *r = *r.WithContext(ctx) }).Code)
		require.NoError(t, seen)
	})
}

func TestOnEventMisbehaves(t *testing.T) {
	for name, onEvent := range map[string]func(context.Context, ashby.Event) error{
		"panics":        func(context.Context, ashby.Event) error { panic(marker) },
		"never returns": func(context.Context, ashby.Event) error { <-time.After(time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, func(c *ashby.WebhookConfig) { c.OnEvent, c.Deadline = onEvent, 3*time.Second })
				began := time.Now()
				require.Equal(t, 503, r.deleted().Code)
				require.LessOrEqual(t, time.Since(began), 3*time.Second)
				require.NotContains(t, r.log.String(), marker)
				<-time.After(2 * time.Hour)
			})
		})
	}
}

type contextKey struct{}

func TestWebhookBaseContext(t *testing.T) {
	var seen any
	r := newReceiver(t, func(c *ashby.WebhookConfig) {
		c.OnEvent = func(ctx context.Context, _ ashby.Event) error { seen = ctx.Value(contextKey{}); return nil }
		c.BaseContext = func(context.Context) context.Context { return context.WithValue(t.Context(), contextKey{}, "own") }
	})
	foreign := context.WithValue(t.Context(), contextKey{}, "another request's")
	require.Equal(t, 200, r.deleted(func(r *http.Request) { *r = *r.WithContext(foreign) }).Code)
	require.Equal(t, "own", seen)
}

// An unsigned body costs no more than reading what a ping may be long.
func TestUnsignedWebhookIsHardlyRead(t *testing.T) {
	long := append([]byte(`{"action":"ping","data":{"x":"`), bytes.Repeat([]byte("x"), 1<<20)...)
	long = append(long, `"}}`...)
	for name, tc := range map[string]struct {
		signature string
		announced int64
		most      int
	}{
		"missing":            {"", int64(len(long)), 0},
		"missing, chunked":   {"", -1, 2 << 10},
		"malformed":          {"sha256=x", int64(len(long)), 0},
		"malformed, chunked": {"sha256=x", -1, 2 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			body := &untouched{Reader: bytes.NewReader(long)}
			w := r.deleted(func(r *http.Request) {
				r.Body, r.ContentLength = body, tc.announced
				r.Header.Set(ashby.SignatureHeader, tc.signature)
			})
			require.Equal(t, 400, w.Code, "not a 401, which ends the retries")
			require.LessOrEqual(t, body.read, tc.most)
			require.Equal(t, "close", w.Header().Get("Connection"))
		})
	}
	// Well-formed and wrong: it has to be read for its signature, and no more.
	r := newReceiver(t)
	require.Equal(t, 400, r.deleted(func(r *http.Request) { r.Body, r.ContentLength = &untouched{Reader: bytes.NewReader(long)}, -1 }).Code)
	require.NotContains(t, r.log.String(), "ping answered")
}

func TestWebhookRefusedByItsHeaders(t *testing.T) {
	r := newReceiver(t)
	require.Equal(t, 415, r.deleted(func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }).Code)
	for name, change := range map[string]func(*http.Request){
		"length known":   func(r *http.Request) { r.Body = http.NoBody },
		"length unknown": func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, -1 },
	} {
		require.Equal(t, 500, r.deleted(change).Code, name)
		require.ErrorIs(t, r.deliveries[len(r.deliveries)-1].Err, webhook.ErrBodyConsumed, name)
	}
}
