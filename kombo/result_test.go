package kombo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func completed() assessment.Result {
	return assessment.Result{Status: assessment.StatusCompleted, ReportURL: "https://example.com/results/42"}
}

func TestPublishResultExamples(t *testing.T) {
	for name, tc := range map[string]struct {
		result assessment.Result
		want   []byte
	}{
		"guide": {assessment.Result{
			Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(90, 100),
			ReportURL: "https://example.com", CompletedAt: utc(2023, time.April, 4, 0, 0),
			Attributes: []assessment.Attribute{
				{Label: "Role fit", Value: assessment.Text("Excellent")},
				{ID: "<YOUR_INTERNAL_ID_OF_THE_TEST>", Label: "Personality test", Value: assessment.SubResult{
					Score: assessment.ScoreOutOf(97, 100), Status: assessment.StatusCompleted,
				}},
				{Label: "SSN Status", Value: assessment.Text("Valid")},
			},
			Attachments: []assessment.Attachment{{
				Name: "Assessment Report.pdf", ContentType: "application/pdf",
				Data: []byte("Hi there, Kombo is currently hiring engineers that love to work on developer products."),
			}},
		}, example(t, "update-order-result-request.json")},
		"interim": {assessment.Result{
			Status: assessment.StatusInProgress, ReportURL: "https://example.com/background-checks/42",
			Attributes: []assessment.Attribute{{Label: "SSN Status", Value: assessment.Text("Pending")}},
		}, example(t, "update-order-result-request-interim-open.json")},
		"remote fields": {assessment.Result{
			Status: assessment.StatusCompleted, ReportURL: "https://example.com/results/42",
			CompletedAt: time.Date(2026, 6, 30, 21, 0, 0, 0, time.FixedZone("JST", 9*60*60)),
			Score:       assessment.ScoreOutOf(81.5, 100),
			Attachments: []assessment.Attachment{{Name: "Report.pdf", URL: "https://files.example.com/report.pdf?sig=abc"}},
			Passthrough: map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`{
				"smartrecruiters": {"scoreLabel": "Recommended"},
				"recruitee": {"subtitle": "Top 5 %"},
				"workday": {"Assess_Candidate_Data": {"Candidate_Assessment_Data": {"Assess_Candidate_Test_Result_Data":
					{"Assessment_Test_Status_Reference": {"Assessment_Status_ID": "PASS"}}}}}}`)},
		}, example(t, "update-order-result-request-remote-fields.json")},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, string(example(t, "update-order-result-response.json"))))
			receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), tc.result)
			require.NoError(t, err)
			requireEqual(t, assessment.Receipt{Outcome: assessment.ResultWritten, Warnings: []string{"This is an example warning!"}, Attempts: 1}, receipt)
			require.Len(t, server.seen, 1)
			require.Equal(t, "PUT", server.seen[0].Method)
			require.Equal(t, "https://api.kombo.dev/v1/assessment/orders/"+orderID+"/result", server.seen[0].URL)
			requireSameJSON(t, tc.want, []byte(server.seen[0].Body))
		})
	}
}

func TestOrderIDsAreEscaped(t *testing.T) {
	for id, want := range map[string]string{
		"a/b?c":     "a%2Fb%3Fc",
		"a b#c%2F":  "a%20b%23c%252F",
		"../x":      "..%2Fx",
		"ü":         "%C3%BC",
		"a\r\nb":    "a%0D%0Ab",
		"...":       "...",
		"a,b;c=d&e": "a%2Cb%3Bc=d&e",
	} {
		server := play(answers(200, written))
		ref := refTo("workday")
		ref.ID = id
		_, err := newClient(t, server).PublishResult(t.Context(), ref, completed())
		require.NoError(t, err)
		require.Equal(t, "https://api.kombo.dev/v1/assessment/orders/"+want+"/result", server.seen[0].URL)
	}
}

func TestPublisherOfTheRouter(t *testing.T) {
	eu, us := play(answers(200, written)), play(answers(200, written))
	router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{
		newClient(t, eu), newClient(t, us, func(c *kombo.Config) { c.Connection, c.Region = "us", kombo.RegionUS }),
	}})
	require.NoError(t, err)
	ref := refTo("workday")
	ref.Connection = "us"
	_, err = router.PublishResult(t.Context(), ref, completed())
	require.NoError(t, err)
	require.Empty(t, eu.seen)
	require.Len(t, us.seen, 1)
}

// simulated is a bubble's Kombo with one open order, and a client for it.
func simulated(t testing.TB, options ...func(*kombotest.Config)) (*kombotest.Server, *kombo.Client, assessment.OrderRef) {
	t.Helper()
	server := kombotest.Start(t, options...)
	id, _, err := server.PlaceOrder(t.Context(), kombotest.OrderSpec{}, kombotest.Lost())
	require.NoError(t, err)
	client, err := kombo.New(kombo.Config{
		APIKey: kombotest.DefaultAPIKey, HTTPClient: server.Client(), Timeout: 30 * time.Second, ResultURL: standIn,
	})
	require.NoError(t, err)
	return server, client, assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}
}

func TestUncertainResult(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   kombotest.Fault
		applied bool
	}{
		"reset, not applied":              {kombotest.Reset(), false},
		"reset, applied":                  {kombotest.AppliedThenReset(), true},
		"timeout, not applied":            {kombotest.Slow(time.Hour), false},
		"timeout, applied":                {kombotest.AppliedThen(kombotest.Slow(time.Hour)), true},
		"500, not applied":                {kombotest.Status(500, ""), false},
		"500, applied":                    {kombotest.AppliedThen(kombotest.Status(500, "")), true},
		"502, applied":                    {kombotest.AppliedThen(kombotest.Status(502, "")), true},
		"task timed out, not applied":     {kombotest.TaskTimedOut(), false},
		"task timed out, applied":         {kombotest.AppliedThen(kombotest.TaskTimedOut()), true},
		"unknown error, applied":          {kombotest.AppliedThen(kombotest.Status(500, "PLATFORM.UNKNOWN_ERROR")), true},
		"body cut off, applied":           {kombotest.CutOff(), true},
		"body of half a JSON, applied":    {kombotest.TruncatedJSON(), true},
		"page with a 200, not applied":    {kombotest.HTMLBody(), false},
		"page with a 200, applied":        {kombotest.AppliedThen(kombotest.HTMLBody()), true},
		"body slower than us, applied":    {kombotest.SlowBody(time.Hour), true},
		"code of tomorrow, 500, applied":  {kombotest.AppliedThen(kombotest.Status(500, "PLATFORM.NEW")), true},
		"task timed out with 400 applied": {kombotest.AppliedThen(kombotest.Status(400, "PLATFORM.TASK_TIMED_OUT")), true},
	} {
		for _, status := range []assessment.Status{assessment.StatusCompleted, assessment.StatusCancelled, assessment.StatusExpired} {
			t.Run(fmt.Sprintf("%s/%s", name, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server, client, ref := simulated(t)
					server.Fail(kombotest.OpUpdateResult, tc.fault)
					result := completed()
					result.Status = status
					receipt, err := client.PublishResult(t.Context(), ref, result)
					require.NoError(t, err)
					synctest.Wait() // until the simulator has seen that nobody waits for its answer
					order, _ := server.Order(ref.ID)
					require.Len(t, order.Results, 1, "written once, whatever was seen of it")
					require.Len(t, server.Calls(kombotest.OpGetOrders), 1)
					require.Equal(t, tc.applied, receipt.Uncertain)
					writes := 2
					if tc.applied {
						writes = 1
						require.Len(t, receipt.Warnings, 1)
					}
					require.Len(t, server.Calls(kombotest.OpUpdateResult), writes)
					require.Equal(t, writes, receipt.Attempts)
					require.Zero(t, server.PendingFaults())
				})
			})
		}
	}
}

// Kombo answers a success without a body: nothing is left open.
func TestEmptyAnswerToAResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		server.Fail(kombotest.OpUpdateResult, kombotest.EmptyBody())
		receipt, err := client.PublishResult(t.Context(), ref, completed())
		require.NoError(t, err)
		require.False(t, receipt.Uncertain)
		require.Empty(t, server.Calls(kombotest.OpGetOrders))
	})
}

// What never reached Kombo leaves nothing open.
func TestRefusedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(breaks(errRefused), answers(200, written))
		receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
		require.NoError(t, err)
		require.Equal(t, []string{"PUT", "PUT"}, server.methods())
		require.False(t, receipt.Uncertain)
	})
}

// An interim update leaves the order open, so it cannot be seen whether it was
// applied; a repetition does no harm.
func TestUncertainInterimUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		server.Fail(kombotest.OpUpdateResult, kombotest.AppliedThenReset())
		receipt, err := client.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusInProgress})
		require.NoError(t, err)
		require.False(t, receipt.Uncertain)
		require.Len(t, server.Calls(kombotest.OpUpdateResult), 2)
		order, _ := server.Order(ref.ID)
		require.Equal(t, kombotest.StatusOpen, order.Status)
	})
}

// orderIn is the answer to the question for the order.
func orderIn(status string) step {
	return answers(200, fmt.Sprintf(`{"status":"success","data":{"next":null,"results":[{"id":%q,"status":%q}]}}`, orderID, status))
}

func TestUncertainResultStaysUncertain(t *testing.T) {
	for name, tc := range map[string]struct {
		steps   []step
		methods []string
		writes  int
	}{
		"order cannot be read":       {[]step{breaks(errReset), answers(403, envelope("INTEGRATION.PERMISSION_MISSING"))}, []string{"PUT", "GET"}, 1},
		"order is not listed":        {[]step{breaks(errReset), answers(200, `{"data":{"next":null,"results":[]}}`)}, []string{"PUT", "GET"}, 1},
		"another order is listed":    {[]step{breaks(errReset), answers(200, `{"data":{"next":null,"results":[{"id":"x","status":"COMPLETED"}]}}`)}, []string{"PUT", "GET"}, 1},
		"order has no status":        {[]step{breaks(errReset), answers(200, `{"data":{"next":null,"results":[{"id":"`+orderID+`"}]}}`)}, []string{"PUT", "GET"}, 1},
		"order stays open, 3 writes": {[]step{answers(500, ""), orderIn("OPEN"), answers(500, ""), orderIn("OPEN"), answers(500, ""), orderIn("OPEN")}, []string{"PUT", "GET", "PUT", "GET", "PUT", "GET"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := play(tc.steps...)
				_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
				api := apiError(t, err)
				require.Equal(t, tc.methods, server.methods())
				require.True(t, api.Uncertain)
				require.True(t, api.SafeToRepeat)
				require.Equal(t, "PUT /assessment/orders/{id}/result", api.Operation, "the write, not the question")
				require.Equal(t, tc.writes, api.Attempts)
				_, ok := assessment.Retryable(err)
				require.True(t, ok)
				for _, r := range server.seen {
					require.Equal(t, server.seen[0].Header.Get("X-Integration-Id"), r.Header.Get("X-Integration-Id"))
					if r.Method == "GET" {
						require.Equal(t, "https://api.kombo.dev/v1/assessment/orders?ids="+orderID, r.URL)
					}
				}
			})
		})
	}
}

// Another final status than the one written is somebody else's.
func TestUncertainResultOfAnOrderEndedOtherwise(t *testing.T) {
	for _, status := range []string{"CANCELLED", "REJECTED"} {
		t.Run(status, func(t *testing.T) {
			server := play(answers(500, ""), orderIn(status))
			_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
			requireClass(t, err, assessment.ErrConflict)
			require.False(t, apiError(t, err).Uncertain)
			_, ok := assessment.Retryable(err)
			require.False(t, ok)
			require.Len(t, server.seen, 2)
		})
	}
}

func TestUncertainResultWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		server.Fail(kombotest.OpUpdateResult, kombotest.AppliedThen(kombotest.Slow(time.Hour)))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.PublishResult(ctx, ref, completed())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, apiError(t, err).Uncertain)
		require.True(t, apiError(t, err).SafeToRepeat)
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}

// A queue does again what was safe to repeat. The first attempt was applied and
// Kombo may refuse the second, so the second is no failure: the order has the
// status that was to be written.
func TestRepeatingWhatIsSafeToRepeat(t *testing.T) {
	for name, policy := range map[string]kombotest.RepeatPolicy{
		"refused": kombotest.RepeatRefused, "accepted": kombotest.RepeatAccepted,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client, ref := simulated(t, func(c *kombotest.Config) { c.Quirks.RepeatedFinal = policy })
				server.Fail(kombotest.OpUpdateResult, kombotest.AppliedThenReset())
				server.Fail(kombotest.OpGetOrders, kombotest.Status(403, "INTEGRATION.PERMISSION_MISSING"))
				_, err := client.PublishResult(t.Context(), ref, completed())
				require.True(t, apiError(t, err).SafeToRepeat)

				_, err = client.PublishResult(t.Context(), ref, completed())
				require.NoError(t, err)
				order, _ := server.Order(ref.ID)
				require.Equal(t, kombotest.StatusCompleted, order.Status)
			})
		})
	}
}

// A task that timed out may still be running: the order reads OPEN, and by the
// time the result is written again the first write has arrived.
func TestResultAppliedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(504, envelope("PLATFORM.TASK_TIMED_OUT")), orderIn("OPEN"),
			answers(400, envelope("PLATFORM.INPUT_INVALID")), orderIn("COMPLETED"))
		receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
		require.NoError(t, err)
		require.True(t, receipt.Uncertain)
		require.Len(t, receipt.Warnings, 1)
		require.Equal(t, 2, receipt.Attempts)
	})
}

// Kombo does not say with which code it refuses a result for an order that is
// over, so the order is read before a refusal is believed.
func TestRefusedResult(t *testing.T) {
	refused := answers(400, string(example(t, "error-400-input-invalid.json")))
	for name, tc := range map[string]struct {
		steps   []step
		result  assessment.Result
		class   error
		methods []string
	}{
		"order is open":              {[]step{refused, orderIn("OPEN")}, completed(), assessment.ErrInvalid, []string{"PUT", "GET"}},
		"order was ended otherwise":  {[]step{refused, orderIn("CANCELLED")}, completed(), assessment.ErrConflict, []string{"PUT", "GET"}},
		"order cannot be read":       {[]step{refused, answers(403, "")}, completed(), assessment.ErrInvalid, []string{"PUT", "GET"}},
		"interim update":             {[]step{refused, orderIn("OPEN")}, assessment.Result{Status: assessment.StatusOpen, ReportURL: reportURL}, assessment.ErrInvalid, []string{"PUT", "GET"}},
		"refused for another reason": {[]step{answers(403, envelope("INTEGRATION.PERMISSION_MISSING"))}, completed(), assessment.ErrForbidden, []string{"PUT"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(tc.steps...)
			_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), tc.result)
			requireClass(t, err, tc.class)
			api := apiError(t, err)
			require.False(t, api.Uncertain)
			require.Equal(t, 1, api.Attempts)
			require.Equal(t, tc.methods, server.methods())
			_, ok := assessment.Retryable(err)
			require.False(t, ok)
		})
	}
}

func TestPublishedResultAtTheSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		_, err := client.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusInProgress, Summary: "half way"})
		require.NoError(t, err)
		receipt, err := client.PublishResult(t.Context(), ref, done(func(r *assessment.Result) {
			r.Score = assessment.ScoreOutOf(87.4, 100)
			r.Outcome = assessment.OutcomePassed
			r.Attributes = []assessment.Attribute{
				{Label: "Part", Value: assessment.SubResult{Score: assessment.ScoreOutOf(3, 5)}},
				{Label: "Took", Value: assessment.Elapsed(90 * time.Minute)},
			}
			r.Attachments = []assessment.Attachment{
				{Name: "a.pdf", ContentType: "application/pdf", Data: []byte("\xff\xfe")},
				{Name: "b.pdf", URL: "https://files.example.com/b.pdf"},
			}
			r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`{"recruitee":{"subtitle":"x"}}`)}
		}))
		require.NoError(t, err)
		require.Empty(t, receipt.Warnings)
		order, ok := server.Order(ref.ID)
		require.True(t, ok)
		require.Len(t, order.Results, 2)
		final, ok := order.Final()
		require.True(t, ok)
		require.Empty(t, final.UnknownKeys)
		require.Equal(t, json.Number("87.4"), final.Score)
		require.Equal(t, "2026-06-30T12:00:00.250Z", final.CompletedAt)
		requireEqual(t, []kombotest.Attribute{
			{Type: "TEXT", Label: "Outcome", Value: "Passed"},
			{Type: "SUB_RESULT", ID: "Part", Label: "Part", Score: "3", Max: "5", Status: "COMPLETED"},
			{Type: "TEXT", Label: "Took", Value: "1 h 30 min"},
		}, final.Attributes)
		require.Empty(t, cmp.Diff([]kombotest.Attachment{
			{Name: "a.pdf", ContentType: "application/pdf", Data: []byte("\xff\xfe")},
			{Name: "b.pdf", DataURL: "https://files.example.com/b.pdf"},
		}, final.Attachments, cmpopts.EquateEmpty()))
	})
}
