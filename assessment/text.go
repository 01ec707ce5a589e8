package assessment

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// ReadableText returns the value of an attribute as a recruiter reads it, for the
// vendors that have no type for it: "Yes", "42 min 30 s", "9 of 10, completed". The
// status of a [SubResult] that has none is that of the whole result. It is empty
// for a nil value.
func ReadableText(value AttributeValue, overall Status) string {
	switch v := value.(type) {
	case Text:
		return string(v)
	case Link:
		return string(v)
	case Number:
		return FormatNumber(float64(v))
	case Flag:
		if v {
			return "Yes"
		}
		return "No"
	case Elapsed:
		return elapsedText(time.Duration(v))
	case SubResult:
		if v.Status == "" {
			v.Status = overall
		}
		return v.text()
	}
	return ""
}

func (s SubResult) text() string {
	status := strings.ReplaceAll(string(s.Status), "_", " ")
	if s.Score == nil {
		return status
	}
	return s.Score.text() + ", " + status
}

func (s *Score) text() string {
	text := FormatNumber(s.Value)
	switch {
	case s.Min != nil && s.Max != nil && *s.Min != 0:
		text += " on a scale from " + FormatNumber(*s.Min) + " to " + FormatNumber(*s.Max)
	case s.Max != nil:
		text += " of " + FormatNumber(*s.Max)
	}
	if s.Label != "" {
		text += " (" + s.Label + ")"
	}
	return text
}

// elapsedText writes a duration for a reader: "1 h 2 min 3 s".
func elapsedText(d time.Duration) string {
	if d < 0 {
		// The least duration has no positive counterpart.
		return "-" + elapsedText(-max(d, -math.MaxInt64))
	}
	if d < time.Second {
		return d.String()
	}
	seconds := int64(d / time.Second)
	if d%time.Second >= time.Second/2 {
		seconds++
	}
	var parts []string
	for _, unit := range []struct {
		seconds int64
		name    string
	}{{3600, " h"}, {60, " min"}, {1, " s"}} {
		if n := seconds / unit.seconds; n > 0 {
			parts = append(parts, strconv.FormatInt(n, 10)+unit.name)
		}
		seconds %= unit.seconds
	}
	return strings.Join(parts, " ")
}
