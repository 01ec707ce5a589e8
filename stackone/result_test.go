package stackone_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// exampleResult is the full example of StackOne's reference.
func exampleResult() assessment.Result {
	return assessment.Result{
		Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed, StatusText: "Passed",
		Score:     &assessment.Score{Label: "Percentage", Value: 80, Min: ptr(0.0), Max: ptr(100.0)},
		StartedAt: utc(2021, 1, 1, 1, 1).Add(time.Second), CompletedAt: utc(2021, 1, 1, 1, 1).Add(time.Second),
		Summary: "Test is passed", ReportURL: "https://exmaple.com/result?id=xyz",
		Attachments: []assessment.Attachment{{Name: "resume", ContentType: "text/plain", URL: "http://example.com/resume.pdf"}},
		Passthrough: map[assessment.Vendor]json.RawMessage{assessment.StackOne: json.RawMessage(`{"other_known_names":"John Doe"}`)},
	}
}

func TestPublishResultExamples(t *testing.T) {
	// What the candidate in a result means is not documented: it is not sent. The
	// source of a content type is the MIME type.
	amended := func(name string) []byte {
		want := decoded(t, example(t, name)).(map[string]any)
		delete(want, "candidate")
		if files, ok := want["attachments"].([]any); ok {
			files[0].(map[string]any)["content_type"].(map[string]any)["source_value"] = "text/plain"
		}
		body, err := json.Marshal(want)
		require.NoError(t, err)
		return body
	}
	minimal := assessment.Result{
		Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed, Score: &assessment.Score{Value: 906},
		StartedAt: utc(2024, 8, 11, 0, 0), CompletedAt: utc(2024, 8, 12, 0, 0), Summary: "Assessment is Passed",
		ReportURL: "https://www.example.com/content/assessment-result.pdf",
	}
	for name, tc := range map[string]struct {
		ref    assessment.OrderRef
		result assessment.Result
		path   string
		want   []byte
	}{
		"assessment":       {ref, exampleResult(), "assessments", amended("assessment_result_update.request.json")},
		"background check": {checkRef, exampleResult(), "background_checks", amended("background_check_result_update.request.json")},
		"minimal":          {ref, minimal, "assessments", example(t, "assessment_result_update.minimal.request.json")},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, string(example(t, "update_result.response.json"))))
			receipt, err := newClient(t, server, behind("workdayats")).PublishResult(t.Context(), tc.ref, tc.result)
			require.NoError(t, err)
			require.Equal(t, 1, receipt.Attempts)
			require.Empty(t, receipt.Warnings)
			require.Len(t, server.seen, 1)
			got := server.seen[0]
			require.Equal(t, "PATCH", got.Method)
			require.Equal(t, "https://api.stackone.com/unified/ats/"+tc.path+"/orders/c28x%2FIQ%2B%3D/result", got.URL)
			requireSameJSON(t, tc.want, []byte(got.Body))

			// As on https://docs.stackone.com/api/authentication.
			require.Equal(t, "Basic djEuZXUxLmFiYzEyM3h5ejo=", got.Header.Get("Authorization"))
			require.Equal(t, account, got.Header.Get("X-Account-Id"))
			require.Equal(t, "application/json", got.Header.Get("Content-Type"))
			require.Equal(t, "application/json", got.Header.Get("Accept"))
			require.NotEmpty(t, got.Header.Get("User-Agent"))
			require.Empty(t, got.Header.Get("Prefer"))
		})
	}
	t.Run("the field of 2024 is not sent", func(t *testing.T) {
		legacy := decoded(t, example(t, "legacy_2024_assessment_result_update.request.json")).(map[string]any)
		require.Contains(t, legacy, "assessment_date")
		body, _ := sent(t, minimal, "")
		require.Equal(t, legacy["assessment_date"], body["start_date"])
		delete(legacy, "assessment_date")
		delete(body, "start_date")
		requireEqual(t, legacy, body)
	})
}

func TestOrderIDsAreEscaped(t *testing.T) {
	for id, want := range map[string]string{
		"c28x/IQ+=":              "c28x%2FIQ%2B%3D",
		"a/b?c&d=e f":            "a%2Fb%3Fc%26d%3De%20f",
		"a%2F#b":                 "a%252F%23b",
		"ü":                      "%C3%BC",
		"../x":                   "..%2Fx",
		"9223372036854775807123": "9223372036854775807123",
	} {
		server := play(answers(200, written))
		at := ref
		at.ID = id
		_, err := newClient(t, server, behind("")).PublishResult(t.Context(), at, completed())
		require.NoError(t, err)
		require.Equal(t, "https://api.stackone.com/unified/ats/assessments/orders/"+want+"/result", server.seen[0].URL)
	}
}

// simulated is a bubble's StackOne with one order, a client for it, and the
// order's reference.
func simulated(t testing.TB, ats string, configure ...func(*stackonetest.Config)) (*stackonetest.Server, *stackone.Client, assessment.OrderRef) {
	t.Helper()
	configure = append([]func(*stackonetest.Config){func(c *stackonetest.Config) {
		c.Accounts = []stackonetest.AccountSpec{{ID: account, Provider: ats}}
	}}, configure...)
	server := stackonetest.Start(t, configure...)
	id, _, err := server.PlaceOrder(t.Context(), stackonetest.OrderSpec{Account: account}, stackonetest.Lost())
	require.NoError(t, err)
	client, err := stackone.New(stackone.Config{APIKey: stackonetest.DefaultAPIKey, HTTPClient: server.Client()})
	require.NoError(t, err)
	return server, client, assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: id}
}

// A result whose answer was lost is sent once more. Greenhouse takes one update
// per test, so that the second is refused where the first was applied.
func TestUncertainResult(t *testing.T) {
	for name, tc := range map[string]struct {
		ats     string
		faults  []stackonetest.Fault
		calls   int
		written bool
		err     error // nil: success
		sure    bool  // the error is not Uncertain
	}{
		"408, applied":               {stackonetest.Bullhorn, faults(stackonetest.AppliedThen(stackonetest.TimedOut())), 2, true, nil, false},
		"408, not applied":           {stackonetest.Bullhorn, faults(stackonetest.TimedOut()), 2, true, nil, false},
		"502, applied":               {stackonetest.Bullhorn, faults(stackonetest.AppliedThen(stackonetest.BadGateway())), 2, true, nil, false},
		"500":                        {stackonetest.Bullhorn, faults(stackonetest.Status(500, "")), 2, true, nil, false},
		"reset, applied":             {stackonetest.Bullhorn, faults(stackonetest.AppliedThenReset()), 2, true, nil, false},
		"reset, not applied":         {stackonetest.Bullhorn, faults(stackonetest.Reset()), 2, true, nil, false},
		"two in a row":               {stackonetest.Bullhorn, faults(stackonetest.Reset(), stackonetest.Status(502, "")), 2, false, assessment.ErrUnavailable, false},
		"Greenhouse, 408 applied":    {stackonetest.Greenhouse, faults(stackonetest.AppliedThen(stackonetest.TimedOut())), 2, true, assessment.ErrUnavailable, false},
		"Greenhouse, reset applied":  {stackonetest.Greenhouse, faults(stackonetest.AppliedThenReset()), 2, true, assessment.ErrUnavailable, false},
		"Greenhouse, 408 before":     {stackonetest.Greenhouse, faults(stackonetest.TimedOut()), 2, true, nil, false},
		"429 is certain":             {stackonetest.Greenhouse, faults(stackonetest.RateLimited(), stackonetest.RateLimited().Header("Retry-After", "")), 3, true, nil, false},
		"503 is certain":             {stackonetest.Greenhouse, faults(stackonetest.Status(503, ""), stackonetest.Status(503, ""), stackonetest.Status(503, "")), 4, true, nil, false},
		"412 is an answer":           {stackonetest.Bullhorn, faults(stackonetest.AccountUnusable()), 1, false, assessment.ErrAccountUnusable, true},
		"422 is an answer":           {stackonetest.Bullhorn, faults(stackonetest.Status(422, "")), 1, false, assessment.ErrInvalid, true},
		"unknown code":               {stackonetest.Bullhorn, faults(stackonetest.Status(500, "SomethingNewError")), 1, false, assessment.ErrUnavailable, false},
		"unknown code of a 502":      {stackonetest.Bullhorn, faults(stackonetest.Status(502, "SomethingNewError")), 2, true, nil, false},
		"firewall":                   {stackonetest.Bullhorn, faults(stackonetest.Firewall()), 1, false, assessment.ErrForbidden, true},
		"empty answer":               {stackonetest.Bullhorn, faults(stackonetest.EmptyBody()), 1, true, nil, false},
		"a page":                     {stackonetest.Bullhorn, faults(stackonetest.HTMLBody()), 2, true, nil, false},
		"half an answer":             {stackonetest.Bullhorn, faults(stackonetest.TruncatedJSON()), 2, true, nil, false},
		"a page, again":              {stackonetest.Bullhorn, faults(stackonetest.HTMLBody(), stackonetest.HTMLBody()), 2, false, assessment.ErrUnavailable, false},
		"Greenhouse, half an answer": {stackonetest.Greenhouse, faults(stackonetest.TruncatedJSON()), 2, true, assessment.ErrUnavailable, false},
		"heartbeat":                  {stackonetest.Bullhorn, faults(stackonetest.Heartbeat(50 * time.Second)), 1, true, nil, false},
		"heartbeat, then an error":   {stackonetest.Bullhorn, faults(stackonetest.HeartbeatThenError(stackonetest.Failure{Status: 502})), 1, false, assessment.ErrUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client, ref := simulated(t, tc.ats)
				server.Fail(stackonetest.OpUpdateAssessmentResult, tc.faults...)
				_, err := client.PublishResult(t.Context(), ref, completed())
				require.Len(t, server.Calls(stackonetest.OpUpdateAssessmentResult), tc.calls)
				require.Zero(t, server.PendingFaults())
				order, found := server.Order(ref.Account, ref.ID)
				require.True(t, found)
				require.Equal(t, tc.written, len(order.Results) > 0)
				if tc.err == nil {
					require.NoError(t, err)
					return
				}
				failure := apiError(t, err)
				require.Equal(t, tc.calls, failure.Attempts)
				require.Equal(t, !tc.sure, failure.Uncertain)
				require.False(t, failure.SafeToRepeat)
				_, again := assessment.Retryable(err)
				require.False(t, again)
				requireClass(t, err, tc.err)
			})
		})
	}
}

func faults(all ...stackonetest.Fault) []stackonetest.Fault { return all }

// Whatever refuses the repetition, the error is Uncertain and not the result's
// fault.
func TestRefusedRepetition(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 412, 422, 429, 500, 501, 502, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := play(answers(408, string(example(t, "error_408.openapi.json")), "Retry-After", "60"), answers(status, `{"errorCode":"ValidationError"}`))
				began := time.Now()
				_, err := newClient(t, server, behind("greenhouse")).PublishResult(t.Context(), ref, completed())
				require.GreaterOrEqual(t, time.Since(began), time.Minute)
				require.Len(t, server.seen, 2)
				require.True(t, apiError(t, err).Uncertain)
				if status != 429 {
					requireClass(t, err, assessment.ErrUnavailable)
				}
				_, again := assessment.Retryable(err)
				require.False(t, again)
			})
		})
	}
}

// The statusCode in a body is not the answer's status, but an error envelope is no
// success either: what became of the result is unknown.
func TestStatusInTheBody(t *testing.T) {
	for _, body := range []string{
		`{"statusCode":500,"message":"?"}`, `{"message":"?","statusCode": "422"}`, `{"errorCode":"SomethingNewError"}`,
		`{"provider_errors":[{"status":503}]}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(200, body))
			_, err := newClient(t, server, behind("")).PublishResult(t.Context(), ref, completed())
			requireClass(t, err, assessment.ErrUnavailable)
			require.True(t, apiError(t, err).Uncertain)
			require.Len(t, server.seen, 2, "repeated once")
		})
	}
	server := play(answers(200, `{"statusCode":204,"message":"deleted","data":{"note":"\"statusCode\""}}`))
	_, err := newClient(t, server, behind("")).PublishResult(t.Context(), ref, completed())
	require.NoError(t, err)

	server = play(answers(400, `{"statusCode":200,"message":"fine"}`))
	_, err = newClient(t, server, behind("")).PublishResult(t.Context(), ref, completed())
	require.ErrorIs(t, err, assessment.ErrInvalid)
	require.Equal(t, 400, apiError(t, err).StatusCode)
}

// wait lets the time of a bubble pass.
func wait(d time.Duration) { <-time.After(d) }

func TestPublisherOfTheRouter(t *testing.T) {
	eu, us := play(answers(200, written)), play(answers(200, written))
	router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{
		newClient(t, eu, behind("")), newClient(t, us, behind(""), func(c *stackone.Config) { c.Connection = "us" }),
	}})
	require.NoError(t, err)
	at := ref
	at.Connection = "us"
	_, err = router.PublishResult(t.Context(), at, completed())
	require.NoError(t, err)
	require.Empty(t, eu.seen)
	require.Len(t, us.seen, 1)
}

// How often it was tried is in the receipt also if no answer came.
func TestReceiptOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			steps    []step
			attempts int
		}{
			"no answer":         {[]step{breaks(errReset)}, 2},
			"none to the last":  {[]step{answers(502, ""), breaks(errReset)}, 2},
			"refused":           {[]step{answers(422, "")}, 1},
			"answer of no form": {[]step{answers(200, "<html>")}, 2},
		} {
			receipt, err := newClient(t, play(tc.steps...), behind("")).PublishResult(t.Context(), ref, completed())
			require.Equal(t, tc.attempts, apiError(t, err).Attempts, name)
			require.Equal(t, tc.attempts, receipt.Attempts, name)
		}
	})
}
