package stackone

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// formatText writes text for any fmt verb. Types that hold a candidate's data
// or a secret implement fmt.Formatter with it, because a String method alone
// leaves %+v, %#v and %x to print every field.
func formatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

// String names the record without anything about people.
func (r CandidateRecord) String() string { return "stackone candidate " + r.Candidate.ID }

// Format implements [fmt.Formatter]: every verb prints [CandidateRecord.String].
func (r CandidateRecord) Format(f fmt.State, verb rune) { formatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [CandidateRecord.String].
func (r CandidateRecord) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the record without anything about people.
func (r ApplicationRecord) String() string { return "stackone application " + r.Application.ID }

// Format implements [fmt.Formatter]: every verb prints [ApplicationRecord.String].
func (r ApplicationRecord) Format(f fmt.State, verb rune) { formatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [ApplicationRecord.String].
func (r ApplicationRecord) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the record without anything about people.
func (r JobRecord) String() string { return "stackone job " + r.Job.ID }

// Format implements [fmt.Formatter]: every verb prints [JobRecord.String].
func (r JobRecord) Format(f fmt.State, verb rune) { formatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [JobRecord.String].
func (r JobRecord) LogValue() slog.Value { return slog.StringValue(r.String()) }
