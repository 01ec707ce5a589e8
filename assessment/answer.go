package assessment

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Accepted is the answer to an order that the provider took.
type Accepted struct {
	// Ref is the order's reference; its ID is minted by the intake where the
	// vendor gives none.
	Ref OrderRef
	// Started is what the provider returned.
	Started Started
	// At is when the provider answered, to the millisecond, in UTC; the same in
	// every replay.
	At time.Time
	// Replayed: the provider was not called for this delivery.
	Replayed bool
}

// String describes the answer without its links.
func (a Accepted) String() string {
	return fmt.Sprintf("%s %s (replayed: %t)", a.Ref, a.Started, a.Replayed)
}

// Format implements [fmt.Formatter]: every verb prints [Accepted.String].
func (a Accepted) Format(f fmt.State, verb rune) { formatText(f, verb, a.String()) }

// LogValue implements [slog.LogValuer] without the links.
func (a Accepted) LogValue() slog.Value { return slog.StringValue(a.String()) }

// answerVersion is the form of the stored answer. A store outlives a release,
// and during a rolling one two of them read each other's answers.
const answerVersion = 1

// storedAnswer is what [Claim.Answer] holds.
type storedAnswer struct {
	Version   int              `json:"v"`
	At        time.Time        `json:"at"`
	Started   *Started         `json:"started,omitempty"`
	Rejection *storedRejection `json:"rejection,omitempty"`
}

type storedRejection struct {
	Message        string `json:"message"`
	AlreadyRunning bool   `json:"already_running,omitempty"`
}

func encodeStarted(at time.Time, s Started) ([]byte, error) {
	return json.Marshal(storedAnswer{Version: answerVersion, At: at, Started: &s})
}

func encodeRejection(r *Rejection) ([]byte, error) {
	return json.Marshal(storedAnswer{Version: answerVersion, At: r.At.UTC(), Rejection: &storedRejection{
		Message: r.Message, AlreadyRunning: r.AlreadyRunning,
	}})
}

// decodeAnswer returns the stored answer, which is an error if it was a
// rejection. Every answer is read through here, the first one too, so that a
// replay cannot differ from it.
func decodeAnswer(c Claim) (Accepted, error) {
	if string(c.Answer) == ErasedAnswer {
		return Accepted{}, fmt.Errorf("%w: %s", ErrErased, c.Ref)
	}
	var a storedAnswer
	if err := json.Unmarshal(c.Answer, &a); err != nil {
		return Accepted{}, fmt.Errorf("%w: %s", ErrUnreadable, c.Ref)
	}
	switch {
	case a.Version != answerVersion:
		return Accepted{}, fmt.Errorf("%w: %s has version %d, this release reads %d",
			ErrUnreadable, c.Ref, a.Version, answerVersion)
	case a.Rejection != nil:
		no := newRejection(a.Rejection.Message, a.Rejection.AlreadyRunning)
		no.At = a.At
		return Accepted{}, no
	case a.Started != nil:
		return Accepted{Ref: c.Ref, Started: *a.Started, At: a.At}, nil
	}
	return Accepted{}, fmt.Errorf("%w: %s", ErrUnreadable, c.Ref)
}
