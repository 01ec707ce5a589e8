package ashbytest

import (
	"encoding/json"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// The actions of Ashby's webhooks that concern an assessment provider. The framework
// itself needs none: https://developers.ashbyhq.com/docs/setting-up-webhooks
const (
	ActionPing            = "ping"
	ActionCandidateDelete = "candidateDelete"
	ActionCandidateMerge  = "candidateMerge"
)

// Event is a webhook to be sent with [Server.Deliver], once or several times: its id
// and its data stay the same.
type Event struct {
	// ActionID is the webhookActionId, by which repeats are known; empty: not sent.
	ActionID string
	Action   string
	Data     json.RawMessage
}

// PingEvent is what Ashby sends when a webhook is created or edited. It has no
// webhookActionId.
func (s *Server) PingEvent() Event {
	return Event{Action: ActionPing, Data: simkit.Encode(map[string]any{"webhookActionType": ActionPing})}
}

// CandidateDeleteEvent tells that a candidate was deleted.
// https://developers.ashbyhq.com/reference/candidatedelete
func (s *Server) CandidateDeleteEvent(candidateID string) Event {
	return s.newEvent(ActionCandidateDelete, map[string]any{"candidate": map[string]any{"id": candidateID}})
}

// CandidateMergeEvent tells that one candidate became part of another.
// https://developers.ashbyhq.com/reference/candidatemerge
func (s *Server) CandidateMergeEvent(deletedID, mergedID string) Event {
	return s.newEvent(ActionCandidateMerge, map[string]any{
		"deletedCandidate": map[string]any{"id": deletedID},
		"mergedCandidate":  map[string]any{"id": mergedID},
	})
}

// CustomEvent is a webhook with any action and any data, for actions that a receiver
// does not know. It fails if the data cannot be written as JSON.
func (s *Server) CustomEvent(action string, data any) (Event, error) {
	tree, err := simkit.ToTree(data)
	if err != nil {
		return Event{}, named(err)
	}
	return s.newEvent(action, tree), nil
}

func (s *Server) newEvent(action string, data any) Event {
	return Event{ActionID: s.ids.UUID("event"), Action: action, Data: simkit.Encode(data)}
}

// wireEvent has the members in the order of Ashby's examples.
type wireEvent struct {
	ActionID string          `json:"webhookActionId,omitempty"`
	Action   string          `json:"action"`
	Data     json.RawMessage `json:"data"`
}

// render writes the body of a webhook.
func render(p *simkit.Plan, e Event) ([]byte, error) {
	data, err := simkit.Decode(e.Data)
	if err != nil {
		return nil, err
	}
	body := simkit.Encode(wireEvent{ActionID: e.ActionID, Action: e.Action, Data: simkit.Encode(data)})
	if len(p.Edits) > 0 {
		body = simkit.Encode(p.Edit(simkit.DecodeObject(body)))
	}
	return p.Mangle(body), nil
}
