package kombo_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// The schema of a result wants a URI (format: uri) for the report and for a
// file; what the text of an attribute says is for people.
func TestURLsAreWrittenAsURIs(t *testing.T) {
	const given, want = "https://example.com/r/Zoë?x=[1]", "https://example.com/r/Zo%C3%AB?x=%5B1%5D"
	server := play(answers(200, written))
	receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), done(func(r *assessment.Result) {
		r.ReportURL = given
		r.Attributes = []assessment.Attribute{{Label: "L", Value: assessment.Link(given)}}
		r.Attachments = []assessment.Attachment{{Name: "a.pdf", URL: given}}
	}))
	require.NoError(t, err)
	require.Empty(t, receipt.Warnings)
	requireSameJSON(t, []byte(`{"status":"COMPLETED","result_url":"`+want+`","completed_at":"2026-06-30T12:00:00.250Z"`+
		attributes(text("L", want))+`,"attachments":[{"name":"a.pdf","data_url":"`+want+`"}]}`), []byte(server.seen[0].Body))

	server = play(answers(200, written))
	client := newClient(t, server, func(c *kombo.Config) { c.ResultURL = "https://example.com/für/alle" })
	_, err = client.PublishResult(t.Context(), refTo("workday"), assessment.Result{Status: assessment.StatusOpen})
	require.NoError(t, err)
	require.Contains(t, server.seen[0].Body, `"https://example.com/f%C3%BCr/alle"`)

	_, err = kombo.New(kombo.Config{APIKey: testKey, ResultURL: "https://example.com/?a=100%"})
	require.ErrorContains(t, err, "ResultURL")
}

func TestTextThatBreaksIsRefused(t *testing.T) {
	client := newClient(t, play(answers(200, written)))
	for path, change := range map[string]func(*assessment.Result){
		"summary":             func(r *assessment.Result) { r.Summary = "caf\xc3" },
		"reason":              func(r *assessment.Result) { r.Reason = "\x00" },
		"report_url":          func(r *assessment.Result) { r.ReportURL = "https://example.com/?score=100%" },
		"attributes[0].id":    one(assessment.Attribute{ID: "\xff", Label: "L", Value: assessment.SubResult{}}),
		"attributes[0].value": one(assessment.Attribute{Label: "L", Value: assessment.Link("https://example.com/\xff")}),
		"passthrough.kombo": func(r *assessment.Result) {
			r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage("{\"a\":\"\xff\"}")}
		},
		"completed_at": func(r *assessment.Result) { r.StartedAt = r.CompletedAt.Add(1) },
	} {
		_, err := client.PublishResult(t.Context(), refTo("workday"), done(change))
		require.Equal(t, []string{path}, paths(t, err))
	}
	ref := refTo("workday")
	ref.ID = "a\x00"
	_, err := client.PublishResult(t.Context(), ref, completed())
	require.Equal(t, []string{"ref.id"}, paths(t, err))
	_, err = client.SetPackages(t.Context(), integration, []assessment.Package{{ID: "a\xff", Name: "b\x00", Description: "c\xc3", Type: assessment.SkillsTest}})
	require.Equal(t, []string{"packages[0].id", "packages[0].name", "packages[0].description"}, paths(t, err))
	_, err = client.Call(t.Context(), integration, kombo.Request{Method: "PUT", Path: []string{"x"}, Body: map[string]string{"a": "caf\xc3"}})
	require.Equal(t, []string{"body"}, paths(t, err))
}

// Ids tell the parts of a test apart.
func TestIDsOfSubResultsDiffer(t *testing.T) {
	part := func(id, label string) assessment.Attribute {
		return assessment.Attribute{ID: id, Label: label, Value: assessment.SubResult{Score: assessment.ScoreOutOf(1, 2)}}
	}
	server := play(answers(200, written))
	client := newClient(t, server)
	_, err := client.PublishResult(t.Context(), refTo("workday"), done(one(
		part("", "Coding"), part("", "Coding"), part("Coding-2", "Go"), part("", "Go"),
		assessment.Attribute{ID: "Coding-2", Label: "No part", Value: assessment.Text("x")})))
	require.NoError(t, err)
	var got struct{ Attributes []struct{ ID string } }
	require.NoError(t, json.Unmarshal([]byte(server.seen[0].Body), &got))
	var ids []string
	for _, a := range got.Attributes {
		ids = append(ids, a.ID)
	}
	require.Equal(t, []string{"Coding", "Coding-3", "Coding-2", "Go", ""}, ids)

	_, err = client.PublishResult(t.Context(), refTo("workday"), done(one(part("a", "A"), part("a", "B"))))
	require.Equal(t, []string{"attributes[1].id"}, paths(t, err))
}

func TestNumbersNamesAndScales(t *testing.T) {
	zero := math.Copysign(0, -1)
	server := play(answers(200, written))
	client := newClient(t, server)
	receipt, err := client.PublishResult(t.Context(), refTo("workday"), done(func(r *assessment.Result) {
		r.Score = assessment.ScoreBetween(11, zero, 10)
		r.Attributes = []assessment.Attribute{
			{ID: "p", Label: "P", Value: assessment.SubResult{Score: assessment.ScoreOutOf(zero, 1)}},
			{Label: "Q", Value: assessment.SubResult{Score: &assessment.Score{Value: zero}}},
		}
		r.Attachments = []assessment.Attachment{
			{Name: "../../x.pdf", URL: "https://example.com/x"},
			{Name: "re\r\nport", ContentType: "application/pdf", Data: []byte("x")},
		}
	}))
	require.NoError(t, err)
	requireSameJSON(t, []byte(doneBody(`,"score":11,"max_score":10`+attributes(
		`{"type":"SUB_RESULT","id":"p","label":"P","score":{"value":0,"max":1},"status":"COMPLETED"}`, text("Q", "0, completed"))+
		`,"attachments":[{"name":"x.pdf","data_url":"https://example.com/x"},
			{"name":"report.pdf","content_type":"application/pdf","data":"eA=="}]`)), []byte(server.seen[0].Body))
	require.Equal(t, []string{
		"score: outside its scale",
		"attachments[0].name: sent without path and control characters",
		"attachments[1].name: sent without path and control characters",
		"attachments[1].name: sent with the extension .pdf of its content type",
	}, receipt.Warnings)

	_, err = client.PublishResult(t.Context(), refTo("workday"), done(func(r *assessment.Result) {
		r.Attachments = []assessment.Attachment{{Name: "../", URL: "https://example.com/x"}}
	}))
	require.Equal(t, []string{"attachments[0].name"}, paths(t, err))
}
