package assessment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// A hook that panics is logged and does no harm, whichever it is and whatever it
// panics with.
func TestObserverContained(t *testing.T) {
	for name, value := range map[string]any{
		"text": intakeSecret, "error": errors.New(intakeSecret), "abort": http.ErrAbortHandler, "nil": nil,
		"struct": struct{ Email string }{intakeSecret},
	} {
		t.Run(name, func(t *testing.T) {
			var log intakeLog
			o := assessment.Observer{
				Delivery: func(context.Context, assessment.Delivery) { panic(value) },
				Attempt:  func(context.Context, assessment.Attempt) { panic(value) },
				Provider: func(context.Context, assessment.ProviderCall) { panic(value) },
				Result:   func(context.Context, assessment.ResultReport) { panic(value) },
				Drift:    func(context.Context, assessment.Drift) { panic(value) },
			}
			for _, contained := range []assessment.Observer{
				o.Contained(slog.New(slog.NewJSONHandler(&log, nil))), o.Contained(nil),
			} {
				contained.Delivery(t.Context(), assessment.Delivery{})
				contained.Attempt(t.Context(), assessment.Attempt{})
				contained.Provider(t.Context(), assessment.ProviderCall{})
				contained.Result(t.Context(), assessment.ResultReport{})
				contained.Drift(t.Context(), assessment.Drift{})
			}
			require.NotContains(t, log.String(), intakeSecret)
			for _, hook := range []string{"Delivery", "Attempt", "Provider", "Result", "Drift"} {
				require.Contains(t, log.String(), `"hook":"`+hook+`"`)
			}
			require.Contains(t, log.String(), "observer_test.go", "the log must lead to the panic")
		})
	}
}

// What nobody watches costs nothing, and what is watched is passed on.
func TestObserverContainedKeepsTheHooks(t *testing.T) {
	require.Zero(t, assessment.Observer{}.Contained(nil))
	var got []assessment.Drift
	o := assessment.Observer{Drift: func(_ context.Context, d assessment.Drift) { got = append(got, d) }}.Contained(nil)
	require.Nil(t, o.Delivery)
	o.Drift(t.Context(), assessment.Drift{Field: "status"})
	require.Equal(t, []assessment.Drift{{Field: "status"}}, got)
}

// The keys are documented as stable: dashboards and alerts hang on them.
func TestObserverValuesAsLogFields(t *testing.T) {
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Connection: "eu", Account: "workday:acme", ID: "o1"}
	failure := errors.New("database is down")
	down := &assessment.APIError{
		Vendor: assessment.Kombo, StatusCode: 503, Code: "PLATFORM.DOWN", RequestID: "r-2", Attempts: 4, Uncertain: true,
	}
	for name, test := range map[string]struct {
		value slog.LogValuer
		want  map[string]any
	}{
		"delivery": {
			assessment.Delivery{
				Vendor: ref.Vendor, Connection: ref.Connection, Account: ref.Account, Order: ref, Path: "/kombo", Event: "order",
				EventID: "e1", Outcome: assessment.DeliveryFault, StatusCode: 500, Duration: time.Second, SecretID: "s1", Err: failure,
			},
			map[string]any{
				"vendor": "kombo", "connection": "eu", "account": "workday:acme", "order": ref.String(), "path": "/kombo", "event": "order",
				"event_id": "e1", "outcome": "fault", "status": 500.0, "duration": 1e9, "secret_id": "s1", "error": "database is down",
			},
		},
		"refused delivery": {
			assessment.Delivery{Vendor: assessment.Ashby, Outcome: assessment.DeliveryRefused, StatusCode: 401},
			map[string]any{"vendor": "ashby", "outcome": "refused", "status": 401.0},
		},
		"provider": {
			assessment.ProviderCall{Operation: "start", Order: ref, Duration: time.Second, Late: true, Abandoned: true, Err: failure},
			map[string]any{
				"vendor": "kombo", "connection": "eu", "account": "workday:acme", "order": ref.String(), "operation": "start",
				"duration": 1e9, "late": true, "abandoned": true, "error": "database is down",
			},
		},
		"packages": {
			assessment.ProviderCall{Operation: "packages", Order: assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme"}},
			map[string]any{"vendor": "ashby", "account": "acme", "operation": "packages"},
		},
		"attempt": {
			assessment.Attempt{
				Vendor: ref.Vendor, Connection: ref.Connection, Account: ref.Account, Order: ref, Operation: "PUT result", Number: 2,
				StatusCode: 429, Code: "RATE", RequestID: "r-1", Duration: time.Second, GateWait: 2 * time.Second, Wait: 3 * time.Second,
				Err: failure,
			},
			map[string]any{
				"vendor": "kombo", "connection": "eu", "account": "workday:acme", "order": ref.String(), "operation": "PUT result",
				"attempts": 2.0, "status": 429.0, "code": "RATE", "request_id": "r-1", "duration": 1e9, "gate_wait": 2e9, "wait": 3e9,
				"error": "database is down",
			},
		},
		"written result": {
			assessment.ResultReport{
				Order: ref, Status: assessment.StatusCompleted, Outcome: assessment.ResultWritten, Duration: time.Second,
				Receipt: assessment.Receipt{
					Attempts: 2, RequestID: "r-1", Uncertain: true, Warnings: []string{intakeSecret}, Losses: []assessment.Loss{{}, {}},
				},
			},
			map[string]any{
				"vendor": "kombo", "connection": "eu", "account": "workday:acme", "order": ref.String(), "status": "completed",
				"outcome": "written", "attempts": 2.0, "request_id": "r-1", "uncertain": true, "warnings": 1.0, "losses": 2.0, "duration": 1e9,
			},
		},
		"failed result": {
			assessment.ResultReport{Order: ref, Status: assessment.StatusOpen, Outcome: assessment.ResultFailed, Err: fmt.Errorf("write: %w", down)},
			map[string]any{
				"vendor": "kombo", "connection": "eu", "account": "workday:acme", "order": ref.String(), "status": "open",
				"outcome": "failed", "attempts": 4.0, "request_id": "r-2", "code": "PLATFORM.DOWN", "http_status": 503.0, "uncertain": true,
				"error": fmt.Errorf("write: %w", down).Error(),
			},
		},
		"drift": {
			assessment.Drift{Vendor: assessment.Ashby, Connection: "eu", Account: "acme", Event: "start", Field: "status", Value: "new"},
			map[string]any{"vendor": "ashby", "connection": "eu", "account": "acme", "event": "start", "field": "status", "value": "new"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var line bytes.Buffer
			slog.New(slog.NewJSONHandler(&line, nil)).LogAttrs(t.Context(), slog.LevelInfo, "m", test.value.LogValue().Group()...)
			var got map[string]any
			require.NoError(t, json.Unmarshal(line.Bytes(), &got))
			for _, key := range []string{slog.TimeKey, slog.LevelKey, slog.MessageKey} {
				delete(got, key)
			}
			require.Equal(t, test.want, got)
		})
	}
}

// A fault stands in the log once: who reports the delivery is told that it is there.
func TestFaultIsLoggedOnce(t *testing.T) {
	fault := errors.New("the database is down")
	p := &intakeProvider{
		start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, fault
		},
		cancel: func(context.Context, assessment.OrderRef) error { return fault },
		list:   func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { return nil, fault },
	}
	for _, logged := range []bool{true, false} {
		var log intakeLog
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) {
			if logged {
				intakeLogTo(&log)(c)
			}
		})
		_, startErr := in.Start(t.Context(), intakeOrder("o1"))
		_, packagesErr := in.Packages(t.Context(), assessment.PackageQuery{Vendor: assessment.Ashby})
		for _, err := range []error{startErr, in.Cancel(t.Context(), intakeOrder("o1").Ref), packagesErr} {
			require.Equal(t, logged, assessment.Logged(fmt.Errorf("handler: %w", err)))
			require.Equal(t, "assessment: the provider failed: the database is down", err.Error())
		}
		if logged {
			require.Equal(t, 3, bytes.Count([]byte(log.String()), []byte("\n")))
			require.Equal(t, 3, bytes.Count([]byte(log.String()), []byte("the database is down")))
			require.Contains(t, log.String(), `"order":"`+intakeOrder("o1").Ref.String()+`"`)
			require.NotContains(t, log.String(), `""`, "no empty fields")
		}
	}
	require.False(t, assessment.Logged(nil))
	require.False(t, assessment.Logged(assessment.ErrStore))
}

// A worker's decisions are in the log, each in one line; what Start answers to a
// handler is the handler's to log.
func TestWorkLogsItsDecision(t *testing.T) {
	var log intakeLog
	p := &intakeProvider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
		if o.Ref.ID == "no" {
			return assessment.Started{}, assessment.Reject("Jane Doe has no licence.")
		}
		return intakeStarted(o), nil
	}}
	store := assessment.NewMemoryStore(0)
	in := intakeOf(t, p, store, intakeLogTo(&log))
	intakeAccepts(t, in, intakeOrder("o1"))
	require.Empty(t, log.String())
	for _, step := range []struct {
		id   string
		want assessment.DeliveryOutcome
	}{
		{"o1", assessment.DeliveryReplayed}, {"o2", assessment.DeliveryAccepted},
		{"no", assessment.DeliveryRejected}, {"no", assessment.DeliveryRejected}, {"o3", assessment.DeliveryErased},
	} {
		if step.want == assessment.DeliveryErased {
			intakeAccepts(t, in, intakeOrder(step.id))
			require.NoError(t, store.Erase(t.Context(), intakeOrder(step.id).Ref))
		}
		before := log.String()
		err := in.Work(t.Context(), intakeOrder(step.id), &rejectingVendor{})
		require.Equal(t, step.want == assessment.DeliveryErased, errors.Is(err, assessment.ErrErased), "%v", err)
		line := log.String()[len(before):]
		require.Contains(t, line, `"level":"INFO"`)
		require.Contains(t, line, `"outcome":"`+string(step.want)+`"`)
		require.Contains(t, line, `"order":"`+intakeOrder(step.id).Ref.String()+`"`)
		require.Contains(t, line, `"account":"workday:acme"`)
		require.Equal(t, 1, bytes.Count([]byte(line), []byte("\n")))
	}
	require.NotContains(t, log.String(), "Jane")
}
