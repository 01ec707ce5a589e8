package stackonetest_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestLookupsMatchTheExamples(t *testing.T) {
	s := stackonetest.Start(t)
	a := newAPI(t, s)
	for name, path := range map[string]string{
		"candidate_get.response.json":     "candidates/" + example + "?include=custom_fields",
		"application_get.response.json":   "applications/" + example + "?include=custom_fields,attachments&expand=documents",
		"job_get.response.json":           "jobs/" + example + "?include=custom_fields",
		"job_postings_list.response.json": "job_postings" + "?include=questionnaires",
	} {
		want, got := tree[object](t, fixture(t, name)), a.object(200, "GET /unified/ats/"+path, nil)
		existing(want["data"])
		require.Empty(t, cmp.Diff(want["data"], got["data"]), name)
	}
	bare := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.BareEnums = true }))
	want := tree[object](t, fixture(t, "job_postings_list.doc_example_bare_enums.response.json"))
	existing(want["data"])
	require.Empty(t, cmp.Diff(want["data"], newAPI(t, bare).object(200, "GET /unified/ats/job_postings?include=questionnaires", nil)["data"]))
}

// existing has a record refer to those that exist: the reference names a job and a
// candidate that it does not show.
func existing(data any) {
	records, several := data.([]any)
	if !several {
		records = []any{data}
	}
	for _, record := range records {
		for _, field := range []string{"job_id", "remote_job_id", "candidate_id", "remote_candidate_id"} {
			if _, has := record.(object)[field]; has {
				record.(object)[field] = example
			}
		}
	}
}

func TestFieldsOfLookups(t *testing.T) {
	a := newAPI(t, stackonetest.Start(t))
	candidate := "GET /unified/ats/candidates/" + example
	require.NotContains(t, a.object(200, candidate, nil)["data"], "custom_fields")
	require.Equal(t, object{"id": example, "email": "sestier.romain123@gmail.com"}, a.object(200, candidate+"?fields=id,email,custom_fields", nil)["data"])
	raw := a.object(200, candidate+"?raw=true&proxy%5Bsort%5D=first_name", nil)["raw"].([]any)[0]
	require.Equal(t, "https://api.provider.com/v1/resource?sort=first_name", raw.(object)["url"])
	a.call(404, "GET /unified/ats/candidates/nobody", nil)
	a.call(400, candidate+"?raw=perhaps", nil)
}

func TestFiltersOfLookups(t *testing.T) {
	s := stackonetest.Start(t)
	id, err := s.Record(account, stackonetest.Candidates, object{"email": "new+x@example.com", "updated_at": "2026-01-01T00:00:00Z"})
	require.NoError(t, err)
	job, err := s.Record(account, stackonetest.Jobs, object{"job_status.value": "open"})
	require.NoError(t, err)
	application, err := s.Record(account, stackonetest.Applications, object{"remote_job_id": "remote-9", "application_stage.name": "Test"})
	require.NoError(t, err)
	a := newAPI(t, s)
	for query, want := range map[string][]string{
		"candidates?filter[email]=" + url.QueryEscape("new+x@example.com"): {id},
		"candidates?filter[updated_after]=2025-01-01T00%3A00%3A00.000Z":    {id},
		"candidates?updated_after=2025-01-01T00%3A00%3A00.000Z":            {id}, // deprecated, and served
		"candidates?filter[created_after]=2025-01-01T00%3A00%3A00.000Z":    nil,
		"jobs?filter[job_status]=open":                                     {job},
		"applications?filter[job_id]=remote-9":                             {application},
		"applications?filter[stage]=Test":                                  {application},
		"job_postings?filter[email]=x":                                     {example},
	} {
		var ids []string
		for _, record := range a.object(200, "GET /unified/ats/"+query, nil)["data"].([]any) {
			ids = append(ids, record.(object)["id"].(string))
		}
		require.Equal(t, want, ids, query)
	}
	var notes []string
	for _, e := range s.Exchanges() {
		notes = append(notes, e.Notes...)
	}
	require.ElementsMatch(t, []string{"updated_after is deprecated: filter[updated_after]", "unknown filter email"}, notes)
	require.Equal(t, id, a.object(200, "GET /unified/ats/candidates/"+url.PathEscape(id), nil)["data"].(object)["id"])
	s.ClearRecords(account, stackonetest.Candidates)
	a.call(404, "GET /unified/ats/candidates/"+example, nil)
	_, err = s.Record(account, "interviews", nil)
	require.Error(t, err)
	_, err = s.Record("nobody", stackonetest.Jobs, nil)
	require.Error(t, err)
}

func TestPartnerAPIHasNoLookups(t *testing.T) {
	for status, change := range map[int]func(*stackonetest.Quirks){
		403: func(*stackonetest.Quirks) {}, 501: func(q *stackonetest.Quirks) { q.PartnerAPIStatus = 501 },
	} {
		s := stackonetest.Start(t, quirk(change), func(c *stackonetest.Config) {
			c.Accounts = []stackonetest.AccountSpec{{ID: account, PartnerAPI: true}}
		})
		a := newAPI(t, s)
		for _, model := range []string{"candidates", "applications", "jobs", "job_postings"} {
			a.call(status, "GET /unified/ats/"+model, nil)
			a.call(status, "GET /unified/ats/"+model+"/"+example, nil)
		}
		a.call(200, "GET "+assessmentPackages, nil)
	}
}
