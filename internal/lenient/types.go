package lenient

import "strings"

// Text is text that may come as a number, such as an id. Numbers keep their
// digits: ids beyond 2^53 do not survive a float64.
type Text string

// Scalar is text that may come as a number or a boolean.
type Scalar string

// Name is text that is nothing if it comes as a number, such as the name of an
// event.
type Name string

// Flag is a boolean in whatever form a server writes it: true, "true", 1, "1".
// The zero value says nothing.
type Flag int8

// What a flag says.
const (
	Unsaid Flag = iota
	Yes
	No
)

func flagOf(text string) Flag {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return Yes
	case "false", "0", "no":
		return No
	}
	return Unsaid
}
