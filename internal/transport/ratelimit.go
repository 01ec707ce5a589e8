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
	if wait, told := retryAfter(answer.Header, date); told {
		return wait
	}
	limited := failure.Class == assessment.ErrRateLimited || answer.StatusCode == http.StatusTooManyRequests
	if limited && failure.Limit == KeyLimit {
		wait, _ := seconds(answer.Header.Get("RateLimit-Reset"), date)
		return wait
	}
	return 0
}

// retryAfter reads Retry-After, or the milliseconds that some gateways send in a
// header of their own, which Kombo's own clients heed too. Of several values the
// longest counts: a proxy may have added one of its own, as a field or behind a
// comma. What cannot be read and what lies in the past is no wait.
func retryAfter(h http.Header, date string) (wait time.Duration, told bool) {
	for _, value := range h["Retry-After"] {
		wait, told = max(wait, waitOf(value, date)), told || value != ""
	}
	if told {
		return wait, true
	}
	millis := h.Get("Retry-After-Ms")
	wait, told = seconds(millis, date)
	if thousands := time.Duration(1000); told && wait < longestWait {
		wait = (wait + thousands - 1) / thousands
	}
	return wait, told
}

// waitOf reads one field: seconds, a date, or a list of seconds.
func waitOf(value, date string) (wait time.Duration) {
	if at, err := parseDate(value); err == nil { // its comma makes no list
		return max(0, at.Sub(serverTime(date)))
	}
	for each := range strings.SplitSeq(value, ",") {
		one, _ := seconds(each, date)
		wait = max(wait, one)
	}
	return wait
}

// parseDate reads the dates of HTTP and, as some gateways write it, of RFC 3339.
func parseDate(value string) (time.Time, error) {
	value = strings.TrimSpace(value)
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return at, nil
	}
	return http.ParseTime(value)
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
