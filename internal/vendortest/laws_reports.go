package vendortest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Every delivery is reported once, with what became of it and the order that it
// was about, and nothing that is told to observer and log shows whose it was.
func oneReport(t *testing.T, v Vendor) {
	want := v.Orders.Ref("1")
	for name, c := range map[string]struct {
		start   start
		outcome assessment.DeliveryOutcome
	}{
		"accepted": {nil, assessment.DeliveryAccepted},
		"rejected": {fails(assessment.Reject("no")), assessment.DeliveryRejected},
		"fault":    {fails(context.DeadlineExceeded), assessment.DeliveryFault},
		"panic":    {func(context.Context, assessment.Order) (assessment.Started, error) { panic(canary) }, assessment.DeliveryFault},
		"slow": {func(context.Context, assessment.Order) (assessment.Started, error) {
			<-time.After(time.Minute)
			return v.Orders.Started, nil
		}, assessment.DeliveryFault},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := v.host(t, c.start)
				began := time.Now()
				w := h.post("1")
				synctest.Wait() // the provider may still be running
				require.Len(t, h.deliveries, 1)
				d := h.deliveries[0]
				require.Equal(t, c.outcome, d.Outcome)
				require.Equal(t, w.Code, d.StatusCode)
				require.Equal(t, time.Since(began), d.Duration)
				require.Equal(t, v.Name, d.Vendor)
				require.Equal(t, want.Account, d.Account)
				require.NotEmpty(t, d.Event)
				require.Equal(t, d.Outcome == assessment.DeliveryFault, d.Err != nil)
				require.Equal(t, want.Vendor, d.Order.Vendor, "the order is known")
				require.Equal(t, want.Account, d.Order.Account)
				require.Equal(t, h.provider.orders[0].Ref, d.Order, "under the reference that the provider got")
				if want.ID != "" {
					require.Equal(t, want, d.Order)
				}
				<-time.After(time.Hour)
				synctest.Wait()
				for _, personal := range v.Orders.Personal {
					require.NotContains(t, h.text(), personal)
				}
				if d.Err != nil {
					require.Contains(t, h.log.String(), d.Order.ID, "what was not taken is logged with its order")
				}
			})
		})
	}
}
