package vendortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// place is a value in a JSON document.
type place struct {
	path  string // such as "data.job.hiring_team[0].email"
	value any
}

// places lists all values below v.
func places(path string, v any) []place {
	all := []place{{path, v}}
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			all = append(all, places(strings.TrimPrefix(path+"."+key, "."), member)...)
		}
	case []any:
		for i, element := range v {
			all = append(all, places(fmt.Sprintf("%s[%d]", path, i), element)...)
		}
	}
	return all
}

// replacing is the document with other values at some paths; absent takes a value
// out.
func replacing(t testing.TB, body []byte, values map[string]any) []byte {
	t.Helper()
	var change func(path string, v any) any
	change = func(path string, v any) any {
		if with, ok := values[path]; ok {
			return with
		}
		switch v := v.(type) {
		case map[string]any:
			for key, member := range v {
				below := strings.TrimPrefix(path+"."+key, ".")
				if with, ok := values[below]; ok && with == absent {
					delete(v, key)
					continue
				}
				v[key] = change(below, member)
			}
		case []any:
			for i, element := range v {
				v[i] = change(fmt.Sprintf("%s[%d]", path, i), element)
			}
		}
		return v
	}
	text, err := json.Marshal(change("", Decoded(t, body)))
	require.NoError(t, err)
	return text
}

// absent takes the place of a value that is left out.
var absent = new(int)

// reading is what became of an order's body.
type reading struct {
	status int
	orders []assessment.Order
	kept   string // the order in its JSON form
	drift  []assessment.Drift
}

func (v Vendor) read(t testing.TB, body []byte) reading {
	t.Helper()
	h := v.host(t, nil)
	w := Serve(h.handler, v.Orders.Request(body))
	r := reading{status: w.Code, orders: h.provider.orders, drift: h.drift}
	if len(r.orders) > 0 {
		text, err := json.Marshal(r.orders[0])
		require.NoError(t, err)
		require.False(t, bytes.ContainsRune(text, 0))
		r.kept = string(text)
	}
	return r
}

// reports says whether something at path, or what it is a part of, was reported.
func (r reading) reports(path string) bool {
	path = index.ReplaceAllString(path, "")
	for _, d := range r.drift {
		field := index.ReplaceAllString(d.Field, "")
		if field != "" && (strings.HasPrefix(path, field) || strings.HasPrefix(field, path)) {
			return true
		}
	}
	return false
}

// index is one element's in a path; a report may leave it out.
var index = regexp.MustCompile(`\[\d+\]`)

// fields are the values of an order that are read: whatever stands there is kept,
// or reported.
func (v Vendor) fields(t testing.TB) (leaves, all []place) {
	for _, p := range places("", Decoded(t, v.Orders.Full)) {
		switch p.value.(type) {
		case map[string]any, []any:
			if p.path != "" {
				all = append(all, p)
			}
			continue
		}
		r := v.read(t, replacing(t, v.Orders.Full, map[string]any{p.path: canary}))
		if len(r.orders) == 1 && (strings.Contains(r.kept, canary) || r.reports(p.path)) {
			leaves = append(leaves, p)
			all = append(all, p)
		}
	}
	return leaves, all
}

// Nothing in an order fails because a value is of another kind than documented:
// what is odd is kept, or reported, each of it. What is missing or null is no more
// than that. Only what tells one order from another is needed.
func oddValues(t *testing.T, v Vendor) {
	leaves, _ := v.fields(t)
	require.Greater(t, len(leaves), 8, "the fields of the example are read")
	odd := map[string]any{
		"number": 424242, "decimal": json.Number("4242.50"), "large number": json.Number("9223372036854775807123"), "flag": true,
		"object": map[string]any{"k": canary}, "list": []any{canary}, "empty list": []any{}, "empty object": map[string]any{},
	}
	for _, p := range leaves {
		for name, value := range odd {
			t.Run(p.path+"/"+name, func(t *testing.T) {
				r := v.read(t, replacing(t, v.Orders.Full, map[string]any{p.path: value}))
				if v.Orders.Needs(p.path) && r.status == http.StatusBadRequest {
					return // it cannot be told from another
				}
				require.Equal(t, http.StatusOK, r.status)
				require.Len(t, r.orders, 1)
				kept := strings.Contains(r.kept, fmt.Sprint(value))
				require.True(t, kept || r.reports(p.path), "neither kept nor reported: %+v\n%s", r.drift, r.kept)
				require.NotContains(t, fmt.Sprint(r.drift), canary, "whose value it is, nobody knows")
			})
		}
		for name, value := range map[string]any{"null": nil, "absent": absent, "empty": ""} {
			t.Run(p.path+"/"+name, func(t *testing.T) {
				r := v.read(t, replacing(t, v.Orders.Full, map[string]any{p.path: value}))
				if v.Orders.Needs(p.path) && r.status == http.StatusBadRequest {
					return
				}
				require.Equal(t, http.StatusOK, r.status)
				require.Len(t, r.orders, 1)
			})
		}
	}
}

// A part of an order that is something else altogether is reported, and its other
// parts are read.
func oddParts(t *testing.T, v Vendor) {
	leaves, all := v.fields(t)
	for _, p := range all {
		var below []place
		for _, l := range leaves {
			if strings.HasPrefix(l.path, p.path) && l.path != p.path {
				below = append(below, l)
			}
		}
		if len(below) == 0 {
			continue
		}
		for name, value := range map[string]any{"text": "x", "number": 1, "list of text": []any{"x"}, "flag": false} {
			t.Run(p.path+"/"+name, func(t *testing.T) {
				r := v.read(t, replacing(t, v.Orders.Full, map[string]any{p.path: value}))
				if r.status == http.StatusBadRequest {
					require.True(t, v.needsBelow(p.path, below))
					return
				}
				require.Equal(t, http.StatusOK, r.status)
				require.Len(t, r.orders, 1)
				require.True(t, r.reports(p.path), "not reported: %+v", r.drift)
			})
		}
		t.Run(p.path+"/null", func(t *testing.T) {
			r := v.read(t, replacing(t, v.Orders.Full, map[string]any{p.path: nil}))
			if r.status != http.StatusOK {
				require.True(t, v.needsBelow(p.path, below))
				return
			}
			require.Len(t, r.orders, 1)
		})
	}
	t.Run("all at once", func(t *testing.T) {
		odd := make(map[string]any)
		for _, l := range leaves {
			if !v.Orders.Needs(l.path) {
				odd[l.path] = map[string]any{"k": "v"}
			}
		}
		r := v.read(t, replacing(t, v.Orders.Full, odd))
		require.Equal(t, http.StatusOK, r.status)
		require.Len(t, r.orders, 1)
		for path := range odd {
			require.True(t, r.reports(path) || strings.Contains(r.kept, `{"k":"v"}`), "%s is not reported: %+v", path, r.drift)
		}
	})
}

func (v Vendor) needsBelow(path string, below []place) bool {
	if v.Orders.Needs(path) {
		return true
	}
	for _, p := range below {
		if v.Orders.Needs(p.path) {
			return true
		}
	}
	return false
}

// An order whose text no database takes is taken all the same, in a form that one
// does: valid UTF-8, no NUL, no lone surrogate. What was received stays as it was.
func storableOrder(t *testing.T, v Vendor) {
	leaves, _ := v.fields(t)
	for name, text := range map[string]string{
		"NUL": `a\u0000b`, "lone surrogate": `a\ud800b`, "other surrogate": `a\udfffb`, "no UTF-8": "a\xe9b", "raw NUL key": `\u0000`,
	} {
		for _, p := range leaves {
			if v.Orders.Needs(p.path) {
				continue
			}
			t.Run(p.path+"/"+name, func(t *testing.T) {
				body := replacing(t, v.Orders.Full, map[string]any{p.path: "REPLACED"})
				body = bytes.Replace(body, []byte("REPLACED"), []byte(text), 1)
				r := v.read(t, body)
				require.Equal(t, http.StatusOK, r.status)
				require.Len(t, r.orders, 1)
				require.Equal(t, body, r.orders[0].Raw, "exactly as received")
				requireStorable(t, r.kept)
				require.True(t, r.reports(p.path), "what was replaced is reported: %+v", r.drift)
			})
		}
	}
}

// requireStorable wants what every database takes as a JSON value.
func requireStorable(t testing.TB, text string) {
	t.Helper()
	require.NotContains(t, text, "\x00")
	require.NotContains(t, text, `\u0000`)
	require.True(t, json.Valid([]byte(text)))
	for _, half := range []string{`\ud8`, `\ud9`, `\uda`, `\udb`, `\udc`, `\udd`, `\ude`, `\udf`} {
		require.NotContains(t, strings.ToLower(text), half)
	}
	require.Equal(t, strings.ToValidUTF8(text, ""), text)
}
