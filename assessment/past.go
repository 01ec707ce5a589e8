package assessment

import (
	"fmt"
	"log/slog"
	"time"
)

// PastOrder is an order that another system took before this module did, and
// [PastOrder.Claims] what an [Intake] would have recorded of it. It is for those
// who move their orders in, with an import into a [Store] of their own; one at a
// time, [Intake.AdoptOrder] does.
type PastOrder struct {
	// Ref is the reference with the id that the vendor knows the order by; required.
	Ref OrderRef
	// Dedupe is what a repetition of the order has in common with it, where the
	// vendor gives no id; see [Order.Dedupe].
	Dedupe []string
	// Started is what the provider returned, as far as that is known. A repetition
	// of an inline order whose CandidateURL is not known is a fault until it has ended,
	// and the provider is not called for it.
	Started Started
	// Rejected, if set, is what the provider said instead. The vendor has been told.
	Rejected *Rejection
	// At is when the provider answered.
	At time.Time
	// Ended: the vendor has the order's final result. Its links are not kept; see
	// [Claim.Settled].
	Ended bool
}

// String describes the order without its links.
func (p PastOrder) String() string {
	return fmt.Sprintf("past order %s (rejected: %t, ended: %t)", p.Ref, p.Rejected != nil, p.Ended)
}

// Format implements [fmt.Formatter]: every verb prints [PastOrder.String].
func (p PastOrder) Format(f fmt.State, verb rune) { formatText(f, verb, p.String()) }

// LogValue implements [slog.LogValuer] without the links.
func (p PastOrder) LogValue() slog.Value { return slog.StringValue(p.String()) }

// PastToken is the [Claim.Token] of the records of past orders. No claimant has
// it, and a record with it is not an erased one.
const PastToken = "past"

// Claims returns the answered records to store, each if there is none with its
// Key: the order's, and for a rejection that of its having been written, so that
// nobody writes it again. An order whose id is ours has none once it has ended,
// because the end freed it.
//
// The secret is [IntakeConfig.KeySecret]. The error is a [*ValidationError], or
// about a link that is none.
func (p PastOrder) Claims(secret string) ([]Claim, error) {
	if p.Ref.Vendor == "" || p.Ref.ID == "" {
		var v ValidationError
		v.Add("ref", "needs a vendor and an id")
		return nil, v.Err()
	}
	o := Order{Ref: p.Ref, Dedupe: p.Dedupe}
	key, err := OrderKey(o, secret)
	if err != nil {
		return nil, err
	}
	if err := checkStarted(&o, p.Started); err != nil {
		return nil, err
	}
	c := Claim{Key: key, Ref: p.Ref, Token: PastToken}
	switch {
	case c.natural() && (p.Ended || p.Rejected != nil):
		return nil, nil
	case p.Rejected != nil:
		return p.rejection(c)
	}
	c.Answer, err = encodeStarted(p.At.UTC().Truncate(time.Millisecond), p.Started)
	if p.Ended {
		c, _ = c.Settled()
	}
	return []Claim{c}, err
}

func (p PastOrder) rejection(c Claim) ([]Claim, error) {
	no := newRejection(p.Rejected.Message, p.Rejected.AlreadyRunning)
	if no.At = p.Rejected.At; no.At.IsZero() {
		no.At = p.At
	}
	var err error
	if c.Answer, err = encodeRejection(no); err != nil {
		return nil, err
	}
	told := rejectionClaim(p.Ref)
	told.Token = PastToken
	told.Answer, err = encodeWritten(Receipt{Outcome: ResultWritten})
	return []Claim{c, told}, err
}
