package kombo_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// marker is in everything a candidate's data could be in.
const marker = "M4rkus"

func TestRefusedBeforeTheNetwork(t *testing.T) {
	attachment := func(a ...assessment.Attachment) func(*assessment.Result) {
		return func(r *assessment.Result) { r.Attachments = a }
	}
	data := []byte(marker)
	nan, inf := math.NaN(), math.Inf(-1)
	for name, tc := range map[string]struct {
		ref    *assessment.OrderRef
		change func(*assessment.Result)
		want   []string
	}{
		"no status":      {change: func(r *assessment.Result) { r.Status = "" }, want: []string{"status"}},
		"rejected":       {change: func(r *assessment.Result) { r.Status = assessment.StatusRejected }, want: []string{"status"}},
		"unknown status": {change: func(r *assessment.Result) { r.Status = marker }, want: []string{"status"}},
		"unknown outcome": {
			change: func(r *assessment.Result) { r.Outcome = marker }, want: []string{"outcome"},
		},
		"no report": {change: func(r *assessment.Result) { r.ReportURL = "" }, want: []string{"report_url"}},
		"no report, cancelled": {change: func(r *assessment.Result) {
			r.ReportURL, r.Status = "", assessment.StatusCancelled
		}, want: []string{"report_url"}},
		"no report, expired": {change: func(r *assessment.Result) {
			r.ReportURL, r.Status = "", assessment.StatusExpired
		}, want: []string{"report_url"}},
		"no report, open": {change: func(r *assessment.Result) {
			r.ReportURL, r.Status = "", assessment.StatusOpen
		}, want: []string{"report_url"}},
		"no report, in progress": {change: func(r *assessment.Result) {
			r.ReportURL, r.Status = "", assessment.StatusInProgress
		}, want: []string{"report_url"}},
		"relative report":  {change: func(r *assessment.Result) { r.ReportURL = "/" + marker }, want: []string{"report_url"}},
		"report of a file": {change: func(r *assessment.Result) { r.ReportURL = "file:///" + marker }, want: []string{"report_url"}},
		"year 10000":       {change: func(r *assessment.Result) { r.CompletedAt = utc(10000, 1, 1, 0, 0) }, want: []string{"completed_at"}},
		"year 10000 by At": {change: func(r *assessment.Result) { r.CompletedAt, r.At = time.Time{}, utc(10000, 1, 1, 0, 0) }, want: []string{"at"}},
		"year 10000 in UTC": {change: func(r *assessment.Result) {
			r.CompletedAt = time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*60*60))
		}, want: []string{"completed_at"}},
		"NaN":           {change: func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(nan, 1) }, want: []string{"score.value"}},
		"infinite max":  {change: func(r *assessment.Result) { r.Score = assessment.ScoreOutOf(1, inf) }, want: []string{"score.max"}},
		"no label":      {change: one(assessment.Attribute{Value: assessment.Text(marker)}), want: []string{"attributes[0].label"}},
		"no value":      {change: one(assessment.Attribute{Label: marker}), want: []string{"attributes[0].value"}},
		"NaN number":    {change: one(assessment.Attribute{Label: marker, Value: assessment.Number(nan)}), want: []string{"attributes[0].value"}},
		"relative link": {change: one(assessment.Attribute{Label: marker, Value: assessment.Link(marker)}), want: []string{"attributes[0].value"}},
		"NaN sub-result": {
			change: one(assessment.Attribute{Label: marker, Value: assessment.SubResult{Score: assessment.ScoreOutOf(nan, inf)}}),
			want:   []string{"attributes[0].value.score.value", "attributes[0].value.score.max"},
		},
		"unknown status of a sub-result": {
			change: one(assessment.Attribute{Label: marker, Value: assessment.SubResult{Status: marker}}), want: []string{"attributes[0].value.status"},
		},
		// SUB_RESULT takes COMPLETED and CANCELLED only.
		"rejected sub-result": {
			change: one(assessment.Attribute{Label: marker, Value: assessment.SubResult{Score: assessment.ScoreOutOf(1, 2), Status: assessment.StatusRejected}}),
			want:   []string{"attributes[0].value.status"},
		},
		"six attachments": {change: func(r *assessment.Result) {
			for range 6 {
				r.Attachments = append(r.Attachments, assessment.Attachment{Name: marker, URL: "https://example.com/" + marker})
			}
		}, want: []string{"attachments"}},
		"attachment without a name":     {change: attachment(assessment.Attachment{URL: "https://example.com/" + marker}), want: []string{"attachments[0].name"}},
		"attachment without anything":   {change: attachment(assessment.Attachment{Name: marker}), want: []string{"attachments[0]"}},
		"attachment with both":          {change: attachment(assessment.Attachment{Name: marker, ContentType: "a/b", Data: data, URL: "https://example.com"}), want: []string{"attachments[0]"}},
		"attachment, relative URL":      {change: attachment(assessment.Attachment{Name: marker, URL: "/" + marker}), want: []string{"attachments[0].url"}},
		"data without a type":           {change: attachment(assessment.Attachment{Name: marker, Data: data}), want: []string{"attachments[0].content_type"}},
		"type with a plus":              {change: attachment(assessment.Attachment{Name: marker, ContentType: "image/svg+xml", Data: data}), want: []string{"attachments[0].content_type"}},
		"type with a plus beside a URL": {change: attachment(assessment.Attachment{Name: marker, ContentType: "image/svg+xml", URL: "https://example.com"}), want: []string{"attachments[0].content_type"}},
		"type with parameters":          {change: attachment(assessment.Attachment{Name: marker, ContentType: "text/html; charset=utf-8", Data: data}), want: []string{"attachments[0].content_type"}},
		"type without a subtype":        {change: attachment(assessment.Attachment{Name: marker, ContentType: "pdf", Data: data}), want: []string{"attachments[0].content_type"}},
		"type with a line break":        {change: attachment(assessment.Attachment{Name: marker, ContentType: "a/b\n", Data: data}), want: []string{"attachments[0].content_type"}},
		"type with an umlaut":           {change: attachment(assessment.Attachment{Name: marker, ContentType: "a/ü", Data: data}), want: []string{"attachments[0].content_type"}},
		"passthrough of no object": {change: func(r *assessment.Result) {
			r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`"` + marker + `"`)}
		}, want: []string{"passthrough.kombo"}},
		"passthrough cut": {change: func(r *assessment.Result) {
			r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`{"a":` + marker)}
		}, want: []string{"passthrough.kombo"}},

		"zero ref":           {ref: &assessment.OrderRef{}, want: []string{"ref.vendor", "ref.account", "ref.id"}},
		"another vendor":     {ref: &assessment.OrderRef{Vendor: assessment.Ashby, Account: "a", ID: "b"}, want: []string{"ref.vendor"}},
		"another connection": {ref: &assessment.OrderRef{Vendor: assessment.Kombo, Connection: "us", Account: "a", ID: "b"}, want: []string{"ref.connection"}},
		"no integration":     {ref: &assessment.OrderRef{Vendor: assessment.Kombo, ID: "b"}, want: []string{"ref.account"}},
		"no id":              {ref: &assessment.OrderRef{Vendor: assessment.Kombo, Account: "a"}, want: []string{"ref.id"}},
		// A dot segment would be taken out of the path by whatever is in between
		// (RFC 3986, 5.2.4), and a line break would end the header.
		"id of two dots":                {ref: &assessment.OrderRef{Vendor: assessment.Kombo, Account: "a", ID: ".."}, want: []string{"ref.id"}},
		"id of a dot":                   {ref: &assessment.OrderRef{Vendor: assessment.Kombo, Account: "a", ID: "."}, want: []string{"ref.id"}},
		"integration with a line break": {ref: &assessment.OrderRef{Vendor: assessment.Kombo, Account: "a\r\nb", ID: "b"}, want: []string{"ref.account"}},

		"everything at once": {
			ref: &assessment.OrderRef{Vendor: assessment.StackOne},
			change: func(r *assessment.Result) {
				r.Status, r.ReportURL, r.Score = assessment.StatusCompleted, "", assessment.ScoreOutOf(nan, 1)
				r.Attributes = []assessment.Attribute{{}, {Label: "x", Value: assessment.Number(inf)}}
				for range 6 {
					r.Attachments = append(r.Attachments, assessment.Attachment{ContentType: "a+b/c"})
				}
				r.Attachments[1] = assessment.Attachment{Name: "x", URL: "https://example.com"}
				r.Attachments[2], r.Attachments[3], r.Attachments[4] = r.Attachments[1], r.Attachments[1], r.Attachments[1]
			},
			want: []string{
				"ref.vendor", "ref.account", "ref.id", "score.value", "attributes[0].label", "attributes[0].value", "attributes[1].value",
				"attachments[0].name", "attachments[0]", "attachments[5].name", "attachments[5]", "report_url",
				"attachments", "attachments[0].content_type", "attachments[5].content_type",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ref, result := refTo("workday"), done(tc.change)
			if tc.ref != nil {
				ref = *tc.ref
			}
			server := play(answers(200, written))
			client := newClient(t, server)
			receipt, err := client.PublishResult(t.Context(), ref, result)
			require.Equal(t, tc.want, paths(t, err))
			require.Empty(t, server.seen)
			require.Equal(t, assessment.Receipt{}, receipt)
			require.ErrorIs(t, err, assessment.ErrInvalid)
			require.NotContains(t, err.Error(), marker)

			_, previewed := client.Preview(ref, result)
			require.Equal(t, err, previewed)
		})
	}
}
