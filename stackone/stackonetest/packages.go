package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Kind tells assessments and background checks apart: they have separate
// endpoints and event names.
type Kind string

// The kinds of orders and packages.
const (
	Assessment      Kind = "assessment"
	BackgroundCheck Kind = "background_check"
)

// segment is the kind in a path.
func (k Kind) segment() string {
	if k == BackgroundCheck {
		return "background_checks"
	}
	return "assessments"
}

func (k Kind) valid() bool { return k == Assessment || k == BackgroundCheck }

// Package is a package that StackOne holds for an account.
type Package struct {
	ID          string
	RemoteID    string
	Name        string
	Description string
	Tests       []Test          // of background checks only
	Passthrough json.RawMessage // as last written; nil: not sent
}

// Test is one test of a background-check package.
type Test struct {
	ID          string
	RemoteID    string
	Name        string
	Description string
}

const exampleID = "8187e5da-dc77-475e-9949-af0f1fa4e4e3"

// examplePackage is the one of StackOne's reference.
func examplePackage() Package {
	return Package{ID: exampleID, RemoteID: exampleID, Name: "Test 1", Description: "Skills test to gauge a candidate's proficiency in job-specific skills"}
}

// packageTable holds the packages of one kind, which are found by both kinds of ids, as
// everywhere at StackOne:
// snippets/common-guides/stackone-identifiers.mdx in github.com/StackOneHQ/hub-docs
type packageTable = simkit.Table[string, *Package]

func packagesOf(list ...Package) *packageTable {
	t := &packageTable{}
	for _, p := range clonedPackages(simkit.Map(list, func(p Package) *Package { return &p })) {
		addPackage(t, &p)
	}
	return t
}

func addPackage(t *packageTable, p *Package) {
	var keys []string
	for _, id := range []string{p.ID, p.RemoteID} {
		if id != "" {
			keys = append(keys, id)
		}
	}
	t.Add(p, keys...)
}

// held returns the packages of a kind. The caller holds the lock of the world.
func (a *account) held(kind Kind) *packageTable {
	if a.packages[kind] == nil {
		a.packages[kind] = &packageTable{}
	}
	return a.packages[kind]
}

func clonedPackages(list []*Package) []Package { return simkit.Map(list, (*Package).copied) }

func (p *Package) copied() Package {
	c := *p
	c.Tests = slices.Clone(p.Tests)
	return c
}

func (p Package) wire(kind Kind) map[string]any {
	w := map[string]any{
		"id": simkit.Nullable(p.ID), "remote_id": simkit.Nullable(p.RemoteID),
		"name": simkit.Nullable(p.Name), "description": simkit.Nullable(p.Description),
	}
	if kind != BackgroundCheck {
		return w
	}
	tests := []map[string]any{}
	for _, t := range p.Tests {
		tests = append(tests, map[string]any{
			"id": simkit.Nullable(t.ID), "remote_id": simkit.Nullable(t.RemoteID),
			"name": simkit.Nullable(t.Name), "description": simkit.Nullable(t.Description),
		})
	}
	w["tests"] = tests
	return w
}

func listPackages(kind Kind) handler {
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		var records []map[string]any
		for _, p := range s.Packages(c.Account, kind) {
			records = append(records, simkit.DecodeObject(simkit.Encode(p.wire(kind))))
		}
		return s.list(c, listing{filters: []string{"updated_after"}}, records)
	}
}

func getPackage(kind Kind) handler {
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		p, failure := s.packageOf(c.Account, kind, c.Params["id"])
		if failure != nil {
			return simkit.Reply{}, failure
		}
		return s.single(c, listing{}, simkit.DecodeObject(simkit.Encode(p.wire(kind))))
	}
}

func (w *world) packageOf(account string, kind Kind, id string) (p Package, failure *Failure) {
	failure = w.withPackage(account, kind, id, func(_ *packageTable, found *Package) { p = found.copied() })
	return p, failure
}

// withPackage does something with a package that an account has.
func (w *world) withPackage(account string, kind Kind, id string, do func(*packageTable, *Package)) *Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return noAccount()
	}
	p, found := a.held(kind).Find(id)
	if !found {
		return noSuchPackage()
	}
	do(a.held(kind), p)
	return nil
}

func noSuchPackage() *Failure { return failed(http.StatusNotFound, "Package not found") }

func (s *Server) createPackage(c *simkit.Call) (simkit.Reply, *Failure) {
	var p Package
	_, failure := s.checked(c, func(o *simkit.Object) { readPackage(o, &p, false) })
	if failure == nil {
		failure = s.keepPackage(c.Account, &p)
	}
	if failure != nil {
		return simkit.Reply{}, failure
	}
	return writeReply(http.StatusCreated, http.StatusCreated, "Record created successfully.", timestamp(s.now()),
		map[string]any{"id": p.ID, "remote_id": p.RemoteID}), nil
}

// keepPackage gives a package its ids and an account the package.
func (w *world) keepPackage(account string, p *Package) *Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return noAccount()
	}
	p.ID, p.RemoteID = w.newID("package"), w.ids.UUID("remote package")
	p.Tests = w.withTestIDs(p.Tests)
	addPackage(a.held(BackgroundCheck), p)
	return nil
}

func (w *world) withTestIDs(tests []Test) []Test {
	for i := range tests {
		if tests[i].ID == "" {
			tests[i].ID, tests[i].RemoteID = w.newID("test"), w.ids.UUID("remote test")
		}
	}
	return tests
}

// readPackage applies a body to a package: members that are absent stay, null
// empties. Nothing is required: no such rule is documented.
func readPackage(o *simkit.Object, p *Package, update bool) {
	for name, field := range map[string]*string{"name": &p.Name, "description": &p.Description} {
		text := o.Text(name, nullable)
		if _, sent := o.Members[name]; sent {
			*field = text
		}
	}
	if _, sent := o.Members["tests"]; sent {
		known := p.Tests
		p.Tests = nil
		o.Each("tests", nullable, func(t *simkit.Object) {
			test := Test{Name: t.Text("name", nullable), Description: t.Text("description", nullable)}
			if update {
				test.ID = t.Text("id", nullable)
				test.RemoteID = remoteTestID(known, test.ID)
			}
			p.Tests = append(p.Tests, test)
		})
	}
	o.Ask("tests")
	if passthrough := o.Child("passthrough", nullable); passthrough != nil {
		p.Passthrough = simkit.Encode(passthrough.Members)
	}
}

func remoteTestID(known []Test, id string) string {
	for _, t := range known {
		if t.ID == id {
			return t.RemoteID
		}
	}
	return ""
}

func (s *Server) updatePackage(c *simkit.Call) (simkit.Reply, *Failure) {
	p, failure := s.packageOf(c.Account, BackgroundCheck, c.Params["id"])
	if failure != nil {
		return simkit.Reply{}, failure
	}
	if _, failure := s.checked(c, func(o *simkit.Object) { readPackage(o, &p, true) }); failure != nil {
		return simkit.Reply{}, failure
	}
	p.Tests = s.withTestIDs(p.Tests)
	failure = s.withPackage(c.Account, BackgroundCheck, c.Params["id"], func(_ *packageTable, held *Package) { *held = p })
	if failure != nil {
		return simkit.Reply{}, failure
	}
	return updatedReply(s), nil
}

func (s *Server) deletePackage(c *simkit.Call) (simkit.Reply, *Failure) {
	id := c.Params["id"]
	failure := s.withPackage(c.Account, BackgroundCheck, id, func(t *packageTable, _ *Package) { t.Remove(id) })
	if failure != nil {
		return simkit.Reply{}, failure
	}
	// The documented status in the body is not that of the answer.
	return writeReply(http.StatusOK, http.StatusNoContent, "Record deleted successfully.", timestamp(s.now()), nil), nil
}

func updatedReply(s *Server) simkit.Reply {
	return writeReply(http.StatusOK, http.StatusOK, "Record updated successfully.", timestamp(s.now()), nil)
}

func writeReply(status, statusCode int, message, at string, data map[string]any) simkit.Reply {
	body := map[string]any{"statusCode": statusCode, "message": message, "timestamp": at}
	if data != nil {
		body["data"] = data
	}
	return simkit.JSONReply(status, body)
}

func badKind(kind Kind) error { return fmt.Errorf("stackonetest: unknown kind %q", kind) }
