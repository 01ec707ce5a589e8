package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/internal/nearmiss"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// samples are the orders that the simulators send by themselves: a path that leads
// nowhere in them is a mistake.
var samples = sync.OnceValue(func() map[string]any {
	all := map[string]any{}
	catch := func(vendor string, inside ...string) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
			var tree any
			_ = json.Unmarshal(body, &tree)
			for _, name := range inside {
				object, _ := tree.(map[string]any)
				tree = object[name]
			}
			all[vendor] = tree
		})
	}
	ctx := context.Background()
	if k, err := kombotest.New(kombotest.Config{}); err == nil {
		k.Target(catch(Kombo, "data"))
		_, _, _ = k.PlaceOrder(ctx, kombotest.OrderSpec{})
		_ = k.Settle(ctx)
		k.Close()
	}
	if s, err := stackonetest.New(stackonetest.Config{}); err == nil {
		s.Target(catch(StackOne, "event_data"))
		_, _, _ = s.PlaceOrder(ctx, stackonetest.OrderSpec{})
		_ = s.Settle(ctx)
		s.Close()
	}
	if a, err := ashbytest.New(ashbytest.Config{}); err == nil {
		a.Target(catch(Ashby))
		_ = a.StartAssessment(ctx, ashbytest.StartSpec{AdditionalFields: map[string]any{}})
		_ = a.Settle(ctx)
		a.Close()
	}
	return all
})

// aliases are paths that mean the same at every vendor.
var aliases = map[string]map[string]string{
	StackOne: {"candidate.email": "candidate.emails.0.value"},
}

// open are objects whose members are the provider's or the customer's own.
var open = []string{"additional_fields", "candidate.passthrough", "application.passthrough", "job.passthrough"}

// checkRequest refuses fields that the order does not have, so that a misspelt one is
// not taken for a tried one.
func (a *App) checkRequest(r Request) error {
	for path := range r.Set {
		where := orDefault(aliases[r.Vendor][path], path)
		if !has(samples()[r.Vendor], where) {
			return fmt.Errorf("an order of %s has no field %q%s", label(r.Vendor), path, fieldHint(r.Vendor, path))
		}
		if where != path {
			r.Set[where] = r.Set[path]
			delete(r.Set, path)
		}
	}
	switch {
	case r.Kind == "", r.Kind == KindOrder, r.Kind == KindInline && r.Vendor == Kombo, r.Kind == KindBackground && r.Vendor == StackOne:
		return nil
	}
	return fmt.Errorf("%s has no order of kind %q", label(r.Vendor), r.Kind)
}

// fieldHint says which field a path may have meant: one that is spelt nearly so, or one
// further down whose end it is.
func fieldHint(vendor, path string) string {
	known := fieldsOf(vendor)
	if hint := nearmiss.Hint(path, known); hint != "" {
		return hint
	}
	for _, field := range known {
		if strings.HasSuffix(field, "."+path) {
			return fmt.Sprintf(", did you mean %q?", field)
		}
	}
	return ": list fields --vendor " + vendor + " has them all"
}

// has tells whether a path leads to a member.
func has(tree any, path string) bool {
	if slices.ContainsFunc(open, func(object string) bool { return strings.HasPrefix(path, object+".") }) {
		return true
	}
	for _, name := range strings.Split(path, ".") {
		switch t := tree.(type) {
		case map[string]any:
			member, found := t[name]
			if !found {
				return false
			}
			tree = member
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 || n >= len(t) {
				return false
			}
			tree = t[n]
		default:
			return false
		}
	}
	return true
}

// fieldsOf are the paths of the fields of an order, sorted.
func fieldsOf(vendor string) []string {
	paths := leaves(samples()[vendor], "", nil)
	for alias := range aliases[vendor] {
		paths = append(paths, alias)
	}
	slices.Sort(paths)
	return paths
}

// leaves are the paths to all values that have no members.
func leaves(tree any, path string, found []string) []string {
	switch t := tree.(type) {
	case map[string]any:
		for name, member := range t {
			found = leaves(member, strings.TrimPrefix(path+"."+name, "."), found)
		}
		return found
	case []any:
		for i, item := range t {
			found = leaves(item, path+"."+strconv.Itoa(i), found)
		}
		return found
	}
	return append(found, path)
}
