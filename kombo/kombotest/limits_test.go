package kombotest_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// rate is what an answer says about the limits: limit, remaining, reset.
func rate(h http.Header) [3]string {
	return [3]string{h.Get("Ratelimit-Limit"), h.Get("Ratelimit-Remaining"), h.Get("Ratelimit-Reset")}
}

func TestLimitsAreEnforced(t *testing.T) {
	const read = "GET /assessment/packages"
	for name, c := range map[string]struct {
		limits kombotest.Limits
		others [2]bool // whether another key, and another integration, still get through
	}{
		"of the key":         {kombotest.Limits{CallsPerKey: 2}, [2]bool{true, false}},
		"of the integration": {kombotest.Limits{CallsPerAccount: 2}, [2]bool{false, true}},
		"of both":            {kombotest.Limits{CallsPerKey: 2, CallsPerAccount: 2}, [2]bool{false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := kombotest.Start(t, func(cfg *kombotest.Config) {
					cfg.Limits = c.limits
					cfg.Limits.Window = 57 * time.Second
				})
				a := newAPI(t, s)
				for _, want := range [][3]string{{"2", "1", "57"}, {"2", "0", "55"}} {
					response, _, err := a.send(read, nil)
					require.NoError(t, err)
					require.Equal(t, want, rate(response.Header))
					<-time.After(1500 * time.Millisecond) // 55.5 seconds are left, which is 55
				}
				s.Fail(kombotest.OpAny, kombotest.Status(500, ""))
				response, body, err := a.send(read, nil)
				require.NoError(t, err)
				require.Equal(t, 429, response.StatusCode)
				require.Equal(t, "PLATFORM.RATE_LIMIT_EXCEEDED", codeOf(body))
				require.Equal(t, [3]string{"2", "0", "54"}, rate(response.Header))
				require.Empty(t, response.Header.Get("Retry-After"))
				require.Equal(t, 1, s.PendingFaults(), "a call beyond the limit takes no fault")
				s.AddKey("second")
				other, err := s.Integration(kombotest.IntegrationSpec{})
				require.NoError(t, err)
				for i, change := range []func(*api){
					func(a *api) { a.key = "second" },
					func(a *api) { a.header = http.Header{kombotest.IntegrationHeader: {other}} },
				} {
					b := a
					change(&b)
					response, _, err := b.send(read, nil)
					require.NoError(t, err)
					require.Equal(t, c.others[i], response.StatusCode != 429)
				}
			})
		})
	}
}

// Actions are limited by how many are at work at once; reads are not.
func TestActionsAtOnceAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kombotest.Start(t, func(c *kombotest.Config) { c.Limits.InFlightPerAccount = 2 })
		s.Chaos(func(string, int) kombotest.Fault { return kombotest.Slow(time.Minute) })
		var mu sync.Mutex
		codes := map[string]int{}
		var group sync.WaitGroup
		for range 5 {
			id, _ := place(t, s, kombotest.OrderSpec{})
			for _, op := range []string{resultOp(id), kombotest.OpGetPackages} {
				group.Go(func() {
					response, body, err := newAPI(t, s).send(op, []byte(validResult))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					codes[codeOf(body)+" "+response.Header.Get("Concurrency-Limit")]++
				})
			}
		}
		group.Wait()
		require.Equal(t, map[string]int{"PLATFORM.CONCURRENCY_LIMIT_EXCEEDED 2": 3, " 2": 2, " ": 5}, codes)
		id, _ := place(t, s, kombotest.OrderSpec{})
		response, _, err := newAPI(t, s).send(resultOp(id), []byte(validResult))
		require.NoError(t, err)
		require.Equal(t, "1", response.Header.Get("Concurrency-Remaining"))
	})
}

// A key that is not valid has no limit to use up, nor does it use up an integration's.
func TestInvalidKeysAreNotCounted(t *testing.T) {
	s := kombotest.Start(t, func(c *kombotest.Config) { c.Limits = kombotest.Limits{CallsPerKey: 1, CallsPerAccount: 1} })
	a := newAPI(t, s)
	a.key = "third"
	for range 3 {
		a.refused(401, "PLATFORM.AUTHENTICATION_INVALID", kombotest.OpGetPackages, nil)
	}
	newAPI(t, s).call(200, kombotest.OpGetPackages, nil)
}

func TestLimitsAreValidated(t *testing.T) {
	_, err := kombotest.New(kombotest.Config{Limits: kombotest.Limits{CallsPerKey: -1}})
	require.ErrorContains(t, err, "kombotest: ")
}
