package assessment_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// intakePublisher is a client that remembers what it was given.
type intakePublisher struct {
	vendor     assessment.Vendor
	connection string
	publish    func() (assessment.Receipt, error)
	got        []assessment.OrderRef
	results    []assessment.Result
}

func (p *intakePublisher) Vendor() assessment.Vendor { return p.vendor }
func (p *intakePublisher) Connection() string        { return p.connection }

func (p *intakePublisher) PublishResult(_ context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	p.got, p.results = append(p.got, ref), append(p.results, r)
	if p.publish == nil {
		return assessment.Receipt{RequestID: string(p.vendor) + "/" + p.connection}, nil
	}
	return p.publish()
}

// intakeForgetter is a store of which only Forget is asked for.
type intakeForgetter struct {
	assessment.Store
	forgot []assessment.OrderRef
	err    error
}

func (f *intakeForgetter) Forget(ctx context.Context, ref assessment.OrderRef) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("no deadline")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.forgot = append(f.forgot, ref)
	return f.err
}

// intakeMinter is a client whose vendor gives its orders no id.
type intakeMinter struct{ intakePublisher }

func (*intakeMinter) MintsOrderIDs() bool { return true }

// Without the intake's store nobody would free a finished order: the recruiter's
// second one would silently get the first, finished test.
func TestNewRouterNeedsTheStoreOfMintedOrders(t *testing.T) {
	minter := &intakeMinter{intakePublisher{vendor: "own"}}
	publishers := []assessment.Publisher{&intakePublisher{vendor: assessment.Kombo}, minter}
	_, err := assessment.NewRouter(assessment.RouterConfig{Publishers: publishers})
	require.ErrorContains(t, err, "Store")
	require.ErrorContains(t, err, `"own"`)
	var none *assessment.MemoryStore
	_, err = assessment.NewRouter(assessment.RouterConfig{Publishers: publishers, Store: none})
	require.ErrorContains(t, err, "Store")
	for _, c := range []assessment.RouterConfig{{Store: assessment.NewMemoryStore(0)}, {NoIntake: true}} {
		c.Publishers = publishers
		_, err := assessment.NewRouter(c)
		require.NoError(t, err)
	}
}

// A variable of a pointer type that was never set is an interface that is not nil.
func TestNewRouterRefusesATypedNil(t *testing.T) {
	var none *intakePublisher
	_, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{none}})
	require.ErrorContains(t, err, "publisher 0 is nil")
	var router *assessment.Router
	_, err = router.PublishResult(t.Context(), intakeOrder("o1").Ref, assessment.Result{})
	require.ErrorContains(t, err, "NewRouter")
	_, err = (&assessment.Router{}).PublishResult(t.Context(), intakeOrder("o1").Ref, assessment.Result{})
	require.ErrorIs(t, err, assessment.ErrNotSupported)
}

func TestNewRouterRefuses(t *testing.T) {
	kombo, eu := &intakePublisher{vendor: assessment.Kombo}, &intakePublisher{vendor: assessment.Kombo, connection: "eu"}
	tests := map[string]struct {
		publishers []assessment.Publisher
		ok         bool
	}{
		"none":            {nil, false},
		"nil":             {[]assessment.Publisher{kombo, nil}, false},
		"the same twice":  {[]assessment.Publisher{kombo, eu, &intakePublisher{vendor: assessment.Kombo}}, false},
		"two connections": {[]assessment.Publisher{kombo, eu}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: test.publishers})
			require.Equal(t, test.ok, err == nil, "%v", err)
			require.Equal(t, test.ok, router != nil)
		})
	}
}

func TestRouterPicksByVendorAndConnection(t *testing.T) {
	all := []*intakePublisher{
		{vendor: assessment.Kombo}, {vendor: assessment.Kombo, connection: "eu"}, {vendor: assessment.Ashby},
	}
	router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{all[0], all[1], all[2]}})
	require.NoError(t, err)
	for _, p := range all {
		ref := assessment.OrderRef{Vendor: p.vendor, Connection: p.connection, Account: "acme", ID: "1"}
		receipt, err := router.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusCompleted})
		require.NoError(t, err)
		require.Equal(t, string(p.vendor)+"/"+p.connection, receipt.RequestID)
		require.Equal(t, []assessment.OrderRef{ref}, p.got)
	}
	for _, ref := range []assessment.OrderRef{
		{Vendor: assessment.StackOne, ID: "1"}, {Vendor: assessment.Kombo, Connection: "us", ID: "1"}, {},
	} {
		_, err := router.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusCompleted})
		require.ErrorIs(t, err, assessment.ErrNotSupported)
	}
}

func TestRouterForgets(t *testing.T) {
	minted := assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: "1"}
	refused := &assessment.APIError{Vendor: assessment.Ashby, StatusCode: 500}
	tests := map[string]struct {
		ref     assessment.OrderRef
		status  assessment.Status
		outcome assessment.ResultOutcome
		err     error
		want    bool
	}{
		"completed":        {ref: minted, status: assessment.StatusCompleted, want: true},
		"cancelled":        {ref: minted, status: assessment.StatusCancelled, want: true},
		"expired":          {ref: minted, status: assessment.StatusExpired, want: true},
		"open":             {ref: minted, status: assessment.StatusOpen},
		"in progress":      {ref: minted, status: assessment.StatusInProgress},
		"no status":        {ref: minted},
		"not written":      {ref: minted, status: assessment.StatusCompleted, err: refused},
		"queued":           {ref: minted, status: assessment.StatusCompleted, outcome: assessment.ResultQueued},
		"already final":    {ref: minted, status: assessment.StatusCompleted, outcome: assessment.ResultAlreadyFinal, want: true},
		"id of the vendor": {ref: intakeOrder("o1").Ref, status: assessment.StatusCompleted, want: true}, // the store ignores it
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// The caller gives up while the result is being written. It counts all
			// the same, and so its order has to be freed.
			ctx, cancel := context.WithCancel(t.Context())
			p := &intakePublisher{vendor: test.ref.Vendor, publish: func() (assessment.Receipt, error) {
				cancel()
				return assessment.Receipt{Attempts: 1, Outcome: test.outcome}, test.err
			}}
			var store intakeForgetter
			router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{p}, Store: &store})
			require.NoError(t, err)
			receipt, err := router.PublishResult(ctx, test.ref, assessment.Result{Status: test.status})
			require.ErrorIs(t, err, test.err)
			require.Equal(t, assessment.Receipt{Attempts: 1, Outcome: test.outcome}, receipt)
			if test.want {
				require.Equal(t, []assessment.OrderRef{test.ref}, store.forgot)
			} else {
				require.Empty(t, store.forgot)
			}
		})
	}
}

// The result is written, so the caller must not write it again.
func TestRouterWarnsIfTheOrderIsNotForgotten(t *testing.T) {
	p := &intakePublisher{vendor: assessment.Ashby, publish: func() (assessment.Receipt, error) {
		return assessment.Receipt{Warnings: []string{"by the vendor"}}, nil
	}}
	store := intakeForgetter{err: errIntakeDown}
	router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{p}, Store: &store})
	require.NoError(t, err)
	ref := assessment.OrderRef{Vendor: assessment.Ashby, ID: "1"}
	receipt, err := router.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusCompleted})
	require.NoError(t, err)
	require.Len(t, receipt.Warnings, 2)
	require.Contains(t, receipt.Warnings[1], "not freed")
}

func TestRouterWithoutAStore(t *testing.T) {
	p := &intakePublisher{vendor: assessment.Ashby}
	router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{p}})
	require.NoError(t, err)
	receipt, err := router.PublishResult(t.Context(), assessment.OrderRef{Vendor: assessment.Ashby},
		assessment.Result{Status: assessment.StatusCompleted})
	require.NoError(t, err)
	require.Empty(t, receipt.Warnings)
}
