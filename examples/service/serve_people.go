package main

import (
	"context"
	"errors"

	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

func (v *service) erase(ctx context.Context, q eraseQuestion) (a eraseAnswer, err error) {
	act, err := q.checked()
	if err != nil {
		return a, err
	}
	a.Erased = []string{}
	refs, err := references(q.Orders)
	if err != nil {
		return a, wrong{err}
	}
	for _, ref := range refs {
		known, err := v.durable.EraseBy(ctx, ref, act)
		switch {
		case err != nil:
			return a, err
		case known:
			a.Erased = append(a.Erased, ref.String())
		default:
			a.Unknown = append(a.Unknown, ref.String())
		}
	}
	if q.Candidate != "" {
		found, err := v.durable.EraseSubjectBy(ctx, q.Vendor, q.Connection, q.Account, q.Candidate, act)
		err = explained(err)
		if err != nil {
			return a, err
		}
		for _, ref := range found {
			a.Erased = append(a.Erased, ref.String())
		}
	}
	v.byHand(ctx, "erase", act, len(a.Erased), false)
	return a, nil
}

func (v *service) subject(ctx context.Context, q subjectQuestion) (a subjectAnswer, err error) {
	if q.Candidate == "" {
		return a, wrong{errors.New("candidate is required")}
	}
	found, err := v.durable.Subject(ctx, q.Vendor, q.Connection, q.Account, q.Candidate)
	a.Orders = []subjectOrder{}
	for _, o := range found {
		results := []subjectResult{}
		for _, r := range o.Results {
			results = append(results, subjectResult(r))
		}
		a.Orders = append(a.Orders, subjectOrder{Order: o.Ref.String(), State: o.State, Made: o.Made, Results: results})
	}
	return a, explained(err)
}

// explained says in the operator's words what the library refuses.
func explained(err error) error {
	switch {
	case errors.Is(err, sqlstore.ErrNoSubjectKey):
		return no{errors.New("candidates are not known here: no subject_key is set")}
	case errors.Is(err, sqlstore.ErrMoreRows):
		return no{errors.New("there are more rows than --most; count again with --dry-run")}
	case errors.Is(err, sqlstore.ErrNotOffboarded):
		return no{errors.New("the account was not offboarded")}
	}
	return err
}
