package assessment

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"
)

// Result is what a provider reports about an order: an interim state or the
// end. Leave out what is not known. 0, false and "" inside an attribute are
// values and are sent.
//
// What a vendor's format cannot carry is reported as a [Loss], not dropped
// silently; each client's Preview says so without a call.
type Result struct {
	// Status is where the test stands; required.
	Status Status `json:"status,omitempty"`
	// StatusText is the provider's own word for it, such as "Waiting for
	// references".
	StatusText string  `json:"status_text,omitempty"`
	Outcome    Outcome `json:"outcome,omitempty"`
	Score      *Score  `json:"score,omitempty"`
	// ReportURL is opened by recruiters and by some ATS itself, so it has to be
	// public or signed.
	ReportURL string `json:"report_url,omitempty"`
	Summary   string `json:"summary,omitempty"`
	// Reason says why the test was cancelled or expired.
	Reason string `json:"reason,omitempty"`

	// At is when this update happened. Set it, and keep it on every attempt, so
	// that a repeated write is recognised; zero means now.
	At          time.Time `json:"at,omitzero"`
	StartedAt   time.Time `json:"started_at,omitzero"`
	CompletedAt time.Time `json:"completed_at,omitzero"`

	Attributes  []Attribute  `json:"attributes,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	// Passthrough is sent to the vendor as it is: Kombo's remote_fields,
	// StackOne's passthrough, each a JSON object. Other vendors' entries are
	// ignored.
	Passthrough map[Vendor]json.RawMessage `json:"passthrough,omitempty"`
}

// Score is a number and what it is measured against, a verdict in words, or
// both. Min and Max are nil where the scale is open; 0 is a value like any other.
type Score struct {
	// Value counts unless the score is in words only; see [Score.InWords].
	Value float64
	Min   *float64
	Max   *float64
	// Label names the scale, such as "Percentage".
	Label string
	// Text is the verdict in words, such as "B2" or "Consider".
	Text string
}

// scoreJSON is the persisted form. A score in words has no value: a release that
// does not know words then refuses it, and does not publish a 0.
type scoreJSON struct {
	Value *float64 `json:"value,omitempty"`
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
	Label string   `json:"label,omitempty"`
	Text  string   `json:"text,omitempty"`
}

// InWords reports whether the score has no number: only Text, and perhaps Label,
// is set. It is false for nil.
func (s *Score) InWords() bool {
	return s != nil && s.Text != "" && s.Value == 0 && s.Min == nil && s.Max == nil
}

// ScoreOutOf returns the score v on a scale that ends at maximum and does not
// say where it begins.
func ScoreOutOf(v, maximum float64) *Score { return &Score{Value: v, Max: &maximum} }

// ScoreBetween returns the score v on the scale from minimum to maximum.
func ScoreBetween(v, minimum, maximum float64) *Score {
	return &Score{Value: v, Min: &minimum, Max: &maximum}
}

// ScoreText returns a verdict in words, without a number.
func ScoreText(text string) *Score { return &Score{Text: text} }

// MarshalJSON implements [json.Marshaler] with the keys value, min, max, label and
// text. A score in words has no value. NaN and infinities are an error.
func (s Score) MarshalJSON() ([]byte, error) {
	wire := scoreJSON{Min: s.Min, Max: s.Max, Label: s.Label, Text: s.Text}
	if !s.InWords() {
		wire.Value = &s.Value
	}
	return json.Marshal(wire)
}

// UnmarshalJSON implements [json.Unmarshaler]. A score with neither value nor
// text is an error, not 0.
func (s *Score) UnmarshalJSON(data []byte) error {
	var wire scoreJSON
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.Value == nil && (wire.Text == "" || wire.Min != nil || wire.Max != nil) {
		return errors.New("assessment: score without a value")
	}
	*s = Score{Min: wire.Min, Max: wire.Max, Label: wire.Label, Text: wire.Text}
	if wire.Value != nil {
		s.Value = *wire.Value
	}
	return nil
}

// String does not show the score, which is about the candidate.
func (s Score) String() string { return "score [redacted]" }

// Format implements [fmt.Formatter]: no verb shows the score.
func (s Score) Format(f fmt.State, verb rune) { formatText(f, verb, s.String()) }

// LogValue implements [slog.LogValuer] and hides the score.
func (s Score) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Attachment is a file for the recruiter: either a URL that the vendor can read
// without authentication or the bytes themselves.
type Attachment struct {
	// Name is the file name with its extension.
	Name string `json:"name,omitempty"`
	// ContentType is the MIME type; required with Data.
	ContentType string `json:"content_type,omitempty"`
	URL         string `json:"url,omitempty"`
	Data        []byte `json:"data,omitempty"`
	// Ref is the host's own reference to the bytes, for a result that is stored
	// before it is written. Whoever writes it puts URL or Data in its place.
	Ref string `json:"ref,omitempty"`
}

// String describes the attachment without its name, URL and content.
func (a Attachment) String() string {
	return fmt.Sprintf("attachment (%s, %d bytes)", a.ContentType, len(a.Data))
}

// Format implements [fmt.Formatter]: every verb prints [Attachment.String].
func (a Attachment) Format(f fmt.State, verb rune) { formatText(f, verb, a.String()) }

// LogValue implements [slog.LogValuer] without name, URL and content.
func (a Attachment) LogValue() slog.Value { return slog.StringValue(a.String()) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// String describes the result without anything about the candidate.
func (r Result) String() string {
	return fmt.Sprintf("result (status %q, %d attributes, %d attachments)",
		r.Status, len(r.Attributes), len(r.Attachments))
}

// Format implements [fmt.Formatter]: every verb prints [Result.String].
func (r Result) Format(f fmt.State, verb rune) { formatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] without anything about the candidate.
func (r Result) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("status", string(r.Status)),
		slog.Int("attributes", len(r.Attributes)),
		slog.Int("attachments", len(r.Attachments)),
	)
}
