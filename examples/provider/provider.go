package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"

	"github.com/assessbridge/assessbridge/assessment"
)

// provider is the assessment company: everything that is its own business. A
// real one keeps tests in a database and sends e-mail.
type provider struct {
	packages []assessment.Package
	testURL  string // what candidates' links begin with
	logger   *slog.Logger

	mu    sync.Mutex
	tests map[assessment.OrderRef]*test
}

// test is one candidate's test.
type test struct {
	subject  subject
	started  assessment.Started
	invited  int // e-mails sent
	finished bool
}

// subject is whom a customer examines with what. Customers share nothing: what
// one has ordered is nobody else's business.
type subject struct {
	vendor                       assessment.Vendor
	connection, account          string
	candidateEmail, assessmentID string
}

func subjectOf(o assessment.Order) subject {
	return subject{o.Ref.Vendor, o.Ref.Connection, o.Ref.Account, o.Candidate.Email, o.Package.ID}
}

func newProvider(packages []assessment.Package, testURL string, logger *slog.Logger) *provider {
	return &provider{
		packages: packages,
		testURL:  testURL,
		logger:   logger,
		tests:    make(map[assessment.OrderRef]*test),
	}
}

// Packages offers every customer the same. Only StackOne asks for one kind.
func (p *provider) Packages(_ context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	if q.Kind == "" {
		return p.packages, nil
	}
	var offered []assessment.Package
	for _, pkg := range p.packages {
		if (pkg.Type == assessment.BackgroundCheck) == (q.Kind == assessment.KindBackgroundCheck) {
			offered = append(offered, pkg)
		}
	}
	return offered, nil
}

// StartOrder sets up a test and invites the candidate. The same Ref can come
// again, after a crash for example: then the test is there already.
func (p *provider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.tests[o.Ref]; ok {
		return t.started, nil
	}
	if !p.offers(o.Package.ID) {
		return assessment.Started{}, assessment.Reject("We do not offer this package any more. Please choose another.")
	}
	if o.Candidate.Email == "" && !o.Inline {
		return assessment.Started{}, assessment.Reject("We cannot invite the candidate without an e-mail address.")
	}
	if p.testing(subjectOf(o)) {
		return assessment.Started{}, assessment.AlreadyRunning("There is an existing order for this candidate.")
	}
	t := &test{subject: subjectOf(o)}
	t.started = assessment.Started{
		CandidateURL: p.testURL + "/take/" + rand.Text(),
		ReportURL:    p.testURL + "/reports/" + rand.Text(),
		Update:       &assessment.Result{Status: assessment.StatusOpen},
	}
	if !o.Inline { // an inline candidate is sent to the URL by the ATS
		t.invited++
		p.logger.Info("invited the candidate", "order", o.Ref)
	}
	p.tests[o.Ref] = t
	return t.started, nil
}

// CancelOrder stops a test; one that is unknown or over is no error.
func (p *provider) CancelOrder(_ context.Context, ref assessment.OrderRef) error {
	p.finish(ref)
	return nil
}

// finish notes that a test is over.
func (p *provider) finish(ref assessment.OrderRef) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.tests[ref]; ok {
		t.finished = true
	}
}

func (p *provider) offers(id string) bool {
	return slices.ContainsFunc(p.packages, func(pkg assessment.Package) bool { return pkg.ID == id })
}

// testing reports whether the candidate is taking this test for this customer.
func (p *provider) testing(who subject) bool {
	for _, t := range p.tests {
		if t.subject == who && !t.finished {
			return true
		}
	}
	return false
}

// invitations is how often the candidate of an order got an e-mail.
func (p *provider) invitations(ref assessment.OrderRef) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.tests[ref]; ok {
		return t.invited
	}
	return 0
}

// address is where the candidate of an order was invited.
func (p *provider) address(ref assessment.OrderRef) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.tests[ref]; ok {
		return t.subject.candidateEmail
	}
	return ""
}
