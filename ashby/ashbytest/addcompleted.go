package ashbytest

import (
	"bytes"
	"time"
)

// addCompleted serves assessment.addCompletedToCandidate, for an assessment that
// was not started from Ashby. Its members are camelCase, unlike those of every
// other operation: https://developers.ashbyhq.com/reference/assessmentaddCompletedToCandidate
func (s *Server) addCompleted(c *call) (answered, *refusal) {
	check := &checker{}
	body := c.object(check)
	if body == nil {
		return nil, check.refusal()
	}
	done := readCompleted(newPayload(s.cfg.Quirks), body)
	if problem := check.refusal(); problem != nil {
		return nil, problem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if problem := s.keepCompleted(c, done); problem != nil {
		return nil, problem
	}
	return c.owner.completedResults(done), nil
}

// completion is the body of the call.
type completion struct {
	Assessment
	partnerID string
}

func readCompleted(p *payload, o *object) completion {
	done := completion{
		Assessment: Assessment{CandidateID: o.id("candidateId", required, true), State: StateCompleted},
		partnerID:  o.id("partnerId", required, true),
	}
	if a := o.child("assessment", required); a != nil {
		done.TypeID = a.id("assessmentTypeId", required, p.quirks.RequireUUIDs)
		done.ID = a.id("assessmentId", required, p.quirks.RequireUUIDs)
		done.Name = a.text("assessmentName", required)
		done.Result = p.slot(a, "result", required)
		done.Metadata = p.list(a, "metadata", required)
		a.done()
	}
	done.CompletedAt = time.UnixMilli(o.milliseconds("timestamp")).UTC()
	o.done()
	return done
}

// keepCompleted stores it, once. The caller holds s.mu.
func (s *Server) keepCompleted(c *call, done completion) *refusal {
	o := c.owner
	if done.partnerID != o.PartnerID {
		return refuse(codeInvalidInput, "The partnerId is unknown.")
	}
	if _, known := o.candidates[done.CandidateID]; !known && !s.cfg.Quirks.AcceptUnknownCandidates {
		return refuse(s.cfg.Quirks.UnknownRecordCode, "No candidate has this id.")
	}
	body := canonical(c.body)
	if old := o.assessment(done.ID); old != nil {
		if bytes.Equal(old.added, body) {
			return nil
		}
		return refuse(codeInvalidInput, "The assessmentId is in use.")
	}
	done.Organization, done.CreatedAt = o.Name, c.now
	done.ApplicationID = first(o.applicationsOf(done.CandidateID))
	o.assessments = append(o.assessments, &assessment{Assessment: done.Assessment, added: body})
	return nil
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
