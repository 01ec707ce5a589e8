package kombo

import (
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
)

// translation is a result on its way to Kombo's format.
type translation struct {
	wire     wireResult
	files    []wireAttachment
	problems outbound.Problems
	losses   []assessment.Loss
	warnings []string
	skipped  bool
	limits   *Limits      // nil if nothing is known of the ATS
	ids      outbound.IDs // of sub-results
}

// translate turns a result into what PUT /assessment/orders/{id}/result takes,
// collecting everything that Kombo is known to refuse and everything that its
// format has no place for.
func (c *Client) translate(ref assessment.OrderRef, r assessment.Result) *translation {
	t := &translation{limits: limitsOf(toolOf(ref.Account))}
	t.problems.Ref(ref, outbound.RefRules{
		Vendor: assessment.Kombo, Connection: c.connection, Account: "the integration id", InPath: true,
	})
	t.problems.Join("", r.Validate())
	t.wire.Status = wireStatus(r.Status)
	t.wire.RemoteFields = r.Passthrough[assessment.Kombo]
	t.resultURL(r, c.resultURL)
	t.completedAt(r)
	t.score(r.Score)
	t.warnings = append(t.warnings, outbound.ScoreWarnings(r)...)
	t.texts(r)
	t.claimIDs(r.Attributes)
	for i, a := range r.Attributes {
		t.attribute(i, a, r.Status)
	}
	t.attachments(r.Attachments)
	t.scoreOnly(len(r.Attachments))
	t.skip(r.Status)
	return t
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
	if r.ReportURL != "" {
		t.wire.ResultURL = outbound.URL(r.ReportURL)
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

// score: a verdict in words is no number; see texts.
func (t *translation) score(s *assessment.Score) {
	if s == nil || s.InWords() {
		return
	}
	t.wire.Score, t.wire.MaxScore = outbound.PlainPointer(&s.Value), outbound.PlainPointer(s.Max)
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
	verdict, label := "", "Score"
	if r.Score != nil {
		verdict = r.Score.Text
	}
	if r.Score.InWords() && r.Score.Label != "" {
		label = r.Score.Label
	}
	outcomes := map[assessment.Outcome]string{assessment.OutcomePassed: "Passed", assessment.OutcomeFailed: "Failed"}
	for _, x := range []struct{ field, label, text string }{
		{"outcome", "Outcome", outcomes[r.Outcome]},
		{"score.text", label, verdict},
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
	path := outbound.Index("attributes", i)
	if a.Description != "" {
		t.lose(path+".description", "Kombo has no place for it")
	}
	if v, ok := a.Value.(assessment.SubResult); ok && t.subResult(path, a, v, overall) {
		return
	}
	t.addText(a.Label, outbound.Readable(a.Value, overall))
	if !native {
		t.keep(path, "sent as text")
	}
}

// claimIDs takes the IDs that the provider chose for sub-results. They are all
// that tells one part from another.
func (t *translation) claimIDs(attributes []assessment.Attribute) {
	for i, a := range attributes {
		if _, part := a.Value.(assessment.SubResult); !part || a.ID == "" {
			continue
		}
		if message := t.ids.Claim(a.ID, i, "attributes"); message != "" {
			t.problems.Add(outbound.Index("attributes", i)+".id", message)
		}
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
		id = t.ids.Mint(a.Label)
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
	if v.Score.Text != "" {
		t.lose(path+".value.score.text", "Kombo has no place for it")
	}
	t.wire.Attributes = append(t.wire.Attributes, wireAttribute{
		Type: "SUB_RESULT", ID: &id, Label: a.Label,
		Score:  &wireScore{Value: outbound.Plain(v.Score.Value), Max: *v.Score.Max},
		Status: wireStatus(v.Status),
	})
	return true
}

// maxAttachments is the schema's limit.
const maxAttachments = 5

// attachments are encoded without their data, which [appendResult] adds.
func (t *translation) attachments(attachments []assessment.Attachment) {
	if len(attachments) > maxAttachments {
		t.problems.Add("attachments", "more than 5")
	}
	for i, a := range attachments {
		path := outbound.Index("attachments", i)
		if a.ContentType != "" && !isContentType(a.ContentType) {
			t.problems.Add(path+".content_type", "must be exactly type/subtype, without a plus sign or parameters")
		}
		if a.ContentType == "application/octet-stream" {
			t.warnings = append(t.warnings, path+".content_type: Kombo advises against application/octet-stream")
		}
		t.files = append(t.files, wireAttachment{
			Name: t.fileName(path, a), ContentType: a.ContentType, DataURL: outbound.URL(a.URL),
		})
	}
}

func (t *translation) fileName(path string, a assessment.Attachment) string {
	if a.Name == "" {
		return "" // noted by Validate
	}
	name, remarks := outbound.FileName(a)
	if name == "" {
		t.problems.Add(path+".name", "must be a file name")
	}
	for _, remark := range remarks {
		t.warnings = append(t.warnings, path+".name: "+remark)
	}
	return name
}

// isContentType is the schema's pattern ^[\w.-]+\/[\w.-]+$, which refuses a plus
// sign and parameters, such as image/svg+xml and text/html; charset=utf-8.
func isContentType(text string) bool {
	kind, subtype, found := strings.Cut(text, "/")
	return found && isWord(kind) && isWord(subtype)
}

func isWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z'
		return !letter && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-'
	})
}

// scoreOnly reports what an ATS with so small a result drops. It is sent all
// the same: Kombo decides what it passes on.
func (t *translation) scoreOnly(attachments int) {
	if t.limits == nil || !t.limits.ScoreOnly {
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
	case t.limits == nil:
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
