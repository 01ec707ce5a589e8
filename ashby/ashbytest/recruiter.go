package ashbytest

import (
	"context"
	"net/http"
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
func (s *Server) List(ctx context.Context, options ...DeliveryOption) Answer {
	return s.ask(ctx, question{op: OpList, body: []byte("{}")}, options)
}

// StartAssessment plays a recruiter who starts an assessment. A success makes it
// live, or finds it live already; a retry after [AnswerLost] is the same call again.
//
// Beyond the shape of the answer it is a violation to answer with the id of a
// cancelled assessment or of another application, and to answer with a new id while
// one is live or after an answer that got lost. A recruiter who starts once more is
// answered 409, or 200 with the id of the live assessment.
func (s *Server) StartAssessment(ctx context.Context, spec StartSpec, options ...DeliveryOption) Answer {
	tree, err := spec.body()
	if err != nil {
		return Answer{Op: OpStart, Outcome: NotSent, Err: err}
	}
	return s.ask(ctx, question{op: OpStart, body: encode(tree), start: tree}, options)
}

// StartTogether makes the same start n times at once; a double click is n = 2. The
// answers are judged as those of [Server.StartAssessment]: at most one id may come
// of them.
func (s *Server) StartTogether(ctx context.Context, n int, spec StartSpec, options ...DeliveryOption) []Answer {
	answers := make([]Answer, max(n, 0))
	together(len(answers), func(i int) { answers[i] = s.StartAssessment(ctx, spec, options...) })
	return answers
}

// Cancel plays a recruiter who cancels. Ashby sends no reason. An id that Ashby
// does not know, or an assessment that has ended, is sent all the same, so that a
// provider can be tried: what it has to answer then is not documented.
func (s *Server) Cancel(ctx context.Context, assessmentID string, options ...DeliveryOption) Answer {
	body := encode(map[string]any{"assessment_id": assessmentID})
	return s.ask(ctx, question{op: OpCancel, body: body, cancels: assessmentID}, options)
}

// SyncCustomFields plays the fetch of custom fields, which Ashby makes when an admin
// asks for it and about every hour, never for an assessment. It calls
// [Quirks.CustomFieldsOp], or another name with [Under].
// https://developers.ashbyhq.com/reference/assessmentpartnercustomfieldlist
func (s *Server) SyncCustomFields(ctx context.Context, options ...DeliveryOption) Answer {
	return s.ask(ctx, question{op: s.cfg.Quirks.CustomFieldsOp, body: []byte("{}")}, options)
}

// question is a call of the provider.
type question struct {
	op      string
	body    []byte
	start   any    // the body of a start as a JSON tree
	cancels string // the id of a cancel
}

// ask makes a call, judges the answer and lets it take effect.
func (s *Server) ask(ctx context.Context, q question, options []DeliveryOption) Answer {
	p := newPlan(options)
	q.op, q.body = orDefault(p.op, q.op), p.mangle(q.body)
	a := Answer{Op: q.op, Outcome: NotSent}
	o, t, key, err := s.partnerOf(p)
	if err == nil {
		a.Organization = o.Name
		err = s.ready(ctx, p, t)
	}
	if err != nil {
		a.Err = err
		return a
	}
	t = t.endpoint(q.op)
	header := p.callHeader(key, s.cfg.Quirks)
	started, mark := s.now(), s.begin(o, q)
	r := s.transmit(ctx, p, t, header, q.body)
	a.Status, a.Header, a.Body, a.Err = r.status, r.header, r.body, r.err
	s.examine(q, p, &a)
	s.settle(o, q, p, r, mark, &a)
	s.keep(Exchange{
		Direction: FromAshby, Op: a.Op, Organization: a.Organization, Time: started, Method: http.MethodPost, URL: t.url,
		RequestHeader: redacted(header), RequestBody: q.body, Status: a.Status, ResponseHeader: a.Header, ResponseBody: a.Body,
		Err: errorText(a.Err), Fault: p.fault(), Notes: a.Violations,
	})
	return a
}

func (s *Server) partnerOf(p *plan) (*organization, target, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(p.organization)
	if err != nil {
		return nil, target{}, "", err
	}
	return o, s.partner, o.PartnerKey, nil
}

func (p *plan) callHeader(key string, q Quirks) http.Header {
	header := p.header.Clone()
	header.Set("Accept", "application/json")
	authorization := basicAuthorization(key, "")
	switch {
	case p.authorization != nil:
		authorization = p.authorization(key)
	case q.PartnerKeyAsPassword:
		authorization = basicAuthorization("", key)
	}
	if authorization != "" {
		header.Set("Authorization", authorization)
	}
	return header
}
