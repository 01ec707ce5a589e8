package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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
func (s *Server) readResult(o *object, a ats) Result {
	values := resultValues()
	if slices.Contains(a.results, "pending") {
		values = append(values, "pending")
	}
	r := Result{
		Score:          readScore(o, a),
		StartDate:      o.dateTime("start_date"),
		SubmissionDate: o.dateTime("submission_date"),
		Summary:        o.text("summary"),
		Result:         o.enum("result", values...),
		ResultURL:      o.text("result_url"),
		Attachments:    readAttachments(o, a),
	}
	if s.cfg.Quirks.RefuseUnlistedResults && a.results != nil && r.Result.Value != "" && !slices.Contains(a.results, r.Result.Value) {
		o.fail("result.value", "must be one of %s for %s", strings.Join(a.results, ", "), a.name)
	}
	if candidate := o.child("candidate"); candidate != nil {
		r.CandidateID, r.ProfileURL = candidate.text("id"), candidate.text("profile_url")
		candidate.done()
	}
	if passthrough := o.child("passthrough"); passthrough != nil {
		r.Passthrough = encode(passthrough.members)
	}
	for _, name := range sortedKeys(o.members) {
		if o.members[name] == nil {
			r.Nulls = append(r.Nulls, name)
		}
	}
	return r
}

func readScore(o *object, a ats) Score {
	score := o.child("score")
	if score == nil {
		return Score{}
	}
	defer score.done()
	if a.wholeScore {
		score.require("value", "min", "max")
	}
	return Score{Label: score.text("label"), Value: score.text("value"), Min: score.text("min"), Max: score.text("max")}
}

func readAttachments(o *object, a ats) []Attachment {
	var attachments []Attachment
	o.objects("attachments", func(item *object) {
		if a.wholeScore {
			item.require("url", "content_type")
		}
		at := Attachment{URL: item.text("url"), ContentType: item.enum("content_type", contentTypes()...)}
		if a.wholeScore && item.has("content_type") && at.ContentType.Value == "" {
			item.fail(item.at("content_type"), "must have a value")
		}
		attachments = append(attachments, at)
	})
	return attachments
}

// updateResult takes a result: ats/api-reference/ats.json in github.com/StackOneHQ/hub-docs
func updateResult(kind Kind) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		s.mu.Lock()
		defer s.mu.Unlock()
		o := s.findOrder(c.account, c.params["id"])
		if o == nil || o.Kind != kind {
			return reply{}, failed(http.StatusNotFound, "Order not found")
		}
		var result Result
		var members map[string]any
		check, failure := s.checked(c, func(body *object) {
			members = body.members
			result = s.readResult(body, atsOf(o.Provider))
		})
		if failure != nil {
			return reply{}, failure
		}
		if failure := s.refusesResults(o); failure != nil {
			return reply{}, failure
		}
		noteOddScore(c, result.Score)
		result.UnknownKeys, result.Body, result.At = check.unknown, slices.Clone(c.body), s.now()
		s.apply(o, result, members)
		return updatedReply(s), nil
	}
}

// noteOddScore: scores are texts, and no schema says that they are numbers.
func noteOddScore(c *call, score Score) {
	for name, text := range map[string]string{"value": score.Value, "min": score.Min, "max": score.Max} {
		if _, err := strconv.ParseFloat(text, 64); text != "" && err != nil {
			c.note(fmt.Sprintf("score.%s is not a number: %q", name, text))
		}
	}
}

// refusesResults is why an order takes no more results; nil: it does.
func (s *Server) refusesResults(o *order) *Failure {
	q := s.cfg.Quirks
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
func (s *Server) apply(o *order, result Result, members map[string]any) {
	for name, value := range members {
		switch {
		case value != nil:
			o.merged[name] = value
		case !s.cfg.Quirks.NullLeaves:
			delete(o.merged, name)
		}
	}
	o.Results = append(o.Results, result)
	merged := &object{checker: &checker{openEnums: true}, path: "body", members: o.merged}
	o.State = s.readResult(merged, ats{})
	merged.done()
	o.State.UnknownKeys, o.State.Body, o.State.At = merged.unknown, encode(o.merged), result.At
	o.Status = o.State.Result.Value
	if atsOf(o.Provider).oneResult {
		o.Status = "complete"
	}
}
