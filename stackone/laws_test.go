package stackone_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

// TestLaws runs what must hold for every vendor.
func TestLaws(t *testing.T) {
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "now", Key: stackonetest.DefaultWebhookSecret})
	require.NoError(t, err)
	open := func(t testing.TB, s vendortest.Setup, set func(*stackone.WebhookConfig)) http.Handler {
		c := stackone.WebhookConfig{
			Intake: s.Intake, Verifier: verifier, Publisher: s.Publisher, MaxBody: s.MaxBody, Logger: s.Logger, Observer: s.Observer,
		}
		set(&c)
		h, err := stackone.NewWebhookHandler(c)
		require.NoError(t, err)
		return h
	}
	packages := func(t testing.TB, s vendortest.Setup) http.Handler {
		h, err := stackone.NewPackagesHandler(stackone.PackagesConfig{
			Intake: s.Intake, Verifier: verifier, MaxBody: s.MaxBody, Logger: s.Logger, Observer: s.Observer,
		})
		require.NoError(t, err)
		return h
	}
	signed := func(body []byte) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/hooks/stackone", bytes.NewReader(body))
		r.Header.Set(stackone.SignatureHeader, verifier.Sign(body))
		return r
	}
	door := vendortest.Door{
		Name: "webhook", Body: orderBody(t), Allow: "POST", Unproved: 401, Request: signed,
		New: func(t testing.TB, s vendortest.Setup) http.Handler {
			return open(t, s, func(*stackone.WebhookConfig) {})
		},
		Absent:    func(r *http.Request) { r.Header.Del(stackone.SignatureHeader) },
		Malformed: func(r *http.Request) { r.Header.Set(stackone.SignatureHeader, "not base64!") },
		Forge:     func(r *http.Request) { r.Header.Set(stackone.SignatureHeader, verifier.Sign([]byte("another"))) },
	}
	list := door
	list.Name, list.New, list.Allow = "packages", packages, "POST, GET"
	list.Body = example(t, "packages_endpoint.request.greenhouse.json")

	hook := func(name string, body []byte, set func(*stackone.WebhookConfig, func(context.Context) error)) vendortest.Hook {
		return vendortest.Hook{
			Name: name, Stores: true, Request: func() *http.Request { return signed(body) },
			New: func(t testing.TB, s vendortest.Setup, called func(context.Context) error) http.Handler {
				return open(t, s, func(c *stackone.WebhookConfig) { set(c, called) })
			},
		}
	}
	asked := hook("Packages", list.Body, nil)
	asked.Stores = false
	asked.New = func(t testing.TB, s vendortest.Setup, called func(context.Context) error) http.Handler {
		s.Intake = intakeOf(t, &provider{packages: func(ctx context.Context, _ assessment.PackageQuery) ([]assessment.Package, error) {
			return nil, called(ctx)
		}}, s)
		return packages(t, s)
	}
	decode := hook("DecodeOrder", orderBody(t), func(c *stackone.WebhookConfig, called func(context.Context) error) {
		c.DecodeOrder = func(stackone.Event) (assessment.Order, error) {
			return assessment.Order{}, called(context.Background())
		}
	})
	decode.Stores = false
	vendortest.Run(t, vendortest.Vendor{
		Name:  assessment.StackOne,
		Doors: []vendortest.Door{door, list},
		Orders: vendortest.Orders{
			Door: door,
			Order: func(id string) []byte {
				return bytes.Replace(orderBody(t), []byte("c28xIQaWQ6b3JkZXItMQ"), []byte(id), 1)
			},
			Odd: bytes.Replace(orderBody(t), []byte(`"Romain"`), []byte(`{"odd":true}`), 1),
			Ref: func(id string) assessment.OrderRef {
				return assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: id}
			},
			Personal: []string{"Romain", "Sestier", "sestier.romain", "john.doe"},
			Rejected: func(t testing.TB, w *httptest.ResponseRecorder, published []assessment.Result, message string) {
				require.Equal(t, 200, w.Code)
				require.Empty(t, w.Body.String())
				require.Len(t, published, 1, "the answer reaches no recruiter")
				require.Equal(t, assessment.StatusCancelled, published[0].Status)
				require.Equal(t, message, published[0].Reason)
			},
		},
		Hooks: []vendortest.Hook{
			hook("Queue", orderBody(t), func(c *stackone.WebhookConfig, called func(context.Context) error) {
				c.Queue = func(ctx context.Context, _ assessment.Order) error { return called(ctx) }
			}),
			hook("OnBareOrder", []byte(`{"event":"background_check_order.created","account_id":"a","record_id":"r"}`),
				func(c *stackone.WebhookConfig, called func(context.Context) error) {
					c.OnBareOrder = func(ctx context.Context, _ assessment.Order) error { return called(ctx) }
				}),
			hook("OnEvent", example(t, "webhook.account_updated.json"), func(c *stackone.WebhookConfig, called func(context.Context) error) {
				c.OnEvent = func(ctx context.Context, _ stackone.Event) error { return called(ctx) }
			}),
			hook("OnRejected", orderBody(t), func(c *stackone.WebhookConfig, called func(context.Context) error) {
				c.Intake = intakeOf(t, rejecting(assessment.Reject("no")), vendortest.Setup{Logger: c.Logger})
				c.OnRejected = func(ctx context.Context, _ assessment.Order, _ *assessment.Rejection) error { return called(ctx) }
			}),
			decode, asked,
		},
	})
}

// intakeOf is an intake of another provider than the laws' own.
func intakeOf(t testing.TB, p assessment.Provider, s vendortest.Setup) *assessment.Intake {
	t.Helper()
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: assessment.NewMemoryStore(0), Logger: s.Logger})
	require.NoError(t, err)
	return intake
}
