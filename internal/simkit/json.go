package simkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Encode writes JSON as JavaScript does, without the HTML escapes of Go. Values come
// from decoded JSON or from the structs of a simulator and always encode.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Decode reads exactly one JSON value and keeps the text of its numbers: ids go
// beyond what a float can hold.
func Decode(body []byte) (any, error) {
	if !json.Valid(body) {
		var ignored any
		return nil, json.Unmarshal(body, &ignored)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// DecodeObject is [Decode] for what must be an object; anything else gives an empty
// one.
func DecodeObject(body []byte) map[string]any {
	v, err := Decode(body)
	members, ok := v.(map[string]any)
	if err != nil || !ok {
		return map[string]any{}
	}
	return members
}

// Cloned is a deep copy of a JSON tree.
func Cloned(tree map[string]any) map[string]any { return DecodeObject(Encode(tree)) }

// Canonical writes a body with its members sorted and its numbers as they were; a
// body that is not JSON stays as it is.
func Canonical(body []byte) []byte {
	tree, err := Decode(body)
	if err != nil {
		return body
	}
	return Encode(tree)
}

// Indented indents a JSON body by two spaces; a body that is not JSON stays as it is.
func Indented(body []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return body
	}
	return b.Bytes()
}

// ToTree turns any value into the form that decoded JSON has, as a copy.
func ToTree(value any) (any, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("value of a field: %w", err)
	}
	return Decode(body)
}

// Nullable is a text that is null in JSON if it is empty.
func Nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// TextAt returns a string of a JSON tree, and "" if there is none.
func TextAt(tree any, path ...string) string {
	text, _ := At(tree, path...).(string)
	return text
}

// At returns a value of nested objects, and nil if there is none.
func At(tree any, path ...string) any {
	for _, name := range path {
		members, _ := tree.(map[string]any)
		tree = members[name]
	}
	return tree
}

// Fields sets values of a JSON tree by dotted path, such as "job.hiring_team.0.email".
type Fields struct {
	Values map[string]any
	Absent any // the value that removes a key
}

// Set sets all values, in the order of their paths. The value nil is null. A key
// that does not exist is added; a path that leads nowhere is an error.
func (f Fields) Set(tree any) error {
	for _, path := range slices.Sorted(maps.Keys(f.Values)) {
		if err := SetPath(tree, path, f.Values[path], f.Absent); err != nil {
			return fmt.Errorf("%w (path %q)", err, path)
		}
	}
	return nil
}

// SetLeniently sets what can be set: an absent parent has no fields.
func (f Fields) SetLeniently(tree any) {
	for _, path := range slices.Sorted(maps.Keys(f.Values)) {
		_ = SetPath(tree, path, f.Values[path], f.Absent) // a path that leads nowhere is no error
	}
}

// SetPath sets one value of a JSON tree, or removes it if the value is absent.
func SetPath(tree any, path string, value, absent any) error {
	head, rest, nested := strings.Cut(path, ".")
	if nested {
		child, err := member(tree, head)
		if err != nil {
			return err
		}
		return SetPath(child, rest, value, absent)
	}
	switch parent := tree.(type) {
	case map[string]any:
		return setMember(parent, head, value, absent)
	case []any:
		return setItem(parent, head, value)
	}
	return fmt.Errorf("no object or array to hold the field %q", path)
}

func setMember(parent map[string]any, name string, value, absent any) error {
	if absent != nil && value == absent {
		delete(parent, name)
		return nil
	}
	v, err := ToTree(value)
	if err == nil {
		parent[name] = v
	}
	return err
}

func setItem(parent []any, index string, value any) error {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(parent) {
		return fmt.Errorf("no item %q in an array of %d", index, len(parent))
	}
	v, err := ToTree(value)
	if err == nil {
		parent[i] = v
	}
	return err
}

func member(tree any, name string) (any, error) {
	switch parent := tree.(type) {
	case map[string]any:
		return parent[name], nil
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(parent) {
			return parent[i], nil
		}
	}
	return nil, fmt.Errorf("no field %q", name)
}
