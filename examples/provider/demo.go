package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// customer is the integration that all simulated orders come from, and other
// is one whose ATS is Greenhouse.
const customer = kombotest.DefaultIntegration

// simulation is the service beside a simulated Kombo, both on the loopback.
type simulation struct {
	service *service
	kombo   *kombotest.Server
	rows    []row
}

// row is one line of the table: what an order met, what the vendor's side holds
// in the end, and what of it is not as it should be.
type row struct {
	order, met, holds string
	wrong             []string
}

// errWrong is the exit status of a simulation in which something went wrong.
var errWrong = errors.New("not everything is as it should be")

// play starts the simulation, plays all orders and prints the table.
func play(ctx context.Context, packages []assessment.Package, stdout io.Writer) error {
	vendor, err := kombotest.New(kombotest.Config{Seed: 1})
	if err != nil {
		return err
	}
	defer vendor.Close()
	s, err := newService(settings{
		Packages:      packages,
		PublicURL:     "https://tests.example.com",
		WebhookSecret: kombotest.DefaultWebhookSecret,
		Kombo:         kombo.Config{APIKey: kombotest.DefaultAPIKey, BaseURL: vendor.URL()},
		Logger:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	server := httptest.NewServer(s.handler)
	defer server.Close()
	vendor.TargetURL(server.URL + "/kombo")

	sim := &simulation{service: s, kombo: vendor}
	for _, scenario := range scenarios {
		r := row{order: scenario.order}
		if err := scenario.play(ctx, sim, &r); err != nil {
			r.wrong = append(r.wrong, err.Error())
		}
		sim.rows = append(sim.rows, r)
	}
	return sim.print(stdout)
}

func (s *simulation) print(stdout io.Writer) error {
	var err error
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ORDER\tWHAT IT MET\tWHAT KOMBO HOLDS\t")
	for _, r := range s.rows {
		verdict := "ok"
		if len(r.wrong) > 0 {
			verdict = "WRONG: " + strings.Join(r.wrong, "; ")
			err = errWrong
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.order, r.met, r.holds, verdict)
	}
	return errors.Join(err, table.Flush())
}

// want notes what is not as it should be.
func (r *row) want(ok bool, what string) {
	if !ok {
		r.wrong = append(r.wrong, "want "+what)
	}
}

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
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: customer, ID: id}, delivery, nil
}

// publish writes a result and adds how that went.
func (s *simulation) publish(ctx context.Context, r *row, ref assessment.OrderRef, result assessment.Result) (assessment.Receipt, error) {
	receipt, err := s.service.router.PublishResult(ctx, ref, result)
	if err != nil {
		return receipt, err
	}
	r.met += fmt.Sprintf(", %s written", result.Status)
	if receipt.Attempts > 1 {
		r.met += fmt.Sprintf(" in %d calls", receipt.Attempts)
	}
	if receipt.Uncertain {
		r.met += ", answer lost but applied"
	}
	return receipt, nil
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

// completed is a result with everything that a recruiter may want.
func completed() assessment.Result {
	at := time.Now()
	return assessment.Result{
		Status:      assessment.StatusCompleted,
		Outcome:     assessment.OutcomePassed,
		Score:       assessment.ScoreOutOf(87.4, 100),
		ReportURL:   "https://tests.example.com/reports/42",
		CompletedAt: at,
		At:          at,
		Attributes: []assessment.Attribute{
			{Label: "Time taken", Value: assessment.Elapsed(42*time.Minute + 30*time.Second)},
			{Label: "Supervised", Value: assessment.Flag(true)},
			{ID: "generics", Label: "Generics", Value: assessment.SubResult{Score: assessment.ScoreOutOf(9, 10)}},
		},
		Attachments: []assessment.Attachment{
			{Name: "Report.pdf", ContentType: "application/pdf", Data: []byte("%PDF-1.4\n%%EOF\n")},
		},
	}
}
