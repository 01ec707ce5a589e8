package inbound

import (
	"context"

	"github.com/assessbridge/assessbridge/assessment"
)

// Verdict is what a handler would have done with a delivery.
type Verdict string

// The verdicts.
const (
	WouldStart    Verdict = "start"     // start the order, or answer as before if it is known
	WouldQueue    Verdict = "queue"     // give the order to Queue
	WouldHandOver Verdict = "hand_over" // give it to OnEvent or another hook; an order that is not to be started too
	WouldCancel   Verdict = "cancel"    // cancel the order
)

// Sighting is a delivery that was proved and decoded, and not acted upon.
type Sighting struct {
	Vendor              assessment.Vendor
	Connection, Account string
	Order               assessment.OrderRef // zero if it is about none, or its id would only now be made
	Event, EventID      string              // the vendor's words
	Verdict             Verdict
}

// Shadow has a handler look at deliveries without acting on them, as long as
// another system does: copies of its traffic are proved, decoded and reported, and
// nothing is started, queued, cancelled, handed over or written. Each account is cut
// over, and back, by what Live says of it.
//
// An account in the shadow is answered so that a copy of the traffic does no harm
// and an original that strays here is not lost silently: 200 if nobody acts on the
// answer, and 503 with Retry-After if somebody does (Kombo's inline orders, Ashby's
// start and cancel), because the true answer is the other system's. What is not
// proved or cannot be read is answered as ever, and so are lists of packages and
// fields, which change nothing.
type Shadow struct {
	// Live says whether an account was cut over to this service; nil: none was. It
	// is asked for every delivery, on a context that the sender cannot cancel, so what
	// it says holds at once, in both directions; all processes have to be told the
	// same. An error is answered 503.
	Live func(ctx context.Context, account string) (bool, error)
	// Seen, if set, gets what was seen, to be compared with what the other system
	// made of it. It must not block. Whether it panics changes nothing.
	Seen func(context.Context, Sighting)
}

// Shadowed says whether the delivery is only to be looked at, and what it is
// answered then; waits says that somebody acts on the answer. A nil Shadow acts on
// everything. Live runs on ctx and ends with it: use the context of the host's
// functions, since an order of a live account that its sender has given up on may
// come only once.
func (h *Handler) Shadowed(ctx context.Context, s *Shadow, d *assessment.Delivery, v Verdict, waits bool) (Reply, bool) {
	if s == nil {
		return Reply{}, false
	}
	if s.Live != nil {
		live, err := Call(ctx, h, "Live", func(ctx context.Context) (bool, error) { return s.Live(ctx, d.Account) })
		if err != nil {
			return Later(err, 0), true
		}
		if live {
			return Reply{}, false
		}
	}
	h.sighted(ctx, s, Sighting{
		Vendor: d.Vendor, Connection: d.Connection, Account: d.Account, Order: d.Order,
		Event: d.Event, EventID: d.EventID, Verdict: v,
	})
	reply := OK(assessment.DeliveryShadowed)
	if waits {
		reply = Later(nil, 0)
		reply.Outcome = assessment.DeliveryShadowed
	}
	reply.Reason = "would_" + string(v)
	return reply, true
}

func (h *Handler) sighted(ctx context.Context, s *Shadow, what Sighting) {
	if s.Seen == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			_ = h.Panicked(ctx, p) // it is in the log
		}
	}()
	s.Seen(ctx, what)
}
