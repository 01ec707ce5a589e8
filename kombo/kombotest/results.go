package kombotest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
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

const maxAttachments = 5

// contentTypePattern is the documented one: type/subtype, without "+" and without
// parameters.
var contentTypePattern = regexp.MustCompile(`^[\w.-]+\/[\w.-]+$`)

// readResult checks the body of a result against its documented schema and text.
func (s *Server) readResult(body *simkit.Object) Result {
	r := Result{
		Status:       body.Enum("status", simkit.Required, StatusCompleted, StatusCancelled, StatusOpen),
		ResultURL:    body.URI("result_url", simkit.Required),
		CompletedAt:  body.Text("completed_at", simkit.Optional),
		Score:        body.Number("score", simkit.Optional),
		MaxScore:     body.Number("max_score", simkit.Optional),
		Attributes:   readAttributes(body),
		Attachments:  s.readAttachments(body),
		RemoteFields: readRemoteFields(body.Child("remote_fields", simkit.Optional)),
	}
	checkCompletedAt(body, r)
	return r
}

// checkCompletedAt: the schema has completed_at optional; the text demands it for
// the final states.
func checkCompletedAt(body *simkit.Object, r Result) {
	final := r.Status == StatusCompleted || r.Status == StatusCancelled
	switch {
	case final && !body.Has("completed_at"):
		body.Fail("completed_at", "is required for the status %s", r.Status)
	case r.CompletedAt != "" && !datePattern.MatchString(r.CompletedAt), r.CompletedAt == "" && body.Members["completed_at"] == "":
		body.Fail("completed_at", "must match %s", datePattern)
	}
}

func readAttributes(body *simkit.Object) []Attribute {
	var attributes []Attribute
	body.Each("attributes", simkit.Optional, func(o *simkit.Object) { attributes = append(attributes, readAttribute(o)) })
	return attributes
}

func readAttribute(o *simkit.Object) Attribute {
	a := Attribute{Type: o.Enum("type", simkit.Required, "TEXT", "SUB_RESULT"), Label: o.Text("label", simkit.Required)}
	switch a.Type {
	case "TEXT":
		a.Value = o.Text("value", simkit.Required)
	case "SUB_RESULT":
		a.ID = o.Text("id", simkit.Required)
		a.Score, a.Max = readSubScore(o.Child("score", simkit.Required))
		a.Status = o.Enum("status", simkit.Required, StatusCompleted, StatusCancelled)
	}
	return a
}

func readSubScore(o *simkit.Object) (value, maximum json.Number) {
	if o == nil {
		return "", ""
	}
	defer o.Done()
	value, maximum = o.Number("value", simkit.Required), o.Number("max", simkit.Required)
	if f, err := maximum.Float64(); err == nil && f < 1 {
		o.Fail(o.At("max"), "must be at least 1")
	}
	return value, maximum
}

func (s *Server) readAttachments(body *simkit.Object) []Attachment {
	var attachments []Attachment
	body.Each("attachments", simkit.Optional, func(o *simkit.Object) { attachments = append(attachments, s.readAttachment(o)) })
	if len(attachments) > maxAttachments {
		body.Fail("attachments", "must not have more than %d items", maxAttachments)
	}
	return attachments
}

func (s *Server) readAttachment(o *simkit.Object) Attachment {
	a := Attachment{
		Name:        o.Text("name", simkit.Required),
		ContentType: o.Text("content_type", simkit.Optional),
		DataURL:     o.URI("data_url", simkit.Optional),
		Data:        s.readData(o),
	}
	if o.Has("content_type") && !contentTypePattern.MatchString(a.ContentType) {
		o.Fail(o.At("content_type"), "must match %s", contentTypePattern)
	}
	switch {
	case !o.Has("data") && !o.Has("data_url"):
		o.Fail(o.Path, "needs data or data_url")
	case o.Has("data") && o.Has("data_url") && !s.cfg.Quirks.AllowBothSources:
		o.Fail(o.Path, "must not have both data and data_url")
	case o.Has("data") && !o.Has("content_type"):
		o.Fail(o.At("content_type"), "is required with data")
	}
	return a
}

func (s *Server) readData(o *simkit.Object) []byte {
	text := o.Text("data", simkit.Optional)
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil && s.cfg.Quirks.LenientBase64 {
		text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		data, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil {
		o.Fail(o.At("data"), "must be Base64")
	}
	return data
}

// readRemoteFields checks the extensions of single ATSs. Their names follow the
// ATS, not the snake case of Kombo: https://docs.kombo.dev/assessment/features/remote-fields
func readRemoteFields(o *simkit.Object) json.RawMessage {
	if o == nil {
		return nil
	}
	defer o.Done()
	if tool := o.Child("smartrecruiters", simkit.Optional); tool != nil {
		tool.Text("scoreLabel", simkit.Optional)
		tool.Done()
	}
	if tool := o.Child("recruitee", simkit.Optional); tool != nil {
		tool.Text("subtitle", simkit.Optional)
		tool.Done()
	}
	readWorkday(o.Child("workday", simkit.Optional))
	return simkit.Encode(o.Members)
}

// readWorkday walks down the nested reference of Workday. Every parent is
// optional; the id inside the innermost object is required.
func readWorkday(o *simkit.Object) {
	parents := []string{
		"Assess_Candidate_Data",
		"Candidate_Assessment_Data",
		"Assess_Candidate_Test_Result_Data",
		"Assessment_Test_Status_Reference",
	}
	for _, name := range parents {
		if o == nil {
			return
		}
		child := o.Child(name, simkit.Optional)
		o.Done()
		o = child
	}
	if o != nil {
		o.Text("Assessment_Status_ID", simkit.Required)
		o.Done()
	}
}
