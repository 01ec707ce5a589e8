package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/assessbridge/assessbridge/assessment"
)

// The statements of an erasure blank what may hold something personal and keep
// what says that the order was there.
const (
	eraseLane    = `UPDATE {lanes} SET token = '', until = 0 WHERE ref = $1`
	eraseResults = `
UPDATE {results} SET body = NULL, digest = '', reason = '',
  state = CASE WHEN state IN ('pending', 'refused', 'uncertain') THEN 'erased' ELSE state END,
  settled = CASE WHEN settled = 0 THEN {now} ELSE settled END
WHERE ref = $1`
	eraseOrder = `
UPDATE {orders} SET body = NULL, subject = '', reason = 'erased', token = '', until = 0,
  state = CASE WHEN settled = 0 THEN 'erased' ELSE state END,
  settled = CASE WHEN settled = 0 THEN {now} ELSE settled END
WHERE ref = $1`
)

// Erase removes what is personal of an order from every table: bodies, links,
// stored answers. What waits is not started or written any more, and what is in
// flight settles nothing. What stays is the tombstone (reference, states, times),
// so that the order delivered again starts nothing; only where the vendor gives
// no id does the same order start again. An unknown reference is no error.
func (d *DB) Erase(ctx context.Context, ref assessment.OrderRef) error {
	return d.inTx(ctx, func(tx *sql.Tx) error { return d.erase(ctx, tx, ref) })
}

func (d *DB) erase(ctx context.Context, tx *sql.Tx, ref assessment.OrderRef) error {
	// The lane first: who holds it settles nothing any more.
	var rows [3]int64
	for i, statement := range []string{eraseLane, eraseResults, eraseOrder} {
		n, err := d.exec(ctx, tx, statement, ref.String())
		if err != nil {
			return err
		}
		rows[i] = n
	}
	claims, err := d.eraseClaim(ctx, tx, ref)
	if err != nil || rows[0]+rows[1]+rows[2]+claims == 0 {
		return err
	}
	if claims == 0 && rows[2] > 0 {
		// Nobody has claimed it yet. Nobody shall: the reconciler may find it.
		if err := d.bar(ctx, tx, ref); err != nil {
			return err
		}
	}
	return d.note(ctx, tx, ref, NoteErased, Detail{})
}

// ErrNoSubjectKey: orders cannot be found by candidate without
// [Options.SubjectKey].
var ErrNoSubjectKey = errors.New("sqlstore: no SubjectKey")

// EraseSubject erases every order of the spool that names the candidate by the
// vendor's id (or, where the vendor gives none, the ATS's), and returns their
// references, so that the host can erase what it keeps of them.
func (d *DB) EraseSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]assessment.OrderRef, error) {
	refs, err := d.Subject(ctx, vendor, connection, account, candidate)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if err := d.Erase(ctx, ref); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// Subject returns the references of the orders that name the candidate, for an
// access request; [DB.Timeline] tells about each.
func (d *DB) Subject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]assessment.OrderRef, error) {
	if len(d.options.SubjectKey) == 0 {
		return nil, ErrNoSubjectKey
	}
	if candidate == "" {
		return nil, invalid("candidate", "required")
	}
	return d.refs(ctx, `SELECT ref, made FROM {orders} WHERE subject = $1 ORDER BY made`,
		d.subject(vendor, connection, account, candidate))
}
