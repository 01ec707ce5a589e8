package kombo_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
)

// A host prints and logs an event, and what is in it, with whatever verb. Of an
// unknown event nobody knows whom it is about.
func TestEventDataShowsNobody(t *testing.T) {
	order := bytes.ReplaceAll(orderBody(t), []byte(`"John"`), []byte(`"`+marker+`"`))
	order = bytes.ReplaceAll(order, []byte("john.doe@"), []byte(vendortest.Canary+"@"))
	order = bytes.ReplaceAll(order, []byte(`"+1 123 456 7890"`), []byte(`"`+marker+`"`))
	order = bytes.ReplaceAll(order, []byte(`"Jane"`), []byte(`"`+marker+`"`))
	// Three of them ten bytes apart: base64 shows the one at a multiple of three.
	unknown := []byte(`{"id":"e","type":"new","data":["` + vendortest.Canary + `", "` + vendortest.Canary + `", "` + vendortest.Canary + `"]}`)
	array := []byte(`{"id":"e","type":"integration-created","data":["` + vendortest.Canary + `"]}`)
	for name, body := range map[string][]byte{"order": order, "unknown": unknown, "another shape": array} {
		t.Run(name, func(t *testing.T) {
			require.NotEmpty(t, vendortest.Leak(string(body)))
			event, err := kombo.ParseEvent(body)
			require.NoError(t, err)
			requireShowsNobody(t, event)
			switch d := event.Data.(type) {
			case kombo.OrderReceived:
				require.NotEmpty(t, vendortest.Leak(d.Order.Candidate.Email))
				requireShowsNobody(t, d)
			case kombo.UnknownEvent:
				require.NotEmpty(t, vendortest.Leak(string(d.Data)))
				requireShowsNobody(t, d)
			default:
				require.Failf(t, "unexpected", "%T", event.Data)
			}
		})
	}
}

func requireShowsNobody(t *testing.T, v any) {
	t.Helper()
	for form, text := range vendortest.Printed(v) {
		require.Empty(t, vendortest.Leak(text), "%s: %s", form, text)
	}
}
