package ashby_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

// moment is the timestamp of the completed example.
const moment = 1665686038489

// body is an update of the example's assessment at moment, with the given
// members.
func body(members ...string) string {
	return fmt.Sprintf(`{"assessment_id":%q,"timestamp":%d,%s}`, assessmentID, moment, strings.Join(members, ","))
}

func datum(identifier, label, kind, value string) string {
	return fmt.Sprintf(`{"identifier":%q,"label":%q,"type":%q,"value":%s}`, identifier, label, kind, value)
}

func described(description, datum string) string {
	return datum[:len(datum)-1] + fmt.Sprintf(`,"description":%q}`, description)
}

func status(text string) string {
	return `"assessment_status":` + datum("status", "Status", "string", fmt.Sprintf("%q", text))
}

func profile() string {
	return `"assessment_profile_url":` + datum("profile-url", "Report", "url", `"`+reportURL+`"`)
}

func result(datum string) string { return `"assessment_result":` + datum }

func reason(text string) string {
	return `"cancelled_reason":` + datum("cancelled-reason", "Cancelled because", "string", fmt.Sprintf("%q", text))
}

func metadata(data ...string) string { return `"metadata":[` + strings.Join(data, ",") + `]` }

// completedWord is the result of who gave neither score nor outcome.
var completedWord = result(datum("result", "Result", "string", `"Completed"`))

func maxScore(value string) string {
	return described("The maximum possible score for the assessment", datum("result-max", "Max Score", "numeric_score", value))
}

func minScore(value string) string {
	return described("The minimum possible score for the assessment", datum("result-min", "Min Score", "numeric_score", value))
}

// done is a completed result; change fills in the rest.
func done(change func(*assessment.Result)) assessment.Result {
	r := assessment.Result{Status: assessment.StatusCompleted, ReportURL: reportURL, At: at(moment)}
	if change != nil {
		change(&r)
	}
	return r
}

// doneWith is what done is on the wire with metadata.
func doneWith(data ...string) string {
	return body(status("Completed"), profile(), completedWord, metadata(data...))
}

func one(a ...assessment.Attribute) func(*assessment.Result) {
	return func(r *assessment.Result) { r.Attributes = a }
}

func lost(fields ...string) (all []assessment.Loss) {
	for _, f := range fields {
		all = append(all, assessment.Loss{Field: f})
	}
	return all
}

// TestTranslation has a row for everything that a result can hold
// (https://developers.ashbyhq.com/docs/assessmentupdate).
func TestTranslation(t *testing.T) {
	attr := func(id, label string, v assessment.AttributeValue) assessment.Attribute {
		return assessment.Attribute{ID: id, Label: label, Value: v}
	}
	state := func(s assessment.Status, change func(*assessment.Result)) assessment.Result {
		r := assessment.Result{Status: s, At: at(moment)}
		if change != nil {
			change(&r)
		}
		return r
	}
	started := time.Date(2022, 10, 13, 18, 0, 0, 5e6, time.FixedZone("CEST", 2*60*60))
	for name, tc := range map[string]struct {
		result assessment.Result
		want   string
		losses []assessment.Loss
	}{
		"open":        {result: state(assessment.StatusOpen, nil), want: body(status("Invited"))},
		"in progress": {result: state(assessment.StatusInProgress, nil), want: body(status("Started"))},
		"open, own text": {
			result: state(assessment.StatusOpen, func(r *assessment.Result) { r.StatusText = "Invitation sent" }),
			want:   body(status("Invitation sent")),
		},
		"in progress, own text": {
			result: state(assessment.StatusInProgress, func(r *assessment.Result) { r.StatusText = "Waiting for references" }),
			want:   body(status("Waiting for references")),
		},
		"in progress with a report": {
			result: state(assessment.StatusInProgress, func(r *assessment.Result) { r.ReportURL = reportURL }),
			want:   body(status("Started"), profile()),
		},
		"completed": {result: done(nil), want: body(status("Completed"), profile(), completedWord)},
		"completed, own text": {
			result: done(func(r *assessment.Result) { r.StatusText = "All references in" }),
			want:   body(status("All references in"), profile(), completedWord),
		},
		"cancelled": {result: state(assessment.StatusCancelled, nil), want: body(reason("Cancelled"))},
		"cancelled with a reason": {
			result: state(assessment.StatusCancelled, func(r *assessment.Result) { r.Reason = "Candidate withdrew" }),
			want:   body(reason("Candidate withdrew")),
		},
		"cancelled with everything": {
			result: state(assessment.StatusCancelled, func(r *assessment.Result) {
				r.Reason, r.StatusText, r.ReportURL = "Candidate withdrew", "Stopped", reportURL
				r.Score, r.Outcome = assessment.ScoreBetween(3, 0, 10), assessment.OutcomeFailed
			}),
			want: body(reason("Candidate withdrew"), status("Stopped"), profile(), metadata(
				datum("result", "Score", "numeric_score", "3"), maxScore("10"), minScore("0"),
				datum("passed", "Passed", "boolean_success", "false"))),
		},
		"expired": {result: state(assessment.StatusExpired, nil), want: body(reason("Expired"))},
		"expired with a reason": {
			result: state(assessment.StatusExpired, func(r *assessment.Result) { r.Reason = "No answer for 14 days" }),
			want:   body(reason("No answer for 14 days"), status("Expired")),
		},
		"a rejection written afterwards": {
			result: func() assessment.Result {
				r := (&assessment.Rejection{Message: "No licences left", At: at(moment)}).Result()
				r.CompletedAt = time.Time{}
				return r
			}(),
			want: body(reason("No licences left")),
		},

		"score": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(87.4, 100.5) }),
			want: body(status("Completed"), profile(), result(datum("result", "Score", "numeric_score", "87.4")),
				metadata(maxScore("100.5"))),
		},
		"score on a scale from zero": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreBetween(0, 0, 0) }),
			want: body(status("Completed"), profile(), result(datum("result", "Score", "numeric_score", "0")),
				metadata(maxScore("0"), minScore("0"))),
		},
		"score on an open scale, with a name": {
			result: done(func(r *assessment.Result) { r.Score = &assessment.Score{Value: -1.25, Label: "Percentage"} }),
			want:   body(status("Completed"), profile(), result(datum("result", "Percentage", "numeric_score", "-1.25"))),
		},
		"score in words": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreText("B2") }),
			want:   body(status("Completed"), profile(), result(datum("result", "Score", "string", `"B2"`))),
		},
		"score in words with everything": {
			result: done(func(r *assessment.Result) {
				r.Score, r.Outcome = &assessment.Score{Text: "B2", Label: "CEFR"}, assessment.OutcomePassed
			}),
			want: body(status("Completed"), profile(), result(datum("result", "CEFR", "string", `"B2"`)),
				metadata(datum("passed", "Passed", "boolean_success", "true"))),
		},
		"score in words beside a number": {
			result: done(func(r *assessment.Result) { r.Score = &assessment.Score{Value: 0, Max: ptr(10.0), Text: "Consider"} }),
			want: body(status("Completed"), profile(), result(datum("result", "Score", "numeric_score", "0")),
				metadata(datum("result-text", "Result", "string", `"Consider"`), maxScore("10"))),
		},
		"score in words so far": {
			result: state(assessment.StatusInProgress, func(r *assessment.Result) { r.Score = assessment.ScoreText("B2") }),
			want:   body(status("Started"), metadata(datum("result", "Score", "string", `"B2"`))),
		},
		"score in words, cancelled": {
			result: state(assessment.StatusCancelled, func(r *assessment.Result) { r.Score = assessment.ScoreText("B2") }),
			want:   body(reason("Cancelled"), metadata(datum("result", "Score", "string", `"B2"`))),
		},
		"part in words": {
			result: done(one(attr("go", "Go", assessment.SubResult{Score: assessment.ScoreText("B2")}),
				attr("sql", "SQL", assessment.SubResult{Score: &assessment.Score{Value: 3, Text: "good"}}))),
			want: doneWith(datum("go", "Go", "string", `"B2"`), datum("sql", "SQL", "numeric_score", "3"),
				datum("sql-text", "SQL: Result", "string", `"good"`)),
		},
		"score and outcome": {
			result: done(func(r *assessment.Result) {
				r.Score, r.Outcome = assessment.ScoreOutOf(8, 10), assessment.OutcomePassed
			}),
			want: body(status("Completed"), profile(), result(datum("result", "Score", "numeric_score", "8")),
				metadata(maxScore("10"), datum("passed", "Passed", "boolean_success", "true"))),
		},
		"outcome passed": {
			result: done(func(r *assessment.Result) { r.Outcome = assessment.OutcomePassed }),
			want:   body(status("Completed"), profile(), result(datum("result", "Passed", "boolean_success", "true"))),
		},
		"outcome failed": {
			result: done(func(r *assessment.Result) { r.Outcome = assessment.OutcomeFailed }),
			want:   body(status("Completed"), profile(), result(datum("result", "Passed", "boolean_success", "false"))),
		},
		"a score so far completes nothing": {
			result: state(assessment.StatusInProgress, func(r *assessment.Result) {
				r.Score, r.Outcome = assessment.ScoreOutOf(3, 10), assessment.OutcomePassed
			}),
			want: body(status("Started"), metadata(datum("result", "Score", "numeric_score", "3"), maxScore("10"),
				datum("passed", "Passed", "boolean_success", "true"))),
		},

		"summary and reason": {
			result: done(func(r *assessment.Result) { r.Summary, r.Reason = "Strong", "Time over" }),
			want: doneWith(datum("summary", "Summary", "string", `"Strong"`),
				datum("reason", "Reason", "string", `"Time over"`)),
		},
		"started and completed at": {
			result: done(func(r *assessment.Result) { r.StartedAt, r.CompletedAt = started, started.Add(time.Hour) }),
			want: doneWith(datum("started-at", "Started at", "string", `"2022-10-13T16:00:00.005Z"`),
				datum("completed-at", "Completed at", "string", `"2022-10-13T17:00:00.005Z"`)),
		},

		"text":         {result: done(one(attr("a", "A", assessment.Text("Excellent \"<b>&\"")))), want: doneWith(datum("a", "A", "string", `"Excellent \"<b>&\""`))},
		"empty text":   {result: done(one(attr("a", "A", assessment.Text("")))), want: doneWith(datum("a", "A", "string", `""`))},
		"link":         {result: done(one(attr("a", "A", assessment.Link("https://example.com/?a=b&c")))), want: doneWith(datum("a", "A", "url", `"https://example.com/?a=b&c"`))},
		"number":       {result: done(one(attr("a", "A", assessment.Number(87.4)))), want: doneWith(datum("a", "A", "numeric_score", "87.4"))},
		"zero":         {result: done(one(attr("a", "A", assessment.Number(0)))), want: doneWith(datum("a", "A", "numeric_score", "0"))},
		"yes":          {result: done(one(attr("a", "A", assessment.Flag(true)))), want: doneWith(datum("a", "A", "boolean_success", "true"))},
		"no":           {result: done(one(attr("a", "A", assessment.Flag(false)))), want: doneWith(datum("a", "A", "boolean_success", "false"))},
		"minutes":      {result: done(one(attr("a", "A", assessment.Elapsed(72*time.Minute)))), want: doneWith(datum("a", "A", "numeric_duration_minutes", "72"))},
		"half minutes": {result: done(one(attr("a", "A", assessment.Elapsed(90*time.Second)))), want: doneWith(datum("a", "A", "numeric_duration_minutes", "1.5"))},
		"no time":      {result: done(one(attr("a", "A", assessment.Elapsed(0)))), want: doneWith(datum("a", "A", "numeric_duration_minutes", "0"))},
		"description": {
			result: done(one(assessment.Attribute{ID: "a", Label: "A", Description: "More", Value: assessment.Text("x")})),
			want:   doneWith(described("More", datum("a", "A", "string", `"x"`))),
		},

		"part": {
			result: done(one(attr("go", "Go", assessment.SubResult{Score: assessment.ScoreOutOf(9, 10)}))),
			want:   doneWith(datum("go", "Go", "numeric_score", "9"), datum("go-max", "Go: Max Score", "numeric_score", "10")),
		},
		"part with everything": {
			result: done(one(attr("go", "Go", assessment.SubResult{
				Status: assessment.StatusCancelled,
				Score:  &assessment.Score{Value: 0, Min: ptr(-1.0), Max: ptr(1.0), Label: "Points"},
			}))),
			want: doneWith(datum("go", "Go", "numeric_score", "0"), datum("go-max", "Go: Max Score", "numeric_score", "1"),
				datum("go-min", "Go: Min Score", "numeric_score", "-1"), datum("go-status", "Go: Status", "string", `"Cancelled"`)),
			losses: lost("attributes[0].value.score.label"),
		},
		"part without a score": {
			result: done(one(attr("go", "Go", assessment.SubResult{}), attr("sql", "SQL", assessment.SubResult{Status: assessment.StatusExpired}),
				attr("a", "A", assessment.SubResult{Status: assessment.StatusOpen}), attr("b", "B", assessment.SubResult{Status: assessment.StatusInProgress}))),
			want: doneWith(datum("go", "Go", "string", `"Completed"`), datum("sql", "SQL", "string", `"Expired"`),
				datum("a", "A", "string", `"Open"`), datum("b", "B", "string", `"In progress"`)),
		},

		"attachment by URL": {
			result: done(func(r *assessment.Result) {
				r.Attachments = []assessment.Attachment{{Name: "Report v2.pdf", ContentType: "application/pdf", URL: "https://example.com/r.pdf"}}
			}),
			want: doneWith(datum("report-v2-pdf", "Report v2.pdf", "url", `"https://example.com/r.pdf"`)),
		},
		"attachment as bytes": {
			result: done(func(r *assessment.Result) {
				r.Attachments = []assessment.Attachment{{Name: "a.pdf", ContentType: "application/pdf", Data: []byte("x")}}
			}),
			want:   body(status("Completed"), profile(), completedWord),
			losses: lost("attachments[0]"),
		},
		"passthrough": {
			result: done(func(r *assessment.Result) {
				r.Passthrough = map[assessment.Vendor]jsonRaw{assessment.Ashby: jsonRaw(`{}`), assessment.Kombo: jsonRaw(`{"a":1}`)}
			}),
			want:   body(status("Completed"), profile(), completedWord),
			losses: lost("passthrough.ashby"),
		},

		"identifiers made of labels": {
			result: done(one(
				attr("", "Role fit", assessment.Text("1")), attr("", "Role-fit!", assessment.Text("2")),
				attr("", "ROLE  FIT", assessment.Text("3")), attr("", "Größe (日本)", assessment.Text("4")),
				attr("", "***", assessment.Text("5")), attr("", "Result", assessment.Text("6")),
				attr("", "Status", assessment.Text("7")), attr("role-fit-2", "R", assessment.Text("8")),
			)),
			want: doneWith(
				datum("role-fit", "Role fit", "string", `"1"`), datum("role-fit-3", "Role-fit!", "string", `"2"`),
				datum("role-fit-4", "ROLE  FIT", "string", `"3"`), datum("größe-日本", "Größe (日本)", "string", `"4"`),
				datum("value", "***", "string", `"5"`), datum("result-2", "Result", "string", `"6"`),
				datum("status-2", "Status", "string", `"7"`), datum("role-fit-2", "R", "string", `"8"`),
			),
		},
		"identifiers of parts and attachments": {
			result: done(func(r *assessment.Result) {
				r.Attributes = []assessment.Attribute{
					attr("go", "Go", assessment.SubResult{Score: assessment.ScoreOutOf(9, 10)}),
					attr("go-max", "Most", assessment.Number(1)),
				}
				r.Attachments = []assessment.Attachment{{Name: "Go", URL: "https://example.com/go"}}
			}),
			want: doneWith(datum("go", "Go", "numeric_score", "9"), datum("go-max-2", "Go: Max Score", "numeric_score", "10"),
				datum("go-max", "Most", "numeric_score", "1"), datum("go-2", "Go", "url", `"https://example.com/go"`)),
		},
		"identifiers are compared exactly": {
			result: done(one(attr("a", "A", assessment.Text("1")), attr("A", "A", assessment.Text("2")), attr("a ", "A", assessment.Text("3")))),
			want: doneWith(datum("a", "A", "string", `"1"`), datum("A", "A", "string", `"2"`),
				datum("a ", "A", "string", `"3"`)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, written))
			client := newClient(t, server)
			preview, err := client.Preview(ref, tc.result)
			require.NoError(t, err)
			require.Empty(t, server.seen, "a preview sends nothing")
			receipt, err := client.PublishResult(t.Context(), ref, tc.result)
			require.NoError(t, err)
			require.Len(t, server.seen, 1)
			requireSameJSON(t, []byte(tc.want), []byte(server.seen[0].Body))
			require.NotContains(t, server.seen[0].Body, "null")
			requireEqual(t, preview.Losses, receipt.Losses)
			for i := range receipt.Losses {
				require.NotEmpty(t, receipt.Losses[i].Reason)
				receipt.Losses[i].Reason = ""
			}
			requireEqual(t, tc.losses, receipt.Losses)

			// The simulator takes it too, whatever its assessment.
			sim := ashbytest.Start(t)
			_, err = sim.AddAssessment(ashbytest.Assessment{ID: assessmentID})
			require.NoError(t, err)
			_, err = newClient(t, sim.Client().Transport).PublishResult(t.Context(), ref, tc.result)
			require.NoError(t, err)
			for _, e := range sim.Exchanges() {
				require.Empty(t, e.Notes)
			}
		})
	}
}

// TestOutboundExamples produces each documented body.
func TestOutboundExamples(t *testing.T) {
	branded := func(c *ashby.Config) {
		c.Labels = map[string]string{ashby.IDReportURL: "Open in Example Assessments"}
	}
	for file, tc := range map[string]struct {
		labels map[string]string
		result assessment.Result
	}{
		"assessment-update.request.started.json": {result: assessment.Result{
			Status: assessment.StatusInProgress, ReportURL: reportURL, At: at(1665680638489),
		}},
		"assessment-update.request.progress.json": {result: assessment.Result{
			Status: assessment.StatusInProgress, StatusText: "In progress", At: at(1665682438489),
			Attributes: []assessment.Attribute{{
				ID: "eta", Label: "Time left", Description: "Estimated minutes until the candidate is done",
				Value: assessment.Elapsed(45 * time.Minute),
			}},
		}},
		"assessment-update.request.completed.json": {result: assessment.Result{
			Status: assessment.StatusCompleted, ReportURL: reportURL, At: at(1665686038489),
			Score: assessment.ScoreOutOf(8.5, 10), Outcome: assessment.OutcomePassed,
			Attributes: []assessment.Attribute{
				{ID: "time-taken", Label: "Time taken", Value: assessment.Elapsed(72 * time.Minute)},
				{ID: "recording", Label: "Session recording", Value: assessment.Link("https://app.example-assessments.test/recordings/" + assessmentID)},
				{ID: "language", Label: "Language", Value: assessment.Text("TypeScript")},
			},
		}},
		"assessment-update.request.completed-pass-fail.json": {
			labels: map[string]string{ashby.IDReportURL: "Open in Example Assessments", ashby.IDResult: "Background check"},
			result: assessment.Result{
				Status: assessment.StatusCompleted, ReportURL: reportURL, At: at(1665686038489), Outcome: assessment.OutcomeFailed,
			},
		},
		"assessment-update.request.cancelled.json": {result: assessment.Result{
			Status: assessment.StatusCancelled, Reason: "Candidate withdrew", At: at(1665684238489),
		}},
	} {
		t.Run(file, func(t *testing.T) {
			server := play(answers(200, string(example(t, "assessment-update.response.success.json"))))
			client := newClient(t, server, branded, func(c *ashby.Config) {
				if tc.labels != nil {
					c.Labels = tc.labels
				}
			})
			receipt, err := client.PublishResult(t.Context(), ref, tc.result)
			require.NoError(t, err)
			requireEqual(t, assessment.Receipt{Outcome: assessment.ResultWritten, Attempts: 1}, receipt)
			require.Equal(t, "https://api.ashbyhq.com/assessment.update", server.seen[0].URL)
			requireSameJSON(t, example(t, file), []byte(server.seen[0].Body))
		})
	}
}

// What is known to be refused is refused before the network.
func TestValidation(t *testing.T) {
	attributes := func(ids ...string) assessment.Result {
		return done(func(r *assessment.Result) {
			for _, id := range ids {
				r.Attributes = append(r.Attributes, assessment.Attribute{ID: id, Label: "L", Value: assessment.Text("x")})
			}
		})
	}
	for name, tc := range map[string]struct {
		ref    assessment.OrderRef
		result assessment.Result
		want   []string
	}{
		"another vendor":        {assessment.OrderRef{Vendor: assessment.Kombo, Account: account, ID: "1"}, done(nil), []string{"ref.vendor"}},
		"another connection":    {assessment.OrderRef{Vendor: assessment.Ashby, Connection: "eu", Account: account, ID: "1"}, done(nil), []string{"ref.connection"}},
		"no ref":                {assessment.OrderRef{}, done(nil), []string{"ref.vendor", "ref.account", "ref.id"}},
		"no account":            {assessment.OrderRef{Vendor: assessment.Ashby, ID: "1"}, done(nil), []string{"ref.account"}},
		"nothing":               {ref, assessment.Result{}, []string{"status"}},
		"rejected":              {ref, assessment.Result{Status: assessment.StatusRejected}, []string{"status"}},
		"completed, no report":  {ref, assessment.Result{Status: assessment.StatusCompleted}, []string{"report_url"}},
		"relative report":       {ref, assessment.Result{Status: assessment.StatusOpen, ReportURL: "/r"}, []string{"report_url"}},
		"before 1970":           {ref, assessment.Result{Status: assessment.StatusOpen, At: time.Unix(-5, 0)}, []string{"at"}},
		"after 9999":            {ref, assessment.Result{Status: assessment.StatusOpen, At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{"at"}},
		"an ID twice":           {ref, attributes("a", "b", "a", "a"), []string{"attributes[2].id", "attributes[3].id"}},
		"an ID that is no text": {ref, attributes("\xff", "\xfe"), []string{"attributes[0].id", "attributes[1].id"}},
		"NaN": {ref, done(func(r *assessment.Result) {
			r.Score = &assessment.Score{Value: math.NaN()}
			r.Attributes = []assessment.Attribute{{Label: "x", Value: assessment.Number(math.Inf(1))}, {Value: assessment.Link("x")}}
		}), []string{"score.value", "attributes[0].value", "attributes[1].label", "attributes[1].value"}},
		"several at once": {assessment.OrderRef{Vendor: assessment.Ashby, Account: account}, func() assessment.Result {
			r := attributes("status", "x", "x")
			r.ReportURL = ""
			return r
		}(), []string{"ref.id", "attributes[0].id", "attributes[2].id", "report_url"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, written))
			client := newClient(t, server)
			_, err := client.PublishResult(t.Context(), tc.ref, tc.result)
			require.Equal(t, tc.want, paths(t, err))
			_, err = client.Preview(tc.ref, tc.result)
			require.Equal(t, tc.want, paths(t, err))
			require.Empty(t, server.seen)
		})
	}
	for _, id := range []string{
		ashby.IDStatus, ashby.IDReportURL, ashby.IDResult, ashby.IDResultText, ashby.IDResultMax, ashby.IDResultMin, ashby.IDPassed,
		ashby.IDCancelledReason, ashby.IDReason, ashby.IDSummary, ashby.IDStartedAt, ashby.IDCompletedAt,
	} {
		t.Run("reserved "+id, func(t *testing.T) {
			_, err := newClient(t, play(answers(200, written))).Preview(ref, attributes(id))
			require.Equal(t, []string{"attributes[0].id"}, paths(t, err))
		})
	}
}

// Ashby stores identifiers: a new name would be another datum there.
func TestIdentifiersNeverChange(t *testing.T) {
	require.Equal(t, []string{
		"status", "profile-url", "result", "result-text", "result-max", "result-min", "passed", "cancelled-reason", "reason", "summary", "started-at", "completed-at",
	}, []string{
		ashby.IDStatus, ashby.IDReportURL, ashby.IDResult, ashby.IDResultText, ashby.IDResultMax, ashby.IDResultMin, ashby.IDPassed,
		ashby.IDCancelledReason, ashby.IDReason, ashby.IDSummary, ashby.IDStartedAt, ashby.IDCompletedAt,
	})
}

func TestLabels(t *testing.T) {
	for name, labels := range map[string]map[string]string{
		"unknown": {"score": "Points"},
		"empty":   {ashby.IDResult: " "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ashby.New(ashby.Config{APIKey: testKey, Labels: labels})
			require.ErrorContains(t, err, "Labels")
		})
	}
	server := play(answers(200, written))
	labels := map[string]string{
		ashby.IDStatus: "S", ashby.IDReportURL: "U", ashby.IDResult: "R", ashby.IDResultMax: "Max", ashby.IDResultMin: "Min",
		ashby.IDPassed: "P", ashby.IDSummary: "Sum", ashby.IDReason: "Re", ashby.IDStartedAt: "SA", ashby.IDCompletedAt: "CA",
	}
	client := newClient(t, server, func(c *ashby.Config) { c.Labels = labels })
	labels[ashby.IDStatus] = "changed afterwards"
	_, err := client.PublishResult(t.Context(), ref, done(func(r *assessment.Result) {
		r.Score, r.Outcome, r.Summary, r.Reason = assessment.ScoreBetween(1, 0, 2), assessment.OutcomePassed, "s", "r"
		r.StartedAt, r.CompletedAt = at(moment), at(moment)
	}))
	require.NoError(t, err)
	for _, want := range []string{`"S"`, `"U"`, `"R"`, `"Max"`, `"Min"`, `"P"`, `"Sum"`, `"Re"`, `"SA"`, `"CA"`} {
		require.Contains(t, server.seen[0].Body, `"label":`+want)
	}
}

// Every common value can carry the description that Ashby shows; an attribute has
// its own.
func TestDescriptions(t *testing.T) {
	for name, descriptions := range map[string]map[string]string{
		"unknown": {"score": "Points"}, "empty": {ashby.IDResult: " "}, "no text": {ashby.IDResult: "a\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ashby.New(ashby.Config{APIKey: testKey, Descriptions: descriptions})
			require.ErrorContains(t, err, "Descriptions")
		})
	}
	server := play(answers(200, written))
	client := newClient(t, server, func(c *ashby.Config) {
		c.Descriptions = map[string]string{
			ashby.IDStatus: "where it stands", ashby.IDReportURL: "for recruiters", ashby.IDResult: "share of right answers",
			ashby.IDResultMax: "all of them", ashby.IDSummary: "by the examiner", ashby.IDCancelledReason: "as the candidate told",
		}
	})
	_, err := client.PublishResult(t.Context(), ref, done(func(r *assessment.Result) {
		r.Score, r.Summary = assessment.ScoreBetween(1, 0, 2), "s"
	}))
	require.NoError(t, err)
	requireSameJSON(t, []byte(body(
		`"assessment_status":`+described("where it stands", datum("status", "Status", "string", `"Completed"`)),
		`"assessment_profile_url":`+described("for recruiters", datum("profile-url", "Report", "url", `"`+reportURL+`"`)),
		result(described("share of right answers", datum("result", "Score", "numeric_score", "1"))),
		metadata(described("all of them", datum("result-max", "Max Score", "numeric_score", "2")), minScore("0"),
			described("by the examiner", datum("summary", "Summary", "string", `"s"`))),
	)), []byte(server.seen[0].Body))

	server = play(answers(200, written))
	client = newClient(t, server, func(c *ashby.Config) {
		c.Descriptions = map[string]string{ashby.IDResult: "the verdict", ashby.IDCancelledReason: "as the candidate told"}
	})
	_, err = client.PublishResult(t.Context(), ref, done(func(r *assessment.Result) { r.Outcome = assessment.OutcomePassed }))
	require.NoError(t, err)
	require.Contains(t, server.seen[0].Body, `"description":"the verdict"`)
	_, err = client.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusCancelled})
	require.NoError(t, err)
	require.Contains(t, server.seen[1].Body, `"description":"as the candidate told"`)
}
