package stackone

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/assessbridge/assessbridge/internal/lenient"
)

// The forms that StackOne's answers share.

// enum is an enum object, or the value alone where StackOne sends a bare string.
// The ATS's own value can be any JSON; only a text, number or boolean is kept.
type enum struct{ value, source string }

// ReadJSON implements [lenient.Reader].
func (e *enum) ReadJSON(d *lenient.Decoder, raw []byte) {
	*e = enum{}
	if raw[0] != '{' {
		var bare lenient.Scalar
		d.Read(raw, &bare)
		e.value = string(bare)
		return
	}
	var wire struct {
		Value  lenient.Scalar `json:"value"`
		Source sourceText     `json:"source_value"`
	}
	d.Read(raw, &wire)
	*e = enum{value: string(wire.Value), source: string(wire.Source)}
}

// sourceText is a value of the ATS, which can be any JSON.
type sourceText string

// ReadJSON implements [lenient.Reader].
func (s *sourceText) ReadJSON(d *lenient.Decoder, raw []byte) {
	var text lenient.Scalar
	if raw[0] != '{' && raw[0] != '[' {
		d.Read(raw, &text)
	}
	*s = sourceText(text)
}

// String is StackOne's word, or the ATS's where StackOne has none.
func (e enum) String() string {
	if (e.value == "" || e.value == unmapped) && e.source != "" {
		return e.source
	}
	return e.value
}

// unmapped is StackOne's word for what exists at the ATS without an equivalent.
const unmapped = "unmapped_value"

// statusCode is the HTTP status in a body, which may come as text; zero is what
// cannot be read.
type statusCode int

// ReadJSON implements [lenient.Reader].
func (c *statusCode) ReadJSON(_ *lenient.Decoder, raw []byte) {
	*c = 0
	n := 0
	for _, digit := range bytes.Trim(raw, `"`) {
		if digit < '0' || digit > '9' {
			return
		}
		n = min(10*n+int(digit-'0'), 1000) // one more digit than there are in a status
	}
	*c = statusCode(n)
}

// absent reports whether a member is missing or null.
func absent(member json.RawMessage) bool { return len(member) == 0 || string(member) == "null" }

// kept is a record with a copy of its JSON, and of the calls that were made to the
// ATS for the answer that it came with.
type kept[W any] struct {
	wire       W
	raw, calls json.RawMessage
}

func (k *kept[W]) keepCalls(calls json.RawMessage) {
	if !absent(calls) {
		k.calls = calls
	}
}

// keepCalls gives a record the raw part of its answer, if it has a place for it.
func keepCalls(record any, calls json.RawMessage) {
	if k, ok := record.(interface{ keepCalls(json.RawMessage) }); ok {
		k.keepCalls(calls)
	}
}

// ReadJSON implements [lenient.Reader].
func (k *kept[W]) ReadJSON(d *lenient.Decoder, raw []byte) {
	k.raw = d.Raw(raw)
	d.Read(raw, &k.wire)
}

// one is the envelope of a single record, and of a create's answer.
type one[T any] struct {
	Data *T              `json:"data"`
	Raw  json.RawMessage `json:"raw"`
}

var errNoData = errors.New("answer without data")

// Check implements [transport.Checker]: without the one member that StackOne's
// schema requires the document is something else, whatever its HTTP status.
func (o *one[T]) Check() error {
	if o.Data == nil {
		return errNoData
	}
	return nil
}

// Tolerates implements [transport.Tolerant]: what can be read of a record is worth
// more than none.
func (*one[T]) Tolerates(path string) bool { return strings.HasPrefix(path, "data.") }

// page is one page of a unified list. Its next_page is a deprecated twin of
// next.
type page[T any] struct {
	Next json.RawMessage `json:"next"`
	Data []*T            `json:"data"`
	Raw  json.RawMessage `json:"raw"`
}

var errCursor = errors.New("the cursor is neither text nor null")

// Check implements [transport.Checker]. Data must be a list: a page that reads as
// empty because it is something else would make a synchronisation create
// everything anew, and so would a cursor that is taken for the end.
func (p *page[T]) Check() error {
	switch {
	case p.Data == nil:
		return errNoData
	case len(p.Next) > 0 && strings.IndexByte("{[tf", p.Next[0]) >= 0:
		return errCursor
	}
	return nil
}

// Tolerates implements [transport.Tolerant]. Records must be whole, since a list
// is compared with what should be there, unless the JSON of each is kept besides.
func (*page[T]) Tolerates(path string) bool {
	_, keeps := any(new(T)).(lenient.Reader)
	_, inside, _ := strings.Cut(path, "].")
	return keeps && inside != ""
}

// cursor is the cursor of the next page, empty on the last.
func (p *page[T]) cursor() string {
	var next lenient.Text
	_, _ = lenient.Unmarshal(p.Next, &next)
	return string(next)
}

// records are those that are there: null is none.
func (p *page[T]) records() []T {
	all := make([]T, 0, len(p.Data))
	for _, record := range p.Data {
		if record != nil {
			keepCalls(record, p.Raw)
			all = append(all, *record)
		}
	}
	return all
}
