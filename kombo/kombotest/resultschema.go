package kombotest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

const maxAttachments = 5

// contentTypePattern is the documented one: type/subtype, without "+" and without
// parameters.
var contentTypePattern = regexp.MustCompile(`^[\w.-]+\/[\w.-]+$`)

// readResult checks the body of a result against its documented schema and text.
func (s *Server) readResult(check *checker, body *object) Result {
	if body == nil {
		return Result{}
	}
	defer body.done()
	r := Result{
		Status:       body.enum("status", required, StatusCompleted, StatusCancelled, StatusOpen),
		ResultURL:    body.uri("result_url", required),
		CompletedAt:  body.text("completed_at", optional),
		Score:        body.number("score", optional),
		MaxScore:     body.number("max_score", optional),
		Attributes:   readAttributes(check, body.list("attributes", optional)),
		Attachments:  s.readAttachments(check, body.list("attachments", optional)),
		RemoteFields: readRemoteFields(body.child("remote_fields", optional)),
	}
	checkCompletedAt(body, r)
	return r
}

// checkCompletedAt: the schema has completed_at optional; the text demands it for
// the final states.
func checkCompletedAt(body *object, r Result) {
	final := r.Status == StatusCompleted || r.Status == StatusCancelled
	switch {
	case final && !body.has("completed_at"):
		body.fail("completed_at", "is required for the status %s", r.Status)
	case r.CompletedAt != "" && !datePattern.MatchString(r.CompletedAt), r.CompletedAt == "" && body.members["completed_at"] == "":
		body.fail("completed_at", "must match %s", datePattern)
	}
}

func readAttributes(check *checker, list []any) []Attribute {
	var attributes []Attribute
	for i, item := range list {
		if o := check.object(fmt.Sprintf("attributes[%d]", i), item); o != nil {
			attributes = append(attributes, readAttribute(o))
			o.done()
		}
	}
	return attributes
}

func readAttribute(o *object) Attribute {
	a := Attribute{Type: o.enum("type", required, "TEXT", "SUB_RESULT"), Label: o.text("label", required)}
	switch a.Type {
	case "TEXT":
		a.Value = o.text("value", required)
	case "SUB_RESULT":
		a.ID = o.text("id", required)
		a.Score, a.Max = readSubScore(o.child("score", required))
		a.Status = o.enum("status", required, StatusCompleted, StatusCancelled)
	}
	return a
}

func readSubScore(o *object) (value, maximum json.Number) {
	if o == nil {
		return "", ""
	}
	defer o.done()
	value, maximum = o.number("value", required), o.number("max", required)
	if f, err := maximum.Float64(); err == nil && f < 1 {
		o.fail(o.at("max"), "must be at least 1")
	}
	return value, maximum
}

func (s *Server) readAttachments(check *checker, list []any) []Attachment {
	if len(list) > maxAttachments {
		check.fail("attachments", "must not have more than %d items", maxAttachments)
	}
	var attachments []Attachment
	for i, item := range list {
		if o := check.object(fmt.Sprintf("attachments[%d]", i), item); o != nil {
			attachments = append(attachments, s.readAttachment(o))
			o.done()
		}
	}
	return attachments
}

func (s *Server) readAttachment(o *object) Attachment {
	a := Attachment{
		Name:        o.text("name", required),
		ContentType: o.text("content_type", optional),
		DataURL:     o.uri("data_url", optional),
		Data:        s.readData(o),
	}
	if o.has("content_type") && !contentTypePattern.MatchString(a.ContentType) {
		o.fail(o.at("content_type"), "must match %s", contentTypePattern)
	}
	switch {
	case !o.has("data") && !o.has("data_url"):
		o.fail(o.path, "needs data or data_url")
	case o.has("data") && o.has("data_url") && !s.cfg.Quirks.AllowBothSources:
		o.fail(o.path, "must not have both data and data_url")
	case o.has("data") && !o.has("content_type"):
		o.fail(o.at("content_type"), "is required with data")
	}
	return a
}

func (s *Server) readData(o *object) []byte {
	text := o.text("data", optional)
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil && s.cfg.Quirks.LenientBase64 {
		text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		data, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil {
		o.fail(o.at("data"), "must be Base64")
	}
	return data
}

// readRemoteFields checks the extensions of single ATSs. Their names follow the
// ATS, not the snake case of Kombo: https://docs.kombo.dev/assessment/features/remote-fields
func readRemoteFields(o *object) json.RawMessage {
	if o == nil {
		return nil
	}
	defer o.done()
	if tool := o.child("smartrecruiters", optional); tool != nil {
		tool.text("scoreLabel", optional)
		tool.done()
	}
	if tool := o.child("recruitee", optional); tool != nil {
		tool.text("subtitle", optional)
		tool.done()
	}
	readWorkday(o.child("workday", optional))
	return encode(o.members)
}

// readWorkday walks down the nested reference of Workday. Every parent is
// optional; the id inside the innermost object is required.
func readWorkday(o *object) {
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
		child := o.child(name, optional)
		o.done()
		o = child
	}
	if o != nil {
		o.text("Assessment_Status_ID", required)
		o.done()
	}
}
