package sqlstore

import (
	"context"
	"database/sql"

	"github.com/assessbridge/assessbridge/assessment"
)

// The statements of an erasure blank what may hold something personal and keep
// what says that the order was there.
const (
	eraseSubject = `DELETE FROM {subjects} WHERE ref = $1`
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
	_, err := d.eraseOne(ctx, ref, Detail{})
	return err
}

// EraseBy is [DB.Erase] by hand: the journal says who did it, and why. It returns
// whether anything is known of the order.
func (d *DB) EraseBy(ctx context.Context, ref assessment.OrderRef, by Act) (bool, error) {
	if err := by.check(); err != nil {
		return false, err
	}
	return d.eraseOne(ctx, ref, by.detail(0))
}

func (d *DB) eraseOne(ctx context.Context, ref assessment.OrderRef, detail Detail) (known bool, err error) {
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		known, err = d.erase(ctx, tx, ref, detail)
		return err
	})
	return known, err
}

func (d *DB) erase(ctx context.Context, tx *sql.Tx, ref assessment.OrderRef, detail Detail) (known bool, err error) {
	// The lane first: who holds it settles nothing any more.
	var rows [3]int64
	for i, statement := range []string{eraseLane, eraseResults, eraseOrder} {
		n, err := d.exec(ctx, tx, statement, ref.String())
		if err != nil {
			return false, err
		}
		rows[i] = n
	}
	if _, err := d.exec(ctx, tx, eraseSubject, ref.String()); err != nil {
		return false, err
	}
	claims, err := d.eraseClaim(ctx, tx, ref)
	if err != nil || rows[0]+rows[1]+rows[2]+claims == 0 {
		return false, err
	}
	if claims == 0 && rows[2] > 0 {
		// Nobody has claimed it yet. Nobody shall: the reconciler may find it.
		if err := d.bar(ctx, tx, ref); err != nil {
			return false, err
		}
	}
	return true, d.note(ctx, tx, ref, NoteErased, detail)
}
