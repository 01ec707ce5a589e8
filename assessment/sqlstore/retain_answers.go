package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/assessbridge/assessbridge/assessment"
)

// endOf is when the vendor got the final result of the order p.ref, in milliseconds,
// or a time that never comes. The fence of the lane says so where another system
// wrote it, and where the row is gone. It is not EXISTS, which PostgreSQL answers for
// all orders at once, by reading whole tables.
const endOf = `COALESCE(
  (SELECT MIN(CASE WHEN r.state = 'written' AND r.settled > 0 THEN r.settled ELSE 9223372036854775807 END) FROM {results} r WHERE r.ref = p.ref AND r.final = 1),
  (SELECT l.sent_at FROM {lanes} l WHERE l.ref = p.ref AND l.final_seq >= 0), 9223372036854775807)`

// oldAnswers reads a portion of the claims, and the answers of those that are old
// and not settled yet.
const oldAnswers = `
SELECT p.key, p.ref, p.answer, CASE WHEN p.answer IS NULL THEN 0 WHEN ` + endOf + ` <= $1 THEN 1 ELSE 0 END
FROM (SELECT key, ` + refOfKey + ` AS ref, CASE WHEN token <> '' AND made <= $1 THEN answer END AS answer
  FROM {claims} WHERE key > $2 ORDER BY key LIMIT $3) p
ORDER BY p.key`

// settledAnswers take the place of those that were there, unless these were erased or
// freed meanwhile. Their token is that of an erased record, so that they are not read
// again.
var settledAnswers = map[Dialect]string{
	PostgreSQL: `UPDATE {claims} AS c SET answer = convert_to(g.answer, 'UTF8'), token = ''
FROM json_to_recordset(CAST($1 AS json)) AS g(key TEXT, answer TEXT) WHERE c.key = g.key AND c.token <> '' AND c.made <= $2`,
	SQLite: `UPDATE {claims} AS c SET answer = CAST(g.answer AS BLOB), token = ''
FROM (SELECT value->>'key' AS key, value->>'answer' AS answer FROM json_each($1)) AS g WHERE c.key = g.key AND c.token <> '' AND c.made <= $2`,
}

// settleAnswers removes what is personal from the answers to orders that ended, and
// frees the natural keys of those that no end has freed.
func (d *DB) settleAnswers(ctx context.Context, until int64, dryRun bool, count *int64) error {
	last := ""
	for {
		read, freed, settled := 0, []string(nil), []importClaim(nil)
		if err := d.rows(ctx, d.db, func(scan func(...any) error) error {
			var c assessment.Claim
			var ref string
			var ended int64
			if err := scan(&c.Key, &ref, &c.Answer, &ended); err != nil {
				return err
			}
			read, last = read+1, c.Key
			switch s, able := c.Settled(); {
			case ended == 1 && ref != c.Key:
				freed = append(freed, ref)
			case able && (ended == 1 || isRefusal(c)):
				settled = append(settled, importClaim{Key: c.Key, Answer: string(s.Answer)})
			}
			return nil
		}, oldAnswers, until, last, retainAtOnce); err != nil {
			return err
		}
		n, err := int64(len(freed)+len(settled)), error(nil)
		if !dryRun {
			n, err = d.settleSome(ctx, until, freed, settled)
		}
		*count += n
		if err != nil || read < retainAtOnce {
			return err
		}
	}
}

// isRefusal reports whether the provider said no, which is an order's end as well.
func isRefusal(c assessment.Claim) bool {
	var no *assessment.Rejection
	_, err := c.Accepted()
	return errors.As(err, &no)
}

func (d *DB) settleSome(ctx context.Context, until int64, freed []string, settled []importClaim) (n int64, err error) {
	if len(freed)+len(settled) == 0 {
		return 0, nil
	}
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		if len(freed) > 0 {
			if n, err = d.exec(ctx, tx, `DELETE FROM {claims} WHERE ref <> '' AND token <> '' AND ref IN ({each}($1))`, jsonOf(freed)); err != nil {
				return err
			}
		}
		if len(settled) == 0 {
			return nil
		}
		more, err := d.exec(ctx, tx, settledAnswers[d.dialect], jsonOf(settled), until)
		n += more
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
