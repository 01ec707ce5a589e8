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
	// Settled: the order ended long ago, and Started is not kept any more; see
	// [Claim.Settled]. An inline order has no CandidateURL then.
	Settled bool
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
	Settled   bool             `json:"settled,omitempty"`
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

// Accepted reads the Answer of a record. The error is a [*Rejection] if the provider
// said no, [ErrErased], or [ErrUnreadable] for an answer in a form of a newer release
// and for none. Every answer is read through here, the first one too, so that a
// replay cannot differ from it.
func (c Claim) Accepted() (Accepted, error) {
	a, err := c.stored()
	switch {
	case err != nil:
		return Accepted{}, err
	case a.Rejection != nil:
		no := newRejection(a.Rejection.Message, a.Rejection.AlreadyRunning)
		no.At = a.At
		return Accepted{}, no
	}
	return Accepted{Ref: c.Ref, Started: *a.Started, At: a.At, Settled: a.Settled}, nil
}

// stored has either Started or a Rejection.
func (c Claim) stored() (storedAnswer, error) {
	if string(c.Answer) == ErasedAnswer {
		return storedAnswer{}, fmt.Errorf("%w: %s", ErrErased, c.Ref)
	}
	var a storedAnswer
	err := json.Unmarshal(c.Answer, &a)
	switch {
	case err == nil && a.Version != answerVersion:
		return storedAnswer{}, fmt.Errorf("%w: %s has version %d, this release reads %d",
			ErrUnreadable, c.Ref, a.Version, answerVersion)
	case err != nil, a.Started == nil && a.Rejection == nil:
		return storedAnswer{}, fmt.Errorf("%w: %s", ErrUnreadable, c.Ref)
	}
	return a, nil
}

// Settled returns the record without what its Answer holds of a person: links, a
// first result, the words of a rejection. It is for a [Store] that does not keep
// these for longer than it has to once the order has ended. What stays says whether
// the order was started or rejected, and when, so that a late delivery is answered
// as one that was taken or rejected before, with a neutral text for the recruiter,
// and starts nothing; an inline order as well, though its candidate cannot be sent
// anywhere any more. Earlier releases read it too.
//
// The bool is false if there is nothing to take away: no answer, one that was
// erased or is settled already, or one that this release cannot read.
func (c Claim) Settled() (Claim, bool) {
	a, err := c.stored()
	if err != nil || a.Settled {
		return c, false
	}
	a.Settled = true
	if a.Rejection != nil {
		a.Rejection = &storedRejection{AlreadyRunning: a.Rejection.AlreadyRunning}
	} else {
		a.Started = new(Started)
	}
	if c.Answer, err = json.Marshal(a); err != nil {
		return c, false
	}
	return c, true
}
