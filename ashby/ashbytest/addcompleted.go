package ashbytest

import (
	"bytes"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// addCompleted serves assessment.addCompletedToCandidate, for an assessment that
// was not started from Ashby. Its members are camelCase, unlike those of every
// other operation: https://developers.ashbyhq.com/reference/assessmentaddCompletedToCandidate
func (s *Server) addCompleted(c *call) (answered, *refusal) {
	var done completion
	if problem := c.checked(func(body *simkit.Object) { done = readCompleted(newPayload(s.cfg.Quirks), body) }); problem != nil {
		return nil, problem
	}
	c.Order = done.ID
	return s.keepCompleted(c.owner, done, simkit.Canonical(c.Body))
}

// completion is the body of the call.
type completion struct {
	Assessment
	partnerID string
}

func readCompleted(p *payload, o *simkit.Object) completion {
	done := completion{
		Assessment: Assessment{CandidateID: o.UUID("candidateId", simkit.Required, true), State: StateCompleted},
		partnerID:  o.UUID("partnerId", simkit.Required, true),
	}
	if a := o.Child("assessment", simkit.Required); a != nil {
		done.TypeID = a.UUID("assessmentTypeId", simkit.Required, p.quirks.RequireUUIDs)
		done.ID = a.UUID("assessmentId", simkit.Required, p.quirks.RequireUUIDs)
		done.Name = a.Text("assessmentName", simkit.Required)
		done.Result = p.slot(a, "result", simkit.Required)
		done.Metadata = p.list(a, "metadata", simkit.Required)
		a.Done()
	}
	done.CompletedAt = time.UnixMilli(o.Milliseconds("timestamp")).UTC()
	o.Done()
	return done
}

// keepCompleted stores it, once.
func (w *world) keepCompleted(o *organization, done completion, body []byte) (answered, *refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if done.partnerID != o.PartnerID {
		return nil, refuse(codeInvalidInput, "The partnerId is unknown.")
	}
	if _, known := o.candidates[done.CandidateID]; !known && !w.quirks.AcceptUnknownCandidates {
		return nil, refuse(w.quirks.UnknownRecordCode, "No candidate has this id.")
	}
	if old := o.assessment(done.ID); old != nil && !bytes.Equal(old.added, body) {
		return nil, refuse(codeInvalidInput, "The assessmentId is in use.")
	} else if old == nil {
		done.Organization, done.CreatedAt = o.Name, w.now()
		done.ApplicationID = first(o.applicationsOf(done.CandidateID))
		o.assessments.Add(&assessment{Assessment: done.Assessment, added: body}, done.ID)
	}
	return o.completedResults(done), nil
}

func (o *organization) completedResults(done completion) map[string]any {
	results := map[string]any{
		"assessmentTypeId": done.TypeID,
		"assessmentId":     done.ID,
		"assessmentName":   done.Name,
		"candidateId":      done.CandidateID,
		"metadata":         wireValues(done.Metadata),
		"result":           done.Result.wire(),
	}
	if application := first(o.applicationsOf(done.CandidateID)); application != "" {
		results["applicationId"] = application
	}
	return results
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
