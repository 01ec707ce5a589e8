package vendortest

import (
	"context"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// panicking is an observer of which every function panics, also those that are
// added later.
func panicking() (o assessment.Observer) {
	v := reflect.ValueOf(&o).Elem()
	for i := range v.NumField() {
		v.Field(i).Set(reflect.MakeFunc(v.Field(i).Type(), func([]reflect.Value) []reflect.Value { panic(canary) }))
	}
	return o
}

// A panic of an observer's function changes nothing: neither the answer nor what
// is started, stored and written.
func observerPanics(t *testing.T, v Vendor) {
	serve := func(t *testing.T, d Door, observer func(*watch) assessment.Observer) (status int, body string, starts int, w *watch) {
		w = new(watch)
		p := &Provider{started: v.Orders.Started}
		intake, err := assessment.NewIntake(assessment.IntakeConfig{
			Provider: p, Store: assessment.NewMemoryStore(0), Logger: w.log.Logger(), Observer: observer(w),
		})
		require.NoError(t, err)
		s := w.setup(intake, &publisher{vendor: v.Name})
		s.Observer = observer(w)
		answer := Serve(d.New(t, s), d.Request(d.Body))
		return answer.Code, answer.Body.String(), p.starts(), w
	}
	for _, d := range append(v.Doors, v.Orders.Door) {
		t.Run(d.Name, func(t *testing.T) {
			status, body, starts, _ := serve(t, d, (*watch).observer)
			gotStatus, gotBody, gotStarts, w := serve(t, d, func(*watch) assessment.Observer { return panicking() })
			require.Equal(t, status, gotStatus)
			require.Equal(t, len(body), len(gotBody), "but for an id that was minted")
			require.Equal(t, starts, gotStarts)
			require.NotContains(t, w.text(), canary)
			require.Contains(t, w.log.String(), "panic", "the host is told")
		})
	}
	t.Run("drift", func(t *testing.T) {
		h := v.host(t, nil)
		s := h.setup(h.intake, h.publisher)
		s.Observer = panicking()
		handler := v.Orders.New(t, s)
		require.Equal(t, http.StatusOK, Serve(handler, v.Orders.Request(v.Orders.Odd)).Code)
		require.Equal(t, 1, h.provider.starts())
	})
}

// A panic of an observer's function changes nothing about a call.
func observerPanicsOutside(t *testing.T, v Vendor) {
	for _, c := range v.Outlet.all() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := v.Outlet.dialWith(t, func(s *ClientSetup) { s.APIKey, s.Observer = "key-0", panicking() },
					Answers(503, ""), Answers(200, c.Answer))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := c.Do(ctx, a.client, "1"); err != nil {
					require.True(t, c.Write, "%v", err)
					require.Equal(t, 503, APIError(t, err).StatusCode, "a write may have been applied")
				}
				require.Contains(t, a.log.String(), "panic", "the host is told")
				require.NotContains(t, a.log.String(), canary)
			})
		})
	}
}
