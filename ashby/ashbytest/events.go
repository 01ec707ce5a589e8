package ashbytest

import "encoding/json"

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
	return Event{Action: ActionPing, Data: encode(map[string]any{"webhookActionType": ActionPing})}
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
	tree, err := toTree(data)
	if err != nil {
		return Event{}, err
	}
	return s.newEvent(action, tree), nil
}

func (s *Server) newEvent(action string, data any) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Event{ActionID: s.nextID("event"), Action: action, Data: encode(data)}
}

// wireEvent has the members in the order of Ashby's examples.
type wireEvent struct {
	ActionID string          `json:"webhookActionId,omitempty"`
	Action   string          `json:"action"`
	Data     json.RawMessage `json:"data"`
}

// render writes the body of a webhook.
func (p *plan) render(e Event) ([]byte, error) {
	data, err := decode(e.Data)
	if err != nil {
		return nil, err
	}
	body := encode(wireEvent{ActionID: e.ActionID, Action: e.Action, Data: encode(data)})
	if len(p.edits) == 0 {
		return p.mangle(body), nil
	}
	tree, err := decode(body)
	if err != nil {
		return nil, err
	}
	for _, edit := range p.edits {
		edit(tree)
	}
	return p.mangle(encode(tree)), nil
}
