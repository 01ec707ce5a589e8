package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

// ashbyCustomer is the provider's name of the simulated customer.
const ashbyCustomer = "acme"

// start has the recruiter start a package for a candidate.
func (s *simulation) start(ctx context.Context, r *row, packageID, email string) (assessment.OrderRef, ashbytest.Answer) {
	answer := s.ashby.StartAssessment(ctx, ashbySpec(s.ashby, packageID, email))
	r.answered("start", answer)
	return ashbyRef(answer), answer
}

// ashbySpec is an application of its own for every start.
func ashbySpec(vendor *ashbytest.Server, packageID, email string) ashbytest.StartSpec {
	return ashbytest.StartSpec{
		AssessmentTypeID: packageID,
		ApplicationID:    vendor.NewID(),
		Fields:           map[string]any{"candidate.email": email},
	}
}

func ashbyRef(a ashbytest.Answer) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Ashby, Account: ashbyCustomer, ID: a.AssessmentID}
}

// answered notes an answer, which has to be what Ashby documents.
func (r *row) answered(what string, a ashbytest.Answer) {
	if r.met != "" {
		r.met += ", "
	}
	r.met += fmt.Sprintf("%s: %s (%d)", what, a.Outcome, a.Status)
	r.wrong = append(r.wrong, a.Violations...)
}

// ashbyHolds describes the assessment at Ashby and returns it.
func (s *simulation) ashbyHolds(r *row, ref assessment.OrderRef) ashbytest.Assessment {
	a, _ := s.ashby.Assessment(ref.ID)
	parts := []string{string(a.State), fmt.Sprintf("%q", a.Status)}
	if a.Result != nil {
		parts = append(parts, fmt.Sprintf("%s %v", strings.ToLower(a.Result.Label), a.Result.Value))
	}
	if a.CancelReason != "" {
		parts = append(parts, fmt.Sprintf("%q", a.CancelReason))
	}
	parts = append(parts, fmt.Sprintf("%d metadata", len(a.Metadata)), fmt.Sprintf("%d updates", len(a.Updates)))
	r.holds = strings.Join(parts, ", ")
	r.want(s.service.provider.invitations(ref) <= 1, "no candidate invited twice")
	return a
}

func ashbyList(ctx context.Context, s *simulation, r *row) error {
	answer := s.ashby.List(ctx)
	r.answered("list", answer)
	for i, t := range answer.Types {
		if i > 0 {
			r.holds += ", "
		}
		r.holds += t.ID
	}
	r.want(len(answer.Types) == len(s.service.provider.packages), "the whole catalogue")
	return nil
}

// ashbyOrdinary: the first update comes with the answer, progress and result
// later.
func ashbyOrdinary(ctx context.Context, s *simulation, r *row) error {
	ref, answer := s.start(ctx, r, "typescript_test", "joan@example.com")
	r.want(answer.Update != nil, "an update with the answer")
	progress := assessment.Result{Status: assessment.StatusInProgress, At: time.Now()}
	if _, err := s.publish(ctx, r, ref, progress); err != nil {
		return err
	}
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	a := s.ashbyHolds(r, ref)
	r.want(a.State == ashbytest.StateCompleted && len(a.Updates) == 3, "three updates, the last a result")
	r.want(!a.StartedAt.IsZero(), "the time of the start")
	r.want(s.service.provider.invitations(ref) == 1, "one invitation")
	return nil
}

// ashbyTwoClicks: the same start twice at once is one assessment.
func ashbyTwoClicks(ctx context.Context, s *simulation, r *row) error {
	answers := s.ashby.StartTogether(ctx, 2, ashbySpec(s.ashby, "personality", "joan@example.com"))
	for _, a := range answers {
		r.answered("start", a)
	}
	ref := ashbyRef(answers[0])
	r.want(answers[0].AssessmentID != "" && answers[0].AssessmentID == answers[1].AssessmentID, "one assessment")
	s.ashbyHolds(r, ref)
	r.want(s.service.provider.invitations(ref) == 1, "one invitation")
	return nil
}

// ashbyRestart: the recruiter cancels, mends the data and starts again.
func ashbyRestart(ctx context.Context, s *simulation, r *row) error {
	spec := ashbySpec(s.ashby, "typescript_test", "barbara@exmaple.com")
	first := s.ashby.StartAssessment(ctx, spec)
	r.answered("start", first)
	r.answered("cancel", s.ashby.Cancel(ctx, first.AssessmentID))
	spec.Fields["candidate.email"] = "barbara@example.com"
	second := s.ashby.StartAssessment(ctx, spec)
	r.answered("start", second)
	r.want(second.AssessmentID != "" && second.AssessmentID != first.AssessmentID, "a new assessment")
	if _, err := s.publish(ctx, r, ashbyRef(second), completed()); err != nil {
		return err
	}
	a := s.ashbyHolds(r, ashbyRef(second))
	r.want(a.State == ashbytest.StateCompleted, "the new one completed")
	return nil
}

func ashbyRejected(ctx context.Context, s *simulation, r *row) error {
	_, answer := s.start(ctx, r, "withdrawn_test", "joan@example.com")
	r.holds = fmt.Sprintf("%q", answer.Message)
	r.want(answer.Status == 422 && answer.Message != "", "422 with a message")
	return nil
}

// ashbyRetried: a limit that comes as success:false under 200, then a 503.
func ashbyRetried(ctx context.Context, s *simulation, r *row) error {
	ref, _ := s.start(ctx, r, "personality", "barbara@example.com")
	s.ashby.Fail(ashbytest.OpUpdate, ashbytest.Refused("rate_limit_exceeded"), ashbytest.LoadBalancer503())
	receipt, err := s.publish(ctx, r, ref, completed())
	if err != nil {
		return err
	}
	a := s.ashbyHolds(r, ref)
	r.want(receipt.Attempts == 3, "three calls")
	r.want(a.State == ashbytest.StateCompleted && len(a.Updates) == 2, "one result")
	return nil
}
