package lenient

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Reason says what is odd about a value.
type Reason int

// The reasons.
const (
	// WrongType: a text, number, boolean or time was expected. The field is zero.
	WrongType Reason = iota + 1
	// WrongShape: an object or a list was expected. The field is zero, and
	// everything in it is missing.
	WrongShape
	// Converted: the value came as another type, but could be kept.
	Converted
	// Repeated: the member came more than once. The last one was taken.
	Repeated
	// OtherCase: a member is not read, because its name differs in case from the
	// one that is documented.
	OtherCase
	// Replaced: text or raw JSON held what no database takes, which was replaced.
	Replaced
)

// Odd is a value that is not as documented.
type Odd struct {
	// Path leads to the value, such as data.job.hiring_team[0].email. It is empty
	// for the document itself. Names that are no plain words are written as "?",
	// because they may be about a person.
	Path string
	Why  Reason
}

// maxOdd is how many odd values of a document are reported. A document with more
// is odd as a whole.
const maxOdd = 1000

// ErrSyntax: the document is no valid JSON, or nested deeper than any reader
// follows. The text of an error that wraps it quotes nothing of the document.
var ErrSyntax = errors.New("invalid JSON")

// Unmarshal reads a JSON document into the struct, slice, map or scalar that v
// points to, and returns everything that was odd about it. The error wraps
// [ErrSyntax], or is that of the document's own [json.Unmarshaler]; v is then in
// an undefined state.
func Unmarshal(data []byte, v any) ([]Odd, error) {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return nil, fmt.Errorf("lenient: %T is not a pointer to read into", v)
	}
	d := &Decoder{data: data}
	d.path = d.pathSpace[:0]
	d.start()
	plan := planOf(target.Type().Elem())
	if !d.value(plan, target.Elem()) || !d.atEnd() {
		return nil, fmt.Errorf("%w at byte %d", ErrSyntax, d.pos)
	}
	return d.odd, d.foreign
}

// Valid reports whether data is one JSON document that [Unmarshal] reads.
func Valid(data []byte) bool {
	d := &Decoder{data: data}
	d.start()
	return d.skip(0) && d.atEnd()
}

// A Reader is a type that reads itself from its JSON text, which is valid and
// starts at its first byte. Use [Decoder.Read] for what is in it. Null is passed
// too.
type Reader interface {
	ReadJSON(d *Decoder, raw []byte)
}

// Decoder is the state of one [Unmarshal].
type Decoder struct {
	data []byte
	pos  int
	// depth is the number of open objects and lists.
	depth int
	// deepest is the depth that skip reached, dirty whether it met anything that
	// cannot be stored.
	deepest int
	dirty   bool
	// oddName: the name of the member at hand cannot be stored as it came.
	oddName bool

	path      []segment
	pathSpace [12]segment
	odd       []Odd
	forgotten int
	foreign   error
	scratch   []byte
}

// segment is one step of a path: a member, or an element if the name is empty.
type segment struct {
	name  string
	index int
}

// Read reads raw, which a [Reader] was given, or a part of it, into the value
// that v points to.
func (d *Decoder) Read(raw []byte, v any) {
	data, pos := d.data, d.pos
	d.data, d.pos = raw, 0
	target := reflect.ValueOf(v).Elem()
	d.value(planOf(target.Type()), target)
	d.data, d.pos = data, pos
}

// Raw returns a copy of raw that every database takes.
func (d *Decoder) Raw(raw []byte) []byte {
	data, pos := d.data, d.pos
	d.data, d.pos = raw, 0
	copied, _ := d.raw()
	d.data, d.pos = data, pos
	return copied
}

// Note reports the value that is being read as odd.
func (d *Decoder) Note(why Reason) {
	if len(d.odd) >= maxOdd {
		return
	}
	found := Odd{Path: d.where(), Why: why}
	if n := len(d.odd); n > 0 && d.odd[n-1].Path == found.Path {
		return // one report for each value
	}
	d.odd = append(d.odd, found)
}

// forget drops what was reported of a value that is read anew. In a document that
// repeats its members without end it gives up: a report too many does no harm.
func (d *Decoder) forget() {
	if d.forgotten++; len(d.odd) == 0 || d.forgotten > maxOdd {
		return
	}
	path, kept := d.where(), d.odd[:0]
	for _, o := range d.odd {
		rest, inside := strings.CutPrefix(o.Path, path)
		if !inside || rest != "" && rest[0] != '.' && rest[0] != '[' {
			kept = append(kept, o)
		}
	}
	d.odd = kept
}

// where writes the path of the value that is being read.
func (d *Decoder) where() string {
	var b strings.Builder
	for _, s := range d.path {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		b.WriteString(s.name)
	}
	return b.String()
}

// plainName returns the name of a member if it is a plain word, else "?".
func plainName(name string) string {
	if name == "" || len(name) > 64 {
		return "?"
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "?"
		}
	}
	return name
}
