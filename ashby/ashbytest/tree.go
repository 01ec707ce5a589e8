package ashbytest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Absence is the type of [Absent].
type Absence string

// Absent as the value of a field removes its key.
const Absent Absence = "absent"

// setPath sets, nulls or removes one value of a JSON tree.
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
	return fmt.Errorf("ashbytest: no object or array to hold the field %q", path)
}

func setMember(parent map[string]any, name string, value any) error {
	if value == Absent {
		delete(parent, name)
		return nil
	}
	v, err := toTree(value)
	if err == nil {
		parent[name] = v
	}
	return err
}

func setItem(parent []any, index string, value any) error {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(parent) {
		return fmt.Errorf("ashbytest: no item %q in an array of %d", index, len(parent))
	}
	parent[i], err = toTree(value)
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
	return nil, fmt.Errorf("ashbytest: no field %q", name)
}

// textAt returns a string of a JSON tree, and "" if there is none.
func textAt(tree any, path ...string) string {
	for _, name := range path {
		members, _ := tree.(map[string]any)
		tree = members[name]
	}
	text, _ := tree.(string)
	return text
}

// toTree turns any value into the form that decoded JSON has, as a copy.
func toTree(value any) (any, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("ashbytest: value of a field: %w", err)
	}
	return decode(body)
}
