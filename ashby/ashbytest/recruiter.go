package ashbytest

import (
	"context"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// The operations that a provider implements, named as in [Exchange.Op]. Each is
// called with POST at a path of the same name below the provider's base URL:
// https://developers.ashbyhq.com/docs/creating-an-assessments-integration
const (
	OpList   = "assessment.list"
	OpStart  = "assessment.start"
	OpCancel = "assessment.cancel"
	// OpCustomFieldList is the older name of the listing of custom fields.
	OpCustomFieldList = "assessment.customField.list"
	// OpCustomFieldsFetch is the newer one. Its title is public, its path is not: this
	// one follows the pattern of the others.
	OpCustomFieldsFetch = "assessment.customFields.fetch"
)

// List plays a customer who picks an assessment for the interview plan of a job.
func (s *Server) List(ctx context.Context, faults ...DeliveryFault) Answer {
	return s.ask(ctx, question{op: OpList, body: []byte("{}")}, faults)
}

// StartAssessment plays a recruiter who starts an assessment. A success makes it
// live, or finds it live already; a retry after [AnswerLost] is the same call again.
//
// Beyond the shape of the answer it is a violation to answer with the id of a
// cancelled assessment or of another application, and to answer with a new id while
// one is live or after an answer that got lost. A recruiter who starts once more is
// answered 409, or 200 with the id of the live assessment.
func (s *Server) StartAssessment(ctx context.Context, spec StartSpec, faults ...DeliveryFault) Answer {
	tree, err := spec.body()
	if err != nil {
		return Answer{Op: OpStart, Outcome: NotSent, Err: named(err)}
	}
	return s.ask(ctx, question{op: OpStart, body: simkit.Encode(tree), start: tree}, faults)
}

// StartTogether makes the same start n times at once; a double click is n = 2. The
// answers are judged as those of [Server.StartAssessment]: at most one id may come
// of them.
func (s *Server) StartTogether(ctx context.Context, n int, spec StartSpec, faults ...DeliveryFault) []Answer {
	answers := make([]Answer, max(n, 0))
	simkit.Together(len(answers), func(i int) { answers[i] = s.StartAssessment(ctx, spec, faults...) })
	return answers
}

// Cancel plays a recruiter who cancels. Ashby sends no reason. An id that Ashby
// does not know, or an assessment that has ended, is sent all the same, so that a
// provider can be tried: what it has to answer then is not documented.
func (s *Server) Cancel(ctx context.Context, assessmentID string, faults ...DeliveryFault) Answer {
	body := simkit.Encode(map[string]any{"assessment_id": assessmentID})
	return s.ask(ctx, question{op: OpCancel, body: body, cancels: assessmentID}, faults)
}

// SyncCustomFields plays the fetch of custom fields, which Ashby makes when an admin
// asks for it and about every hour, never for an assessment. It calls
// [Quirks.CustomFieldsOp], or another name with [Under].
// https://developers.ashbyhq.com/reference/assessmentpartnercustomfieldlist
func (s *Server) SyncCustomFields(ctx context.Context, faults ...DeliveryFault) Answer {
	return s.ask(ctx, question{op: s.cfg.Quirks.CustomFieldsOp, body: []byte("{}")}, faults)
}

// question is a call of the provider.
type question struct {
	op      string
	body    []byte
	start   any    // the body of a start as a JSON tree
	cancels string // the id of a cancel
}

// ask makes a call, judges the answer and lets it take effect.
func (s *Server) ask(ctx context.Context, q question, faults []DeliveryFault) Answer {
	p := planOf(faults)
	q.op, q.body = simkit.OrDefault(p.Op, q.op), p.Mangle(q.body)
	a := Answer{Op: q.op, Outcome: NotSent}
	var o *organization
	var key string
	a.Err = s.with(p.Account, func(customer *organization) error {
		o, key, a.Organization = customer, customer.PartnerKey, customer.Name
		return nil
	})
	target := s.partner.Value()
	if a.Err == nil {
		a.Err = s.sim.Ready(ctx, p, target)
	}
	if a.Err != nil {
		return a
	}
	mark := s.begin(o, q)
	a.Delivery = s.sim.NextDelivery()
	s.sim.Send(ctx, p, simkit.Request{
		Op: a.Op, Account: a.Organization, Order: q.cancels, Delivery: a.Delivery,
		Target: target.At(strings.TrimSuffix(target.URL, "/") + "/" + q.op),
		Header: s.callHeader(p, key), Body: q.body, Timeout: s.cfg.Timeout,
		Judge: func(came simkit.Answer) []string {
			a.Exchange, a.Status, a.Header, a.Body, a.Err = came.Exchange, came.Status, came.Header, came.Body, came.Err
			s.examine(q, p, &a)
			s.settle(o, q, p, came.HungUp || p.IgnoreAnswer, mark, &a)
			return a.Violations
		},
	})
	return a
}

func (s *Server) callHeader(p *simkit.Plan, key string) http.Header {
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}
	p.SetHeaders(header)
	authorization := userName(key)
	switch {
	case p.Authorize != nil:
		authorization = p.Authorize(key)
	case s.cfg.Quirks.PartnerKeyAsPassword:
		authorization = basicAuthorization("", key)
	}
	if authorization != "" {
		header.Set("Authorization", authorization)
	}
	return header
}

// begin tells the state that a call is under way and returns the number of
// cancellations so far: an answer is judged by the state that the provider could
// know when it was asked.
func (w *world) begin(o *organization, q question) (mark int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if q.start != nil {
		o.learn(q.start, w.now())
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
