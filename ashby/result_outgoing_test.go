package ashby_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

func TestURLsAreWrittenAsURIs(t *testing.T) {
	const given, want = "https://example.com/r/Zoë?x=[1]", `"https://example.com/r/Zo%C3%AB?x=%5B1%5D"`
	server := play(answers(200, written))
	_, err := newClient(t, server).PublishResult(t.Context(), ref, done(func(r *assessment.Result) {
		r.ReportURL = given
		r.Attributes = []assessment.Attribute{{ID: "l", Label: "L", Value: assessment.Link(given)}}
		r.Attachments = []assessment.Attachment{{Name: "a.pdf", URL: given}}
	}))
	require.NoError(t, err)
	requireSameJSON(t, []byte(body(status("Completed"), `"assessment_profile_url":`+datum("profile-url", "Report", "url", want), completedWord,
		metadata(datum("l", "L", "url", want), datum("a-pdf", "a.pdf", "url", want)))), []byte(server.seen[0].Body))
}

func TestTextThatBreaksIsRefused(t *testing.T) {
	client := newClient(t, play(answers(200, written)))
	for path, change := range map[string]func(*assessment.Result){
		"summary":                   func(r *assessment.Result) { r.Summary = "caf\xc3" },
		"status_text":               func(r *assessment.Result) { r.StatusText = "\x00" },
		"report_url":                func(r *assessment.Result) { r.ReportURL = "https://example.com/?score=100%" },
		"attributes[0].value":       one(assessment.Attribute{Label: "L", Value: assessment.Elapsed(-5 * time.Minute)}),
		"attributes[0].description": one(assessment.Attribute{Label: "L", Description: "\xff", Value: assessment.Text("")}),
		"completed_at":              func(r *assessment.Result) { r.StartedAt, r.CompletedAt = at(moment), at(moment-1) },
	} {
		_, err := client.PublishResult(t.Context(), ref, done(change))
		require.Equal(t, []string{path}, paths(t, err))
	}
	bad := ref
	bad.ID = "a\xff"
	_, err := client.PublishResult(t.Context(), bad, done(nil))
	require.Equal(t, []string{"ref.id"}, paths(t, err))
	odd := added
	odd.CandidateID, odd.PartnerID, odd.Package.Name = "a\xff", "b\x00", "c\xc3"
	_, err = client.AddCompleted(t.Context(), account, odd)
	require.Equal(t, []string{"partner_id", "candidate_id", "package.name"}, paths(t, err))
	_, err = client.Call(t.Context(), account, ashby.Request{Operation: "x.y", Body: map[string]string{"a": "caf\xc3"}})
	require.Equal(t, []string{"body"}, paths(t, err))
}

func TestNumbersNamesAndScales(t *testing.T) {
	zero := math.Copysign(0, -1)
	server := play(answers(200, written))
	receipt, err := newClient(t, server).PublishResult(t.Context(), ref, done(func(r *assessment.Result) {
		r.Score = assessment.ScoreOutOf(zero, zero)
		r.Attributes = []assessment.Attribute{
			{ID: "n", Label: "N", Value: assessment.Number(zero)},
			{ID: "p", Label: "P", Value: assessment.SubResult{Score: assessment.ScoreBetween(zero, zero, 1)}},
		}
		r.Attachments = []assessment.Attachment{{Name: "../../x\r\n.pdf", URL: "https://example.com/x"}}
	}))
	require.NoError(t, err)
	require.Contains(t, server.seen[0].Body, `"value":0`)
	require.NotContains(t, server.seen[0].Body, `-0`)
	require.Contains(t, server.seen[0].Body, `"identifier":"x-pdf","label":"x.pdf"`)
	require.Equal(t, []string{
		"score: the scale has no length", "attachments[0].name: sent without path and control characters",
	}, receipt.Warnings)
}
