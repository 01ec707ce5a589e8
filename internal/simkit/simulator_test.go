package simkit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// vendor is the smallest simulated vendor: it has one operation, which counts.
type vendor struct {
	*simkit.Simulator[*vendor]
	mu    sync.Mutex
	count int
}

const op = "POST /items/{token}"

func newVendor(t *testing.T, change func(*simkit.Config[*vendor])) *vendor {
	t.Helper()
	v := &vendor{}
	routes := simkit.NewRoutes("/api", simkit.Route[func(*simkit.Call) simkit.Reply]{Op: op, Handle: v.add})
	cfg := simkit.Config[*vendor]{
		Self: v, Name: "simkit_test", Inbound: "in", Outbound: "out", Clock: time.Now,
		API: simkit.API[*vendor]{
			Route: func(c *simkit.Call) func() simkit.Reply {
				handle, found := routes.Match(c)
				if !found {
					return nil
				}
				return func() simkit.Reply { return handle(c) }
			},
			Missing: func(*simkit.Call) simkit.Reply { return simkit.JSONReply(http.StatusNotFound, "nothing here") },
			Key: func(c *simkit.Call) string {
				c.Account = c.Header.Get("X-Account")
				return strings.TrimPrefix(c.Header.Get("Authorization"), "wrong")
			},
			Limited: func(s simkit.Standing) simkit.Reply { return simkit.JSONReply(http.StatusTooManyRequests, s.Excess) },
			Finish: func(_ *simkit.Call, s simkit.Standing, r simkit.Reply) simkit.Reply {
				r.SetHeader("Remaining", fmt.Sprint(s.Remaining, s.Limit, s.Reset, s.Free, s.Width))
				return r
			},
		},
	}
	if change != nil {
		change(&cfg)
	}
	v.Simulator = simkit.New(cfg)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) add(c *simkit.Call) simkit.Reply {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count++
	c.Note("counted")
	return simkit.JSONReply(http.StatusOK, v.count)
}

func call(t *testing.T, client *http.Client, key, account string) (int, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://u:pw@api.example/api/items/tok%2Fen?session_token=abc&page=2", strings.NewReader("{}"))
	require.NoError(t, err)
	r.Header.Set("Authorization", key)
	r.Header.Set("X-Account", account)
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	_, err = io.ReadAll(response.Body)
	require.NoError(t, response.Body.Close())
	return response.StatusCode, response.Header.Get("Remaining"), err
}

func TestExchangesAreNumberedTimedAndWithoutSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var followed []simkit.Exchange
		v := newVendor(t, func(c *simkit.Config[*vendor]) {
			c.Followed = func(e simkit.Exchange) { followed = append(followed, e) }
		})
		v.Fail("*", simkit.AppliedThen(simkit.Slow[*vendor](time.Minute)))
		status, _, err := call(t, v.Client(), "key", "acme")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		response, err := v.Client().Get("http://api.example/other")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		all := v.Exchanges()
		require.Equal(t, followed, all)
		require.Equal(t, []int{1, 2}, []int{all[0].ID, all[1].ID})
		require.Equal(t, time.Minute, all[0].Duration)
		require.Equal(t, "https://api.example/api/items/redacted?session_token=redacted&page=2", all[0].URL)
		require.Equal(t, "[redacted]", all[0].RequestHeader.Get("Authorization"))
		require.Equal(t, []string{"counted"}, all[0].Notes)
		require.Equal(t, "applied, then slow=1m0s", all[0].Fault)
		require.Equal(t, "acme", all[0].Account)
		require.Empty(t, all[1].Op)
		require.Equal(t, http.StatusNotFound, all[1].Status)
		v.ForgetExchanges()
		require.Empty(t, v.Exchanges())
	})
}

func TestLogIsBounded(t *testing.T) {
	v := newVendor(t, func(c *simkit.Config[*vendor]) { c.MaxExchanges = 10 })
	client := v.Client()
	for range 105 {
		_, _, err := call(t, client, "key", "")
		require.NoError(t, err)
	}
	all := v.Exchanges()
	require.Len(t, all, 10)
	require.Equal(t, 96, all[0].ID)
	require.Equal(t, 105, all[9].ID)

	v = newVendor(t, nil)
	target := v.HandlerTarget(answer(http.StatusOK, ""), "/")
	big := make([]byte, 30<<20)
	for range 5 {
		v.Send(t.Context(), &simkit.Plan{}, simkit.Request{Target: target, Body: big, Timeout: time.Minute})
	}
	require.Len(t, v.Exchanges(), 2)
}

func TestAnswersOverBothWays(t *testing.T) {
	for name, f := range map[string]simkit.Fault[*vendor]{
		"fine": {}, "reset": simkit.Reset[*vendor](), "cut off": simkit.CutOff[*vendor](), "slow body": simkit.SlowBody[*vendor](time.Millisecond),
		"empty body": simkit.EmptyBody[*vendor](), "truncated": simkit.TruncatedJSON[*vendor](), "page": simkit.HTMLBody[*vendor](),
		"down": simkit.LoadBalancer503[*vendor](), "without header": simkit.Fault[*vendor]{}.Header("remaining", ""),
		"with a lead": simkit.Damaged[*vendor](func(r *simkit.Reply) { r.Lead = []byte("\n\n") }, "lead"),
		"lead, cut":   simkit.Damaged[*vendor](func(r *simkit.Reply) { r.Lead, r.CutOff = []byte("\n\n"), true }, "lead, cut"),
	} {
		var seen []string
		for _, socket := range []bool{false, true} {
			v := newVendor(t, nil)
			client, address := v.Client(), "http://api.example"
			if socket {
				client, address = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, v.URL()
			}
			v.Fail(op, f)
			seen = append(seen, outcomeOfPost(t, client, address)+fmt.Sprint(v.count, v.PendingFaults()))
		}
		require.Equal(t, seen[1], seen[0], name)
	}
}

func outcomeOfPost(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	response, err := client.Post(address+"/api/items/1", "text/plain", strings.NewReader("body"))
	if err != nil {
		return kindOf(err)
	}
	body, err := io.ReadAll(response.Body)
	require.NoError(t, response.Body.Close())
	return fmt.Sprintf("%d %d %q %s %q %q", response.StatusCode, response.ContentLength, body, kindOf(err),
		response.Header.Get("Content-Type"), response.Header.Get("Remaining"))
}

func TestLimits(t *testing.T) {
	type step struct {
		wait         time.Duration
		key, account string
		status       int
		standing     string
	}
	for name, c := range map[string]struct {
		limits simkit.Limits
		steps  []step
	}{
		"none": {simkit.Limits{}, []step{{0, "k", "a", 200, "0 0 0s 0 0"}}},
		"of the key": {simkit.Limits{CallsPerKey: 2}, []step{
			{0, "k", "a", 200, "1 2 1m0s 0 0"},
			{time.Second, "k", "b", 200, "0 2 59s 0 0"},
			{0, "k", "b", 429, "0 2 59s 0 0"},
			{0, "other", "b", 200, "1 2 1m0s 0 0"},
			{59 * time.Second, "k", "b", 200, "1 2 1m0s 0 0"},
		}},
		"of the account": {simkit.Limits{CallsPerAccount: 1, Window: time.Hour}, []step{
			{0, "k", "a", 200, "0 1 1h0m0s 0 0"},
			{time.Minute, "other", "a", 429, "0 1 59m0s 0 0"},
			{0, "k", "b", 200, "0 1 1h0m0s 0 0"},
			{0, "k", "", 200, "0 0 0s 0 0"},
		}},
		"of both": {simkit.Limits{CallsPerKey: 3, CallsPerAccount: 1}, []step{
			{0, "k", "a", 200, "0 1 1m0s 0 0"},
			{0, "k", "a", 429, "0 1 1m0s 0 0"}, // counts against nobody
			{0, "k", "b", 200, "0 1 1m0s 0 0"},
			{0, "k", "c", 200, "0 3 1m0s 0 0"},
			{0, "k", "d", 429, "0 3 1m0s 0 0"},
		}},
		"refused anyway": {simkit.Limits{CallsPerKey: 1}, []step{{0, "wrong", "a", 200, "0 0 0s 0 0"}, {0, "wrong", "a", 200, "0 0 0s 0 0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, func(cfg *simkit.Config[*vendor]) { cfg.Limits = c.limits })
				for i, step := range c.steps {
					<-time.After(step.wait)
					status, standing, err := call(t, v.Client(), step.key, step.account)
					require.NoError(t, err)
					require.Equal(t, step.status, status, i)
					require.Equal(t, step.standing, standing, i)
				}
			})
		})
	}
	require.NoError(t, simkit.Limits{}.Validate())
	require.Error(t, simkit.Limits{Window: -1}.Validate())
	require.Error(t, simkit.Limits{InFlightPerAccount: -1}.Validate())
}

func TestCallsAtWorkAreLimitedPerAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, func(cfg *simkit.Config[*vendor]) { cfg.Limits.InFlightPerAccount = 2 })
		v.Chaos(func(string, int) simkit.Fault[*vendor] { return simkit.Slow[*vendor](time.Minute) })
		var group sync.WaitGroup
		statuses := make(chan int, 10)
		for range 5 {
			for _, account := range []string{"a", "b"} {
				group.Go(func() {
					status, _, err := call(t, v.Client(), "key", account)
					if err != nil {
						t.Error(err)
					}
					statuses <- status
				})
			}
		}
		group.Wait()
		close(statuses)
		var all []int
		for status := range statuses {
			all = append(all, status)
		}
		slices.Sort(all)
		require.Equal(t, []int{200, 200, 200, 200, 429, 429, 429, 429, 429, 429}, all)
		status, standing, err := call(t, v.Client(), "key", "a")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "0 0 0s 1 2", standing)
	})
}

func TestRequestsToTheProvider(t *testing.T) {
	received := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "secret")
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, body)
	})
	server := httptest.NewServer(received)
	defer server.Close()
	v := newVendor(t, nil)
	for name, target := range map[string]simkit.Target{
		"memory": v.HandlerTarget(received, "/hook?token=t"), "socket": v.URLTarget(server.URL + "/hook?token=t"),
	} {
		v.ForgetExchanges()
		p := simkit.NewPlan(simkit.Duplicate(1))
		delivery := v.NextDelivery()
		first, copies := simkit.Repeat(p, func(i int) simkit.Answer {
			return v.Send(t.Context(), p, simkit.Request{
				Op: "event", Order: "o", Account: "a", Delivery: delivery, Target: target, Timeout: time.Minute,
				Header: http.Header{"Authorization": {"secret"}}, Body: []byte{byte('0' + i)},
				Judge: func(a simkit.Answer) []string { return []string{fmt.Sprint("judged ", a.Status)} },
			})
		})
		require.NoError(t, first.Err, name)
		require.Equal(t, "POST /hook?token=t 0", string(first.Body))
		require.Equal(t, "POST /hook?token=t 1", string(copies[0].Body))
		all := v.Exchanges()
		require.Equal(t, []int{first.Exchange, copies[0].Exchange}, []int{all[0].ID, all[1].ID})
		for _, e := range all {
			require.Equal(t, delivery, e.Delivery)
			require.Equal(t, []string{"judged 202"}, e.Notes)
			require.Equal(t, "duplicate=1", e.Fault)
			require.Contains(t, e.URL, "/hook?token=redacted")
			require.NotContains(t, fmt.Sprint(e.RequestHeader, e.ResponseHeader), "secret")
			require.Equal(t, "o a event", e.Order+" "+e.Account+" "+e.Op)
		}
	}
	a := v.Send(t.Context(), &simkit.Plan{}, simkit.Request{Target: v.URLTarget("http://u:secret@127.0.0.1:1/?token=secret"), Timeout: time.Minute})
	require.Error(t, a.Err)
	require.NotContains(t, a.Err.Error(), "secret")
}

func TestPlannedAccidents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, nil)
		target := v.HandlerTarget(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-time.After(10 * time.Second)
		}), "/")
		send := func(faults ...simkit.DeliveryFault) (simkit.Answer, time.Duration) {
			start := time.Now()
			a := v.Send(t.Context(), simkit.NewPlan(faults...), simkit.Request{Target: target, Timeout: time.Minute, Body: []byte("x")})
			return a, time.Since(start)
		}
		a, took := send(simkit.HangUp(time.Second))
		require.True(t, a.HungUp)
		require.Equal(t, time.Second, took)
		a, took = send(simkit.HangUp(0))
		require.True(t, a.HungUp)
		require.Zero(t, took)
		a, _ = send(simkit.HangUp(time.Minute))
		require.False(t, a.HungUp)
		require.Equal(t, http.StatusOK, a.Status)
		require.NoError(t, v.Settle(t.Context()))

		require.NoError(t, v.Ready(t.Context(), simkit.NewPlan(simkit.Late(time.Hour)), target))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, v.Ready(ctx, simkit.NewPlan(simkit.Late(time.Hour)), target), context.DeadlineExceeded)
		require.ErrorContains(t, v.Ready(ctx, simkit.NewPlan(simkit.Lost()), target), "lost")
		require.ErrorContains(t, v.Ready(ctx, &simkit.Plan{}, v.URLTarget("")), "no target")
	})
}

func TestChaosDependsOnTheSeedAlone(t *testing.T) {
	choices := func(seed uint64) (list []int) {
		v := newVendor(t, func(c *simkit.Config[*vendor]) { c.Seed = seed })
		for n := range 50 {
			list = append(list, v.RandomFault(0.5, 3, op, n))
		}
		return list
	}
	require.Equal(t, choices(1), choices(1))
	require.NotEqual(t, choices(1), choices(2))
	require.Subset(t, choices(1), []int{-1, 0, 1, 2})
	require.Equal(t, -1, newVendor(t, nil).RandomFault(1, 0, op, 1))
}

// However long a simulator runs, it holds what it is told to hold.
func TestMemoryIsBounded(t *testing.T) {
	v := newVendor(t, func(c *simkit.Config[*vendor]) { c.MaxExchanges = 100 })
	request := strings.Repeat("x", 10_000)
	serve := func(times int) {
		for range times {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/items/1", strings.NewReader(request))
			v.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	held := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	serve(1_000)
	before := held()
	serve(20_000) // 200 MB of bodies
	require.Less(t, held(), before+20<<20)
	require.Len(t, v.Exchanges(), 100)
}
