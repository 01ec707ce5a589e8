package assessment_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func domainFullResult() assessment.Result {
	return assessment.Result{
		Status:      assessment.StatusCompleted,
		StatusText:  "Reviewed",
		Outcome:     assessment.OutcomePassed,
		Score:       &assessment.Score{Value: 87.4, Min: new(float64), Max: domainFloat(100), Label: "Percentage"},
		ReportURL:   "https://provider.example.com/reports/1?sig=a&b",
		Summary:     "Strong in <generics>",
		Reason:      "none",
		At:          time.Date(2026, 6, 30, 12, 0, 0, 500_000_000, time.UTC),
		StartedAt:   time.Date(2026, 6, 29, 8, 0, 0, 0, time.UTC),
		CompletedAt: time.Date(2026, 6, 30, 11, 59, 59, 123_456_789, time.UTC),
		Attributes: []assessment.Attribute{
			{ID: "language", Label: "Language", Description: "As chosen by the candidate", Value: assessment.Text("Go")},
			{ID: "notes", Label: "Notes", Value: assessment.Text("")},
			{ID: "video", Label: "Recording", Value: assessment.Link("https://provider.example.com/videos/1")},
			{ID: "accuracy", Label: "Accuracy", Value: assessment.Number(87.4)},
			{ID: "mistakes", Label: "Mistakes", Value: assessment.Number(0)},
			{ID: "certified", Label: "Certified", Value: assessment.Flag(true)},
			{ID: "cheated", Label: "Cheated", Value: assessment.Flag(false)},
			{ID: "took", Label: "Time taken", Value: assessment.Elapsed(time.Hour + 2*time.Minute + 3500*time.Millisecond)},
			{ID: "paused", Label: "Paused", Value: assessment.Elapsed(0)},
			{ID: "part-1", Label: "Part one", Value: assessment.SubResult{
				Score: assessment.ScoreOutOf(0, 10), Status: assessment.StatusCompleted,
			}},
			{Label: "Part two", Value: assessment.SubResult{Status: assessment.StatusCancelled}},
		},
		Attachments: []assessment.Attachment{
			{Name: "report.pdf", ContentType: "application/pdf", URL: "https://provider.example.com/report.pdf"},
			{Name: "raw.bin", ContentType: "application/x-raw", Data: []byte{0, 1, 0xfe, 0xff}},
		},
		Passthrough: map[assessment.Vendor]json.RawMessage{
			assessment.Kombo:    json.RawMessage(`{"recruitee":{"subtitle":"87.4 of 100"}}`),
			assessment.StackOne: json.RawMessage(`{"id":9007199254740993,"list":[1,null]}`),
		},
	}
}

// domainWordsResult has what came after the first form: verdicts in words, and
// attachments that the host keeps.
func domainWordsResult() assessment.Result {
	beside := assessment.ScoreOutOf(0, 5)
	beside.Text = "Consider"
	return assessment.Result{
		Status: assessment.StatusCompleted,
		Score:  assessment.ScoreText("B2"),
		Attributes: []assessment.Attribute{
			{Label: "Interview", Value: assessment.SubResult{Score: beside}},
			{Label: "English", Value: assessment.SubResult{Score: &assessment.Score{Text: "N/A", Label: "CEFR"}}},
		},
		Attachments: []assessment.Attachment{{Name: "report.pdf", ContentType: "application/pdf", Ref: "s3://reports/1"}},
	}
}

func domainFloat(v float64) *float64 { return &v }

// See TestOrderJSON about the files.
func TestResultJSON(t *testing.T) {
	for _, test := range []struct {
		file    string
		want    assessment.Result
		current bool
	}{
		{"testdata/result_full.v1.json", domainFullResult(), true},
		{"testdata/result_words.v2.json", domainWordsResult(), true},
		{"testdata/result_minimal.v1.json", assessment.Result{Status: assessment.StatusInProgress}, true},
	} {
		t.Run(test.file, func(t *testing.T) {
			text := domainFile(t, test.file)
			var got assessment.Result
			require.NoError(t, json.Unmarshal(text, &got))
			domainRequireEqual(t, test.want, got)
			if test.current {
				require.Equal(t, string(text), domainIndent(t, test.want), "encoded")
				require.Equal(t, string(text), domainIndent(t, got), "decoded and encoded again")
			}
		})
	}
}

func TestResultJSONTolerates(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want assessment.Result
	}{
		"nothing": {`{}`, assessment.Result{}},
		"unknown fields": {
			`{"later":1,"score":{"value":1,"later":2},"attributes":[{"label":"l","kind":"sub_result","value":{"later":3},"later":4}],
			  "attachments":[{"name":"n","later":5}]}`,
			assessment.Result{
				Score:       &assessment.Score{Value: 1},
				Attributes:  []assessment.Attribute{{Label: "l", Value: assessment.SubResult{}}},
				Attachments: []assessment.Attachment{{Name: "n"}},
			},
		},
		"nulls": {
			`{"status":null,"score":null,"at":null,"started_at":null,"attributes":null,"attachments":null,"passthrough":null}`,
			assessment.Result{},
		},
		"unknown enum values": {
			`{"status":"paused","outcome":"maybe","attributes":[{"label":"l","kind":"sub_result","value":{"status":"late"}}],
			  "passthrough":{"zoho":{}}}`,
			assessment.Result{
				Status: "paused", Outcome: "maybe",
				Attributes:  []assessment.Attribute{{Label: "l", Value: assessment.SubResult{Status: "late"}}},
				Passthrough: map[assessment.Vendor]json.RawMessage{"zoho": json.RawMessage(`{}`)},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got assessment.Result
			require.NoError(t, json.Unmarshal([]byte(test.text), &got))
			domainRequireEqual(t, test.want, got)
			again, err := json.Marshal(got)
			require.NoError(t, err)
			var second assessment.Result
			require.NoError(t, json.Unmarshal(again, &second))
			domainRequireEqual(t, test.want, second, domainEmpty())
		})
	}
}

func TestResultJSONRefusesWhatIsNotANumber(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for name, r := range map[string]assessment.Result{
			"value":      {Score: &assessment.Score{Value: v}},
			"min":        {Score: assessment.ScoreBetween(1, v, 2)},
			"max":        {Score: assessment.ScoreOutOf(1, v)},
			"number":     {Attributes: []assessment.Attribute{{Label: "l", Value: assessment.Number(v)}}},
			"sub-result": {Attributes: []assessment.Attribute{{Label: "l", Value: assessment.SubResult{Score: &assessment.Score{Value: v}}}}},
		} {
			_, err := json.Marshal(r)
			require.Error(t, err, "%s %v", name, v)
		}
	}
}

func TestScores(t *testing.T) {
	outOf := assessment.ScoreOutOf(0, 10)
	require.Zero(t, outOf.Value)
	require.Nil(t, outOf.Min)
	require.Equal(t, 10.0, *outOf.Max)

	between := assessment.ScoreBetween(-1.5, -2, 0)
	require.Equal(t, -1.5, between.Value)
	require.Equal(t, -2.0, *between.Min)
	require.Zero(t, *between.Max)
}

func TestScoreInWords(t *testing.T) {
	require.Equal(t, &assessment.Score{Text: "B2"}, assessment.ScoreText("B2"))
	for _, test := range []struct {
		score *assessment.Score
		words bool
	}{
		{nil, false},
		{assessment.ScoreText("B2"), true},
		{&assessment.Score{Text: "B2", Label: "CEFR"}, true},
		{&assessment.Score{}, false},
		{&assessment.Score{Value: 1, Text: "B2"}, false},
		{&assessment.Score{Max: domainFloat(5), Text: "B2"}, false},
		{&assessment.Score{Min: domainFloat(0), Text: "B2"}, false},
	} {
		require.Equal(t, test.words, test.score.InWords(), "%#v", test.score)
	}
}

// A release that does not know words must not take a verdict in words for a 0: it
// has no value in JSON, which that release refuses.
func TestScoreInWordsHasNoValue(t *testing.T) {
	text, err := json.Marshal(assessment.ScoreText("B2"))
	require.NoError(t, err)
	require.Equal(t, `{"text":"B2"}`, string(text))
	for _, bad := range []string{`{}`, `{"label":"x"}`, `{"text":""}`, `{"text":"B2","max":5}`, `{"value":null,"min":0}`, `{"value":"1"}`} {
		var s assessment.Score
		require.Error(t, json.Unmarshal([]byte(bad), &s), bad)
	}
	var s assessment.Score
	require.NoError(t, json.Unmarshal([]byte(`{"value":0,"text":"B2"}`), &s))
	require.Equal(t, assessment.Score{Text: "B2"}, s)
}

func TestResultString(t *testing.T) {
	require.Equal(t, `result (status "completed", 11 attributes, 2 attachments)`, domainFullResult().String())
}
