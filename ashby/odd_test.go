package ashby_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// The table of odd JSON: what becomes of a start, and what is reported.
func TestOddStarts(t *testing.T) {
	for name, tc := range map[string]struct {
		members string // behind the package and the candidate
		change  func(*assessment.Order)
		drift   []string
	}{
		"names in other case": {
			`"Job":{"name":"x"},"job":{"Name":"x","hiring_team":[],"hiringteam":[{"email":"x"}]}`,
			func(*assessment.Order) {}, []string{"Job", "job.Name", "job.hiringteam"},
		},
		"repeated members": {
			`"job":{"name":"x","req_id":7},"job":{"ashby_id":"j"},"candidate":{"email":"x"},"candidate":{"ashby_id":"d"},"additional_fields":{"a":1,"b":2},"additional_fields":{"a":3,"a":4}`,
			func(o *assessment.Order) {
				o.Job.RemoteID, o.Candidate.RemoteID = "j", "d"
				o.Fields = map[string]json.RawMessage{"a": json.RawMessage("4")}
			},
			[]string{"job", "candidate", "candidate", "additional_fields", "additional_fields.a"},
		},
		"numbers as text": {
			`"application":{"ashby_id":9007199254740993123},"job":{"name":7,"req_id":1042}`,
			func(o *assessment.Order) {
				o.Application.RemoteID, o.Job.Name, o.Job.Code = "9007199254740993123", "7", "1042"
			}, []string{"job.name"},
		},
		"all at once": {
			`"application":{"ashby_id":[],"status":{}},"job":{"ashby_id":true,"name":[],"ashby_job_url":{},"hiringTeam":[{"email":[]},"x"]},"additional_fields":"x"`,
			func(o *assessment.Order) { o.Job.HiringTeam = []assessment.TeamMember{{}, {}} },
			[]string{
				"application.ashby_id", "application.status", "job.ashby_id", "job.name", "job.ashby_job_url", "job.hiringTeam[0].email", "job.hiringTeam[1]",
				"additional_fields",
			},
		},
		"what no database takes": {
			`"job":{"name":"Ma\u0000ria \ud800"},"additional_fields":{"a":"\ud800 \u0000","b":{"k` + "\xe9" + `":1e999},"c":"\\u0000"}`,
			func(o *assessment.Order) {
				o.Job.Name = "Ma�ria �"
				o.Fields = map[string]json.RawMessage{
					"a": json.RawMessage(`"\ufffd \ufffd"`), "b": json.RawMessage(`{"k�":"1e999"}`), "c": json.RawMessage(`"\\u0000"`),
				}
			},
			[]string{"job.name", "additional_fields.a", "additional_fields.b"},
		},
	} {
		for form, mark := range map[string]string{"": "", ", byte order mark": "\ufeff"} {
			t.Run(name+form, func(t *testing.T) {
				body := []byte(mark + `{"assessment_type_id":"t","candidate":{"ashby_id":"c"},` + tc.members + `}`)
				h := newHost(t, &provider{}, options{})
				id := startedID(t, h.post("assessment.start", bytes.Clone(body)))
				require.Len(t, h.provider.orders, 1)
				got := h.provider.orders[0]
				want := assessment.Order{
					Ref:     assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: id},
					Package: assessment.Package{ID: "t"}, ATS: "ashby", Candidate: assessment.Candidate{RemoteID: "c"},
					ReceivedAt: got.ReceivedAt, Dedupe: got.Dedupe, Raw: body,
				}
				tc.change(&want)
				requireEqual(t, want, got)
				var paths []string
				for _, d := range h.drift {
					require.Equal(t, "assessment.start", d.Event)
					paths = append(paths, d.Field)
				}
				require.Equal(t, compact(tc.drift), compact(paths))
				stored, err := json.Marshal(got)
				require.NoError(t, err)
				require.NotContains(t, string(bytes.ReplaceAll(stored, []byte(`\\`), nil)), `\u0000`)
				require.NotContains(t, string(stored), `\ud800`)
			})
		}
	}
}

// compact drops repeated paths: a member that came three times is reported once
// or twice.
func compact(paths []string) map[string]bool {
	all := make(map[string]bool)
	for _, p := range paths {
		all[p] = true
	}
	return all
}

// A webhook's ids are read like any other.
func TestOddWebhooks(t *testing.T) {
	event, err := ashby.ParseEvent([]byte("\ufeff" + `{"webhookActionId":"e","Action":"ping","action":"candidateMerge","data":{"deletedCandidate":{"id":1},"mergedCandidate":{"id":"x"},"mergedCandidate":{"id":2}}}`))
	require.NoError(t, err)
	requireEqual(t, ashby.EventData(ashby.CandidateMerged{DeletedID: "1", MergedID: "2"}), event.Data)
	require.Len(t, event.Drift, 2)
	require.Equal(t, []string{"Action", "data.mergedCandidate"}, []string{event.Drift[0].Field, event.Drift[1].Field})
}
