package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// The defaults of [OutboxConfig].
const (
	DefaultLaneLease   = 2 * time.Minute
	DefaultCallTimeout = 75 * time.Second
)

// OutboxConfig configures [DB.Outbox].
type OutboxConfig struct {
	// Publisher writes to the vendors: a client, or an [assessment.Router] over
	// several; required. It is called on one order by one process at a time.
	Publisher assessment.ResultPublisher
	// Lease is how long an order stays reserved by a process that died;
	// [DefaultLaneLease] if zero.
	Lease time.Duration
	// CallTimeout bounds one call of Publisher, its own repetitions included;
	// [DefaultCallTimeout] if zero. It must be well below Lease.
	CallTimeout time.Duration
	// Attachment gives the bytes of an attachment that has a Ref and neither URL
	// nor Data, when the result is written. While it fails the result waits, and is
	// not late for it. Without it such results are refused by Publish.
	Attachment func(ctx context.Context, order assessment.OrderRef, ref string) ([]byte, error)
	// KeyPrint tells keys apart: a gate that a refused key closed is probed as soon
	// as there is another key, and a key of all accounts closes them all. If nil, a
	// Publisher that has such a method is asked, as [assessment.Router] has.
	KeyPrint func(ctx context.Context, ref assessment.OrderRef) (assessment.KeyPrint, error)
}

// Outbox takes results durably and writes them to the vendors, in order; see
// the package's description. It is safe for concurrent use.
type Outbox struct {
	d          *DB
	publisher  assessment.ResultPublisher
	attachment func(context.Context, assessment.OrderRef, string) ([]byte, error)
	keyPrint   func(context.Context, assessment.OrderRef) (assessment.KeyPrint, error)
	lease      time.Duration
	timeout    time.Duration
}

var _ assessment.ResultPublisher = (*Outbox)(nil)

// Outbox returns the outbox over the database. It refuses a missing publisher
// and a lease that does not outlast the call by a quarter.
func (d *DB) Outbox(c OutboxConfig) (*Outbox, error) {
	if c.Publisher == nil {
		return nil, errors.New("sqlstore: outbox needs a Publisher")
	}
	o := &Outbox{
		d: d, publisher: c.Publisher, attachment: c.Attachment, keyPrint: keyPrintOf(c),
		lease: orDefault(c.Lease, DefaultLaneLease), timeout: orDefault(c.CallTimeout, DefaultCallTimeout),
	}
	if o.timeout <= 0 || o.lease < o.timeout+o.timeout/4 {
		return nil, fmt.Errorf("sqlstore: lease %v must be longer than the call's %v by a quarter", o.lease, o.timeout)
	}
	return o, nil
}

// keyPrintOf finds out who tells keys apart, if anybody does.
func keyPrintOf(c OutboxConfig) func(context.Context, assessment.OrderRef) (assessment.KeyPrint, error) {
	if c.KeyPrint != nil {
		return c.KeyPrint
	}
	if p, ok := c.Publisher.(interface {
		KeyPrint(context.Context, assessment.OrderRef) (assessment.KeyPrint, error)
	}); ok {
		return p.KeyPrint
	}
	if p, ok := c.Publisher.(assessment.KeyPrinter); ok {
		return func(ctx context.Context, ref assessment.OrderRef) (assessment.KeyPrint, error) {
			return p.KeyPrint(ctx, ref.Account)
		}
	}
	return nil
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

// Message is a result to publish.
type Message struct {
	Ref    assessment.OrderRef
	Result assessment.Result
	// DedupeID, if set, is the host's own name for this update: publishing it
	// again stores nothing. Without one an update is told by its content if
	// Result.At is set; with neither, it is dropped if it equals the newest one of
	// its order.
	DedupeID string
}

// Published says what a publish did.
type Published struct {
	// Seq is the row's number; within an order, later rows have higher ones.
	Seq int64
	// Duplicate: it was there already and nothing was stored.
	Duplicate bool
}

// ErrDedupeConflict: another result was published under the same
// [Message.DedupeID].
var ErrDedupeConflict = errors.New("sqlstore: another result has this DedupeID")

// Querier is a transaction of the host: *sql.Tx, *sql.Conn and *sql.DB are.
type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Row is what a query of one row gives.
type Row interface{ Scan(dest ...any) error }

// QueryRow runs a query of one row in a transaction that is not one of
// database/sql, such as a pgx.Tx. Where there is no row, Scan has to return an
// error that matches [sql.ErrNoRows].
type QueryRow func(ctx context.Context, query string, args ...any) Row

// Publish stores the result, to be written by a worker. The error is a
// [*assessment.ValidationError] if no vendor would take it, or
// [ErrDedupeConflict], or [ErrOffboarded].
func (o *Outbox) Publish(ctx context.Context, m Message) (Published, error) {
	return o.store(ctx, m, keyed)
}

// PublishTx is [Outbox.Publish] within a transaction of the host: the result is
// written if the host commits, and never if it rolls back. It is one statement.
// No [Hint] is given, so the next look of [Outbox.Due] finds the result.
func (o *Outbox) PublishTx(ctx context.Context, tx Querier, m Message) (Published, error) {
	return o.PublishOn(ctx, func(ctx context.Context, query string, args ...any) Row {
		return tx.QueryRowContext(ctx, query, args...)
	}, m)
}

// PublishOn is [Outbox.PublishTx] for transactions of other kinds.
func (o *Outbox) PublishOn(ctx context.Context, q QueryRow, m Message) (Published, error) {
	r, err := o.newRow(m, keyed)
	if err != nil {
		return Published{}, err
	}
	return o.d.insert(ctx, q, r)
}

// Correct publishes a final result that takes the place of one that was
// written, whatever their times say. Whether the vendor takes it is the
// vendor's: Kombo's documentation does not say, and where it keeps the first
// result the correction ends as refused. The reason is kept in the journal.
func (o *Outbox) Correct(ctx context.Context, m Message, by Act) (Published, error) {
	if !m.Result.Status.Final() {
		return Published{}, invalid("status", "a correction has to be final")
	}
	r, err := o.newRow(m, correcting)
	if err != nil {
		return Published{}, err
	}
	var done Published
	err = o.d.inTx(ctx, func(tx *sql.Tx) error {
		if done, err = o.d.insert(ctx, onTx(tx), r); err != nil || done.Duplicate {
			return err
		}
		if err := o.d.note(ctx, tx, m.Ref, NoteCorrected, by.detail(done.Seq)); err != nil {
			return err
		}
		return o.d.hint(ctx, tx, resultHint(m.Ref))
	})
	return done, err
}

// PublishResult implements [assessment.ResultPublisher]: it stores the result
// and answers [assessment.ResultQueued]. [assessment.Intake.Work], StackOne's
// handler and Kombo's Reconcile take the outbox as their publisher. A rejection
// goes out once, however often it is told.
func (o *Outbox) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	m := Message{Ref: ref, Result: r}
	var err error
	if isRejection(r) {
		_, err = o.store(ctx, m, rejecting)
		if errors.Is(err, ErrDedupeConflict) {
			// Only the shape was a rejection's: the host cancelled an order twice.
			_, err = o.store(ctx, m, keyed)
		}
	} else {
		_, err = o.store(ctx, m, keyed)
	}
	if err != nil {
		return assessment.Receipt{}, err
	}
	return assessment.Receipt{Outcome: assessment.ResultQueued}, nil
}

// newRow makes the row of a message.
func (o *Outbox) newRow(m Message, key keying) (row, error) {
	if o.attachment == nil && slices.ContainsFunc(m.Result.Attachments, referred) {
		return row{}, invalid("attachments", "a ref needs OutboxConfig.Attachment")
	}
	return newRow(m, key)
}

// store inserts a row in a transaction of its own, with the hint if anybody
// listens.
func (o *Outbox) store(ctx context.Context, m Message, key keying) (done Published, err error) {
	r, err := o.newRow(m, key)
	if err != nil {
		return Published{}, err
	}
	if o.d.options.Hint == nil {
		return o.d.insert(ctx, func(ctx context.Context, query string, args ...any) Row {
			return o.d.db.QueryRowContext(ctx, query, args...)
		}, r)
	}
	err = o.d.inTx(ctx, func(tx *sql.Tx) error {
		if done, err = o.d.insert(ctx, onTx(tx), r); err != nil || done.Duplicate {
			return err
		}
		return o.d.hint(ctx, tx, resultHint(m.Ref))
	})
	return done, err
}

func resultHint(ref assessment.OrderRef) Hint {
	return Hint{Kind: HintResult, Ref: ref, Route: routeOf(ref), Account: Account(ref.Account)}
}

func onTx(tx *sql.Tx) QueryRow {
	return func(ctx context.Context, query string, args ...any) Row {
		return tx.QueryRowContext(ctx, query, args...)
	}
}

// insertResult stores a row if its key is free. The key of an update that is
// told from its neighbour only ends with the neighbour's number, so that two
// processes that publish it at once agree on one row; and the update is dropped
// where it is the neighbour's twin.
var insertResult = `
INSERT INTO {results} (ref, route, account, dedupe, digest, final, correction, form, body,
  state, reason, receipt, tries, waited, due, made, settled)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT),
  CAST($4 AS TEXT) || CASE WHEN $5 = 1 THEN CAST(COALESCE((SELECT MAX(seq) FROM {results} WHERE ref = $1), 0) AS TEXT) ELSE '' END,
  CAST($6 AS TEXT), CAST($7 AS INTEGER), CAST($8 AS INTEGER), CAST($9 AS INTEGER), CAST($10 AS TEXT),
  'pending', '', '', 0, 0, 0, {now}, 0
WHERE ($5 = 0 OR NOT EXISTS (
  SELECT 1 FROM {results} n WHERE n.ref = $1 AND n.digest = $6
  AND n.seq = (SELECT MAX(seq) FROM {results} WHERE ref = $1)))
AND NOT ` + hasLeft("$11") + `
ON CONFLICT (ref, dedupe) DO NOTHING
RETURNING seq`

// twin finds the row that was in the way.
const twin = `
SELECT seq, digest FROM {results}
WHERE ref = $1 AND (($3 = 0 AND dedupe = $2) OR ($3 = 1 AND digest = $4))
ORDER BY seq DESC LIMIT 1`

func (d *DB) insert(ctx context.Context, q QueryRow, r row) (Published, error) {
	var done Published
	inserted, err := scanned(q(ctx, d.text(insertResult), r.ref, r.route, r.account, r.dedupe, intOf(r.neighbour),
		r.digest, intOf(r.final), intOf(r.correction), resultForm, r.body, r.scope).Scan(&done.Seq))
	if err != nil || inserted {
		return done, err
	}
	var content string
	done.Duplicate = true
	found, err := scanned(q(ctx, d.text(twin), r.ref, r.dedupe, intOf(r.neighbour), r.digest).Scan(&done.Seq, &content))
	switch {
	case err != nil:
		return Published{}, err
	case !found:
		if gone, err := d.left(ctx, q, r.scope); err != nil || gone {
			return Published{}, errors.Join(err, ErrOffboarded)
		}
		return Published{}, errors.New("sqlstore: the row in the way went away; publish again")
	case content != r.digest:
		return Published{}, ErrDedupeConflict
	}
	return done, nil
}

func intOf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
