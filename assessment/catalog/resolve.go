package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
)

// Resolver finds out which of the provider's packages an order means, where
// customers have ids of their own for them. [Catalog] is one over a file; a
// provider whose customers edit the mapping in its own pages implements one over
// its database. It must be safe for concurrent use.
type Resolver interface {
	// ResolvePackage returns the provider's package for an order. The error is
	// [ErrUnknownPackage] if the order names none, a [*assessment.Rejection] to
	// say so in other words, and a fault otherwise.
	ResolvePackage(ctx context.Context, o assessment.Order) (assessment.Package, error)
}

// ErrUnknownPackage: what was ordered is no package of the provider's.
var ErrUnknownPackage = errors.New("catalog: unknown package")

// ResolvePackage implements [Resolver]. The first of these that says something
// decides:
//
//  1. a package whose id is the ordered package's ID or RemoteID,
//  2. an alias for the ordered id, that of the customer before that for all,
//  3. the job, by its ID, RemoteID or Code, at the customer.
func (c *Catalog) ResolvePackage(_ context.Context, o assessment.Order) (assessment.Package, error) {
	for _, find := range []func(assessment.Order) (string, bool){c.own, c.alias, c.job} {
		if id, found := find(o); found {
			return c.packages[c.byID[id]], nil
		}
	}
	return assessment.Package{}, ErrUnknownPackage
}

func (c *Catalog) own(o assessment.Order) (string, bool) {
	for _, id := range []string{o.Package.ID, o.Package.RemoteID} {
		if _, found := c.byID[id]; found {
			return id, true
		}
	}
	return "", false
}

func (c *Catalog) alias(o assessment.Order) (string, bool) {
	for _, account := range []string{o.Ref.Account, ""} {
		for _, vendor := range []assessment.Vendor{o.Ref.Vendor, ""} {
			for _, id := range []string{o.Package.ID, o.Package.RemoteID} {
				if target, found := c.aliases[aliasKey{vendor, account, id}]; found {
					return target, true
				}
			}
		}
	}
	return "", false
}

func (c *Catalog) job(o assessment.Order) (string, bool) {
	for _, vendor := range []assessment.Vendor{o.Ref.Vendor, ""} {
		for _, job := range []string{o.Job.ID, o.Job.RemoteID, o.Job.Code} {
			if target, found := c.jobs[jobKey{vendor, o.Ref.Account, job}]; found {
				return target, true
			}
		}
	}
	return "", false
}

// Wrap returns a provider that is given orders with its own packages: what the
// order names is resolved in StartOrder, so once for each order, under the
// intake's claim. The customer's id is kept as [assessment.Package.RemoteID].
//
// A package that is not known is rejected with a message for the recruiter. An
// error of the resolver that is neither [ErrUnknownPackage] nor a rejection is a
// fault, and the order is given again.
func Wrap(p assessment.Provider, r Resolver) assessment.Provider { return resolving{p, r} }

type resolving struct {
	assessment.Provider
	resolver Resolver
}

// unknownMessage is what a recruiter reads; see [assessment.Reject].
const unknownMessage = "We do not know this package. Please ask us to set it up."

// StartOrder implements [assessment.Provider].
func (p resolving) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	own, err := p.resolver.ResolvePackage(ctx, o)
	switch {
	case errors.Is(err, ErrUnknownPackage):
		return assessment.Started{}, assessment.Reject(unknownMessage)
	case err != nil:
		return assessment.Started{}, fmt.Errorf("resolve the package: %w", err)
	}
	own.RemoteID = cmp.Or(o.Package.RemoteID, o.Package.ID)
	o.Package = own
	return p.Provider.StartOrder(ctx, o)
}
