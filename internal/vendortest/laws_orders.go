package vendortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// canary stands for what must be seen by nobody else; no fixed text contains it.
const canary = "zqxjv"

type start = func(context.Context, assessment.Order) (assessment.Started, error)

func fails(err error) start {
	return func(context.Context, assessment.Order) (assessment.Started, error) { return assessment.Started{}, err }
}

// A fault is told to nobody as a no: whatever went wrong on the host's side, the
// order stays open and the next delivery starts it.
func faultIsNoRejection(t *testing.T, v Vendor) {
	var typedNil *assessment.Rejection
	for name, fault := range map[string]start{
		"error":                 fails(errors.New(canary)),
		"typed nil rejection":   fails(typedNil),
		"refusal by another":    fails(&assessment.APIError{StatusCode: 422, Code: canary, Class: assessment.ErrInvalid}),
		"invalid":               fails(&assessment.ValidationError{Problems: []assessment.Problem{{Path: "p", Message: canary}}}),
		"not found":             fails(fmt.Errorf("%s: %w", canary, assessment.ErrNotFound)),
		"conflict":              fails(assessment.ErrConflict),
		"not supported":         fails(assessment.ErrNotSupported),
		"cancelled":             fails(context.Canceled),
		"deadline of its own":   fails(context.DeadlineExceeded),
		"rejection in its text": fails(errors.New(assessment.Reject(canary).Error())),
		"panic":                 func(context.Context, assessment.Order) (assessment.Started, error) { panic(canary) },
		"panic with a rejection": func(context.Context, assessment.Order) (assessment.Started, error) {
			panic(assessment.Reject(canary))
		},
	} {
		t.Run(name, func(t *testing.T) {
			failing := true
			h := v.host(t, func(ctx context.Context, o assessment.Order) (assessment.Started, error) {
				if failing {
					return fault(ctx, o)
				}
				return v.Orders.Started, nil
			})
			w := h.post("1")
			require.True(t, v.Orders.faulted(w), "%d %s", w.Code, w.Body)
			require.NotContains(t, w.Body.String(), canary)
			require.Empty(t, h.publisher.published)
			require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
			require.Error(t, h.deliveries[0].Err)
			failing = false
			require.Equal(t, http.StatusOK, h.post("1").Code, "the next delivery starts it")
			require.Equal(t, 2, h.provider.starts())
		})
	}
}

// A panic's value may be about the candidate: it is in no log and in no report.
func panicIsNotPrinted(t *testing.T, v Vendor) {
	h := v.host(t, func(context.Context, assessment.Order) (assessment.Started, error) { panic(canary) })
	w := h.post("1")
	require.NotContains(t, w.Body.String(), canary)
	require.NotContains(t, h.text(), canary)
	require.Contains(t, h.log.String(), "panic", "the host is told that there was one")
}

// A rejection is told to the recruiter in the vendor's own way, however the
// provider wrapped it, and the same to every later delivery of an order with an
// id.
func rejectionIsTold(t *testing.T, v Vendor) {
	const message = "Not offered in your country."
	for name, err := range map[string]error{
		"plain":   assessment.Reject(message),
		"wrapped": fmt.Errorf("%s: %w", canary, assessment.Reject(message)),
		"joined":  errors.Join(errors.New(canary), assessment.Reject(message)),
	} {
		t.Run(name, func(t *testing.T) {
			h := v.host(t, fails(err))
			w := h.post("1")
			v.Orders.Rejected(t, w, h.publisher.published, message)
			require.NotContains(t, w.Body.String(), canary)
			require.Equal(t, assessment.DeliveryRejected, h.deliveries[0].Outcome)
			again := h.post("1")
			require.Equal(t, w.Code, again.Code)
			require.Equal(t, w.Body.String(), again.Body.String())
			require.Len(t, h.deliveries, 2)
		})
	}
}

// A slow provider is not waited for: the sender is asked to come again, and gets
// the late answer then. The provider is called once.
func slowProvider(t *testing.T, v Vendor) {
	synctest.Test(t, func(t *testing.T) {
		h := v.host(t, func(context.Context, assessment.Order) (assessment.Started, error) {
			<-time.After(time.Minute) // deaf to its context
			return v.Orders.Started, nil
		})
		began := time.Now()
		for range 2 { // the second while it is still running
			w := h.post("1")
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
		}
		require.Less(t, time.Since(began), 30*time.Second, "no vendor waits longer for two")
		<-time.After(time.Minute)
		synctest.Wait()
		require.Equal(t, http.StatusOK, h.post("1").Code)
		require.Equal(t, 1, h.provider.starts())
		require.Equal(t, []assessment.DeliveryOutcome{
			assessment.DeliveryFault, assessment.DeliveryFault, assessment.DeliveryReplayed,
		}, h.outcomes())
		require.Len(t, h.calls, 1)
		require.True(t, h.calls[0].Late)
	})
}

// A sender that hangs up does not stop the provider, and its redelivery gets the
// answer.
func senderGone(t *testing.T, v Vendor) {
	synctest.Test(t, func(t *testing.T) {
		h := v.host(t, func(ctx context.Context, _ assessment.Order) (assessment.Started, error) {
			select {
			case <-time.After(5 * time.Second):
				return v.Orders.Started, nil
			case <-ctx.Done():
				return assessment.Started{}, ctx.Err()
			}
		})
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		began := time.Now()
		h.post("1", func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, time.Second, time.Since(began), "nobody waits for an answer that nobody reads")
		require.Len(t, h.deliveries, 1)
		<-time.After(5 * time.Second)
		synctest.Wait()
		require.Equal(t, http.StatusOK, h.post("1").Code)
		require.Equal(t, 1, h.provider.starts())
	})
}

// The same order is started once, whether its deliveries overlap or follow each
// other, and all of them get the same answer.
func sameOrder(t *testing.T, v Vendor) {
	synctest.Test(t, func(t *testing.T) {
		h := v.host(t, func(context.Context, assessment.Order) (assessment.Started, error) {
			<-time.After(time.Second)
			return v.Orders.Started, nil
		})
		answers := make([]*httptest.ResponseRecorder, 10)
		var senders sync.WaitGroup
		for i := range 8 {
			senders.Go(func() { answers[i] = h.post("1") })
		}
		senders.Wait()
		for i := range answers[8:] {
			<-time.After(time.Hour)
			answers[8+i] = h.post("1")
		}
		for _, w := range answers {
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, answers[0].Body.String(), w.Body.String())
		}
		require.Equal(t, 1, h.provider.starts())
		require.Equal(t, http.StatusOK, h.post("2").Code)
		require.Equal(t, 2, h.provider.starts(), "another order is another one")
		counts := make(map[assessment.DeliveryOutcome]int)
		for _, outcome := range h.outcomes() {
			counts[outcome]++
		}
		require.Equal(t, map[assessment.DeliveryOutcome]int{assessment.DeliveryAccepted: 2, assessment.DeliveryReplayed: 9}, counts)
	})
}

// A process that shuts down sends orders on to the next one.
func drained(t *testing.T, v Vendor) {
	h := v.host(t, nil)
	require.NoError(t, h.intake.Drain(t.Context()))
	w := h.post("1")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.Zero(t, h.provider.starts())
	require.Equal(t, []assessment.DeliveryOutcome{assessment.DeliveryFault}, h.outcomes())
}

// Many orders, each delivered several times by many senders, some of which hang
// up: each starts once, and is answered in the end.
func load(t *testing.T, v Vendor) {
	const orders, senders = 200, 8
	synctest.Test(t, func(t *testing.T) {
		h := v.host(t, func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			<-time.After(time.Duration(len(o.Raw)%7) * 300 * time.Millisecond)
			return v.Orders.Started, nil
		})
		var all sync.WaitGroup
		for s := range senders {
			all.Go(func() {
				for i := range orders {
					ctx, hangUp := context.WithTimeout(t.Context(), time.Duration(1+(s+i)%4)*time.Second)
					h.post(fmt.Sprint("order-", i), func(r *http.Request) { *r = *r.WithContext(ctx) })
					hangUp()
				}
			})
		}
		all.Wait()
		for i := range orders {
			require.Equal(t, http.StatusOK, h.post(fmt.Sprint("order-", i)).Code)
		}
		require.Equal(t, orders, h.provider.starts())
		require.Len(t, h.deliveries, orders*(senders+1))
		require.NoError(t, h.intake.Drain(t.Context()))
	})
}

func (w *watch) outcomes() []assessment.DeliveryOutcome {
	var all []assessment.DeliveryOutcome
	for _, d := range w.deliveries {
		all = append(all, d.Outcome)
	}
	return all
}
