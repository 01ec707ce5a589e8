package ashbytest

import (
	"bytes"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// update serves assessment.update:
// https://developers.ashbyhq.com/docs/assessmentupdate
func (s *Server) update(c *call) (answered, *refusal) {
	var u Update
	if problem := c.checked(func(body *simkit.Object) { u = readUpdate(newPayload(s.cfg.Quirks), body) }); problem != nil {
		return nil, problem
	}
	c.noteUpdate(u)
	c.Order = u.AssessmentID
	u.Body, u.ReceivedAt = c.Body, c.now
	if problem := s.world.update(c.owner, u); problem != nil {
		return nil, problem
	}
	if s.cfg.Quirks.UpdateResults == nil {
		return nil, nil
	}
	return s.cfg.Quirks.UpdateResults, nil
}

// readUpdate checks everything about an update that does not depend on the state
// of its assessment.
func readUpdate(p *payload, o *simkit.Object) Update {
	u := Update{AssessmentID: o.UUID("assessment_id", simkit.Required, p.quirks.RequireUUIDs)}
	ms := o.Milliseconds("timestamp")
	u.Timestamp = time.UnixMilli(ms).UTC()
	u.Status = p.slot(o, "assessment_status", p.nullable())
	u.ProfileURL = p.slot(o, "assessment_profile_url", p.nullable())
	u.Result = p.slot(o, "assessment_result", p.nullable())
	u.CancelledReason = p.slot(o, "cancelled_reason", p.nullable())
	u.Metadata = p.list(o, "metadata", p.nullable())
	o.Done()
	checkSlots(p, o, u)
	u.UnknownKeys = o.Unknown
	return u
}

// checkSlots applies the rules between the slots.
func checkSlots(p *payload, o *simkit.Object, u Update) {
	if !o.Given("assessment_status") && !o.Given("cancelled_reason") {
		o.Fail(o.At("assessment_status"), "is required unless cancelled_reason is given")
	}
	if o.Given("assessment_result") && !o.Given("assessment_profile_url") {
		o.Fail(o.At("assessment_profile_url"), "is required with assessment_result")
	}
	if u.ProfileURL != nil && u.ProfileURL.Type != TypeURL {
		o.Fail(o.At("assessment_profile_url.type"), "must be url")
	}
	if o.Given("assessment_result") && o.Given("cancelled_reason") && !p.quirks.AllowResultWithCancel {
		o.Fail(o.At("cancelled_reason"), "must not come with assessment_result")
	}
}

// knows tells whether an update is a repeat: the same time and the same content,
// whatever the order of members and the blanks between them.
func (a *assessment) knows(u Update) bool {
	for _, known := range a.Updates {
		if known.Timestamp.Equal(u.Timestamp) && bytes.Equal(simkit.Canonical(known.Body), simkit.Canonical(u.Body)) {
			return true
		}
	}
	return false
}

// confirms tells whether an update acknowledges that Ashby cancelled.
func (a *assessment) confirms(u Update) bool {
	return a.CancelledByAshby && a.CancelReason == "" && u.CancelledReason != nil && u.Result == nil
}

// earliestMilliseconds is in 1973 if read as milliseconds, and far in the future if
// it was meant as seconds.
const earliestMilliseconds = 100_000_000_000

func (c *call) noteUpdate(u Update) {
	if u.Timestamp.UnixMilli() < earliestMilliseconds {
		c.Note("timestamp is before 1973: seconds instead of milliseconds?")
	}
	if len(u.UnknownKeys) > 0 {
		c.Note("unknown keys: " + strings.Join(u.UnknownKeys, ", "))
	}
	if c.Header.Get("Accept") == "" {
		c.Note("no Accept header")
	}
}
