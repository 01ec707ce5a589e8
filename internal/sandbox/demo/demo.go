// Package demo is a small provider that lives inside the sandbox, so that its first
// page shows something: it takes orders and writes a result a moment later.
//
// A candidate whose e-mail address begins with "reject" is rejected, one with "fail"
// meets an outage.
package demo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// Config says where the vendors are and which secrets they share with the provider.
type Config struct {
	KomboURL, KomboKey, KomboSecret          string
	StackOneURL, StackOneKey, StackOneSecret string
	AshbyURL, AshbyKey, PartnerKey           string
	// Think is how long a candidate works on a test; zero: at once.
	Think time.Duration
}

// Provider is the demonstration.
type Provider struct {
	handler  http.Handler
	router   *assessment.Router
	intake   *assessment.Intake
	kombo    *kombo.Client
	stackone *stackone.Client
	think    time.Duration

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup
}

// The packages on offer.
var packages = []assessment.Package{
	{ID: "typescript_test", Name: "TypeScript", Description: "Coding skills, 60 minutes", Type: assessment.SkillsTest},
	{ID: "personality", Name: "Personality", Description: "Big Five questionnaire, 20 minutes", Type: assessment.Behavioral},
}

// New returns a provider that takes webhooks at /kombo, /stackone and below /ashby,
// and answers for packages at /stackone/packages. The caller closes it.
func New(c Config) (*Provider, error) {
	p := &Provider{think: c.Think}
	p.ctx, p.stop = context.WithCancel(context.Background())
	quiet := slog.New(slog.DiscardHandler)
	store := assessment.NewMemoryStore(0)
	var err error
	if p.intake, err = assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: store, Logger: quiet}); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	toKombo, err := p.mountKombo(mux, c, quiet)
	if err != nil {
		return nil, err
	}
	toStackOne, err := p.mountStackOne(mux, c, quiet)
	if err != nil {
		return nil, err
	}
	toAshby, err := p.mountAshby(mux, c, quiet)
	if err != nil {
		return nil, err
	}
	p.handler = mux
	p.router, err = assessment.NewRouter(assessment.RouterConfig{
		Publishers: []assessment.Publisher{toKombo, toStackOne, toAshby}, Store: store,
	})
	return p, err
}

// ServeHTTP implements [http.Handler].
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Close ends what is still running.
func (p *Provider) Close() {
	p.stop()
	p.work.Wait()
}

func (p *Provider) mountKombo(mux *http.ServeMux, c Config, quiet *slog.Logger) (assessment.Publisher, error) {
	client, err := kombo.New(kombo.Config{
		APIKey: c.KomboKey, BaseURL: c.KomboURL, ResultURL: "https://tests.example.com/status", Logger: quiet, MaxRetries: 1,
	})
	if err != nil {
		return nil, err
	}
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "current", Key: c.KomboSecret})
	if err != nil {
		return nil, err
	}
	handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{
		Intake: p.intake, Verifier: verifier, OnEvent: p.onKomboEvent, Logger: quiet,
	})
	mux.Handle("/kombo", handler)
	p.kombo = client
	return client, err
}

// onKomboEvent gives every new customer the catalogue.
func (p *Provider) onKomboEvent(ctx context.Context, e kombo.Event) error {
	if data, created := e.Data.(kombo.IntegrationCreated); created {
		_, err := p.kombo.SetPackages(ctx, data.ID, packages)
		return err
	}
	return nil
}

func (p *Provider) mountStackOne(mux *http.ServeMux, c Config, quiet *slog.Logger) (assessment.Publisher, error) {
	client, err := stackone.New(stackone.Config{APIKey: c.StackOneKey, BaseURL: c.StackOneURL, Logger: quiet, MaxRetries: 1})
	if err != nil {
		return nil, err
	}
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "current", Key: c.StackOneSecret})
	if err != nil {
		return nil, err
	}
	handler, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: p.intake, Verifier: verifier, Queue: p.queue, Logger: quiet,
	})
	if err != nil {
		return nil, err
	}
	list, err := stackone.NewPackagesHandler(stackone.PackagesConfig{
		Intake: p.intake, Verifier: verifier, Kind: assessment.KindAssessment, Logger: quiet,
	})
	mux.Handle("/stackone", handler)
	mux.Handle("/stackone/packages", list)
	p.stackone = client
	return client, err
}

// queue works on an order behind StackOne's back, as a job queue does.
func (p *Provider) queue(_ context.Context, o assessment.Order) error {
	p.work.Go(func() {
		if err := p.stackone.Complete(p.ctx, &o); err != nil {
			return
		}
		if found, ok := stackone.MatchPackage(o.Package, packages); ok {
			o.Package = found
		}
		_ = p.intake.Work(p.ctx, o, p.router)
	})
	return nil
}

func (p *Provider) mountAshby(mux *http.ServeMux, c Config, quiet *slog.Logger) (assessment.Publisher, error) {
	client, err := ashby.New(ashby.Config{
		BaseURL: c.AshbyURL, Logger: quiet, MaxRetries: 1,
		Keys: func(context.Context, string) (string, error) { return c.AshbyKey, nil },
	})
	if err != nil {
		return nil, err
	}
	handler, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake: p.intake, Client: client, Logger: quiet,
		Authenticate: func(_ context.Context, key string) (string, error) {
			if key != c.PartnerKey {
				return "", assessment.ErrUnauthorized
			}
			return "acme", nil
		},
	})
	mux.Handle("/ashby/", handler)
	return client, err
}

// Packages offers every customer the same.
func (p *Provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return packages, nil
}

var errOutage = errors.New("the demonstration of an outage")

// StartOrder takes an order and has its candidate finish after a while.
func (p *Provider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	switch who := strings.ToLower(o.Candidate.Email); {
	case strings.HasPrefix(who, "reject"):
		return assessment.Started{}, assessment.Reject("We do not offer this test in the candidate's country.")
	case strings.HasPrefix(who, "fail"):
		return assessment.Started{}, errOutage
	}
	p.work.Go(func() { p.finish(o.Ref) })
	return assessment.Started{
		CandidateURL: "https://tests.example.com/take/42",
		ReportURL:    "https://tests.example.com/reports/42",
		Update:       &assessment.Result{Status: assessment.StatusOpen},
	}, nil
}

// CancelOrder stops nothing: the demonstration's tests end by themselves.
func (p *Provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

// attempts is how often the result is written when the order is not known yet.
const attempts = 5

// finish writes the result when the candidate is done.
func (p *Provider) finish(ref assessment.OrderRef) {
	for range attempts {
		select {
		case <-time.After(p.think):
		case <-p.ctx.Done():
			return
		}
		if _, err := p.router.PublishResult(p.ctx, ref, result()); err == nil {
			return
		}
	}
}

func result() assessment.Result {
	at := time.Now()
	return assessment.Result{
		Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed, Score: assessment.ScoreOutOf(87, 100),
		ReportURL: "https://tests.example.com/reports/42", CompletedAt: at, At: at, Summary: "A solid candidate.",
		Attributes: []assessment.Attribute{
			{Label: "Time taken", Value: assessment.Elapsed(42 * time.Minute)},
			{ID: "generics", Label: "Generics", Value: assessment.SubResult{Score: assessment.ScoreOutOf(9, 10)}},
		},
		Attachments: []assessment.Attachment{
			{Name: "Report.pdf", ContentType: "application/pdf", Data: []byte("%PDF-1.4\n%%EOF\n")},
		},
	}
}
