package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// simulation is the service on a SQLite file beside simulated vendors, all on
// the loopback.
type simulation struct {
	kombo    *kombotest.Server
	stackone *stackonetest.Server
	ashby    *ashbytest.Server
	settings settings
	service  *service
	stop     func() error
	out      io.Writer
	orders   []assessment.OrderRef // accepted, to be completed
	rejected []assessment.OrderRef
}

// simulated is how many orders each vendor sends.
const simulated = 10

var errLost = errors.New("orders or results were lost or doubled")

// simulate sends orders, ends the service, starts it again, sends them all once
// more, completes them, and looks at what the vendors hold.
func simulate(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	folder, err := os.MkdirTemp("", "assessbridge")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	sim := &simulation{out: out}
	if err := sim.vendors(filepath.Join(folder, "service.db")); err != nil {
		return err
	}
	defer func() { sim.kombo.Close(); sim.stackone.Close(); sim.ashby.Close() }()
	for _, step := range []func(context.Context) error{
		sim.start, sim.order, sim.restart, sim.replay, sim.complete, sim.verify,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return sim.stop()
}

func (s *simulation) vendors(db string) (err error) {
	if s.kombo, err = kombotest.New(kombotest.Config{Seed: 1}); err != nil {
		return err
	}
	teamtailor := stackonetest.AccountSpec{ID: stackonetest.DefaultAccount, Provider: stackonetest.Teamtailor}
	if s.stackone, err = stackonetest.New(stackonetest.Config{Seed: 1, Accounts: []stackonetest.AccountSpec{teamtailor}}); err != nil {
		return err
	}
	if s.ashby, err = ashbytest.New(ashbytest.Config{Seed: 1}); err != nil {
		return err
	}
	s.settings = defaults()
	s.settings.DB, s.settings.Listen, s.settings.OpsListen = db, "127.0.0.1:0", "127.0.0.1:0"
	s.settings.PublicURL = "https://tests.example.com"
	s.settings.KomboKey, s.settings.KomboSecret, s.settings.KomboURL = kombotest.DefaultAPIKey, kombotest.DefaultWebhookSecret, s.kombo.URL()
	s.settings.Integrations = []string{kombotest.DefaultIntegration}
	s.settings.Reconcile, s.settings.MinAge, s.settings.CallsPerMinute = time.Second, time.Second, 3000
	s.settings.StackOneKey, s.settings.StackOneSecret, s.settings.StackOneURL = stackonetest.DefaultAPIKey, stackonetest.DefaultWebhookSecret, s.stackone.URL()
	s.settings.AshbyURL = s.ashby.URL()
	s.settings.Customers = []customer{{Name: "acme", OurKey: ashbytest.DefaultPartnerKey, AshbyKey: ashbytest.DefaultAPIKey}}
	return nil
}

func (s *simulation) start(ctx context.Context) (err error) {
	if s.service, err = newService(s.settings, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if err := s.service.migrate(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended, listening := make(chan error, 1), make(chan struct{})
	s.service.listening = func() { close(listening) }
	go func() { ended <- s.service.serve(running) }()
	s.stop = func() error {
		stop()
		defer s.service.db.close()
		return <-ended
	}
	select {
	case err := <-ended:
		return err
	case <-listening:
	}
	if err := s.known(ctx); err != nil {
		return err
	}
	base := "http://" + s.service.public
	s.kombo.TargetURL(base + "/kombo")
	s.stackone.TargetURL(base + "/stackone")
	s.ashby.TargetURL(base + "/ashby/")
	return nil
}

// known waits until the service knows its customer: an order from before that is
// not looked for.
func (s *simulation) known(ctx context.Context) error {
	for {
		customers, err := s.service.komboCustomers(ctx)
		if err != nil || len(customers) > 0 {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *simulation) restart(ctx context.Context) error {
	if err := s.stop(); err != nil {
		return err
	}
	s.say("the service was ended and started again")
	return s.start(ctx)
}

// order has recruiters order. Of Kombo's webhooks the first is lost; the last
// order of Kombo and of StackOne is for something that is not offered any more.
func (s *simulation) order(ctx context.Context) error {
	for i := range simulated {
		pkg, email := "typescript_test", map[string]any{"candidate.email": fmt.Sprintf("candidate%d@example.com", i)}
		if i == simulated-1 {
			pkg = "withdrawn_test"
		}
		var faults []kombotest.DeliveryFault
		if i == 0 {
			faults = append(faults, kombotest.Lost())
		}
		id, _, err := s.kombo.PlaceOrder(ctx, kombotest.OrderSpec{PackageID: pkg, Fields: email}, faults...)
		if err != nil {
			return err
		}
		s.took(pkg, assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id})
		if id, _, err = s.stackone.PlaceOrder(ctx, stackonetest.OrderSpec{PackageID: pkg}); err != nil {
			return err
		}
		s.took(pkg, assessment.OrderRef{
			Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: stackonetest.DefaultAccount, ID: id,
		})
		// Two clicks of a recruiter.
		for _, a := range s.ashby.StartTogether(ctx, 2, ashbytest.StartSpec{
			AssessmentTypeID: "typescript_test", ApplicationID: s.ashby.NewID(), Fields: email,
		})[:1] {
			s.took("", assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: a.AssessmentID})
		}
	}
	s.say("%d orders of each of three vendors", simulated)
	return nil
}

func (s *simulation) took(pkg string, ref assessment.OrderRef) {
	if pkg == "withdrawn_test" {
		s.rejected = append(s.rejected, ref)
		return
	}
	s.orders = append(s.orders, ref)
}

// replay delivers everything again, and waits for what was lost.
func (s *simulation) replay(ctx context.Context) error {
	for _, ref := range append(s.rejected, s.orders...) {
		var err error
		switch ref.Vendor {
		case assessment.Kombo:
			_, err = s.kombo.Redeliver(ctx, ref.ID)
		case assessment.StackOne:
			_, err = s.stackone.Redeliver(ctx, ref.Account, ref.ID)
		}
		if err != nil {
			return err
		}
	}
	s.say("everything was delivered once more")
	for started := 0; started < len(s.orders); {
		if err := s.service.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM tests`).Scan(&started); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// complete hands in an interim and a final result for each order, while the
// vendors' APIs have their moods.
func (s *simulation) complete(ctx context.Context) error {
	s.kombo.Fail(kombotest.OpUpdateResult, kombotest.LoadBalancer503(), kombotest.Reset())
	s.stackone.Fail(stackonetest.OpUpdateAssessmentResult, stackonetest.BadGateway())
	s.ashby.Fail(ashbytest.OpUpdate, ashbytest.LoadBalancer503())
	for _, ref := range s.orders {
		for _, r := range []assessment.Result{
			{Status: assessment.StatusInProgress},
			{
				Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed, Score: assessment.ScoreOutOf(87.4, 100),
				ReportURL: "https://tests.example.com/reports/42",
			},
		} {
			if _, err := s.service.publish(ctx, sqlstore.Message{Ref: ref, Result: r}); err != nil {
				return err
			}
		}
	}
	s.say("%d orders were completed", len(s.orders))
	return nil
}

// verify waits until the vendors hold what they should, and then looks whether
// anything was doubled.
func (s *simulation) verify(ctx context.Context) error {
	open := append(s.rejected, s.orders...)
	for len(open) > 0 && ctx.Err() == nil {
		var still []assessment.OrderRef
		for _, ref := range open {
			if s.finals(ref) == 0 {
				still = append(still, ref)
			}
		}
		open = still
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	wrong := len(open)
	for _, ref := range s.orders {
		var starts int
		if err := s.service.db.QueryRowContext(context.WithoutCancel(ctx), `SELECT starts FROM tests WHERE ref = $1`, ref.String()).Scan(&starts); err != nil {
			return err
		}
		if finals := s.finals(ref); starts != 1 || finals != 1 {
			wrong++
			s.say("%v: %d starts, %d final results", ref, starts, finals)
		}
	}
	s.say("%d orders started and completed once, %d rejected, %d wrong", len(s.orders), len(s.rejected), wrong)
	if wrong > 0 {
		return errLost
	}
	return nil
}

// finals counts the final results that the vendor took.
func (s *simulation) finals(ref assessment.OrderRef) (n int) {
	switch ref.Vendor {
	case assessment.Kombo:
		order, _ := s.kombo.Order(ref.ID)
		for _, r := range order.Results {
			if r.Status != kombotest.StatusOpen {
				n++
			}
		}
	case assessment.StackOne:
		order, _ := s.stackone.Order(ref.Account, ref.ID)
		for _, r := range order.Results {
			if v := r.Result.Value; v != "" && v != "in_progress" && v != "open" {
				n++
			}
		}
	case assessment.Ashby:
		a, _ := s.ashby.Assessment(ref.ID)
		for _, u := range a.Updates {
			if u.Result != nil || u.CancelledReason != nil {
				n++
			}
		}
	}
	return n
}

func (s *simulation) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }
