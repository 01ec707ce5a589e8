package ashby_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// Whatever is posted as a start gets one of the documented answers, and a start
// that is taken gives the provider what the body says.
func FuzzStart(f *testing.F) {
	for _, name := range []string{
		"assessment-start.request.minimal.json", "assessment-start.request.full.json", "assessment-start.request.with-additional-fields.json",
	} {
		f.Add(example(f, name))
	}
	for _, body := range []string{
		"", "null", "[]", "{", `{"assessment_type_id":"t","candidate":{"email":"a"}}`,
		`{"assessment_type_id":"t","candidate":{"ashby_id":"\ud800"},"additional_fields":{"":{"a":[null]}}}`,
		`{"ASSESSMENT_TYPE_ID":"t","candidate":[1],"Candidate":{"ashby_id":"c"},"job":{"hiringTeam":[[]]}}`,
		`{"assessment_type_id":7,"candidate":"x"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := startsWith(assessment.Started{ReportURL: reportURL})
		h := newHost(t, p, options{})
		before := bytes.Clone(body)
		w := h.post("assessment.start", body)
		require.Equal(t, before, body)
		require.True(t, json.Valid(w.Body.Bytes()))
		if w.Code != 200 {
			require.Equal(t, 400, w.Code)
			require.Empty(t, p.orders)
			return
		}
		require.True(t, valid(body))
		require.Len(t, p.orders, 1)
		o := p.orders[0]
		require.NotEmpty(t, o.Package.ID)
		require.NotEmpty(t, o.Candidate.RemoteID+o.Candidate.Email)
		require.Equal(t, account, o.Ref.Account)
		for _, value := range o.Fields {
			require.True(t, json.Valid(value))
		}
		id := startedID(t, w)
		require.Equal(t, id, o.Ref.ID)
		if o.Application.RemoteID+o.Candidate.RemoteID != "" {
			require.Equal(t, w.Body.Bytes(), h.post("assessment.start", body).Body.Bytes())
			require.Len(t, p.orders, 1)
		}
	})
}

func FuzzCancel(f *testing.F) {
	f.Add(example(f, "assessment-cancel.request.json"))
	for _, body := range []string{"", "{}", "null", "[]", `{"assessment_id":7}`, `{"assessment_id":"a/\u0000\"ü"}`, `{"Assessment_ID":"x"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &provider{}
		w := newHost(t, p, options{}).post("assessment.cancel", body)
		require.True(t, json.Valid(w.Body.Bytes()))
		if w.Code != 200 {
			require.Equal(t, 400, w.Code)
			require.Empty(t, p.cancelled)
			return
		}
		require.Len(t, p.cancelled, 1)
		require.Equal(t, assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: startedID(t, w)}, p.cancelled[0])
	})
}

func FuzzParseEvent(f *testing.F) {
	for _, name := range []string{"webhook.ping.json", "webhook.candidate-delete.json", "webhook.candidate-merge.json"} {
		f.Add(example(f, name))
	}
	for _, body := range []string{
		"", "null", "[]", `{"action":7}`, `{"action":"new","data":null}`, `{"action":"candidateDelete","data":{"candidate":[]}}`,
		`{"action":"candidateMerge","data":{"deletedCandidate":{"id":"1"},"mergedCandidate":{"id":2}}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		event, err := ashby.ParseEvent(body)
		require.Equal(t, before, body, "the signed bytes are not changed")
		if err != nil {
			require.Equal(t, ashby.Event{}, event)
			return
		}
		require.True(t, valid(body))
		require.NotEmpty(t, event.Action)
		_ = event.String()
		switch data := event.Data.(type) {
		case ashby.Ping:
			require.Equal(t, ashby.ActionPing, event.Action)
		case ashby.CandidateDeleted:
			require.NotEmpty(t, data.CandidateID)
		case ashby.CandidateMerged:
			require.NotEmpty(t, data.DeletedID)
			require.NotEmpty(t, data.MergedID)
		case ashby.UnknownEvent:
			require.NotEmpty(t, event.Drift)
		default:
			t.Fatalf("%T", data)
		}
	})
}

// Any attributes give a payload in which every identifier occurs once.
func FuzzIdentifiers(f *testing.F) {
	f.Add("", "Go", "go", "Go", "go-max", "x")
	f.Add("a", "b", "", "a", "", "A!")
	f.Add("result-max", "Result", "", "result max", "", "ſ\xff")
	f.Add("\xff", "a", "\xfe", "b", "\ufffd", "\xff")
	f.Fuzz(func(t *testing.T, id1, label1, id2, label2, id3, label3 string) {
		r := done(one(
			assessment.Attribute{ID: id1, Label: label1, Value: assessment.SubResult{Score: assessment.ScoreBetween(1, 0, 2)}},
			assessment.Attribute{ID: id2, Label: label2, Value: assessment.Text("")},
			assessment.Attribute{ID: id3, Label: label3, Value: assessment.Flag(false)},
		))
		r.Score = assessment.ScoreBetween(1, 0, 2)
		server := play(answers(200, written))
		_, err := newClient(t, server).PublishResult(t.Context(), ref, r)
		if err != nil {
			require.NotEmpty(t, paths(t, err))
			require.Empty(t, server.seen)
			return
		}
		var got struct {
			Metadata []struct{ Identifier string }
		}
		require.NoError(t, json.Unmarshal([]byte(server.seen[0].Body), &got))
		known := map[string]bool{"status": true, "profile-url": true, "result": true}
		for _, d := range got.Metadata {
			require.NotEmpty(t, d.Identifier)
			require.False(t, known[d.Identifier], d.Identifier)
			known[d.Identifier] = true
		}
		require.Len(t, got.Metadata, 7)
	})
}

// valid reports whether a body is JSON, behind a byte order mark or not.
func valid(body []byte) bool {
	return json.Valid(bytes.TrimPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("\ufeff")))
}
