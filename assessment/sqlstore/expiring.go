package sqlstore

import (
	"context"
	"time"
)

// expiringAfter is the part of [Retention.AttentionBodies] after which a refused
// result counts as expiring: on day 20 of 30.
const expiringAfter = 2.0 / 3

// Expiring are results that wait for somebody and soon cannot be written any more.
type Expiring struct {
	Results int
	Next    time.Time // when the first loses its body; zero if there are none
}

// Expiring returns how many refused and uncertain results lose their body within
// the last third of their time, ten days of thirty. Their rows stay, but they can
// only be amended or discarded then.
func (d *DB) Expiring(ctx context.Context, r Retention) (Expiring, error) {
	var e Expiring
	keep := r.orDefault().AttentionBodies
	if keep < 0 {
		return e, nil // for good
	}
	var oldest int64
	after := time.Duration(float64(keep) * expiringAfter)
	_, err := d.row(ctx, d.db, []any{&e.Results, &oldest}, `SELECT COUNT(*), COALESCE(MIN(settled), 0) FROM {results}
		WHERE state IN ('refused', 'uncertain') AND body IS NOT NULL AND settled > 0 AND settled <= {now} - CAST($1 AS BIGINT)`,
		after.Milliseconds())
	if e.Results > 0 {
		e.Next = atMilli(oldest).Add(keep)
	}
	return e, err
}
