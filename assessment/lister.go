package assessment

import (
	"context"
	"time"
)

// OpenOrders asks a vendor for orders of an account that are still open. The zero
// value of a field leaves it out.
type OpenOrders struct {
	Account      string    // the customer, see [OrderRef.Account]; required
	IDs          []string  // only these
	CreatedAfter time.Time // only those that were created then or later
	Cursor       string    // where the page before ended
}

// OrderLister is what a [Publisher] may be besides: its vendor can be asked for
// open orders, so that lost deliveries are found.
type OrderLister interface {
	Vendor() Vendor
	Connection() string
	// OpenOrders returns one page, in one call of the vendor's API, and the cursor of
	// the next, empty after the last.
	OpenOrders(ctx context.Context, q OpenOrders) (page []Order, next string, err error)
}
