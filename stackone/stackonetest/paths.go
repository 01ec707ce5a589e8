package stackonetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Absence is the type of [Absent].
type Absence string

// Absent as the value of a field removes its key.
const Absent Absence = "absent"

// setFields sets, nulls or removes values of a JSON tree by dotted path.
func setFields(tree map[string]any, fields map[string]any) error {
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if err := setPath(tree, path, fields[path]); err != nil {
			return err
		}
	}
	return nil
}

func setPath(tree any, path string, value any) error {
	head, rest, nested := strings.Cut(path, ".")
	if nested {
		child, err := member(tree, head)
		if err != nil {
			return err
		}
		return setPath(child, rest, value)
	}
	switch parent := tree.(type) {
	case map[string]any:
		return setMember(parent, head, value)
	case []any:
		return setItem(parent, head, value)
	}
	return fmt.Errorf("stackonetest: no object or array to hold the field %q", path)
}

func setMember(parent map[string]any, name string, value any) error {
	if value == Absent {
		delete(parent, name)
		return nil
	}
	v, err := toTree(value)
	if err != nil {
		return err
	}
	parent[name] = v
	return nil
}

func setItem(parent []any, index string, value any) error {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(parent) {
		return fmt.Errorf("stackonetest: no item %q in an array of %d", index, len(parent))
	}
	v, err := toTree(value)
	if err != nil {
		return err
	}
	parent[i] = v
	return nil
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
	return nil, fmt.Errorf("stackonetest: no field %q", name)
}

// toTree turns any value into the form that decoded JSON has, as a copy.
func toTree(value any) (any, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("stackonetest: value of a field: %w", err)
	}
	return decode(body)
}
