package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Result is an accepted result, as the provider wrote it, or several of them
// merged. All members are optional; one that was not sent is empty.
type Result struct {
	Score          Score
	StartDate      string
	SubmissionDate string
	Summary        string
	Result         Enum
	ResultURL      string
	Attachments    []Attachment
	CandidateID    string
	ProfileURL     string          // of the candidate
	Passthrough    json.RawMessage // nil: not sent
	// Nulls are the top-level members that were sent as null.
	Nulls []string
	// UnknownKeys are the paths of members that StackOne's schema does not name.
	UnknownKeys []string
	// Body is the request body.
	Body json.RawMessage
	// At is when it was accepted.
	At time.Time
}

// Score is the score of a result. StackOne's scores are texts.
type Score struct {
	Label string
	Value string
	Min   string
	Max   string
}

// Enum is StackOne's object for enumerations: its own value and that of the ATS,
// which can be any JSON.
type Enum struct {
	Value       string
	SourceValue json.RawMessage // nil: not sent
}

// Attachment is a file of a result, given by its address.
type Attachment struct {
	URL         string
	ContentType Enum
}

func resultValues() []string {
	return []string{"initiated", "in_progress", "cancelled", "completed", "expired", "failed", "passed", "unmapped_value"}
}

func contentTypes() []string { return []string{"text", "pdf", "video", "other", "unmapped_value"} }

// readResult checks a result against its documented schema and the rules of the
// ATS. pending is in the guide of SmartRecruiters and in no schema.
func (w *world) readResult(o *simkit.Object, a ats) Result {
	values := resultValues()
	if slices.Contains(a.results, "pending") {
		values = append(values, "pending")
	}
	r := Result{
		Score:          readScore(o, a),
		StartDate:      o.DateTime("start_date", nullable),
		SubmissionDate: o.DateTime("submission_date", nullable),
		Summary:        o.Text("summary", nullable),
		Result:         readEnum(o, "result", values...),
		ResultURL:      o.Text("result_url", nullable),
		Attachments:    readAttachments(o, a),
	}
	if w.quirks.RefuseUnlistedResults && a.results != nil && r.Result.Value != "" && !slices.Contains(a.results, r.Result.Value) {
		o.Fail("result.value", "must be one of %s for %s", strings.Join(a.results, ", "), a.name)
	}
	if candidate := o.Child("candidate", nullable); candidate != nil {
		r.CandidateID, r.ProfileURL = candidate.Text("id", nullable), candidate.Text("profile_url", nullable)
		candidate.Done()
	}
	if passthrough := o.Child("passthrough", nullable); passthrough != nil {
		r.Passthrough = simkit.Encode(passthrough.Members)
	}
	for _, name := range sortedKeys(o.Members) {
		if o.Members[name] == nil {
			r.Nulls = append(r.Nulls, name)
		}
	}
	return r
}

func readScore(o *simkit.Object, a ats) Score {
	score := o.Child("score", nullable)
	if score == nil {
		return Score{}
	}
	defer score.Done()
	if a.wholeScore {
		demand(score, "value", "min", "max")
	}
	return Score{Label: score.Text("label", nullable), Value: score.Text("value", nullable), Min: score.Text("min", nullable), Max: score.Text("max", nullable)}
}

func readAttachments(o *simkit.Object, a ats) []Attachment {
	var attachments []Attachment
	o.Each("attachments", nullable, func(item *simkit.Object) {
		if a.wholeScore {
			demand(item, "url", "content_type")
		}
		at := Attachment{URL: item.Text("url", nullable), ContentType: readEnum(item, "content_type", contentTypes()...)}
		if a.wholeScore && item.Given("content_type") && at.ContentType.Value == "" {
			item.Fail(item.At("content_type"), "must have a value")
		}
		attachments = append(attachments, at)
	})
	return attachments
}

// updateResult takes a result: ats/api-reference/ats.json in github.com/StackOneHQ/hub-docs
func updateResult(kind Kind) handler {
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		c.Order = c.Params["id"]
		o, found := s.Order(c.Account, c.Order)
		if !found || o.Kind != kind {
			return simkit.Reply{}, noOrder()
		}
		var result Result
		var members map[string]any
		check, failure := s.checked(c, func(body *simkit.Object) {
			members = body.Members
			result = s.readResult(body, atsOf(o.Provider))
		})
		if failure != nil {
			return simkit.Reply{}, failure
		}
		noteOddScore(c, result.Score)
		result.UnknownKeys, result.Body, result.At = check.Unknown, slices.Clone(c.Body), s.now()
		if failure := s.write(c.Account, c.Order, kind, result, members); failure != nil {
			return simkit.Reply{}, failure
		}
		return updatedReply(s), nil
	}
}

// noteOddScore: scores are texts, and no schema says that they are numbers.
func noteOddScore(c *simkit.Call, score Score) {
	for name, text := range map[string]string{"value": score.Value, "min": score.Min, "max": score.Max} {
		if _, err := strconv.ParseFloat(text, 64); text != "" && err != nil {
			c.Note(fmt.Sprintf("score.%s is not a number: %q", name, text))
		}
	}
}

// refusesResults is why an order takes no more results; nil: it does.
func (w *world) refusesResults(o *order) *Failure {
	q := w.quirks
	if len(o.Results) > 0 && atsOf(o.Provider).oneResult && !q.RepeatableGreenhouse {
		return &q.GreenhouseRepeat
	}
	final := []string{"cancelled", "completed", "expired", "failed", "passed"}
	if q.FinalIsFinal && slices.Contains(final, o.State.Result.Value) {
		return &Failure{Status: http.StatusConflict}
	}
	return nil
}

// apply merges a partial body into the state of the order: each member that was
// sent replaces the earlier one.
func (w *world) apply(o *order, result Result, members map[string]any) {
	for name, value := range members {
		switch {
		case value != nil:
			o.merged[name] = value
		case !w.quirks.NullLeaves:
			delete(o.merged, name)
		}
	}
	o.Results = simkit.Latest(append(o.Results, result))
	merged := &simkit.Object{Checker: &simkit.Checker{OpenEnums: true}, Path: "body", Members: o.merged}
	o.State = w.readResult(merged, ats{})
	merged.Done()
	o.State.UnknownKeys, o.State.Body, o.State.At = merged.Unknown, simkit.Encode(o.merged), result.At
	o.Status = o.State.Result.Value
	if atsOf(o.Provider).oneResult {
		o.Status = "complete"
	}
}
