package transport

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// of is a read of an account.
func of(account string) Call {
	call := reading
	call.Account = account
	return call
}

// held is a server that answers when it is told to.
type held struct {
	mu      sync.Mutex
	release chan struct{}
	order   []string // of the accounts, as they came
	answer  func(n int) *http.Response
}

func (s *held) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.order = append(s.order, r.Header.Get("X-Account-Id"))
	n := len(s.order)
	s.mu.Unlock()
	select {
	case <-s.release:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if s.answer != nil {
		return s.answer(n), nil
	}
	return reply(http.StatusOK, http.Header{}, "{}"), nil
}

// One customer who asks for 45 s takes no other's time: with the patience of a
// queue's worker its jobs fail at once, also if they come first.
func TestNoisyAccount(t *testing.T) {
	for _, patience := range []time.Duration{5 * time.Second, time.Minute} {
		for seed := range uint64(seeds) {
			synctest.Test(t, func(t *testing.T) {
				server := newLimited(seed)
				server.noisy = "noisy"
				accounts := []string{"noisy", "noisy", "noisy", "a", "b", "c"}
				l := run(t, server, 1, 16, accounts, 3*server.span, func(c *Config) { c.MaxWait, c.MaxRetries = patience, -1 })
				require.LessOrEqual(t, l.longest, patience+server.most, "%v", patience)
				require.LessOrEqual(t, float64(l.refused)/float64(l.asked), 0.02)
				if patience == 5*time.Second {
					require.GreaterOrEqual(t, l.used, 0.9)
				}
			})
		}
	}
}

// Whoever would have to wait longer than its patience is told so at once, and
// nothing is sent.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(429, "limit REMOTE", "Retry-After", "45"), answers(200, "{}"))
		client := newClient(t, server, paced, func(c *Config) { c.MaxWait, c.MaxRetries = 10*time.Second, -1 })
		_, err := client.Do(t.Context(), of("a"))
		require.ErrorIs(t, err, assessment.ErrRateLimited)
		start := time.Now()
		_, err = client.Do(t.Context(), of("a"))
		require.ErrorIs(t, err, assessment.ErrRateLimited)
		api := apiError(t, err)
		require.Zero(t, api.Attempts)
		require.Zero(t, api.StatusCode)
		require.False(t, api.Uncertain)
		require.Equal(t, 45*time.Second, api.RetryAfter)
		require.Zero(t, time.Since(start), "at once")
		require.Len(t, server.seen, 1)

		_, err = client.Do(t.Context(), of("b"))
		require.NoError(t, err, "another's wait")
		require.Equal(t, []assessment.Limit{{
			Account: "a", OpenAt: start.Add(45 * time.Second), Cause: "the vendor refused calls of the account", Remaining: -1, Width: 21,
		}}, client.Limits())

		<-time.After(40 * time.Second)
		var waited time.Duration
		client.config.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { waited = a.GateWait }
		_, err = client.Do(t.Context(), of("a"))
		require.NoError(t, err)
		require.Equal(t, 45*time.Second, time.Since(start))
		require.Equal(t, 5*time.Second, waited)
	})
}

// A wait at the gate ends with the context, and one that would outlast it is not
// begun.
func TestGateAndContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(429, "limit REMOTE", "Retry-After", "45"), answers(200, "{}"))
		client := newClient(t, server, paced, once)
		_, err := client.Do(t.Context(), of("a"))
		require.Error(t, err)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = client.Do(ctx, of("a"))
		require.ErrorIs(t, err, assessment.ErrRateLimited)
		require.Zero(t, time.Since(start))

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		_, err = client.Do(ctx, of("a"))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, assessment.ErrUnavailable)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Zero(t, apiError(t, err).Attempts)
		require.Len(t, server.seen, 1)
	})
}

func TestWidthOfAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &held{release: make(chan struct{})}
		client := newClient(t, server, func(c *Config) { c.AccountHeader, c.InFlightPerAccount = "X-Account-Id", 30 })
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() { _, _ = client.Do(context.Background(), of("a")) })
		}
		synctest.Wait()
		require.Len(t, server.order, 30)
		all.Go(func() { _, _ = client.Do(context.Background(), of("b")) })
		synctest.Wait()
		require.Len(t, server.order, 31, "another account does not wait")
		limits := client.Limits()
		require.Equal(t, []int{31, 30, 1}, []int{limits[0].InFlight, limits[1].InFlight, limits[2].InFlight})
		require.Equal(t, 30, limits[1].Width)
		require.Contains(t, limits[1].Cause, "in flight")

		require.Error(t, client.SetPacing(assessment.Pacing{InFlightPerAccount: -1}))
		require.NoError(t, client.SetPacing(assessment.Pacing{Mode: assessment.PacingFixed, InFlightPerAccount: 40}))
		synctest.Wait()
		require.Len(t, server.order, 41, "whoever waits goes on at once")
		require.NoError(t, client.SetPacing(assessment.Pacing{Mode: assessment.PacingOff}))
		synctest.Wait()
		require.Len(t, server.order, 65)
		require.Empty(t, client.Limits())
		close(server.release)
		all.Wait()
		require.NoError(t, client.SetPacing(assessment.Pacing{}))
		require.Empty(t, client.Limits(), "all at rest")
	})
}

// A refusal for concurrency narrows the account once for all calls that were in
// flight, and good answers widen it again.
func TestWidthFallsAndGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &held{release: make(chan struct{}), answer: func(n int) *http.Response {
			if n <= 30 {
				return refusal(http.Header{}, "CONCURRENCY")
			}
			return reply(http.StatusOK, http.Header{}, "{}")
		}}
		client := newClient(t, server, paced, once, func(c *Config) { c.ShowsWindow = false })
		var all sync.WaitGroup
		for range 30 {
			all.Go(func() { _, _ = client.Do(context.Background(), of("a")) })
		}
		synctest.Wait()
		close(server.release)
		all.Wait()
		require.Equal(t, 21, client.Limits()[0].Width)
		for range 40 {
			_, err := client.Do(t.Context(), of("a"))
			require.NoError(t, err)
		}
		require.Equal(t, 23, client.Limits()[0].Width)
		<-time.After(3 * time.Minute)
		require.Empty(t, client.Limits(), "forgotten without calls")
	})
}

// Waits are first come, first served within an account and class, in turn over the
// accounts, and the urgent before all others.
func TestWhoIsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &held{release: make(chan struct{})}
		client := newClient(t, server, func(c *Config) { c.AccountHeader, c.Pacing.InFlight = "X-Account-Id", 1 })
		var all sync.WaitGroup
		start := func(account string, class Class) {
			call := of(account)
			call.Class = class
			all.Go(func() { _, _ = client.Do(context.Background(), call) })
			synctest.Wait()
		}
		start("first", Interactive)
		for range 3 {
			start("a", Final)
		}
		start("b", Final)
		start("c", Bulk)
		start("d", Interim)
		start("b", Interactive)
		for range 8 {
			server.release <- struct{}{}
			synctest.Wait()
		}
		all.Wait()
		require.Equal(t, []string{"first", "b", "a", "b", "a", "a", "d", "c"}, server.order)
	})
}

// The less urgent leave a part of the window to the others.
func TestReserves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for class, left := range map[Class]int{Interactive: 1, Final: 3, Interim: 11, Bulk: 31} {
			w := window{known: true, limit: 100, remaining: left, own: 200, endsBefore: time.Now().Add(time.Minute), opened: time.Now().Add(-time.Hour)}
			_, cause := w.admits(time.Now(), reserves[class], false)
			require.Empty(t, cause, class)
			w.remaining--
			openAt, cause := w.admits(time.Now(), reserves[class], false)
			require.NotEmpty(t, cause, class)
			require.Equal(t, w.opens(), openAt)
		}
	})
}

// When a window has ended, one call goes ahead and the others wait for its answer.
func TestOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newLimited(1)
		client := newClient(t, server, paced)
		_, err := client.Do(t.Context(), of("a"))
		require.NoError(t, err)
		<-time.After(2 * server.span)
		server.mu.Lock()
		server.least, server.most = time.Second, time.Second
		server.mu.Unlock()
		flying := func() int {
			server.mu.Lock()
			defer server.mu.Unlock()
			return server.flying["a"]
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { _, _ = client.Do(context.Background(), of("a")) })
		}
		<-time.After(500 * time.Millisecond)
		require.Equal(t, 1, flying())
		<-time.After(time.Second)
		require.Greater(t, flying(), 1)
		all.Wait()
	})
}

func TestScopeIsLearnt(t *testing.T) {
	for _, byKey := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			server := newLimited(1)
			server.byKey = byKey
			client := newClient(t, server, paced)
			for n := range 60 {
				account := "a"
				if n > 40 {
					account = "b"
				}
				_, err := client.Do(t.Context(), of(account))
				require.NoError(t, err)
			}
			limits := client.Limits()
			if byKey {
				require.Equal(t, []assessment.Limit{{Remaining: 240}}, limits)
				return
			}
			accounts := map[string]int{}
			for _, l := range limits {
				accounts[l.Account] = l.Remaining
			}
			require.Equal(t, 281, accounts["b"])
			require.NotContains(t, accounts, "", "nothing is known of the key")
		})
	}
}

// Where nothing tells of the limit, a documented one is kept to, and a burst does
// not use up the minute.
func TestDocumentedCallsPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		server := play(func(*http.Request) (*http.Response, error) {
			sent = append(sent, time.Now())
			return reply(http.StatusOK, http.Header{}, "{}"), nil
		})
		client := newClient(t, server, func(c *Config) { c.PerMinute = 1000 })
		start := time.Now()
		for time.Since(start) < 5*time.Minute {
			_, err := client.Do(t.Context(), of("a"))
			require.NoError(t, err)
		}
		for i, at := range sent {
			j, _ := slices.BinarySearchFunc(sent, at.Add(time.Minute), time.Time.Compare)
			require.LessOrEqual(t, j-i, 950)
		}
		require.Greater(t, len(sent), 5*900)
		require.Equal(t, start, sent[200], "a burst is not held back")
	})
}

// The burst with which a minute may begin is not paid for with a standstill: whoever
// comes later is let through within the patience of a queue's worker, and the minute
// is used all the same.
func TestMinuteIsSpread(t *testing.T) {
	const minutes, limit = 5, 1000
	for _, class := range []Class{Interactive, Final, Interim} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate(&Config{PerMinute: limit, MaxWait: 5 * time.Second})
			var mu sync.Mutex
			var sent []time.Time
			refused := 0
			end := time.Now().Add(minutes * time.Minute)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					for time.Now().Before(end) {
						ticket, err := g.enter(t.Context(), "a", class, true)
						mu.Lock()
						if err == nil {
							sent = append(sent, time.Now())
						} else {
							refused++
						}
						mu.Unlock()
						<-time.After(50 * time.Millisecond)
						if err == nil {
							g.leave(ticket, nil)
						}
					}
				})
			}
			all.Wait()
			require.Zero(t, refused)
			first := 0
			for i := 1; i < len(sent); i++ {
				require.LessOrEqual(t, sent[i].Sub(sent[i-1]), 2*time.Second, "nothing goes out after %v", sent[i-1].Sub(sent[0]))
				for sent[i].Sub(sent[first]) >= time.Minute {
					first++
				}
				require.LessOrEqual(t, i-first+1, limit*95/100, "calls of a minute")
			}
			require.GreaterOrEqual(t, len(sent), int((1-reserves[class])*0.93*minutes*limit*0.95))
		})
	}
}

// Whoever comes when the time of those who wait has come, and the timer is late, does
// not keep them waiting for good: no call is in flight whose end would let them go.
func TestQueueWhileTheTimerIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&Config{PerMinute: 100, MaxWait: time.Minute})
		l, now := g.lane("a"), time.Now()
		openAt, cause := g.holds(l, Final, now)
		for ; cause == ""; openAt, cause = g.holds(l, Final, now) {
			g.admit(l, Final, now)
		}
		first := &waiter{lane: l, class: Final, ready: make(chan struct{})}
		second := &waiter{lane: l, class: Final, ready: make(chan struct{})}
		g.mu.Lock()
		g.queue(first, now)
		g.queue(second, openAt.Add(time.Millisecond))
		g.mu.Unlock()
		for _, w := range []*waiter{first, second} {
			select {
			case <-w.ready:
			case <-time.After(10 * time.Second):
				require.Fail(t, "still waiting")
			}
		}
	})
}

func TestPacingByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, canned{[]byte("{}")}, func(c *Config) {
			c.Pacing = assessment.Pacing{Mode: assessment.PacingFixed, PerMinute: 60}
		})
		start := time.Now()
		for range 120 {
			_, err := client.Do(t.Context(), of("a"))
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
		// Two minutes' calls, evenly spread; a minute counts its begun second too.
		require.LessOrEqual(t, time.Since(start), 2*minuteSlots*time.Second+time.Second)
		_, err := New(Config{Vendor: "x", BaseURL: "https://api.test", Authorize: Bearer, Key: "k", Pacing: assessment.Pacing{PerMinute: -1}})
		require.ErrorContains(t, err, "negative")
	})
}

// Two accounts that are told the same wait, of a limit that nothing is known of:
// it is the key's.
func TestLimitOfTheKeyIsInferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(429, "", "Retry-After", "30"), answers(429, "", "Retry-After", "30"), answers(200, "{}"))
		client := newClient(t, server, once, func(c *Config) { c.MaxWait = 10 * time.Second })
		for _, account := range []string{"a", "b"} {
			_, err := client.Do(t.Context(), of(account))
			require.ErrorIs(t, err, assessment.ErrRateLimited)
		}
		_, err := client.Do(t.Context(), of("c"))
		require.ErrorIs(t, err, assessment.ErrRateLimited)
		require.Len(t, server.seen, 2)
		<-time.After(31 * time.Second)
		_, err = client.Do(t.Context(), of("c"))
		require.NoError(t, err)
	})
}

// A vendor that takes nearly nothing is spared, and asked now and then.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(503, ""))
		client := newClient(t, server, once)
		const calls = 2000
		for range calls {
			_, err := client.Do(t.Context(), of("a"))
			require.ErrorIs(t, err, assessment.ErrUnavailable)
			_, again := assessment.Retryable(err)
			require.True(t, again)
		}
		require.Greater(t, len(server.seen), calls/20)
		require.Less(t, len(server.seen), calls/5)
		seen := len(server.seen)
		_, err := client.Do(t.Context(), of("b"))
		require.Error(t, err)
		require.Len(t, server.seen, seen+1, "the ATS of another account may be well")
		<-time.After(10 * time.Minute)
		_, err = client.Do(t.Context(), of("a"))
		require.Error(t, err)
		require.Len(t, server.seen, seen+2, "forgotten")
	})
}

func TestIdleAccountsCostNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, canned{[]byte("{}")}, func(c *Config) { c.InFlightPerAccount = 30 })
		for n := range 2000 {
			_, err := client.Do(t.Context(), of(fmt.Sprint(n)))
			require.NoError(t, err)
		}
		require.Empty(t, client.gate.lanes)
		require.Empty(t, client.Limits())
	})
}

// A transport that panics leaves nothing in flight.
func TestPanicLeavesTheGate(t *testing.T) {
	client := newClient(t, play(func(*http.Request) (*http.Response, error) { panic("transport") }))
	require.Panics(t, func() { _, _ = client.Do(t.Context(), of("a")) })
	require.Empty(t, client.Limits())
}

func TestWindowsThatAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		header []string
		want   headers
		ok     bool
	}{
		"Kombo's":  {[]string{"ratelimit-limit", "300", "ratelimit-remaining", "298", "ratelimit-reset", "57"}, headers{300, 298, 57 * time.Second}, true},
		"IETF":     {[]string{"RateLimit", `"default";r=50;t=30`, "RateLimit-Policy", `"default";q=100;w=60`}, headers{100, 50, 30 * time.Second}, true},
		"none":     {nil, headers{}, false},
		"no reset": {[]string{"ratelimit-limit", "300", "ratelimit-remaining", "298"}, headers{}, false},
		"words":    {[]string{"ratelimit-limit", "many", "ratelimit-remaining", "some", "ratelimit-reset", "57"}, headers{}, false},
		"huge":     {[]string{"ratelimit-limit", "300", "ratelimit-remaining", "1", "ratelimit-reset", "99999999"}, headers{}, false},
	} {
		h := http.Header{}
		for i := 0; i < len(c.header); i += 2 {
			h.Set(c.header[i], c.header[i+1])
		}
		got, ok := windowOf(h)
		require.Equal(t, c.ok, ok, name)
		if ok {
			require.Equal(t, c.want, got, name)
		}
	}
}
