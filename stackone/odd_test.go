package stackone_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

// The table of odd JSON: what becomes of an order, and what is reported.
func TestOddOrders(t *testing.T) {
	for name, tc := range map[string]struct {
		members string // beside the event's name
		change  func(*assessment.Order)
		drift   []string
	}{
		"names in other case": {
			`"Record_ID":"x","event_data":{"ID":"x","Candidate":{"email":"x"},"candidate":{"EMAIL":"x","email":"a@b.c"}},`,
			func(o *assessment.Order) { o.Candidate.Email = "a@b.c" },
			[]string{"Record_ID", "event_data.ID", "event_data.Candidate", "event_data.candidate.EMAIL"},
		},
		"repeated members": {
			`"event_data":{"candidate":{"email":"x","id":[]}},"event_data":{"candidate":{"email":"x","first_name":"Ann"},"candidate":{"last_name":"Lee"}},`,
			func(o *assessment.Order) { o.Candidate.LastName = "Lee" },
			[]string{"event_data", "event_data.candidate"},
		},
		"numbers as text": {
			`"record_id":9007199254740993123,"event_data":{"candidate":{"id":9007199254740993125,"phone":4915112345678,"first_name":7},"job":{"code":12}},`,
			func(o *assessment.Order) {
				o.Ref.ID, o.Job.Code = "9007199254740993123", "12"
				o.Candidate = assessment.Candidate{ID: "9007199254740993125", Phone: "4915112345678", FirstName: "7"}
			},
			[]string{"record_id", "event_data.candidate.first_name"}, // the record's id is there twice
		},
		"all at once": {
			`"provider":[],"event_date":"soon","event_data":{"package":[],"application":7,"job":{"hiring_team":{},"title":true},
			 "candidate":{"id":false,"email":{},"emails":{},"phone_numbers":["x"]},"requester":"x"},`,
			func(*assessment.Order) {},
			[]string{
				"provider", "event_date", "event_data.package", "event_data.application", "event_data.job.hiring_team", "event_data.job.title",
				"event_data.candidate.id", "event_data.candidate.email", "event_data.candidate.emails", "event_data.candidate.phone_numbers[0]",
				"event_data.requester",
			},
		},
		"what no database takes": {
			`"event_data":{"candidate":{"first_name":"Ma\u0000ria","last_name":"\udc00x","email":"a` + "\xe9" + `@b.c"}},`,
			func(o *assessment.Order) {
				o.Candidate = assessment.Candidate{FirstName: "Ma�ria", LastName: "�x", Email: "a�@b.c"}
			},
			[]string{"event_data.candidate.first_name", "event_data.candidate.last_name", "event_data.candidate.email"},
		},
		"milliseconds": {
			`"event_date":1772366400000,"sent_at":"2026-03-01T12:00:00+0000",`,
			func(o *assessment.Order) { o.OrderedAt = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }, nil,
		},
	} {
		for form, mark := range map[string]string{"": "", ", byte order mark": "\ufeff"} {
			t.Run(name+form, func(t *testing.T) {
				body := append([]byte(mark), orderEvent(tc.members)...)
				event, err := stackone.ParseEvent(body)
				require.NoError(t, err)
				want := assessment.Order{
					Ref: assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: "c28xIQo"},
				}
				tc.change(&want)
				got := event.Data.(stackone.OrderCreated).Order
				requireEqual(t, want, got)
				requirePaths(t, tc.drift, event.Drift)
				stored, err := json.Marshal(got)
				require.NoError(t, err)
				require.NotContains(t, string(stored), `\u0000`)
				require.Equal(t, string(append([]byte(mark), orderEvent(tc.members)...)), string(event.Raw), "exactly what was signed")
			})
		}
	}
}

func requirePaths(t *testing.T, want []string, found []assessment.Drift) {
	t.Helper()
	paths := make([]string, len(found))
	for i, d := range found {
		require.Equal(t, account, d.Account)
		paths[i] = d.Field
	}
	require.ElementsMatch(t, want, paths)
}

// A new action of an account or a job is handed over as what it is about, and
// reported.
func TestNewActions(t *testing.T) {
	for _, event := range []string{"account.paused", "ats_jobs.archived", "ats_job_postings.expired", "ats_assessments.cancelled"} {
		got, err := stackone.ParseEvent([]byte(`{"event":"` + event + `","account_id":"a"}`))
		require.NoError(t, err)
		requireEqual(t, []assessment.Drift{{Vendor: assessment.StackOne, Account: "a", Event: event, Field: "event", Value: event}}, got.Drift)
	}
	for _, event := range []string{"account.created", "account.error", "account.expired", "ats_jobs.updated", "ats_job_postings.deleted", "ats_assessments.updated"} {
		got, err := stackone.ParseEvent([]byte(`{"event":"` + event + `","account_id":"a"}`))
		require.NoError(t, err)
		require.Empty(t, got.Drift, event)
	}
}

// What can be read of an answer is kept, whatever else is odd in it; but a list
// that is compared with what should be there must be whole.
func TestOddAnswers(t *testing.T) {
	candidate := play(answers(200, "\ufeff"+`{"data":{"id":4711,"ID":"x","first_name":"x","first_name":"Ann","emails":{},"phone":7,"application_ids":[1,{},"b"]}}`))
	got, err := newClient(t, candidate).Candidate(t.Context(), account, "1")
	require.NoError(t, err)
	requireEqual(t, assessment.Candidate{ID: "4711", FirstName: "Ann", Phone: "7"}, got.Candidate)
	require.Equal(t, []string{"1", "b"}, got.ApplicationIDs)

	postings := play(answers(200, `{"next":null,"data":[{"id":1,"content":[],"locations":"x"},null,{"id":2,"created_at":1772366400}]}`))
	var ids []string
	for p, err := range newClient(t, postings).JobPostings(t.Context(), account, stackone.ListOptions{}) {
		require.NoError(t, err)
		ids = append(ids, p.ID)
	}
	require.Equal(t, []string{"1", "2"}, ids)

	for _, data := range []string{`["x"]`, `[{"id":"1","tests":{}}]`, `{}`} {
		packages := play(answers(200, `{"data":`+data+`}`))
		client := newClient(t, packages, func(c *stackone.Config) { c.MaxRetries = -1 })
		for _, err := range client.BackgroundCheckPackages(t.Context(), account, stackone.ListOptions{}) {
			require.Error(t, err, data)
		}
	}
}
