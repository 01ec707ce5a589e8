package assessment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// rejectingVendor is a vendor that takes its time over a result. It can be used by
// many at once.
type rejectingVendor struct {
	takes time.Duration
	err   error

	mu      sync.Mutex
	results []assessment.Result
}

func (v *rejectingVendor) Vendor() assessment.Vendor { return assessment.Kombo }
func (v *rejectingVendor) Connection() string        { return "" }

func (v *rejectingVendor) PublishResult(_ context.Context, _ assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	if v.takes > 0 {
		intakePass(v.takes)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.results = append(v.results, r)
	if v.err != nil {
		return assessment.Receipt{Attempts: 3}, v.err
	}
	return assessment.Receipt{Outcome: assessment.ResultWritten, RequestID: "r-1", Attempts: 2, Warnings: []string{"slow"}}, nil
}

func (v *rejectingVendor) fails(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
}

// written is what reached the vendor.
func (v *rejectingVendor) written() []assessment.Result {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]assessment.Result(nil), v.results...)
}

func rejects(context.Context, assessment.Order) (assessment.Started, error) {
	return assessment.Started{}, assessment.Reject("No licences left")
}

// Two replicas that work on the same rejected order tell the vendor once, and so
// does a third delivery next month.
func TestRejectionIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &rejectingVendor{takes: 3 * time.Second}
		store := assessment.NewMemoryStore(0)
		p := &intakeProvider{start: rejects}
		here, there := intakeOf(t, p, store), intakeOf(t, p, store)
		router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{vendor}, Store: store})
		require.NoError(t, err)
		at := time.Now().UTC()
		var all sync.WaitGroup
		for _, in := range []*assessment.Intake{here, there, here, there} {
			all.Go(func() { require.NoError(t, in.Work(t.Context(), intakeOrder("o1"), router)) })
		}
		all.Wait()
		intakePass(30 * 24 * time.Hour)
		require.NoError(t, there.Work(t.Context(), intakeOrder("o1"), router))
		require.Equal(t, []assessment.Result{{
			Status: assessment.StatusCancelled, Reason: "No licences left", At: at, CompletedAt: at,
		}}, vendor.written())
		require.Equal(t, 1, p.calls())
	})
}

func TestPublishRejectionGivesTheReceiptAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &rejectingVendor{}
		store := assessment.NewMemoryStore(0)
		no := &assessment.Rejection{Message: "No.", At: time.Now()}
		ref := intakeOrder("o1").Ref
		first, err := intakeOf(t, &intakeProvider{}, store).PublishRejection(t.Context(), ref, no, vendor)
		require.NoError(t, err)
		require.Equal(t, assessment.Receipt{
			Outcome: assessment.ResultWritten, RequestID: "r-1", Attempts: 2, Warnings: []string{"slow"},
		}, first)
		again, err := intakeOf(t, &intakeProvider{}, store).PublishRejection(t.Context(), ref, no, vendor)
		require.NoError(t, err)
		require.Equal(t, assessment.Receipt{Outcome: assessment.ResultWritten, RequestID: "r-1"}, again, "nothing was sent now")
		require.Len(t, vendor.written(), 1)
	})
}

// What was not written is written when the job is done again, whatever the reason,
// and at once.
func TestRejectionThatIsNotWritten(t *testing.T) {
	for name, failure := range map[string]error{
		"unavailable": &assessment.APIError{Vendor: assessment.Kombo, StatusCode: 503},
		"wrong key":   &assessment.APIError{Vendor: assessment.Kombo, StatusCode: 401},
		"invalid":     &assessment.ValidationError{Problems: []assessment.Problem{{Path: "report_url", Message: "required"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := &rejectingVendor{err: failure}
				in := intakeOf(t, &intakeProvider{start: rejects}, assessment.NewMemoryStore(0))
				require.ErrorIs(t, in.Work(t.Context(), intakeOrder("o1"), vendor), failure)
				vendor.fails(nil)
				began := time.Now()
				require.NoError(t, in.Work(t.Context(), intakeOrder("o1"), vendor))
				require.Zero(t, time.Since(began))
				written := vendor.written()
				require.Len(t, written, 2)
				require.Equal(t, written[0], written[1], "the same on every attempt")
			})
		})
	}
}

// The process dies between the vendor's answer and the record: the identical result
// is written once more, after the lease.
func TestRejectionAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &rejectingVendor{}
		store := assessment.NewMemoryStore(0)
		dying := &intakeStore{Store: store}
		died := false
		dying.fail = func(method string) error {
			died = died || method == "Answer" && len(vendor.written()) > 0
			if died {
				return errIntakeDown
			}
			return nil
		}
		p := &intakeProvider{start: rejects}
		receipt, err := workRejected(t, intakeOf(t, p, dying), vendor)
		require.NoError(t, err, "the vendor knows it")
		require.Contains(t, receipt.Warnings, "the rejection was written, but not recorded: it may be written again")

		in := intakeOf(t, p, store)
		intakePass(assessment.DefaultLease)
		for range 3 {
			require.NoError(t, in.Work(t.Context(), intakeOrder("o1"), vendor))
			intakePass(time.Hour)
		}
		written := vendor.written()
		require.Len(t, written, 2)
		require.Equal(t, written[0], written[1])
		require.Equal(t, 1, p.calls())
	})
}

// workRejected does what a handler does that cannot say no in its answer.
func workRejected(t *testing.T, in *assessment.Intake, p assessment.ResultPublisher) (assessment.Receipt, error) {
	t.Helper()
	_, err := in.Start(t.Context(), intakeOrder("o1"))
	var no *assessment.Rejection
	require.ErrorAs(t, err, &no)
	return in.PublishRejection(t.Context(), intakeOrder("o1").Ref, no, p)
}

// The sender hangs up while the rejection is written.
func TestRejectionOutlivesTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent error
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0))
		sender, hangUp := context.WithCancel(context.WithValue(t.Context(), intakeKey{}, "the sender's"))
		publisher := publisherFunc(func(ctx context.Context) (assessment.Receipt, error) {
			hangUp()
			sent = ctx.Err()
			until, bounded := ctx.Deadline()
			require.True(t, bounded)
			require.Equal(t, assessment.DefaultLease/2, time.Until(until))
			require.Equal(t, "the sender's", ctx.Value(intakeKey{}))
			return assessment.Receipt{Outcome: assessment.ResultQueued}, nil
		})
		receipt, err := in.PublishRejection(sender, intakeOrder("o1").Ref, &assessment.Rejection{Message: "No."}, publisher)
		require.NoError(t, err)
		require.NoError(t, sent)
		require.Equal(t, assessment.ResultQueued, receipt.Outcome)
	})
}

type publisherFunc func(context.Context) (assessment.Receipt, error)

func (f publisherFunc) PublishResult(ctx context.Context, _ assessment.OrderRef, _ assessment.Result) (assessment.Receipt, error) {
	return f(ctx)
}

// A publisher of the host's that panics leaves nothing behind that keeps the next
// one from writing.
func TestRejectionWhosePublisherPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log intakeLog
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0), intakeLogTo(&log))
		no, ref := &assessment.Rejection{Message: "No."}, intakeOrder("o1").Ref
		_, err := in.PublishRejection(t.Context(), ref, no, publisherFunc(func(context.Context) (assessment.Receipt, error) { panic(intakeSecret) }))
		intakeBusy(t, err, assessment.ErrStore)
		require.Contains(t, log.String(), "panicked")
		require.NotContains(t, log.String(), intakeSecret)
		vendor := &rejectingVendor{}
		_, err = in.PublishRejection(t.Context(), ref, no, vendor)
		require.NoError(t, err)
		require.Len(t, vendor.written(), 1)
	})
}

func TestPublishRejectionRefuses(t *testing.T) {
	in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0))
	var none *rejectingVendor
	for name, call := range map[string]func() (assessment.Receipt, error){
		"no id": func() (assessment.Receipt, error) {
			return in.PublishRejection(t.Context(), intakeOrder("").Ref, &assessment.Rejection{}, &rejectingVendor{})
		},
		"no rejection": func() (assessment.Receipt, error) {
			return in.PublishRejection(t.Context(), intakeOrder("o1").Ref, nil, &rejectingVendor{})
		},
		"no publisher": func() (assessment.Receipt, error) {
			return in.PublishRejection(t.Context(), intakeOrder("o1").Ref, &assessment.Rejection{}, none)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := call()
			require.Error(t, err)
			_, again := assessment.Retryable(err)
			require.False(t, again)
		})
	}
}

func TestPublishRejectionWhileTheStoreIsDown(t *testing.T) {
	vendor := &rejectingVendor{}
	in := intakeOf(t, &intakeProvider{}, intakeFailing(assessment.NewMemoryStore(0), nil, "Claim"))
	_, err := in.PublishRejection(t.Context(), intakeOrder("o1").Ref, &assessment.Rejection{}, vendor)
	intakeBusy(t, err, assessment.ErrStore)
	require.Empty(t, vendor.written(), "another replica may be writing")
}

// Who joins a write waits no longer than he wants to.
func TestPublishRejectionJoinerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &rejectingVendor{takes: 20 * time.Second}
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0))
		no, ref := &assessment.Rejection{Message: "No."}, intakeOrder("o1").Ref
		first := make(chan error, 1)
		go func() {
			_, err := in.PublishRejection(t.Context(), ref, no, vendor)
			first <- err
		}()
		synctest.Wait()
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := in.PublishRejection(hasty, ref, no, vendor)
		intakeBusy(t, err, assessment.ErrInProgress)
		require.NoError(t, <-first)
		require.Len(t, vendor.written(), 1)
	})
}

// A rejection that the host made earlier keeps its time.
func TestRejectionKeepsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.FixedZone("CET", 3600))
		p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, &assessment.Rejection{Message: "No.", At: at}
		}}
		for _, o := range []assessment.Order{intakeOrder("o1"), intakeMinted("a1")} {
			in := intakeOf(t, p, assessment.NewMemoryStore(0))
			for range 2 {
				_, err := in.Start(t.Context(), o)
				var no *assessment.Rejection
				require.ErrorAs(t, err, &no)
				require.True(t, at.Equal(no.At), "%v", no.At)
				require.True(t, at.Equal(no.Result().At))
			}
		}
	})
}

func TestIntakeStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			switch o.Ref.ID {
			case "rejected", "told":
				return assessment.Started{}, assessment.Reject("No.")
			case "failed":
				return assessment.Started{}, errors.New("database is down")
			}
			return intakeStarted(o), nil
		}}
		store := &countedLookups{MemoryStore: assessment.NewMemoryStore(0)}
		in := intakeOf(t, p, store)
		var refs []assessment.OrderRef
		for _, id := range []string{"started", "failed", "erased"} {
			_, _ = in.Start(t.Context(), intakeOrder(id))
			refs = append(refs, intakeOrder(id).Ref)
		}
		refs = append(refs, intakeOrder("unknown").Ref)
		require.NoError(t, store.Erase(t.Context(), intakeOrder("erased").Ref))
		got, err := in.States(t.Context(), refs)
		require.NoError(t, err)
		require.Equal(t, map[assessment.OrderRef]assessment.OrderState{
			refs[0]: assessment.OrderStarted, refs[1]: assessment.OrderClaimed, refs[2]: assessment.OrderErased,
		}, got)
		require.Equal(t, 1, store.lookups)

		vendor := &rejectingVendor{}
		require.NoError(t, in.Work(t.Context(), intakeOrder("told"), vendor))
		_, err = in.Start(t.Context(), intakeOrder("rejected"))
		require.Error(t, err)
		c := intakeDied(t, store, intakeOrder("newer"))
		c.Answer = []byte(`{"v":2}`)
		require.NoError(t, store.Answer(t.Context(), c))
		refs = []assessment.OrderRef{intakeOrder("told").Ref, intakeOrder("rejected").Ref, intakeOrder("newer").Ref}
		got, err = in.States(t.Context(), refs)
		require.NoError(t, err)
		require.Equal(t, map[assessment.OrderRef]assessment.OrderState{
			refs[0]: assessment.OrderRejectionWritten, refs[1]: assessment.OrderRejected, refs[2]: assessment.OrderUnreadable,
		}, got)
		require.Equal(t, 3, store.lookups)
	})
}

type countedLookups struct {
	*assessment.MemoryStore
	lookups int
	err     error
}

func (c *countedLookups) Lookup(ctx context.Context, keys []string) (map[string]assessment.Claim, error) {
	c.lookups++
	if c.err != nil {
		return nil, c.err
	}
	return c.MemoryStore.Lookup(ctx, keys)
}

func TestIntakeStatesWithoutALookup(t *testing.T) {
	plain := struct{ assessment.Store }{assessment.NewMemoryStore(0)}
	_, err := intakeOf(t, &intakeProvider{}, plain).States(t.Context(), nil)
	require.ErrorIs(t, err, assessment.ErrNotSupported)
	down := &countedLookups{MemoryStore: assessment.NewMemoryStore(0), err: errIntakeDown}
	_, err = intakeOf(t, &intakeProvider{}, down).States(t.Context(), []assessment.OrderRef{intakeOrder("o1").Ref})
	intakeBusy(t, err, assessment.ErrStore)
}

func TestIntakeHolds(t *testing.T) {
	for status, held := range map[assessment.Status]bool{
		"": false, assessment.StatusOpen: false, assessment.StatusInProgress: false, assessment.StatusCompleted: false,
		"COMPLETE": false, // an end is not held, but reported as such
		"ON_HOLD":  true,
	} {
		o := intakeOrder("o1")
		o.Status = status
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
			c.UnknownStatus = assessment.UnknownStatusHeld
		})
		require.Equal(t, held, in.Holds(o), "%q", status)
		require.False(t, intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0)).Holds(o), "%q", status)
		intakeAccepts(t, in, o) // the host decides
	}
	_, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: &intakeProvider{}, Store: assessment.NewMemoryStore(0), UnknownStatus: "sometimes",
	})
	require.Error(t, err)
}
