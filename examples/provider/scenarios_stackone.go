package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// The simulated customers of StackOne, one for each ATS.
var (
	greenhouse = stackonetest.AccountSpec{ID: "456551489512493411", Provider: stackonetest.Greenhouse}
	teamtailor = stackonetest.AccountSpec{ID: "456551489512493412", Provider: stackonetest.Teamtailor}
	workday    = stackonetest.AccountSpec{ID: "456551489512493413", Provider: stackonetest.Workday}
)

// stackoneOrder has the recruiter order, and waits until the worker is done with
// it.
func (s *simulation) stackoneOrder(ctx context.Context, r *row, spec stackonetest.OrderSpec) (assessment.OrderRef, error) {
	id, delivery, err := s.stackone.PlaceOrder(ctx, spec)
	if err != nil {
		return assessment.OrderRef{}, err
	}
	r.met = fmt.Sprintf("webhook: %s (%d)", delivery.Outcome, delivery.Status)
	r.want(delivery.Status == 200, "200")
	s.service.queue.open.Wait()
	ref := assessment.OrderRef{
		Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: spec.Account, ID: id,
	}
	if spec.Kind == stackonetest.BackgroundCheck {
		ref.Kind = assessment.KindBackgroundCheck
	}
	return ref, nil
}

// stackoneHolds describes the order at StackOne and returns it.
func (s *simulation) stackoneHolds(r *row, ref assessment.OrderRef) stackonetest.Order {
	order, _ := s.stackone.Order(ref.Account, ref.ID)
	parts := []string{order.Status}
	if order.State.Score.Value != "" {
		parts = append(parts, fmt.Sprintf("score %q of %q", order.State.Score.Value, order.State.Score.Max))
	}
	if order.State.Summary != "" {
		line, _, more := strings.Cut(order.State.Summary, "\n")
		if more {
			line += " …"
		}
		parts = append(parts, fmt.Sprintf("%q", line))
	}
	parts = append(parts, fmt.Sprintf("%d writes", len(order.Results)))
	r.holds = strings.Join(parts, ", ")
	r.want(s.service.provider.invitations(ref) <= 1, "no candidate invited twice")
	return order
}

func stackoneEmail(email string) map[string]any {
	return map[string]any{"candidate.emails.0.value": email}
}

// stackonePackages: Greenhouse shows what the provider answers.
func stackonePackages(ctx context.Context, s *simulation, r *row) error {
	answer := s.stackone.RequestPackages(ctx, stackonetest.PackagesRequest{Account: greenhouse.ID})
	if answer.Err != nil {
		return answer.Err
	}
	r.met = fmt.Sprintf("packages: %s (%d)", answer.View, answer.Status)
	for i, p := range answer.Packages {
		if i > 0 {
			r.holds += ", "
		}
		r.holds += p.ID
	}
	r.want(len(answer.Violations) == 0, fmt.Sprintf("no violations, not %v", answer.Violations))
	r.want(r.holds == "typescript_test, personality", "the assessments")
	return nil
}

// stackoneOneUpdate: Greenhouse takes one update of a test, so the interim one is
// not sent.
func stackoneOneUpdate(ctx context.Context, s *simulation, r *row) error {
	ref, err := s.stackoneOrder(ctx, r, stackonetest.OrderSpec{
		Account: greenhouse.ID, PackageID: "typescript_test", Fields: stackoneEmail("katherine@example.com"),
	})
	if err != nil {
		return err
	}
	receipt, err := s.publish(ctx, r, ref, assessment.Result{Status: assessment.StatusInProgress, At: time.Now()})
	if err != nil {
		return err
	}
	r.want(receipt.Outcome == assessment.ResultSkipped, "the interim update skipped")
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	order := s.stackoneHolds(r, ref)
	r.want(len(order.Results) == 1 && order.State.Score.Value == "87.4", "one result")
	r.want(s.service.provider.invitations(ref) == 1, "one invitation")
	return nil
}

// stackoneBackgroundCheck: interim updates, then a pass.
func stackoneBackgroundCheck(ctx context.Context, s *simulation, r *row) error {
	ref, err := s.stackoneOrder(ctx, r, stackonetest.OrderSpec{
		Account: workday.ID, Kind: stackonetest.BackgroundCheck, PackageID: "criminal_record",
		Fields: stackoneEmail("katherine@example.com"),
	})
	if err != nil {
		return err
	}
	for _, status := range []assessment.Status{assessment.StatusOpen, assessment.StatusInProgress} {
		if _, err := s.publish(ctx, r, ref, assessment.Result{Status: status, At: time.Now()}); err != nil {
			return err
		}
	}
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	order := s.stackoneHolds(r, ref)
	r.want(order.Status == "passed" && len(order.Results) == 3, "passed after two updates")
	return nil
}

// stackoneSynthetic: the event names package and candidate by their ids only, and
// the worker looks the candidate up.
func stackoneSynthetic(ctx context.Context, s *simulation, r *row) error {
	const email = "dorothy@example.com"
	candidate, err := s.stackone.Record(teamtailor.ID, stackonetest.Candidates, map[string]any{
		"email": email, "first_name": "Dorothy", "last_name": "Vaughan",
	})
	if err != nil {
		return err
	}
	ref, err := s.stackoneOrder(ctx, r, stackonetest.OrderSpec{
		Account: teamtailor.ID, Shape: stackonetest.ShapeSynthetic,
		Envelope: map[string]any{"candidate_id": candidate, "remote_package_id": "personality"},
	})
	if err != nil {
		return err
	}
	r.met += ", looked up"
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	s.stackoneHolds(r, ref)
	r.want(s.service.provider.invitations(ref) == 1, "one invitation")
	r.want(s.service.provider.address(ref) == email, "the candidate's address, looked up")
	return nil
}

// stackoneRejected: the answer to a webhook says nothing to the recruiter, so the
// rejection is written as a cancelled result.
func stackoneRejected(ctx context.Context, s *simulation, r *row) error {
	ref, err := s.stackoneOrder(ctx, r, stackonetest.OrderSpec{
		Account: teamtailor.ID, PackageID: "withdrawn_test", Fields: stackoneEmail("katherine@example.com"),
	})
	if err != nil {
		return err
	}
	r.met += ", rejection written"
	order := s.stackoneHolds(r, ref)
	r.want(order.Status == "cancelled" && order.State.Summary != "", "cancelled with the reason")
	return nil
}

// stackoneUncertain: the result is taken, and the answer is 408. It is written
// once more, which Teamtailor does not mind.
func stackoneUncertain(ctx context.Context, s *simulation, r *row) error {
	ref, err := s.stackoneOrder(ctx, r, stackonetest.OrderSpec{
		Account: teamtailor.ID, PackageID: "typescript_test", Fields: stackoneEmail("mary@example.com"),
	})
	if err != nil {
		return err
	}
	s.stackone.Fail(stackonetest.OpUpdateAssessmentResult,
		stackonetest.AppliedThen(stackonetest.TimedOut()).Header("Retry-After", "1"))
	receipt, err := s.publish(ctx, r, ref, completed())
	if err != nil {
		return err
	}
	order := s.stackoneHolds(r, ref)
	r.want(receipt.Attempts == 2, "two calls")
	// Teamtailor's guide knows no "passed": the verdict goes beside the status.
	r.want(order.Status == "completed" && string(order.State.Result.SourceValue) == `"passed"`, "the result and its verdict")
	return nil
}
