package assessment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Attribute is one further finding that a recruiter sees beside the score.
type Attribute struct {
	// ID is the provider's identifier of the datum, the same in every update.
	// Kombo wants one for a sub-result, Ashby for everything; where it is empty
	// one is made from Label.
	ID string
	// Label is what the recruiter reads.
	Label string
	// Description is further help; only Ashby shows it.
	Description string
	// Value is one of [Text], [Link], [Number], [Flag], [Elapsed] and
	// [SubResult]; required.
	Value AttributeValue
}

// AttributeValue is what an [Attribute] holds. It is a closed set: [Text],
// [Link], [Number], [Flag], [Elapsed], [SubResult].
type AttributeValue interface {
	attributeKind() string
}

// String names the attribute without its value.
func (a Attribute) String() string { return fmt.Sprintf("attribute %q", a.ID) }

// Format implements [fmt.Formatter]: every verb prints [Attribute.String].
func (a Attribute) Format(f fmt.State, verb rune) { formatText(f, verb, a.String()) }

// LogValue implements [slog.LogValuer] without the value.
func (a Attribute) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Text is free text.
type Text string

// Link is an absolute http or https URL that the recruiter can open.
type Link string

// Valid reports whether l is an absolute http or https URL that can be written
// as RFC 3986 has it, by which the vendors check. Text that is not ASCII and
// square brackets are no obstacle: the clients percent-encode them. Blanks and
// some other characters have no place in a URL at all, and neither has a percent
// sign that encodes nothing; [url.Parse] lets them through, and control characters
// in the fragment.
func (l Link) Valid() bool {
	text := string(l)
	if !utf8.ValidString(text) || strings.ContainsAny(text, " \"<>\\^`{|}") || strings.ContainsFunc(text, unicode.IsControl) || !escaped(text) {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && isHost(u.Hostname()) && isPort(u.Port())
}

// Number is a finite number.
type Number float64

// Flag is a yes or no.
type Flag bool

// Elapsed is a span of time, such as how long the candidate took.
type Elapsed time.Duration

// SubResult is the result of one part of the test. It is sent as such where it
// is final and scored and the vendor has a place for it, else as text.
type SubResult struct {
	Score *Score `json:"score,omitempty"`
	// Status of the part; empty means that of the whole result.
	Status Status `json:"status,omitempty"`
}

// String describes the part without its score.
func (s SubResult) String() string { return fmt.Sprintf("sub-result (status %q)", s.Status) }

// Format implements [fmt.Formatter]: every verb prints [SubResult.String].
func (s SubResult) Format(f fmt.State, verb rune) { formatText(f, verb, s.String()) }

// LogValue implements [slog.LogValuer] without the score.
func (s SubResult) LogValue() slog.Value { return slog.StringValue(s.String()) }

// The names of the attribute kinds in JSON. They are persisted by users.
const (
	kindText      = "text"
	kindLink      = "link"
	kindNumber    = "number"
	kindFlag      = "flag"
	kindElapsed   = "elapsed"
	kindSubResult = "sub_result"
)

func (Text) attributeKind() string      { return kindText }
func (Link) attributeKind() string      { return kindLink }
func (Number) attributeKind() string    { return kindNumber }
func (Flag) attributeKind() string      { return kindFlag }
func (Elapsed) attributeKind() string   { return kindElapsed }
func (SubResult) attributeKind() string { return kindSubResult }

// attributeJSON is the persisted form. An elapsed time is Go's duration text,
// such as "1h2m3.5s".
type attributeJSON struct {
	ID          string          `json:"id,omitempty"`
	Label       string          `json:"label,omitempty"`
	Description string          `json:"description,omitempty"`
	Kind        string          `json:"kind"`
	Value       json.RawMessage `json:"value"`
}

// What an attribute gets when it cannot be encoded. A pointer and a type that
// embeds one of ours have the method of the closed set too, but a decoder would
// return another value than was encoded.
var (
	errNoValue      = errors.New("assessment: attribute has no value")
	errForeignValue = errors.New("assessment: attribute value of a foreign type, such as a pointer")
)

// MarshalJSON implements [json.Marshaler]. An attribute without a value, with
// NaN or with an infinity is an error.
func (a Attribute) MarshalJSON() ([]byte, error) {
	if a.Value == nil {
		return nil, errNoValue
	}
	var plain any = a.Value
	switch v := a.Value.(type) {
	case Text, Link, Number, Flag, SubResult:
	case Elapsed:
		plain = time.Duration(v).String()
	default:
		return nil, errForeignValue
	}
	value, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	return json.Marshal(attributeJSON{
		ID: a.ID, Label: a.Label, Description: a.Description,
		Kind: a.Value.attributeKind(), Value: value,
	})
}

// UnmarshalJSON implements [json.Unmarshaler]. A kind that this version does
// not know is an error: a result that lost a finding must not be published.
func (a *Attribute) UnmarshalJSON(data []byte) error {
	var wire attributeJSON
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	value, err := decodeAttributeValue(wire.Kind, wire.Value)
	if err != nil {
		return err
	}
	*a = Attribute{ID: wire.ID, Label: wire.Label, Description: wire.Description, Value: value}
	return nil
}

func decodeAttributeValue(kind string, data json.RawMessage) (AttributeValue, error) {
	switch kind {
	case kindText:
		return decodeAs[Text](kind, data)
	case kindLink:
		return decodeAs[Link](kind, data)
	case kindNumber:
		return decodeAs[Number](kind, data)
	case kindFlag:
		return decodeAs[Flag](kind, data)
	case kindSubResult:
		return decodeAs[SubResult](kind, data)
	case kindElapsed:
		return decodeElapsed(data)
	}
	return nil, fmt.Errorf("assessment: unknown attribute kind %q", kind)
}

// decodeAs refuses null and a missing value, which encoding/json would take for
// the zero value.
func decodeAs[T AttributeValue](kind string, data json.RawMessage) (AttributeValue, error) {
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		return nil, fmt.Errorf("assessment: %s attribute without a value", kind)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("assessment: %s attribute: %w", kind, err)
	}
	return v, nil
}

func decodeElapsed(data json.RawMessage) (AttributeValue, error) {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, fmt.Errorf("assessment: %s attribute: %w", kindElapsed, err)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, fmt.Errorf("assessment: %s attribute: not a duration", kindElapsed)
	}
	return Elapsed(d), nil
}
