package main

import (
	"context"
	"flag"
	"time"
)

// What the alarms count, by name: orders and accounts are no labels of a metric.

type watchedQuestion struct {
	Max int `json:"max"` // how many at most
}

type atRiskAnswer struct {
	Orders []orderAtRisk `json:"orders"`
}

// orderAtRisk is an order whose delivery was answered with a fault and that did not
// come again.
type orderAtRisk struct {
	Order string `json:"order"`
	Age   int64  `json:"age_seconds"`
}

type accountsAnswer struct {
	Waiting []accountWaiting `json:"waiting"`
	Silent  []accountSilent  `json:"silent"`
}

// accountWaiting is an account with results to write.
type accountWaiting struct {
	Route   string `json:"route"`
	Account string `json:"account"`
	Pending int    `json:"pending"`
	Oldest  int64  `json:"oldest_seconds"`
}

// accountSilent is an account that used to order and does not.
type accountSilent struct {
	Route   string `json:"route"`
	Account string `json:"account"`
	Orders  int    `json:"orders"`
	Silent  int64  `json:"silent_seconds"`
	Pause   int64  `json:"pause_seconds"` // its longest before
}

func (v *service) atRisk(ctx context.Context, q watchedQuestion) (a atRiskAnswer, err error) {
	found, err := v.durable.DB().AtRisk(ctx, q.Max)
	a.Orders = []orderAtRisk{}
	for _, o := range found {
		a.Orders = append(a.Orders, orderAtRisk{o.Ref, seconds(o.Age)})
	}
	return a, err
}

func (v *service) accounts(ctx context.Context, q watchedQuestion) (a accountsAnswer, err error) {
	a.Waiting, a.Silent = []accountWaiting{}, []accountSilent{}
	waiting, err := v.durable.DB().TopAccounts(ctx, q.Max)
	if err != nil {
		return a, err
	}
	for _, w := range waiting {
		a.Waiting = append(a.Waiting, accountWaiting{w.Route, unescaped(w.Account), w.Pending, seconds(w.Oldest)})
	}
	silent, err := v.durable.DB().Silent(ctx, q.Max)
	for _, s := range silent {
		a.Silent = append(a.Silent, accountSilent{s.Route, unescaped(s.Account), s.Orders, seconds(s.Since), seconds(s.Pause)})
	}
	return a, err
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// watched is a command that lists what an alarm counts.
func watched[A any](command string, print func(*session, A) error) func(*flag.FlagSet) func(context.Context, *session, []string) error {
	return func(flags *flag.FlagSet) func(context.Context, *session, []string) error {
		var q watchedQuestion
		flags.IntVar(&q.Max, "max", 100, "how many at most")
		return func(ctx context.Context, s *session, words []string) error {
			if err := none(words); err != nil {
				return err
			}
			if q.Max <= 0 || q.Max > rowsAtOnce {
				return misused("--max: want a number from 1 to %d", rowsAtOnce)
			}
			var a A
			if err := s.ask(ctx, command, q, &a); err != nil {
				return err
			}
			return print(s, a)
		}
	}
}

func printAtRisk(s *session, a atRiskAnswer) error {
	return s.print(a.Orders, func(t *table) {
		t.line("ORDER", "AGE")
		for _, o := range a.Orders {
			t.line(o.Order, duration(o.Age))
		}
	})
}

func printWaiting(s *session, a accountsAnswer) error {
	return s.print(a.Waiting, func(t *table) {
		t.line("ROUTE", "ACCOUNT", "PENDING", "OLDEST")
		for _, w := range a.Waiting {
			t.line(w.Route, w.Account, w.Pending, duration(w.Oldest))
		}
	})
}

func printSilent(s *session, a accountsAnswer) error {
	return s.print(a.Silent, func(t *table) {
		t.line("ROUTE", "ACCOUNT", "ORDERS", "SILENT", "PAUSE")
		for _, one := range a.Silent {
			t.line(one.Route, one.Account, one.Orders, duration(one.Silent), duration(one.Pause))
		}
	})
}

func duration(seconds int64) string { return (time.Duration(seconds) * time.Second).String() }
