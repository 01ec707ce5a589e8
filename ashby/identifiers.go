package ashby

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The identifiers of what all results have in common. Ashby stores them, so they
// never change. None of them can be the ID of an [assessment.Attribute].
const (
	IDStatus          = "status"           // status text
	IDReportURL       = "profile-url"      // [assessment.Result.ReportURL]
	IDResult          = "result"           // score, else outcome, else the word Completed
	IDResultText      = "result-text"      // [assessment.Score.Text] beside a number
	IDResultMax       = "result-max"       // [assessment.Score.Max]
	IDResultMin       = "result-min"       // [assessment.Score.Min]
	IDPassed          = "passed"           // [assessment.Result.Outcome] beside a score
	IDCancelledReason = "cancelled-reason" // why it was cancelled or expired
	IDReason          = "reason"           // [assessment.Result.Reason] where nothing was cancelled
	IDSummary         = "summary"          // [assessment.Result.Summary]
	IDStartedAt       = "started-at"       // [assessment.Result.StartedAt]
	IDCompletedAt     = "completed-at"     // [assessment.Result.CompletedAt]
)

// reserved are the identifiers above.
var reserved = [...]string{
	IDStatus, IDReportURL, IDResult, IDResultText, IDResultMax, IDResultMin, IDPassed,
	IDCancelledReason, IDReason, IDSummary, IDStartedAt, IDCompletedAt,
}

func isReserved(identifier string) bool {
	return slices.Contains(reserved[:], identifier)
}

// wording is what a recruiter reads beside the common values instead of the
// standard texts, by identifier.
type wording struct{ labels, descriptions map[string]string }

// apply puts the host's texts in.
func (w wording) apply(d *wireDatum) *wireDatum {
	d.Label = or(w.labels, d.Identifier, d.Label)
	d.Description = or(w.descriptions, d.Identifier, d.Description)
	return d
}

func or(texts map[string]string, identifier, standard string) string {
	if text, ok := texts[identifier]; ok {
		return text
	}
	return standard
}

// checkTexts checks [Config.Labels] or [Config.Descriptions].
func checkTexts(setting string, given map[string]string) error {
	for identifier, text := range given {
		switch {
		case !isReserved(identifier):
			return fmt.Errorf("ashby: %s: %q is not an identifier of this package", setting, identifier)
		case strings.TrimSpace(text) == "":
			return fmt.Errorf("ashby: %s: empty text for %s", setting, identifier)
		case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
			return fmt.Errorf("ashby: %s: the text for %s is not valid UTF-8 or contains a NUL", setting, identifier)
		}
	}
	return nil
}

// slug writes a label in lower case, with a hyphen for everything that is
// neither letter nor digit.
func slug(label string) string {
	var b strings.Builder
	gap := false
	for _, r := range label {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(unicode.ToLower(r))
	}
	if b.Len() == 0 {
		return "value"
	}
	return b.String()
}
