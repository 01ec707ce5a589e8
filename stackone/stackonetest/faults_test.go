package stackonetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestFailuresMatchTheExamples(t *testing.T) {
	headers := map[string]string{"content-type": "application/json", "x-request-id": "5678c28b211dace4e0a0f9171e6b88c5"}
	for name, f := range map[string]stackonetest.Failure{
		"error_400.openapi.json": {
			Status: 400,
			Data:   json.RawMessage(`{"statusCode":400,"message":"Bad Request","headers":{"content-type":"application/json","x-request-id":"5678c28b211dace4e0a0f9171e6b88c5"}}`),
			Provider: []stackonetest.ProviderError{{
				Status: 400, URL: "https://api.provider.com/v1/resource", Raw: json.RawMessage(`{"message":"Invalid input parameters"}`), Headers: headers,
			}},
		},
		"error_400.validation_errors_array.json": {
			Status: 400, Message: "Validation failed", NoTimestamp: true,
			Errors: []string{"first_name must be a string", "email must be a valid email address"},
		},
		"error_400.with_error_code.json": {Status: 400, Message: "Human-readable error message", ErrorCode: "ValidationError", Provider: []stackonetest.ProviderError{}},
		"error_401.openapi.json":         {Status: 401},
		"error_403.openapi.json":         {Status: 403},
		"error_404.openapi.json":         {Status: 404},
		"error_404.with_provider_errors.json": {
			Status: 404, Message: "Resource not found", NoTimestamp: true, Provider: []stackonetest.ProviderError{{
				Status: 404, URL: "/api/v1/employees/250", Raw: json.RawMessage(`{"error":"Employee with id 250 does not exist"}`),
			}},
		},
		"error_408.openapi.json": {Status: 408},
		"error_409.openapi.json": {Status: 409},
		"error_412.openapi.json": {Status: 412},
		"error_422.openapi.json": {Status: 422},
		"error_429.openapi.json": {Status: 429},
		"error_500.openapi.json": {Status: 500},
		"error_501.openapi.json": {Status: 501},
		"error_502.openapi.json": {Status: 502},
		"error_502.with_provider_errors.json": {
			Status: 502, NoTimestamp: true, Provider: []stackonetest.ProviderError{{
				Status: 503, URL: "/api/v1/employees", Raw: json.RawMessage(`{"error":"Service temporarily unavailable"}`),
			}},
		},
	} {
		now := "2023-05-30T00:00:00Z"
		if f.ErrorCode != "" {
			now = "2024-01-15T10:30:00Z"
		}
		s := stackonetest.Start(t, at(now))
		s.Fail(stackonetest.OpListAssessmentPackages, stackonetest.Answer(f))
		require.JSONEq(t, string(fixture(t, name)), string(newAPI(t, s).call(f.Status, "GET "+assessmentPackages, nil)), name)
	}
}

func TestFaultsOfTheAPI(t *testing.T) {
	text := stackonetest.ProviderError{Status: 503, Raw: json.RawMessage(`"down"`)}
	for name, c := range map[string]struct {
		fault      stackonetest.Fault
		status     int // 0: no answer
		applied    bool
		retryAfter string
		contains   string
	}{
		"none":                     {stackonetest.Fault{}, 200, true, "", "Record updated"},
		"timed out":                {stackonetest.TimedOut(), 408, false, "60", "Request timed out"},
		"applied, timed out":       {stackonetest.AppliedThen(stackonetest.TimedOut()), 408, true, "60", "408"},
		"account unusable":         {stackonetest.AccountUnusable(), 412, false, "", "AccountIntegrationInactiveError"},
		"rate limited":             {stackonetest.RateLimited(), 429, false, "60", "Too many requests"},
		"rate limited, no delay":   {stackonetest.RateLimited().Header("retry-after", ""), 429, false, "", "429"},
		"rate limited, own delay":  {stackonetest.RateLimited().Header("Retry-After", "3"), 429, false, "3", "429"},
		"500":                      {stackonetest.Status(500, ""), 500, false, "", "Internal server error"},
		"501":                      {stackonetest.Status(501, ""), 501, false, "", "Not Implemented"},
		"503":                      {stackonetest.Status(503, ""), 503, false, "", "Service Unavailable"},
		"401 with a code":          {stackonetest.Status(401, "AccountExpiredCredentialsError"), 401, false, "", "AccountExpiredCredentialsError"},
		"bad gateway":              {stackonetest.BadGateway(text), 502, false, "", `"raw":"down"`},
		"applied, bad gateway":     {stackonetest.AppliedThen(stackonetest.BadGateway()), 502, true, "", "Bad Gateway"},
		"firewall":                 {stackonetest.Firewall(), 403, false, "", "<h1>403 Forbidden</h1>"},
		"HTML":                     {stackonetest.HTMLBody(), 200, false, "", "Please sign in"},
		"raw":                      {stackonetest.RawBody(502, "text/plain", "upstream"), 502, false, "", "upstream"},
		"redirect":                 {stackonetest.Redirect("/accounts"), 307, false, "", ""},
		"reset":                    {stackonetest.Reset(), 0, false, "", ""},
		"applied, reset":           {stackonetest.AppliedThenReset(), 0, true, "", ""},
		"empty body":               {stackonetest.EmptyBody(), 200, true, "", ""},
		"truncated":                {stackonetest.TruncatedJSON(), 200, true, "", `{"`},
		"cut off":                  {stackonetest.CutOff(), 200, true, "", ""},
		"slow":                     {stackonetest.Slow(time.Millisecond), 200, true, "", "Record updated"},
		"slow body":                {stackonetest.SlowBody(time.Millisecond), 200, true, "", "Record updated"},
		"late failure":             {stackonetest.Status(500, "").After(time.Millisecond), 500, false, "", "500"},
		"heartbeat":                {stackonetest.Heartbeat(time.Millisecond), 200, true, "", "\n\n{"},
		"heartbeat, then error":    {stackonetest.HeartbeatThenError(stackonetest.Failure{Status: 502}), 200, false, "", "\n\n{\"statusCode\":502"},
		"applied, heartbeat error": {stackonetest.AppliedThen(stackonetest.HeartbeatThenError(stackonetest.Failure{Status: 408})), 200, true, "60", "408"},
		"edited":                   {stackonetest.Edited(object{"message": "héllo", "timestamp": stackonetest.Absent}), 200, true, "", `"message":"héllo"`},
	} {
		for _, socket := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := stackonetest.Start(t)
				a := newAPI(t, s)
				if socket {
					a.client, a.base = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, s.URL()
				}
				a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				id, _ := place(t, s, stackonetest.OrderSpec{})
				s.Fail(stackonetest.OpUpdateAssessmentResult, c.fault)
				response, body, err := a.send(resultOp(id), []byte(`{"summary":"x"}`))
				require.Zero(t, s.PendingFaults())
				require.Equal(t, c.applied, len(order(t, s, id).Results) == 1)
				require.Equal(t, c.fault.String(), s.Calls(stackonetest.OpUpdateAssessmentResult)[0].Fault)
				if c.status == 0 {
					require.ErrorIs(t, err, syscall.ECONNRESET)
					return
				}
				if name == "cut off" {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.status, response.StatusCode)
				require.Equal(t, c.retryAfter, response.Header.Get("Retry-After"))
				require.Contains(t, string(body), c.contains)
			})
		}
	}
}

func TestHeartbeat(t *testing.T) {
	for name, c := range map[string]struct {
		hides  bool
		status int
	}{"own status": {false, 404}, "200": {true, 200}} {
		s := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.HeartbeatErrors = c.hides }))
		a := newAPI(t, s).with("Prefer", "heartbeat")
		response, body, err := a.send("GET "+assessmentPackages, nil)
		require.NoError(t, err)
		require.Equal(t, "heartbeat", response.Header.Get("Preference-Applied"))
		require.True(t, bytes.HasPrefix(body, []byte("\n\n{")))
		require.True(t, json.Valid(body))
		failure := a.object(c.status, "GET "+assessmentPackages+"/nobody", nil)
		require.Equal(t, json.Number("404"), failure["statusCode"], name)
		s.Fail(stackonetest.OpAny, stackonetest.Firewall())
		response, _, err = a.send("GET "+assessmentPackages, nil)
		require.NoError(t, err)
		require.Empty(t, response.Header.Get("Preference-Applied"))
		response, _, err = a.send("GET /accounts", nil)
		require.NoError(t, err)
		require.Empty(t, response.Header.Get("Preference-Applied"))
	}
}

func TestHeartbeatKeepsTheConnectionAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stackonetest.Start(t)
		s.Fail(stackonetest.OpAny, stackonetest.Heartbeat(50*time.Second))
		a := newAPI(t, s)
		started := time.Now()
		response, err := a.client.Do(a.request(t.Context(), "GET "+assessmentPackages, nil))
		require.NoError(t, err)
		lead := make([]byte, 16)
		n, err := response.Body.Read(lead)
		require.NoError(t, err)
		require.Equal(t, "\n\n", string(lead[:n]))
		require.Zero(t, time.Since(started))
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.True(t, json.Valid(body))
		require.Equal(t, 50*time.Second, time.Since(started))
		require.NoError(t, response.Body.Close())
	})
}

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stackonetest.Start(t)
		id, _ := place(t, s, stackonetest.OrderSpec{})
		a := newAPI(t, s)
		for _, applied := range []int{0, 1} {
			fault := stackonetest.Slow(time.Minute)
			if applied == 1 {
				fault = stackonetest.AppliedThen(fault)
			}
			s.Fail(stackonetest.OpUpdateAssessmentResult, fault)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := a.client.Do(a.request(ctx, resultOp(id), []byte(`{}`))) //nolint:bodyclose // there is no answer
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Len(t, order(t, s, id).Results, applied)
		}
	})
}

func TestChaosIsRepeatable(t *testing.T) {
	statuses := func(seed uint64) []int {
		s := stackonetest.Start(t, func(c *stackonetest.Config) { c.Seed = seed })
		s.Chaos(s.RandomFaults(0.5, stackonetest.Status(500, ""), stackonetest.RateLimited()))
		var list []int
		for range 30 {
			response, _, err := newAPI(t, s).send("GET /accounts", nil)
			require.NoError(t, err)
			list = append(list, response.StatusCode)
		}
		s.Chaos(nil)
		newAPI(t, s).call(200, "GET /accounts", nil)
		return list
	}
	require.Equal(t, statuses(1), statuses(1))
	require.NotEqual(t, statuses(1), statuses(2))
	require.Subset(t, statuses(1), []int{200, 429, 500})
}

func TestClosedSimulatorRefusesConnections(t *testing.T) {
	s := stackonetest.Start(t)
	require.NotEmpty(t, s.URL())
	s.Close()
	s.Close()
	require.Empty(t, s.URL())
	_, _, err := newAPI(t, s).send("GET /accounts", nil)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestConcurrentUse(t *testing.T) {
	s := stackonetest.Start(t, linked(stackonetest.Ashby))
	s.Target(always(200, ""))
	s.PackagesTarget(always(200, `{"data":[]}`))
	a := newAPI(t, s)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			id, _, err := s.PlaceOrder(t.Context(), stackonetest.OrderSpec{}, stackonetest.DuplicateAtOnce(2), stackonetest.NewSentAt())
			if err != nil {
				t.Error(err)
			}
			for _, op := range []string{resultOp(id), "POST " + backgroundPackages, "GET /accounts"} {
				response, err := a.client.Do(a.request(t.Context(), op, []byte(`{}`)))
				if err != nil {
					t.Error(err)
					continue
				}
				_ = response.Body.Close()
			}
			s.RequestPackages(t.Context(), stackonetest.PackagesRequest{})
			s.Orders(account)
			s.Packages(account, stackonetest.BackgroundCheck)
		})
	}
	group.Wait()
	require.Len(t, s.Orders(account), 8)
	require.Len(t, s.Calls(stackonetest.OpUpdateAssessmentResult), 8)
}

func TestInvalidConfigurations(t *testing.T) {
	for name, cfg := range map[string]stackonetest.Config{
		"webhook path":    {WebhookPath: "hook"},
		"packages path":   {PackagesPath: "packages"},
		"timeout":         {WebhookTimeout: -1},
		"retries":         {Retry: stackonetest.Retry{Times: -1}},
		"Partner API":     {Quirks: stackonetest.Quirks{PartnerAPIStatus: 404}},
		"Greenhouse":      {Quirks: stackonetest.Quirks{GreenhouseRepeat: stackonetest.Failure{Status: 200}}},
		"account failure": {AccountFailures: map[string]stackonetest.Failure{"x": {Status: 99}}},
		"raw":             {AccountFailures: map[string]stackonetest.Failure{"x": {Status: 400, Provider: []stackonetest.ProviderError{{Raw: json.RawMessage(`{`)}}}}},
		"data":            {AccountFailures: map[string]stackonetest.Failure{"x": {Status: 400, Data: json.RawMessage(`{`)}}},
		"metadata":        {ConnectorMeta: map[string]json.RawMessage{"x": json.RawMessage(`{`)}},
		"accounts":        {Accounts: []stackonetest.AccountSpec{{ID: "1"}, {ID: "1"}}},
	} {
		_, err := stackonetest.New(cfg)
		require.Error(t, err, name)
	}
}

// One good call, then a reset: net/http repeats a call that cannot do harm on a
// connection that worked before, in memory as on a socket.
func TestResetOfAKnownConnection(t *testing.T) {
	for _, socket := range []bool{false, true} {
		s := stackonetest.Start(t)
		a := newAPI(t, s)
		if socket {
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			a.client, a.base = &http.Client{Transport: transport}, s.URL()
		}
		a.call(200, "GET /accounts", nil)
		s.Fail(stackonetest.OpAny, stackonetest.Reset())
		a.call(200, "GET /accounts", nil)
		require.Len(t, s.Calls(stackonetest.OpListAccounts), 3)
	}
}

func TestFaultsByName(t *testing.T) {
	failure := stackonetest.Failure{Status: 502, Message: "x; y", Provider: []stackonetest.ProviderError{{Status: 503, Raw: json.RawMessage(`"down"`)}}}
	for _, f := range []stackonetest.Fault{
		{}, stackonetest.Answer(failure), stackonetest.Answer(stackonetest.Failure{Status: 404, Provider: []stackonetest.ProviderError{}}),
		stackonetest.Status(412, "AccountIntegrationInactiveError"), stackonetest.TimedOut(),
		stackonetest.RateLimited().Header("Retry-After", ""), stackonetest.AccountUnusable(), stackonetest.BadGateway(),
		stackonetest.AppliedThen(stackonetest.BadGateway(failure.Provider...)), stackonetest.RawBody(502, "text/plain", "a, b"),
		stackonetest.Firewall().After(time.Millisecond), stackonetest.Heartbeat(time.Millisecond), stackonetest.HeartbeatThenError(failure),
		stackonetest.AppliedThen(stackonetest.HeartbeatThenError(failure)),
		stackonetest.Edited(object{"message": "a;b", "timestamp": nil}), stackonetest.CutOff(),
	} {
		parsed, err := stackonetest.ParseFault(f.String())
		require.NoError(t, err, f.String())
		require.Equal(t, f.String(), parsed.String())
		answers := [2]string{}
		for i, fault := range []stackonetest.Fault{f, parsed} {
			s := stackonetest.Start(t, at("2023-05-30T00:00:00Z"))
			s.Fail(stackonetest.OpAny, fault)
			_, body, err := newAPI(t, s).send("GET /accounts", nil)
			answers[i] = string(body)
			if f.String() != "cut off" {
				require.NoError(t, err)
			}
		}
		require.Equal(t, answers[0], answers[1], f.String())
	}
	_, err := stackonetest.ParseFault("answer={")
	require.ErrorContains(t, err, "stackonetest: ")
	require.Contains(t, stackonetest.Faults(), "answer=FAILURE")

	for _, f := range []stackonetest.DeliveryFault{
		stackonetest.AlsoAs("a.created"), stackonetest.NewSentAt(), stackonetest.HexSignature(), stackonetest.WrongKey(),
		stackonetest.MissingKey(), stackonetest.NamedEvent("x"), stackonetest.ChangedFields(object{"a.b": 1}), stackonetest.LegacyBody(),
		stackonetest.AbsentFields("event_data"), stackonetest.Duplicate(2),
	} {
		parsed, err := stackonetest.ParseDeliveryFault(f.String())
		require.NoError(t, err)
		require.Equal(t, f.String(), parsed.String())
	}
	_, err = stackonetest.ParseDeliveryFault("later")
	require.ErrorContains(t, err, "stackonetest: ")
	require.Contains(t, stackonetest.DeliveryFaults(), "also as=EVENT")
}

func TestExchangesCanBeFollowed(t *testing.T) {
	var followed []stackonetest.Exchange
	s := stackonetest.Start(t, func(c *stackonetest.Config) {
		c.MaxExchanges = 3
		c.Retry.Times = 1
		c.OnExchange = func(e stackonetest.Exchange) { followed = append(followed, e) }
	})
	s.Target(always(500, ""))
	s.PackagesTarget(always(200, `{"data":[]}`))
	id, d := place(t, s, stackonetest.OrderSpec{})
	asked := s.RequestPackages(t.Context(), stackonetest.PackagesRequest{})
	newAPI(t, s).call(200, resultOp(id), []byte(`{"summary":"x"}`))
	require.Len(t, followed, 4)
	require.Equal(t, followed[1:], s.Exchanges())
	require.Equal(t, []int{1, 2, 3}, []int{d.Exchange, d.Retries[0].Exchange, asked.Exchange})
	require.Equal(t, []int{d.ID, d.ID, asked.Delivery, 0}, []int{followed[0].Delivery, followed[1].Delivery, followed[2].Delivery, followed[3].Delivery})
	require.Equal(t, id, followed[0].Order)
	require.Equal(t, id, followed[3].Order)
}
