package ashbytest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

func TestLimitsAreEnforced(t *testing.T) {
	for name, c := range map[string]struct {
		limits ashbytest.Limits
		other  int // how another key of the same customer fares then
	}{
		"of the key":          {ashbytest.Limits{CallsPerKey: 1}, 200},
		"of the organization": {ashbytest.Limits{CallsPerAccount: 1}, 429},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := ashbytest.Start(t, func(cfg *ashbytest.Config) { cfg.Limits = c.limits })
				require.NoError(t, s.AddKey("", "second", ashbytest.ScopeAPIKeysRead))
				a := newAPI(t, s)
				status := func(key string) (int, string) {
					a.key = key
					response, body, err := a.send(ashbytest.OpAPIKeyInfo, []byte("{}"))
					require.NoError(t, err)
					require.Empty(t, response.Header.Get("Retry-After"))
					return response.StatusCode, string(body)
				}
				got, _ := status(ashbytest.DefaultAPIKey)
				require.Equal(t, 200, got)
				got, body := status(ashbytest.DefaultAPIKey)
				require.Equal(t, 429, got)
				require.Contains(t, body, `"code":"rate_limit_exceeded"`)
				got, _ = status("second")
				require.Equal(t, c.other, got)
				<-time.After(time.Minute)
				got, _ = status(ashbytest.DefaultAPIKey)
				require.Equal(t, 200, got)
			})
		})
	}
	_, err := ashbytest.New(ashbytest.Config{Limits: ashbytest.Limits{CallsPerAccount: -1}})
	require.ErrorContains(t, err, "ashbytest: ")
}

func TestCallsAtOnceAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ashbytest.Start(t, func(cfg *ashbytest.Config) { cfg.Limits.InFlightPerAccount = 1 })
		s.Fail(ashbytest.OpAPIKeyInfo, ashbytest.Slow(time.Minute))
		a := newAPI(t, s)
		first := make(chan string)
		call := func() string {
			response, body, err := a.send(ashbytest.OpAPIKeyInfo, []byte("{}"))
			if err != nil {
				return err.Error()
			}
			var envelope struct{ ErrorInfo struct{ Code string } }
			if err := json.Unmarshal(body, &envelope); err != nil {
				return err.Error()
			}
			return fmt.Sprint(response.StatusCode, " ", envelope.ErrorInfo.Code)
		}
		go func() { first <- call() }()
		synctest.Wait()
		require.Equal(t, "429 concurrent_limit_exceeded", call())
		require.Equal(t, "200 ", <-first)
		require.Equal(t, "200 ", call())
	})
}

func TestFaultsByName(t *testing.T) {
	for _, f := range []ashbytest.Fault{
		{}, ashbytest.Refused("invalid_input"), ashbytest.Status(500, ""), ashbytest.Status(503, "x"), ashbytest.RateLimited(),
		ashbytest.Concurrency429(), ashbytest.Cloudflare1010(), ashbytest.Warning("a, b"), ashbytest.AppliedThen(ashbytest.Reset()),
		ashbytest.Fault{}.Header("Ashby-Version-Status", "deprecated"),
	} {
		parsed, err := ashbytest.ParseFault(f.String())
		require.NoError(t, err)
		require.Equal(t, f.String(), parsed.String())
	}
	_, err := ashbytest.ParseFault("later")
	require.ErrorContains(t, err, "ashbytest: ")
	require.Contains(t, ashbytest.Faults(), "refused=CODE")

	for _, f := range []ashbytest.DeliveryFault{
		ashbytest.From("acme"), ashbytest.Under("x.y"), ashbytest.Header("X-A", ""), ashbytest.Header("X-A", "1,2"),
		ashbytest.WithBody([]byte(`{"a":1}`)), ashbytest.KeyAsUserName(), ashbytest.KeyAsPassword(), ashbytest.BadKey(),
		ashbytest.WithKey("k"), ashbytest.NoKey(), ashbytest.UpperCaseHex(), ashbytest.BareSignature(), ashbytest.HexDecodedSecret(),
		ashbytest.Duplicate(2), ashbytest.AbsentFields("data"),
	} {
		parsed, err := ashbytest.ParseDeliveryFault(f.String())
		require.NoError(t, err)
		require.Equal(t, f.String(), parsed.String())
	}
	_, err = ashbytest.ParseDeliveryFault("later")
	require.ErrorContains(t, err, "ashbytest: ")
	require.Contains(t, ashbytest.DeliveryFaults(), "under=OPERATION")
}

// One good call, then a reset: net/http repeats nothing here, because every operation
// of Ashby is a POST.
func TestResetOfAKnownConnection(t *testing.T) {
	s := ashbytest.Start(t)
	a := newAPI(t, s)
	for range 2 {
		_, _, err := a.send(ashbytest.OpAPIKeyInfo, []byte("{}"))
		require.NoError(t, err)
	}
	s.Fail(ashbytest.OpAny, ashbytest.Reset())
	_, _, err := a.send(ashbytest.OpAPIKeyInfo, []byte("{}"))
	require.Error(t, err)
	require.Len(t, s.Calls(ashbytest.OpAPIKeyInfo), 3)
}

func TestExchangesCanBeFollowed(t *testing.T) {
	var followed []ashbytest.Exchange
	s := ashbytest.Start(t, func(c *ashbytest.Config) {
		c.MaxExchanges = 2
		c.OnExchange = func(e ashbytest.Exchange) { followed = append(followed, e) }
	})
	s.Target(always(200, `{"success":true,"results":{"assessment_id":"a1"}}`))
	s.WebhookTarget(always(200, ""))
	started := s.StartAssessment(t.Context(), ashbytest.StartSpec{}, ashbytest.WithKey("hunter2"))
	d := s.Deliver(t.Context(), s.PingEvent())
	cancelled := s.Cancel(t.Context(), "a1")
	require.Len(t, followed, 3)
	require.Equal(t, followed[1:], s.Exchanges())
	require.Equal(t, []int{1, 2, 3}, []int{started.Exchange, d.Exchange, cancelled.Exchange})
	for i, id := range []int{started.Delivery, d.ID, cancelled.Delivery} {
		require.Equal(t, id, followed[i].Delivery)
	}
	require.Equal(t, "a1", followed[2].Assessment)
	require.Equal(t, "with another key", followed[0].Fault)
}
