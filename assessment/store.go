package assessment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Claim is the record of one order in a [Store].
type Claim struct {
	// Key says which deliveries are the same order; see [OrderKey]. For an order
	// with a vendor's id it is the text of Ref; for one whose id the intake minted
	// it is a text that no Ref has.
	Key string
	// Ref is the order's reference. The first claim sets it for good: a later
	// claimant gets the stored one, whatever it brought.
	Ref OrderRef
	// Token tells claimants apart. It is empty in a record that was erased.
	Token string
	// Answer is what the provider said, opaque to the store; empty while nobody
	// has answered. It may hold links and a first result.
	Answer []byte
	// Candidate is the vendor's id of the candidate in a claim of a new order, if it
	// has one: a store that erases by candidate keeps a keyed hash of it. No store
	// has to, and none gives it back.
	Candidate string
}

// Store remembers which orders were taken and how they were answered. It is
// what makes an order start once on any number of replicas. [NewMemoryStore]
// is for one process; for more, implement it over the database that they share.
//
// Each method has to be atomic (in SQL: one statement), and it is the store's
// clock that counts for leases. With a context that has ended a method returns
// an error and changes nothing. What is handed in or out is the caller's: an
// Answer is copied. The package storetest checks an implementation.
type Store interface {
	// Claim asks for the right to start the order c.Key, and returns the record
	// as it stands afterwards. The caller has won if the record carries its own
	// Token and no Answer.
	//
	//   - No record: c.Key, c.Ref and c.Token are stored, leased for lease.
	//   - Answered: nothing changes.
	//   - Not answered, same Token: the lease is renewed.
	//   - Not answered, lease over: Token and lease become the caller's; Ref
	//     stays.
	//   - Not answered, lease running: nothing changes.
	//
	// If c.Ref is zero the caller only wants to renew. Then nothing is stored
	// where there is no record, and the error is [ErrClaimLost]; and a lease that
	// is over is not taken from another Token, because the record may be of a
	// later order with the same Key. That is [ErrClaimLost] too, or the record
	// unchanged.
	//
	// A store that is full returns [ErrStoreFull].
	Claim(ctx context.Context, c Claim, lease time.Duration) (Claim, error)
	// Answer stores c.Answer for c.Key, only while c.Token holds the record;
	// otherwise it returns [ErrClaimLost]. Storing it a second time is no error.
	Answer(ctx context.Context, c Claim) error
	// Expire ends the lease of c.Key now, if c.Token holds it and nobody has
	// answered. Record and Ref stay. Nothing to expire is no error.
	Expire(ctx context.Context, c Claim) error
	// Forget deletes the record of ref if its Key is not the text of ref, which
	// is so for ids that the intake minted. Otherwise, and for unknown
	// references, it does nothing.
	Forget(ctx context.Context, ref OrderRef) error
	// Erase replaces the Answer of ref by [ErasedAnswer] and its Token by the empty
	// one, answered or not: nothing personal stays, and nobody can answer. If its
	// Key is not the text of ref, the Key becomes a random one that no order has,
	// such as [ErasedKey]: with the old one it could be found out, by trying, who
	// was ordered what. Then the same order may start again; with a vendor's id it
	// never does. An unknown reference is no error.
	Erase(ctx context.Context, ref OrderRef) error
}

// Lookup is what a [Store] may be besides: it reads many records at once, in SQL
// in one statement. The reconciler asks it for a page of orders at a time.
type Lookup interface {
	// Lookup returns the records of keys. A key that is absent from the result is
	// unknown. Nothing changes, and no lease is taken or renewed. An Answer is
	// copied.
	Lookup(ctx context.Context, keys []string) (map[string]Claim, error)
}

// Admitter is what a [Store] may be besides: it knows switches that hold starts
// back. The intake asks it before it calls the provider, once the order's record is
// its own: an order that was answered before gets its answer all the same.
type Admitter interface {
	// Admit returns an error that matches [ErrPaused] if the order must not start
	// now. Any other error is the store's fault, and the order does not start either.
	Admit(ctx context.Context, ref OrderRef) error
}

// What a [Store] returns besides its own faults.
var (
	// ErrClaimLost: the token no longer holds the record.
	ErrClaimLost = errors.New("assessment: claim lost")
	// ErrStoreFull: no further order can be recorded.
	ErrStoreFull = errors.New("assessment: store full")
)

// ErasedAnswer is what [Store.Erase] leaves in [Claim.Answer].
const ErasedAnswer = "erased"

// String describes the record without its answer.
func (c Claim) String() string {
	return fmt.Sprintf("claim %q for %s (answered: %t)", c.Key, c.Ref, len(c.Answer) > 0)
}

// Format implements [fmt.Formatter]: every verb prints [Claim.String].
func (c Claim) Format(f fmt.State, verb rune) { formatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] without the answer.
func (c Claim) LogValue() slog.Value { return slog.StringValue(c.String()) }
