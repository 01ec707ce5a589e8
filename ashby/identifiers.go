package ashby

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// The identifiers of what all results have in common. Ashby stores them, so they
// never change. None of them can be the ID of an [assessment.Attribute].
const (
	IDStatus          = "status"           // status text
	IDReportURL       = "profile-url"      // [assessment.Result.ReportURL]
	IDResult          = "result"           // score, else outcome, else the word Completed
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
	IDStatus, IDReportURL, IDResult, IDResultMax, IDResultMin, IDPassed,
	IDCancelledReason, IDReason, IDSummary, IDStartedAt, IDCompletedAt,
}

func isReserved(identifier string) bool {
	return slices.Contains(reserved[:], identifier)
}

// labels are what a recruiter reads instead of the standard labels, by
// identifier.
type labels map[string]string

// or returns the host's label, or the standard one.
func (l labels) or(identifier, standard string) string {
	if label, ok := l[identifier]; ok {
		return label
	}
	return standard
}

func checkLabels(given map[string]string) error {
	for identifier, label := range given {
		switch {
		case !isReserved(identifier):
			return fmt.Errorf("ashby: Labels: %q is not an identifier of this package", identifier)
		case strings.TrimSpace(label) == "":
			return errors.New("ashby: Labels: empty label for " + identifier)
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
