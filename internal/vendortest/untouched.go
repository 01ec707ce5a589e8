package vendortest

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// UntouchedStore is a store that nobody may touch: every call of it fails, and the
// test with it.
func UntouchedStore(t testing.TB) assessment.Store { return untouchedStore{t} }

type untouchedStore struct{ t testing.TB }

func (s untouchedStore) fail() error {
	s.t.Error("the store was touched")
	return errors.New("touched")
}

func (s untouchedStore) Claim(context.Context, assessment.Claim, time.Duration) (assessment.Claim, error) {
	return assessment.Claim{}, s.fail()
}
func (s untouchedStore) Answer(context.Context, assessment.Claim) error    { return s.fail() }
func (s untouchedStore) Expire(context.Context, assessment.Claim) error    { return s.fail() }
func (s untouchedStore) Forget(context.Context, assessment.OrderRef) error { return s.fail() }
func (s untouchedStore) Erase(context.Context, assessment.OrderRef) error  { return s.fail() }

// GoroutinesAbove counts the goroutines beyond n. One that has just ended, or runs a
// finalizer of the runtime's, is counted for a moment, in real time.
func GoroutinesAbove(n int) int {
	for range 100_000 {
		if runtime.NumGoroutine() <= n {
			return 0
		}
		runtime.Gosched()
	}
	return runtime.NumGoroutine() - n
}
