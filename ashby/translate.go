package ashby

import (
	"cmp"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
)

// translation is a result on its way to Ashby's format.
type translation struct {
	wire     wireUpdate
	problems outbound.Problems
	losses   []assessment.Loss
	warnings []string
	wording  wording
	ids      outbound.IDs
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
func translate(w wording, r assessment.Result) *translation {
	t := &translation{wording: w, ids: outbound.IDs{Reserved: isReserved}}
	t.problems.Join("", r.Validate())
	t.warnings = outbound.ScoreWarnings(r)
	t.claimIDs(r.Attributes)
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
		t.wire.ProfileURL = t.common(IDReportURL, "Report", typeURL, outbound.URL(r.ReportURL))
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
			t.wire.Result, passed = t.wording.apply(passed), nil
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
	d := t.common(IDResult, "Score", typeScore, outbound.Plain(s.Value))
	if s.InWords() {
		d.Type, d.Value = typeString, s.Text
	}
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

// scale adds what belongs to a number: the words beside it and the ends of its
// scale.
func (t *translation) scale(s *assessment.Score) {
	if s == nil || s.InWords() {
		return
	}
	if s.Text != "" {
		t.add(t.common(IDResultText, "Result", typeString, s.Text))
	}
	if s.Max != nil {
		d := t.common(IDResultMax, "Max Score", typeScore, outbound.Plain(*s.Max))
		d.Description = cmp.Or(d.Description, describeMax)
		t.add(d)
	}
	if s.Min != nil {
		d := t.common(IDResultMin, "Min Score", typeScore, outbound.Plain(*s.Min))
		d.Description = cmp.Or(d.Description, describeMin)
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

// claimIDs takes the IDs that the provider chose, before any is made up.
func (t *translation) claimIDs(attributes []assessment.Attribute) {
	for i, a := range attributes {
		if a.ID == "" {
			continue
		}
		if message := t.ids.Claim(a.ID, i, "attributes"); message != "" {
			t.problems.Add(outbound.Index("attributes", i)+".id", message)
		}
	}
}

func (t *translation) attribute(i int, a assessment.Attribute, overall assessment.Status) {
	d := wireDatum{Identifier: a.ID, Label: a.Label, Description: a.Description}
	if d.Identifier == "" {
		d.Identifier = t.ids.Mint(slug(a.Label))
	}
	switch v := a.Value.(type) {
	case assessment.Text:
		d.Type, d.Value = typeString, string(v)
	case assessment.Link:
		d.Type, d.Value = typeURL, outbound.URL(string(v))
	case assessment.Number:
		d.Type, d.Value = typeScore, outbound.Plain(float64(v))
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
		t.add(&wireDatum{Identifier: t.ids.Mint(id + suffix), Label: label + ": " + name, Type: kind, Value: value})
	}
	d.Type, d.Value = typeScore, outbound.Plain(v.Score.Value)
	if v.Score.InWords() {
		d.Type, d.Value = typeString, v.Score.Text
	}
	t.add(&d)
	if v.Score.Text != "" && !v.Score.InWords() {
		part("-text", "Result", typeString, v.Score.Text)
	}
	if v.Score.Max != nil {
		part("-max", "Max Score", typeScore, outbound.Plain(*v.Score.Max))
	}
	if v.Score.Min != nil {
		part("-min", "Min Score", typeScore, outbound.Plain(*v.Score.Min))
	}
	if v.Status != overall {
		part("-status", "Status", typeString, statusText(v.Status))
	}
	if v.Score.Label != "" {
		t.lose(outbound.Index("attributes", i)+".value.score.label", "Ashby shows the label of the attribute")
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
	path := outbound.Index("attachments", i)
	if a.URL == "" {
		t.lose(path, "Ashby takes attachments by URL only")
		return
	}
	name := outbound.BaseName(a.Name)
	switch {
	case name == "" && a.Name != "":
		t.problems.Add(path+".name", "must be a file name")
	case name != a.Name:
		t.warnings = append(t.warnings, path+".name: "+outbound.Cleaned)
	}
	t.add(&wireDatum{Identifier: t.ids.Mint(slug(name)), Label: name, Type: typeURL, Value: outbound.URL(a.URL)})
}

// common is a datum with one of the identifiers of this package.
func (t *translation) common(identifier, label, kind string, value any) *wireDatum {
	return t.wording.apply(&wireDatum{Identifier: identifier, Label: label, Type: kind, Value: value})
}

func (t *translation) add(d *wireDatum) {
	if d != nil {
		t.wire.Metadata = append(t.wire.Metadata, *d)
	}
}

func (t *translation) lose(field, reason string) {
	t.losses = append(t.losses, assessment.Loss{Field: field, Reason: reason})
}
