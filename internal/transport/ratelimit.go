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
// sends ratelimit-reset with every answer
// (https://docs.kombo.dev/getting-started/querying-api). It is about the window
// of the key, so that it means a wait only where that limit has been reached, and
// not the one of concurrency or that of the ATS.
func askedWait(answer Answer, failure *Failure) time.Duration {
	date := answer.Header.Get("Date")
	if value := answer.Header.Get("Retry-After"); value != "" {
		return waitOf(value, date)
	}
	limited := failure.Class == assessment.ErrRateLimited || answer.StatusCode == http.StatusTooManyRequests
	if limited && failure.Limit == KeyLimit {
		wait, _ := seconds(answer.Header.Get("RateLimit-Reset"), date)
		return wait
	}
	return 0
}

// waitOf reads seconds or a date. What cannot be read and what lies in the past
// is no wait.
func waitOf(value, serverDate string) time.Duration {
	if wait, ok := seconds(value, serverDate); ok {
		return wait
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(serverTime(serverDate)))
}

// serverTime is the server's own clock if the answer shows it, because ours may
// be wrong.
func serverTime(date string) time.Time {
	if now, err := http.ParseTime(date); err == nil {
		return now
	}
	return time.Now()
}

const (
	// longestWait is the longest whole number of seconds that fits a duration.
	longestWait = math.MaxInt64 / time.Second * time.Second
	// aboutNow is how far from now a time is still believed.
	aboutNow = 366 * 24 * time.Hour
)

// seconds reads a decimal number of seconds and rounds it up. A number too large
// for a duration becomes the longest one. A number that is a time about now, in
// seconds or milliseconds since 1970, is taken for that: as a wait it would end
// decades from now.
func seconds(text, serverDate string) (wait time.Duration, ok bool) {
	whole, fraction, _ := strings.Cut(strings.TrimSpace(text), ".")
	if whole == "" || !digits(whole) || !digits(fraction) {
		return 0, false
	}
	const enough = math.MaxInt64/10 - 1 // the next digit would overflow
	var n int64
	for i := range len(whole) {
		if n = n*10 + int64(whole[i]-'0'); n >= enough {
			return longestWait, true
		}
	}
	if strings.Trim(fraction, "0") != "" {
		n++
	}
	now := serverTime(serverDate)
	for _, at := range []time.Time{time.Unix(n, 0), time.UnixMilli(n)} {
		if wait := at.Sub(now); wait > -aboutNow && wait < aboutNow {
			return max(0, wait), true
		}
	}
	return time.Duration(min(n, int64(longestWait/time.Second))) * time.Second, true
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
