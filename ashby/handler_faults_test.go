package ashby_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// Faults of all but a start are 200 with the error envelope.
func TestFaultsUnder200(t *testing.T) {
	boom := errors.New("boom " + marker)
	failing := &provider{
		packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { return nil, boom },
		cancel:   func(context.Context, assessment.OrderRef) error { return boom },
	}
	panicking := &provider{
		packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { panic(marker) },
		cancel:   func(context.Context, assessment.OrderRef) error { panic(marker) },
	}
	rejecting := &provider{cancel: func(context.Context, assessment.OrderRef) error { return assessment.Reject("no: " + marker) }}
	fieldsFor := func(fields []ashby.FieldSpec, err error) func(*ashby.HandlerConfig) {
		return func(c *ashby.HandlerConfig) {
			c.FieldsFor = func(context.Context, string) ([]ashby.FieldSpec, error) { return fields, err }
		}
	}
	for name, tc := range map[string]struct {
		operation string
		provider  *provider
		options   options
		code      string
	}{
		"list":            {"assessment.list", failing, options{}, "internal_error"},
		"list panics":     {"assessment.list", panicking, options{}, "internal_error"},
		"cancel":          {"assessment.cancel", failing, options{}, "internal_error"},
		"cancel panics":   {"assessment.cancel", panicking, options{}, "internal_error"},
		"cancel rejected": {"assessment.cancel", rejecting, options{}, "internal_error"},
		"store down":      {"assessment.cancel", &provider{}, options{store: failingStore{}}, "temporarily_unavailable"},
		"fields":          {"assessment.customField.list", &provider{}, options{config: fieldsFor(nil, boom)}, "internal_error"},
		"wrong fields":    {"assessment.customField.list", &provider{}, options{config: fieldsFor([]ashby.FieldSpec{{ID: "x"}}, nil)}, "internal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, tc.provider, tc.options)
			w := h.post(tc.operation, cancelBody(assessmentID))
			requireFailure(t, w, 200, tc.code)
			require.Empty(t, w.Header().Get("Retry-After"))
			require.NotContains(t, w.Body.String(), "boom")
			require.NotContains(t, w.Body.String(), marker)
			d := h.delivered(t)
			require.Equal(t, assessment.DeliveryFault, d.Outcome)
			require.Equal(t, 200, d.StatusCode)
			require.Error(t, d.Err)
			require.Contains(t, h.log.String(), "level=ERROR")
		})
	}
	// The documented envelope, which is the shape of ours.
	var documented map[string]any
	require.NoError(t, json.Unmarshal(example(t, "assessment-cancel.response.error.json"), &documented))
	require.Equal(t, []any{"assessment_not_found"}, documented["errors"])
	require.Contains(t, documented["errorInfo"], "code")
}

// failingStore is a store that is down.
type failingStore struct{ assessment.Store }

func (failingStore) Claim(context.Context, assessment.Claim, time.Duration) (assessment.Claim, error) {
	return assessment.Claim{}, errors.New("connection refused")
}

func (failingStore) Forget(context.Context, assessment.OrderRef) error {
	return errors.New("connection refused")
}

// Faults of a start are 5xx, and never the 422 that a recruiter reads as a no.
func TestStartFaults(t *testing.T) {
	var typedNil *assessment.Rejection
	invalid := &assessment.ValidationError{Problems: []assessment.Problem{{Path: "x", Message: "y"}}}
	for name, tc := range map[string]struct {
		provider *provider
		store    assessment.Store
		status   int
		calls    int
	}{
		"error":             {provider: failsWith(errors.New("database down")), status: 500, calls: 2},
		"looks like a 422":  {provider: failsWith(&assessment.APIError{StatusCode: 422, Class: assessment.ErrInvalid}), status: 500, calls: 2},
		"validation error":  {provider: failsWith(invalid), status: 500, calls: 2},
		"nil rejection":     {provider: failsWith(typedNil), status: 500, calls: 2},
		"looks like in use": {provider: failsWith(assessment.ErrConflict), status: 500, calls: 2},
		"panic": {provider: &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			panic(marker)
		}}, status: 500, calls: 2},
		"store down": {provider: &provider{}, store: failingStore{}, status: 503},
		"store full": {provider: &provider{}, store: fullStore(t), status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, tc.provider, options{store: tc.store})
			for range 2 {
				w := h.post("assessment.start", minimal(t))
				code := "internal_error"
				if tc.status == 503 {
					code = "temporarily_unavailable"
				}
				requireFailure(t, w, tc.status, code)
				require.Equal(t, tc.status == 503, w.Header().Get("Retry-After") != "")
				require.NotContains(t, w.Body.String(), "database")
			}
			refs := h.provider.refs()
			require.Len(t, refs, tc.calls)
			if tc.calls == 2 {
				require.Equal(t, refs[0], refs[1], "the same order, so the same Ref")
			}
			require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
			require.NotContains(t, h.log.String(), marker)
		})
	}
}

func fullStore(t testing.TB) assessment.Store {
	t.Helper()
	store := assessment.NewMemoryStore(1)
	_, err := store.Claim(t.Context(), assessment.Claim{Key: "k", Ref: assessment.OrderRef{ID: "x"}, Token: "t"}, time.Hour)
	require.NoError(t, err)
	return store
}

func TestDrainingAnswersLater(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	require.NoError(t, h.intake.Drain(t.Context()))
	w := h.post("assessment.start", minimal(t))
	requireFailure(t, w, 503, "temporarily_unavailable")
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

// Who answers late is answered for at the next delivery, and starts one test.
func TestSlowProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			<-time.After(time.Minute) // deaf to its context
			return assessment.Started{}, nil
		}}, options{})
		began := time.Now()
		requireFailure(t, h.post("assessment.start", minimal(t)), 503, "temporarily_unavailable")
		require.Equal(t, assessment.DefaultDeadline, time.Since(began))
		requireFailure(t, h.post("assessment.start", minimal(t)), 503, "temporarily_unavailable")
		<-time.After(time.Minute)
		id := startedID(t, h.post("assessment.start", minimal(t)))
		require.Equal(t, assessment.DeliveryReplayed, h.deliveries[2].Outcome)
		require.Len(t, h.provider.refs(), 1)
		require.Equal(t, id, h.provider.refs()[0].ID)
	})
}

// A process that dies between the provider's yes and the answer leaves a claim
// behind. After its lease the order is taken over, under the same Ref.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := assessment.NewMemoryStore(0)
		dead := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, nil // it has committed
		}}, options{store: deaf{store}, intake: func(c *assessment.IntakeConfig) { c.Lease = 20 * time.Second }})
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		w := dead.post("assessment.start", minimal(t), func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, 503, w.Code)
		<-time.After(time.Minute)

		alive := newHost(t, &provider{}, options{store: store})
		id := startedID(t, alive.post("assessment.start", minimal(t)))
		require.Equal(t, dead.provider.refs(), alive.provider.refs())
		require.Equal(t, id, alive.provider.refs()[0].ID)
	})
}

// deaf stores claims but no answers, as if the process had died.
type deaf struct{ assessment.Store }

func (deaf) Answer(context.Context, assessment.Claim) error { return errors.New("connection refused") }
func (deaf) Expire(context.Context, assessment.Claim) error { return errors.New("connection refused") }
func (d deaf) Forget(context.Context, assessment.OrderRef) error {
	return errors.New("connection refused")
}
func (d deaf) Erase(ctx context.Context, r assessment.OrderRef) error { return d.Store.Erase(ctx, r) }

// A provider that fails after it has committed is asked again under the same Ref,
// so that it can tell.
func TestFaultAfterTheProviderCommitted(t *testing.T) {
	committed := map[string]int{}
	h := newHost(t, &provider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
		committed[o.Ref.ID]++
		if committed[o.Ref.ID] == 1 {
			return assessment.Started{}, errors.New("the mail server is down")
		}
		return assessment.Started{}, nil
	}}, options{})
	requireFailure(t, h.post("assessment.start", minimal(t)), 500, "internal_error")
	id := startedID(t, h.post("assessment.start", minimal(t)))
	require.Equal(t, map[string]int{id: 2}, committed)
}

// Who is too slow for a list or a cancel is no longer waited for.
func TestSlowListAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{
			packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
				<-time.After(time.Minute)
				return nil, nil
			},
			cancel: func(context.Context, assessment.OrderRef) error {
				<-time.After(time.Minute)
				return nil
			},
		}, options{})
		for _, operation := range []string{"assessment.list", "assessment.cancel"} {
			began := time.Now()
			requireFailure(t, h.post(operation, cancelBody("1")), 200, "temporarily_unavailable")
			require.Equal(t, assessment.DefaultDeadline, time.Since(began))
		}
		<-time.After(time.Hour)
	})
}
