package stackone_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// What is asked for goes out under the names of StackOne's reference, lists as one
// value with commas.
func TestReadOptions(t *testing.T) {
	whole := stackone.ReadOptions{
		Fields: []string{"id", "emails.value"}, Raw: true, Proxy: map[string]string{"sort": "a&b"},
	}
	with := func(include []stackone.Include, expand ...stackone.Expand) stackone.ReadOptions {
		o := whole
		o.Include, o.Expand = include, expand
		return o
	}
	lookups := map[string]func(*stackone.Client, ...stackone.ReadOptions) error{
		"candidates": func(c *stackone.Client, o ...stackone.ReadOptions) error {
			_, err := c.Candidate(t.Context(), account, "x", o...)
			return err
		},
		"applications": func(c *stackone.Client, o ...stackone.ReadOptions) error {
			_, err := c.Application(t.Context(), account, "x", o...)
			return err
		},
		"jobs": func(c *stackone.Client, o ...stackone.ReadOptions) error {
			_, err := c.Job(t.Context(), account, "x", o...)
			return err
		},
		"job_postings": func(c *stackone.Client, o ...stackone.ReadOptions) error {
			_, err := c.JobPosting(t.Context(), account, "x", o...)
			return err
		},
	}
	shared := url.Values{"fields": {"id,emails.value"}, "raw": {"true"}, "proxy[sort]": {"a&b"}}
	for model, tc := range map[string]struct {
		options         stackone.ReadOptions
		include, expand string
	}{
		"candidates":   {with([]stackone.Include{stackone.IncludeCustomFields}), "custom_fields", ""},
		"applications": {with([]stackone.Include{stackone.IncludeAttachments, stackone.IncludeCustomFields}, stackone.ExpandDocuments), "attachments,custom_fields", "documents"},
		"jobs":         {with([]stackone.Include{stackone.IncludeCustomFields}, stackone.ExpandJobPostings, stackone.ExpandInterviewStages), "custom_fields", "job_postings,interview_stages"},
		"job_postings": {with([]stackone.Include{stackone.IncludeQuestionnaires}), "questionnaires", ""},
	} {
		t.Run(model, func(t *testing.T) {
			server := play(answers(200, `{"data":{"id":"x"}}`))
			require.NoError(t, lookups[model](newClient(t, server), tc.options))
			want := url.Values{"include": {tc.include}}
			if tc.expand != "" {
				want.Set("expand", tc.expand)
			}
			for name, values := range shared {
				want[name] = values
			}
			require.Equal(t, want, queryOf(t, server.seen[0]))
		})
	}
	t.Run("custom fields of a candidate", func(t *testing.T) {
		for want, o := range map[string][]stackone.ReadOptions{
			"include=custom_fields":          nil,
			"include=custom_fields&raw=true": {{Raw: true}},
			"":                               {{Include: []stackone.Include{}}},
			"fields=id%2Cemail":              {{Fields: []string{"id"}}, {Fields: []string{"email"}}},
		} {
			server := play(answers(200, `{"data":{"id":"x"}}`))
			require.NoError(t, lookups["candidates"](newClient(t, server), o...))
			require.Equal(t, want, queryOf(t, server.seen[0]).Encode())
		}
	})
	t.Run("refused", func(t *testing.T) {
		for name, tc := range map[string]struct {
			model string
			o     stackone.ReadOptions
			path  string
		}{
			"two fields in one":   {"jobs", stackone.ReadOptions{Fields: []string{"id", "id,title"}}, "fields[1]"},
			"an empty field":      {"jobs", stackone.ReadOptions{Fields: []string{""}}, "fields[0]"},
			"of another model":    {"candidates", stackone.ReadOptions{Include: []stackone.Include{stackone.IncludeAttachments}}, "include[0]"},
			"unknown":             {"applications", stackone.ReadOptions{Include: []stackone.Include{"salary"}}, "include[0]"},
			"two in one":          {"applications", stackone.ReadOptions{Include: []stackone.Include{"attachments,custom_fields"}}, "include[0]"},
			"expand elsewhere":    {"jobs", stackone.ReadOptions{Expand: []stackone.Expand{stackone.ExpandDocuments}}, "expand[0]"},
			"nothing to expand":   {"job_postings", stackone.ReadOptions{Expand: []stackone.Expand{stackone.ExpandJobPostings}}, "expand[0]"},
			"a nameless proxy":    {"jobs", stackone.ReadOptions{Proxy: map[string]string{"": "1"}}, "proxy"},
			"a proxy without end": {"jobs", stackone.ReadOptions{Proxy: map[string]string{"q": "\xff"}}, "proxy.q"},
		} {
			t.Run(name, func(t *testing.T) {
				server := play(answers(200, `{"data":{"id":"x"}}`))
				requireProblem(t, lookups[tc.model](newClient(t, server), tc.o), tc.path)
				require.Empty(t, server.seen)
			})
		}
	})
}

func requireProblem(t testing.TB, err error, path string) {
	t.Helper()
	var invalid *assessment.ValidationError
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid.Problems, 1)
	require.Equal(t, path, invalid.Problems[0].Path)
}

// The filters of each list, in brackets.
func TestFilters(t *testing.T) {
	dated := stackone.ListOptions{UpdatedAfter: utc(2020, 1, 1, 0, 0), CreatedAfter: utc(2019, 1, 1, 0, 0), PageSize: 3}
	shared := url.Values{
		"filter[updated_after]": {"2020-01-01T00:00:00.000Z"}, "filter[created_after]": {"2019-01-01T00:00:00.000Z"}, "page_size": {"3"},
	}
	for name, tc := range map[string]struct {
		list func(*stackone.Client) error
		want url.Values
	}{
		"candidates": {func(c *stackone.Client) error {
			_, err := collect(c.Candidates(t.Context(), account, stackone.CandidateFilter{ListOptions: dated, Email: "a+b@example.com"}))
			return err
		}, url.Values{"filter[email]": {"a+b@example.com"}}},
		"applications": {func(c *stackone.Client) error {
			_, err := collect(c.Applications(t.Context(), account, stackone.ApplicationFilter{ListOptions: dated, JobID: "j/1", Stage: "Review", StageID: "s"}))
			return err
		}, url.Values{"filter[job_id]": {"j/1"}, "filter[stage]": {"Review"}, "filter[application_stage_id]": {"s"}}},
		"jobs": {func(c *stackone.Client) error {
			_, err := collect(c.Jobs(t.Context(), account, stackone.JobFilter{ListOptions: dated, Status: stackone.JobOpen}))
			return err
		}, url.Values{"filter[job_status]": {"open"}}},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, `{"data":[]}`))
			require.NoError(t, tc.list(newClient(t, server)))
			for name, values := range shared {
				tc.want[name] = values
			}
			require.Equal(t, tc.want, queryOf(t, server.seen[0]))
		})
	}
	t.Run("refused", func(t *testing.T) {
		server := play(answers(200, `{"data":[]}`))
		client := newClient(t, server)
		_, err := collect(client.Jobs(t.Context(), account, stackone.JobFilter{Status: "closed"}))
		requireProblem(t, err, "job_status")
		_, err = collect(client.Candidates(t.Context(), account, stackone.CandidateFilter{Email: "\xff"}))
		requireProblem(t, err, "email")
		_, err = collect(client.Jobs(t.Context(), account, stackone.JobFilter{ListOptions: stackone.ListOptions{PageSize: -1}}))
		requireProblem(t, err, "page_size")
		_, err = collect(client.Jobs(t.Context(), account, stackone.JobFilter{ListOptions: stackone.ListOptions{UpdatedAfter: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}}))
		requireProblem(t, err, "updated_after")
		_, err = collect(client.AssessmentPackages(t.Context(), account, stackone.ListOptions{CreatedAfter: utc(2020, 1, 1, 0, 0)}))
		requireProblem(t, err, "created_after")
		_, err = collect(client.BackgroundCheckPackages(t.Context(), account, stackone.ListOptions{Raw: true}))
		requireProblem(t, err, "raw")
		require.Empty(t, server.seen)
	})
}

// Against the simulator: pages with empty ones between them, what the filters let
// through, and what comes only when asked for.
func TestRecordsSimulated(t *testing.T) {
	server, client, _ := simulated(t, stackonetest.Bullhorn, func(c *stackonetest.Config) { c.Quirks.EmptyPages = 2 })
	add := func(model stackonetest.Model, fields map[string]any) string {
		id, err := server.Record(account, model, fields)
		require.NoError(t, err)
		return id
	}
	open := add(stackonetest.Jobs, map[string]any{"job_status.value": "open", "updated_at": "2026-03-01T00:00:00.000Z"})
	ada := add(stackonetest.Candidates, map[string]any{"email": "ada@example.com"})
	applied := add(stackonetest.Applications, map[string]any{"job_id": open, "application_stage.name": "Interview"})

	candidates, err := collect(client.Candidates(t.Context(), account, stackone.CandidateFilter{
		ListOptions: stackone.ListOptions{PageSize: 1, Include: []stackone.Include{stackone.IncludeCustomFields}, Raw: true},
	}))
	require.NoError(t, err)
	require.Len(t, candidates, 2)
	requireEqual(t, exampleFields(), candidates[1].CustomFields)
	require.Contains(t, string(candidates[1].RawCalls), "https://api.provider.com/v1/resource")

	candidates, err = collect(client.Candidates(t.Context(), account, stackone.CandidateFilter{Email: "ada@example.com"}))
	require.NoError(t, err)
	require.Len(t, candidates, 1)
	require.Equal(t, ada, candidates[0].Candidate.ID)
	require.Nil(t, candidates[0].CustomFields)
	require.Nil(t, candidates[0].RawCalls)

	for _, f := range []stackone.ApplicationFilter{{JobID: open}, {Stage: "Interview"}} {
		applications, err := collect(client.Applications(t.Context(), account, f))
		require.NoError(t, err)
		require.Len(t, applications, 1)
		require.Equal(t, applied, applications[0].Application.ID)
		require.Equal(t, "Interview", applications[0].Stage)
	}
	for _, f := range []stackone.JobFilter{{Status: stackone.JobOpen}, {ListOptions: stackone.ListOptions{UpdatedAfter: utc(2026, 1, 1, 0, 0)}}} {
		jobs, err := collect(client.Jobs(t.Context(), account, f))
		require.NoError(t, err)
		require.Len(t, jobs, 1)
		require.Equal(t, open, jobs[0].Job.ID)
	}
	application, err := client.Application(t.Context(), account, applied, stackone.ReadOptions{Include: []stackone.Include{stackone.IncludeAttachments}})
	require.NoError(t, err)
	require.Contains(t, string(application.Raw), "resume.pdf")
	require.Nil(t, application.CustomFields)
	job, err := client.Job(t.Context(), account, open, stackone.ReadOptions{Fields: []string{"id", "title"}, Raw: true})
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"`+open+`","title":"Software Engineer"}`, string(job.Raw))
	require.NotNil(t, job.RawCalls)
	for _, e := range server.Calls("") {
		require.Empty(t, e.Notes, e.Op)
	}
}

// An odd cursor is no end, and one that comes again is no endless list.
func TestCursorsOfRecords(t *testing.T) {
	page := func(next string) step { return answers(200, `{"next":`+next+`,"data":[{"id":"a"}]}`) }
	for name, tc := range map[string]struct {
		steps []step
		count int
		fails bool
	}{
		"a number":     {[]step{page("7"), page("null")}, 2, false},
		"blank":        {[]step{page(`"  "`)}, 1, false},
		"empty page":   {[]step{answers(200, `{"next":"c","data":[]}`), page(`""`)}, 1, false},
		"repeated":     {[]step{page(`"c"`), page(`"c"`)}, 2, true},
		"an object":    {[]step{page(`{}`)}, 0, true},
		"no data":      {[]step{answers(200, `{"next":"c"}`)}, 0, true},
		"null records": {[]step{answers(200, `{"data":[null,{"id":"b"}]}`)}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := collect(newClient(t, play(tc.steps...), once).Candidates(t.Context(), account, stackone.CandidateFilter{}))
			require.Equal(t, tc.fails, err != nil, err)
			require.Len(t, got, tc.count)
		})
	}
}
