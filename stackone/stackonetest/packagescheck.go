package stackonetest

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// check looks for everything that is wrong with an answer. What is not the list's
// shape makes the ATS show an error; what an ATS could live with is reported all
// the same.
func (a *PackagesAnswer) check(kind Kind) {
	usable := true
	fatal := func(path, format string, args ...any) {
		usable = false
		a.violate(path, format, args...)
	}
	if a.Status != http.StatusOK {
		fatal("status", "is %d, not 200", a.Status)
	}
	if media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type")); err != nil || media != "application/json" {
		fatal("Content-Type", "is %q, not application/json", a.Header.Get("Content-Type"))
	}
	tree, err := simkit.Decode(a.Body)
	if err != nil {
		fatal("body", "is not JSON")
		return
	}
	members, ok := tree.(map[string]any)
	if !ok {
		fatal("body", "is not an object")
		return
	}
	data, ok := members["data"].([]any)
	if !ok {
		fatal("data", "is not an array")
		return
	}
	seen := map[string]bool{}
	for i, item := range data {
		a.checkPackage(fmt.Sprintf("data[%d]", i), item, kind, fatal, seen)
	}
	a.checkLastPage(members)
	switch {
	case usable && len(data) == 0:
		a.View = ViewUnavailable
	case usable:
		a.View = ViewList
	}
}

func (a *PackagesAnswer) violate(path, format string, args ...any) {
	a.Violations = append(a.Violations, Violation{Path: path, Text: fmt.Sprintf(format, args...)})
}

// checkLastPage: the request carries no cursor, so that nobody would ask for a
// second page.
func (a *PackagesAnswer) checkLastPage(members map[string]any) {
	for _, name := range []string{"next", "next_page"} {
		if next := members[name]; next != nil && next != "" {
			a.violate(name, "announces a second page, which nobody will ask for")
		}
	}
}

type complain func(path, format string, args ...any)

func (a *PackagesAnswer) checkPackage(path string, item any, kind Kind, fatal complain, seen map[string]bool) {
	members, ok := item.(map[string]any)
	if !ok {
		fatal(path, "is not an object")
		return
	}
	p := Package{
		ID: needed(members, path, "id", fatal), Name: needed(members, path, "name", fatal),
		RemoteID: optionalText(members, path, "remote_id", fatal), Description: optionalText(members, path, "description", fatal),
	}
	if kind == BackgroundCheck {
		p.Tests = a.checkTests(path+".tests", members["tests"], fatal)
	}
	// An order names the package by its id alone.
	if p.ID != "" && seen[p.ID] {
		a.violate(path+".id", "repeats the id of another one")
	}
	seen[p.ID] = true
	a.Packages = append(a.Packages, p)
}

func (a *PackagesAnswer) checkTests(path string, value any, fatal complain) []Test {
	list, ok := value.([]any)
	switch {
	case value == nil:
		a.violate(path, "is missing: background checks list their tests")
		return nil
	case !ok:
		fatal(path, "is not an array")
		return nil
	}
	var tests []Test
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		members, ok := item.(map[string]any)
		if !ok {
			fatal(at, "is not an object")
			continue
		}
		tests = append(tests, Test{
			ID: needed(members, at, "id", fatal), Name: needed(members, at, "name", fatal),
			RemoteID: optionalText(members, at, "remote_id", fatal), Description: optionalText(members, at, "description", fatal),
		})
	}
	return tests
}

func needed(members map[string]any, path, name string, fatal complain) string {
	text, ok := members[name].(string)
	switch {
	case members[name] == nil:
		fatal(path+"."+name, "is missing")
	case !ok:
		fatal(path+"."+name, "is not a string")
	case strings.TrimSpace(text) == "":
		fatal(path+"."+name, "is empty")
	}
	return text
}

func optionalText(members map[string]any, path, name string, fatal complain) string {
	text, ok := members[name].(string)
	if members[name] != nil && !ok {
		fatal(path+"."+name, "is not a string")
	}
	return text
}
