package assessmenttest

import (
	"context"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/check"
)

// Endpoint is an address of the service under test, made by [Handler] or [URL]. The
// zero value is none: the checks that need it are skipped.
type Endpoint struct{ of check.Endpoint }

// Handler is an endpoint that is called in memory, at a path.
func Handler(h http.Handler, path string) Endpoint {
	return Endpoint{check.Endpoint{Handler: h, Path: path}}
}

// URL is an endpoint of a service that listens, here or in another process.
func URL(address string) Endpoint { return Endpoint{check.Endpoint{URL: address}} }

// Kombo is what the service serves for Kombo.
type Kombo struct {
	Webhook Endpoint
	// Connection is [assessment.OrderRef.Connection] of the orders, if the service has
	// several configurations of Kombo.
	Connection string
}

// StackOne is what the service serves for StackOne.
type StackOne struct {
	Webhook            Endpoint
	AssessmentPackages Endpoint
	BackgroundPackages Endpoint
	Connection         string
	// EmptyAccount is the id of an account that may order no package; empty: there is
	// none, and an empty list is not judged.
	EmptyAccount string
}

// Ashby is what the service serves for Ashby.
type Ashby struct {
	// Base is the address below which assessment.list, assessment.start and
	// assessment.cancel are.
	Base       Endpoint
	Connection string
	// EmptyKey is the partner key of a customer who may order nothing; empty: there is
	// none, and an empty list is not judged.
	EmptyKey string
}

// Level says how much depends on a check.
type Level string

// The levels.
const (
	Core   Level = "core"   // documented, and orders or trust break without it
	Strict Level = "strict" // it follows from what is documented, or hurts in trouble
	Advice Level = "advice" // never fails a test
)

// Target is the service under test. Vendors is required, and so is at least one
// endpoint.
type Target struct {
	// Vendors are those that the service was started with.
	Vendors *Vendors

	Kombo    Kombo
	StackOne StackOne
	Ashby    Ashby

	// Package is a package that the service offers; empty: "typescript_test".
	Package string
	// RejectedPackage is one that the service turns down with a message for the
	// recruiter. Empty: an id that nobody offers, and a service that takes it anyway
	// is not judged.
	RejectedPackage string
	// FaultPackage is one whose start fails in the service as if its database were
	// down; empty: there is none, and part of what happens then is not judged.
	FaultPackage string

	// ConflictPackage is one whose start finds the candidate assessed already; empty:
	// there is none, and Ashby's 409 is not judged.
	ConflictPackage string

	// Finish makes the service write a result of an order: what it does when a
	// candidate's test moves on or ends. It may return before the result is written.
	// After an error it is called again with the same result, as a queue would. It may
	// be called concurrently. Nil: results are not checked.
	Finish func(ctx context.Context, order assessment.OrderRef, result assessment.Result) error
	// Reconcile makes the service look for orders whose webhook was lost, now and for
	// all customers that it was told of. Nil: that is not checked.
	Reconcile func(context.Context) error
	// Started tells how often a test was set up for an order. Nil: what can only be
	// seen this way is not judged.
	Started func(ctx context.Context, order assessment.OrderRef) (int, error)

	// Packages names the ids of the packages that a customer may order: vendor, account
	// and kind of the reference say whose. Nil: whose packages are listed is not judged.
	Packages func(ctx context.Context, customer assessment.OrderRef) ([]string, error)

	// Without names what the service does not offer, such as "kombo.inline". An unknown
	// name fails the test, which lists those that there are.
	Without []string
	// Skip and Known have a reason for each id of a check. A known failure does not fail
	// the test, and one that passes does.
	Skip, Known map[string]string

	// Level runs the checks up to a level; empty: all.
	Level Level
	// Set runs the checks of a release and of those before it, so that a new version of
	// this module brings no new failures; empty: the newest.
	Set string
	// AnswerTimeout is how long a vendor waits for an answer; zero: 10 s.
	AnswerTimeout time.Duration
	// Settle is how long a check looks for what must not happen; zero: 2 s.
	Settle time.Duration
	// Patience is how long a result may take, repetitions included; zero: 20 s.
	Patience time.Duration
	// ReportDir is where report.json, junit.xml and report.html are written after a
	// whole run; empty: nowhere.
	ReportDir string
}

func (t Target) check(name string) check.Target {
	return check.Target{
		Name:  name,
		Kombo: check.KomboTarget{Webhook: t.Kombo.Webhook.of, Connection: t.Kombo.Connection},
		StackOne: check.StackOneTarget{
			Webhook: t.StackOne.Webhook.of, AssessmentPackages: t.StackOne.AssessmentPackages.of,
			BackgroundPackages: t.StackOne.BackgroundPackages.of, Connection: t.StackOne.Connection,
			EmptyAccount: t.StackOne.EmptyAccount,
		},
		Ashby:   check.AshbyTarget{Base: t.Ashby.Base.of, Connection: t.Ashby.Connection, EmptyKey: t.Ashby.EmptyKey},
		Package: t.Package, RejectedPackage: t.RejectedPackage, FaultPackage: t.FaultPackage, ConflictPackage: t.ConflictPackage,
		Finish: t.Finish, Reconcile: t.Reconcile, Started: t.Started, Packages: t.Packages, Without: t.Without,
	}
}

func (t Target) options() check.Options {
	return check.Options{
		Level: check.Level(t.Level), Set: t.Set, Skip: t.Skip, Known: t.Known,
		AnswerTimeout: t.AnswerTimeout, Settle: t.Settle, Patience: t.Patience,
	}
}
