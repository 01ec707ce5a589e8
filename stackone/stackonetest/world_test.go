package stackonetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// worldOf is a world without a server around it.
func worldOf(t *testing.T, quirks Quirks, accounts ...AccountSpec) *world {
	t.Helper()
	cfg := Config{Quirks: quirks, Accounts: accounts, Clock: func() time.Time { return time.Unix(0, 0) }}.withDefaults()
	w := newWorld(cfg, simkit.NewIDs(1))
	for _, spec := range cfg.Accounts {
		_, err := w.Account(spec)
		require.NoError(t, err)
	}
	return w
}

func placed(t *testing.T, w *world, spec OrderSpec) Order {
	t.Helper()
	event, err := w.place(spec)
	require.NoError(t, err)
	o, found := w.Order(event.Account, event.OrderID)
	require.True(t, found)
	return o
}

func TestWhatBecomesOfAnOrder(t *testing.T) {
	result := func(value string) (Result, map[string]any) {
		return Result{Result: Enum{Value: value}}, map[string]any{"result": map[string]any{"value": value}}
	}
	for name, c := range map[string]struct {
		provider string
		quirks   Quirks
		writes   []string
		statuses []int // of the refusals; 0: accepted
		status   string
	}{
		"corrected":              {provider: Teamtailor, writes: []string{"failed", "completed"}, statuses: []int{0, 0}, status: "completed"},
		"final is final":         {provider: Teamtailor, quirks: Quirks{FinalIsFinal: true}, writes: []string{"in_progress", "failed", "completed"}, statuses: []int{0, 0, 409}, status: "failed"},
		"Greenhouse takes one":   {provider: Greenhouse, writes: []string{"in_progress", "passed"}, statuses: []int{0, 400}, status: "complete"},
		"Greenhouse, if asked":   {provider: Greenhouse, quirks: Quirks{RepeatableGreenhouse: true}, writes: []string{"in_progress", "passed"}, statuses: []int{0, 0}, status: "complete"},
		"an ATS nobody heard of": {provider: "x", writes: []string{"passed", "passed"}, statuses: []int{0, 0}, status: "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOf(t, c.quirks, AccountSpec{ID: DefaultAccount, Provider: c.provider})
			o := placed(t, w, OrderSpec{})
			for i, value := range c.writes {
				r, members := result(value)
				failure := w.write(DefaultAccount, o.ID, Assessment, r, members)
				status := 0
				if failure != nil {
					status = failure.Status
				}
				require.Equal(t, c.statuses[i], status, i)
			}
			o, _ = w.Order(DefaultAccount, o.RemoteID)
			require.Equal(t, c.status, o.Status)
		})
	}
	w := worldOf(t, Quirks{})
	require.Equal(t, 404, w.write(DefaultAccount, placed(t, w, OrderSpec{}).ID, BackgroundCheck, Result{}, nil).Status)
}

// An id is looked up in one account only, and both of an order's ids lead to it.
func TestOrdersAreFoundByBothIDs(t *testing.T) {
	w := worldOf(t, Quirks{}, AccountSpec{ID: "a"}, AccountSpec{ID: "b"})
	o := placed(t, w, OrderSpec{ID: "1", RemoteID: "2", Account: "a"})
	placed(t, w, OrderSpec{ID: "1", RemoteID: "3", Account: "b"})
	for _, id := range []string{"1", "2"} {
		found, ok := w.Order("a", id)
		require.True(t, ok)
		require.Equal(t, o, found)
	}
	_, found := w.Order("a", "3")
	require.False(t, found)
	_, err := w.place(OrderSpec{ID: "2", Account: "a"})
	require.ErrorContains(t, err, "exists already")
}

func TestPackagesAreFoundByBothIDs(t *testing.T) {
	w := worldOf(t, Quirks{})
	require.NoError(t, w.SetPackages(DefaultAccount, BackgroundCheck, []Package{{ID: "1", RemoteID: "2"}, {ID: "3", Name: "x"}}))
	p, failure := w.packageOf(DefaultAccount, BackgroundCheck, "2")
	require.Nil(t, failure)
	require.Equal(t, "1", p.ID)
	_, failure = w.packageOf(DefaultAccount, BackgroundCheck, "")
	require.NotNil(t, failure)
	_, failure = w.packageOf("nobody", BackgroundCheck, "1")
	require.NotNil(t, failure)
	require.Error(t, w.SetPackages("nobody", Assessment, nil))
	require.Len(t, w.Packages(DefaultAccount, BackgroundCheck), 2)
}

// The cost of an order must not grow with the number of orders. A walk over all of them
// would meet the one that is nil.
func TestTheLastOrderCostsWhatTheFirstDid(t *testing.T) {
	w := worldOf(t, Quirks{RepeatableGreenhouse: true})
	cost := func(name string) float64 {
		n := 0
		return testing.AllocsPerRun(50, func() {
			n++
			o := placed(t, w, OrderSpec{ID: fmt.Sprint(name, n)})
			require.Nil(t, w.write(DefaultAccount, o.RemoteID, Assessment, Result{Body: json.RawMessage(`{}`)}, nil))
			w.nextSentAt("event")
		})
	}
	first := cost("first")
	for i := range 20_000 {
		spec := OrderSpec{ID: fmt.Sprint(i), RemoteID: fmt.Sprint("remote ", i), Account: DefaultAccount, Kind: Assessment}
		w.addOrder(spec, w.account(DefaultAccount), nil)
	}
	w.orders.Add(nil, orderKey{DefaultAccount, "nil"})
	w.ofAccount[DefaultAccount] = append(w.ofAccount[DefaultAccount], nil)
	require.InDelta(t, first, cost("last"), first/10)
}

func TestForgottenOrdersAreGone(t *testing.T) {
	w := worldOf(t, Quirks{}, AccountSpec{ID: "a"}, AccountSpec{ID: "b"})
	o := placed(t, w, OrderSpec{ID: "1", RemoteID: "2", Account: "a"})
	other := placed(t, w, OrderSpec{ID: "1", RemoteID: "3", Account: "b"})
	w.ForgetOrder("a", o.RemoteID)
	w.ForgetOrder("a", "unknown")
	for _, id := range []string{"1", "2"} {
		_, found := w.Order("a", id)
		require.False(t, found, id)
	}
	require.Empty(t, w.Orders("a"))
	require.Len(t, w.Events(), 1, "its events go with it")
	require.Equal(t, []Order{other}, w.Orders("b"))
}
