package durable

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
)

const (
	// tickEvery is how often a process looks whether a vendor has to be asked for
	// lost orders, and tickPatience how long it then goes on.
	tickEvery    = 20 * time.Second
	tickPatience = 15 * time.Second
)

// paced is a client whose pacing can be changed.
type paced interface {
	Pacing() assessment.Pacing
	SetPacing(assessment.Pacing) error
}

// openReconciler makes the reconciler if a client can be asked for orders.
func (s *Service) openReconciler() error {
	var listers []assessment.OrderLister
	for _, p := range s.config.Publishers {
		if l, ok := p.(assessment.OrderLister); ok {
			listers = append(listers, l)
		}
	}
	if len(listers) == 0 {
		return nil
	}
	c := s.config.Reconcile
	c.Spool, c.Listers, c.Integrations = s.spool, listers, s.config.Integrations
	var err error
	s.reconciler, err = s.store.Reconciler(c)
	return err
}

// Reconciler finds lost orders; nil if no client can be asked for them. Run drives
// it.
func (s *Service) Reconciler() *sqlstore.Reconciler { return s.reconciler }

// upkeepLoop beats, shares the vendors' limits among the processes, and has gates
// opened whose key has changed.
func (s *Service) upkeepLoop(ctx context.Context) {
	processes, every := 0, min(sqlstore.BeatEvery, s.config.Sweep)
	for ctx.Err() == nil {
		began := time.Now()
		p, err := s.store.Beat(ctx, s.id)
		if s.leads.Store(nil); err == nil && p.Leads {
			s.leads.Store(&began)
		}
		if err == nil && p.Processes != processes {
			processes = p.Processes
			s.share(processes)
		}
		if err == nil {
			_, err = s.outbox.CheckKeys(ctx)
		}
		if err == nil {
			err = s.tellNoticed(ctx)
		}
		if err == nil {
			err = s.tellMissed(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.config.Logger.WarnContext(ctx, "upkeep failed", "error", err)
		}
		select {
		case <-time.After(every*3/4 + rand.N(every/4)):
		case <-ctx.Done():
		}
	}
	s.leads.Store(nil)
}

// share tells the clients how many processes use the vendors' limits.
func (s *Service) share(processes int) {
	for _, p := range s.config.Publishers {
		client, ok := p.(paced)
		if !ok {
			continue
		}
		pacing := client.Pacing()
		pacing.Processes = processes
		if err := client.SetPacing(pacing); err != nil {
			s.config.Logger.Error("limits are not shared", "vendor", p.Vendor(), "error", err)
		}
	}
}

// reconcileLoop asks for lost orders, in every process: they share the work in the
// database, so none has to lead.
func (s *Service) reconcileLoop(ctx context.Context) {
	if s.reconciler == nil {
		return
	}
	every := min(tickEvery, s.config.Sweep)
	for ctx.Err() == nil {
		if _, err := s.reconciler.Tick(ctx, tickPatience); err != nil && ctx.Err() == nil {
			s.config.Logger.WarnContext(ctx, "reconciler failed", "error", err)
		}
		select {
		case <-time.After(every*3/4 + rand.N(every/2)):
		case <-ctx.Done():
		}
	}
}

type reconcileWorker struct {
	river.WorkerDefaults[reconcileArgs]
	s *Service
}

// Timeout implements river.Worker.
func (w *reconcileWorker) Timeout(*river.Job[reconcileArgs]) time.Duration { return resultTimeout }

// Work asks for lost orders where no loop does: a host with a River client of its
// own ([Service.AddTo]).
func (w *reconcileWorker) Work(ctx context.Context, _ *river.Job[reconcileArgs]) error {
	if w.s.reconciler == nil {
		return nil
	}
	_, err := w.s.reconciler.Tick(ctx, tickPatience)
	return err
}

// missed is what deliveries told while they were answered. It is written to the
// database afterwards, which may be what failed.
type missed struct {
	mu       sync.Mutex
	accounts map[sqlstore.Integration]bool
	noticed  sqlstore.Noticed // for the alarms
	telling  int              // orders at risk that the database is being told of
	// delivered are the integrations with a delivery, and when the reconciler was
	// told, zero if it was not.
	delivered map[sqlstore.Integration]time.Time
}

const (
	// toldFor is how long an integration with a delivery need not be told of again.
	toldFor = time.Hour
	// deliveredMost bounds what is remembered of that.
	deliveredMost = 10_000
)

// deliver notes a delivery that was taken.
func (m *missed) deliver(i sqlstore.Integration, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if told, known := m.delivered[i]; known && (told.IsZero() || now.Sub(told) < toldFor) {
		return
	}
	if len(m.delivered) >= deliveredMost {
		clear(m.delivered) // told twice is no harm
	}
	m.delivered[i] = time.Time{}
}

// untold are the integrations whose delivery the reconciler does not know of.
func (m *missed) untold() []sqlstore.Integration {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []sqlstore.Integration
	for i, told := range m.delivered {
		if told.IsZero() {
			all = append(all, i)
		}
	}
	return all
}

func (m *missed) told(i sqlstore.Integration, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delivered[i] = now
}

// add notes a delivery that was answered with a fault.
func (m *missed) add(i sqlstore.Integration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accounts[i] = true
}

func (m *missed) refuse(route string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noticed.Refused[route]++
}

// order notes an order that was taken.
func (m *missed) order(i sqlstore.Integration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noticed.Orders[i]++
}

// risk notes an order whose delivery was answered with a fault.
func (m *missed) risk(ref assessment.OrderRef) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.noticed.AtRisk) < riskMost {
		m.noticed.AtRisk = append(m.noticed.AtRisk, ref)
	}
}

// riskMost bounds how many orders at risk a process remembers while the database is
// away.
const riskMost = 10_000

// take returns the integrations that were noted.
func (m *missed) take() map[sqlstore.Integration]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	accounts := m.accounts
	m.accounts = make(map[sqlstore.Integration]bool)
	return accounts
}

// takeNoticed returns what was noticed, to be told once.
func (m *missed) takeNoticed() sqlstore.Noticed {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.noticed
	m.noticed, m.telling = noNotice(), len(n.AtRisk)
	return n
}

// toldNoticed forgets what was taken: the database has it.
func (m *missed) toldNoticed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.telling = 0
}

// keepNoticed puts back what could not be told.
func (m *missed) keepNoticed(n sqlstore.Noticed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.telling = 0
	for i, count := range n.Orders {
		m.noticed.Orders[i] += count
	}
	for route, count := range n.Refused {
		m.noticed.Refused[route] += count
	}
	m.noticed.AtRisk = append(n.AtRisk, m.noticed.AtRisk...)
	if len(m.noticed.AtRisk) > riskMost {
		m.noticed.AtRisk = m.noticed.AtRisk[:riskMost]
	}
}

func noNotice() sqlstore.Noticed {
	return sqlstore.Noticed{Orders: make(map[sqlstore.Integration]int), Refused: make(map[string]int)}
}

// Watch returns an observer for the handlers' configurations that tells the
// reconciler of deliveries that were taken, answered 5xx or refused for their
// signature, and passes everything on to o.
func (s *Service) Watch(o assessment.Observer) assessment.Observer {
	next := o.Delivery
	o.Delivery = func(ctx context.Context, d assessment.Delivery) {
		switch {
		case d.StatusCode >= 500 && d.Account != "":
			s.missed.add(sqlstore.Integration{Vendor: d.Vendor, Connection: d.Connection, Account: d.Account})
		case d.StatusCode == 200 && d.Account != "": // inline orders do not pass Queue
			s.missed.deliver(sqlstore.Integration{Vendor: d.Vendor, Connection: d.Connection, Account: d.Account}, time.Now())
		case d.StatusCode == 401:
			s.missed.refuse(sqlstore.Route(d.Vendor, d.Connection))
		}
		s.noticeOrder(d)
		if next != nil {
			next(ctx, d)
		}
	}
	return o
}

// tellMissed tells the reconciler which integrations are in use, and makes those hot
// whose deliveries were not taken. What cannot be stored now is kept for the next
// time.
func (s *Service) tellMissed(ctx context.Context) error {
	if s.reconciler == nil {
		return nil
	}
	for _, i := range s.missed.untold() {
		if err := s.reconciler.Delivered(ctx, i); err != nil {
			return err
		}
		s.missed.told(i, time.Now())
	}
	accounts := s.missed.take()
	for i := range accounts {
		if err := s.reconciler.Missed(ctx, i); err != nil {
			for i := range accounts { // told twice is no harm
				s.missed.add(i)
			}
			return err
		}
	}
	return nil
}

// noticeOrder notes an order for the alarms. One without a vendor's id comes again
// under another, and its recruiter has seen the error; it is not at risk.
func (s *Service) noticeOrder(d assessment.Delivery) {
	if d.Order.ID == "" || d.Account == "" {
		return
	}
	switch d.Outcome {
	case assessment.DeliveryAccepted, assessment.DeliveryQueued, assessment.DeliveryRejected:
		s.missed.order(sqlstore.Integration{Vendor: d.Vendor, Connection: d.Connection, Account: d.Account})
	case assessment.DeliveryFault:
		if d.StatusCode >= 500 && !s.mints[sqlstore.Route(d.Vendor, d.Connection)] {
			s.missed.risk(d.Order)
		}
	}
}

// tellNoticed adds what this process saw to what all did, and has the integrations of
// a route looked through whose deliveries were refused for a while.
func (s *Service) tellNoticed(ctx context.Context) error {
	n := s.missed.takeNoticed()
	if err := s.store.Notice(ctx, n); err != nil {
		s.missed.keepNoticed(n)
		return err
	}
	s.missed.toldNoticed()
	blind, err := s.store.Review(ctx)
	if err != nil || s.reconciler == nil {
		return err
	}
	for route, since := range blind {
		s.config.Logger.WarnContext(ctx, "deliveries were refused for their signature; all integrations are looked through", "route", route)
		if err := s.reconciler.Blind(ctx, route, since); err != nil {
			return err
		}
	}
	return nil
}

// lastWords tells what was noticed while the process drained: deliveries were
// answered 503. Then the process is gone for the others.
func (s *Service) lastWords(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return errors.Join(s.tellNoticed(ctx), s.tellMissed(ctx), s.store.Leave(ctx, s.id))
}

// leadsFor is how long a beat holds that made a process the leader. It is shorter
// than the time after which the others take it for dead.
const leadsFor = 3 * sqlstore.BeatEvery

// Leads says whether this process does what one process does for all: it is the one
// that should ask for [sqlstore.DB.Metrics].
func (s *Service) Leads() bool {
	since := s.leads.Load()
	return since != nil && time.Since(*since) < leadsFor
}

// AtRisk is how many orders this process answered with a fault since it last reached
// the database, which counts the others ([sqlstore.Metrics]).
func (s *Service) AtRisk() int {
	s.missed.mu.Lock()
	defer s.missed.mu.Unlock()
	return len(s.missed.noticed.AtRisk) + s.missed.telling
}

// AccountRestored has results of an account probed at once that wait for it: on
// Kombo's integration-state-changed to ACTIVE, on StackOne's account.updated.
func (s *Service) AccountRestored(ctx context.Context, vendor assessment.Vendor, connection, account string) error {
	return s.store.Reopen(ctx, sqlstore.Route(vendor, connection), sqlstore.Account(account))
}

// KomboEvent returns what Kombo's handler takes as OnEvent: connections that are
// created and deleted, whose state changes or that have an issue become known to
// the gates and the reconciler. Everything goes on to next, if it is set.
func (s *Service) KomboEvent(connection string, next func(context.Context, kombo.Event) error) func(context.Context, kombo.Event) error {
	return func(ctx context.Context, e kombo.Event) error {
		if err := s.komboEvent(ctx, connection, e); err != nil || next == nil {
			return err
		}
		return next(ctx, e)
	}
}

func (s *Service) komboEvent(ctx context.Context, connection string, e kombo.Event) error {
	of := func(account string) sqlstore.Integration {
		return sqlstore.Integration{Vendor: assessment.Kombo, Connection: connection, Account: account}
	}
	changed, isState := e.Data.(kombo.IntegrationStateChanged)
	if isState && strings.EqualFold(changed.State, "ACTIVE") && changed.ID != "" {
		return s.AccountRestored(ctx, assessment.Kombo, connection, changed.ID)
	}
	if s.reconciler == nil {
		return nil
	}
	switch d := e.Data.(type) {
	case kombo.IntegrationCreated:
		if d.ID != "" && (d.Category == "" || d.Category == "ASSESSMENT") {
			return s.reconciler.Add(ctx, of(d.ID))
		}
	case kombo.IntegrationDeleted:
		return s.reconciler.Remove(ctx, of(d.ID))
	case kombo.IssueStatusChanged:
		if d.ID != "" {
			return s.reconciler.Missed(ctx, of(d.ID))
		}
	}
	return nil
}

// StackOneEvent returns what StackOne's handler takes as OnEvent: an account that
// was updated is probed at once. Everything goes on to next, if it is set.
func (s *Service) StackOneEvent(connection string, next func(context.Context, stackone.Event) error) func(context.Context, stackone.Event) error {
	return func(ctx context.Context, e stackone.Event) error {
		if d, ok := e.Data.(stackone.AccountChanged); ok && e.Type == stackone.EventAccountUpdated && d.ID != "" {
			if err := s.AccountRestored(ctx, assessment.StackOne, connection, d.ID); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		return next(ctx, e)
	}
}
