package stackone_test

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
			Full: orderBody(t),
			Needs: func(path string) bool {
				return slices.Contains([]string{"event", "account_id", "record_id"}, path)
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
		Secrets: map[string]func(string) error{
			"webhooks": func(key string) error {
				_, err := stackone.NewVerifier(webhook.Secret{Key: key})
				return err
			},
			"packages": func(key string) error {
				_, err := stackone.NewPackagesHandler(stackone.PackagesConfig{
					Intake: intakeOf(t, &provider{}, vendortest.Setup{}), BasicKeys: []string{key},
				})
				return err
			},
			"API key": func(key string) error {
				_, err := stackone.New(stackone.Config{APIKey: key})
				return err
			},
		},
		Outlet: outlet(),
		Hooks: []vendortest.Hook{
			hook("Queue", orderBody(t), func(c *stackone.WebhookConfig, called func(context.Context) error) {
				c.Queue = func(ctx context.Context, _ assessment.Order) error { return called(ctx) }
			}),
			hook("Shadow.Live", orderBody(t), func(c *stackone.WebhookConfig, called func(context.Context) error) {
				c.Shadow = &inbound.Shadow{Live: func(ctx context.Context, _ string) (bool, error) { return true, called(ctx) }}
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

// outlet is StackOne's client for the laws.
func outlet() vendortest.Outlet {
	call := func(name, answer string, write bool, do func(context.Context, *stackone.Client, string) error) vendortest.Call {
		return vendortest.Call{Name: name, Answer: answer, Write: write, Do: func(ctx context.Context, c vendortest.Client, id string) error {
			return do(ctx, c.(*stackone.Client), id)
		}}
	}
	wanted := assessment.Package{ID: "p", Name: "P", Tests: []assessment.Test{{Name: "T"}}}
	return vendortest.Outlet{
		Written: written,
		New: func(t testing.TB, s vendortest.ClientSetup) vendortest.Client {
			c, err := stackone.New(stackone.Config{
				APIKey: s.APIKey, Keys: s.Keys, HTTPClient: s.HTTPClient, Logger: s.Logger, Observer: s.Observer,
				Provider: func(context.Context, string) (string, error) { return "bullhorn_ats", nil },
			})
			require.NoError(t, err)
			return c
		},
		Ref: func(id string) assessment.OrderRef {
			return assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: id}
		},
		Refusal: func(message string) string {
			return fmt.Sprintf(`{"statusCode":400,"message":%q,"timestamp":"2024-01-01T00:00:00.000Z"}`, message)
		},
		Calls: []vendortest.Call{
			call("Account", `{"id":"1","provider":"bullhorn_ats"}`, false, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.Account(ctx, id)
				return err
			}),
			call("DeleteAccount", `{"id":"1"}`, true, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.DeleteAccount(ctx, id)
				return err
			}),
			call("Application", `{"data":{"id":"1"}}`, false, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.Application(ctx, account, id)
				return err
			}),
			call("Candidate", `{"data":{"id":"1"}}`, false, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.Candidate(ctx, account, id)
				return err
			}),
			call("Job", `{"data":{"id":"1"}}`, false, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.Job(ctx, account, id)
				return err
			}),
			call("JobPosting", `{"data":{"id":"1"}}`, false, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.JobPosting(ctx, account, id)
				return err
			}),
			call("JobPostings", `{"data":[]}`, false, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := collect(c.JobPostings(ctx, id, stackone.ListOptions{}))
				return err
			}),
			call("BackgroundCheckPackage", `{"data":{"id":"1","name":"P"}}`, false, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.BackgroundCheckPackage(ctx, account, id)
				return err
			}),
			call("CreateBackgroundCheckPackage", `{"statusCode":201,"data":{"id":"1"}}`, true, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.CreateBackgroundCheckPackage(ctx, id, wanted, nil)
				return err
			}),
			call("UpdateBackgroundCheckPackage", written, true, func(ctx context.Context, c *stackone.Client, id string) error {
				return c.UpdateBackgroundCheckPackage(ctx, account, id, stackone.PackageUpdate{Name: &wanted.Name})
			}),
			call("DeleteBackgroundCheckPackage", written, true, func(ctx context.Context, c *stackone.Client, id string) error {
				return c.DeleteBackgroundCheckPackage(ctx, account, id)
			}),
			call("Call", `{}`, true, func(ctx context.Context, c *stackone.Client, id string) error {
				_, err := c.Call(ctx, account, stackone.Request{Method: http.MethodPost, Path: []string{"a", id, "b"}})
				return err
			}),
		},
	}
}
