package check_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/internal/simkit"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// The packages of the reference provider.
const (
	offered  = "typescript_test"
	rejected = "discontinued_test"
	faulty   = "broken_test"
	running  = "running_test" // every candidate is taking it
)

// emptyAccount may order nothing; every other customer of StackOne has a package that
// only this one may order.
const emptyAccount = "1"

// emptyCustomer is a customer of Ashby who may order nothing, and emptyKey the key.
const (
	emptyCustomer = "hooli"
	emptyKey      = "partner_test_key_hooli"
)

func ownPackage(account string) string { return "own-" + account }

// wrong is what a mutant does otherwise than the reference provider; the zero value
// is nothing.
type wrong struct {
	inbound  func(http.Handler) http.Handler           // all endpoints
	outbound func(http.RoundTripper) http.RoundTripper // all clients
	provider func(assessment.Provider) assessment.Provider
	intake   func(*assessment.IntakeConfig)
	target   func(*check.Target, *reference)
}

// reference is a provider as the documentation of this SDK would have it: in memory,
// with a handler for each vendor.
type reference struct {
	kit    *check.Kit
	target check.Target

	mu           sync.Mutex
	started      map[assessment.OrderRef]int
	integrations map[string]bool

	intake      *assessment.Intake
	router      *assessment.Router
	komboConfig kombo.Config
	kombo       *kombo.Client
	stackone    *stackone.Client
	ashby       *ashby.Client
}

// fast makes a run short: nothing of the reference provider waits for long.
var fast = check.Options{
	AnswerTimeout: 10 * time.Second, InlineTimeout: 5 * time.Second, Settle: 100 * time.Millisecond, Patience: 10 * time.Second, Timeout: 40 * time.Second,
}

// newReference starts the provider beside a kit of its own.
func newReference(t *testing.T, w wrong) *reference {
	t.Helper()
	return newReferenceWith(t, w, check.Config{Seed: 7})
}

func newReferenceWith(t *testing.T, w wrong, cfg check.Config) *reference {
	t.Helper()
	kit, err := check.New(cfg)
	require.NoError(t, err)
	t.Cleanup(kit.Close)
	// In memory: these vendors answer for every host name.
	addresses := check.Addresses{Kombo: "http://kombo.example/v1", StackOne: "http://stackone.example", Ashby: "http://ashby.example", Credentials: kit.Credentials()}
	r := &reference{kit: kit, started: map[assessment.OrderRef]int{}, integrations: map[string]bool{}}
	var provider assessment.Provider = r
	if w.provider != nil {
		provider = w.provider(r)
	}
	in := assessment.IntakeConfig{Provider: provider, Store: assessment.NewMemoryStore(0)}
	if w.intake != nil {
		w.intake(&in)
	}
	r.intake, err = assessment.NewIntake(in)
	require.NoError(t, err)
	handlers := r.handlers(t, w, addresses)
	r.router, err = assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{r.kombo, r.stackone, r.ashby}, Store: in.Store})
	require.NoError(t, err)
	wrap := func(name, path string) check.Endpoint {
		h := handlers[name]
		if w.inbound != nil {
			h = w.inbound(h)
		}
		return check.Endpoint{Handler: h, Path: path}
	}
	r.target = check.Target{
		Name: "reference", Version: "1",
		Kombo: check.KomboTarget{Webhook: wrap("kombo", "/kombo")},
		StackOne: check.StackOneTarget{
			Webhook: wrap("stackone", "/stackone"), AssessmentPackages: wrap("assessments", "/assessments"), BackgroundPackages: wrap("background", "/background"),
			EmptyAccount: emptyAccount,
		},
		Ashby:   check.AshbyTarget{Base: wrap("ashby", "/ashby/"), EmptyKey: emptyKey},
		Package: offered, RejectedPackage: rejected, FaultPackage: faulty, ConflictPackage: running,
		Finish: func(ctx context.Context, ref assessment.OrderRef, result assessment.Result) error {
			_, err := r.router.PublishResult(ctx, ref, result)
			return err
		},
		Packages: func(_ context.Context, customer assessment.OrderRef) ([]string, error) {
			return []string{offered, ownPackage(customer.Account)}, nil
		},
		Reconcile: r.reconcile,
		Started: func(_ context.Context, ref assessment.OrderRef) (int, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.started[ref], nil
		},
	}
	if w.target != nil {
		w.target(&r.target, r)
	}
	return r
}

func (r *reference) client(t *testing.T, w wrong, vendor string) *http.Client {
	t.Helper()
	api, err := r.kit.API(vendor)
	require.NoError(t, err)
	endpoint := simkit.NewEndpoint(api)
	t.Cleanup(endpoint.Close)
	var transport http.RoundTripper = endpoint
	if w.outbound != nil {
		transport = w.outbound(transport)
	}
	return &http.Client{Transport: transport}
}

// handlers makes the clients and handlers of all vendors.
func (r *reference) handlers(t *testing.T, w wrong, a check.Addresses) map[string]http.Handler {
	t.Helper()
	var err error
	r.komboConfig = kombo.Config{APIKey: a.KomboKey, BaseURL: a.Kombo, HTTPClient: r.client(t, w, "kombo"), ResultURL: "https://reports.example.com/status"}
	r.kombo, err = kombo.New(r.komboConfig)
	require.NoError(t, err)
	r.stackone, err = stackone.New(stackone.Config{APIKey: a.StackOneKey, BaseURL: a.StackOne, HTTPClient: r.client(t, w, "stackone")})
	require.NoError(t, err)
	r.ashby, err = ashby.New(ashby.Config{BaseURL: a.Ashby, HTTPClient: r.client(t, w, "ashby"), Keys: func(_ context.Context, account string) (string, error) {
		for _, c := range a.Credentials.Ashby {
			if c.Name == account {
				return c.APIKey, nil
			}
		}
		return "", assessment.ErrUnauthorized
	}})
	require.NoError(t, err)

	komboVerifier, err := kombo.NewVerifier(webhook.Secret{ID: "current", Key: a.KomboSecret})
	require.NoError(t, err)
	komboHandler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: r.intake, Verifier: komboVerifier, OnEvent: r.onKomboEvent})
	require.NoError(t, err)
	stackoneVerifier, err := stackone.NewVerifier(webhook.Secret{ID: "current", Key: a.StackOneSecret}, webhook.Secret{ID: "next", Key: a.StackOneNextSecret})
	require.NoError(t, err)
	stackoneHandler, err := stackone.NewWebhookHandler(stackone.WebhookConfig{Intake: r.intake, Verifier: stackoneVerifier, Publisher: r.stackone})
	require.NoError(t, err)
	handlers := map[string]http.Handler{"kombo": komboHandler, "stackone": stackoneHandler}
	for name, kind := range map[string]assessment.Kind{"assessments": assessment.KindAssessment, "background": assessment.KindBackgroundCheck} {
		handlers[name], err = stackone.NewPackagesHandler(stackone.PackagesConfig{Intake: r.intake, Verifier: stackoneVerifier, Kind: kind})
		require.NoError(t, err)
	}
	handlers["ashby"], err = ashby.NewHandler(ashby.HandlerConfig{Intake: r.intake, Client: r.ashby, Authenticate: func(_ context.Context, key string) (string, error) {
		for _, c := range append(a.Credentials.Ashby[:], check.AshbyCustomer{Name: emptyCustomer, PartnerKey: emptyKey}) {
			if c.PartnerKey == key {
				return c.Name, nil
			}
		}
		return "", assessment.ErrUnauthorized
	}})
	require.NoError(t, err)
	return handlers
}

func (r *reference) onKomboEvent(_ context.Context, e kombo.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if created, is := e.Data.(kombo.IntegrationCreated); is {
		r.integrations[created.ID] = true
	}
	return nil
}

func (r *reference) reconcile(ctx context.Context) error {
	return r.reconcileWith(ctx, kombo.ReconcileConfig{Intake: r.intake})
}

func (r *reference) reconcileWith(ctx context.Context, cfg kombo.ReconcileConfig) error {
	r.mu.Lock()
	var ids []string
	for id := range r.integrations {
		ids = append(ids, id)
	}
	r.mu.Unlock()
	var all []error
	for _, id := range ids {
		// Other checks' customers may be gone by now.
		if _, err := r.kombo.Reconcile(ctx, id, cfg); err != nil && !errors.Is(err, assessment.ErrNotFound) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// another is a client of another process, which knows nothing of what this one wrote.
func (r *reference) another(change ...func(*kombo.Config)) *kombo.Client {
	cfg := r.komboConfig
	for _, c := range change {
		c(&cfg)
	}
	client, err := kombo.New(cfg)
	if err != nil {
		panic(err) // a configuration that was good once
	}
	return client
}

// Packages implements [assessment.Provider].
func (r *reference) Packages(_ context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	switch {
	case q.Account == emptyAccount, q.Account == emptyCustomer:
		return nil, nil
	case q.Vendor == assessment.StackOne:
		return []assessment.Package{{ID: offered, Name: "TypeScript", Description: "TypeScript coding skills"}, {ID: ownPackage(q.Account), Name: "Our own", Description: "Made for this customer"}}, nil
	}
	if q.Kind == assessment.KindBackgroundCheck {
		return []assessment.Package{{ID: "criminal_record", Name: "Criminal record check", Description: "National and county records", Type: assessment.BackgroundCheck}}, nil
	}
	return []assessment.Package{{ID: offered, Name: "TypeScript", Description: "TypeScript coding skills", Type: assessment.SkillsTest}}, nil
}

var errDatabase = errors.New("dial tcp 10.0.0.3:5432: connect: connection refused")

// StartOrder implements [assessment.Provider]: idempotent on the Ref.
func (r *reference) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o.Package.ID {
	case rejected:
		return assessment.Started{}, assessment.Reject("We do not offer this test any more.")
	case running:
		return assessment.Started{}, assessment.AlreadyRunning("The candidate is taking this test.")
	case faulty:
		return assessment.Started{}, errDatabase
	}
	r.started[o.Ref]++
	return assessment.Started{
		CandidateURL: "https://tests.example.com/take?order=" + url.QueryEscape(o.Ref.ID), Update: &assessment.Result{Status: assessment.StatusOpen},
	}, nil
}

// CancelOrder implements [assessment.Provider].
func (r *reference) CancelOrder(context.Context, assessment.OrderRef) error { return nil }
