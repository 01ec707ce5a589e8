package check

import (
	"context"
	"net/http"
	"slices"

	"github.com/assessbridge/assessbridge/assessment"
)

// Endpoint is an address of the service under test: a URL, or a handler that is
// called in memory.
type Endpoint struct {
	URL     string
	Handler http.Handler
	// Path is where a Handler is called; empty: "/".
	Path string
}

// IsSet tells whether there is such an endpoint.
func (e Endpoint) IsSet() bool { return e.URL != "" || e.Handler != nil }

func (e Endpoint) path() string {
	if e.Path == "" {
		return "/"
	}
	return e.Path
}

// Target is the service under test. An endpoint that is not set belongs to a vendor,
// or to a part of one, that the service does not serve; its checks are skipped.
type Target struct {
	// Name and Version are put at the head of the report.
	Name, Version string

	Kombo    KomboTarget
	StackOne StackOneTarget
	Ashby    AshbyTarget

	// Package is a package that the service offers. Empty: "typescript_test".
	Package string
	// RejectedPackage is one that the service turns down with a message for the
	// recruiter. Empty: an id that nobody offers, and a service that takes it anyway
	// is not judged.
	RejectedPackage string
	// FaultPackage is one whose start fails in the service as if its database were
	// down, in a build for tests; empty: there is none.
	FaultPackage string

	// ConflictPackage is one whose start finds the candidate assessed already; empty:
	// there is none.
	ConflictPackage string

	// Finish ends, or moves on, the candidate's test: it makes the service write the
	// result. It may return before that is written. After an error it is called again
	// with the same result, as a queue would. Nil: results are not checked.
	Finish func(ctx context.Context, order assessment.OrderRef, result assessment.Result) error
	// Reconcile makes the service look for orders whose webhook was lost, now and for
	// all customers. Nil: that is not checked.
	Reconcile func(context.Context) error
	// Started tells how often a test was set up for an order. Nil: what can only be
	// seen this way is not judged.
	Started func(ctx context.Context, order assessment.OrderRef) (int, error)

	// Packages names the ids of the packages that a customer may order: vendor, account
	// and kind of the reference say whose. Nil: whose packages are listed is not judged.
	Packages func(ctx context.Context, customer assessment.OrderRef) ([]string, error)

	// Without names what the service does not offer, such as "kombo.inline":
	// [Capabilities] lists what can be named.
	Without []string
}

// KomboTarget is what the service serves for Kombo.
type KomboTarget struct {
	Webhook Endpoint
	// Connection is [assessment.OrderRef.Connection] of Kombo's orders.
	Connection string
}

// StackOneTarget is what the service serves for StackOne.
type StackOneTarget struct {
	Webhook            Endpoint
	AssessmentPackages Endpoint
	BackgroundPackages Endpoint
	Connection         string
	// EmptyAccount is the id of an account that may order no package; empty: there is
	// none.
	EmptyAccount string
}

// AshbyTarget is what the service serves for Ashby: the address below which
// assessment.list and the others are.
type AshbyTarget struct {
	Base       Endpoint
	Connection string
	// EmptyKey is the partner key of a customer who may order nothing; empty: there is
	// none.
	EmptyKey string
}

func (t Target) packageID() string {
	if t.Package == "" {
		return "typescript_test"
	}
	return t.Package
}

// serves tells whether the service has anything of a vendor; "all" is any.
func (t Target) serves(vendor string) bool {
	switch vendor {
	case "kombo":
		return t.Kombo.Webhook.IsSet()
	case "stackone":
		return t.StackOne.Webhook.IsSet() || t.StackOne.AssessmentPackages.IsSet() || t.StackOne.BackgroundPackages.IsSet()
	case "ashby":
		return t.Ashby.Base.IsSet()
	}
	return t.serves("kombo") || t.serves("stackone") || t.serves("ashby")
}

// lacks says why a check cannot run on this target; empty: it can.
func (t Target) lacks(c Check) string {
	switch {
	case !t.serves(c.Vendor()):
		return "the target has no endpoint of " + c.Vendor()
	case c.Capability != "" && slices.Contains(t.Without, c.Capability):
		return "the service does without " + c.Capability
	case slices.Contains(c.Needs, NeedFinish) && t.Finish == nil:
		return "the target does not say how a result is written (Finish)"
	case slices.Contains(c.Needs, NeedReconcile) && t.Reconcile == nil:
		return "the target does not say how to look for lost orders (Reconcile)"
	}
	return ""
}

// Capabilities are what [Target.Without] takes, sorted.
func Capabilities() []string {
	var names []string
	for _, c := range Catalogue() {
		if c.Capability != "" {
			names = append(names, c.Capability)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
