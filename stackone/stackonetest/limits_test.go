package stackonetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestLimitsAreEnforced(t *testing.T) {
	const list = "GET " + assessmentPackages
	for name, c := range map[string]struct {
		limits stackonetest.Limits
		other  int // how another account fares then
	}{
		"of the key":     {stackonetest.Limits{CallsPerKey: 2}, 429},
		"of the account": {stackonetest.Limits{CallsPerAccount: 2}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stackonetest.Start(t, func(cfg *stackonetest.Config) { cfg.Limits = c.limits })
				a := newAPI(t, s)
				a.call(200, list, nil)
				<-time.After(500 * time.Millisecond)
				a.call(200, list, nil)
				response, body, err := a.send(list, nil)
				require.NoError(t, err)
				require.Equal(t, 429, response.StatusCode)
				require.Equal(t, "60", response.Header.Get("Retry-After"), "59.5 seconds, rounded up")
				require.Contains(t, string(body), `"statusCode":429,"message":"Too many requests"`)
				other, err := s.Account(stackonetest.AccountSpec{})
				require.NoError(t, err)
				a.with(stackonetest.AccountHeader, other).call(c.other, list, nil)
				a.with("Authorization", basic("nobody:")).call(401, list, nil)
				<-time.After(time.Minute)
				a.call(200, list, nil)
			})
		})
	}
	_, err := stackonetest.New(stackonetest.Config{Limits: stackonetest.Limits{Window: -1}})
	require.ErrorContains(t, err, "stackonetest: ")
}

func TestCallsAtOnceAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stackonetest.Start(t, func(cfg *stackonetest.Config) { cfg.Limits.InFlightPerAccount = 1 })
		s.Fail(stackonetest.OpListAssessmentPackages, stackonetest.Slow(time.Minute))
		first := make(chan int)
		a := newAPI(t, s)
		go func() {
			response, _, err := a.send("GET "+assessmentPackages, nil)
			if err != nil {
				t.Error(err)
				close(first)
				return
			}
			first <- response.StatusCode
		}()
		synctest.Wait()
		response, _, err := a.send("GET "+assessmentPackages, nil)
		require.NoError(t, err)
		require.Equal(t, 429, response.StatusCode)
		require.Equal(t, "1", response.Header.Get("Retry-After"))
		a.call(200, "GET /accounts", nil)
		require.Equal(t, 200, <-first)
		a.call(200, "GET "+assessmentPackages, nil)
	})
}
