package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"time"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// integration is the Kombo customer that all simulated orders come from.
const integration = kombotest.DefaultIntegration

// simulation is the service beside simulated vendors, all on the loopback.
type simulation struct {
	service *service
	server  *httptest.Server
	kombo   *kombotest.Server
	ashby   *ashbytest.Server

	stackone *stackonetest.Server
	stop     context.CancelFunc // the worker
}

// play starts the simulation, plays all orders and prints what became of each.
func play(ctx context.Context, packages []assessment.Package, p *report) error {
	sim, err := newSimulation(packages)
	if err != nil {
		return err
	}
	defer sim.close()
	for _, scenario := range scenarios {
		r := row{vendor: scenario.vendor, order: scenario.order}
		if err := scenario.play(ctx, sim, &r); err != nil {
			r.wrong = append(r.wrong, err.Error())
		}
		p.print(r)
	}
	return p.sum()
}

func newSimulation(packages []assessment.Package) (*simulation, error) {
	sim := &simulation{}
	var err error
	if sim.kombo, err = kombotest.New(kombotest.Config{Seed: 1}); err != nil {
		return nil, err
	}
	if sim.ashby, err = ashbytest.New(ashbytest.Config{Seed: 1}); err != nil {
		return nil, err
	}
	sim.stackone, err = stackonetest.New(stackonetest.Config{
		Seed: 1, Accounts: []stackonetest.AccountSpec{greenhouse, teamtailor, workday},
	})
	if err != nil {
		return nil, err
	}
	sim.service, err = newService(settings{
		Packages:    packages,
		PublicURL:   "https://tests.example.com",
		Logger:      slog.New(slog.DiscardHandler),
		Kombo:       kombo.Config{APIKey: kombotest.DefaultAPIKey, BaseURL: sim.kombo.URL()},
		KomboSecret: kombotest.DefaultWebhookSecret,
		Ashby:       ashby.Config{BaseURL: sim.ashby.URL()},
		AshbyCustomers: customers{{
			Name: ashbyCustomer, OurKey: ashbytest.DefaultPartnerKey, AshbyKey: ashbytest.DefaultAPIKey,
		}},
		StackOne:       stackone.Config{APIKey: stackonetest.DefaultAPIKey, BaseURL: sim.stackone.URL()},
		StackOneSecret: stackonetest.DefaultWebhookSecret,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	sim.stop = stop
	go sim.service.work(ctx)
	sim.server = httptest.NewServer(sim.service.handler)
	sim.kombo.TargetURL(sim.server.URL + "/kombo")
	sim.ashby.TargetURL(sim.server.URL + "/ashby/")
	sim.stackone.TargetURL(sim.server.URL + "/stackone")
	sim.stackone.PackagesTargetURL(sim.server.URL + "/stackone/assessments")
	return sim, nil
}

func (s *simulation) close() {
	s.server.Close()
	s.kombo.Close()
	s.ashby.Close()
	s.stackone.Close()
	s.stop()
}

// publish writes a result and adds how that went.
func (s *simulation) publish(ctx context.Context, r *row, ref assessment.OrderRef, result assessment.Result) (assessment.Receipt, error) {
	receipt, err := s.service.write(ctx, ref, result)
	if err != nil {
		return receipt, err
	}
	if receipt.Outcome == assessment.ResultSkipped {
		r.met += fmt.Sprintf(", %s skipped", result.Status)
		return receipt, nil
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
