package assessment

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Publisher writes results to one vendor. Every client of this module is one.
type Publisher interface {
	// Vendor and Connection say which orders it is for; see [OrderRef].
	Vendor() Vendor
	Connection() string
	ResultPublisher
}

// ResultPublisher is what a [Router] and every [Publisher] have in common.
type ResultPublisher interface {
	// PublishResult writes r as the result of the order. The error is a
	// [*ValidationError] if it cannot be sent as it is, or an [*APIError].
	PublishResult(ctx context.Context, ref OrderRef, r Result) (Receipt, error)
}

// ResultOutcome is what became of a result.
type ResultOutcome string

// The outcomes of a result. A [Receipt] has one of the first four; the others
// come with an error and are told to [Observer.Result].
const (
	// ResultWritten: the vendor took it.
	ResultWritten ResultOutcome = "written"
	// ResultQueued: an outbox has stored it and will write it.
	ResultQueued ResultOutcome = "queued"
	// ResultSkipped: nothing was sent, because it was an interim update that the
	// ATS does not take, or that came after a newer one or after the final result.
	ResultSkipped ResultOutcome = "skipped"
	// ResultAlreadyFinal: the vendor refused the write because the order had this
	// final status before. That is so when a result is written a second time; if
	// it was meant to correct the first, the correction was not taken.
	ResultAlreadyFinal ResultOutcome = "already_final"
	// ResultRefused: the vendor, or the check before the call, said no.
	ResultRefused ResultOutcome = "refused"
	// ResultUncertain: nobody can tell whether it was written.
	ResultUncertain ResultOutcome = "uncertain"
	// ResultFailed: it was not written; later it may be.
	ResultFailed ResultOutcome = "failed"
)

// Receipt says how a result was taken. It has a stable JSON form (snake_case).
type Receipt struct {
	// Outcome is what became of the result: [ResultWritten], [ResultQueued],
	// [ResultSkipped] or [ResultAlreadyFinal]. A preview says [ResultWritten] where
	// the result would be sent. It is empty beside an error.
	Outcome ResultOutcome `json:"outcome,omitempty"`
	// Warnings are what the vendor, or the client itself, remarked on.
	Warnings []string `json:"warnings,omitempty"`
	// Losses are what the vendor's format could not carry as it is.
	Losses []Loss `json:"losses,omitempty"`
	// Uncertain: the result was taken by all that can be seen, but an attempt went
	// unanswered or the answer contradicts itself. Warnings say more.
	Uncertain bool `json:"uncertain,omitempty"`
	// RequestID is the vendor's id of the call, if it gives one.
	RequestID string `json:"request_id,omitempty"`
	// Attempts counts the HTTP requests made.
	Attempts int `json:"attempts"`
}

// Loss is a part of a [Result] that the vendor's format has no place for.
type Loss struct {
	// Field is its path, such as "score.min" or "attributes[2]".
	Field string `json:"field"`
	// Reason says why.
	Reason string `json:"reason"`
	// Kept: it was sent all the same, as text.
	Kept bool `json:"kept,omitempty"`
}

// RouterConfig configures [NewRouter].
type RouterConfig struct {
	// Publishers are the clients, at most one for each vendor and connection.
	Publishers []Publisher
	// Store, if set, is the intake's: the router frees an order whose id the
	// intake minted (Ashby) after its final result, so that the recruiter can
	// order again.
	Store Store
}

// Router publishes each result through the client that its order came through.
// It is safe for concurrent use.
type Router struct {
	publishers map[route]Publisher
	store      Store
}

type route struct {
	vendor     Vendor
	connection string
}

// forgetTimeout bounds the store call after a final result.
const forgetTimeout = 10 * time.Second

// NewRouter returns a router. It refuses no publisher, a nil one, and two for
// the same vendor and connection.
func NewRouter(c RouterConfig) (*Router, error) {
	if len(c.Publishers) == 0 {
		return nil, errors.New("assessment: router without a publisher")
	}
	publishers := make(map[route]Publisher, len(c.Publishers))
	for i, p := range c.Publishers {
		if p == nil {
			return nil, fmt.Errorf("assessment: publisher %d is nil", i)
		}
		at := route{p.Vendor(), p.Connection()}
		if _, taken := publishers[at]; taken {
			return nil, fmt.Errorf("assessment: two publishers for vendor %q, connection %q", at.vendor, at.connection)
		}
		publishers[at] = p
	}
	return &Router{publishers: publishers, store: c.Store}, nil
}

// PublishResult writes r through the publisher for the order's vendor and
// connection. Where there is none the error matches [ErrNotSupported].
func (t *Router) PublishResult(ctx context.Context, ref OrderRef, r Result) (Receipt, error) {
	p, ok := t.publishers[route{ref.Vendor, ref.Connection}]
	if !ok {
		return Receipt{}, fmt.Errorf("assessment: no publisher for vendor %q, connection %q: %w",
			ref.Vendor, ref.Connection, ErrNotSupported)
	}
	receipt, err := p.PublishResult(ctx, ref, r)
	if err != nil || t.store == nil || !r.Status.Final() || !ref.natural() {
		return receipt, err
	}
	// The result stands whatever becomes of the record, so a caller that gives
	// up now must not leave it behind.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
	defer cancel()
	if err := t.store.Forget(ctx, ref); err != nil {
		receipt.Warnings = append(receipt.Warnings,
			"the result was written, but its order was not freed for a new start: "+err.Error())
	}
	return receipt, nil
}
