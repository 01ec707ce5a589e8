package transport

import (
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// askedWait returns how long an answer asks to wait, zero if it does not say.
//
// Retry-After (RFC 9110 section 10.2.3) counts whatever the status is. Kombo
// sends ratelimit-reset, in seconds, with every answer
// (https://docs.kombo.dev/getting-started/querying-api), so that it means a wait
// only where the limit has been reached, by the status or by the class of the
// error code.
func askedWait(answer Answer, class error) time.Duration {
	if value := answer.Header.Get("Retry-After"); value != "" {
		return retryAfter(value, answer.Header.Get("Date"))
	}
	if answer.StatusCode == http.StatusTooManyRequests || class == assessment.ErrRateLimited {
		wait, _ := seconds(answer.Header.Get("RateLimit-Reset"))
		return wait
	}
	return 0
}

// retryAfter reads seconds or a date. A date is measured by the server's own
// clock if the answer shows it, because ours may be wrong. What cannot be read
// and what lies in the past is no wait.
func retryAfter(value, serverDate string) time.Duration {
	if wait, ok := seconds(value); ok {
		return wait
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(serverDate)
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now))
}

// maxSeconds is the longest whole number of seconds that fits a duration.
const maxSeconds = int64(math.MaxInt64 / time.Second)

// seconds reads a decimal number of seconds and rounds it up. A number too large
// for a duration becomes the longest one.
func seconds(text string) (wait time.Duration, ok bool) {
	whole, fraction, _ := strings.Cut(strings.TrimSpace(text), ".")
	if whole == "" || !digits(whole) || !digits(fraction) {
		return 0, false
	}
	var n int64
	for i := range len(whole) {
		n = n*10 + int64(whole[i]-'0')
		if n >= maxSeconds {
			return time.Duration(maxSeconds) * time.Second, true
		}
	}
	if strings.Trim(fraction, "0") != "" {
		n++
	}
	return time.Duration(n) * time.Second, true
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
