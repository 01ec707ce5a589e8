package kombotest

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// Result is an accepted result or interim update, as the provider wrote it:
// https://docs.kombo.dev/assessment/v1/put-orders-assessment-order-id-result
type Result struct {
	Status       string // COMPLETED, CANCELLED, or OPEN for an interim update
	ResultURL    string
	CompletedAt  string      // empty: not sent
	Score        json.Number // the decimal text that was sent; empty: not sent
	MaxScore     json.Number // likewise
	Attributes   []Attribute
	Attachments  []Attachment
	RemoteFields json.RawMessage // nil: not sent
	// UnknownKeys are the paths of members that Kombo's schema does not name.
	UnknownKeys []string
	// Body is the request body.
	Body json.RawMessage
	// At is when it was accepted.
	At time.Time
}

// Attribute is one line of a result. Text attributes have a Value, sub-results
// have the fields after it.
type Attribute struct {
	Type  string // TEXT or SUB_RESULT
	Label string
	Value string

	ID     string
	Score  json.Number
	Max    json.Number
	Status string // COMPLETED or CANCELLED
}

// Attachment is a file of a result, with Data or with DataURL.
type Attachment struct {
	Name        string
	ContentType string // empty: not sent
	DataURL     string
	Data        []byte // decoded
}

func (s *Server) updateResult(ctx context.Context, c *call) (answer, *refusal) {
	check := &checker{}
	result := s.readResult(check, c.bodyObject(check))
	c.noteUnknown(check)
	if problem := check.refusal(); problem != nil {
		return answer{}, problem
	}
	result.UnknownKeys, result.Body, result.At = check.unknown, slices.Clone(c.body), s.now()
	id := c.params["assessment_order_id"]
	// Looked up before the attachments are fetched, which may take its time, and
	// once more when the result is applied.
	if problem := s.writable(c.integration, id, result.Status); problem != nil {
		return answer{}, problem
	}
	warnings, problem := s.fetchAttachments(ctx, result.Attachments)
	if problem != nil {
		return answer{}, problem
	}
	if problem := s.apply(c.integration, id, result); problem != nil {
		return answer{}, problem
	}
	return answer{data: empty{}, write: true, warnings: warnings, header: concurrencyHeader()}, nil
}

// concurrencyHeader is on the answers of actions:
// https://docs.kombo.dev/assessment/guides/concurrency-limiting
func concurrencyHeader() map[string]string {
	return map[string]string{"Concurrency-Limit": "30", "Concurrency-Remaining": "29"}
}

func (s *Server) writable(integration, id, status string) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, problem := s.transition(integration, id, status)
	return problem
}

// transition finds the order and checks that the status may be written: to an
// open order any, to another one at most the status it has.
func (s *Server) transition(integration, id, status string) (*order, *refusal) {
	o := s.findOrder(id)
	if o == nil || o.Integration != integration {
		return nil, refuse(s.cfg.Quirks.UnknownOrderCode, "There is no such assessment order.")
	}
	repeated := o.Status == status && s.cfg.Quirks.RepeatedFinal != RepeatRefused
	if o.Status != StatusOpen && !repeated {
		return nil, refuse(s.cfg.Quirks.ClosedOrderCode, "The assessment order is "+o.Status+".")
	}
	return o, nil
}

func (s *Server) apply(integration, id string, result Result) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, problem := s.transition(integration, id, result.Status)
	if problem != nil {
		return problem
	}
	repeated := o.Status != StatusOpen
	if !repeated || s.cfg.Quirks.RepeatedFinal != RepeatDuplicated {
		o.Attachments = nil
	}
	o.Attachments = append(o.Attachments, result.Attachments...)
	o.Status = result.Status
	o.Results = append(o.Results, result)
	return nil
}

func (s *Server) fetchAttachments(ctx context.Context, attachments []Attachment) ([]wireWarning, *refusal) {
	if s.cfg.FetchAttachment == nil {
		return nil, nil
	}
	var warnings []wireWarning
	for _, a := range attachments {
		if a.DataURL == "" {
			continue
		}
		err := s.cfg.FetchAttachment(ctx, a.DataURL)
		if err != nil && s.cfg.Quirks.RefuseUnfetchable {
			return nil, refuse(codeInputInvalid, "The attachment "+a.Name+" could not be fetched.")
		}
		if err != nil {
			warnings = append(warnings, wireWarning{Message: "The attachment " + a.Name + " could not be fetched."})
		}
	}
	return warnings, nil
}
