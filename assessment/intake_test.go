package assessment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// intakeProvider is a host that remembers what it was asked.
type intakeProvider struct {
	start  func(context.Context, assessment.Order) (assessment.Started, error) // nil: intakeStarted
	cancel func(context.Context, assessment.OrderRef) error
	list   func(context.Context, assessment.PackageQuery) ([]assessment.Package, error)

	mu      sync.Mutex
	started []assessment.Order
	ended   []assessment.OrderRef
}

func (p *intakeProvider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	p.mu.Lock()
	p.started = append(p.started, o)
	p.mu.Unlock()
	if p.start == nil {
		return intakeStarted(o), nil
	}
	return p.start(ctx, o)
}

func (p *intakeProvider) CancelOrder(ctx context.Context, ref assessment.OrderRef) error {
	p.mu.Lock()
	p.ended = append(p.ended, ref)
	p.mu.Unlock()
	if p.cancel == nil {
		return nil
	}
	return p.cancel(ctx, ref)
}

func (p *intakeProvider) Packages(ctx context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	if p.list == nil {
		return nil, nil
	}
	return p.list(ctx, q)
}

// refs returns what was started, in order.
func (p *intakeProvider) refs() []assessment.OrderRef {
	p.mu.Lock()
	defer p.mu.Unlock()
	var refs []assessment.OrderRef
	for _, o := range p.started {
		refs = append(refs, o.Ref)
	}
	return refs
}

func (p *intakeProvider) calls() int { return len(p.refs()) }

func (p *intakeProvider) cancelled() []assessment.OrderRef {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]assessment.OrderRef(nil), p.ended...)
}

// intakeStarted is an answer that nobody can mistake for another order's.
func intakeStarted(o assessment.Order) assessment.Started {
	return assessment.Started{
		CandidateURL: "https://tests.example.com/take/" + o.Ref.ID,
		ReportURL:    "https://tests.example.com/report/" + o.Ref.ID,
		Update:       &assessment.Result{Status: assessment.StatusOpen, Score: assessment.ScoreOutOf(0, 100)},
	}
}

// intakeSlow is a provider's StartOrder that takes its time and does not look
// at its context.
func intakeSlow(d time.Duration) func(context.Context, assessment.Order) (assessment.Started, error) {
	return func(_ context.Context, o assessment.Order) (assessment.Started, error) {
		intakePass(d)
		return intakeStarted(o), nil
	}
}

// intakePass lets time pass in a synctest bubble.
func intakePass(d time.Duration) { <-time.After(d) }

// intakeStore breaks the store under it as long as its hook returns an error.
type intakeStore struct {
	assessment.Store
	fail func(method string) error
}

func (s *intakeStore) Claim(ctx context.Context, c assessment.Claim, lease time.Duration) (assessment.Claim, error) {
	if err := s.fail("Claim"); err != nil {
		return assessment.Claim{}, err
	}
	return s.Store.Claim(ctx, c, lease)
}

func (s *intakeStore) Answer(ctx context.Context, c assessment.Claim) error {
	if err := s.fail("Answer"); err != nil {
		return err
	}
	return s.Store.Answer(ctx, c)
}

func (s *intakeStore) Expire(ctx context.Context, c assessment.Claim) error {
	if err := s.fail("Expire"); err != nil {
		return err
	}
	return s.Store.Expire(ctx, c)
}

func (s *intakeStore) Forget(ctx context.Context, ref assessment.OrderRef) error {
	if err := s.fail("Forget"); err != nil {
		return err
	}
	return s.Store.Forget(ctx, ref)
}

var errIntakeDown = errors.New("connection refused")

// intakeFailing is a store whose named methods fail until up is closed; nil
// never is.
func intakeFailing(s assessment.Store, up <-chan struct{}, methods ...string) *intakeStore {
	return &intakeStore{Store: s, fail: func(method string) error {
		select {
		case <-up:
			return nil
		default:
		}
		for _, m := range methods {
			if m == method {
				return errIntakeDown
			}
		}
		return nil
	}}
}

// intakeOf returns an intake with the default times: 10 s, 13 s, 1 min.
func intakeOf(t *testing.T, p assessment.Provider, s assessment.Store, edit ...func(*assessment.IntakeConfig)) *assessment.Intake {
	t.Helper()
	c := assessment.IntakeConfig{Provider: p, Store: s}
	for _, e := range edit {
		e(&c)
	}
	in, err := assessment.NewIntake(c)
	require.NoError(t, err)
	return in
}

func intakeLogTo(w *intakeLog) func(*assessment.IntakeConfig) {
	return func(c *assessment.IntakeConfig) { c.Logger = slog.New(slog.NewJSONHandler(w, nil)) }
}

// intakeLog is a log that can be read while it is written.
type intakeLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *intakeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *intakeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// intakeOrder is an order with a vendor's id.
func intakeOrder(id string) assessment.Order {
	return assessment.Order{
		Ref:       assessment.OrderRef{Vendor: assessment.Kombo, Account: "workday:acme", ID: id},
		Package:   assessment.Package{ID: "p1"},
		Candidate: assessment.Candidate{RemoteID: "c1", FirstName: "Jane", LastName: "Doe", Email: "jane@example.com"},
	}
}

// intakeMinted is an order whose id the intake mints.
func intakeMinted(application string) assessment.Order {
	o := intakeOrder("")
	o.Ref.Vendor, o.Ref.Account = assessment.Ashby, "acme"
	o.Application.RemoteID = application
	o.Dedupe = []string{"application", application, o.Package.ID}
	return o
}

// intakeBothKinds runs a test for an order of either kind, on virtual time.
func intakeBothKinds(t *testing.T, test func(t *testing.T, o assessment.Order)) {
	for name, o := range map[string]assessment.Order{"vendor's id": intakeOrder("o1"), "minted id": intakeMinted("a1")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, o) })
		})
	}
}

// intakeReply is what one delivery got.
type intakeReply struct {
	accepted assessment.Accepted
	err      error
	took     time.Duration
}

// intakeDeliver delivers the order without waiting for the reply.
func intakeDeliver(ctx context.Context, in *assessment.Intake, o assessment.Order) <-chan intakeReply {
	reply := make(chan intakeReply, 1)
	go func() {
		began := time.Now()
		a, err := in.Start(ctx, o)
		reply <- intakeReply{a, err, time.Since(began)}
	}()
	return reply
}

// intakeBytes is what a peer can see of an answer: all but Replayed.
func intakeBytes(t *testing.T, a assessment.Accepted) string {
	t.Helper()
	a.Replayed = false
	text, err := json.Marshal(a)
	require.NoError(t, err)
	return string(text)
}

// intakeAccepts delivers the order and requires that it is taken.
func intakeAccepts(t *testing.T, in *assessment.Intake, o assessment.Order) assessment.Accepted {
	t.Helper()
	a, err := in.Start(t.Context(), o)
	require.NoError(t, err)
	return a
}

// intakeBusy requires a refusal after which the sender comes again.
func intakeBusy(t *testing.T, err, want error) {
	t.Helper()
	require.ErrorIs(t, err, want)
	after, ok := assessment.Retryable(err)
	require.True(t, ok)
	require.Positive(t, after)
	var no *assessment.Rejection
	require.False(t, errors.As(err, &no), "a temporary refusal must not look like a rejection")
}

func TestNewIntakeRefuses(t *testing.T) {
	good := func() assessment.IntakeConfig {
		return assessment.IntakeConfig{Provider: &intakeProvider{}, Store: assessment.NewMemoryStore(0)}
	}
	tests := map[string]struct {
		edit func(*assessment.IntakeConfig)
		ok   bool
	}{
		"nothing":                    {func(*assessment.IntakeConfig) {}, true},
		"no provider":                {func(c *assessment.IntakeConfig) { c.Provider = nil }, false},
		"no store":                   {func(c *assessment.IntakeConfig) { c.Store = nil }, false},
		"negative deadline":          {func(c *assessment.IntakeConfig) { c.Deadline = -1 }, false},
		"negative inline deadline":   {func(c *assessment.IntakeConfig) { c.InlineDeadline = -1 }, false},
		"negative lease":             {func(c *assessment.IntakeConfig) { c.Lease = -1 }, false},
		"lease of the deadline":      {func(c *assessment.IntakeConfig) { c.Deadline = time.Minute }, false},
		"lease below the inline one": {func(c *assessment.IntakeConfig) { c.InlineDeadline = time.Hour }, false},
		"short lease":                {func(c *assessment.IntakeConfig) { c.Lease = 13 * time.Second }, false},
		"longer lease":               {func(c *assessment.IntakeConfig) { c.Lease = 13*time.Second + 1 }, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := good()
			test.edit(&c)
			in, err := assessment.NewIntake(c)
			require.Equal(t, test.ok, err == nil, "%v", err)
			require.Equal(t, test.ok, in != nil)
		})
	}
}

func TestIntakeFirstDelivery(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		o.ReceivedAt, o.Raw = time.Now(), []byte("signed")
		got := intakeAccepts(t, in, o)

		want := o
		want.Ref = got.Ref
		require.Len(t, p.started, 1)
		require.Empty(t, cmp.Diff(want, p.started[0], cmp.AllowUnexported(time.Time{})), "the order must reach the provider whole")
		require.Empty(t, cmp.Diff(assessment.Accepted{Ref: got.Ref, Started: intakeStarted(want), At: time.Now().UTC()}, got))
		require.Equal(t, o.Ref.Account, got.Ref.Account)
		if o.Ref.ID != "" {
			require.Equal(t, o.Ref, got.Ref)
		} else {
			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, got.Ref.ID)
		}
	})
}

type intakeKey struct{}

func TestIntakeContextOfTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deadlines := make(map[bool]time.Duration)
		p := &intakeProvider{}
		p.start = func(ctx context.Context, o assessment.Order) (assessment.Started, error) {
			if ctx.Value(intakeKey{}) != "the sender's" {
				return assessment.Started{}, errors.New("value lost")
			}
			until, ok := ctx.Deadline()
			if !ok {
				return assessment.Started{}, errors.New("no deadline")
			}
			deadlines[o.Inline] = time.Until(until)
			return intakeStarted(o), nil
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		ctx := context.WithValue(t.Context(), intakeKey{}, "the sender's")
		_, err := in.Start(ctx, intakeOrder("o1"))
		require.NoError(t, err)
		inline := intakeOrder("o2")
		inline.Inline = true
		_, err = in.Start(ctx, inline)
		require.NoError(t, err)
		require.Equal(t, map[bool]time.Duration{
			false: assessment.DefaultDeadline, true: assessment.DefaultInlineDeadline,
		}, deadlines)
	})
}

// A sender that hangs up must not abort a start that has begun: the invitation
// may be out already.
func TestIntakeSenderHangsUp(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		var ended error
		p := &intakeProvider{}
		p.start = func(ctx context.Context, o assessment.Order) (assessment.Started, error) {
			intakePass(3 * time.Second)
			ended = ctx.Err()
			return intakeStarted(o), nil
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		ctx, hangUp := context.WithCancel(t.Context())
		first := intakeDeliver(ctx, in, o)
		intakePass(time.Second)
		hangUp()
		reply := <-first
		intakeBusy(t, reply.err, assessment.ErrInProgress)
		require.Equal(t, time.Second, reply.took)

		intakePass(5 * time.Second)
		synctest.Wait()
		require.NoError(t, ended)
		got := intakeAccepts(t, in, o)
		require.True(t, got.Replayed)
		require.Equal(t, 1, p.calls())
		require.Equal(t, intakeStarted(assessment.Order{Ref: got.Ref}).CandidateURL, got.Started.CandidateURL)
	})
}

func TestIntakeOrderWithoutID(t *testing.T) {
	p := &intakeProvider{}
	in := intakeOf(t, p, assessment.NewMemoryStore(0))
	for _, vendor := range []assessment.Vendor{assessment.Kombo, assessment.StackOne, "another"} {
		o := intakeOrder("")
		o.Ref.Vendor = vendor
		_, err := in.Start(t.Context(), o)
		var invalid *assessment.ValidationError
		require.ErrorAs(t, err, &invalid)
		require.Len(t, invalid.Problems, 1)
		require.Equal(t, "ref.id", invalid.Problems[0].Path)
	}
	require.Zero(t, p.calls())
}

func TestIntakeObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("database is down")
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			switch o.Ref.ID {
			case "late":
				intakePass(11 * time.Second)
			case "fault":
				return assessment.Started{}, fault
			}
			return intakeStarted(o), nil
		}
		var calls []assessment.ProviderCall
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
			c.Observer.Provider = func(_ context.Context, call assessment.ProviderCall) { calls = append(calls, call) }
		})
		for _, id := range []string{"good", "good", "fault", "late"} {
			_, _ = in.Start(t.Context(), intakeOrder(id))
		}
		intakePass(2 * time.Second)
		require.NoError(t, in.Cancel(t.Context(), intakeOrder("good").Ref))
		_, err := in.Packages(t.Context(), assessment.PackageQuery{})
		require.NoError(t, err)
		require.Equal(t, []assessment.ProviderCall{
			{Operation: "start", Order: intakeOrder("good").Ref},
			{Operation: "start", Order: intakeOrder("fault").Ref, Err: fault},
			{Operation: "start", Order: intakeOrder("late").Ref, Duration: 11 * time.Second, Late: true},
			{Operation: "cancel", Order: intakeOrder("good").Ref},
			{Operation: "packages"},
		}, calls)
	})
}

// Which customer's list is slow or broken is what a metric has to tell.
func TestIntakeObserverOfPackages(t *testing.T) {
	down := errors.New("catalogue is down")
	var answer error
	p := &intakeProvider{list: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
		return nil, answer
	}}
	var calls []assessment.ProviderCall
	in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
		c.Observer.Provider = func(_ context.Context, call assessment.ProviderCall) {
			call.Duration = 0
			calls = append(calls, call)
		}
	})
	query := assessment.PackageQuery{
		Vendor: assessment.StackOne, Connection: "eu", Account: "acme", Kind: assessment.KindBackgroundCheck, ATS: "lever", JobID: "j1",
	}
	_, err := in.Packages(t.Context(), query)
	require.NoError(t, err)
	answer = down
	_, err = in.Packages(t.Context(), query)
	require.ErrorIs(t, err, assessment.ErrFault)
	whose := assessment.OrderRef{Vendor: assessment.StackOne, Connection: "eu", Account: "acme", Kind: assessment.KindBackgroundCheck}
	require.Equal(t, []assessment.ProviderCall{
		{Operation: "packages", Order: whose}, {Operation: "packages", Order: whose, Err: down},
	}, calls)
}
