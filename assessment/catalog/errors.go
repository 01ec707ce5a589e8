package catalog

import (
	"errors"
	"fmt"

	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// Problem is one mistake in a catalogue.
type Problem struct {
	Line    int    // counted from 1
	Message string // such as `package "x": missing name`
}

// Error is everything that is wrong with a catalogue.
type Error struct {
	// Name is the file, as given to [Load] or [ReadFile]; empty from [Parse].
	Name string
	// Problems are in the order of their lines. There is at least one. After
	// 100, the last one says how many more there are.
	Problems []Problem
}

// Error returns one line per problem: packages.yaml:12: package "x": missing
// name. Without a file name it is line 12: package "x": missing name.
func (e *Error) Error() string {
	file := yamlfile.Error{Name: e.Name}
	for _, p := range e.Problems {
		file.Problems = append(file.Problems, yamlfile.Problem(p))
	}
	return file.Error()
}

// errorOf makes an *Error of what the reader of the file found.
func errorOf(err error) error {
	var file *yamlfile.Error
	if !errors.As(err, &file) {
		return fmt.Errorf("catalog: %w", err)
	}
	found := &Error{Name: file.Name}
	for _, p := range file.Problems {
		found.Problems = append(found.Problems, Problem(p))
	}
	return found
}
