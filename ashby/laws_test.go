package ashby_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/webhook"
)

// TestLaws runs what must hold for every vendor.
func TestLaws(t *testing.T) {
	open := func(t testing.TB, s vendortest.Setup, set func(*ashby.HandlerConfig)) http.Handler {
		c := ashby.HandlerConfig{
			Intake: s.Intake, MaxBody: s.MaxBody, Logger: s.Logger, Observer: s.Observer,
			Authenticate: keys(map[string]string{partnerKey: account}), Fields: []ashby.FieldSpec{},
		}
		set(&c)
		h, err := ashby.NewHandler(c)
		require.NoError(t, err)
		return h
	}
	door := func(operation string, body []byte) vendortest.Door {
		return vendortest.Door{
			Name: operation, Body: body, Allow: "POST", Unproved: 401, ProofFirst: true,
			New: func(t testing.TB, s vendortest.Setup) http.Handler {
				return open(t, s, func(*ashby.HandlerConfig) {})
			},
			Request:   func(body []byte) *http.Request { return request("/"+operation, body) },
			Absent:    func(r *http.Request) { r.Header.Del("Authorization") },
			Malformed: func(r *http.Request) { r.Header.Set("Authorization", "Basic ???") },
			Forge:     withKey("another", ""),
		}
	}
	start, cancel := door("assessment.start", minimal(t)), door("assessment.cancel", cancelBody(assessmentID))
	list, fields := door("assessment.list", []byte("{}")), door("assessment.customField.list", []byte("{}"))
	list.AnyBody, fields.AnyBody = true, true
	for _, d := range []*vendortest.Door{&cancel, &list, &fields} {
		d.Fault = enveloped
	}

	verifier, err := ashby.NewVerifier(webhook.Secret{ID: "acme", Key: ashbytest.DefaultWebhookSecret})
	require.NoError(t, err)
	receive := func(t testing.TB, s vendortest.Setup, on func(context.Context, ashby.Event) error) http.Handler {
		h, err := ashby.NewWebhookHandler(ashby.WebhookConfig{
			Verifier: verifier, OnEvent: on, MaxBody: s.MaxBody, Logger: s.Logger, Observer: s.Observer,
		})
		require.NoError(t, err)
		return h
	}
	event := vendortest.Door{
		Name: "webhook", Body: example(t, "webhook.candidate-delete.json"), Allow: "POST", Unproved: 400, // see [ashby.WebhookHandler]
		New: func(t testing.TB, s vendortest.Setup) http.Handler { return receive(t, s, nil) },
		Request: func(body []byte) *http.Request {
			r := request("/webhook", body)
			r.Header.Set(ashby.SignatureHeader, verifier.Sign(body))
			return r
		},
		Absent:    func(r *http.Request) { r.Header.Del(ashby.SignatureHeader) },
		Malformed: func(r *http.Request) { r.Header.Set(ashby.SignatureHeader, "sha256=zz") },
		Forge:     func(r *http.Request) { r.Header.Set(ashby.SignatureHeader, verifier.Sign([]byte("another"))) },
	}
	hook := func(name string, d vendortest.Door, set func(*ashby.HandlerConfig, *provider, func(context.Context) error)) vendortest.Hook {
		return vendortest.Hook{
			Name: name, Request: func() *http.Request { return d.Request(d.Body) }, Fault: d.Fault,
			New: func(t testing.TB, s vendortest.Setup, called func(context.Context) error) http.Handler {
				p := new(provider)
				intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: assessment.NewMemoryStore(0), Logger: s.Logger})
				require.NoError(t, err)
				s.Intake = intake
				return open(t, s, func(c *ashby.HandlerConfig) { set(c, p, called) })
			},
		}
	}
	cancelled := hook("CancelOrder", cancel, func(_ *ashby.HandlerConfig, p *provider, called func(context.Context) error) {
		p.cancel = func(ctx context.Context, _ assessment.OrderRef) error { return called(ctx) }
	})
	cancelled.Stores = true
	vendortest.Run(t, vendortest.Vendor{
		Name:  assessment.Ashby,
		Doors: []vendortest.Door{start, cancel, list, fields, event},
		Orders: vendortest.Orders{
			Door: start,
			Order: func(id string) []byte {
				return replaced(minimal(t), "5b591aed-88e3-4395-b9c6-7d529f93354a", "c-"+id, "3ae2b801-19f6-41ef-ad28-214bd731948f", "a-"+id)
			},
			Full: example(t, "assessment-start.request.full.json"),
			Needs: func(path string) bool {
				return slices.Contains([]string{"assessment_type_id", "candidate", "candidate.ashby_id", "candidate.email"}, path)
			},
			Odd: bytes.Replace(minimal(t), []byte(`"Adam"`), []byte(`{"odd":true}`), 1),
			Ref: func(string) assessment.OrderRef {
				return assessment.OrderRef{Vendor: assessment.Ashby, Account: account}
			},
			Personal: []string{"Adam", "Hart", "adam.hart"},
			Rejected: func(t testing.TB, w *httptest.ResponseRecorder, published []assessment.Result, message string) {
				require.Equal(t, 422, w.Code)
				requireSameJSON(t, []byte(`{"message":"`+message+`"}`), w.Body.Bytes())
				require.Empty(t, published)
			},
		},
		Secrets: map[string]func(string) error{
			"webhooks": func(key string) error {
				_, err := ashby.NewVerifier(webhook.Secret{Key: key})
				return err
			},
			"API key": func(key string) error {
				_, err := ashby.New(ashby.Config{APIKey: key})
				return err
			},
		},
		Outlet: outlet(),
		Hooks: []vendortest.Hook{
			cancelled,
			hook("Packages", list, func(_ *ashby.HandlerConfig, p *provider, called func(context.Context) error) {
				p.packages = func(ctx context.Context, _ assessment.PackageQuery) ([]assessment.Package, error) {
					return nil, called(ctx)
				}
			}),
			hook("FieldsFor", fields, func(c *ashby.HandlerConfig, _ *provider, called func(context.Context) error) {
				c.Fields = nil
				c.FieldsFor = func(ctx context.Context, _ string) ([]ashby.FieldSpec, error) { return nil, called(ctx) }
			}),
			hook("Shadow.Live", start, func(c *ashby.HandlerConfig, _ *provider, called func(context.Context) error) {
				c.Shadow = &inbound.Shadow{Live: func(ctx context.Context, _ string) (bool, error) { return true, called(ctx) }}
			}),
			hook("Authenticate", start, func(c *ashby.HandlerConfig, _ *provider, called func(context.Context) error) {
				c.Authenticate = func(ctx context.Context, _ string) (string, error) { return account, called(ctx) }
			}),
			{
				Name: "OnEvent", Stores: true, Request: func() *http.Request { return event.Request(event.Body) },
				New: func(t testing.TB, s vendortest.Setup, called func(context.Context) error) http.Handler {
					return receive(t, s, func(ctx context.Context, _ ashby.Event) error { return called(ctx) })
				},
			},
		},
	})
}

// enveloped says whether w is Ashby's answer to the fault of an operation that
// starts nothing: 200 with the error envelope, or a 5xx.
func enveloped(w *httptest.ResponseRecorder) bool {
	return w.Code >= 500 || w.Code == 200 && bytes.Contains(w.Body.Bytes(), []byte(`"success":false`))
}

// outlet is Ashby's client for the laws.
func outlet() vendortest.Outlet {
	call := func(name string, write bool, do func(context.Context, *ashby.Client, string) error) vendortest.Call {
		return vendortest.Call{
			Name: name, Answer: `{"success":true,"results":{"id":"1"}}`, Write: write,
			Do: func(ctx context.Context, c vendortest.Client, id string) error { return do(ctx, c.(*ashby.Client), id) },
		}
	}
	return vendortest.Outlet{
		Written: written,
		New: func(t testing.TB, s vendortest.ClientSetup) vendortest.Client {
			c, err := ashby.New(ashby.Config{
				APIKey: s.APIKey, Keys: s.Keys, HTTPClient: s.HTTPClient, Logger: s.Logger, Observer: s.Observer,
			})
			require.NoError(t, err)
			return c
		},
		Ref: func(id string) assessment.OrderRef {
			return assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: id}
		},
		Refusal: func(message string) string {
			return fmt.Sprintf(`{"success":false,"errors":["invalid_input"],"errorInfo":{"code":"invalid_input","message":%q}}`, message)
		},
		Calls: []vendortest.Call{
			call("AddCompleted", true, func(ctx context.Context, c *ashby.Client, id string) error {
				completed := added
				completed.CandidateID = id
				_, err := c.AddCompleted(ctx, account, completed)
				return err
			}),
			call("CandidateInfo", false, func(ctx context.Context, c *ashby.Client, id string) error {
				_, err := c.CandidateInfo(ctx, account, id)
				return err
			}),
			call("APIKeyInfo", false, func(ctx context.Context, c *ashby.Client, id string) error {
				_, err := c.APIKeyInfo(ctx, id)
				return err
			}),
			call("Call", true, func(ctx context.Context, c *ashby.Client, id string) error {
				_, err := c.Call(ctx, account, ashby.Request{Operation: "candidate.addTag", Body: map[string]string{"candidateId": id}})
				return err
			}),
		},
	}
}
