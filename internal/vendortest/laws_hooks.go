package vendortest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func (v Vendor) hooked(t testing.TB, h Hook, w *watch, hook func(context.Context) error) http.Handler {
	t.Helper()
	return h.New(t, w.setup(w.newIntake(t, &Provider{started: v.Orders.Started}), nil), hook)
}

// An error of a hook and its panic are faults, told to the sender without the
// host's words, and reported once.
func hookFails(t *testing.T, v Vendor) {
	for _, h := range v.Hooks {
		for name, hook := range map[string]func(context.Context) error{
			"error":              func(context.Context) error { return errors.New(canary) },
			"panic":              func(context.Context) error { panic(canary) },
			"panic with a error": func(context.Context) error { panic(errors.New(canary)) },
		} {
			t.Run(h.Name+"/"+name, func(t *testing.T) {
				var w watch
				answer := Serve(v.hooked(t, h, &w, hook), h.Request())
				require.True(t, h.faulted(answer), "%d %s", answer.Code, answer.Body)
				require.NotContains(t, answer.Body.String(), canary)
				require.Len(t, w.deliveries, 1)
				require.Equal(t, assessment.DeliveryFault, w.deliveries[0].Outcome)
				require.Error(t, w.deliveries[0].Err)
				if name != "error" {
					require.NotContains(t, w.text(), canary)
					require.Contains(t, w.log.String(), "panic")
				}
			})
		}
	}
}
