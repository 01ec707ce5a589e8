package durable

import (
	"context"
	"iter"
	"slices"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// EraseSubject erases every order of a candidate from every table and from the
// emergency folder; see [sqlstore.DB.EraseSubject]. Jobs never hold anything
// personal.
func (s *Service) EraseSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]assessment.OrderRef, error) {
	return s.eraseSubject(vendor, connection, account, candidate,
		func(ref assessment.OrderRef) error { return s.Erase(ctx, ref) },
		func() ([]assessment.OrderRef, error) {
			return s.store.EraseSubject(ctx, vendor, connection, account, candidate)
		})
}

// EraseSubjectBy is [Service.EraseSubject] by hand; see [sqlstore.DB.EraseBy].
func (s *Service) EraseSubjectBy(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string, by sqlstore.Act) ([]assessment.OrderRef, error) {
	return s.eraseSubject(vendor, connection, account, candidate,
		func(ref assessment.OrderRef) error { _, err := s.EraseBy(ctx, ref, by); return err },
		func() ([]assessment.OrderRef, error) {
			return s.store.EraseSubjectBy(ctx, vendor, connection, account, candidate, by)
		})
}

// eraseSubject erases what is in the folder first: an order that is taken in
// meanwhile is in the tables then.
func (s *Service) eraseSubject(vendor assessment.Vendor, connection, account, candidate string,
	one func(assessment.OrderRef) error, tables func() ([]assessment.OrderRef, error)) ([]assessment.OrderRef, error) {
	saved, err := s.savedOf(vendor, connection, account, candidate)
	if err != nil {
		return nil, err
	}
	for i, ref := range saved {
		if err := one(ref); err != nil {
			return saved[:i], err
		}
	}
	refs, err := tables()
	for _, ref := range saved {
		if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs, err
}

// savedOf returns the orders of a candidate that are in the emergency folder.
func (s *Service) savedOf(vendor assessment.Vendor, connection, account, candidate string) ([]assessment.OrderRef, error) {
	if candidate == "" {
		return nil, nil
	}
	saved, err := s.saved(func(o assessment.Order) bool {
		return o.Ref.Vendor == vendor && o.Ref.Connection == connection && o.Ref.Account == account && o.CandidateID() == candidate
	})
	var refs []assessment.OrderRef
	for _, o := range saved {
		refs = append(refs, o.Ref)
	}
	return refs, err
}

// MergeSubject is [sqlstore.DB.MergeSubject].
func (s *Service) MergeSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate, into string) error {
	return s.store.MergeSubject(ctx, vendor, connection, account, candidate, into)
}

// Subject is [sqlstore.DB.Subject].
func (s *Service) Subject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]sqlstore.SubjectOrder, error) {
	return s.store.Subject(ctx, vendor, connection, account, candidate)
}

// Import is [sqlstore.DB.Import] with the intake's KeySecret.
func (s *Service) Import(ctx context.Context, records iter.Seq2[sqlstore.Imported, error], o sqlstore.ImportOptions) (sqlstore.ImportReport, error) {
	o.KeySecret = s.config.Intake.KeySecret
	return s.store.Import(ctx, records, o)
}
