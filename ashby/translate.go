package ashby

import (
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// translation is a result on its way to Ashby's format.
type translation struct {
	wire     wireUpdate
	problems assessment.Problems
	losses   []assessment.Loss
	labels   labels
	ids      identifiers
}

// The texts of a status for which the provider gave none. Ashby notes the time of
// the start at the second one, in exactly this spelling
// (https://developers.ashbyhq.com/docs/assessmentupdate).
const (
	textOpen      = "Invited"
	textStarted   = "Started"
	textCompleted = "Completed"
	textCancelled = "Cancelled"
	textExpired   = "Expired"
)

// translate turns a result into an assessment.update, collecting everything that
// is known to be refused and everything that the format has no place for.
func translate(l labels, r assessment.Result) *translation {
	t := &translation{labels: l}
	if err := r.Validate(); err != nil {
		t.problems = append(t.problems, err.(*assessment.ValidationError).Problems...)
	}
	t.ids.claim(&t.problems, r.Attributes)
	t.timestamp(r.At)
	t.status(r)
	t.reportURL(r)
	t.outcome(r)
	t.texts(r)
	for i, a := range r.Attributes {
		t.attribute(i, a, r.Status)
	}
	for i, a := range r.Attachments {
		t.attachment(i, a)
	}
	if _, given := r.Passthrough[assessment.Ashby]; given {
		t.lose("passthrough.ashby", "Ashby has no place for it")
	}
	return t
}

const unrepresentable = "must be after 1970 and in a year of four digits"

// representable: within these years milliseconds are positive, and so few that
// every reader of JSON takes them for an integer.
func representable(at time.Time) bool { return at.Unix() > 0 && at.UTC().Year() <= 9999 }

func (t *translation) timestamp(at time.Time) {
	if !at.IsZero() && !representable(at) {
		t.problems.Add("at", unrepresentable)
	}
}

// status: required unless the assessment is cancelled. A reason takes the place
// of the word that tells expired from cancelled, which is sent as the status then.
func (t *translation) status(r assessment.Result) {
	text := r.StatusText
	if text == "" {
		switch r.Status {
		case assessment.StatusOpen:
			text = textOpen
		case assessment.StatusInProgress:
			text = textStarted
		case assessment.StatusCompleted:
			text = textCompleted
		case assessment.StatusExpired:
			if r.Reason == "" {
				return
			}
			text = textExpired
		default:
			return
		}
	}
	t.wire.Status = t.common(IDStatus, "Status", typeString, text)
}

func (t *translation) reportURL(r assessment.Result) {
	if r.ReportURL != "" {
		t.wire.ProfileURL = t.common(IDReportURL, "Report", typeURL, r.ReportURL)
		return
	}
	if r.Status == assessment.StatusCompleted {
		t.problems.Add("report_url", "required for a completed result")
	}
}

// outcome fills the slot that ends an assessment. A result completes it and a
// reason cancels it, so neither is sent before, and never both.
func (t *translation) outcome(r assessment.Result) {
	score := t.score(r.Score)
	passed := t.passed(r.Outcome)
	switch r.Status {
	case assessment.StatusCompleted:
		switch {
		case score != nil:
			t.wire.Result = score
		case passed != nil:
			passed.Identifier = IDResult
			passed.Label = t.labels.or(IDResult, passed.Label)
			t.wire.Result, passed = passed, nil
		default:
			t.wire.Result = t.common(IDResult, "Result", typeString, textCompleted)
		}
		score = nil
	case assessment.StatusCancelled:
		t.cancelled(r.Reason, textCancelled)
	case assessment.StatusExpired:
		t.cancelled(r.Reason, textExpired)
	}
	t.add(score)
	t.scale(r.Score)
	t.add(passed)
}

func (t *translation) cancelled(reason, word string) {
	if reason == "" {
		reason = word
	}
	t.wire.CancelledReason = t.common(IDCancelledReason, "Cancelled because", typeString, reason)
}

func (t *translation) score(s *assessment.Score) *wireDatum {
	if s == nil {
		return nil
	}
	d := t.common(IDResult, "Score", typeScore, s.Value)
	if s.Label != "" {
		d.Label = s.Label
	}
	return d
}

// The descriptions of the ends of a scale; the first is the reference's own.
const (
	describeMax = "The maximum possible score for the assessment"
	describeMin = "The minimum possible score for the assessment"
)

func (t *translation) scale(s *assessment.Score) {
	if s == nil {
		return
	}
	if s.Max != nil {
		d := t.common(IDResultMax, "Max Score", typeScore, *s.Max)
		d.Description = describeMax
		t.add(d)
	}
	if s.Min != nil {
		d := t.common(IDResultMin, "Min Score", typeScore, *s.Min)
		d.Description = describeMin
		t.add(d)
	}
}

func (t *translation) passed(o assessment.Outcome) *wireDatum {
	if o == "" {
		return nil
	}
	return t.common(IDPassed, "Passed", typeSuccess, o == assessment.OutcomePassed)
}

// texts adds what has no slot of its own.
func (t *translation) texts(r assessment.Result) {
	if r.Summary != "" {
		t.add(t.common(IDSummary, "Summary", typeString, r.Summary))
	}
	if r.Reason != "" && t.wire.CancelledReason == nil {
		t.add(t.common(IDReason, "Reason", typeString, r.Reason))
	}
	if !r.StartedAt.IsZero() {
		t.add(t.common(IDStartedAt, "Started at", typeString, instant(r.StartedAt)))
	}
	if !r.CompletedAt.IsZero() {
		t.add(t.common(IDCompletedAt, "Completed at", typeString, instant(r.CompletedAt)))
	}
}

// instant is a time for a reader; the format has no type for it.
func instant(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

func (t *translation) attribute(i int, a assessment.Attribute, overall assessment.Status) {
	d := wireDatum{Identifier: a.ID, Label: a.Label, Description: a.Description}
	if d.Identifier == "" {
		d.Identifier = t.ids.mint(slug(a.Label))
	}
	switch v := a.Value.(type) {
	case assessment.Text:
		d.Type, d.Value = typeString, string(v)
	case assessment.Link:
		d.Type, d.Value = typeURL, string(v)
	case assessment.Number:
		d.Type, d.Value = typeScore, float64(v)
	case assessment.Flag:
		d.Type, d.Value = typeSuccess, bool(v)
	case assessment.Elapsed:
		d.Type, d.Value = typeMinutes, time.Duration(v).Minutes()
	case assessment.SubResult:
		t.subResult(i, d, v, overall)
		return
	}
	t.add(&d)
}

// subResult adds the part's score, the ends of its scale, and its status where
// that is not the one of the whole.
func (t *translation) subResult(i int, d wireDatum, v assessment.SubResult, overall assessment.Status) {
	if v.Status == "" {
		v.Status = overall
	}
	if v.Score == nil {
		d.Type, d.Value = typeString, statusText(v.Status)
		t.add(&d)
		return
	}
	id, label := d.Identifier, d.Label
	part := func(suffix, name, kind string, value any) {
		t.add(&wireDatum{Identifier: t.ids.mint(id + suffix), Label: label + ": " + name, Type: kind, Value: value})
	}
	d.Type, d.Value = typeScore, v.Score.Value
	t.add(&d)
	if v.Score.Max != nil {
		part("-max", "Max Score", typeScore, *v.Score.Max)
	}
	if v.Score.Min != nil {
		part("-min", "Min Score", typeScore, *v.Score.Min)
	}
	if v.Status != overall {
		part("-status", "Status", typeString, statusText(v.Status))
	}
	if v.Score.Label != "" {
		t.lose(fmt.Sprintf("attributes[%d].value.score.label", i), "Ashby shows the label of the attribute")
	}
}

func statusText(s assessment.Status) string {
	switch s {
	case assessment.StatusOpen:
		return "Open"
	case assessment.StatusInProgress:
		return "In progress"
	case assessment.StatusCompleted:
		return textCompleted
	case assessment.StatusCancelled:
		return textCancelled
	case assessment.StatusExpired:
		return textExpired
	}
	return string(s)
}

func (t *translation) attachment(i int, a assessment.Attachment) {
	if a.URL == "" {
		t.lose(fmt.Sprintf("attachments[%d]", i), "Ashby takes attachments by URL only")
		return
	}
	t.add(&wireDatum{Identifier: t.ids.mint(slug(a.Name)), Label: a.Name, Type: typeURL, Value: a.URL})
}

// common is a datum with one of the identifiers of this package.
func (t *translation) common(identifier, label, kind string, value any) *wireDatum {
	return &wireDatum{Identifier: identifier, Label: t.labels.or(identifier, label), Type: kind, Value: value}
}

func (t *translation) add(d *wireDatum) {
	if d != nil {
		t.wire.Metadata = append(t.wire.Metadata, *d)
	}
}

func (t *translation) lose(field, reason string) {
	t.losses = append(t.losses, assessment.Loss{Field: field, Reason: reason})
}
