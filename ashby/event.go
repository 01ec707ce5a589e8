package ashby

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Action is what a webhook tells of. Actions that this version does not know are
// kept as they are.
type Action string

// The actions that matter to a provider
// (https://developers.ashbyhq.com/docs/setting-up-webhooks). Ashby has many more;
// they come as [UnknownEvent].
const (
	// ActionPing is sent when a webhook is created or edited. One that is not
	// answered leaves the webhook disabled.
	ActionPing            Action = "ping"
	ActionCandidateDelete Action = "candidateDelete"
	ActionCandidateMerge  Action = "candidateMerge"
)

// Known reports whether a is one of the actions defined here.
func (a Action) Known() bool { return a == ActionPing || candidateActions[a] != nil }

// Event is one webhook delivery, decoded.
type Event struct {
	// ID identifies the event, where Ashby gives it an id: the same in every
	// retry, and in the deliveries of several webhooks.
	ID     string
	Action Action
	// Data is one of [Ping], [CandidateDeleted], [CandidateMerged] and
	// [UnknownEvent].
	Data EventData
	// SecretID is the ID of the secret that the delivery was signed with; see
	// [NewVerifier]. It is set by the handler.
	SecretID string
	// Raw is the body as received.
	Raw []byte
	// Drift lists what in the body this version does not know.
	Drift []assessment.Drift
}

// EventData is what an [Event] is about.
type EventData interface{ eventData() }

// Ping asks whether anybody is there.
type Ping struct{}

// CandidateDeleted: a candidate was deleted at Ashby, such as on request of that
// person. The id is the RemoteID of an order's candidate.
type CandidateDeleted struct{ CandidateID string }

// CandidateMerged: one candidate was found to be another one. From now on Ashby
// knows the second id only.
type CandidateMerged struct{ DeletedID, MergedID string }

// UnknownEvent is the data of an action that this version has no type for, or
// whose data has another shape than documented, as raw JSON.
type UnknownEvent struct{ Data json.RawMessage }

// String shows nothing of the data, which may be about a candidate.
func (UnknownEvent) String() string { return "ashby event data [redacted]" }

// Format implements [fmt.Formatter]: every verb prints [UnknownEvent.String].
func (u UnknownEvent) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, u.String()) }

// LogValue implements [slog.LogValuer] without the data.
func (u UnknownEvent) LogValue() slog.Value { return slog.StringValue(u.String()) }

func (Ping) eventData()             {}
func (CandidateDeleted) eventData() {}
func (CandidateMerged) eventData()  {}
func (UnknownEvent) eventData()     {}

// String names the event without its data.
func (e Event) String() string { return fmt.Sprintf("ashby event %q (%q)", e.ID, e.Action) }

// Format implements [fmt.Formatter]: every verb prints [Event.String], because
// the data may be about a candidate.
func (e Event) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, e.String()) }

// LogValue implements [slog.LogValuer] without the event's data.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", e.ID), slog.String("action", string(e.Action)))
}

// ErrMalformedEvent: the body is not a JSON object with an action, so it is no
// webhook of Ashby's.
var ErrMalformedEvent = errors.New("ashby: not an event")

// ParseEvent decodes the body of a webhook whose signature was verified. The error
// is [ErrMalformedEvent]; unknown actions, missing fields and nulls are none.
func ParseEvent(body []byte) (Event, error) {
	var wire wireEvent
	odd, err := decode(body, &wire)
	if err != nil || wire.Action == "" {
		return Event{}, ErrMalformedEvent
	}
	event := Event{ID: wire.ID, Action: Action(wire.Action), Raw: body}
	for _, o := range odd {
		event.drift(o.Path, "")
	}
	if event.Action == ActionPing {
		event.Data = Ping{}
		return event, nil
	}
	event.Data = event.read(wire.Data)
	if _, unknown := event.Data.(UnknownEvent); !unknown {
		return event, nil
	}
	if event.Action.Known() {
		event.drift("data", "")
	} else {
		event.drift("action", string(event.Action))
	}
	return event, nil
}

func (e *Event) drift(field, value string) {
	e.Drift = append(e.Drift, assessment.Drift{
		Vendor: assessment.Ashby, Event: string(e.Action), Field: field, Value: value,
	})
}

type wireID struct {
	ID lenient.Text `json:"id"`
}

// wireCandidates is the data of the actions that are about candidates.
type wireCandidates struct {
	Candidate wireID `json:"candidate"`
	Deleted   wireID `json:"deletedCandidate"`
	Merged    wireID `json:"mergedCandidate"`
}

// candidateActions says what the actions about candidates say; nil: the ids are
// not there.
var candidateActions = map[Action]func(*wireCandidates) EventData{
	ActionCandidateDelete: func(w *wireCandidates) EventData {
		if w.Candidate.ID == "" {
			return nil
		}
		return CandidateDeleted{string(w.Candidate.ID)}
	},
	ActionCandidateMerge: func(w *wireCandidates) EventData {
		if w.Deleted.ID == "" || w.Merged.ID == "" {
			return nil
		}
		return CandidateMerged{string(w.Deleted.ID), string(w.Merged.ID)}
	},
}

// read returns the data of an action. An event without the ids that it is about
// is handed over raw, so that the host can still read it.
func (e *Event) read(data json.RawMessage) EventData {
	about, known := candidateActions[e.Action]
	if !known {
		return UnknownEvent{data}
	}
	var wire wireCandidates
	odd, _ := lenient.Unmarshal(data, &wire)
	for _, o := range odd {
		if o.Path != "" {
			e.drift("data."+o.Path, "")
		}
	}
	if found := about(&wire); found != nil {
		return found
	}
	return UnknownEvent{data}
}
