package assessment_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// reusedRequest is a request as servers have it that use it again for the next
// sender: what it answers changes under whoever keeps it.
type reusedRequest struct {
	context.Context
	tenant string
	_      [1 << 10]byte // large enough for a block of its own
}

func (r *reusedRequest) Value(key any) any {
	if key == (intakeKey{}) {
		return r.tenant
	}
	return r.Context.Value(key)
}

// detached copies what the host needs out of a request.
func detached(request context.Context) context.Context {
	return context.WithValue(context.Background(), intakeKey{}, request.Value(intakeKey{}))
}

func TestBaseContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := make(map[string]any)
		note := func(ctx context.Context, where string) {
			mu.Lock()
			defer mu.Unlock()
			seen[where] = ctx.Value(intakeKey{})
		}
		p := &intakeProvider{
			start: func(ctx context.Context, o assessment.Order) (assessment.Started, error) {
				intakePass(12 * time.Second)
				note(ctx, "start")
				return intakeStarted(o), nil
			},
			cancel: func(ctx context.Context, _ assessment.OrderRef) error {
				note(ctx, "cancel")
				return nil
			},
			list: func(ctx context.Context, _ assessment.PackageQuery) ([]assessment.Package, error) {
				note(ctx, "packages")
				return nil, nil
			},
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
			c.BaseContext = detached
			c.Observer.Provider = func(ctx context.Context, call assessment.ProviderCall) {
				note(ctx, "observer of "+call.Operation)
			}
		})
		request := &reusedRequest{Context: t.Context(), tenant: "acme"}
		_, err := in.Start(request, intakeOrder("o1"))
		intakeBusy(t, err, assessment.ErrInProgress)
		require.NoError(t, in.Cancel(request, intakeOrder("o1").Ref))
		_, err = in.Packages(request, assessment.PackageQuery{})
		require.NoError(t, err)
		ctx, cancel := in.HostContext(request)
		defer cancel()
		request.tenant = "another sender's"
		require.Equal(t, "acme", ctx.Value(intakeKey{}))
		intakePass(time.Minute)
		synctest.Wait()
		require.Equal(t, map[string]any{
			"start": "acme", "cancel": "acme", "packages": "acme",
			"observer of start": "acme", "observer of cancel": "acme", "observer of packages": "acme",
		}, seen)
	})
}

// A start that runs on must not keep the request of a sender who was answered.
func TestBaseContextLetsTheRequestGo(t *testing.T) {
	block := make(chan struct{})
	p := &intakeProvider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
		<-block
		return intakeStarted(o), nil
	}}
	in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) { c.BaseContext = detached })
	request := &reusedRequest{tenant: "acme"}
	pointer := weak.Make(request)
	func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the sender hangs up
		request.Context = ctx
		_, err := in.Start(request, intakeOrder("o1"))
		intakeBusy(t, err, assessment.ErrInProgress)
	}()
	request = nil
	for range 1000 { // the goroutine that watched the request may take a moment
		if runtime.GC(); pointer.Value() == nil {
			break
		}
		runtime.Gosched()
	}
	require.Nil(t, pointer.Value())
	close(block)
	require.NoError(t, in.Drain(t.Context()))
}

func TestBaseContextOfNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got context.Context
		p := &intakeProvider{start: func(ctx context.Context, o assessment.Order) (assessment.Started, error) {
			got = ctx
			return intakeStarted(o), nil
		}}
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
			c.BaseContext = func(context.Context) context.Context { return nil }
		})
		_, err := in.Start(context.WithValue(t.Context(), intakeKey{}, "the sender's"), intakeOrder("o1"))
		require.NoError(t, err)
		require.Nil(t, got.Value(intakeKey{}))
		_, bounded := got.Deadline()
		require.True(t, bounded)
	})
}

// What may store something ends neither with the sender nor with the context that
// the host made, but with the deadline.
func TestHostContext(t *testing.T) {
	for name, base := range map[string]func(context.Context) context.Context{
		"without BaseContext": nil,
		"with BaseContext":    func(request context.Context) context.Context { return request },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
					c.BaseContext, c.Deadline = base, 3*time.Second
				})
				sender, hangUp := context.WithCancel(context.WithValue(t.Context(), intakeKey{}, "v"))
				ctx, cancel := in.HostContext(sender)
				defer cancel()
				hangUp()
				require.NoError(t, ctx.Err())
				require.Equal(t, "v", ctx.Value(intakeKey{}))
				began := time.Now()
				<-ctx.Done()
				require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
				require.Equal(t, 3*time.Second, time.Since(began))
			})
		})
	}
}

// A list is asked for while somebody looks: who has gone needs none.
func TestPackagesEndWithTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		p := &intakeProvider{list: func(ctx context.Context, _ assessment.PackageQuery) ([]assessment.Package, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}}
		var log intakeLog
		in := intakeOf(t, p, assessment.NewMemoryStore(0), intakeLogTo(&log), func(c *assessment.IntakeConfig) { c.BaseContext = detached })
		sender, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		_, err := in.Packages(sender, assessment.PackageQuery{})
		require.ErrorIs(t, err, assessment.ErrInProgress)
		require.ErrorIs(t, <-ended, context.Canceled)
		synctest.Wait()
		require.Empty(t, log.String(), "nobody failed")
	})
}

// Lateness shows for every call of the provider.
func TestProviderCallsThatAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{
			cancel: func(context.Context, assessment.OrderRef) error { intakePass(time.Minute); return nil },
			list: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
				intakePass(time.Minute)
				return nil, nil
			},
		}
		var calls []assessment.ProviderCall
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
			c.Observer.Provider = func(_ context.Context, call assessment.ProviderCall) { calls = append(calls, call) }
		})
		intakeBusy(t, in.Cancel(t.Context(), intakeOrder("o1").Ref), assessment.ErrInProgress)
		intakePass(time.Hour)
		synctest.Wait()
		_, err := in.Packages(t.Context(), assessment.PackageQuery{})
		intakeBusy(t, err, assessment.ErrInProgress)
		intakePass(time.Hour)
		synctest.Wait()
		require.Equal(t, []assessment.ProviderCall{
			{Operation: "cancel", Order: intakeOrder("o1").Ref, Duration: time.Minute, Late: true},
			{Operation: "packages", Duration: time.Minute, Late: true},
		}, calls)
	})
}

// A value that was not made by its constructor says so.
func TestZeroIntake(t *testing.T) {
	for name, in := range map[string]*assessment.Intake{"zero": {}, "nil": nil} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := in.HostContext(t.Context())
			defer cancel()
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			require.False(t, in.Holds(assessment.Order{Status: "new"}))
			_, startErr := in.Start(ctx, intakeOrder("o1"))
			_, packagesErr := in.Packages(ctx, assessment.PackageQuery{})
			_, statesErr := in.States(ctx, nil)
			_, rejectionErr := in.PublishRejection(ctx, intakeOrder("o1").Ref, &assessment.Rejection{}, &intakePublisher{})
			for _, err := range []error{
				startErr, packagesErr, statesErr, rejectionErr,
				in.Work(ctx, intakeOrder("o1"), &intakePublisher{}),
				in.Adopt(ctx, intakeOrder("o1").Ref, assessment.Started{}),
				in.Cancel(ctx, intakeOrder("o1").Ref),
				in.Drain(ctx),
			} {
				require.ErrorContains(t, err, "NewIntake")
				_, again := assessment.Retryable(err)
				require.False(t, again)
			}
		})
	}
}

func TestZeroMemoryStore(t *testing.T) {
	var s assessment.MemoryStore
	o := intakeOrder("o1")
	c := assessment.Claim{Key: o.Ref.String(), Ref: o.Ref, Token: "t"}
	_, err := s.Claim(t.Context(), c, time.Minute)
	require.ErrorContains(t, err, "NewMemoryStore")
	require.ErrorIs(t, s.Answer(t.Context(), c), assessment.ErrClaimLost)
	require.NoError(t, errors.Join(s.Expire(t.Context(), c), s.Forget(t.Context(), o.Ref), s.Erase(t.Context(), o.Ref)))
	_, err = intakeOf(t, &intakeProvider{}, &s).Start(t.Context(), o)
	intakeBusy(t, err, assessment.ErrStore)
}
