package kombotest_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// Every test here runs in a bubble, which fails if a goroutine is left behind.

func TestSlowAnswersTakeVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kombotest.Start(t)
		a := newAPI(t, s)
		start := time.Now()
		s.Fail(kombotest.OpAny, kombotest.Slow(time.Hour), kombotest.SlowBody(time.Hour), kombotest.Reset().After(time.Hour))
		a.call(200, kombotest.OpCheckAPIKey, nil)
		a.call(200, kombotest.OpCheckAPIKey, nil)
		// A connection that worked before is reset: net/http repeats the call by itself.
		a.call(200, kombotest.OpCheckAPIKey, nil)
		require.Equal(t, 3*time.Hour, time.Since(start))
		require.Len(t, s.Calls(kombotest.OpCheckAPIKey), 4)
	})
}

func TestCancelledCallsReturnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kombotest.Start(t)
		a := newAPI(t, s)
		before, _ := place(t, s, kombotest.OrderSpec{})
		after, _ := place(t, s, kombotest.OrderSpec{})
		s.Fail(kombotest.OpUpdateResult, kombotest.Slow(time.Hour), kombotest.AppliedThen(kombotest.Slow(time.Hour)))
		for _, id := range []string{before, after} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			_, err := a.client.Do(a.request(ctx, resultOp(id), []byte(validResult)))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(start))
			cancel()
		}
		require.Equal(t, kombotest.StatusOpen, order(t, s, before).Status)
		require.Equal(t, kombotest.StatusCompleted, order(t, s, after).Status)
	})
}

func TestSlowBodyEndsWithContextAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kombotest.Start(t)
		a := newAPI(t, s)
		s.Fail(kombotest.OpAny, kombotest.SlowBody(time.Hour), kombotest.SlowBody(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		response, err := a.client.Do(a.request(ctx, kombotest.OpCheckAPIKey, nil))
		require.NoError(t, err)
		_, err = io.ReadAll(response.Body)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, response.Body.Close())

		response, err = a.client.Do(a.request(t.Context(), kombotest.OpCheckAPIKey, nil))
		require.NoError(t, err)
		go func() { _ = response.Body.Close() }()
		_, err = io.ReadAll(response.Body)
		require.ErrorContains(t, err, "closed")
	})
}

func TestRequestBodyThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, kombotest.Start(t))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		body, writer := io.Pipe()
		// net/http does not return before it has read on, on a socket as little as here.
		context.AfterFunc(ctx, func() { _ = writer.CloseWithError(context.DeadlineExceeded) })
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, a.base+"/assessment/packages", body)
		require.NoError(t, err)
		_, err = a.client.Do(r)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// slow answers after a while, whether or not the sender is still there.
func slow(d time.Duration, answer string) http.Handler {
	return provider(func([]byte) (int, string) {
		<-time.After(d)
		return 200, answer
	})
}

func TestInlineAnswersHaveADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kombotest.Start(t)
		s.Target(slow(14*time.Second, `{"assessment_url":"https://example.com/1"}`))
		_, d := place(t, s, kombotest.OrderSpec{Inline: true})
		require.Equal(t, kombotest.Accepted, d.Outcome)

		s.Target(slow(16*time.Second, `{"assessment_url":"https://example.com/1"}`))
		start := time.Now()
		id, d := place(t, s, kombotest.OrderSpec{Inline: true})
		require.Equal(t, kombotest.Failed, d.Outcome)
		require.ErrorIs(t, d.Err, context.DeadlineExceeded)
		require.Equal(t, kombotest.DefaultInlineTimeout, time.Since(start))
		require.Equal(t, kombotest.StatusOpen, order(t, s, id).Status)
		_, d = place(t, s, kombotest.OrderSpec{})
		require.Equal(t, kombotest.Accepted, d.Outcome)
		require.NoError(t, s.Settle(t.Context()))
	})
}

func TestLateAndHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kombotest.Start(t)
		s.Target(slow(2*time.Second, ""))
		start := time.Now()
		_, d := place(t, s, kombotest.OrderSpec{}, kombotest.Late(time.Hour), kombotest.HangUp(time.Second))
		require.Equal(t, kombotest.Unread, d.Outcome)
		require.Zero(t, d.Status)
		require.Equal(t, time.Hour+time.Second, time.Since(start))
		require.NoError(t, s.Settle(t.Context()))
		require.Equal(t, time.Hour+2*time.Second, time.Since(start))

		_, d = place(t, s, kombotest.OrderSpec{}, kombotest.HangUp(3*time.Second))
		require.Equal(t, kombotest.Accepted, d.Outcome)
		_, d = place(t, s, kombotest.OrderSpec{}, kombotest.HangUp(0))
		require.Equal(t, kombotest.Unread, d.Outcome)
		require.NoError(t, s.Settle(t.Context()))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, d, err := s.PlaceOrder(ctx, kombotest.OrderSpec{}, kombotest.Late(time.Hour))
		require.NoError(t, err)
		require.Equal(t, kombotest.NotSent, d.Outcome)
		require.ErrorIs(t, d.Err, context.DeadlineExceeded)
	})
}
