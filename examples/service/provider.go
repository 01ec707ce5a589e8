package main

import (
	"context"
	"crypto/rand"
	"log/slog"

	"github.com/assessbridge/assessbridge/assessment"
)

// provider is the assessment company: what is its own business. Put yours here.
type provider struct {
	db        *database
	packages  []assessment.Package
	publicURL string
	logger    *slog.Logger
}

// Packages offers every customer the same. Only StackOne asks for one kind.
func (p *provider) Packages(_ context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	var offered []assessment.Package
	for _, pkg := range p.packages {
		if q.Kind == "" || (pkg.Type == assessment.BackgroundCheck) == (q.Kind == assessment.KindBackgroundCheck) {
			offered = append(offered, pkg)
		}
	}
	return offered, nil
}

// startTest makes a test once for each reference and counts how often it was
// asked for.
const startTest = `
INSERT INTO tests (ref, package, secret, starts, finished) VALUES ($1, $2, $3, 1, 0)
ON CONFLICT (ref) DO UPDATE SET starts = tests.starts + 1 RETURNING secret, starts`

// StartOrder sets up a test and invites the candidate. The same Ref can come
// again, after a crash for example: then the test is there already.
func (p *provider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Candidate.Email == "" && !o.Inline {
		return assessment.Started{}, assessment.Reject("We cannot invite the candidate without an e-mail address.")
	}
	var secret string
	var starts int
	err := p.db.QueryRowContext(ctx, startTest, o.Ref.String(), o.Package.ID, rand.Text()).Scan(&secret, &starts)
	if err != nil {
		return assessment.Started{}, err // a fault: it is tried again
	}
	if starts == 1 && !o.Inline {
		// A real provider puts the e-mail into the same transaction, as a job.
		p.logger.InfoContext(ctx, "invited the candidate", "order", o.Ref)
	}
	return assessment.Started{
		CandidateURL: p.publicURL + "/take/" + secret,
		ReportURL:    p.publicURL + "/reports/" + secret,
		Update:       &assessment.Result{Status: assessment.StatusOpen},
	}, nil
}

// finish notes that a test is over.
const finish = `UPDATE tests SET finished = 1 WHERE ref = $1`

// CancelOrder stops a test; one that is unknown or over is no error.
func (p *provider) CancelOrder(ctx context.Context, ref assessment.OrderRef) error {
	_, err := p.db.ExecContext(ctx, finish, ref.String())
	return err
}
