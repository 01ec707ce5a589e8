package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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

// Packages returns the packages of an account, in the order of their creation.
func (s *Server) Packages(account string, kind Kind) []Package {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(account)
	if a == nil {
		return nil
	}
	return clonedPackages(a.packages[kind])
}

// SetPackages puts packages in place without a call of the API. Every account
// starts out with the assessment package of StackOne's reference and without
// background-check packages.
func (s *Server) SetPackages(account string, kind Kind, packages []Package) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(account)
	if a == nil {
		return unknownAccount(account)
	}
	a.packages[kind] = clonedPackages(packages)
	return nil
}

func clonedPackages(list []Package) []Package {
	list = slices.Clone(list)
	for i := range list {
		list[i].Tests = slices.Clone(list[i].Tests)
	}
	return list
}

func (p Package) wire(kind Kind) map[string]any {
	w := map[string]any{
		"id": nullable(p.ID), "remote_id": nullable(p.RemoteID),
		"name": nullable(p.Name), "description": nullable(p.Description),
	}
	if kind != BackgroundCheck {
		return w
	}
	tests := []map[string]any{}
	for _, t := range p.Tests {
		tests = append(tests, map[string]any{
			"id": nullable(t.ID), "remote_id": nullable(t.RemoteID),
			"name": nullable(t.Name), "description": nullable(t.Description),
		})
	}
	w["tests"] = tests
	return w
}

func listPackages(kind Kind) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		var records []map[string]any
		for _, p := range s.Packages(c.account, kind) {
			records = append(records, decodeObject(encode(p.wire(kind))))
		}
		return s.list(c, listing{filters: []string{"updated_after"}}, records)
	}
}

func getPackage(kind Kind) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		packages := s.Packages(c.account, kind)
		i := findPackage(packages, c.params["id"])
		if i < 0 {
			return reply{}, noSuchPackage()
		}
		return s.single(c, listing{}, decodeObject(encode(packages[i].wire(kind))))
	}
}

// findPackage takes both kinds of ids, as StackOne does everywhere:
// snippets/common-guides/stackone-identifiers.mdx in github.com/StackOneHQ/hub-docs
func findPackage(packages []Package, id string) int {
	return slices.IndexFunc(packages, func(p Package) bool { return p.ID == id || p.RemoteID == id })
}

func noSuchPackage() *Failure { return failed(http.StatusNotFound, "Package not found") }

func (s *Server) createPackage(c *call) (reply, *Failure) {
	var p Package
	_, failure := s.checked(c, func(o *object) { readPackage(o, &p, false) })
	if failure != nil {
		return reply{}, failure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(c.account)
	if a == nil {
		return reply{}, failed(http.StatusNotFound, "Account not found")
	}
	p.ID, p.RemoteID = s.nextID("package"), s.nextUUID("remote package")
	p.Tests = s.withTestIDs(p.Tests)
	a.packages[BackgroundCheck] = append(a.packages[BackgroundCheck], p)
	return writeReply(http.StatusCreated, http.StatusCreated, "Record created successfully.", timestamp(s.now()),
		map[string]any{"id": p.ID, "remote_id": p.RemoteID}), nil
}

func (s *Server) withTestIDs(tests []Test) []Test {
	for i := range tests {
		if tests[i].ID == "" {
			tests[i].ID, tests[i].RemoteID = s.nextID("test"), s.nextUUID("remote test")
		}
	}
	return tests
}

// readPackage applies a body to a package: members that are absent stay, null
// empties. Nothing is required: no such rule is documented.
func readPackage(o *object, p *Package, update bool) {
	for name, field := range map[string]*string{"name": &p.Name, "description": &p.Description} {
		text := o.text(name)
		if _, sent := o.members[name]; sent {
			*field = text
		}
	}
	if _, sent := o.members["tests"]; sent {
		known := p.Tests
		p.Tests = nil
		o.objects("tests", func(t *object) {
			test := Test{Name: t.text("name"), Description: t.text("description")}
			if update {
				test.ID = t.text("id")
				test.RemoteID = remoteTestID(known, test.ID)
			}
			p.Tests = append(p.Tests, test)
		})
	}
	o.asked = append(o.asked, "tests")
	if passthrough := o.child("passthrough"); passthrough != nil {
		p.Passthrough = encode(passthrough.members)
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

func (s *Server) updatePackage(c *call) (reply, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	packages, i, failure := s.backgroundPackage(c)
	if failure != nil {
		return reply{}, failure
	}
	p := clonedPackages(packages[i : i+1])[0]
	if _, failure := s.checked(c, func(o *object) { readPackage(o, &p, true) }); failure != nil {
		return reply{}, failure
	}
	p.Tests = s.withTestIDs(p.Tests)
	packages[i] = p
	return updatedReply(s), nil
}

func (s *Server) deletePackage(c *call) (reply, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	packages, i, failure := s.backgroundPackage(c)
	if failure != nil {
		return reply{}, failure
	}
	s.findAccount(c.account).packages[BackgroundCheck] = slices.Delete(packages, i, i+1)
	// The documented status in the body is not that of the answer.
	return writeReply(http.StatusOK, http.StatusNoContent, "Record deleted successfully.", timestamp(s.now()), nil), nil
}

func (s *Server) backgroundPackage(c *call) ([]Package, int, *Failure) {
	a := s.findAccount(c.account)
	if a == nil {
		return nil, 0, failed(http.StatusNotFound, "Account not found")
	}
	packages := a.packages[BackgroundCheck]
	i := findPackage(packages, c.params["id"])
	if i < 0 {
		return nil, 0, noSuchPackage()
	}
	return packages, i, nil
}

func updatedReply(s *Server) reply {
	return writeReply(http.StatusOK, http.StatusOK, "Record updated successfully.", timestamp(s.now()), nil)
}

func writeReply(status, statusCode int, message, at string, data map[string]any) reply {
	body := map[string]any{"statusCode": statusCode, "message": message, "timestamp": at}
	if data != nil {
		body["data"] = data
	}
	return jsonReply(status, body)
}

func badKind(kind Kind) error { return fmt.Errorf("stackonetest: unknown kind %q", kind) }
