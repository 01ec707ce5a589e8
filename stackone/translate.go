package stackone

import (
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
)

// translation is a result on its way to StackOne's format.
type translation struct {
	wire     wireResult
	problems outbound.Problems
	losses   []assessment.Loss
	warnings []string
	skipped  bool
}

// translate turns a result into what PATCH …/orders/{id}/result takes, whatever
// the ATS is.
func (c *Client) translate(ref assessment.OrderRef, r assessment.Result) *translation {
	t := &translation{}
	t.problems.Ref(ref, outbound.RefRules{
		Vendor: assessment.StackOne, Connection: c.connection, Account: "the linked account's id", Kinds: true, InPath: true,
	})
	t.problems.Join("", r.Validate())
	t.result(r)
	t.wire.ResultURL = outbound.URL(r.ReportURL)
	t.wire.Passthrough = r.Passthrough[assessment.StackOne]
	t.wire.StartDate = t.timestamp("started_at", r.StartedAt)
	t.wire.SubmissionDate = t.timestamp("completed_at", r.CompletedAt)
	t.score(r.Score)
	t.warnings = append(t.warnings, outbound.ScoreWarnings(r)...)
	t.summary(r)
	t.attachments(r.Attachments)
	return t
}

// resultPaths are the two paths under which StackOne keeps orders.
var resultPaths = map[assessment.Kind]string{
	assessment.KindAssessment:      "assessments",
	assessment.KindBackgroundCheck: "background_checks",
}

// The words for result.value.
var (
	wireStatuses = map[assessment.Status]string{
		assessment.StatusOpen:       wireInitiated,
		assessment.StatusInProgress: wireInProgress,
		assessment.StatusCompleted:  wireCompleted,
		assessment.StatusCancelled:  wireCancelled,
		assessment.StatusExpired:    wireExpired,
	}
	wireOutcomes = map[assessment.Outcome]string{
		assessment.OutcomePassed: wirePassed,
		assessment.OutcomeFailed: wireFailed,
	}
)

func (t *translation) result(r assessment.Result) {
	value, verdict := wireStatuses[r.Status], wireOutcomes[r.Outcome]
	switch {
	case verdict == "":
	case r.Status == assessment.StatusCompleted:
		value = verdict
	default:
		t.lose("outcome", "StackOne has one word for both, and the test is not completed")
	}
	t.wire.Result = wireEnum{Value: value, Source: r.StatusText}
}

// timestamp is UTC with milliseconds, as in StackOne's own examples.
func (t *translation) timestamp(field string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	at = at.UTC()
	if year := at.Year(); year < 0 || year > 9999 {
		t.problems.Add(field, "must be in a year of four digits")
	}
	return timestamp(at)
}

func timestamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

func (t *translation) score(s *assessment.Score) {
	if s == nil {
		return
	}
	t.wire.Score = &wireScore{Label: s.Label, Value: s.Text}
	if s.InWords() {
		return
	}
	t.wire.Score.Value = outbound.Decimal(s.Value)
	if s.Min != nil {
		t.wire.Score.Min = outbound.Decimal(*s.Min)
	}
	if s.Max != nil {
		t.wire.Score.Max = outbound.Decimal(*s.Max)
	}
}

// summary collects in one text what has no field of its own: the reason and a
// line for each attribute.
func (t *translation) summary(r assessment.Result) {
	var lines []string
	if r.Summary != "" {
		lines = append(lines, r.Summary)
	}
	switch {
	case r.Reason == "":
	case r.Summary == "":
		lines = append(lines, r.Reason)
	default:
		lines = append(lines, "Reason: "+r.Reason)
	}
	if r.Score != nil && r.Score.Text != "" && !r.Score.InWords() { // the value is the number
		lines = append(lines, "Score: "+r.Score.Text)
		t.losses = append(t.losses, assessment.Loss{Field: "score.text", Reason: "sent as a line of the summary", Kept: true})
	}
	for i, a := range r.Attributes {
		path := outbound.Index("attributes", i)
		lines = append(lines, a.Label+": "+outbound.Readable(a.Value, r.Status))
		t.losses = append(t.losses, assessment.Loss{Field: path, Reason: "sent as a line of the summary", Kept: true})
		if a.Description != "" {
			t.lose(path+".description", "StackOne has no place for it")
		}
	}
	t.wire.Summary = strings.Join(lines, "\n")
}

// attachments go by URL only; StackOne's schema has no place for bytes or names.
func (t *translation) attachments(attachments []assessment.Attachment) {
	for i, a := range attachments {
		path := outbound.Index("attachments", i)
		if a.URL == "" {
			t.lose(path+".data", "StackOne takes attachments by URL only")
			continue
		}
		if a.Name != "" {
			t.lose(path+".name", "StackOne has no place for it")
		}
		t.wire.Attachments = append(t.wire.Attachments, wireAttachment{
			URL: outbound.URL(a.URL), ContentType: wireEnum{Value: contentType(a.ContentType), Source: a.ContentType},
		})
	}
}

// contentType is StackOne's word for a MIME type.
func contentType(mime string) string {
	mime, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(mime)), ";")
	switch {
	case strings.TrimSpace(mime) == "application/pdf":
		return "pdf"
	case strings.HasPrefix(mime, "text/"):
		return "text"
	case strings.HasPrefix(mime, "video/"):
		return "video"
	}
	return "other"
}

// limit applies what is known of the ATS.
func (t *translation) limit(l Limits, r assessment.Result) {
	if l.FullScore && r.Score.InWords() {
		t.wire.Score = nil
		t.lose("score.text", "the ATS takes numbers with a minimum and a maximum only")
	}
	if l.FullScore && r.Score != nil && !r.Score.InWords() {
		if r.Score.Min == nil {
			t.problems.Add("score.min", "required by the ATS")
		}
		if r.Score.Max == nil {
			t.problems.Add("score.max", "required by the ATS")
		}
	}
	for i, a := range r.Attachments {
		if l.TypedAttachments && a.URL != "" && a.ContentType == "" {
			t.problems.Add(outbound.Index("attachments", i)+".content_type", "required by the ATS")
		}
	}
	if l.HiddenSummary && t.wire.Summary != "" {
		t.lose("summary", "the ATS does not show it, nor the reason and attributes in it")
	}
	if l.HiddenDates && t.wire.StartDate != "" {
		t.lose("started_at", "the ATS does not show it")
	}
	if l.HiddenDates && t.wire.SubmissionDate != "" {
		t.lose("completed_at", "the ATS does not show it")
	}
	t.verdict(l)
	value := t.wire.Result.Value
	switch {
	case l.OneUpdate && !r.Status.Final():
		t.skipped = true
		t.warnings = append(t.warnings, "not sent: the ATS takes one update per test, kept for the final result")
	case l.AlwaysComplete && r.Status != assessment.StatusCompleted:
		t.lose("status", "the ATS shows every result as complete")
	case !l.lists(value):
		t.warnings = append(t.warnings, "result "+value+" is not among those that the guide of the ATS lists")
	}
}

// verdict replaces one that the guide of the ATS does not list: what StackOne
// makes of it there is not known, while completed is listed and true. The verdict
// then is the source's word, unless the host has its own.
func (t *translation) verdict(l Limits) {
	result := &t.wire.Result
	if result.Value != wirePassed && result.Value != wireFailed || l.lists(result.Value) {
		return
	}
	const reason = "the guide of the ATS does not list the verdict: sent as completed"
	if kept := result.Source == ""; kept {
		result.Source = result.Value
		t.losses = append(t.losses, assessment.Loss{Field: "outcome", Reason: reason + ", with the verdict as source_value", Kept: true})
	} else {
		t.lose("outcome", reason)
	}
	result.Value = wireCompleted
}

func (t *translation) lose(field, reason string) {
	t.losses = append(t.losses, assessment.Loss{Field: field, Reason: reason})
}
