package transport

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// limited is a vendor that enforces its limits: so many calls of a key, or of each
// account, in windows that are told in whole seconds, rounded down, and so many
// calls of an account in flight. It counts nothing that it refuses.
type limited struct {
	limit    int
	span     time.Duration
	byKey    bool
	inFlight int // of an account; 0: any
	least    time.Duration
	most     time.Duration // how long an answer takes
	silent   bool          // no headers but Retry-After
	// noisy is an account whose ATS asks for 45 s.
	noisy string

	mu      sync.Mutex
	random  *rand.Rand
	began   time.Time
	windows map[string]*granted
	flying  map[string]int
	peak    map[string]int // of calls in flight, by account
	until   time.Duration  // what is served before then is counted
	inTime  int
	served  int
	refused int
}

type granted struct {
	index int
	used  int
}

func newLimited(seed uint64) *limited {
	return &limited{
		limit: 300, span: 57 * time.Second, byKey: true, least: 100 * time.Millisecond, most: 400 * time.Millisecond,
		random: rand.New(rand.NewPCG(seed, 1)), began: time.Now(),
		windows: map[string]*granted{}, flying: map[string]int{}, peak: map[string]int{},
	}
}

func (s *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	account := r.Header.Get("X-Account-Id")
	answer, latency := s.take(account)
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	s.mu.Lock()
	s.flying[account]--
	s.mu.Unlock()
	return answer, nil
}

func (s *limited) take(account string) (*http.Response, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying[account]++
	s.peak[account] = max(s.peak[account], s.flying[account])
	latency := s.least + time.Duration(s.random.Int64N(int64(s.most-s.least)+1))
	h := http.Header{}
	if account == s.noisy && s.noisy != "" {
		h.Set("Retry-After", "45")
		return refusal(h, "REMOTE"), latency
	}
	scope := ""
	if !s.byKey {
		scope = account
	}
	w := s.windows[scope]
	if w == nil {
		w = &granted{}
		s.windows[scope] = w
	}
	elapsed := time.Since(s.began)
	if index := int(elapsed / s.span); index != w.index {
		*w = granted{index: index}
	}
	reset := s.span - elapsed%s.span
	refused := w.used >= s.limit
	if !refused {
		w.used++
	}
	if !s.silent {
		h.Set("RateLimit-Limit", strconv.Itoa(s.limit))
		h.Set("RateLimit-Remaining", strconv.Itoa(s.limit-w.used))
		h.Set("RateLimit-Reset", strconv.Itoa(int(reset/time.Second)))
	} else if refused {
		h.Set("Retry-After", strconv.Itoa(int(reset/time.Second)+1))
	}
	switch {
	case refused:
		s.refused++
		return refusal(h, "LIMIT"), latency
	case s.inFlight > 0 && s.flying[account] > s.inFlight:
		s.refused++
		return refusal(h, "CONCURRENCY"), latency
	}
	if s.served++; elapsed < s.until {
		s.inTime++
	}
	return reply(http.StatusOK, h, `{}`), latency
}

func refusal(h http.Header, code string) *http.Response {
	return reply(http.StatusTooManyRequests, h, "limit "+code)
}

func reply(status int, h http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func classifyLimits(a Answer) *Failure {
	code, ok := strings.CutPrefix(string(a.Body), "limit ")
	if !ok {
		return nil
	}
	limits := map[string]Limit{"LIMIT": KeyLimit, "CONCURRENCY": ConcurrencyLimit, "REMOTE": RemoteLimit}
	return &Failure{Code: code, Class: assessment.ErrRateLimited, Retry: Yes, Applied: No, Limit: limits[code]}
}

func paced(c *Config) {
	c.Classify, c.AccountHeader, c.InFlightPerAccount, c.ShowsWindow = classifyLimits, "X-Account-Id", 30, true
}

// load is what clients that know nothing of each other did in a run.
type load struct {
	asked, refused int
	used           float64 // of what was permitted
	longest        time.Duration
}

// run lets clients with workers each call for a while, round over the accounts.
func run(t *testing.T, server *limited, clients, workers int, accounts []string, during time.Duration, options ...option) load {
	t.Helper()
	var wait sync.WaitGroup
	var mu sync.Mutex
	var l load
	began := time.Now()
	server.until = during
	for n := range clients {
		client := newClient(t, server, append([]option{paced}, options...)...)
		jobs := n
		for range workers {
			wait.Go(func() {
				for time.Since(began) < during {
					mu.Lock()
					account := accounts[jobs%len(accounts)]
					jobs++
					mu.Unlock()
					call := reading
					call.Account = account
					start := time.Now()
					_, err := client.Do(context.Background(), call)
					took := time.Since(start)
					mu.Lock()
					l.longest = max(l.longest, took)
					mu.Unlock()
					if after, again := assessment.Retryable(err); err != nil && again && account != server.noisy {
						<-time.After(min(after, time.Second)) // a queue goes on with something else
					} else if err != nil {
						<-time.After(100 * time.Millisecond)
					}
				}
			})
		}
	}
	wait.Wait()
	l.asked, l.refused = server.served+server.refused, server.refused
	permitted := server.limit * int(during/server.span)
	if !server.byKey {
		permitted *= len(accounts)
	}
	l.used = float64(server.inTime) / float64(permitted)
	return l
}

const seeds = 20

// The aim: hardly any call is refused, and hardly any permitted call is left
// unused, whoever else uses the key.
func TestPacing(t *testing.T) {
	for _, c := range []struct{ clients, workers int }{{1, 16}, {4, 16}, {8, 32}, {16, 8}} {
		for _, byKey := range []bool{true, false} {
			t.Run(fmt.Sprintf("%dx%d by key %v", c.clients, c.workers, byKey), func(t *testing.T) {
				var shares []float64
				worst, least := 0.0, 1.0
				for seed := range uint64(seeds) {
					synctest.Test(t, func(t *testing.T) {
						server := newLimited(seed)
						server.byKey, server.inFlight = byKey, 30*c.clients
						l := run(t, server, c.clients, c.workers, []string{"a", "b", "c"}, 3*server.span)
						share := float64(l.refused) / float64(l.asked)
						worst = max(worst, share)
						least = min(least, l.used)
						shares = append(shares, share)
						require.LessOrEqual(t, share, 0.02)
						require.GreaterOrEqual(t, l.used, 0.9)
						for account, peak := range server.peak {
							require.LessOrEqual(t, peak, 30*c.clients, account)
						}
					})
				}
				slices.Sort(shares)
				t.Logf("refused: median %.2f %%, worst %.2f %%; used: at least %.1f %%", 100*shares[len(shares)/2], 100*worst, 100*least)
				require.LessOrEqual(t, shares[len(shares)/2], 0.005, "median")
			})
		}
	}
}
