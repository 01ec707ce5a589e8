package yamlfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a file.
type Problem struct {
	Line    int    // counted from 1
	Message string // such as `package "x": missing name`
}

// Error is everything that is wrong with a file.
type Error struct {
	// Name is the file, as given to [Read]; empty from [Parse].
	Name string
	// Problems are in the order of their lines. There is at least one. After
	// 100, the last one says how many more there are.
	Problems []Problem
}

// Error returns one line per problem: packages.yaml:12: package "x": missing
// name. Without a file name it is line 12: package "x": missing name.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		if e.Name == "" {
			fmt.Fprintf(&b, "line %d: %s", p.Line, p.Message)
		} else {
			fmt.Fprintf(&b, "%s:%d: %s", e.Name, p.Line, p.Message)
		}
	}
	return b.String()
}

// named puts the file's name into an *Error.
func named(err error, name string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Name = name
	}
	return err
}

// maxProblems keeps the error for a file of another kind readable.
const maxProblems = 100

// Problems collects what is wrong with a file.
type Problems struct {
	list []Problem
	more int // beyond maxProblems
}

func (p *Problems) add(line int, format string, args ...any) {
	if len(p.list) == maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, Problem{Line: line, Message: fmt.Sprintf(format, args...)})
}

func (p *Problems) any() bool { return len(p.list) > 0 }

// err returns the *Error for what was collected, or nil.
func (p *Problems) err() error {
	if !p.any() {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	if p.more > 0 {
		last := p.list[len(p.list)-1].Line
		p.list = append(p.list, Problem{Line: last, Message: fmt.Sprintf("%d more problems", p.more)})
	}
	return &Error{Problems: p.list}
}

// maxQuoted is how many characters of the file a message repeats at once.
const maxQuoted = 60

// quoted shows a text of the file in a message, on one line and not endless.
func quoted(text string) string {
	count := 0
	for i := range text {
		if count == maxQuoted {
			return fmt.Sprintf("%q", text[:i]+"…")
		}
		count++
	}
	return fmt.Sprintf("%q", text)
}
