package stackone_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// exampleFields are the custom fields of the records in StackOne's reference.
func exampleFields() []stackone.CustomField {
	return []stackone.CustomField{{
		ID: exampleID, RemoteID: exampleID, Name: "Training Completion Status", Value: json.RawMessage(`"Completed"`),
		ValueID: "value_456", RemoteValueID: "e3cb75bf-aa84-466e-a6c1-b8322b257a48",
	}}
}

func TestLookupExamples(t *testing.T) {
	at := utc(2021, 1, 1, 1, 1).Add(time.Second)
	t.Run("candidate", func(t *testing.T) {
		server := play(answers(200, string(example(t, "candidate_get.response.json"))))
		got, err := newClient(t, server).Candidate(t.Context(), account, "a/b c")
		require.NoError(t, err)
		require.Equal(t, "https://api.stackone.com/unified/ats/candidates/a%2Fb%20c?include=custom_fields", server.seen[0].URL)
		require.Contains(t, string(got.Raw), "Training Completion Status")
		got.Raw = nil
		requireEqual(t, stackone.CandidateRecord{
			Candidate: assessment.Candidate{
				ID: exampleID, RemoteID: exampleID, FirstName: "Romain", LastName: "Sestier",
				Email: "sestier.romain123@gmail.com", Phone: "+447700112233",
			},
			ApplicationIDs: []string{"123e4567-e89b-12d3-a456-426614174000", "523e1234-e89b-fdd2-a456-762545121101"},
			CustomFields:   exampleFields(), CreatedAt: at, UpdatedAt: at,
		}, got)
	})
	t.Run("application", func(t *testing.T) {
		server := play(answers(200, string(example(t, "application_get.response.json"))))
		got, err := newClient(t, server).Application(t.Context(), account, "a")
		require.NoError(t, err)
		require.Contains(t, string(got.Raw), "right_to_work")
		got.Raw = nil
		const candidate, job = "e3cb75bf-aa84-466e-a6c1-b8322b257a48", "4071538b-3cac-4fbf-ac76-f78ed250ffdd"
		requireEqual(t, stackone.ApplicationRecord{
			Application: assessment.Application{ID: exampleID, RemoteID: exampleID, Status: "hired"},
			Candidate: assessment.Candidate{
				ID: candidate, RemoteID: candidate, FirstName: "John", LastName: "Doe", Email: "john.doe@example.com", Phone: "+447700112233",
			},
			JobID: job, RemoteJobID: job, Stage: "Review",
			CustomFields: exampleFields(), CreatedAt: at, UpdatedAt: at,
		}, got)
	})
	t.Run("job", func(t *testing.T) {
		server := play(answers(200, string(example(t, "job_get.response.json"))))
		got, err := newClient(t, server).Job(t.Context(), account, "j")
		require.NoError(t, err)
		require.NotEmpty(t, got.Raw)
		got.Raw = nil
		want := exampleOrder("", "", "").Job
		want.Code, want.Description = "184919", "Responsible for identifying business requirements"
		requireEqual(t, stackone.JobRecord{
			Job: want, Status: "published", Confidential: "false", CustomFields: exampleFields(), CreatedAt: at, UpdatedAt: at,
		}, got)
	})
	for _, name := range []string{"job_postings_list.response.json", "job_postings_list.doc_example_bare_enums.response.json"} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, string(example(t, name))), answers(200, `{"data":[]}`))
			got, err := collect(newClient(t, server).JobPostings(t.Context(), account, stackone.ListOptions{}))
			require.NoError(t, err)
			require.Len(t, got, 1)
			require.Contains(t, string(got[0].Raw), "What is your favourite animal?")
			got[0].Raw = nil
			requireEqual(t, stackone.JobPosting{
				ID: exampleID, RemoteID: exampleID, Title: "Software Engineer", JobID: "job001",
				RemoteJobID: "e3cb75bf-aa84-466e-a6c1-b8322b257a48", Status: "live", Internal: "true",
				Plain: "<string>", HTML: "<string>", ExternalURL: "https://www.example.com/job-posting/abcd1234",
				ExternalApplyURL: "https://www.example.com/job-posting/abcd1234/apply",
				EmploymentType:   "permanent", EmploymentContractType: "full_time", Locations: []string{"New York", "Remote"},
				CreatedAt: at, UpdatedAt: at,
			}, got[0])
		})
	}
}

// One odd value does not cost the rest.
func TestLookupsTolerate(t *testing.T) {
	client := func(body string) *stackone.Client { return newClient(t, play(answers(200, body)), once) }
	job, err := client(`{"data":{"id":7,"title":"T","code":12345678901234567890,"job_status":"open","confidential":true,"hiring_team":"x","updated_at":"2024-05-06"}}`).Job(t.Context(), account, "j")
	require.NoError(t, err)
	require.Equal(t, "T", job.Job.Name)
	require.Equal(t, "12345678901234567890", job.Job.Code)
	require.Equal(t, "open", job.Status)
	require.Equal(t, "true", job.Confidential)
	require.Equal(t, utc(2024, 5, 6, 0, 0), job.UpdatedAt)

	posting, err := client(`{"data":{"remote_job_posting_id":"old","status":{"value":null,"source_value":"Odd"},"internal":"false","created_at":"yesterday","locations":[null]}}`).JobPosting(t.Context(), account, "p")
	require.NoError(t, err)
	require.Equal(t, "old", posting.RemoteJobID)
	require.Equal(t, "Odd", posting.Status)
	require.True(t, posting.CreatedAt.IsZero())

	for _, body := range []string{`{}`, `{"data":null}`, `{"statusCode":502}`, `[]`, ``, `<html>`} {
		_, err = client(body).Candidate(t.Context(), account, "c")
		require.Error(t, err, body)
	}
}

func TestComplete(t *testing.T) {
	fromIDs := func(ref assessment.OrderRef) assessment.Order {
		return assessment.Order{Ref: ref, Application: assessment.Application{ID: exampleID}}
	}
	t.Run("from the application alone", func(t *testing.T) {
		server, client, ref := simulated(t, stackonetest.Eploy)
		order := fromIDs(ref)
		order.Candidate.ID, order.Job.ID = exampleID, exampleID
		order.Package.ID = "kept"
		require.NoError(t, client.Complete(t.Context(), &order))
		want := exampleOrder("", "", "")
		want.Job.Code, want.Job.Description = "184919", "Responsible for identifying business requirements"
		want.Candidate.Phone, want.Candidate.ProfileURL = "+447700112233", ""
		require.Empty(t, cmp.Diff(assessment.Order{
			Ref: ref, ATS: stackonetest.Eploy, Package: assessment.Package{ID: "kept"},
			Application: want.Application, Candidate: want.Candidate, Job: want.Job,
		}, order, cmpopts.IgnoreFields(assessment.Candidate{}, "RemoteID"), cmpopts.IgnoreFields(assessment.Job{}, "RemoteID")))
		require.Len(t, server.Calls(stackonetest.OpApplication), 1)
	})
	t.Run("what is there stays", func(t *testing.T) {
		_, client, ref := simulated(t, stackonetest.Eploy)
		order := exampleOrder(ref.Kind, ref.ID, "")
		order.Candidate.Email, order.Job.Name, order.ATS, order.Candidate.FirstName = "kept@example.com", "Kept", "kept", "Kept"
		require.NoError(t, client.Complete(t.Context(), &order))
		require.Equal(t, "kept@example.com", order.Candidate.Email)
		require.Equal(t, "Kept", order.Candidate.FirstName)
		require.Equal(t, "Kept", order.Job.Name)
		require.Equal(t, "kept", order.ATS)
		require.Equal(t, "184919", order.Job.Code)
	})
	t.Run("the application names candidate and job", func(t *testing.T) {
		server := play(
			answers(200, `{"data":{"id":"a","candidate_id":"c/1","job_id":"j","candidate":{"email":"a@example.com","first_name":"A"}}}`),
			answers(404, "{}"),
			answers(200, `{"data":{"title":"T"}}`),
		)
		order := assessment.Order{Ref: ref, Application: assessment.Application{RemoteID: "ra"}}
		require.NoError(t, newClient(t, server, behind("eploy")).Complete(t.Context(), &order))
		require.Equal(t, []string{
			"https://api.stackone.com/unified/ats/applications/ra", "https://api.stackone.com/unified/ats/candidates/c%2F1", "https://api.stackone.com/unified/ats/jobs/j",
		}, []string{server.seen[0].URL, server.seen[1].URL, server.seen[2].URL})
		requireEqual(t, assessment.Candidate{ID: "c/1", FirstName: "A", Email: "a@example.com"}, order.Candidate)
		requireEqual(t, assessment.Job{ID: "j", Name: "T"}, order.Job)
		require.Equal(t, "eploy", order.ATS)
	})
	t.Run("names of two sources are not mixed", func(t *testing.T) {
		for known, want := range map[assessment.Candidate]assessment.Candidate{
			{FirstName: "Own"}: {FirstName: "Own"},
			{LastName: "Own"}:  {LastName: "Own"},
			{}:                 {FirstName: "Looked", LastName: ""},
		} {
			server := play(
				answers(200, `{"data":{"candidate_id":"c","candidate":{"first_name":"Of","last_name":"Application"}}}`),
				answers(200, `{"data":{"first_name":"Looked"}}`),
			)
			order := assessment.Order{Ref: ref, Application: assessment.Application{ID: "a"}, Candidate: known}
			require.NoError(t, newClient(t, server, behind("eploy")).Complete(t.Context(), &order))
			want.ID = "c"
			requireEqual(t, want, order.Candidate)
		}
	})
	t.Run("the candidate of an application is somebody else", func(t *testing.T) {
		server := play(
			answers(200, `{"data":{"id":"a","candidate_id":"c1","job_id":"j","candidate":{"email":"other@example.com"}}}`),
			answers(501, "{}"),
			answers(404, "{}"),
		)
		order := assessment.Order{
			Ref: ref, Application: assessment.Application{ID: "a"}, Candidate: assessment.Candidate{ID: "c9"},
		}
		require.NoError(t, newClient(t, server, behind("eploy")).Complete(t.Context(), &order))
		requireEqual(t, assessment.Candidate{ID: "c9"}, order.Candidate)
		require.Equal(t, "j", order.Job.ID)
	})
	t.Run("a bare order stays so", func(t *testing.T) {
		server := play(answers(500, ""))
		order := assessment.Order{Ref: ref}
		require.NoError(t, newClient(t, server, behind("")).Complete(t.Context(), &order))
		require.True(t, stackone.Bare(order))
		require.Empty(t, server.seen)
	})
	for _, status := range []int{403, 501} {
		t.Run("Partner API", func(t *testing.T) {
			server, client, ref := simulated(t, stackonetest.Workday, func(c *stackonetest.Config) {
				c.Accounts[0].PartnerAPI, c.Quirks.PartnerAPIStatus = true, status
			})
			order := exampleOrder(ref.Kind, ref.ID, "")
			order.Candidate.Email = ""
			require.NoError(t, client.Complete(t.Context(), &order))
			require.Len(t, server.Calls(stackonetest.OpCandidate), 1)
			require.Empty(t, order.Candidate.Email)
		})
	}
	t.Run("other failures are returned, and the rest is done", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, ref := simulated(t, stackonetest.Eploy)
			server.Fail(stackonetest.OpCandidate, stackonetest.AccountUnusable())
			order := exampleOrder(ref.Kind, ref.ID, "")
			order.Job = assessment.Job{ID: exampleID}
			err := client.Complete(t.Context(), &order)
			require.ErrorIs(t, err, assessment.ErrAccountUnusable)
			require.Equal(t, "Software Engineer", order.Job.Name)

			server.Fail(stackonetest.OpJob, stackonetest.RateLimited().Header("Retry-After", "90"))
			_, again := assessment.Retryable(client.Complete(t.Context(), &order))
			require.True(t, again)
		})
	})
	t.Run("the host's function fails", func(t *testing.T) {
		errHost := errors.New("host")
		client := newClient(t, play(answers(404, "")), func(c *stackone.Config) {
			c.Provider = func(context.Context, string) (string, error) { return "", errHost }
		})
		require.ErrorIs(t, client.Complete(t.Context(), &assessment.Order{Ref: ref}), errHost)
	})
}
