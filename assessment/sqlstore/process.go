package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

const (
	// BeatEvery is how often a process should call [DB.Beat].
	BeatEvery = 10 * time.Second
	// aliveFor is how long a process counts as alive without a beat.
	aliveFor = 35 * time.Second
	// blindAfter is the gap in all heartbeats after which deliveries may have been
	// lost: nobody was there to take them, or the database was not.
	blindAfter = 2 * time.Minute
	// blindMargin is how long before the gap orders are looked for: what was taken
	// just before it may not have been stored.
	blindMargin = time.Hour
)

// Pulse is what a [DB.Beat] found.
type Pulse struct {
	// Processes is how many are alive, this one included. They share the vendors'
	// limits; see [assessment.Pacing].
	Processes int
	// Blind is how long nobody was there before this beat, if it was too long;
	// else zero.
	Blind time.Duration
	// Leads: of the living this one does what one process does for all, such as asking
	// for [DB.Metrics]. For some seconds two may, or none.
	Leads bool
}

const beat = `
INSERT INTO {processes} (id, seen) VALUES ($1, {now})
ON CONFLICT (id) DO UPDATE SET seen = {now}`

// Beat says that the process called id is alive. Each should call it every
// [BeatEvery], under a name of its own. After a gap in the beats of all processes,
// because all were down or the database was, every integration is looked through
// for the orders of that time.
func (d *DB) Beat(ctx context.Context, id string) (Pulse, error) {
	var p Pulse
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		var last, now int64
		if _, err := d.row(ctx, tx, []any{&last, &now}, `SELECT COALESCE(MAX(seen), 0), {now} FROM {processes}`); err != nil {
			return err
		}
		p = Pulse{}
		if gap := time.Duration(now-last) * time.Millisecond; last > 0 && gap > blindAfter {
			p.Blind = gap
			if err := d.markHot(ctx, tx, "", "", last-blindMargin.Milliseconds(), hotOnce, 0); err != nil {
				return err
			}
		}
		if _, err := d.exec(ctx, tx, beat, id); err != nil {
			return err
		}
		// The latest of the dead stays: it says since when nobody was there.
		if _, err := d.exec(ctx, tx, `DELETE FROM {processes} WHERE seen < {now} - 86400000`); err != nil {
			return err
		}
		var first string
		_, err := d.row(ctx, tx, []any{&p.Processes, &first}, `SELECT COUNT(*), COALESCE(MIN(id), '') FROM {processes} WHERE seen > {now} - CAST($1 AS BIGINT)`,
			aliveFor.Milliseconds())
		p.Leads = first == id
		return err
	})
	if err == nil && p.Blind > 0 {
		d.log.WarnContext(ctx, "nobody was there; all integrations are looked through", "for", p.Blind.Round(time.Second))
	}
	return p, err
}

// Leave says that the process called id has ended, so that the others need not wait
// until it counts as dead: its part of the vendors' limits is theirs, and another one
// leads. Its last beat is remembered all the same.
func (d *DB) Leave(ctx context.Context, id string) error {
	_, err := d.exec(ctx, d.db, `UPDATE {processes} SET seen = seen - CAST($2 AS BIGINT) WHERE id = $1`, id, aliveFor.Milliseconds())
	return err
}
