package stackone

import (
	"fmt"
	"log/slog"

	"github.com/assessbridge/assessbridge/internal/transport"
)

// ResultCandidate says who a result is about; see [Config.Candidate]. What is
// empty is not sent.
type ResultCandidate struct {
	// ID is StackOne's id of the candidate.
	ID string
	// ProfileURL is the provider's page about the candidate.
	ProfileURL string
}

// String shows neither the id nor the address.
func (c ResultCandidate) String() string { return "stackone candidate of a result" }

// Format implements [fmt.Formatter]: every verb prints [ResultCandidate.String].
func (c ResultCandidate) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] with the text of [ResultCandidate.String].
func (c ResultCandidate) LogValue() slog.Value { return slog.StringValue(c.String()) }
