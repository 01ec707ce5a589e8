package kombo_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// TestLaws runs what must hold for every vendor.
func TestLaws(t *testing.T) {
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "now", Key: secretKey})
	require.NoError(t, err)
	open := func(t testing.TB, s vendortest.Setup, set func(*kombo.WebhookConfig)) http.Handler {
		c := kombo.WebhookConfig{Intake: s.Intake, Verifier: verifier, MaxBody: s.MaxBody, Logger: s.Logger, Observer: s.Observer}
		set(&c)
		h, err := kombo.NewWebhookHandler(c)
		require.NoError(t, err)
		return h
	}
	door := vendortest.Door{
		Name: "webhook", Body: orderBody(t), Allow: "POST", Unproved: 401,
		New: func(t testing.TB, s vendortest.Setup) http.Handler {
			return open(t, s, func(*kombo.WebhookConfig) {})
		},
		Request:   func(body []byte) *http.Request { return signedRequest(verifier, body) },
		Absent:    func(r *http.Request) { r.Header.Del(kombo.SignatureHeader) },
		Malformed: func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, "not base64!") },
		Forge:     func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, verifier.Sign([]byte("another"))) },
	}
	event := example(t, "webhook-integration-created.json")
	hook := func(name string, body []byte, set func(*kombo.WebhookConfig, func(context.Context) error)) vendortest.Hook {
		return vendortest.Hook{
			Name: name, Stores: true,
			Request: func() *http.Request { return signedRequest(verifier, body) },
			New: func(t testing.TB, s vendortest.Setup, called func(context.Context) error) http.Handler {
				return open(t, s, func(c *kombo.WebhookConfig) { set(c, called) })
			},
		}
	}
	vendortest.Run(t, vendortest.Vendor{
		Name:  assessment.Kombo,
		Doors: []vendortest.Door{door},
		Orders: vendortest.Orders{
			Door: door,
			Order: func(id string) []byte {
				return bytes.Replace(orderBody(t), []byte(documentedRef.ID), []byte(id), 1)
			},
			Full: orderBody(t),
			Needs: func(path string) bool {
				return slices.Contains([]string{"data", "data.id", "data.integration_id", "type"}, path)
			},
			Odd: bytes.Replace(orderBody(t), []byte(`"OPEN"`), []byte(`"ON_HOLD"`), 1),
			Ref: func(id string) assessment.OrderRef {
				return assessment.OrderRef{Vendor: assessment.Kombo, Account: documentedRef.Account, ID: id}
			},
			Personal: []string{"john.doe", "John", "+1 123 456", "hiring.manager"},
			Rejected: func(t testing.TB, w *httptest.ResponseRecorder, published []assessment.Result, message string) {
				require.Equal(t, 422, w.Code)
				requireSameJSON(t, []byte(`{"status":"ORDER_REJECTED","message":"`+message+`"}`), w.Body.Bytes())
				require.Empty(t, published)
			},
			Started: assessment.Started{CandidateURL: "https://tests.example.com/1"},
		},
		Secrets: map[string]func(string) error{
			"webhooks": func(key string) error {
				_, err := kombo.NewVerifier(webhook.Secret{Key: key})
				return err
			},
			"API key": func(key string) error {
				_, err := kombo.New(kombo.Config{APIKey: key})
				return err
			},
		},
		Outlet: outlet(),
		Hooks: []vendortest.Hook{
			hook("Queue", orderBody(t), func(c *kombo.WebhookConfig, called func(context.Context) error) {
				c.Queue = func(ctx context.Context, _ assessment.Order) error { return called(ctx) }
			}),
			hook("Shadow.Live", orderBody(t), func(c *kombo.WebhookConfig, called func(context.Context) error) {
				c.Shadow = &inbound.Shadow{Live: func(ctx context.Context, _ string) (bool, error) { return true, called(ctx) }}
			}),
			hook("OnEvent", event, func(c *kombo.WebhookConfig, called func(context.Context) error) {
				c.OnEvent = func(ctx context.Context, _ kombo.Event) error { return called(ctx) }
			}),
		},
	})
}

// outlet is Kombo's client for the laws.
func outlet() vendortest.Outlet {
	call := func(name, answer string, write bool, do func(context.Context, *kombo.Client, string) error) vendortest.Call {
		return vendortest.Call{
			Name: name, Answer: `{"status":"success","data":` + answer + `,"warnings":[]}`, Write: write,
			Do: func(ctx context.Context, c vendortest.Client, id string) error { return do(ctx, c.(*kombo.Client), id) },
		}
	}
	return vendortest.Outlet{
		Written: written,
		New: func(t testing.TB, s vendortest.ClientSetup) vendortest.Client {
			c, err := kombo.New(kombo.Config{
				APIKey: s.APIKey, Keys: s.Keys, HTTPClient: s.HTTPClient, Logger: s.Logger, Observer: s.Observer,
			})
			require.NoError(t, err)
			return c
		},
		Ref: func(id string) assessment.OrderRef {
			return assessment.OrderRef{Vendor: assessment.Kombo, Account: integration, ID: id}
		},
		Refusal: func(message string) string {
			return fmt.Sprintf(`{"status":"error","error":{"code":"PLATFORM.INPUT_INVALID","title":"Input invalid","message":%q}}`, message)
		},
		Calls: []vendortest.Call{
			call("Packages", `{"packages":[]}`, false, calls["Packages"]),
			call("SetPackages", `{}`, true, calls["SetPackages"]),
			call("DeletePackages", `{}`, true, calls["DeletePackages"]),
			call("Orders", `{"results":[]}`, false, calls["Orders"]),
			call("Integration", `{"id":"1"}`, false, func(ctx context.Context, c *kombo.Client, id string) error {
				_, err := c.Integration(ctx, id)
				return err
			}),
			call("DeleteIntegration", `{}`, true, func(ctx context.Context, c *kombo.Client, id string) error {
				return c.DeleteIntegration(ctx, id)
			}),
			call("SetEnabled", `{}`, true, func(ctx context.Context, c *kombo.Client, id string) error {
				return c.SetEnabled(ctx, id, true)
			}),
			call("IntegrationByToken", `{"id":"1"}`, false, func(ctx context.Context, c *kombo.Client, id string) error {
				_, err := c.IntegrationByToken(ctx, id)
				return err
			}),
			call("Call", `{}`, true, func(ctx context.Context, c *kombo.Client, id string) error {
				_, err := c.Call(ctx, integration, kombo.Request{Method: http.MethodPost, Path: []string{"a", id, "b"}})
				return err
			}),
		},
	}
}
