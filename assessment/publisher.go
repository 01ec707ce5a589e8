package assessment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Publisher writes results to one vendor. Every client of this module is one.
//
// A publisher whose vendor gives its orders no id has a further method,
// MintsOrderIDs() bool, that says true: until its final result frees it, an order
// with [Order.Dedupe] that comes again gets the answer of the first.
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
	// Store is the intake's. After a final result the router frees an order whose
	// id the intake minted, so that the recruiter can order again. It is required
	// if a publisher says that such orders are its vendor's, see [Publisher].
	Store Store
	// NoIntake says that this process has no intake and no store: another one
	// frees the orders.
	NoIntake bool
}

// String tells the number of publishers, whose fields are the host's own.
func (c RouterConfig) String() string {
	return fmt.Sprintf("router config (%d publishers)", len(c.Publishers))
}

// Format implements [fmt.Formatter]: every verb prints [RouterConfig.String].
func (c RouterConfig) Format(f fmt.State, verb rune) { formatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] with the text of [RouterConfig.String].
func (c RouterConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

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

// NewRouter returns a router. It refuses no publisher, a nil one, two for the same
// vendor and connection, and, unless NoIntake is set, one that mints order ids
// without a Store.
func NewRouter(c RouterConfig) (*Router, error) {
	if len(c.Publishers) == 0 {
		return nil, errors.New("assessment: router without a publisher")
	}
	t := &Router{publishers: make(map[route]Publisher, len(c.Publishers))}
	if !isNil(c.Store) {
		t.store = c.Store
	}
	for i, p := range c.Publishers {
		if isNil(p) {
			return nil, fmt.Errorf("assessment: publisher %d is nil", i)
		}
		at := route{p.Vendor(), p.Connection()}
		if _, taken := t.publishers[at]; taken {
			return nil, fmt.Errorf("assessment: two publishers for vendor %q, connection %q", at.vendor, at.connection)
		}
		if t.store == nil && !c.NoIntake && mintsOrderIDs(p) {
			return nil, fmt.Errorf("assessment: router without a Store: after a final result through %q the same order"+
				" would get its old answer; set Store, or NoIntake if this process has none", at.vendor)
		}
		t.publishers[at] = p
	}
	return t, nil
}

func mintsOrderIDs(p Publisher) bool {
	m, ok := p.(interface{ MintsOrderIDs() bool })
	return ok && m.MintsOrderIDs()
}

// PublishResult writes r through the publisher for the order's vendor and
// connection. Where there is none the error matches [ErrNotSupported].
func (t *Router) PublishResult(ctx context.Context, ref OrderRef, r Result) (Receipt, error) {
	if t == nil {
		return Receipt{}, errors.New("assessment: a Router is made by NewRouter")
	}
	p, ok := t.publishers[route{ref.Vendor, ref.Connection}]
	if !ok {
		return Receipt{}, fmt.Errorf("assessment: no publisher for vendor %q, connection %q: %w",
			ref.Vendor, ref.Connection, ErrNotSupported)
	}
	receipt, err := p.PublishResult(ctx, ref, r)
	if err == nil && t.store != nil && r.Status.Final() && receipt.Outcome != ResultQueued {
		t.forget(ctx, ref, &receipt)
	}
	return receipt, err
}

// forget frees the order for a new start, which does nothing to one with a vendor's
// id. A queued result is not written yet: the outbox frees its order when it is.
func (t *Router) forget(ctx context.Context, ref OrderRef, receipt *Receipt) {
	// The result stands whatever becomes of the record, so a caller that gives
	// up now must not leave it behind.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
	defer cancel()
	if err := t.store.Forget(ctx, ref); err != nil {
		receipt.Warnings = append(receipt.Warnings,
			"the result was written, but its order was not freed for a new start: "+err.Error())
	}
}

// KeyPrint tells API keys apart without telling them.
type KeyPrint struct {
	// Print is a hash of the key, the same for the same key on every process.
	Print string
	// Shared: all accounts use this one key.
	Shared bool
}

// KeyPrinter is what a [Publisher] may be besides. Whoever waits for a key to be
// mended sees by it that there is another one.
type KeyPrinter interface {
	// KeyPrint returns the print of the key that calls for the account use now. An
	// error means that the host has none now.
	KeyPrint(ctx context.Context, account string) (KeyPrint, error)
}

// KeyPrint returns the print of the key under which results of ref's account are
// written; the zero value if its publisher does not tell.
func (t *Router) KeyPrint(ctx context.Context, ref OrderRef) (KeyPrint, error) {
	if t == nil {
		return KeyPrint{}, nil
	}
	p, ok := t.publishers[route{ref.Vendor, ref.Connection}].(KeyPrinter)
	if !ok {
		return KeyPrint{}, nil
	}
	return p.KeyPrint(ctx, ref.Account)
}

// String names the router without its publishers.
func (t *Router) String() string { return "router" }

// Format implements [fmt.Formatter]: no verb shows a publisher.
func (t *Router) Format(f fmt.State, verb rune) { formatText(f, verb, t.String()) }
