// Package inbound is what the handlers of all vendors share, those of this module
// and one of your own: the order of work on a delivery, the answers that a sender
// may see, and the report of it to logger and observer. What a vendor's answers
// look like is the vendor package's.
//
// A [Handler] answers each delivery once and reports it once:
//
//	func (h *acme) ServeHTTP(w http.ResponseWriter, r *http.Request) {
//		h.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
//			body, reply, ok := h.inbound.Signed(h.verifier, w, r, d)
//			if !ok {
//				return reply
//			}
//			order, err := decode(body)
//			if err != nil {
//				return inbound.Refuse("not an order", err)
//			}
//			d.Account, d.Order = order.Ref.Account, order.Ref
//			accepted, err := h.intake.Start(r.Context(), order)
//			if err != nil {
//				return inbound.Failed(err, reject)
//			}
//			return inbound.OK(inbound.Taken(accepted))
//		})
//	}
//
// # Order of work
//
// Cheapest refusal first, and nothing for a sender that has proved nothing: method
// (405), encoding (415), a signature or key that is there and well-formed (401),
// the body up to a limit (413) and within the budget of the process (503), the
// signature itself (401), JSON of exactly the signed bytes (400), the intake. See
// [Handler.Signed], [Handler.Keyed] and, for a body that a key has proved,
// [Handler.Read].
//
// # What the intake answers
//
//	rejected        the vendor's own words           outcome rejected
//	erased          410 {"message":"erased"}         outcome erased
//	cannot be now   503 with Retry-After             outcome fault
//	no order        400                              outcome refused
//	anything else   500                              outcome fault
//
// # The host's functions
//
// What may store something (a queue, a hook for events) runs on a context that the
// sender cannot cancel, with a deadline; see [Call] and
// [assessment.Intake.HostContext]. A panic there is a fault, logged without its
// value.
//
// # Log and observer
//
// With a Logger there is one line per delivery, "delivery", whose fields are those
// of [assessment.Delivery.LogValue] and of which the names are stable: at level
// Info for what was taken, at Warn for what was refused, at Error for faults. A
// rejection has a reason, never its text. Drift is logged at Warn as "drift", each
// once an hour.
//
// # The server
//
// Set ReadHeaderTimeout and ReadTimeout of [http.Server]. A sender that stops in
// the middle holds a connection and a goroutine for as long as they allow: without
// them for ever.
package inbound
