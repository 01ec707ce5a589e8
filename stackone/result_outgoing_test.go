package stackone_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

func TestURLsAreWrittenAsURIs(t *testing.T) {
	const given, want = "https://example.com/r/Zoë?x=[1]", "https://example.com/r/Zo%C3%AB?x=%5B1%5D"
	r := completed()
	r.ReportURL = given
	r.Attributes = attribute(assessment.Link(given))
	r.Attachments = []assessment.Attachment{{Name: "a.pdf", URL: given}}
	body, _ := sent(t, r, "")
	require.Equal(t, want, body["result_url"])
	require.Equal(t, want, body["attachments"].([]any)[0].(map[string]any)["url"])
	require.Equal(t, "Role fit: "+want, body["summary"])
}

func TestTextThatBreaksIsRefused(t *testing.T) {
	client := newClient(t, play(answers(200, written)), behind(""))
	for path, change := range map[string]func(*assessment.Result){
		"summary":             func(r *assessment.Result) { r.Summary = "caf\xc3" },
		"status_text":         func(r *assessment.Result) { r.StatusText = "\x00" },
		"report_url":          func(r *assessment.Result) { r.ReportURL = "https://example.com/?score=100%" },
		"attributes[0].value": func(r *assessment.Result) { r.Attributes = attribute(assessment.Elapsed(-5)) },
		"passthrough.stackone": func(r *assessment.Result) {
			r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.StackOne: json.RawMessage(`{"a":"\u0000"}`)}
		},
		"completed_at": func(r *assessment.Result) { r.StartedAt, r.CompletedAt = utc(2026, 1, 2, 0, 0), utc(2026, 1, 1, 0, 0) },
	} {
		r := completed()
		change(&r)
		_, err := client.PublishResult(t.Context(), ref, r)
		require.Equal(t, []string{path}, paths(t, err))
	}
	bad := ref
	bad.ID = "a\xff"
	_, err := client.PublishResult(t.Context(), bad, completed())
	require.Equal(t, []string{"ref.id"}, paths(t, err))
	bad.ID = ".." // would change the path of the call
	_, err = client.PublishResult(t.Context(), bad, completed())
	require.Equal(t, []string{"ref.id"}, paths(t, err))

	odd := assessment.Package{Name: "a\xff", Description: "b\x00", Tests: []assessment.Test{{ID: "\xff", Name: "c\xc3", Description: "d\x00"}}}
	_, err = client.CreateBackgroundCheckPackage(t.Context(), account, odd, json.RawMessage("{\"a\":\"\xff\"}"))
	require.Equal(t, []string{"name", "description", "tests[0].id", "tests[0].name", "tests[0].description", "passthrough"}, paths(t, err))
	err = client.UpdateBackgroundCheckPackage(t.Context(), account, "p", stackone.PackageUpdate{Name: &odd.Name, Description: &odd.Description})
	require.Equal(t, []string{"name", "description"}, paths(t, err))
	_, err = client.Call(t.Context(), account, stackone.Request{Method: "POST", Path: []string{"x"}, Body: map[string]string{"a": "caf\xc3"}})
	require.Equal(t, []string{"body"}, paths(t, err))
}

func TestNumbersAndScales(t *testing.T) {
	zero := math.Copysign(0, -1)
	r := completed()
	r.Score = assessment.ScoreBetween(zero, zero, zero)
	r.Attributes = attribute(assessment.Number(zero))
	body, receipt := sent(t, r, "")
	requireEqual(t, map[string]any{"value": "0", "min": "0", "max": "0"}, body["score"].(map[string]any))
	require.Equal(t, "Role fit: 0", body["summary"])
	require.Equal(t, []string{"score: the scale has no length"}, receipt.Warnings)
}
