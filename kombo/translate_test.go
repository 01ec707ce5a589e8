package kombo_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

const (
	reportURL = "https://example.com/results/42"
	standIn   = "https://example.com/stand-in"
)

var finished = time.Date(2026, 6, 30, 14, 0, 0, 250e6, time.FixedZone("CEST", 2*60*60)) // 12:00:00.250 UTC

// done is a completed result; change fills in the rest.
func done(change func(*assessment.Result)) assessment.Result {
	r := assessment.Result{Status: assessment.StatusCompleted, ReportURL: reportURL, CompletedAt: finished}
	if change != nil {
		change(&r)
	}
	return r
}

// doneBody is what done is on the wire, with the given members added.
func doneBody(members string) string {
	return `{"status":"COMPLETED","result_url":"` + reportURL + `","completed_at":"2026-06-30T12:00:00.250Z"` + members + `}`
}

func text(label, value string) string {
	return fmt.Sprintf(`{"type":"TEXT","label":%q,"value":%q}`, label, value)
}

func attributes(items ...string) string { return `,"attributes":[` + strings.Join(items, ",") + `]` }

func lost(fields ...string) (all []assessment.Loss) {
	for _, f := range fields {
		all = append(all, assessment.Loss{Field: f})
	}
	return all
}

func kept(fields ...string) (all []assessment.Loss) {
	for _, f := range fields {
		all = append(all, assessment.Loss{Field: f, Kept: true})
	}
	return all
}

func one(a ...assessment.Attribute) func(*assessment.Result) {
	return func(r *assessment.Result) { r.Attributes = a }
}

// TestTranslation has a row for everything that a result can hold
// (https://docs.kombo.dev/assessment/v1/put-orders-assessment-order-id-result).
// The order behind it is Workday's unless another tool is named. The clock of
// the bubble stands at 2000-01-01T00:00:00Z.
func TestTranslation(t *testing.T) {
	sub := func(v assessment.SubResult) func(*assessment.Result) {
		return one(assessment.Attribute{ID: "s1", Label: "Part", Value: v})
	}
	for name, tc := range map[string]struct {
		tool   string
		result assessment.Result
		want   string
		losses []assessment.Loss
	}{
		"open": {
			result: assessment.Result{Status: assessment.StatusOpen},
			want:   `{"status":"OPEN","result_url":"` + standIn + `"}`,
		},
		"in progress": {
			result: assessment.Result{Status: assessment.StatusInProgress, At: finished},
			want:   `{"status":"OPEN","result_url":"` + standIn + `"}`,
		},
		"in progress with a report": {
			result: assessment.Result{Status: assessment.StatusInProgress, ReportURL: reportURL},
			want:   `{"status":"OPEN","result_url":"` + reportURL + `"}`,
		},
		"completed": {result: done(nil), want: doneBody("")},
		"cancelled": {
			result: assessment.Result{Status: assessment.StatusCancelled, CompletedAt: finished},
			want:   `{"status":"CANCELLED","result_url":"` + standIn + `","completed_at":"2026-06-30T12:00:00.250Z"}`,
		},
		"cancelled with a report": {
			result: assessment.Result{Status: assessment.StatusCancelled, CompletedAt: finished, ReportURL: reportURL},
			want:   `{"status":"CANCELLED","result_url":"` + reportURL + `","completed_at":"2026-06-30T12:00:00.250Z"}`,
		},
		"expired, also as text": {
			result: assessment.Result{Status: assessment.StatusExpired, CompletedAt: finished},
			want: `{"status":"CANCELLED","result_url":"` + standIn + `","completed_at":"2026-06-30T12:00:00.250Z"` +
				attributes(text("Status", "Expired")) + `}`,
			losses: kept("status"),
		},
		"expired with status text": {
			result: assessment.Result{Status: assessment.StatusExpired, CompletedAt: finished, StatusText: "No show"},
			want: `{"status":"CANCELLED","result_url":"` + standIn + `","completed_at":"2026-06-30T12:00:00.250Z"` +
				attributes(text("Status", "Expired: No show")) + `}`,
			losses: kept("status", "status_text"),
		},
		"a rejection written afterwards": {
			result: (&assessment.Rejection{Message: "No licences left", At: finished}).Result(),
			want: `{"status":"CANCELLED","result_url":"` + standIn + `","completed_at":"2026-06-30T12:00:00.250Z"` +
				attributes(text("Reason", "No licences left")) + `}`,
			losses: kept("reason"),
		},

		"status text": {
			result: done(func(r *assessment.Result) { r.StatusText = "Waiting for references" }),
			want:   doneBody(attributes(text("Status", "Waiting for references"))),
			losses: kept("status_text"),
		},
		"outcome passed": {
			result: done(func(r *assessment.Result) { r.Outcome = assessment.OutcomePassed }),
			want:   doneBody(attributes(text("Outcome", "Passed"))), losses: kept("outcome"),
		},
		"outcome failed": {
			result: done(func(r *assessment.Result) { r.Outcome = assessment.OutcomeFailed }),
			want:   doneBody(attributes(text("Outcome", "Failed"))), losses: kept("outcome"),
		},
		"summary and reason": {
			result: done(func(r *assessment.Result) { r.Summary, r.Reason = "Strong <b>&</b> \"calm\"", "Time over" }),
			want:   doneBody(attributes(text("Summary", "Strong <b>&</b> \"calm\""), text("Reason", "Time over"))),
			losses: kept("summary", "reason"),
		},

		"score": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(90, 100) }),
			want:   doneBody(`,"score":90,"max_score":100`),
		},
		"score keeps its decimal text": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(87.4, 100.5) }),
			want:   doneBody(`,"score":87.4,"max_score":100.5`),
		},
		"score of zero": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(0, 0) }),
			want:   doneBody(`,"score":0,"max_score":0`),
		},
		"score below zero": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(-3.5, -1) }),
			want:   doneBody(`,"score":-3.5,"max_score":-1`),
		},
		"score without max": {
			result: done(func(r *assessment.Result) { r.Score = &assessment.Score{Value: 3} }), want: doneBody(`,"score":3`),
		},
		"score above max": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(110, 100) }), want: doneBody(`,"score":110,"max_score":100`),
		},
		"score from zero": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreBetween(5, 0, 10) }),
			want:   doneBody(`,"score":5,"max_score":10`),
		},
		"score from elsewhere": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreBetween(5, 1, 10) }),
			want:   doneBody(`,"score":5,"max_score":10`), losses: lost("score.min"),
		},
		"score from below zero": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreBetween(0, -10, 10) }),
			want:   doneBody(`,"score":0,"max_score":10`), losses: lost("score.min"),
		},
		"score with a label": {
			result: done(func(r *assessment.Result) { r.Score = &assessment.Score{Value: 3, Label: "Stars"} }),
			want:   doneBody(`,"score":3`), losses: lost("score.label"),
		},
		"score in words": {
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreText("B2") }),
			want:   doneBody(attributes(text("Score", "B2"))), losses: kept("score.text"),
		},
		"score in words on a scale with a name": {
			result: done(func(r *assessment.Result) { r.Score = &assessment.Score{Text: "B2", Label: "CEFR"} }),
			want:   doneBody(attributes(text("CEFR", "B2"))), losses: kept("score.text"),
		},
		"score in words beside a number": {
			result: done(func(r *assessment.Result) { r.Score = &assessment.Score{Value: 0, Max: ptr(10.0), Text: "Consider"} }),
			want:   doneBody(`,"score":0,"max_score":10` + attributes(text("Score", "Consider"))), losses: kept("score.text"),
		},
		"sub-result in words": {
			result: done(sub(assessment.SubResult{Score: assessment.ScoreText("B2")})),
			want:   doneBody(attributes(text("Part", "B2, completed"))), losses: kept("attributes[0]"),
		},
		"sub-result in words beside a number": {
			result: done(sub(assessment.SubResult{Score: &assessment.Score{Value: 9, Max: ptr(10.0), Text: "good"}})),
			want:   doneBody(attributes(`{"type":"SUB_RESULT","id":"s1","label":"Part","score":{"value":9,"max":10},"status":"COMPLETED"}`)),
			losses: lost("attributes[0].value.score.text"),
		},
		"interim score": {
			result: assessment.Result{Status: assessment.StatusInProgress, Score: assessment.ScoreOutOf(1, 3)},
			want:   `{"status":"OPEN","result_url":"` + standIn + `","score":1,"max_score":3}`,
		},

		"completed at from At": {
			result: assessment.Result{Status: assessment.StatusCompleted, ReportURL: reportURL, At: finished}, want: doneBody(""),
		},
		"completed at before At": {
			result: done(func(r *assessment.Result) { r.At = finished.Add(time.Hour) }), want: doneBody(""),
		},
		"completed now": {
			result: completed(),
			want:   `{"status":"COMPLETED","result_url":"` + reportURL + `","completed_at":"2000-01-01T00:00:00.000Z"}`,
		},
		"cancelled now": {
			result: assessment.Result{Status: assessment.StatusCancelled},
			want:   `{"status":"CANCELLED","result_url":"` + standIn + `","completed_at":"2000-01-01T00:00:00.000Z"}`,
		},
		"started": {
			result: done(func(r *assessment.Result) { r.StartedAt = finished }), want: doneBody(""), losses: lost("started_at"),
		},
		"completed at of an interim update": {
			result: assessment.Result{Status: assessment.StatusInProgress, CompletedAt: finished},
			want:   `{"status":"OPEN","result_url":"` + standIn + `"}`, losses: lost("completed_at"),
		},

		"text": {
			result: done(one(assessment.Attribute{ID: "x", Label: "Fit", Value: assessment.Text("Äußerst \"gut\"\n✓")})),
			want:   doneBody(attributes(text("Fit", "Äußerst \"gut\"\n✓"))),
		},
		"empty text": {
			result: done(one(assessment.Attribute{Label: "Remark", Value: assessment.Text("")})),
			want:   doneBody(attributes(text("Remark", ""))),
		},
		"link": {
			result: done(one(assessment.Attribute{Label: "Video", Value: assessment.Link("https://example.com/v?a=1&b=2")})),
			want:   doneBody(attributes(text("Video", "https://example.com/v?a=1&b=2"))), losses: kept("attributes[0]"),
		},
		"number": {
			result: done(one(
				assessment.Attribute{Label: "A", Value: assessment.Number(87.4)}, assessment.Attribute{Label: "B", Value: assessment.Number(math.Copysign(0, -1))},
				assessment.Attribute{Label: "C", Value: assessment.Number(1e21)})),
			want:   doneBody(attributes(text("A", "87.4"), text("B", "0"), text("C", "1000000000000000000000"))),
			losses: kept("attributes[0]", "attributes[1]", "attributes[2]"),
		},
		"flag": {
			result: done(one(assessment.Attribute{Label: "A", Value: assessment.Flag(true)}, assessment.Attribute{Label: "B", Value: assessment.Flag(false)})),
			want:   doneBody(attributes(text("A", "Yes"), text("B", "No"))), losses: kept("attributes[0]", "attributes[1]"),
		},
		"elapsed": {
			result: done(one(
				assessment.Attribute{Label: "A", Value: assessment.Elapsed(time.Hour + 2*time.Minute + 3*time.Second)},
				assessment.Attribute{Label: "B", Value: assessment.Elapsed(0)},
				assessment.Attribute{Label: "C", Value: assessment.Elapsed(59*time.Second + 600*time.Millisecond)},
				assessment.Attribute{Label: "D", Value: assessment.Elapsed(25 * time.Hour)},
				assessment.Attribute{Label: "F", Value: assessment.Elapsed(500 * time.Millisecond)},
				assessment.Attribute{Label: "G", Value: assessment.Elapsed(math.MaxInt64)})),
			want: doneBody(attributes(text("A", "1 h 2 min 3 s"), text("B", "0s"), text("C", "1 min"),
				text("D", "25 h"), text("F", "500ms"), text("G", "2562047 h 47 min 17 s"))),
			losses: kept("attributes[0]", "attributes[1]", "attributes[2]", "attributes[3]", "attributes[4]", "attributes[5]"),
		},
		"description": {
			result: done(one(assessment.Attribute{Label: "A", Description: "help", Value: assessment.Text("x")})),
			want:   doneBody(attributes(text("A", "x"))), losses: lost("attributes[0].description"),
		},
		"what has no field of its own comes before the attributes": {
			result: done(func(r *assessment.Result) {
				r.StatusText, r.Outcome, r.Summary, r.Reason = "s", assessment.OutcomePassed, "su", "re"
				r.Attributes = []assessment.Attribute{{Label: "A", Value: assessment.Text("x")}}
			}),
			want:   doneBody(attributes(text("Status", "s"), text("Outcome", "Passed"), text("Summary", "su"), text("Reason", "re"), text("A", "x"))),
			losses: kept("status_text", "outcome", "summary", "reason"),
		},

		"sub-result": {
			result: done(sub(assessment.SubResult{Score: assessment.ScoreOutOf(9.5, 10), Status: assessment.StatusCompleted})),
			want:   doneBody(attributes(`{"type":"SUB_RESULT","id":"s1","label":"Part","score":{"value":9.5,"max":10},"status":"COMPLETED"}`)),
		},
		"sub-result with the status of the whole": {
			result: done(sub(assessment.SubResult{Score: assessment.ScoreOutOf(0, 1)})),
			want:   doneBody(attributes(`{"type":"SUB_RESULT","id":"s1","label":"Part","score":{"value":0,"max":1},"status":"COMPLETED"}`)),
		},
		"sub-result cancelled": {
			result: done(sub(assessment.SubResult{Score: assessment.ScoreOutOf(-1, 10), Status: assessment.StatusCancelled})),
			want:   doneBody(attributes(`{"type":"SUB_RESULT","id":"s1","label":"Part","score":{"value":-1,"max":10},"status":"CANCELLED"}`)),
		},
		"sub-result expired": {
			result: done(sub(assessment.SubResult{Score: assessment.ScoreOutOf(1, 10), Status: assessment.StatusExpired})),
			want:   doneBody(attributes(`{"type":"SUB_RESULT","id":"s1","label":"Part","score":{"value":1,"max":10},"status":"CANCELLED"}`)),
			losses: lost("attributes[0].value.status"),
		},
		"sub-result without an id": {
			result: done(one(assessment.Attribute{Label: "Part", Value: assessment.SubResult{Score: assessment.ScoreOutOf(1, 10)}})),
			want:   doneBody(attributes(`{"type":"SUB_RESULT","id":"Part","label":"Part","score":{"value":1,"max":10},"status":"COMPLETED"}`)),
		},
		"sub-result with a scale of its own": {
			result: done(sub(assessment.SubResult{Score: &assessment.Score{Value: 3, Min: ptr(1.0), Max: ptr(5.0), Label: "Stars"}})),
			want:   doneBody(attributes(`{"type":"SUB_RESULT","id":"s1","label":"Part","score":{"value":3,"max":5},"status":"COMPLETED"}`)),
			losses: lost("attributes[0].value.score.min", "attributes[0].value.score.label"),
		},
		"sub-result not final": {
			result: done(sub(assessment.SubResult{Score: assessment.ScoreOutOf(87.4, 100), Status: assessment.StatusInProgress})),
			want:   doneBody(attributes(text("Part", "87.4 of 100, in progress"))), losses: kept("attributes[0]"),
		},
		"sub-result of an interim update": {
			result: assessment.Result{Status: assessment.StatusOpen, Attributes: []assessment.Attribute{{Label: "Part", Value: assessment.SubResult{}}}},
			want:   `{"status":"OPEN","result_url":"` + standIn + `"` + attributes(text("Part", "open")) + `}`, losses: kept("attributes[0]"),
		},
		"sub-result without a score": {
			result: done(sub(assessment.SubResult{})),
			want:   doneBody(attributes(text("Part", "completed"))), losses: kept("attributes[0]"),
		},
		"sub-result without max": {
			result: done(sub(assessment.SubResult{Score: &assessment.Score{Value: 3}})),
			want:   doneBody(attributes(text("Part", "3, completed"))), losses: kept("attributes[0]"),
		},
		"sub-result with max below 1": { // max is at least 1 in the schema
			result: done(sub(assessment.SubResult{Score: assessment.ScoreOutOf(0.5, 0.99)})),
			want:   doneBody(attributes(text("Part", "0.5 of 0.99, completed"))), losses: kept("attributes[0]"),
		},

		"attachments both ways": {
			result: done(func(r *assessment.Result) {
				r.Attachments = []assessment.Attachment{
					{Name: "a.pdf", ContentType: "application/pdf", Data: []byte{0xfb, 0xff, 0xfe, 0x00}}, // +/ and padding
					{Name: "b.html", URL: "https://files.example.com/b?sig=a&b=%3Cc%3E"},
					{Name: "c.docx", ContentType: "application/vnd.ms-word.document-12", URL: "https://files.example.com/c"},
				}
			}),
			want: doneBody(`,"attachments":[{"name":"a.pdf","content_type":"application/pdf","data":"+//+AA=="},
				{"name":"b.html","data_url":"https://files.example.com/b?sig=a&b=%3Cc%3E"},
				{"name":"c.docx","content_type":"application/vnd.ms-word.document-12","data_url":"https://files.example.com/c"}]`),
		},
		"passthrough": {
			result: done(func(r *assessment.Result) {
				r.Passthrough = map[assessment.Vendor]json.RawMessage{
					assessment.Kombo:    json.RawMessage(` {"smartrecruiters": {"scoreLabel": "Top <5 %>"}} `),
					assessment.StackOne: json.RawMessage(`{"other":1}`),
				}
			}),
			want: doneBody(`,"remote_fields":{"smartrecruiters":{"scoreLabel":"Top <5 %>"}}`),
		},
		"passthrough of another vendor": {
			result: done(func(r *assessment.Result) {
				r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Ashby: json.RawMessage(`{}`)}
			}),
			want: doneBody(""),
		},

		// https://docs.kombo.dev/assessment/connectors
		"avature": {
			tool: "avature",
			result: done(func(r *assessment.Result) {
				r.Score, r.Summary = assessment.ScoreOutOf(1, 2), "s"
				r.Attachments = []assessment.Attachment{{Name: "a.pdf", URL: "https://example.com/a.pdf"}}
			}),
			want: doneBody(`,"score":1,"max_score":2` + attributes(text("Summary", "s")) +
				`,"attachments":[{"name":"a.pdf","data_url":"https://example.com/a.pdf"}]`),
			losses: append(kept("summary"), lost("attributes", "attachments")...),
		},
		"avature, score alone": {
			tool:   "avature",
			result: done(func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(1, 2) }),
			want:   doneBody(`,"score":1,"max_score":2`),
		},
		"greenhouse, final": {tool: "greenhouse", result: done(nil), want: doneBody("")},
		"greenhouse, cancelled": {
			tool:   "greenhouse",
			result: assessment.Result{Status: assessment.StatusCancelled, CompletedAt: finished},
			want:   `{"status":"CANCELLED","result_url":"` + standIn + `","completed_at":"2026-06-30T12:00:00.250Z"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tool := tc.tool
				if tool == "" {
					tool = "workday"
				}
				server := play(answers(200, written))
				client := newClient(t, server, withStandIn)
				preview, err := client.Preview(refTo(tool), tc.result)
				require.NoError(t, err)
				require.Empty(t, server.seen, "a preview sends nothing")

				receipt, err := client.PublishResult(t.Context(), refTo(tool), tc.result)
				require.NoError(t, err)
				require.Len(t, server.seen, 1)
				requireSameJSON(t, []byte(tc.want), []byte(server.seen[0].Body))
				requireEqual(t, tc.losses, withoutReasons(t, receipt.Losses))

				preview.Attempts = receipt.Attempts
				requireEqual(t, preview, receipt)
			})
		})
	}
}

// withoutReasons checks that every loss has a reason, and takes it off.
func withoutReasons(t testing.TB, losses []assessment.Loss) []assessment.Loss {
	t.Helper()
	var all []assessment.Loss
	for _, l := range losses {
		require.NotEmpty(t, l.Reason, l.Field)
		all = append(all, assessment.Loss{Field: l.Field, Kept: l.Kept})
	}
	return all
}
