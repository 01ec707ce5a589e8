package stackone_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

// slowPublisher writes when it is let, and notes the contexts.
type slowPublisher struct {
	let    chan error
	mu     sync.Mutex
	writes []assessment.OrderRef
}

func (*slowPublisher) Vendor() assessment.Vendor { return assessment.StackOne }
func (*slowPublisher) Connection() string        { return "" }

func (p *slowPublisher) PublishResult(ctx context.Context, ref assessment.OrderRef, _ assessment.Result) (assessment.Receipt, error) {
	p.mu.Lock()
	p.writes = append(p.writes, ref)
	p.mu.Unlock()
	select {
	case err := <-p.let:
		return assessment.Receipt{}, err
	case <-ctx.Done():
		return assessment.Receipt{}, &assessment.APIError{Class: assessment.ErrUnavailable, Cause: ctx.Err()}
	}
}

// rejectingHost is a handler whose provider says no to everything.
func rejectingHost(t testing.TB) (*host, *slowPublisher) {
	t.Helper()
	publisher := &slowPublisher{let: make(chan error)}
	h := newHost(t, rejecting(assessment.Reject("no")), func(c *stackone.WebhookConfig) { c.Publisher = publisher })
	return h, publisher
}

// posting makes deliveries at the same time; the function waits for their
// statuses.
func (h *host) posting(body []byte, n int, changes ...func(*http.Request)) (statuses func() []int) {
	got := make([]int, n)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() { got[i] = h.post(body, changes...).Code })
	}
	return func() []int { all.Wait(); return got }
}

// Greenhouse takes one result per test: of deliveries that overlap one writes it.
func TestOverlappingRejectionsAreWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, publisher := rejectingHost(t)
		statuses := h.posting(orderBody(t), 5)
		synctest.Wait()
		require.Len(t, publisher.writes, 1)
		publisher.let <- nil
		require.Equal(t, []int{200, 200, 200, 200, 200}, statuses())
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Len(t, publisher.writes, 1)
	})
}

// Those who waited are answered as the one who wrote, and come again.
func TestOverlappingRejectionsShareAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, publisher := rejectingHost(t)
		statuses := h.posting(orderBody(t), 3)
		synctest.Wait()
		publisher.let <- &assessment.APIError{Class: assessment.ErrUnavailable}
		require.Equal(t, []int{503, 503, 503}, statuses())
		require.Len(t, publisher.writes, 1)

		statuses = h.posting(orderBody(t), 3)
		synctest.Wait()
		publisher.let <- nil
		require.Equal(t, []int{200, 200, 200}, statuses())
		require.Len(t, publisher.writes, 2)
	})
}

func TestOverlappingRejectionsWaitNoLongerThanTheirSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, publisher := rejectingHost(t)
		first := h.posting(orderBody(t), 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		second := h.posting(orderBody(t), 1, func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, []int{503}, second())
		publisher.let <- nil
		require.Equal(t, []int{200}, first())
		require.Len(t, publisher.writes, 1)
	})
}

// A sender that hangs up does not end the write; only its own time limit does.
func TestRejectionOutlastsItsSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, publisher := rejectingHost(t)
		ctx, hangUp := context.WithCancel(t.Context())
		first := h.posting(orderBody(t), 1, func(r *http.Request) { *r = *r.WithContext(ctx) })
		synctest.Wait()
		hangUp()
		synctest.Wait()
		publisher.let <- nil
		require.Equal(t, []int{200}, first())
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Len(t, publisher.writes, 1)

		other := bytes.ReplaceAll(orderBody(t), []byte("c28xIQaWQ6b3JkZXItMQ"), []byte("other"))
		began := time.Now()
		require.Equal(t, 503, h.post(other).Code)
		require.Equal(t, 30*time.Second, time.Since(began))
	})
}

// A panic of the host's leaves nobody waiting, and the rejection unwritten.
func TestRejectionAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panics := true
		let := make(chan bool)
		h := newHost(t, rejecting(assessment.Reject("no")), func(c *stackone.WebhookConfig) {
			c.OnRejected = func(context.Context, assessment.Order, *assessment.Rejection) error {
				if panics {
					<-let
					panic("host")
				}
				return nil
			}
		})
		statuses := h.posting(orderBody(t), 2)
		synctest.Wait()
		close(let)
		require.Equal(t, []int{503, 503}, statuses())
		panics = false
		require.Equal(t, 200, h.post(orderBody(t)).Code)
	})
}

// A rejection that was written stays written, whatever else happens meanwhile and
// whichever process is asked.
func TestRejectionsAreRemembered(t *testing.T) {
	server := play(answers(200, written))
	store := assessment.NewMemoryStore(0)
	replica := func() *host {
		return newHost(t, rejecting(assessment.Reject("no")), func(c *stackone.WebhookConfig) {
			intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: rejecting(assessment.Reject("no")), Store: store})
			require.NoError(t, err)
			c.Intake, c.Publisher, c.Logger = intake, newClient(t, server, behind(""), unpaced), nil
		})
	}
	const orders = 1100
	for _, h := range []*host{replica(), replica()} {
		for id := range orders {
			body := fmt.Appendf(nil, `{"event":"assessment.created","account_id":"a","record_id":%d}`, id)
			require.Equal(t, 200, h.post(body).Code)
		}
	}
	if len(server.seen) != orders {
		t.Fatalf("%d writes of %d rejections", len(server.seen), orders)
	}
}
