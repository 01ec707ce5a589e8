package assessment_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

const intakeSecret = "jane.doe@private.example"

// However the provider fails, the next delivery starts the order again at once
// and with the same reference.
func TestIntakeFaults(t *testing.T) {
	fault := errors.New("database is down")
	tests := map[string]func(){
		"error":               nil,
		"panic with an error": func() { panic(errors.New("about " + intakeSecret)) },
		"panic with a text":   func() { panic("about " + intakeSecret) },
		"panic with a struct": func() { panic(struct{ Email string }{intakeSecret}) },
		"panic with nil":      func() { panic(nil) },
		"bad index":           func() { make(map[string][]int)[intakeSecret][0] = 1 },
		"bad conversion":      func() { var v any = intakeSecret; _ = v.(int) },
		"goexit":              runtime.Goexit,
	}
	for name, fail := range tests {
		t.Run(name, func(t *testing.T) {
			intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
				p := &intakeProvider{}
				p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
					switch {
					case p.calls() > 1:
						return intakeStarted(o), nil
					case fail != nil:
						fail()
					}
					return assessment.Started{CandidateURL: "https://not.given"}, fault
				}
				var log intakeLog
				in := intakeOf(t, p, assessment.NewMemoryStore(0), intakeLogTo(&log))
				got, err := in.Start(t.Context(), o)
				require.Error(t, err)
				require.Zero(t, got)
				var no *assessment.Rejection
				require.False(t, errors.As(err, &no), "a fault is not a rejection")
				require.NotContains(t, err.Error(), intakeSecret)
				if fail == nil {
					require.ErrorIs(t, err, fault)
				}
				require.Contains(t, log.String(), "order not started")
				require.NotContains(t, log.String(), intakeSecret)
				if fail != nil && name != "goexit" {
					require.Contains(t, log.String(), "intake_fault_test.go", "the log must lead to the panic")
				}

				began := time.Now()
				accepted := intakeAccepts(t, in, o)
				require.Zero(t, time.Since(began))
				require.False(t, accepted.Replayed)
				require.Equal(t, []assessment.OrderRef{accepted.Ref, accepted.Ref}, p.refs())
			})
		})
	}
}

// A rejection that is nil inside an error is a mistake of the host's, neither a
// rejection nor a success.
func TestIntakeNilRejection(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			var no *assessment.Rejection
			return assessment.Started{}, no
		}
		var log intakeLog
		in := intakeOf(t, p, assessment.NewMemoryStore(0), intakeLogTo(&log))
		_, err := in.Start(t.Context(), o)
		require.Error(t, err)
		require.NotEmpty(t, err.Error(), "must not panic")
		var no *assessment.Rejection
		require.False(t, errors.As(err, &no), "handlers read the rejection's message")
		p.start = nil
		intakeAccepts(t, in, o)
		require.Equal(t, 2, p.calls())
	})
}

// Whoever waits for a start that fails hears of the fault at once, and its
// redelivery starts the order.
func TestIntakeJoinersGetTheFault(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		fault := errors.New("database is down")
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			intakePass(time.Second)
			return assessment.Started{}, fault
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		one, two := intakeDeliver(t.Context(), in, o), intakeDeliver(t.Context(), in, o)
		require.ErrorIs(t, (<-one).err, fault)
		require.ErrorIs(t, (<-two).err, fault)
		require.Equal(t, 1, p.calls())
	})
}

// The observer only looks on: how it ends changes nothing.
func TestIntakeObserverEndsItsGoroutine(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
			c.Observer.Provider = func(context.Context, assessment.ProviderCall) { runtime.Goexit() }
		})
		first := intakeAccepts(t, in, o)
		require.NoError(t, in.Cancel(t.Context(), first.Ref))
		_, err := in.Packages(t.Context(), assessment.PackageQuery{})
		require.NoError(t, err)
		require.NoError(t, in.Drain(t.Context()))
	})
}

func TestIntakeObserverPanics(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		var log intakeLog
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0), intakeLogTo(&log), func(c *assessment.IntakeConfig) {
			c.Observer.Provider = func(context.Context, assessment.ProviderCall) { panic(intakeSecret) }
		})
		first := intakeAccepts(t, in, o)
		require.Equal(t, intakeBytes(t, first), intakeBytes(t, intakeAccepts(t, in, o)))
		require.NoError(t, in.Cancel(t.Context(), first.Ref))
		require.Equal(t, 1, p.calls())
		require.NotContains(t, log.String(), intakeSecret)
		require.Contains(t, log.String(), "observer panicked")
	})
}

// A start that never comes to its end must not be taken for accepted, and must
// not take the process down.
func TestIntakeStartIsAborted(t *testing.T) {
	for name, fail := range map[string]func(){"panic": func() { panic(intakeSecret) }, "goexit": runtime.Goexit} {
		for _, method := range []string{"Claim", "Answer"} {
			t.Run(name+" in "+method, func(t *testing.T) {
				intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
					var log intakeLog
					p := &intakeProvider{}
					failing := true
					store := &intakeStore{Store: assessment.NewMemoryStore(0), fail: func(called string) error {
						if failing && called == method {
							fail()
						}
						return nil
					}}
					in := intakeOf(t, p, store, intakeLogTo(&log))
					got, err := in.Start(t.Context(), o)
					intakeBusy(t, err, assessment.ErrStore)
					require.ErrorContains(t, err, "aborted")
					require.Zero(t, got)
					require.NotContains(t, log.String(), intakeSecret)

					failing = false
					intakePass(assessment.DefaultLease)
					accepted := intakeAccepts(t, in, o)
					for _, ref := range p.refs() {
						require.Equal(t, accepted.Ref, ref)
					}
					require.NoError(t, in.Drain(t.Context()))
				})
			})
		}
	}
}

// An answer that cannot be stored is the provider's mistake, not the store's.
func TestIntakeAnswerThatIsNoJSON(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			bad := map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage("{")}
			return assessment.Started{Update: &assessment.Result{Passthrough: bad}}, nil
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		_, err := in.Start(t.Context(), o)
		require.Error(t, err)
		require.NotErrorIs(t, err, assessment.ErrStore)
		p.start = nil
		got := intakeAccepts(t, in, o)
		require.Equal(t, []assessment.OrderRef{got.Ref, got.Ref}, p.refs())
	})
}
