package kombo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// manyOrders is a Kombo with open orders "0", "1", … that are all old.
type manyOrders struct {
	orders int
	calls  atomic.Int64
	peak   atomic.Uint64 // of the memory in use
}

func (m *manyOrders) RoundTrip(r *http.Request) (*http.Response, error) {
	m.calls.Add(1)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	m.peak.Store(max(m.peak.Load(), memory.HeapAlloc))
	query := r.URL.Query()
	first, _ := strconv.Atoi(query.Get("cursor"))
	after, _ := time.Parse(time.RFC3339, query.Get("created_after"))
	last := min(first+250, m.orders)
	if !after.IsZero() {
		first, last = 0, 0
	}
	var b strings.Builder
	b.WriteString(`{"status":"success","data":{"results":[`)
	for i := first; i < last; i++ {
		if i > first {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","package_id":"p","status":"OPEN","candidate":{"email":"c%d@example.com","first_name":"A","last_name":"B","phone":null,"remote_id":"r%d"},
			"application":{"remote_id":"a%d"},"job":{"name":"J","description":%q,"hiring_team":[]}}`, i, i, i, i, strings.Repeat("text ", 20))
	}
	next := "null"
	if last > first && last < m.orders {
		next = strconv.Quote(strconv.Itoa(last))
	}
	b.WriteString(`],"next":` + next + `}}`)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(b.String())), Request: r}, nil
}

// countingStore is a store in which every order is started but each hundredth,
// and that counts its statements.
type countingStore struct {
	assessment.Store
	answer     []byte
	statements atomic.Int64
}

func (s *countingStore) Lookup(_ context.Context, keys []string) (map[string]assessment.Claim, error) {
	s.statements.Add(1)
	found := make(map[string]assessment.Claim, len(keys))
	for _, key := range keys {
		ref, err := assessment.ParseOrderRef(key)
		if err != nil {
			return nil, err
		}
		if n, _ := strconv.Atoi(ref.ID); n%100 != 0 {
			found[key] = assessment.Claim{Key: key, Ref: ref, Answer: s.answer}
		}
	}
	return found, nil
}

// startedAnswer is the stored answer to an order that the provider took.
func startedAnswer(t testing.TB) []byte {
	t.Helper()
	store := assessment.NewMemoryStore(0)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: &provider{}, Store: store})
	require.NoError(t, err)
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: integration, ID: "x"}
	_, err = intake.Start(t.Context(), assessment.Order{Ref: ref})
	require.NoError(t, err)
	claims, err := store.Lookup(t.Context(), []string{ref.String()})
	require.NoError(t, err)
	return claims[ref.String()].Answer
}

// A sweep over 100,000 open orders asks the store once for each page and holds
// only what nobody took.
func TestReconcileManyOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // pacing takes no time
		server := &manyOrders{orders: 100_000}
		client := newClient(t, server, withStandIn)
		store := &countingStore{Store: assessment.NewMemoryStore(0), answer: startedAnswer(t)}
		p := &provider{}
		intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: store})
		require.NoError(t, err)
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		report, err := client.Reconcile(t.Context(), integration, kombo.ReconcileConfig{Intake: intake})
		require.NoError(t, err)
		require.Equal(t, 100_000, report.Seen)
		require.Len(t, report.Started, 1_000)
		require.Len(t, report.Running, 99_000)
		require.Equal(t, 1_000, p.calls())
		require.Equal(t, int64(400), store.statements.Load(), "one statement a page")
		require.Equal(t, int64(401), server.calls.Load(), "each page, and the young ones")
		peak := float64(server.peak.Load()-before.HeapAlloc) / (1 << 20)
		t.Logf("%.0f MB at the most", peak)
		if !raceEnabled {
			require.LessOrEqual(t, peak, 60.0)
		}
	})
}

// Nothing new costs one call and one statement.
func TestReconcileOfAQuietIntegration(t *testing.T) {
	server := &manyOrders{orders: 100} // but order 0 everything is started
	client := newClient(t, server, withStandIn)
	store := &countingStore{Store: assessment.NewMemoryStore(0), answer: startedAnswer(t)}
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: &provider{}, Store: quiet{store}})
	require.NoError(t, err)
	report, err := client.Reconcile(t.Context(), integration, kombo.ReconcileConfig{Intake: intake})
	require.NoError(t, err)
	require.Len(t, report.Running, 100)
	require.Equal(t, []int64{1, 1}, []int64{server.calls.Load(), store.statements.Load()})
}

// quiet knows all orders.
type quiet struct{ *countingStore }

func (s quiet) Lookup(ctx context.Context, keys []string) (map[string]assessment.Claim, error) {
	found, err := s.countingStore.Lookup(ctx, keys)
	for _, key := range keys {
		found[key] = assessment.Claim{Key: key, Answer: s.answer}
	}
	return found, err
}

// One order that hangs holds up none of the others, and no more than a few run at
// once.
func TestReconcileBesideAHangingOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		ids := placeOld(t, server, 40, kombotest.Lost())
		var mu sync.Mutex
		startedAt := make(map[string]time.Duration)
		began, inFlight, most := time.Now(), 0, 0
		slow := &provider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			mu.Lock()
			startedAt[o.Ref.ID] = time.Since(began)
			inFlight++
			most = max(most, inFlight)
			mu.Unlock()
			if o.Ref.ID == ids[0] {
				<-time.After(9 * time.Second)
			}
			mu.Lock()
			inFlight--
			mu.Unlock()
			return assessment.Started{}, nil
		}}
		r := newReplica(t, server, slow, assessment.NewMemoryStore(0))
		report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.NoError(t, err)
		require.Len(t, report.Started, 40)
		require.Equal(t, simulatedRef(ids[0]), report.Started[0], "in the order of the list")
		require.Less(t, startedAt[ids[39]], time.Second)
		require.Equal(t, 2, most)
		require.Equal(t, 9*time.Second, time.Since(began))
	})
}

func TestReconcileManyHangingOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		placeOld(t, server, 40, kombotest.Lost())
		var inFlight, most atomic.Int64
		slow := &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			most.Store(max(most.Load(), inFlight.Add(1)))
			defer inFlight.Add(-1)
			<-time.After(8 * time.Second)
			return assessment.Started{}, nil
		}}
		r := newReplica(t, server, slow, assessment.NewMemoryStore(0))
		began := time.Now()
		report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.NoError(t, err)
		require.Len(t, report.Started, 40)
		require.Equal(t, int64(16), most.Load())
		require.Less(t, time.Since(began), 30*time.Second, "one after the other it would be 320 s")
	})
}

// What was erased is not started again.
func TestReconcileLeavesErasedOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, wrap := range map[string]func(assessment.Store) assessment.Store{
			"looked up":     func(s assessment.Store) assessment.Store { return s },
			"one at a time": func(s assessment.Store) assessment.Store { return struct{ assessment.Store }{s} },
		} {
			server := kombotest.Start(t)
			p := &countingProvider{}
			store := assessment.NewMemoryStore(0)
			r := newReplica(t, server, p, wrap(store))
			server.Target(r.handler)
			ids := placeOld(t, server, 2)
			require.NoError(t, store.Erase(t.Context(), simulatedRef(ids[0])))
			report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
			require.NoError(t, err)
			require.Equal(t, "skipped running", became(report, ids), name)
			require.Equal(t, 1, p.count(ids[0]))
		}
	})
}
