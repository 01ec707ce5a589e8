package kombotest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// transports runs a test in process and over the socket.
func transports(t *testing.T, test func(t *testing.T, s *kombotest.Server, a api)) {
	t.Helper()
	t.Run("in process", func(t *testing.T) {
		s := kombotest.Start(t)
		test(t, s, newAPI(t, s))
	})
	t.Run("socket", func(t *testing.T) {
		s := kombotest.Start(t)
		a := newAPI(t, s)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		a.client, a.base = &http.Client{Transport: transport}, s.URL()
		test(t, s, a)
	})
}

func TestFaults(t *testing.T) {
	transports(t, func(t *testing.T, s *kombotest.Server, a api) {
		for _, c := range []struct {
			fault   kombotest.Fault
			status  int    // 0: the connection is reset
			code    string // empty: no envelope with a code
			applied bool
		}{
			{kombotest.Fault{}, 200, "", true},
			{kombotest.RateLimited(), 429, "PLATFORM.RATE_LIMIT_EXCEEDED", false},
			{kombotest.Concurrency429(), 429, "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", false},
			{kombotest.Status(0, "REMOTE.SERVICE_UNAVAILABLE"), 503, "REMOTE.SERVICE_UNAVAILABLE", false},
			{kombotest.Status(418, "NEW.CODE"), 418, "NEW.CODE", false},
			{kombotest.Status(500, ""), 500, "", false},
			{kombotest.LoadBalancer503(), 503, "", false},
			{kombotest.HTMLBody(), 200, "", false},
			{kombotest.TaskTimedOut(), 504, "PLATFORM.TASK_TIMED_OUT", false},
			{kombotest.AppliedThen(kombotest.TaskTimedOut()), 504, "PLATFORM.TASK_TIMED_OUT", true},
			{kombotest.AppliedThen(kombotest.Status(408, "")), 408, "", true},
			{kombotest.AppliedThen(kombotest.Status(500, "PLATFORM.UNKNOWN_ERROR")), 500, "PLATFORM.UNKNOWN_ERROR", true},
			{kombotest.Reset(), 0, "", false},
			{kombotest.AppliedThenReset(), 0, "", true},
			{kombotest.EmptyBody(), 200, "", true},
			{kombotest.TruncatedJSON(), 200, "", true},
			{kombotest.Slow(time.Millisecond), 200, "", true},
			{kombotest.SlowBody(time.Millisecond), 200, "", true},
			{kombotest.AppliedThen(kombotest.Slow(time.Millisecond)), 200, "", true},
			{kombotest.Warning("careful"), 200, "", true},
		} {
			t.Run(c.fault.String(), func(t *testing.T) {
				a.t = t
				id, _ := place(t, s, kombotest.OrderSpec{})
				s.Fail(kombotest.OpUpdateResult, c.fault)
				response, body, err := a.send(resultOp(id), []byte(validResult))
				if c.status == 0 {
					require.ErrorIs(t, err, syscall.ECONNRESET)
				} else {
					require.NoError(t, err)
					require.Equal(t, c.status, response.StatusCode)
					require.Equal(t, c.code, codeOf(body))
				}
				require.Equal(t, c.applied, order(t, s, id).Status == kombotest.StatusCompleted)
				require.Zero(t, s.PendingFaults())
				calls := s.Calls(kombotest.OpUpdateResult)
				require.Equal(t, c.fault.String(), calls[len(calls)-1].Fault)
			})
		}
	})
}

func codeOf(body []byte) string {
	var envelope struct{ Error struct{ Code string } }
	if json.Unmarshal(body, &envelope) != nil {
		return ""
	}
	return envelope.Error.Code
}

func TestCutOff(t *testing.T) {
	transports(t, func(t *testing.T, s *kombotest.Server, a api) {
		s.Fail(kombotest.OpAny, kombotest.CutOff())
		_, body, err := a.send(kombotest.OpCheckAPIKey, nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NotEmpty(t, body)
	})
}

func TestRedirect(t *testing.T) {
	transports(t, func(t *testing.T, s *kombotest.Server, a api) {
		a.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		s.Fail(kombotest.OpAny, kombotest.Redirect("https://elsewhere.example/v1"))
		response, _, err := a.send(kombotest.OpCheckAPIKey, nil)
		require.NoError(t, err)
		require.Equal(t, 307, response.StatusCode)
		require.Equal(t, "https://elsewhere.example/v1", response.Header.Get("Location"))
	})
}

func TestAnswersCarryRateLimitHeaders(t *testing.T) {
	transports(t, func(t *testing.T, s *kombotest.Server, a api) {
		limited := kombotest.RateLimited()
		s.Fail(kombotest.OpAny, kombotest.Fault{}, limited, limited.Header("Retry-After", "3").Header("Ratelimit-Reset", ""))
		for _, want := range [][2]string{{"57", ""}, {"1", ""}, {"", "3"}} {
			response, _, err := a.send(kombotest.OpCheckAPIKey, nil)
			require.NoError(t, err)
			require.Equal(t, want[0], response.Header.Get("Ratelimit-Reset"))
			require.Equal(t, want[1], response.Header.Get("Retry-After"))
		}
	})
}

// Kombo documents the header in small letters, and a test may write it so. The
// order of a map must not decide which of two wins.
func TestHeaderOfAFaultInAnySpelling(t *testing.T) {
	transports(t, func(t *testing.T, s *kombotest.Server, a api) {
		for _, name := range []string{"ratelimit-reset", "RateLimit-Reset", "RATELIMIT-RESET", "Ratelimit-Reset"} {
			for range 10 { // enough for a map to show its orders
				s.Fail(kombotest.OpAny, kombotest.RateLimited().Header(name, "57"), kombotest.RateLimited().Header(name, ""))
				response, _, err := a.send(kombotest.OpCheckAPIKey, nil)
				require.NoError(t, err)
				require.Equal(t, []string{"57"}, valuesOf(response.Header, name))
				response, _, err = a.send(kombotest.OpCheckAPIKey, nil)
				require.NoError(t, err)
				require.Empty(t, valuesOf(response.Header, name))
			}
		}
	})
}

// valuesOf returns the values under every spelling of a header's name.
func valuesOf(h http.Header, name string) []string {
	var all []string
	for key, values := range h {
		if strings.EqualFold(key, name) {
			all = append(all, values...)
		}
	}
	return all
}

func TestErrorEnvelopesMatchTheSamples(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	for name, c := range map[string]struct {
		status int
		code   string
	}{
		"error-400-input-invalid.json":          {400, "PLATFORM.INPUT_INVALID"},
		"error-401-authentication-invalid.json": {401, "PLATFORM.AUTHENTICATION_INVALID"},
		"error-403-permission-missing.json":     {403, "INTEGRATION.PERMISSION_MISSING"},
		"error-429-rate-limit.json":             {429, "PLATFORM.RATE_LIMIT_EXCEEDED"},
	} {
		s.Fail(kombotest.OpCheckAPIKey, kombotest.Status(0, c.code))
		want, got := tree(t, fixture(t, name)), a.call(c.status, kombotest.OpCheckAPIKey, nil)
		sameShape(t, name, want, got)
		require.Equal(t, message(want), message(got))
	}
}

func TestChaosIsDeterministic(t *testing.T) {
	statuses := func() (list []int) {
		s := kombotest.Start(t, func(c *kombotest.Config) { c.Seed = 3 })
		a := newAPI(t, s)
		s.Chaos(s.RandomFaults(0.5, kombotest.Status(500, ""), kombotest.RateLimited()))
		for range 40 {
			response, _, err := a.send(kombotest.OpCheckAPIKey, nil)
			require.NoError(t, err)
			list = append(list, response.StatusCode)
		}
		s.Chaos(nil)
		a.call(200, kombotest.OpCheckAPIKey, nil)
		return list
	}
	first := statuses()
	require.Equal(t, first, statuses())
	require.Subset(t, first, []int{200, 429, 500})
}

func TestConcurrentUse(t *testing.T) {
	transports(t, func(t *testing.T, s *kombotest.Server, a api) {
		s.Target(always(200, ""))
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				id, _, err := s.PlaceOrder(t.Context(), kombotest.OrderSpec{})
				if err != nil {
					t.Error(err)
					return
				}
				response, err := a.client.Do(a.request(t.Context(), resultOp(id), []byte(validResult)))
				if err != nil || response.StatusCode != 200 {
					t.Error(err)
					return
				}
				_ = response.Body.Close()
			})
		}
		group.Wait()
		require.Len(t, s.Orders(kombotest.DefaultIntegration), 8)
	})
}

func TestExchangesAreKeptWithoutTheKey(t *testing.T) {
	s := kombotest.Start(t)
	s.Target(always(200, "ok"))
	place(t, s, kombotest.OrderSpec{})
	newAPI(t, s).call(200, "GET /assessment/orders?page_size=1", nil)
	all := s.Exchanges()
	require.Len(t, all, 2)
	require.Equal(t, kombotest.FromKombo, all[0].Direction)
	require.Equal(t, "ok", string(all[0].ResponseBody))
	require.Equal(t, kombotest.ToKombo, all[1].Direction)
	require.Equal(t, kombotest.OpGetOrders, all[1].Op)
	require.Equal(t, kombotest.DefaultIntegration, all[1].Integration)
	require.Contains(t, all[1].URL, "page_size=1")
	require.Equal(t, "[redacted]", all[1].RequestHeader.Get("Authorization"))
	require.Contains(t, string(all[1].ResponseBody), `"results"`)
}

func TestClosedServer(t *testing.T) {
	s, err := kombotest.New(kombotest.Config{})
	require.NoError(t, err)
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/v1$`, s.URL())
	s.Close()
	s.Close()
	require.Empty(t, s.URL())
	_, _, err = newAPI(t, s).send(kombotest.OpCheckAPIKey, nil)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// One good call, then a reset: net/http repeats a call that cannot do harm on a
// connection that worked before, in memory as on a socket.
func TestResetOfAKnownConnection(t *testing.T) {
	transports(t, func(t *testing.T, s *kombotest.Server, a api) {
		a.call(200, kombotest.OpCheckAPIKey, nil)
		s.Fail(kombotest.OpAny, kombotest.Reset())
		a.call(200, kombotest.OpCheckAPIKey, nil)
		require.Len(t, s.Calls(kombotest.OpCheckAPIKey), 3)
	})
}

func TestFaultsByName(t *testing.T) {
	for _, f := range []kombotest.Fault{
		{}, kombotest.Status(503, "REMOTE.SERVICE_UNAVAILABLE"), kombotest.Status(500, ""), kombotest.RateLimited().Header("Retry-After", "3"),
		kombotest.Concurrency429(), kombotest.AppliedThen(kombotest.TaskTimedOut()), kombotest.LoadBalancer503(), kombotest.HTMLBody(),
		kombotest.Redirect("https://a.example"), kombotest.AppliedThenReset(), kombotest.Slow(time.Second).After(time.Minute),
		kombotest.SlowBody(time.Second), kombotest.EmptyBody(), kombotest.TruncatedJSON(), kombotest.CutOff(), kombotest.Warning("a, b"),
	} {
		parsed, err := kombotest.ParseFault(f.String())
		require.NoError(t, err)
		require.Equal(t, f.String(), parsed.String())
	}
	f, err := kombotest.ParseFault("applied-then-status=500,PLATFORM.UNKNOWN_ERROR")
	require.NoError(t, err)
	s := kombotest.Start(t)
	id, _ := place(t, s, kombotest.OrderSpec{})
	s.Fail(kombotest.OpAny, f)
	newAPI(t, s).refused(500, "PLATFORM.UNKNOWN_ERROR", resultOp(id), []byte(validResult))
	require.Equal(t, kombotest.StatusCompleted, order(t, s, id).Status)
	_, err = kombotest.ParseFault("no such thing")
	require.ErrorContains(t, err, "kombotest: unknown fault")
	require.Contains(t, kombotest.Faults(), "status=STATUS,CODE")

	for _, form := range kombotest.DeliveryFaults() {
		name, _, takes := strings.Cut(form, "=")
		if takes {
			name += map[string]string{"TIMES": "=2", "DURATION": "=1ms", "BYTES": "=10"}[strings.SplitN(form, "=", 2)[1]]
		}
		if takes && !strings.Contains(name, "=") {
			name += "=job"
		}
		d, err := kombotest.ParseDeliveryFault(strings.ReplaceAll(name, " ", "-"))
		require.NoError(t, err, form)
		require.Equal(t, name, d.String())
	}
	_, err = kombotest.ParseDeliveryFault("late")
	require.ErrorContains(t, err, "kombotest: ")
}

func TestExchangesCanBeFollowed(t *testing.T) {
	var mu sync.Mutex
	var followed []kombotest.Exchange
	s := kombotest.Start(t, func(c *kombotest.Config) {
		c.MaxExchanges = 3
		c.OnExchange = func(e kombotest.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			followed = append(followed, e)
		}
	})
	s.Target(always(200, ""))
	id, d := place(t, s, kombotest.OrderSpec{}, kombotest.Duplicate(1))
	newAPI(t, s).call(200, resultOp(id), []byte(validResult))
	newAPI(t, s).call(200, kombotest.OpCheckAPIKey, nil)
	require.Len(t, followed, 4)
	require.Equal(t, followed[1:], s.Exchanges())
	for i, e := range followed {
		require.Equal(t, i+1, e.ID)
	}
	require.Equal(t, []int{1, 1, 2}, []int{d.ID, d.Exchange, d.Duplicates[0].Exchange})
	require.Equal(t, []int{1, 1, 0, 0}, []int{followed[0].Delivery, followed[1].Delivery, followed[2].Delivery, followed[3].Delivery})
	require.Equal(t, []string{id, id, id, ""}, []string{followed[0].Order, followed[1].Order, followed[2].Order, followed[3].Order})
}

func TestSecretsAreNotKept(t *testing.T) {
	s := kombotest.Start(t)
	s.TargetURL("http://user:hunter2@127.0.0.1:1/hook?token=hunter2")
	_, d := place(t, s, kombotest.OrderSpec{}, kombotest.SignedWith("hunter2"))
	require.Equal(t, kombotest.Failed, d.Outcome)
	require.NotContains(t, d.Err.Error()+d.Reason, "hunter2")
	connection, err := s.Connect(t.Context(), kombotest.ConnectSpec{})
	require.NoError(t, err)
	newAPI(t, s).call(200, "GET /connect/integration-by-token/"+connection.Token, nil)
	for _, e := range s.Exchanges() {
		require.NotContains(t, e.URL+e.Err+e.Fault, "hunter2")
		require.NotContains(t, e.URL, connection.Token)
	}
}
