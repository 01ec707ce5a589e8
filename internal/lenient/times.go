package lenient

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts are the forms in which times come. A time without a zone is in UTC: no
// vendor has another one. Fractions of a second are read behind any of them.
var layouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04Z0700",
	"2006-01-02T15:04",
	time.DateOnly,
	"20060102T150405Z0700", // the basic form of ISO 8601
	"20060102T150405",
	time.RFC1123,
	time.RFC1123Z,
	time.RFC850,
	time.ANSIC,
	"Mon Jan 02 2006 15:04:05 GMT-0700", // a Date of JavaScript that was made text
}

// parseTime reads a time in any form that a vendor has used: a date, with a time
// of day and a zone or without, or seconds, milliseconds, microseconds or
// nanoseconds since 1970. The result is in UTC.
func parseTime(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, false
	}
	t, ok := sinceEpoch(text)
	if !ok {
		t, ok = calendar(text)
	}
	// encoding/json writes no other years.
	if t = t.UTC(); !ok || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t, true
}

func calendar(text string) (time.Time, bool) {
	text = withoutZoneName(text)
	var late time.Duration
	if len(text) > len(time.DateOnly) && text[4] == '-' {
		rest := strings.ReplaceAll(text[len(time.DateOnly)+1:], " ", "")
		switch text[len(time.DateOnly)] {
		case ' ', 'T', 't':
			rest, late = withinDay(strings.ToUpper(strings.TrimSuffix(rest, "UTC")))
			text = text[:len(time.DateOnly)] + "T" + rest
		}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Add(late), true
		}
	}
	return time.Time{}, false
}

// withinDay replaces the two times of day that package time does not know, and
// returns by how much the result is early: the leap second of RFC 3339, which falls
// on the next one here, and midnight at the end of a day (ISO 8601).
func withinDay(clock string) (string, time.Duration) {
	switch {
	case len(clock) >= 8 && clock[5:8] == ":60":
		return clock[:5] + ":59" + clock[8:], time.Second
	case strings.HasPrefix(clock, "24:00") && strings.Trim(clock[5:min(len(clock), 12)], ":0.Z") == "":
		return "00" + clock[2:], 24 * time.Hour
	}
	return clock, 0
}

// withoutZoneName takes off the name that Java and JavaScript write behind an
// offset, which says the same.
func withoutZoneName(text string) string {
	if at := strings.IndexAny(text, "[("); at > 0 {
		return strings.TrimSpace(text[:at])
	}
	return text
}

// The least numbers that are taken for a time: smaller ones would be days of the
// early seventies, and are more likely a year or a duration.
const (
	leastSeconds = 1e8  // 1973
	leastMillis  = 1e11 // 1973; as seconds it would be the year 5138
	leastMicros  = 1e14
	leastNanos   = 1e17
)

func sinceEpoch(text string) (time.Time, bool) {
	text = withoutExponent(text)
	whole, fraction, found := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < leastSeconds || !validNumber(text) {
		return time.Time{}, false
	}
	switch {
	case n >= leastNanos:
		return time.Unix(0, n), true
	case n >= leastMicros:
		return time.UnixMicro(n), true
	case n >= leastMillis:
		return time.UnixMilli(n), true
	case !found:
		return time.Unix(n, 0), true
	}
	nanos, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return time.Unix(n, nanos), err == nil
}

// withoutExponent writes a whole number, which some languages write with an
// exponent if it is large (1.7723664E12), with its digits.
func withoutExponent(text string) string {
	if n, ok := wholeNumber(text); ok {
		return strconv.FormatInt(n, 10)
	}
	return text
}

// wholeNumber reads a number with an exponent or a fraction of zeros, as far as a
// float64 holds it exactly.
func wholeNumber(text string) (int64, bool) {
	if !strings.ContainsAny(text, ".eE") || len(text) > 40 || !validNumber(text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return 0, false
	}
	return int64(n), true
}
