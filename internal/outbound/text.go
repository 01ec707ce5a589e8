package outbound

import (
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Readable returns the value of an attribute as a recruiter reads it, for the
// vendors that have no type for it: "Yes", "42 min 30 s", "9 of 10, completed".
// The status of a sub-result that has none is that of the whole result. It is
// empty for a nil value.
func Readable(value assessment.AttributeValue, overall assessment.Status) string {
	switch v := value.(type) {
	case assessment.Text:
		return string(v)
	case assessment.Link:
		return URL(string(v))
	case assessment.Number:
		return Decimal(float64(v))
	case assessment.Flag:
		if v {
			return "Yes"
		}
		return "No"
	case assessment.Elapsed:
		return elapsedText(time.Duration(v))
	case assessment.SubResult:
		if v.Status == "" {
			v.Status = overall
		}
		return subResultText(v)
	}
	return ""
}

func subResultText(s assessment.SubResult) string {
	status := strings.ReplaceAll(string(s.Status), "_", " ")
	if s.Score == nil {
		return status
	}
	return ScoreText(s.Score) + ", " + status
}

// ScoreText returns a score as a recruiter reads it: "9 of 10", "B2", "9 of 10,
// B2".
func ScoreText(s *assessment.Score) string {
	text := s.Text
	if !s.InWords() {
		text = numberText(s)
	}
	if s.Label != "" {
		text += " (" + s.Label + ")"
	}
	if s.Text != "" && !s.InWords() {
		text += ", " + s.Text
	}
	return text
}

func numberText(s *assessment.Score) string {
	text := Decimal(s.Value)
	switch {
	case s.Min != nil && s.Max != nil && *s.Min != 0:
		text += " on a scale from " + Decimal(*s.Min) + " to " + Decimal(*s.Max)
	case s.Max != nil:
		text += " of " + Decimal(*s.Max)
	}
	return text
}

// elapsedText writes a duration, which is not negative, for a reader: "1 h 2 min
// 3 s".
func elapsedText(d time.Duration) string {
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
