package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// order has the recruiter order a package for a candidate, and returns the
// reference under which the provider knows the order.
func (s *simulation) order(ctx context.Context, r *row, packageID, email string, faults ...kombotest.DeliveryFault) (assessment.OrderRef, kombotest.Delivery, error) {
	return s.place(ctx, r, kombotest.OrderSpec{
		PackageID: packageID,
		Fields:    map[string]any{"candidate.email": email},
	}, faults...)
}

func (s *simulation) place(ctx context.Context, r *row, spec kombotest.OrderSpec, faults ...kombotest.DeliveryFault) (assessment.OrderRef, kombotest.Delivery, error) {
	id, delivery, err := s.kombo.PlaceOrder(ctx, spec, faults...)
	if err != nil {
		return assessment.OrderRef{}, delivery, err
	}
	r.met = fmt.Sprintf("webhook: %s (%d)", delivery.Outcome, delivery.Status)
	if delivery.Status == 0 {
		r.met = "webhook: " + string(delivery.Outcome)
	}
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: integration, ID: id}, delivery, nil
}

// holds describes the order at the vendor and returns it.
func (s *simulation) holds(r *row, ref assessment.OrderRef) kombotest.Order {
	order, _ := s.kombo.Order(ref.ID)
	parts := []string{order.Status}
	if order.RejectionMessage != "" {
		parts = append(parts, fmt.Sprintf("%q", order.RejectionMessage))
	}
	if n := len(order.Results); n > 0 {
		last := order.Results[n-1]
		if last.Score != "" {
			parts = append(parts, fmt.Sprintf("score %s of %s", last.Score, last.MaxScore))
		}
		parts = append(parts, fmt.Sprintf("%d attributes", len(last.Attributes)))
		if len(last.Attachments) > 0 {
			parts = append(parts, fmt.Sprintf("%d attachments", len(last.Attachments)))
		}
		parts = append(parts, fmt.Sprintf("%d writes", n))
	}
	r.holds = strings.Join(parts, ", ")
	r.want(s.service.provider.invitations(ref) <= 1, "no candidate invited twice")
	return order
}

// newCustomer: Kombo announces an integration, the provider submits its
// packages.
func newCustomer(ctx context.Context, s *simulation, r *row) error {
	event, err := s.kombo.IntegrationCreatedEvent(integration)
	if err != nil {
		return err
	}
	delivery := s.kombo.Deliver(ctx, event)
	r.met = "integration-created: " + string(delivery.Outcome)
	packages := s.kombo.Packages(integration)
	for i, p := range packages {
		if i > 0 {
			r.holds += ", "
		}
		r.holds += p.ID
	}
	r.want(len(packages) == len(s.service.provider.packages), "the whole catalogue")
	return nil
}

func ordinary(ctx context.Context, s *simulation, r *row) error {
	ref, delivery, err := s.order(ctx, r, "typescript_test", "ada@example.com")
	if err != nil {
		return err
	}
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(delivery.Status == 200, "200")
	r.want(s.service.provider.invitations(ref) == 1, "one invitation")
	final, _ := order.Final()
	r.want(final.Score == "87.4" && len(final.Attributes) == 4 && len(final.Attachments) == 1, "the whole result")
	return nil
}

// rejected: the candidate is taking the test already. The provider says no, and
// the recruiter reads why.
func rejected(ctx context.Context, s *simulation, r *row) error {
	if _, _, err := s.order(ctx, r, "typescript_test", "alan@example.com"); err != nil {
		return err
	}
	ref, delivery, err := s.order(ctx, r, "typescript_test", "alan@example.com")
	if err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(delivery.Status == 422, "422")
	r.want(order.Status == kombotest.StatusRejected && order.RejectionMessage != "", "REJECTED with a message")
	r.want(s.service.provider.invitations(ref) == 0, "no invitation")
	return nil
}

// duplicate: the same event comes three times, all at once.
func duplicate(ctx context.Context, s *simulation, r *row) error {
	ref, delivery, err := s.order(ctx, r, "personality", "ada@example.com", kombotest.DuplicateAtOnce(2))
	if err != nil {
		return err
	}
	for _, again := range delivery.Duplicates {
		r.want(again.Status == 200, "200 for every delivery")
	}
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(s.service.provider.invitations(ref) == 1, "one invitation")
	r.want(order.Status == kombotest.StatusCompleted, "COMPLETED")
	return nil
}

// retried: the result first meets a rate limit and a load balancer's 503.
func retried(ctx context.Context, s *simulation, r *row) error {
	ref, _, err := s.order(ctx, r, "typescript_test", "grace@example.com")
	if err != nil {
		return err
	}
	s.kombo.Fail(kombotest.OpUpdateResult, kombotest.RateLimited(), kombotest.LoadBalancer503())
	receipt, err := s.publish(ctx, r, ref, completed())
	if err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(receipt.Attempts == 3, "three calls")
	r.want(order.Status == kombotest.StatusCompleted && len(order.Results) == 1, "one result")
	return nil
}

// inline: the candidate is waiting in the ATS for the link.
func inline(ctx context.Context, s *simulation, r *row) error {
	ref, _, err := s.place(ctx, r, kombotest.OrderSpec{
		PackageID: "personality",
		Inline:    true,
		Fields:    map[string]any{"candidate.email": "grace@example.com"},
	})
	if err != nil {
		return err
	}
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(order.AssessmentURL != "", "the candidate sent to the test")
	r.want(s.service.provider.invitations(ref) == 0, "no invitation by e-mail")
	return nil
}

// lostWebhook: the order is found by asking Kombo for open ones.
func lostWebhook(ctx context.Context, s *simulation, r *row) error {
	ref, _, err := s.place(ctx, r, kombotest.OrderSpec{
		PackageID: "typescript_test",
		CreatedAt: time.Now().Add(-time.Hour),
		Fields:    map[string]any{"candidate.email": "edsger@example.com"},
	}, kombotest.Lost())
	if err != nil {
		return err
	}
	report, err := s.service.kombo.Reconcile(ctx, integration, kombo.ReconcileConfig{Intake: s.service.intake})
	if err != nil {
		return err
	}
	r.met += ", found by the reconciler"
	r.want(len(report.Started) == 1 && len(report.Failed) == 0, "one order started")
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(s.service.provider.invitations(ref) == 1, "one invitation")
	r.want(order.Status == kombotest.StatusCompleted, "COMPLETED")
	return nil
}

// backgroundCheck: an interim update, then the end.
func backgroundCheck(ctx context.Context, s *simulation, r *row) error {
	ref, _, err := s.order(ctx, r, "criminal_record", "ada@example.com")
	if err != nil {
		return err
	}
	interim := assessment.Result{
		Status:     assessment.StatusInProgress,
		StatusText: "Waiting for the county court",
		Attributes: []assessment.Attribute{{Label: "National records", Value: assessment.Text("Clear")}},
	}
	if _, err := s.publish(ctx, r, ref, interim); err != nil {
		return err
	}
	order, _ := s.kombo.Order(ref.ID)
	r.want(order.Status == kombotest.StatusOpen, "OPEN after an interim update")
	if _, err := s.publish(ctx, r, ref, completed()); err != nil {
		return err
	}
	order = s.holds(r, ref)
	r.want(order.Status == kombotest.StatusCompleted && len(order.Results) == 2, "an update and a result")
	return nil
}

// uncertain: Kombo takes the result, and the connection breaks before it says
// so. The order is read back instead of written twice.
func uncertain(ctx context.Context, s *simulation, r *row) error {
	ref, _, err := s.order(ctx, r, "criminal_record", "grace@example.com")
	if err != nil {
		return err
	}
	s.kombo.Fail(kombotest.OpUpdateResult, kombotest.AppliedThenReset())
	receipt, err := s.publish(ctx, r, ref, completed())
	if err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(receipt.Uncertain, "a receipt that says so")
	r.want(order.Status == kombotest.StatusCompleted && len(order.Results) == 1, "one result")
	return nil
}

// cancelled: there is no report, so the provider's status page stands in.
func cancelled(ctx context.Context, s *simulation, r *row) error {
	ref, _, err := s.order(ctx, r, "personality", "edsger@example.com")
	if err != nil {
		return err
	}
	result := assessment.Result{Status: assessment.StatusCancelled, Reason: "The candidate withdrew.", At: time.Now()}
	if _, err := s.publish(ctx, r, ref, result); err != nil {
		return err
	}
	order := s.holds(r, ref)
	r.want(order.Status == kombotest.StatusCancelled, "CANCELLED")
	return nil
}
