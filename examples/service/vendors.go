package main

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// clientWait is short: a worker must not wait where a gate can.
const clientWait = 5 * time.Second

// clients make what writes to the vendors. A vendor without keys has none.
func (v *service) clients(s settings) (all []assessment.Publisher, err error) {
	if s.KomboKey != "" {
		v.kombo, err = kombo.New(kombo.Config{
			APIKey: s.KomboKey, Region: kombo.Region(s.KomboRegion), BaseURL: s.KomboURL,
			ResultURL: s.PublicURL + "/status", // for results that have no report
			MaxWait:   clientWait, Logger: v.logger, Observer: v.metrics.observer(),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, v.kombo)
	}
	if s.StackOneKey != "" {
		v.stackone, err = stackone.New(stackone.Config{
			APIKey: s.StackOneKey, BaseURL: s.StackOneURL, MaxWait: clientWait, Logger: v.logger, Observer: v.metrics.observer(),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, v.stackone)
	}
	if len(s.Customers) > 0 {
		v.ashby, err = ashby.New(ashby.Config{
			Keys: s.ashbyKey, BaseURL: s.AshbyURL, MaxWait: clientWait, Logger: v.logger, Observer: v.metrics.observer(),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, v.ashby)
	}
	return all, nil
}

// mount serves the vendors that have a client.
func (v *service) mount(mux *http.ServeMux, s settings) error {
	for _, mount := range []func(*http.ServeMux, settings) error{v.mountKombo, v.mountStackOne, v.mountAshby} {
		if err := mount(mux, s); err != nil {
			return err
		}
	}
	return nil
}

// secrets are what a vendor may sign with. The log says which one it did.
func secrets(current, old string) []webhook.Secret {
	all := []webhook.Secret{{ID: "current", Key: current}}
	if old != "" {
		all = append(all, webhook.Secret{ID: "old", Key: old})
	}
	return all
}

func (v *service) mountKombo(mux *http.ServeMux, s settings) error {
	if v.kombo == nil {
		return nil
	}
	verifier, err := kombo.NewVerifier(secrets(s.KomboSecret, s.KomboOld)...)
	if err != nil {
		return err
	}
	orders, err := kombo.NewWebhookHandler(kombo.WebhookConfig{
		Intake: v.durable.Intake(), Queue: v.durable.Queue, Verifier: verifier, Client: v.kombo,
		OnEvent: v.durable.KomboEvent("", v.onKombo), Logger: v.logger, Observer: v.durable.Watch(v.metrics.observer()),
	})
	mux.Handle("/kombo", orders)
	return err
}

// onKombo keeps the list of customers. An error makes Kombo's delivery fail, so
// that it can come again.
func (v *service) onKombo(ctx context.Context, e kombo.Event) error {
	switch data := e.Data.(type) {
	case kombo.IntegrationCreated:
		if data.Category == "ASSESSMENT" { // one endpoint gets the events of all of Kombo's categories
			return v.setCustomer(ctx, assessment.Kombo, data.ID, "ACTIVE")
		}
	case kombo.IntegrationStateChanged:
		return v.setCustomer(ctx, assessment.Kombo, data.ID, data.State)
	case kombo.IntegrationDeleted:
		return v.setCustomer(ctx, assessment.Kombo, data.ID, deleted)
	}
	return nil
}

// mountStackOne takes webhooks at /stackone, and answers an ATS that asks for
// packages below it.
func (v *service) mountStackOne(mux *http.ServeMux, s settings) error {
	if v.stackone == nil {
		return nil
	}
	verifier, err := stackone.NewVerifier(secrets(s.StackOneSecret, s.StackOneOld)...)
	if err != nil {
		return err
	}
	orders, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: v.durable.Intake(), Queue: v.durable.Queue, Verifier: verifier, Client: v.stackone,
		OnEvent: v.durable.StackOneEvent("", v.onStackOne), Logger: v.logger, Observer: v.durable.Watch(v.metrics.observer()),
	})
	if err != nil {
		return err
	}
	mux.Handle("/stackone", orders)
	for path, kind := range map[string]assessment.Kind{
		"/stackone/assessments": assessment.KindAssessment, "/stackone/background-checks": assessment.KindBackgroundCheck,
	} {
		packages, err := stackone.NewPackagesHandler(stackone.PackagesConfig{
			Intake: v.durable.Intake(), Verifier: verifier, Client: v.stackone, Kind: kind,
			Logger: v.logger, Observer: v.durable.Watch(v.metrics.observer()),
		})
		if err != nil {
			return err
		}
		mux.Handle(path, packages)
	}
	return nil
}

func (v *service) onStackOne(ctx context.Context, e stackone.Event) error {
	account, ok := e.Data.(stackone.AccountChanged)
	if !ok {
		return nil
	}
	state := "ACTIVE"
	if e.Type.Action() == "deleted" {
		state = deleted
	}
	return v.setCustomer(ctx, assessment.StackOne, account.ID, state)
}

// customer is a company that uses Ashby. There are two keys, one for each
// direction.
type customer struct {
	Name     string `yaml:"name"`
	OurKey   string `yaml:"our_key"`   // we issued it; Ashby's calls carry it
	AshbyKey string `yaml:"ashby_key"` // made in their Ashby; our updates need it
}

// ashbyAccount finds the customer whom a key was issued to.
func (s settings) ashbyAccount(_ context.Context, key string) (string, error) {
	name := ""
	for _, one := range s.Customers {
		if subtle.ConstantTimeCompare([]byte(one.OurKey), []byte(key)) == 1 {
			name = one.Name
		}
	}
	if name == "" {
		return "", assessment.ErrUnauthorized
	}
	return name, nil
}

func (s settings) ashbyKey(_ context.Context, name string) (string, error) {
	for _, one := range s.Customers {
		if one.Name == name {
			return one.AshbyKey, nil
		}
	}
	return "", assessment.ErrUnauthorized
}

func (v *service) mountAshby(mux *http.ServeMux, s settings) error {
	if v.ashby == nil {
		return nil
	}
	calls, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake: v.durable.Intake(), Authenticate: s.ashbyAccount, Client: v.ashby, Logger: v.logger, Observer: v.durable.Watch(v.metrics.observer()),
	})
	mux.Handle("/ashby/", calls)
	return err
}
