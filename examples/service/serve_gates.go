package main

import (
	"context"
	"errors"
	"slices"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// turn switches something off or on.
func (v *service) turn(ctx context.Context, q switchQuestion) (a switchAnswer, err error) {
	act, err := q.checked()
	if err != nil {
		return a, err
	}
	route, account := q.route(), sqlstore.Account(q.Account)
	if !v.serves(route) {
		return a, wrong{errors.New("no such vendor and connection here")}
	}
	if !slices.Contains(switches, q.Switch) {
		return a, wrong{errors.New("no such switch")}
	}
	before, err := v.durable.DB().Gates(ctx)
	if err != nil {
		return a, err
	}
	do, name := v.durable.DB().Pause, "pause"
	if q.On {
		do, name = v.durable.DB().Resume, "resume"
	}
	if err := do(ctx, route, account, q.Switch, act); err != nil {
		return a, err
	}
	v.byHand(ctx, name, act, 1, false)
	if !q.On {
		if before, err = v.durable.DB().Gates(ctx); err != nil {
			return a, err
		}
	}
	a.Gates = gatesOf(slices.DeleteFunc(before, func(g sqlstore.Gate) bool {
		return g.Route != route || g.Account != account || g.What != q.Switch
	}))
	return a, nil
}

var switches = []sqlstore.Switch{sqlstore.SwitchStarts, sqlstore.SwitchResults, sqlstore.SwitchReconcile}

// serves says whether there is a client for a route.
func (v *service) serves(route string) bool {
	return v.kombo != nil && route == sqlstore.Route(v.kombo.Vendor(), v.kombo.Connection()) ||
		v.stackone != nil && route == sqlstore.Route(v.stackone.Vendor(), v.stackone.Connection()) ||
		v.ashby != nil && route == sqlstore.Route(v.ashby.Vendor(), v.ashby.Connection())
}

func (v *service) gates(ctx context.Context, _ gatesQuestion) (a gatesAnswer, err error) {
	found, err := v.durable.DB().Gates(ctx)
	if err != nil {
		return a, err
	}
	a.Gates = gatesOf(found)
	a.NoKey, err = v.durable.DB().KeyErrors(ctx)
	return a, err
}

func gatesOf(found []sqlstore.Gate) []gate {
	all := []gate{}
	for _, g := range found {
		all = append(all, gate{
			Route: g.Route, Account: unescaped(g.Account), What: g.What, Kind: g.Kind, Cause: g.Cause,
			Since: g.Since, Opens: g.Opens, By: g.By, Pending: g.Pending,
		})
	}
	return all
}

// unescaped is the account as flags take it.
func unescaped(account string) string {
	ref, err := assessment.ParseOrderRef("///" + account + "/")
	if err != nil {
		return account
	}
	return ref.Account
}

func (v *service) timeline(ctx context.Context, q timelineQuestion) (a timelineAnswer, err error) {
	refs, err := references([]string{q.Order})
	if err != nil {
		return a, wrong{err}
	}
	found, err := v.durable.DB().Timeline(ctx, refs[0])
	a.Notes = []note{}
	for _, n := range found {
		a.Notes = append(a.Notes, note{n.At, n.What, n.Detail})
	}
	return a, err
}
