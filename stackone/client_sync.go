package stackone

import (
	"context"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
)

// SyncOptions configure [Client.SyncBackgroundCheckPackages].
type SyncOptions struct {
	// Prune deletes packages that are not wanted. Without it they are left.
	Prune bool
	// DryRun only reports what would be done.
	DryRun bool
}

// SyncReport says what was done, in the order in which it was.
type SyncReport struct {
	Created, Updated, Unchanged, Deleted []SyncedPackage
	// Left are packages at StackOne that are not wanted and were not deleted, and
	// those that could not be changed because StackOne tells no id of them.
	Left []SyncedPackage
}

// SyncedPackage names a package at StackOne.
type SyncedPackage struct {
	Name string
	// ID is StackOne's. It may be empty for a package just created, if the
	// connector does not tell it, and is so in a dry run.
	ID string
}

// SyncBackgroundCheckPackages brings the background-check packages of an account
// in line with the wanted ones. ATSs without a store of their own, and Workday
// and Eploy, offer them to recruiters; see [Limits.SyncedBackgroundChecks].
//
// Packages are matched by their exact name, because a create carries no id of
// the provider's: keep a package's name, or it becomes another package. Of
// several with one name the first that fits is kept. Only what differs is
// written: name, description, and the tests' names and descriptions.
//
// It can be repeated after a failure half way: it looks first, so that a package
// whose creation went unanswered is found. Creates come first and deletes last.
// The report is returned with an error too and lists what was done. Runs for one
// account must not overlap, or both may create a package.
//
// It refuses, with a [*assessment.ValidationError], a package without a name, a
// name that occurs twice, and an empty list together with Prune, which would
// delete everything.
func (c *Client) SyncBackgroundCheckPackages(ctx context.Context, account string, wanted []assessment.Package, o SyncOptions) (SyncReport, error) {
	if err := checkWanted(wanted, o); err != nil {
		return SyncReport{}, err
	}
	var there []assessment.Package
	for p, err := range c.BackgroundCheckPackages(ctx, account, ListOptions{}) {
		if err != nil {
			return SyncReport{}, err
		}
		there = append(there, p)
	}
	run := syncRun{client: c, account: account, options: o}
	err := run.apply(ctx, matchPackages(wanted, there))
	return run.report, err
}

func checkWanted(wanted []assessment.Package, o SyncOptions) error {
	var problems outbound.Problems
	if len(wanted) == 0 && o.Prune {
		problems.Add("packages", "empty: this would delete all packages of the account")
	}
	names := make(map[string]bool, len(wanted))
	for i, p := range wanted {
		path := fmt.Sprintf("packages[%d].", i)
		checkPackage(&problems, path, p)
		if p.Name != "" && names[p.Name] {
			problems.Add(path+"name", "occurs twice")
		}
		names[p.Name] = true
		tests := make(map[string]bool, len(p.Tests))
		for j, t := range p.Tests {
			if t.Name != "" && tests[t.Name] {
				problems.Add(fmt.Sprintf("%stests[%d].name", path, j), "occurs twice")
			}
			tests[t.Name] = true
		}
	}
	return problems.Err()
}

// plan is what is to be done.
type plan struct {
	create      []assessment.Package
	update      []change
	unchanged   []assessment.Package
	surplus     []assessment.Package
	unreachable []assessment.Package // without an id: there is nothing to call them by
}

type change struct {
	there  assessment.Package
	update PackageUpdate
}

func matchPackages(wanted, there []assessment.Package) plan {
	var todo plan
	taken := make([]bool, len(there))
	for _, w := range wanted {
		at := best(w, there)
		if at < 0 {
			todo.create = append(todo.create, w)
			continue
		}
		taken[at] = true
		u, same := difference(w, there[at])
		switch {
		case same:
			todo.unchanged = append(todo.unchanged, there[at])
		case idOf(there[at]) == "": // not made anew either: every run would
			todo.unreachable = append(todo.unreachable, there[at])
		default:
			todo.update = append(todo.update, change{there[at], u})
		}
	}
	for i, p := range there {
		switch {
		case taken[i]:
		case idOf(p) == "":
			todo.unreachable = append(todo.unreachable, p)
		default:
			todo.surplus = append(todo.surplus, p)
		}
	}
	return todo
}

// best is the package of that name which needs no change, else the first of that
// name that has an id, else the first, else -1.
func best(w assessment.Package, there []assessment.Package) int {
	at := -1
	for i, p := range there {
		if p.Name != w.Name {
			continue
		}
		if _, same := difference(w, p); same {
			return i
		}
		if at < 0 || idOf(there[at]) == "" && idOf(p) != "" {
			at = i
		}
	}
	return at
}

// difference is what has to be written to make there look like wanted.
func difference(wanted, there assessment.Package) (u PackageUpdate, same bool) {
	same = true
	if wanted.Description != there.Description {
		same = false
		u.Description = &wanted.Description
	}
	ids := make(map[string]assessment.Test, len(there.Tests))
	for _, t := range there.Tests {
		ids[t.Name] = t
	}
	equal := len(wanted.Tests) == len(there.Tests)
	tests := make([]assessment.Test, len(wanted.Tests))
	for i, t := range wanted.Tests {
		old, found := ids[t.Name]
		equal = equal && found && old.Description == t.Description
		tests[i] = assessment.Test{ID: old.ID, Name: t.Name, Description: t.Description}
	}
	if !equal {
		same = false
		u.Tests = &tests
	}
	return u, same
}

// syncRun carries out a plan and reports it.
type syncRun struct {
	client  *Client
	account string
	options SyncOptions
	report  SyncReport
}

func (s *syncRun) apply(ctx context.Context, todo plan) error {
	for _, p := range todo.unchanged {
		s.report.Unchanged = append(s.report.Unchanged, SyncedPackage{Name: p.Name, ID: p.ID})
	}
	if !s.options.Prune {
		s.leave(todo.surplus)
		todo.surplus = nil
	}
	s.leave(todo.unreachable)
	for _, p := range todo.create {
		if err := s.create(ctx, p); err != nil {
			return fmt.Errorf("stackone: create package %q: %w", p.Name, err)
		}
	}
	for _, ch := range todo.update {
		if err := s.do(func() error {
			return s.client.UpdateBackgroundCheckPackage(ctx, s.account, idOf(ch.there), ch.update)
		}); err != nil {
			return fmt.Errorf("stackone: update package %q: %w", ch.there.Name, err)
		}
		s.report.Updated = append(s.report.Updated, SyncedPackage{Name: ch.there.Name, ID: ch.there.ID})
	}
	for _, p := range todo.surplus {
		if err := s.do(func() error {
			return s.client.DeleteBackgroundCheckPackage(ctx, s.account, idOf(p))
		}); err != nil {
			return fmt.Errorf("stackone: delete package %q: %w", p.Name, err)
		}
		s.report.Deleted = append(s.report.Deleted, SyncedPackage{Name: p.Name, ID: p.ID})
	}
	return nil
}

func (s *syncRun) leave(packages []assessment.Package) {
	for _, p := range packages {
		s.report.Left = append(s.report.Left, SyncedPackage{Name: p.Name, ID: p.ID})
	}
}

func (s *syncRun) create(ctx context.Context, p assessment.Package) error {
	var id RecordID
	err := s.do(func() (err error) {
		id, err = s.client.CreateBackgroundCheckPackage(ctx, s.account, p, nil)
		return err
	})
	if err == nil {
		s.report.Created = append(s.report.Created, SyncedPackage{Name: p.Name, ID: id.ID})
	}
	return err
}

func (s *syncRun) do(write func() error) error {
	if s.options.DryRun {
		return nil
	}
	return write()
}

// idOf is the id to call a package by: StackOne takes its own and the ATS's.
func idOf(p assessment.Package) string {
	if p.ID == "" {
		return p.RemoteID
	}
	return p.ID
}
