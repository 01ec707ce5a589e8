// Package assessmenttest tests an assessment provider's own service against Kombo,
// StackOne and Ashby, simulated, without a network and without an account anywhere.
//
// [Start] starts the vendors. The service is made as for production, with their
// addresses and secrets in place of the real ones. [Run] then plays orders, faults and
// results, and reports every check as a subtest. This is a whole test file:
//
//	package myservice
//
//	import (
//		"context"
//		"testing"
//
//		"github.com/assessbridge/assessbridge/assessment"
//		"github.com/assessbridge/assessbridge/assessment/assessmenttest"
//		"github.com/assessbridge/assessbridge/kombo"
//		"github.com/assessbridge/assessbridge/webhook"
//	)
//
//	// provider is the service under test, as small as it can be.
//	type provider struct{}
//
//	func (provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
//		return []assessment.Package{{ID: "go_test", Name: "Go", Description: "An hour of Go", Type: assessment.SkillsTest}}, nil
//	}
//
//	func (provider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
//		if o.Package.ID != "go_test" {
//			return assessment.Started{}, assessment.Reject("We do not offer this test.")
//		}
//		return assessment.Started{CandidateURL: "https://tests.example.com/" + o.Ref.ID}, nil
//	}
//
//	func (provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }
//
//	func TestConformance(t *testing.T) {
//		vendors := assessmenttest.Start(t)
//
//		// The service, made as for production, but with the addresses and secrets of vendors.
//		intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: provider{}, Store: assessment.NewMemoryStore(0)})
//		if err != nil {
//			t.Fatal(err)
//		}
//		client, err := kombo.New(kombo.Config{BaseURL: vendors.Kombo.BaseURL, APIKey: vendors.Kombo.APIKey})
//		if err != nil {
//			t.Fatal(err)
//		}
//		verifier, err := kombo.NewVerifier(webhook.Secret{ID: "current", Key: vendors.Kombo.WebhookSecret})
//		if err != nil {
//			t.Fatal(err)
//		}
//		handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: verifier})
//		if err != nil {
//			t.Fatal(err)
//		}
//
//		assessmenttest.Run(t, assessmenttest.Target{
//			Vendors: vendors,
//			Kombo:   assessmenttest.Kombo{Webhook: assessmenttest.Handler(handler, "/kombo")},
//			Package: "go_test",
//			Finish: func(ctx context.Context, order assessment.OrderRef, result assessment.Result) error {
//				_, err := client.PublishResult(ctx, order, result)
//				return err
//			},
//		})
//	}
//
// A service in another process, in any language, is named by its addresses: see [URL].
//
// # What is checked
//
// Each check has an id of three parts, vendor.area.name, and is a subtest of that
// path, so that
//
//	go test -run 'TestConformance/kombo/auth'
//
// runs one area. A check is core (documented, and orders or trust break without it),
// strict (it follows from what is documented, or it hurts when something else goes
// wrong) or advice, which never fails a test. A refusal, as of a forged signature,
// counts only if the same bytes are accepted when they are rightly signed.
//
// # Finish, Reconcile, Started
//
// What goes on inside a service cannot be seen from outside. With [Target.Finish] the
// half that writes results is checked; with [Target.Reconcile] that lost orders are
// found; with [Target.Started] that no candidate is invited twice. Without them these
// checks are skipped, or not judged, and the test says so. Nothing judged at all is a
// failure.
//
// # What is known to be wrong
//
// [Target.Known] and [Target.Skip] name checks with a reason. A known failure that has
// been mended fails the test until it is taken off the list.
//
// The package imports no test library and no part of the SDK that a provider uses: a
// service that was written without the SDK is judged by the same rules.
package assessmenttest
