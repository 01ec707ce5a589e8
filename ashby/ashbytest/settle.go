package ashbytest

import "github.com/assessbridge/assessbridge/internal/simkit"

// begin tells the state that a call is under way and returns the number of
// cancellations so far: an answer is judged by the state that the provider could
// know when it was asked.
func (w *world) begin(o *organization, q question) (mark int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if q.start != nil {
		o.learn(q.start)
	}
	if a := o.assessment(q.cancels); a != nil {
		a.cancelling++
	}
	return w.cancellations
}

// settle lets an answer take effect.
func (w *world) settle(o *organization, q question, p *simkit.Plan, unread bool, mark int, a *Answer) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.Update != nil {
		a.Update.ReceivedAt = now
	}
	if !p.WrongKey && a.Outcome == Succeeded {
		switch {
		case q.op == OpStart && q.start != nil:
			w.settleStart(o, sentIDs(q.start), mark, unread, a)
		case q.op == OpCancel && !unread:
			w.settleCancel(o, q.cancels)
		}
	}
	if unread {
		a.Outcome = Unread
	}
	// A provider that was heard but not understood may have cancelled all the same:
	// such a cancel stays under way.
	if x := o.assessment(q.cancels); x != nil && a.Outcome != Unread && a.Outcome != Failed {
		x.cancelling--
	}
}

// settleStart judges a started assessment by what Ashby knows and keeps it, unless
// the answer got lost. The caller holds w.mu.
func (w *world) settleStart(o *organization, ids startIDs, mark int, unread bool, a *Answer) {
	where, known := ids.slot(), o.assessment(a.AssessmentID)
	if problem := o.contradiction(where, known, a.AssessmentID, mark); problem != "" {
		a.Violations = append(a.Violations, "results.assessment_id "+problem)
	}
	if unread {
		if known == nil && o.live(where) == nil && where.application != "" {
			o.lose(where, a.AssessmentID)
		}
		return
	}
	o.find(where)
	if known == nil {
		known = o.addAssessment(a.AssessmentID, ids, w.now())
	}
	if a.Update == nil {
		return
	}
	if problem := w.take(o, known, *a.Update); problem != nil {
		a.Violations = append(a.Violations, "results.update_request "+problem.detail)
	}
}

// contradiction tells what is wrong with the id of a started assessment. The caller
// holds w.mu.
func (o *organization) contradiction(where slot, known *assessment, id string, mark int) string {
	live := o.live(where)
	switch {
	case where.application == "":
		return "" // nothing identifies the application
	case known != nil && known.slot() != where:
		return "is that of an assessment for another application or type"
	case known != nil && known.State == StateCancelled && known.cancellation <= mark:
		return "is that of a cancelled assessment"
	case known == nil && live != nil && live.cancelling == 0:
		return "is new, although an assessment is live"
	case known == nil && live == nil && o.lost[where] != "" && o.lost[where] != id:
		return "is not the one of the answer that got lost"
	}
	return ""
}

// settleCancel ends an assessment. The caller holds w.mu.
func (w *world) settleCancel(o *organization, id string) {
	if where, lost := o.lostIn[id]; lost {
		o.find(where)
	}
	a := o.assessment(id)
	if a == nil || a.State != StateLive {
		return
	}
	a.State, a.CancelledByAshby, a.CancelledAt = StateCancelled, true, w.now()
	w.ended(o, a)
}
