package kombotest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// worldOf is a world without a server around it.
func worldOf(t *testing.T, quirks Quirks) *world {
	t.Helper()
	cfg := Config{Quirks: quirks, Clock: func() time.Time { return time.Unix(0, 0) }}.withDefaults()
	w := newWorld(cfg, simkit.NewIDs(1))
	for _, spec := range cfg.Integrations {
		_, err := w.Integration(spec)
		require.NoError(t, err)
	}
	return w
}

func placed(t *testing.T, w *world, spec OrderSpec) string {
	t.Helper()
	event, err := w.place(spec)
	require.NoError(t, err)
	return event.OrderID
}

func TestWhatBecomesOfAnOrder(t *testing.T) {
	const (
		open = StatusOpen
		done = StatusCompleted
		gone = StatusCancelled
	)
	for name, c := range map[string]struct {
		quirks  Quirks
		verdict verdict
		writes  []string
		refused []bool
		status  string
	}{
		"nothing":                  {status: open},
		"rejected":                 {verdict: verdict{outcome: Rejected}, writes: []string{done}, refused: []bool{true}, status: StatusRejected},
		"failed":                   {verdict: verdict{outcome: Failed}, writes: []string{done}, refused: []bool{false}, status: done},
		"interim, then final":      {writes: []string{open, open, gone}, refused: []bool{false, false, false}, status: gone},
		"final twice":              {writes: []string{done, done}, refused: []bool{false, true}, status: done},
		"final twice, if accepted": {quirks: Quirks{RepeatedFinal: RepeatAccepted}, writes: []string{done, done, gone}, refused: []bool{false, false, true}, status: done},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOf(t, c.quirks)
			id := placed(t, w, OrderSpec{})
			w.decide(id, c.verdict)
			for i, status := range c.writes {
				problem := w.write(DefaultIntegration, id, Result{Status: status})
				require.Equal(t, c.refused[i], problem != nil)
			}
			o, found := w.Order(id)
			require.True(t, found)
			require.Equal(t, c.status, o.Status)
		})
	}
	w := worldOf(t, Quirks{})
	require.NotNil(t, w.write("other", placed(t, w, OrderSpec{}), Result{Status: done}))
	require.NotNil(t, w.write(DefaultIntegration, "unknown", Result{Status: done}))
	w.decide("unknown", verdict{outcome: Rejected})
}

func TestPagesOfOrders(t *testing.T) {
	for name, c := range map[string]struct {
		quirks Quirks
		query  func(ids []string) orderQuery
		want   []int // the orders found, by number
	}{
		"all":          {want: []int{0, 1, 2, 3, 4}},
		"newest first": {quirks: Quirks{NewestFirst: true}, want: []int{4, 3, 2, 1, 0}},
		"empty pages":  {quirks: Quirks{EmptyPages: 2}, want: []int{0, 1, 2, 3, 4}},
		"by id":        {query: func(ids []string) orderQuery { return orderQuery{ids: []string{ids[3], ids[1], ids[3], "x"}} }, want: []int{1, 3}},
		"by status":    {query: func([]string) orderQuery { return orderQuery{statuses: []string{StatusCancelled}} }, want: []int{2}},
		"by date":      {query: func([]string) orderQuery { return orderQuery{createdAfter: time.Unix(3, 0)} }, want: []int{3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOf(t, c.quirks)
			other, err := w.Integration(IntegrationSpec{})
			require.NoError(t, err)
			numbers, ids := map[string]int{}, []string{}
			for i := range 5 {
				id := placed(t, w, OrderSpec{CreatedAt: time.Unix(int64(i), 0)})
				placed(t, w, OrderSpec{Integration: other})
				numbers[id], ids = i, append(ids, id)
			}
			require.Nil(t, w.write(DefaultIntegration, ids[2], Result{Status: StatusCancelled}))
			q := orderQuery{}
			if c.query != nil {
				q = c.query(ids)
			}
			q.integration, q.pageSize = DefaultIntegration, 2
			var found []int
			for pages := 0; ; pages++ {
				require.Less(t, pages, 10)
				page, next := w.page(q, false)
				require.LessOrEqual(t, len(page), 2)
				for _, o := range page {
					found = append(found, numbers[simkit.TextAt(o, "id")])
				}
				if next == nil {
					break
				}
				q.cursor = parseCursor(&simkit.Checker{}, next.String())
			}
			require.Equal(t, c.want, found)
		})
	}
}

func TestResetForgetsTheOrdersOfOneIntegration(t *testing.T) {
	w := worldOf(t, Quirks{})
	other, err := w.Integration(IntegrationSpec{})
	require.NoError(t, err)
	id, kept := placed(t, w, OrderSpec{}), placed(t, w, OrderSpec{Integration: other})
	w.ResetUI(DefaultIntegration)
	_, found := w.Order(id)
	require.False(t, found)
	require.Empty(t, w.Orders(DefaultIntegration))
	_, found = w.Order(kept)
	require.True(t, found)
}

// The cost of an order must not grow with the number of orders. A walk over all of them
// would meet the one that is nil.
func TestTheLastOrderCostsWhatTheFirstDid(t *testing.T) {
	w := worldOf(t, Quirks{})
	cost := func(name string) float64 {
		n := 0
		return testing.AllocsPerRun(50, func() {
			n++
			id := placed(t, w, OrderSpec{ID: fmt.Sprint(name, n)})
			require.Nil(t, w.write(DefaultIntegration, id, Result{Status: StatusCompleted}))
			w.page(orderQuery{integration: DefaultIntegration, ids: []string{id}, pageSize: 10}, true)
		})
	}
	first := cost("first")
	for i := range 20_000 {
		w.addOrder(OrderSpec{ID: fmt.Sprint(i), Integration: DefaultIntegration}, nil)
	}
	w.ofIntegration[DefaultIntegration] = append(w.ofIntegration[DefaultIntegration], nil)
	require.InDelta(t, first, cost("last"), first/10)
}

func TestForgottenOrdersAreGone(t *testing.T) {
	w := worldOf(t, Quirks{})
	first, second := placed(t, w, OrderSpec{}), placed(t, w, OrderSpec{})
	w.ForgetOrder(first)
	w.ForgetOrder(first)
	w.ForgetOrder("unknown")
	_, found := w.Order(first)
	require.False(t, found)
	require.Len(t, w.Orders(DefaultIntegration), 1)
	require.Len(t, w.Events(), 1, "its events go with it")
	kept, found := w.Order(second)
	require.True(t, found)
	require.Equal(t, second, kept.ID)
}
