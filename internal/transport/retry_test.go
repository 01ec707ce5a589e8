package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Which first failures are followed by a second attempt, for a read and for
// each kind of write, and whether the write is uncertain if they are not.
func TestWhatIsRepeated(t *testing.T) {
	const (
		always    = "always"     // reads and every write
		unlessDup = "unless dup" // not if a write must not be applied twice
		never     = "never"
	)
	for name, c := range map[string]struct {
		first     step
		repeated  string
		uncertain bool
	}{
		"400":                    {answers(400, ""), never, false},
		"404":                    {answers(404, ""), never, false},
		"408":                    {answers(408, ""), unlessDup, true},
		"409":                    {answers(409, ""), never, false},
		"425":                    {answers(425, ""), always, false},
		"429":                    {answers(429, ""), always, false},
		"500":                    {answers(500, ""), unlessDup, true},
		"501":                    {answers(501, ""), never, false},
		"502":                    {answers(502, ""), unlessDup, true},
		"503":                    {answers(503, ""), always, false},
		"503 in HTML":            {answers(503, "<html>down</html>"), always, false},
		"504":                    {answers(504, ""), unlessDup, true},
		"522 of a proxy":         {answers(522, ""), unlessDup, true},
		"525 of a proxy":         {answers(525, ""), never, true},
		"a page with 200":        {answers(200, "<!DOCTYPE html>"), unlessDup, true},
		"half a document":        {answers(200, `{"a":`), unlessDup, true},
		"redirect to a page":     {answers(302, "", "Location", "https://status.test/"), unlessDup, true},
		"redirect to nowhere":    {answers(302, ""), unlessDup, true},
		"unknown code with 200":  {answers(200, "error NEW"), never, true},
		"unknown code with 503":  {answers(503, "error NEW"), never, false},
		"unknown code with 429":  {answers(429, "error NEW"), never, false},
		"unknown code with 500":  {answers(500, "error NEW"), never, true},
		"code that passes, 400":  {answers(400, "error BUSY"), always, false},
		"code that passes, 200":  {answers(200, "error BUSY"), unlessDup, true},
		"code that stays, 503":   {answers(503, "error BAD"), never, false},
		"code: refused, 500":     {answers(500, "error REFUSED_500"), always, false},
		"code: timed out, 400":   {answers(400, "error TIMED_OUT"), unlessDup, true},
		"failure in a success":   {answers(200, "error CLOSED"), never, false},
		"503 cut short":          {cuts(503, "<ht"), always, false},
		"200 cut short":          {cuts(200, `{"a":`), unlessDup, true},
		"reset":                  {breaks(errReset), unlessDup, true},
		"closed":                 {breaks(io.EOF), unlessDup, true},
		"refused":                {breaks(errRefused), always, false},
		"proxy refused":          {breaks(&net.OpError{Op: "proxyconnect", Err: errRefused}), always, false},
		"timeout":                {breaks(fmt.Errorf("x: %w", context.DeadlineExceeded)), unlessDup, true},
		"no such host":           {breaks(errNoName), never, false},
		"name server busy":       {breaks(&net.DNSError{IsTemporary: true}), always, false},
		"cancelled by transport": {breaks(context.Canceled), never, true},
		"certificate":            {breaks(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), never, false},
		"unknown authority":      {breaks(x509.UnknownAuthorityError{}), never, false},
		"other host's":           {breaks(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "api.test"}), never, false},
		"no TLS":                 {breaks(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), never, false},
		"TLS alert":              {breaks(&net.OpError{Op: "remote error", Err: tls.AlertError(40)}), never, true},
	} {
		for call, repeated := range map[*Call]bool{
			{Method: "GET"}:                  c.repeated != never,
			{Method: "HEAD"}:                 c.repeated != never,
			{Method: "POST", Repeat: Read}:   c.repeated != never,
			{Method: "POST", Repeat: Same}:   c.repeated != never,
			{Method: "PATCH", Repeat: Again}: c.repeated != never,
			{Method: "PUT", Repeat: Never}:   c.repeated == always,
		} {
			write := call.repeat() != Read
			t.Run(fmt.Sprintf("%s/%s-%d", name, call.Method, call.Repeat), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := play(c.first, answers(200, `"ok"`))
					_, err := newClient(t, server).Do(t.Context(), *call)
					if repeated {
						require.NoError(t, err)
						require.Len(t, server.seen, 2)
						return
					}
					api := apiError(t, err)
					require.Len(t, server.seen, 1)
					require.Equal(t, 1, api.Attempts)
					require.Equal(t, c.uncertain && write, api.Uncertain)
					require.Equal(t, c.uncertain && write && call.Repeat == Same, api.SafeToRepeat)
				})
			})
		}
	}
}

// An attempt that may have been applied is not forgotten because a later one
// was refused.
func TestUncertaintySticks(t *testing.T) {
	for name, c := range map[string]struct {
		repeat   Repeat
		steps    []step
		attempts int
		want     error
		safe     bool
	}{
		"same, then refused":   {Same, []step{breaks(errReset), answers(409, "")}, 2, assessment.ErrUnavailable, true},
		"again, then refused":  {Again, []step{answers(408, ""), answers(409, "")}, 2, assessment.ErrUnavailable, false},
		"again, only once":     {Again, []step{answers(502, ""), answers(502, "")}, 2, assessment.ErrUnavailable, false},
		"again, once in all":   {Again, []step{answers(502, ""), answers(429, ""), answers(200, "")}, 2, assessment.ErrRateLimited, false},
		"again, after a 429":   {Again, []step{answers(429, ""), answers(502, ""), answers(409, "")}, 3, assessment.ErrUnavailable, false},
		"never, after a 429":   {Never, []step{answers(429, ""), answers(502, "")}, 2, assessment.ErrUnavailable, false},
		"same, all to its end": {Same, []step{breaks(errReset)}, 5, assessment.ErrUnavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newClient(t, play(c.steps...)).Do(t.Context(), writingWith(c.repeat))
				api := apiError(t, err)
				require.ErrorIs(t, err, c.want)
				require.True(t, api.Uncertain)
				require.Equal(t, c.safe, api.SafeToRepeat)
				require.Equal(t, c.attempts, api.Attempts)
			})
		})
	}
}

// The error is only the context's and does not tell how far the request got, so
// a write is uncertain even if no connection was made.
func TestDeadlineWhileConnectingIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		real := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			<-release
			return nil, errRefused
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := newClient(t, real).Do(ctx, writing)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, apiError(t, err).Uncertain)
	})
}

func TestDeadlineAfterSendingIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, server) }()
			return client, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		client := newClient(t, real, func(c *Config) { c.BaseURL = "http://api.test" })
		_, err := client.Do(ctx, writing)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, apiError(t, err).Uncertain)
	})
}

func TestBackoffIsExponentialWithFullJitter(t *testing.T) {
	for n, ceiling := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second} {
		var least, greatest time.Duration = time.Hour, 0
		for range 2000 {
			wait := backoff(DefaultMinBackoff, DefaultMaxBackoff, n)
			least, greatest = min(least, wait), max(greatest, wait)
		}
		require.LessOrEqual(t, greatest, ceiling, n)
		require.Greater(t, greatest, ceiling*9/10, n)
		require.Less(t, least, ceiling/10, n)
	}
	for range 100 { // doubling overflows in the last steps
		for _, greatest := range []time.Duration{1 << 62, math.MaxInt64} {
			wait := backoff(1, greatest, 1<<40)
			require.GreaterOrEqual(t, wait, time.Duration(0))
			require.Less(t, wait, greatest)
		}
	}
}

func TestWaitsAreBackoffs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := newClient(t, play(answers(503, ""))).Do(t.Context(), reading)
		require.Equal(t, 5, apiError(t, err).Attempts)
		require.LessOrEqual(t, time.Since(start), (500+1000+2000+4000)*time.Millisecond)
		require.Positive(t, time.Since(start))
	})
}

func TestWaitsEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { cancel(stop) })
		start := time.Now()
		answer, err := newClient(t, play(answers(503, "error BUSY", "Retry-After", "30"))).Do(ctx, reading)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2*time.Second, time.Since(start))
		api := apiError(t, err)
		require.Equal(t, 503, api.StatusCode)
		require.Equal(t, "BUSY", api.Code)
		require.Equal(t, "error BUSY", string(api.Body))
		require.Equal(t, 503, answer.StatusCode)
		require.Equal(t, 1, api.Attempts)
	})
}

func TestContextThatEndsInALaterAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := newClient(t, play(answers(429, "error BUSY", "Retry-After", "2"), hangs)).Do(ctx, reading)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, assessment.ErrUnavailable)
		api := apiError(t, err)
		require.Equal(t, 429, api.StatusCode)
		require.Equal(t, "BUSY", api.Code)
		require.Equal(t, 2*time.Second, api.RetryAfter)
		require.Equal(t, 2, api.Attempts)
	})
}

// A wait that would end after the deadline is not begun.
func TestNoWaitIntoTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := newClient(t, play(answers(429, "", "Retry-After", "10"))).Do(ctx, writing)
		require.Zero(t, time.Since(start))
		require.ErrorIs(t, err, assessment.ErrRateLimited)
		require.Equal(t, 10*time.Second, apiError(t, err).RetryAfter)
	})
}

func TestRetryAfterBeyondTheCap(t *testing.T) {
	for _, c := range []struct {
		status int
		asked  int
		want   error
	}{
		{429, 61, assessment.ErrRateLimited},
		{503, 7200, assessment.ErrRateLimited}, // it said when to come back
	} {
		t.Run(strconv.Itoa(c.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := newClient(t, play(answers(c.status, "", "Retry-After", strconv.Itoa(c.asked)))).Do(t.Context(), reading)
				require.Zero(t, time.Since(start))
				require.ErrorIs(t, err, c.want)
				after, ok := assessment.Retryable(err)
				require.True(t, ok)
				require.Equal(t, min(time.Duration(c.asked)*time.Second, time.Hour), after)
				require.Equal(t, time.Duration(c.asked)*time.Second, apiError(t, err).RetryAfter)
			})
		})
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, first := range map[string]step{
			"seconds":         answers(429, "", "Retry-After", "60"),
			"of a 503":        answers(503, "", "Retry-After", "60"),
			"date":            answers(429, "", "Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), "Date", time.Now().UTC().Format(http.TimeFormat)),
			"ratelimit-reset": answers(429, "", "ratelimit-reset", "60"),
		} {
			start := time.Now()
			_, err := newClient(t, play(first, answers(200, ""))).Do(t.Context(), writing)
			require.NoError(t, err, name)
			require.Equal(t, time.Minute, time.Since(start), name)
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, play(answers(200, "")))
		start := time.Now()
		require.True(t, client.Pause(t.Context(), 0, 7*time.Second))
		require.Equal(t, 7*time.Second, time.Since(start), "as long as the vendor asks")

		start = time.Now()
		require.False(t, client.Pause(t.Context(), 0, 61*time.Second), "beyond the limit")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.False(t, client.Pause(ctx, 0, 6*time.Second), "beyond the deadline")
		require.Zero(t, time.Since(start), "at once")

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.False(t, client.Pause(ctx, 0, 6*time.Second))
		require.Equal(t, time.Second, time.Since(start))

		for n := range 20 {
			start = time.Now()
			require.True(t, client.Pause(t.Context(), n, 0))
			require.LessOrEqual(t, time.Since(start), DefaultMaxBackoff)
		}
	})
}
