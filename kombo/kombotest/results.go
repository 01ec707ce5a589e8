package kombotest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

func (s *Server) updateResult(c *simkit.Call) (answer, *refusal) {
	var result Result
	check := &simkit.Checker{}
	if body := check.Body(c.Header, c.Body); body != nil {
		result = s.readResult(body)
		body.Done()
	}
	c.NoteUnknown(check)
	if problem := invalid(check); problem != nil {
		return answer{}, problem
	}
	result.UnknownKeys, result.Body, result.At = check.Unknown, slices.Clone(c.Body), s.now()
	// Looked up before the attachments are fetched, which may take its time, and
	// once more when the result is written.
	if problem := s.writable(c.Account, c.Order, result.Status); problem != nil {
		return answer{}, problem
	}
	warnings, problem := s.fetchAttachments(c.Context, result.Attachments)
	if problem != nil {
		return answer{}, problem
	}
	if problem := s.write(c.Account, c.Order, result); problem != nil {
		return answer{}, problem
	}
	return answer{data: empty{}, write: true, warnings: warnings}, nil
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
