package ashby

import (
	"crypto/rand"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
)

// Dedupe returns what a repetition of the order has in common with it, as the
// [Handler] does for every start: it is for those who bring orders of another system
// in ([github.com/assessbridge/assessbridge/assessment/sqlstore.Imported]), under the
// assessment_id that Ashby has. It reads Application.RemoteID, else
// Candidate.RemoteID, else Candidate.Email, and Package.ID; it is nil if there is
// none of the three.
func Dedupe(o assessment.Order) []string {
	parts, known := dedupe(&o)
	if !known {
		return nil
	}
	return parts
}

// dedupe returns what a repetition of the order has in common with it: Ashby gives
// a start no id (https://developers.ashbyhq.com/reference/assessmentstart). known is
// false if there is nothing; the order is then started, because not starting one
// that was meant is worse than starting one twice.
func dedupe(o *assessment.Order) (parts []string, known bool) {
	for _, subject := range []struct{ name, id string }{
		{"application", o.Application.RemoteID},
		{"candidate", o.Candidate.RemoteID},
		{"email", strings.ToLower(o.Candidate.Email)},
	} {
		if id := strings.TrimSpace(subject.id); id != "" {
			return []string{subject.name, id, o.Package.ID}, true
		}
	}
	return []string{"nothing", rand.Text()}, false
}
