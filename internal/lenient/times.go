package lenient

import (
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
	time.RFC1123,
	time.RFC1123Z,
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
	if len(text) > len(time.DateOnly) && text[4] == '-' {
		rest := strings.ReplaceAll(text[len(time.DateOnly)+1:], " ", "")
		switch text[len(time.DateOnly)] {
		case ' ', 'T', 't':
			text = text[:len(time.DateOnly)] + "T" + strings.ToUpper(strings.TrimSuffix(rest, "UTC"))
		}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
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
