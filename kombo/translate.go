package kombo

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/assessbridge/assessbridge/assessment"
)

// translation is a result on its way to Kombo's format.
type translation struct {
	wire     wireResult
	problems assessment.Problems
	losses   []assessment.Loss
	warnings []string
	skipped  bool
	limits   Limits
}

// translate turns a result into what PUT /assessment/orders/{id}/result takes,
// collecting everything that Kombo is known to refuse and everything that its
// format has no place for.
func (c *Client) translate(ref assessment.OrderRef, r assessment.Result) *translation {
	t := &translation{limits: Capabilities(toolOf(ref.Account))}
	c.checkRef(t, ref)
	t.check(r)
	t.wire.Status = wireStatus(r.Status)
	t.wire.RemoteFields = r.Passthrough[assessment.Kombo]
	t.resultURL(r, c.resultURL)
	t.completedAt(r)
	t.score(r.Score)
	t.texts(r)
	for i, a := range r.Attributes {
		t.attribute(i, a, r.Status)
	}
	t.attachments(r.Attachments)
	t.scoreOnly(len(r.Attachments))
	t.skip(r.Status)
	return t
}

func (c *Client) checkRef(t *translation, ref assessment.OrderRef) {
	if ref.Vendor != assessment.Kombo {
		t.problems.Add("ref.vendor", "must be kombo")
	}
	if ref.Connection != c.connection {
		t.problems.Add("ref.connection", "belongs to another client")
	}
	switch {
	case ref.Account == "":
		t.problems.Add("ref.account", "required: the integration id")
	case strings.ContainsFunc(ref.Account, unicode.IsControl):
		t.problems.Add("ref.account", "contains a control character")
	}
	switch ref.ID {
	case "":
		t.problems.Add("ref.id", "required")
	case ".", "..": // would change the path of the call
		t.problems.Add("ref.id", "not an order id")
	}
}

// check takes over the rules that all vendors share.
func (t *translation) check(r assessment.Result) {
	if err := r.Validate(); err != nil {
		t.problems = append(t.problems, err.(*assessment.ValidationError).Problems...)
	}
}

func wireStatus(s assessment.Status) string {
	switch s {
	case assessment.StatusCompleted:
		return wireCompleted
	case assessment.StatusCancelled, assessment.StatusExpired:
		return wireCancelled
	}
	return wireOpen
}

// resultURL: the schema requires one always, but only a completed test must
// have a report of its own.
func (t *translation) resultURL(r assessment.Result, standIn string) {
	t.wire.ResultURL = r.ReportURL
	if r.ReportURL != "" {
		return
	}
	if r.Status == assessment.StatusCompleted {
		t.problems.Add("report_url", "required for a completed result")
		return
	}
	if standIn == "" {
		t.problems.Add("report_url", "required: Kombo wants a URL always; Config.ResultURL can stand in")
	}
	t.wire.ResultURL = standIn
}

// completedAt: optional in the schema, required by the text for final states.
func (t *translation) completedAt(r assessment.Result) {
	if !r.StartedAt.IsZero() {
		t.lose("started_at", "Kombo has no place for it")
	}
	if !r.Status.Final() {
		if !r.CompletedAt.IsZero() {
			t.lose("completed_at", "the test is not finished")
		}
		return
	}
	field, at := "completed_at", r.CompletedAt
	if at.IsZero() {
		field, at = "at", r.At
	}
	if at.IsZero() {
		at = time.Now()
	}
	if year := at.UTC().Year(); year < 0 || year > 9999 {
		t.problems.Add(field, "must be in a year of four digits")
	}
	t.wire.CompletedAt = timestamp(at)
}

func (t *translation) score(s *assessment.Score) {
	if s == nil {
		return
	}
	t.wire.Score, t.wire.MaxScore = &s.Value, s.Max
	if s.Min != nil && *s.Min != 0 {
		t.lose("score.min", "Kombo's scales begin at 0")
	}
	if s.Label != "" {
		t.lose("score.label", "Kombo has no place for it")
	}
}

// texts sends what has no field of its own as text attributes, before the
// provider's own.
func (t *translation) texts(r assessment.Result) {
	status := r.StatusText
	if r.Status == assessment.StatusExpired {
		t.keep("status", "Kombo has no expired: sent as cancelled and as text")
		status = "Expired"
		if r.StatusText != "" {
			status += ": " + r.StatusText
		}
	}
	if r.StatusText != "" {
		t.keep("status_text", "sent as a text attribute")
	}
	if status != "" {
		t.addText("Status", status)
	}
	outcomes := map[assessment.Outcome]string{assessment.OutcomePassed: "Passed", assessment.OutcomeFailed: "Failed"}
	for _, x := range []struct{ field, label, text string }{
		{"outcome", "Outcome", outcomes[r.Outcome]},
		{"summary", "Summary", r.Summary},
		{"reason", "Reason", r.Reason},
	} {
		if x.text != "" {
			t.addText(x.label, x.text)
			t.keep(x.field, "sent as a text attribute")
		}
	}
}

func (t *translation) addText(label, value string) {
	t.wire.Attributes = append(t.wire.Attributes, wireAttribute{Type: "TEXT", Label: label, Value: &value})
}

func (t *translation) attribute(i int, a assessment.Attribute, overall assessment.Status) {
	text, native := a.Value.(assessment.Text)
	if native && a.Description == "" {
		t.addText(a.Label, string(text)) // nothing to lose, so no path to name
		return
	}
	path := fmt.Sprintf("attributes[%d]", i)
	if a.Description != "" {
		t.lose(path+".description", "Kombo has no place for it")
	}
	if v, ok := a.Value.(assessment.SubResult); ok && t.subResult(path, a, v, overall) {
		return
	}
	t.addText(a.Label, assessment.ReadableText(a.Value, overall))
	if !native {
		t.keep(path, "sent as text")
	}
}

// subResult adds a SUB_RESULT, which needs a score with a maximum of at least 1
// and a final status. It reports false where there is none to be had.
func (t *translation) subResult(path string, a assessment.Attribute, v assessment.SubResult, overall assessment.Status) bool {
	if v.Status == "" {
		v.Status = overall
	}
	if !v.Status.Final() || v.Score == nil || v.Score.Max == nil || *v.Score.Max < 1 {
		return false
	}
	id := a.ID
	if id == "" {
		id = a.Label
	}
	if v.Status == assessment.StatusExpired {
		t.lose(path+".value.status", "Kombo has no expired: sent as cancelled")
	}
	if v.Score.Min != nil && *v.Score.Min != 0 {
		t.lose(path+".value.score.min", "Kombo's scales begin at 0")
	}
	if v.Score.Label != "" {
		t.lose(path+".value.score.label", "Kombo has no place for it")
	}
	t.wire.Attributes = append(t.wire.Attributes, wireAttribute{
		Type: "SUB_RESULT", ID: &id, Label: a.Label,
		Score:  &wireScore{Value: v.Score.Value, Max: *v.Score.Max},
		Status: wireStatus(v.Status),
	})
	return true
}

// maxAttachments and contentType are the schema's limits. The latter refuses a
// plus sign and parameters, such as image/svg+xml and text/html; charset=utf-8.
const maxAttachments = 5

var contentType = regexp.MustCompile(`^[\w.-]+/[\w.-]+$`)

func (t *translation) attachments(attachments []assessment.Attachment) {
	if len(attachments) > maxAttachments {
		t.problems.Add("attachments", "more than 5")
	}
	for i, a := range attachments {
		path := fmt.Sprintf("attachments[%d].content_type", i)
		if a.ContentType != "" && !contentType.MatchString(a.ContentType) {
			t.problems.Add(path, "must be exactly type/subtype, without a plus sign or parameters")
		}
		if a.ContentType == "application/octet-stream" {
			t.warnings = append(t.warnings, path+": Kombo advises against application/octet-stream")
		}
	}
}

// scoreOnly reports what an ATS with so small a result drops. It is sent all
// the same: Kombo decides what it passes on.
func (t *translation) scoreOnly(attachments int) {
	if !t.limits.ScoreOnly {
		return
	}
	if len(t.wire.Attributes) > 0 {
		t.lose("attributes", "the ATS takes only status, report URL, completion time and score")
	}
	if attachments > 0 {
		t.lose("attachments", "the ATS takes only status, report URL, completion time and score")
	}
	if t.wire.RemoteFields != nil {
		t.lose("passthrough.kombo", "the ATS takes only status, report URL, completion time and score")
	}
}

func (t *translation) skip(s assessment.Status) {
	switch {
	case t.limits.NoInterim && !s.Final():
		t.skipped = true
		t.warnings = append(t.warnings, "not sent: the ATS takes no update before the final result")
	case t.limits.HiddenUntilCompleted && s != assessment.StatusCompleted:
		t.warnings = append(t.warnings, "the ATS shows nothing before the test is completed")
	}
}

func (t *translation) lose(field, reason string) {
	t.losses = append(t.losses, assessment.Loss{Field: field, Reason: reason})
}

func (t *translation) keep(field, reason string) {
	t.losses = append(t.losses, assessment.Loss{Field: field, Reason: reason, Kept: true})
}
