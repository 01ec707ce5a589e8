package ashby

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assessbridge/assessbridge/assessment"
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

// identifiers sees to it that an identifier occurs once in a payload, as Ashby
// requires. The comparison is exact; Ashby documents none. The zero value is
// ready to use.
type identifiers struct {
	taken map[string]int // to the attribute that chose it, or -1
}

func (ids *identifiers) take(identifier string, by int) {
	if ids.taken == nil {
		ids.taken = make(map[string]int)
	}
	ids.taken[identifier] = by
}

// claim takes the IDs that the provider chose, before any is made up.
func (ids *identifiers) claim(p *assessment.Problems, attributes []assessment.Attribute) {
	for i, a := range attributes {
		if a.ID == "" {
			continue
		}
		first, taken := ids.taken[a.ID]
		switch {
		case !utf8.ValidString(a.ID): // two of them may be one in JSON
			p.Add(fmt.Sprintf("attributes[%d].id", i), "not valid UTF-8")
		case isReserved(a.ID):
			p.Add(fmt.Sprintf("attributes[%d].id", i), "reserved by this package")
		case taken:
			p.Add(fmt.Sprintf("attributes[%d].id", i), fmt.Sprintf("already the one of attributes[%d]", first))
		default:
			ids.take(a.ID, i)
		}
	}
}

// mint returns wanted or, if that is taken, wanted with a number.
func (ids *identifiers) mint(wanted string) string {
	identifier := wanted
	for n := 2; ; n++ {
		if _, taken := ids.taken[identifier]; !taken && !isReserved(identifier) {
			ids.take(identifier, -1)
			return identifier
		}
		identifier = wanted + "-" + strconv.Itoa(n)
	}
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
