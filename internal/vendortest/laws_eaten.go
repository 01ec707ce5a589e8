package vendortest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

// A body that a middleware has read is the host's mistake, whether its length is
// known or not, and not the sender's bad signature.
func eatenBody(t *testing.T, v Vendor) {
	for _, d := range v.Doors {
		for name, length := range map[string]int64{"length known": int64(len(d.Body)), "chunked": -1} {
			if d.AnyBody && length < 0 {
				continue // there is no telling, and no harm
			}
			t.Run(d.Name+"/"+name, func(t *testing.T) {
				o := v.open(t, d)
				r := d.Request(d.Body)
				r.ContentLength = length
				r.Body = io.NopCloser(strings.NewReader(""))
				w := Serve(o.handler, r)
				require.Equal(t, http.StatusInternalServerError, w.Code)
				require.Len(t, o.deliveries, 1)
				require.Equal(t, assessment.DeliveryFault, o.deliveries[0].Outcome)
				require.ErrorIs(t, o.deliveries[0].Err, webhook.ErrBodyConsumed)
				require.Contains(t, o.log.String(), "middleware", "the host is told where to look")
			})
		}
	}
}
