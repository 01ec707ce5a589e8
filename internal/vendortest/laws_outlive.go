package vendortest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What may store something runs on a context that the sender cannot end, and that
// does not live for ever.
func hookOutlivesSender(t *testing.T, v Vendor) {
	for _, h := range v.Hooks {
		if !h.Stores {
			continue
		}
		t.Run(h.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var inserted, bounded bool
				var w watch
				handler := v.hooked(t, h, &w, func(ctx context.Context) error {
					_, bounded = ctx.Deadline()
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(500 * time.Millisecond):
						inserted = true
						return nil
					}
				})
				ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer hangUp()
				Serve(handler, h.Request().WithContext(ctx))
				<-time.After(time.Second)
				synctest.Wait()
				require.True(t, inserted, "the sender hung up and took the insert along")
				require.True(t, bounded, "a deadline of its own")
				require.Len(t, w.deliveries, 1)
			})
		})
	}
}
