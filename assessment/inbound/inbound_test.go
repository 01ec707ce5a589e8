package inbound_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

var errHost = errors.New("the host's own words")

// desk is a handler of a vendor of the user's own, and what it reports.
type desk struct {
	*inbound.Handler
	log        bytes.Buffer
	deliveries []assessment.Delivery
	drift      []assessment.Drift
}

func newDesk(t testing.TB, options ...func(*inbound.Config)) *desk {
	t.Helper()
	d := &desk{}
	c := inbound.Config{
		Vendor: "acme", Connection: "eu", Logger: slog.New(slog.NewTextHandler(&d.log, nil)),
		Observer: assessment.Observer{
			Delivery: func(_ context.Context, v assessment.Delivery) { d.deliveries = append(d.deliveries, v) },
			Drift:    func(_ context.Context, v assessment.Drift) { d.drift = append(d.drift, v) },
		},
	}
	for _, set := range options {
		set(&c)
	}
	var err error
	d.Handler, err = inbound.New(c)
	require.NoError(t, err)
	return d
}

func (d *desk) answer(work func(*assessment.Delivery) inbound.Reply) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.Serve(w, httptest.NewRequest(http.MethodPost, "/hooks/acme?token=hush", nil), work)
	return w
}

func (d *desk) lines() []string { return strings.Split(strings.TrimSpace(d.log.String()), "\n") }

func TestNewRefuses(t *testing.T) {
	for _, c := range []inbound.Config{{}, {Vendor: "acme", MaxBody: -1}} {
		h, err := inbound.New(c)
		require.Error(t, err)
		require.Nil(t, h)
	}
}

func reject(no *assessment.Rejection) inbound.Reply {
	return inbound.Rejected(422, map[string]string{"why": no.Message}, no)
}

// Every answer of the intake has its status, and the recruiter is never told no
// unless the provider said so.
func TestReplies(t *testing.T) {
	var none *assessment.Rejection
	var invalid assessment.ValidationError
	invalid.Add("ref.id", "required")
	const later, internal = "try again later\n", "internal error\n"
	for _, c := range []struct {
		name        string
		reply       inbound.Reply
		status      int
		body, retry string
		outcome     assessment.DeliveryOutcome
		level       string
	}{
		{"ok", inbound.OK(assessment.DeliveryQueued), 200, "", "", assessment.DeliveryQueued, "INFO"},
		{"json", inbound.JSON(201, map[string]int{"a": 0}, assessment.DeliveryHandled), 201, `{"a":0}`, "", assessment.DeliveryHandled, "INFO"},
		{"no json", inbound.JSON(200, func() {}, assessment.DeliveryAccepted), 500, internal, "", assessment.DeliveryFault, "ERROR"},
		{"rejected", inbound.Failed(assessment.Reject("no"), reject), 422, `{"why":"no"}`, "", assessment.DeliveryRejected, "INFO"},
		{"rejected and wrapped", inbound.Failed(fmt.Errorf("x: %w", assessment.Reject("no")), reject), 422, `{"why":"no"}`, "", assessment.DeliveryRejected, "INFO"},
		{"rejected by nobody", inbound.Failed(none, reject), 500, internal, "", assessment.DeliveryFault, "ERROR"},
		{"fault that holds a rejection", inbound.Failed(fmt.Errorf("%w: %w", assessment.ErrFault, assessment.Reject("no")), reject), 500, internal, "", assessment.DeliveryFault, "ERROR"},
		{"erased", inbound.Failed(fmt.Errorf("%w: o", assessment.ErrErased), reject), 410, `{"message":"erased"}`, "", assessment.DeliveryErased, "INFO"},
		{"no order", inbound.Failed(&invalid, reject), 400, "not an order\n", "", assessment.DeliveryRefused, "WARN"},
		{"fault that holds a validation error", inbound.Failed(fmt.Errorf("%w: %w", assessment.ErrFault, &invalid), reject), 500, internal, "", assessment.DeliveryFault, "ERROR"},
		{"in progress", inbound.Failed(assessment.ErrInProgress, reject), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"draining", inbound.Failed(assessment.ErrDraining, reject), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"busy", inbound.Failed(assessment.ErrBusy, reject), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"store", inbound.Failed(assessment.ErrStore, reject), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"unreadable", inbound.Failed(assessment.ErrUnreadable, reject), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"provider failed", inbound.Fault(fmt.Errorf("%w: %w", assessment.ErrFault, errHost)), 500, internal, "", assessment.DeliveryFault, "ERROR"},
		{"unknown fault", inbound.Fault(errHost), 500, internal, "", assessment.DeliveryFault, "ERROR"},
		{"rate limited", inbound.Fault(&assessment.APIError{StatusCode: 429, RetryAfter: 90*time.Second + 1}), 503, later, "91", assessment.DeliveryFault, "ERROR"},
		{"later", inbound.Later(errHost, 0), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"given", inbound.Given(nil, assessment.DeliveryQueued), 200, "", "", assessment.DeliveryQueued, "INFO"},
		{"not given", inbound.Given(errHost, assessment.DeliveryQueued), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"not given, because it was erased", inbound.Given(fmt.Errorf("queue: %w", assessment.ErrErased), assessment.DeliveryQueued), 410, `{"message":"erased"}`, "", assessment.DeliveryErased, "INFO"},
		{"fault of the host's that tells of an erasure", inbound.Given(fmt.Errorf("%w: %w", assessment.ErrFault, assessment.ErrErased), assessment.DeliveryQueued), 503, later, "5", assessment.DeliveryFault, "ERROR"},
		{"refused", inbound.Refuse("not an event", errHost), 400, "not an event\n", "", assessment.DeliveryRefused, "WARN"},
		{"no key", inbound.Unauthorized(inbound.ErrNoKey), 401, "not authorized\n", "", assessment.DeliveryRefused, "WARN"},
		{"unsigned", inbound.Unreceived(webhook.ErrNoSignature), 401, "signature missing\n", "", assessment.DeliveryRefused, "WARN"},
		{"compressed", inbound.Unreceived(webhook.ErrEncoding), 415, "content encoding not supported\n", "", assessment.DeliveryRefused, "WARN"},
		{"eaten", inbound.Unreceived(webhook.ErrBodyConsumed), 500, internal, "", assessment.DeliveryFault, "ERROR"},
		{"flooded", inbound.Unreceived(webhook.ErrOverBudget), 503, later, "5", assessment.DeliveryFault, "WARN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			w := d.answer(func(d *assessment.Delivery) inbound.Reply {
				d.Event = "order"
				return c.reply
			})
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.body, w.Body.String())
			require.Equal(t, c.retry, w.Header().Get("Retry-After"))
			require.Len(t, d.deliveries, 1)
			seen := d.deliveries[0]
			require.True(t, c.reply.Err == seen.Err)
			seen.Err, seen.Duration = nil, 0
			require.Empty(t, cmp.Diff(assessment.Delivery{
				Vendor: "acme", Connection: "eu", Path: "/hooks/acme", Event: "order", Outcome: c.outcome, StatusCode: c.status,
			}, seen))
			require.Len(t, d.lines(), 1, "one line per delivery")
			require.Contains(t, d.log.String(), "level="+c.level+" msg=delivery vendor=acme connection=eu event=order path=/hooks/acme outcome="+string(c.outcome))
			require.NotContains(t, d.log.String(), "hush", "the query may hold a secret")
		})
	}
}

// The text of a rejection may be about the candidate; the log has its class.
func TestRejectionInTheLog(t *testing.T) {
	for reason, no := range map[string]error{"rejected": assessment.Reject("Jane is ill"), "already_running": assessment.AlreadyRunning("Jane sits it")} {
		d := newDesk(t)
		w := d.answer(func(*assessment.Delivery) inbound.Reply { return inbound.Failed(no, reject) })
		require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
		require.Contains(t, w.Body.String(), "Jane")
		require.NotContains(t, d.log.String(), "Jane")
		require.Contains(t, d.log.String(), "reason="+reason)
		require.NoError(t, d.deliveries[0].Err)
	}
}

// What the intake has written to the log is not written there again.
func TestFaultIsLoggedOnce(t *testing.T) {
	d := newDesk(t)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: failing{}, Store: assessment.NewMemoryStore(0), Logger: d.Logger(),
	})
	require.NoError(t, err)
	order := assessment.Order{Ref: assessment.OrderRef{Vendor: "acme", Connection: "eu", Account: "a", ID: "o-1"}}
	w := d.answer(func(v *assessment.Delivery) inbound.Reply {
		v.Account, v.Order = "a", order.Ref
		_, err := intake.Start(t.Context(), order)
		return inbound.Failed(err, reject)
	})
	require.Equal(t, 500, w.Code)
	require.ErrorIs(t, d.deliveries[0].Err, errHost)
	require.Equal(t, 1, strings.Count(d.log.String(), errHost.Error()), d.log.String())
	require.Equal(t, 1, strings.Count(d.log.String(), "level=ERROR"))
	last := d.lines()[len(d.lines())-1]
	require.Contains(t, last, "level=INFO msg=delivery")
	require.Contains(t, last, "order=acme/eu//a/o-1 path=/hooks/acme outcome=fault status=500")
}

type failing struct{ assessment.Provider }

func (failing) StartOrder(context.Context, assessment.Order) (assessment.Started, error) {
	return assessment.Started{}, errHost
}

// A panic of the host's: the sender comes again, the report is made, and what it
// panicked with stays out of the log.
func TestPanic(t *testing.T) {
	for name, work := range map[string]func(d *desk) inbound.Reply{
		"in the work": func(*desk) inbound.Reply { panic("jane@example.com") },
		"in a function of the host's": func(d *desk) inbound.Reply {
			err := d.Do(t.Context(), "Queue", func(context.Context) error { panic("jane@example.com") })
			return inbound.Fault(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			w := d.answer(func(*assessment.Delivery) inbound.Reply { return work(d) })
			require.Equal(t, 500, w.Code)
			require.Equal(t, "internal error\n", w.Body.String())
			require.Len(t, d.deliveries, 1)
			require.Equal(t, assessment.DeliveryFault, d.deliveries[0].Outcome)
			require.ErrorIs(t, d.deliveries[0].Err, inbound.ErrPanic)
			require.Contains(t, d.log.String(), "TestPanic", "the stack")
			require.Equal(t, 1, strings.Count(d.log.String(), "level=ERROR"), "once")
			require.NotContains(t, d.log.String(), "jane")
		})
	}
	d := newDesk(t)
	abort := func(*assessment.Delivery) inbound.Reply { panic(http.ErrAbortHandler) }
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { d.answer(abort) })
	inCall := func(*assessment.Delivery) inbound.Reply {
		return inbound.Fault(d.Do(t.Context(), "Queue", func(context.Context) error { panic(http.ErrAbortHandler) }))
	}
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { d.answer(inCall) })
	require.Empty(t, d.log.String())
}

func TestObserverPanics(t *testing.T) {
	d := newDesk(t, func(c *inbound.Config) {
		c.Observer.Delivery = func(context.Context, assessment.Delivery) { panic("jane@example.com") }
		c.Observer.Drift = func(context.Context, assessment.Drift) { panic("jane@example.com") }
	})
	w := d.answer(func(*assessment.Delivery) inbound.Reply {
		d.Drift(t.Context(), []assessment.Drift{{Field: "type"}})
		return inbound.OK(assessment.DeliveryAccepted)
	})
	require.Equal(t, 200, w.Code)
	require.Contains(t, d.log.String(), "outcome=accepted")
	require.NotContains(t, d.log.String(), "jane")
}

func TestCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		ctx, cancel := inbound.HostContext(t.Context(), nil, 10*time.Second)
		defer cancel()
		got, err := inbound.Call(ctx, d.Handler, "ask", func(ctx context.Context) (int, error) { return 7, ctx.Err() })
		require.NoError(t, err)
		require.Equal(t, 7, got)
		require.ErrorIs(t, d.Do(ctx, "ask", func(context.Context) error { return errHost }), errHost)

		began := time.Now()
		_, err = inbound.Call(ctx, d.Handler, "ask", func(context.Context) (int, error) {
			<-time.After(time.Minute) // deaf to its context
			return 7, nil
		})
		require.ErrorIs(t, err, assessment.ErrInProgress)
		require.ErrorContains(t, err, "ask")
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, 503, inbound.Fault(err).Status)
		<-time.After(time.Hour)
	})
}

type valueKey struct{}

func TestHostContext(t *testing.T) {
	request, hangUp := context.WithCancel(context.WithValue(t.Context(), valueKey{}, "request"))
	defer hangUp()
	for name, c := range map[string]struct {
		base func(context.Context) context.Context
		want any
	}{
		"none":    {nil, "request"},
		"own":     {func(context.Context) context.Context { return context.WithValue(t.Context(), valueKey{}, "base") }, "base"},
		"request": {func(ctx context.Context) context.Context { return ctx }, "request"},
		"nil":     {func(context.Context) context.Context { return nil }, nil},
	} {
		ctx, cancel := inbound.HostContext(request, c.base, time.Minute)
		defer cancel()
		hangUp()
		require.NoError(t, ctx.Err(), name)
		require.Equal(t, c.want, ctx.Value(valueKey{}), name)
		_, bounded := ctx.Deadline()
		require.True(t, bounded, name)
	}
}

func TestSigned(t *testing.T) {
	v, err := webhook.NewVerifier(webhook.Scheme{Header: "X-Signature", Encoding: webhook.Hex}, webhook.Secret{ID: "s1", Key: "k"})
	require.NoError(t, err)
	d := newDesk(t, func(c *inbound.Config) { c.MaxBody = 10 })
	post := func(body string, change func(*http.Request)) (seen assessment.Delivery, status int) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Signature", v.Sign([]byte(body)))
		change(r)
		_, reply, ok := d.Signed(v, httptest.NewRecorder(), r, &seen)
		require.Equal(t, ok, reply.Status == 0)
		return seen, reply.Status
	}
	seen, status := post("{}", func(*http.Request) {})
	require.Zero(t, status)
	require.Equal(t, "s1", seen.SecretID)
	for want, change := range map[int]func(*http.Request){
		405: func(r *http.Request) { r.Method = http.MethodGet },
		415: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
		401: func(r *http.Request) { r.Header.Set("X-Signature", "?") },
	} {
		seen, status = post("{}", change)
		require.Equal(t, want, status)
		require.Empty(t, seen.SecretID)
	}
	_, status = post("more than ten", func(*http.Request) {})
	require.Equal(t, 413, status)
}

func TestKeyed(t *testing.T) {
	keys, err := inbound.NewKeys(webhook.Secret{ID: "old", Key: "key-1"}, webhook.Secret{ID: "new", Key: "key-2"})
	require.NoError(t, err)
	d := newDesk(t, func(c *inbound.Config) { c.MaxBody = 10 })
	read := 0
	post := func(body, authorization string) (*httptest.ResponseRecorder, assessment.Delivery, int) {
		var seen assessment.Delivery
		r := httptest.NewRequest(http.MethodPost, "/", &counted{strings.NewReader(body), &read})
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		got, reply, ok := d.Keyed(keys, w, r, &seen)
		if ok {
			require.Equal(t, body, string(got))
		}
		return w, seen, reply.Status
	}
	_, seen, status := post("{}", "Bearer key-2")
	require.Zero(t, status)
	require.Equal(t, "new", seen.SecretID)
	_, seen, status = post("{}", "Basic a2V5LTE6") // key-1:
	require.Zero(t, status)
	require.Equal(t, "old", seen.SecretID)
	_, _, status = post("more than ten", "Bearer key-2")
	require.Equal(t, 413, status)

	read = 0
	w, seen, status := post("{}", "Bearer key-3")
	require.Equal(t, 401, status)
	require.Zero(t, read, "nothing is read of who is not known")
	require.Empty(t, seen.SecretID)
	require.Contains(t, w.Header().Get("WWW-Authenticate"), "Basic")
}

type counted struct {
	*strings.Reader
	read *int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.read += n
	return n, err
}

// A vendor that changes a field is heard of at once, and then once an hour.
func TestDriftInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		status := assessment.Drift{Account: "a", Event: "order", Field: "status", Value: "PAUSED"}
		other := status
		other.Value = "HELD"
		for range 5 {
			d.Drift(t.Context(), []assessment.Drift{status, other})
			status.Account += "a" // whoever's order it was
		}
		require.Len(t, d.drift, 10, "the observer hears of each")
		require.Equal(t, "acme", string(d.drift[0].Vendor))
		require.Equal(t, "eu", d.drift[0].Connection)
		require.Len(t, d.lines(), 2)
		require.Contains(t, d.lines()[0], "level=WARN msg=drift vendor=acme connection=eu account=a event=order field=status value=PAUSED")
		<-time.After(time.Hour)
		d.Drift(t.Context(), []assessment.Drift{status})
		require.Len(t, d.lines(), 3)
	})
}

// However many kinds there are, only so many are remembered.
func TestDriftIsBounded(t *testing.T) {
	d := newDesk(t, func(c *inbound.Config) { c.Observer = assessment.Observer{} })
	for i := range 3000 {
		d.Drift(t.Context(), []assessment.Drift{{Field: fmt.Sprint(i)}})
	}
	d.Drift(t.Context(), []assessment.Drift{{Field: "2999"}})
	require.Len(t, d.lines(), 3000)
}

func TestTaken(t *testing.T) {
	require.Equal(t, assessment.DeliveryAccepted, inbound.Taken(assessment.Accepted{}))
	require.Equal(t, assessment.DeliveryReplayed, inbound.Taken(assessment.Accepted{Replayed: true}))
}

type connected string

func (c connected) Connection() string { return string(c) }

func TestConnection(t *testing.T) {
	for _, given := range []string{"", "eu"} {
		got, err := inbound.Connection(given, connected("eu"))
		require.NoError(t, err)
		require.Equal(t, "eu", got)
	}
	_, err := inbound.Connection("us", connected("eu"))
	require.Error(t, err)
	_, err = inbound.Connection("us", connected(""))
	require.Error(t, err)
}

func TestListed(t *testing.T) {
	d := newDesk(t)
	listed := d.Listed(t.Context(), "a", []assessment.Package{
		{ID: "a", Name: "A"}, {ID: "", Name: "B"}, {ID: "c"}, {ID: "a", Name: "again"}, {ID: "d", Name: "\u200b \t"},
		{ID: "e\u200b", Name: "E"}, {ID: "f\x7f", Name: "F"}, {ID: "g\n", Name: "G"}, {ID: " h", Name: "H"}, {ID: "\xff", Name: "I"},
		{ID: "j k", Name: "A"}, {ID: "ключ", Name: "K"},
	})
	var ids []string
	for _, p := range listed {
		ids = append(ids, p.ID)
	}
	require.Equal(t, []string{"a", "j k", "ключ"}, ids)
	require.Len(t, d.lines(), 9)
	require.Contains(t, d.lines()[0], "level=WARN msg=\"package not listed\" vendor=acme connection=eu account=a index=1 reason=\"no id\"")
}

// What no vendor's database takes must not spoil the list, and the host's own
// packages stay as they are.
func TestListedTexts(t *testing.T) {
	own := []assessment.Package{
		{ID: "a", RemoteID: "r\x00", Name: "caf\xc3", Description: "a\x00b", Tests: []assessment.Test{{ID: "t\x00", Name: "T"}, {Name: "U", Description: "\xff"}}},
		{ID: "b", Name: "\x00"},
	}
	listed := newDesk(t).Listed(t.Context(), "a", own)
	require.Equal(t, []assessment.Package{
		{ID: "a", RemoteID: "r", Name: "caf\ufffd", Description: "ab", Tests: []assessment.Test{{ID: "t", Name: "T"}, {Name: "U", Description: "\ufffd"}}},
	}, listed)
	require.Equal(t, "caf\xc3", own[0].Name)
	require.Equal(t, "t\x00", own[0].Tests[0].ID)
}

// What was not made with New answers, and never panics.
func TestZeroHandler(t *testing.T) {
	var none *inbound.Handler
	for _, h := range []*inbound.Handler{none, {}} {
		w := httptest.NewRecorder()
		h.Serve(w, httptest.NewRequest(http.MethodPost, "/", nil), func(*assessment.Delivery) inbound.Reply {
			t.Error("called")
			return inbound.OK(assessment.DeliveryHandled)
		})
		require.Equal(t, 500, w.Code)
		h.Drift(t.Context(), []assessment.Drift{{Field: "x"}})
		require.NotNil(t, h.Logger())
		require.ErrorIs(t, h.Do(t.Context(), "x", func(context.Context) error { return errHost }), errHost)
	}
	for _, h := range []http.Handler{&kombo.WebhookHandler{}, &stackone.WebhookHandler{}, &stackone.PackagesHandler{}, &ashby.Handler{}, &ashby.WebhookHandler{}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/assessment.list", nil))
		require.Equal(t, 500, w.Code, "%T", h)
	}
}

// Anybody may send any path, and a server may use its memory again.
func TestPath(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/hooks/acme", "/" + strings.Repeat("é", 10_000)} {
		r := httptest.NewRequest(http.MethodPost, "/?token=hush", nil)
		r.URL.Path = path
		d.Serve(httptest.NewRecorder(), r, func(*assessment.Delivery) inbound.Reply { return inbound.OK(assessment.DeliveryHandled) })
	}
	require.Equal(t, "/hooks/acme", d.deliveries[0].Path)
	require.LessOrEqual(t, len(d.deliveries[1].Path), 260)
	require.True(t, utf8.ValidString(d.deliveries[1].Path))
	require.NotContains(t, d.log.String(), "hush")
}

// A vendor of the host's own may answer no without a rejection at hand.
func TestReasonOfNothing(t *testing.T) {
	require.Equal(t, "rejected", inbound.ReasonOf(nil))
	require.Equal(t, "rejected", inbound.Rejected(422, "no", nil).Reason)
}
