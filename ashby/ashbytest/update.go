package ashbytest

import (
	"bytes"
	"strings"
	"time"
)

// update serves assessment.update:
// https://developers.ashbyhq.com/docs/assessmentupdate
func (s *Server) update(c *call) (answered, *refusal) {
	check := &checker{}
	body := c.object(check)
	if body == nil {
		return nil, check.refusal()
	}
	u := readUpdate(newPayload(s.cfg.Quirks), body)
	c.noteUpdate(u)
	if problem := check.refusal(); problem != nil {
		return nil, problem
	}
	u.Body, u.ReceivedAt = c.body, c.now
	s.mu.Lock()
	defer s.mu.Unlock()
	a := c.owner.assessment(u.AssessmentID)
	if a == nil {
		return nil, refuse(s.cfg.Quirks.UnknownAssessmentCode, "No assessment has this id.")
	}
	if problem := s.take(a, u); problem != nil {
		return nil, problem
	}
	if s.cfg.Quirks.UpdateResults == nil {
		return nil, nil
	}
	return s.cfg.Quirks.UpdateResults, nil
}

// readUpdate checks everything about an update that does not depend on the state
// of its assessment.
func readUpdate(p *payload, o *object) Update {
	u := Update{AssessmentID: o.id("assessment_id", required, p.quirks.RequireUUIDs)}
	ms := o.milliseconds("timestamp")
	u.Timestamp = time.UnixMilli(ms).UTC()
	u.Status = p.slot(o, "assessment_status", p.nullable())
	u.ProfileURL = p.slot(o, "assessment_profile_url", p.nullable())
	u.Result = p.slot(o, "assessment_result", p.nullable())
	u.CancelledReason = p.slot(o, "cancelled_reason", p.nullable())
	u.Metadata = p.list(o, "metadata", p.nullable())
	o.done()
	checkSlots(p, o, u)
	u.UnknownKeys = o.unknown
	return u
}

// checkSlots applies the rules between the slots.
func checkSlots(p *payload, o *object, u Update) {
	if !o.given("assessment_status") && !o.given("cancelled_reason") {
		o.fail(o.at("assessment_status"), "is required unless cancelled_reason is given")
	}
	if o.given("assessment_result") && !o.given("assessment_profile_url") {
		o.fail(o.at("assessment_profile_url"), "is required with assessment_result")
	}
	if u.ProfileURL != nil && u.ProfileURL.Type != TypeURL {
		o.fail(o.at("assessment_profile_url.type"), "must be url")
	}
	if o.given("assessment_result") && o.given("cancelled_reason") && !p.quirks.AllowResultWithCancel {
		o.fail(o.at("cancelled_reason"), "must not come with assessment_result")
	}
}

// take judges an update by the state of its assessment and lets it take effect.
// The caller holds s.mu.
func (s *Server) take(a *assessment, u Update) *refusal {
	q := s.cfg.Quirks
	if q.Repeat != RepeatRefused && a.knows(u) {
		if q.Repeat == RepeatStored {
			a.apply(u)
		}
		return nil
	}
	if a.State != StateLive && !q.AcceptAfterTerminal && !(q.AcceptCancelConfirmation && a.confirms(u)) {
		return refuse(q.ClosedAssessmentCode, "The assessment is "+string(a.State)+".")
	}
	if n := len(a.Updates); n > 0 && !u.Timestamp.After(a.Updates[n-1].Timestamp) && !q.AcceptOlderTimestamps {
		return refuse(q.OlderTimestampCode, "The timestamp is not after that of the last update.")
	}
	a.apply(u)
	s.countCancellation(a)
	return nil
}

// knows tells whether an update is a repeat: the same time and the same content,
// whatever the order of members and the blanks between them.
func (a *assessment) knows(u Update) bool {
	for _, known := range a.Updates {
		if known.Timestamp.Equal(u.Timestamp) && bytes.Equal(canonical(known.Body), canonical(u.Body)) {
			return true
		}
	}
	return false
}

// confirms tells whether an update acknowledges that Ashby cancelled.
func (a *assessment) confirms(u Update) bool {
	return a.CancelledByAshby && a.CancelReason == "" && u.CancelledReason != nil && u.Result == nil
}

func canonical(body []byte) []byte {
	tree, err := decode(body)
	if err != nil {
		return body
	}
	return encode(tree) // members sorted, numbers as they were written
}

// earliestMilliseconds is in 1973 if read as milliseconds, and far in the future if
// it was meant as seconds.
const earliestMilliseconds = 100_000_000_000

func (c *call) noteUpdate(u Update) {
	if u.Timestamp.UnixMilli() < earliestMilliseconds {
		c.note("timestamp is before 1973: seconds instead of milliseconds?")
	}
	if len(u.UnknownKeys) > 0 {
		c.note("unknown keys: " + strings.Join(u.UnknownKeys, ", "))
	}
	if c.header.Get("Accept") == "" {
		c.note("no Accept header")
	}
}
