package stackone_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

func completed() assessment.Result {
	return assessment.Result{Status: assessment.StatusCompleted, ReportURL: "https://example.com/results/42"}
}

// sent publishes a result and returns the body that StackOne got.
func sent(t testing.TB, r assessment.Result, ats string) (map[string]any, assessment.Receipt) {
	t.Helper()
	server := play(answers(200, written))
	receipt, err := newClient(t, server, behind(ats)).PublishResult(t.Context(), ref, r)
	require.NoError(t, err)
	require.Len(t, server.seen, 1)
	return decoded(t, []byte(server.seen[0].Body)).(map[string]any), receipt
}

func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		status  assessment.Status
		outcome assessment.Outcome
		text    string
		want    map[string]any
		losses  []string
	}{
		{assessment.StatusOpen, "", "", map[string]any{"value": "initiated"}, nil},
		{assessment.StatusInProgress, "", "", map[string]any{"value": "in_progress"}, nil},
		{assessment.StatusCompleted, "", "", map[string]any{"value": "completed"}, nil},
		{assessment.StatusCompleted, assessment.OutcomePassed, "", map[string]any{"value": "passed"}, nil},
		{assessment.StatusCompleted, assessment.OutcomeFailed, "", map[string]any{"value": "failed"}, nil},
		{assessment.StatusCancelled, "", "", map[string]any{"value": "cancelled"}, nil},
		{assessment.StatusExpired, "", "", map[string]any{"value": "expired"}, nil},
		{assessment.StatusInProgress, "", "Waiting for references", map[string]any{"value": "in_progress", "source_value": "Waiting for references"}, nil},
		{assessment.StatusCompleted, assessment.OutcomePassed, "Passed", map[string]any{"value": "passed", "source_value": "Passed"}, nil},
		{assessment.StatusExpired, assessment.OutcomeFailed, "", map[string]any{"value": "expired"}, []string{"outcome"}},
	} {
		t.Run(string(tc.status)+" "+string(tc.outcome)+" "+tc.text, func(t *testing.T) {
			r := assessment.Result{Status: tc.status, Outcome: tc.outcome, StatusText: tc.text}
			body, receipt := sent(t, r, "bullhorn_ats")
			requireEqual(t, map[string]any{"result": tc.want}, body)
			requireLosses(t, receipt.Losses, tc.losses)
		})
	}
}

// requireLosses compares paths; those that were kept begin with a plus.
func requireLosses(t testing.TB, got []assessment.Loss, want []string) {
	t.Helper()
	var all []string
	for _, l := range got {
		require.NotEmpty(t, l.Reason)
		if l.Kept {
			l.Field = "+" + l.Field
		}
		all = append(all, l.Field)
	}
	require.Equal(t, want, all)
}

// Scores are text, with the digits of the number.
func TestScore(t *testing.T) {
	for name, tc := range map[string]struct {
		score *assessment.Score
		want  map[string]any
	}{
		"value":                                {&assessment.Score{Value: 87.4}, map[string]any{"value": "87.4"}},
		"zero":                                 {&assessment.Score{}, map[string]any{"value": "0"}},
		"all":                                  {&assessment.Score{Value: 80, Min: ptr(0.0), Max: ptr(100.0), Label: "Percentage"}, map[string]any{"value": "80", "min": "0", "max": "100", "label": "Percentage"}},
		"negative":                             {assessment.ScoreBetween(-0.5, -1, 1), map[string]any{"value": "-0.5", "min": "-1", "max": "1"}},
		"in words":                             {assessment.ScoreText("B2"), map[string]any{"value": "B2"}},
		"in words, with the name of the scale": {&assessment.Score{Text: "B2", Label: "CEFR"}, map[string]any{"value": "B2", "label": "CEFR"}},
		"large":                                {assessment.ScoreOutOf(1e21, 1e22), map[string]any{"value": "1000000000000000000000", "max": "10000000000000000000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := completed()
			r.Score = tc.score
			body, receipt := sent(t, r, "")
			requireEqual(t, tc.want, body["score"].(map[string]any))
			require.Empty(t, receipt.Losses)
		})
	}
}

func TestTimesAndReport(t *testing.T) {
	r := completed()
	r.StartedAt = time.Date(2024, 8, 11, 2, 0, 0, 0, time.FixedZone("CEST", 2*60*60))
	r.CompletedAt = time.Date(2024, 8, 12, 0, 0, 0, 1_234_567, time.UTC)
	body, receipt := sent(t, r, "")
	requireEqual(t, map[string]any{
		"result": map[string]any{"value": "completed"}, "result_url": "https://example.com/results/42",
		"start_date": "2024-08-11T00:00:00.000Z", "submission_date": "2024-08-12T00:00:00.001Z",
	}, body)
	require.Empty(t, receipt.Losses)
}

func TestSummary(t *testing.T) {
	for name, tc := range map[string]struct {
		summary, reason string
		attributes      []assessment.Attribute
		want            any
		losses          []string
	}{
		"none":            {"", "", nil, nil, nil},
		"summary":         {"Très bien ✓", "", nil, "Très bien ✓", nil},
		"reason":          {"", "No time", nil, "No time", nil},
		"both":            {"Halfway", "No time", nil, "Halfway\nReason: No time", nil},
		"text":            {"Good", "", attribute(assessment.Text("Excellent")), "Good\nRole fit: Excellent", []string{"+attributes[0]"}},
		"empty text":      {"", "", attribute(assessment.Text("")), "Role fit: ", []string{"+attributes[0]"}},
		"link":            {"", "", attribute(assessment.Link("https://a.example/x?a=1&b=2")), "Role fit: https://a.example/x?a=1&b=2", []string{"+attributes[0]"}},
		"number":          {"", "", attribute(assessment.Number(87.4)), "Role fit: 87.4", []string{"+attributes[0]"}},
		"zero":            {"", "", attribute(assessment.Number(0)), "Role fit: 0", []string{"+attributes[0]"}},
		"flag":            {"", "", attribute(assessment.Flag(true)), "Role fit: Yes", []string{"+attributes[0]"}},
		"false":           {"", "", attribute(assessment.Flag(false)), "Role fit: No", []string{"+attributes[0]"}},
		"elapsed":         {"", "", attribute(assessment.Elapsed(time.Hour + 2*time.Minute + 3*time.Second)), "Role fit: 1 h 2 min 3 s", []string{"+attributes[0]"}},
		"part":            {"", "", attribute(assessment.SubResult{Score: assessment.ScoreOutOf(97, 100)}), "Role fit: 97 of 100, completed", []string{"+attributes[0]"}},
		"part on a scale": {"", "", attribute(assessment.SubResult{Score: assessment.ScoreBetween(3, 1, 5), Status: assessment.StatusInProgress}), "Role fit: 3 on a scale from 1 to 5, in progress", []string{"+attributes[0]"}},
		"part, no score":  {"", "", attribute(assessment.SubResult{Status: assessment.StatusCancelled}), "Role fit: cancelled", []string{"+attributes[0]"}},
		"several in order": {"S", "R", []assessment.Attribute{
			{Label: "A", Value: assessment.Text("1")}, {Label: "B", Description: "help", Value: assessment.Number(2)},
		}, "S\nReason: R\nA: 1\nB: 2", []string{"+attributes[0]", "+attributes[1]", "attributes[1].description"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := completed()
			r.Summary, r.Reason, r.Attributes = tc.summary, tc.reason, tc.attributes
			body, receipt := sent(t, r, "")
			require.Equal(t, tc.want, body["summary"])
			requireLosses(t, receipt.Losses, tc.losses)
		})
	}
}

func attribute(v assessment.AttributeValue) []assessment.Attribute {
	return []assessment.Attribute{{ID: "fit", Label: "Role fit", Value: v}}
}

func TestAttachments(t *testing.T) {
	for mime, want := range map[string]string{
		"application/pdf": "pdf", "Application/PDF": "pdf", "application/pdf; version=1.7": "pdf",
		"text/plain": "text", "text/html; charset=utf-8": "text", "video/mp4": "video",
		"image/png": "other", "application/msword": "other", "application/pdfx": "other", "textual": "other",
	} {
		t.Run(mime, func(t *testing.T) {
			r := completed()
			r.Attachments = []assessment.Attachment{{Name: "a", ContentType: mime, URL: "https://files.example.com/a?sig=1&x=2"}}
			body, receipt := sent(t, r, "")
			requireEqual(t, []any{map[string]any{
				"url": "https://files.example.com/a?sig=1&x=2", "content_type": map[string]any{"value": want, "source_value": mime},
			}}, body["attachments"].([]any))
			requireLosses(t, receipt.Losses, []string{"attachments[0].name"})
		})
	}
	t.Run("bytes are lost", func(t *testing.T) {
		r := completed()
		r.Attachments = []assessment.Attachment{
			{Name: "a.pdf", ContentType: "application/pdf", Data: []byte("%PDF")},
			{Name: "b", URL: "https://files.example.com/b"},
		}
		body, receipt := sent(t, r, "")
		requireEqual(t, []any{map[string]any{
			"url": "https://files.example.com/b", "content_type": map[string]any{"value": "other"},
		}}, body["attachments"].([]any))
		requireLosses(t, receipt.Losses, []string{"attachments[0].data", "attachments[1].name"})
	})
}

func TestPassthrough(t *testing.T) {
	r := completed()
	r.Passthrough = map[assessment.Vendor]json.RawMessage{
		assessment.StackOne: json.RawMessage(`{"a":{"b":[1,null,9007199254740993]}}`),
		assessment.Kombo:    json.RawMessage(`{"other":1}`),
	}
	body, _ := sent(t, r, "")
	requireEqual(t, decoded(t, []byte(`{"a":{"b":[1,null,9007199254740993]}}`)), body["passthrough"])
}

// What the integration guides say of single ATSs.
func TestRulesOfTheATS(t *testing.T) {
	full := completed()
	full.Outcome, full.Summary, full.StartedAt, full.CompletedAt = assessment.OutcomePassed, "S", utc(2024, 8, 11, 0, 0), utc(2024, 8, 12, 0, 0)
	full.Score = assessment.ScoreBetween(80, 0, 100)
	for name, tc := range map[string]struct {
		ats      string
		change   func(*assessment.Result)
		problems []string
		losses   []string
		warnings int
		skipped  bool
	}{
		"unknown ATS":                      {ats: "unheard-of"},
		"Greenhouse":                       {ats: "greenhouse"},
		"Greenhouse, interim":              {ats: "greenhouse", change: status(assessment.StatusInProgress), warnings: 1, skipped: true, losses: []string{"outcome"}},
		"Greenhouse, open":                 {ats: "greenhouse", change: status(assessment.StatusOpen), warnings: 1, skipped: true, losses: []string{"outcome"}},
		"Greenhouse, cancelled":            {ats: "greenhouse", change: status(assessment.StatusCancelled), losses: []string{"outcome", "status"}},
		"others take interim updates":      {ats: "bullhorn_ats", change: status(assessment.StatusInProgress), losses: []string{"outcome"}},
		"Teamtailor lists no passed":       {ats: "teamtailor", losses: []string{"+outcome"}},
		"Teamtailor lists failed":          {ats: "teamtailor", change: func(r *assessment.Result) { r.Outcome = assessment.OutcomeFailed }},
		"SmartRecruiters shows less":       {ats: "smartrecruiters", change: func(r *assessment.Result) { r.Outcome = "" }, losses: []string{"summary", "started_at", "completed_at"}},
		"SmartRecruiters lists no passed":  {ats: "smartrecruiters", losses: []string{"summary", "started_at", "completed_at", "+outcome"}},
		"SmartRecruiters, no score at all": {ats: "smartrecruiters", change: func(r *assessment.Result) { *r = completed() }},
		"SmartRecruiters, no bounds":       {ats: "smartrecruiters", change: func(r *assessment.Result) { r.Score = &assessment.Score{Value: 80} }, problems: []string{"score.min", "score.max"}},
		"SmartRecruiters, no minimum":      {ats: "smartrecruiters", change: func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(80, 100) }, problems: []string{"score.min"}},
		"SmartRecruiters, untyped file": {ats: "smartrecruiters", change: func(r *assessment.Result) {
			r.Attachments = []assessment.Attachment{{Name: "a", URL: "https://example.com/a"}}
		}, problems: []string{"attachments[0].content_type"}},
		"SmartRecruiters, in words": {ats: "smartrecruiters", change: func(r *assessment.Result) { *r = completed(); r.Score = assessment.ScoreText("B2") }, losses: []string{"score.text"}},
		"words beside a number":     {ats: "", change: func(r *assessment.Result) { r.Score.Text = "B2" }, losses: []string{"+score.text"}},
		"other ATSs, no bounds":     {ats: "recruitee", change: func(r *assessment.Result) { r.Score = &assessment.Score{Value: 80} }},
	} {
		t.Run(name, func(t *testing.T) {
			r := full
			r.Score = assessment.ScoreBetween(80, 0, 100)
			if tc.change != nil {
				tc.change(&r)
			}
			server := play(answers(200, written))
			client := newClient(t, server, behind(tc.ats))
			preview, previewErr := client.Preview(ref, r)
			require.Empty(t, server.seen, "a preview sends nothing")
			receipt, err := client.PublishResult(t.Context(), ref, r)
			require.Equal(t, previewErr, err)
			if tc.problems != nil {
				require.Equal(t, tc.problems, paths(t, err))
				require.ErrorIs(t, err, assessment.ErrInvalid)
				require.Empty(t, server.seen)
				return
			}
			require.NoError(t, err)
			requireLosses(t, receipt.Losses, tc.losses)
			require.Len(t, receipt.Warnings, tc.warnings)
			require.Equal(t, tc.skipped, receipt.Outcome == assessment.ResultSkipped)
			require.Equal(t, tc.skipped, len(server.seen) == 0)
			preview.Attempts = receipt.Attempts
			requireEqual(t, preview, receipt)
		})
	}
}

func status(s assessment.Status) func(*assessment.Result) {
	return func(r *assessment.Result) { r.Status = s }
}

func TestValidation(t *testing.T) {
	server := play(answers(200, written))
	client := newClient(t, server, func(c *stackone.Config) { c.Connection = "eu" })
	_, err := client.PublishResult(t.Context(), assessment.OrderRef{Vendor: assessment.Kombo, Kind: "survey"}, assessment.Result{
		ReportURL: "ftp://x", CompletedAt: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC),
		Score: &assessment.Score{Min: ptr(2.0), Max: ptr(1.0)},
	})
	require.Equal(t, []string{
		"ref.vendor", "ref.connection", "ref.kind", "ref.account", "ref.id", "status", "report_url", "score.min", "completed_at",
	}, paths(t, err))
	require.Empty(t, server.seen, "not even the account is looked up")

	noKind := ref
	noKind.Connection, noKind.Kind = "eu", ""
	_, err = client.PublishResult(t.Context(), noKind, completed())
	require.Equal(t, []string{"ref.kind"}, paths(t, err), "without a kind there is no path")
}

// What the guide of an ATS does not list is not sent as the value: completed is
// listed, and the verdict stays readable.
func TestVerdictsThatAreNotListed(t *testing.T) {
	for _, tc := range []struct {
		ats     string
		outcome assessment.Outcome
		text    string
		want    map[string]any
		losses  []string
	}{
		{"teamtailor", assessment.OutcomePassed, "", map[string]any{"value": "completed", "source_value": "passed"}, []string{"+outcome"}},
		{"teamtailor", assessment.OutcomePassed, "Great", map[string]any{"value": "completed", "source_value": "Great"}, []string{"outcome"}},
		{"teamtailor", assessment.OutcomeFailed, "", map[string]any{"value": "failed"}, nil},
		{"smartrecruiters", assessment.OutcomePassed, "", map[string]any{"value": "completed", "source_value": "passed"}, []string{"+outcome"}},
		{"recruitee", assessment.OutcomePassed, "", map[string]any{"value": "passed"}, nil},
		{"", assessment.OutcomePassed, "", map[string]any{"value": "passed"}, nil},
	} {
		r := assessment.Result{Status: assessment.StatusCompleted, Outcome: tc.outcome, StatusText: tc.text}
		body, receipt := sent(t, r, tc.ats)
		requireEqual(t, map[string]any{"result": tc.want}, body)
		requireLosses(t, receipt.Losses, tc.losses)
		require.Empty(t, receipt.Warnings)
	}
	_, receipt := sent(t, assessment.Result{Status: assessment.StatusCancelled}, "teamtailor")
	require.Len(t, receipt.Warnings, 1, "nothing stands for another status")
}
