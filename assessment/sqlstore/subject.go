package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// ErrNoSubjectKey: orders cannot be found by candidate without
// [Options.SubjectKey].
var ErrNoSubjectKey = errors.New("sqlstore: no SubjectKey")

// noteSubject notes whose order it is, if it never was in the spool, which has
// that in its own row. It comes after the claim, because only then it is known which
// id an order has whose vendor gives none.
func (d *DB) noteSubject(ctx context.Context, ref assessment.OrderRef, candidate string) error {
	subject := d.subject(ref.Vendor, ref.Connection, ref.Account, candidate)
	if subject == "" {
		return nil
	}
	_, err := d.exec(ctx, d.db, `
INSERT INTO {subjects} (subject, ref, made) SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), {now}
WHERE NOT EXISTS (SELECT 1 FROM {orders} WHERE ref = $2) AND NOT `+hasLeft("$3")+` ON CONFLICT (subject, ref) DO NOTHING`, subject, ref.String(), accountRef(ref))
	return err
}

// subjectRefs are the orders of a person, each once. That no subject is empty is the
// condition of the index.
const subjectRefs = `
SELECT ref, MIN(made) AS made FROM (
  SELECT ref, made FROM {orders} WHERE subject <> '' AND subject IN ({each}($1))
  UNION ALL SELECT ref, made FROM {subjects} WHERE subject IN ({each}($1))) found
GROUP BY ref`

// hashesOf returns what finds the orders of a candidate, the first under the
// account's name of today, the others under those that it had before.
func (d *DB) hashesOf(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]string, error) {
	switch {
	case len(d.options.SubjectKey) == 0:
		return nil, ErrNoSubjectKey
	case candidate == "":
		return nil, invalid("candidate", "required")
	}
	names, err := d.namesOf(ctx, assessment.OrderRef{Vendor: vendor, Connection: connection, Account: account})
	var hashes []string
	for _, n := range names {
		hashes = append(hashes, d.subject(n.Vendor, n.Connection, n.Account, candidate))
	}
	return hashes, err
}

// ordersOf returns the orders of a candidate, the oldest first, and the hashes under
// which they were found. Another customer may have an old name of this one by now.
func (d *DB) ordersOf(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]assessment.OrderRef, []string, error) {
	hashes, err := d.hashesOf(ctx, vendor, connection, account, candidate)
	if err != nil {
		return nil, nil, err
	}
	refs, err := d.refs(ctx, subjectRefs+` ORDER BY 2`, jsonOf(hashes))
	return slices.DeleteFunc(refs, func(ref assessment.OrderRef) bool {
		return ref.Connection != connection || ref.Account != account
	}), hashes, err
}

// EraseSubject erases every order that names the candidate by the vendor's id (or,
// where the vendor gives none, the ATS's), queued, started at once or imported, and
// returns their references, so that the host can erase what it keeps of them. With an
// error it returns those that are erased: another call does not find them any more.
func (d *DB) EraseSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]assessment.OrderRef, error) {
	return d.eraseSubject(ctx, vendor, connection, account, candidate, Detail{})
}

// EraseSubjectBy is [DB.EraseSubject] by hand: the journal says who did it, and why.
func (d *DB) EraseSubjectBy(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string, by Act) ([]assessment.OrderRef, error) {
	if err := by.check(); err != nil {
		return nil, err
	}
	return d.eraseSubject(ctx, vendor, connection, account, candidate, by.detail(0))
}

func (d *DB) eraseSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string, detail Detail) ([]assessment.OrderRef, error) {
	refs, _, err := d.ordersOf(ctx, vendor, connection, account, candidate)
	if err != nil {
		return nil, err
	}
	for i, ref := range refs {
		if _, err := d.eraseOne(ctx, ref, detail); err != nil {
			return refs[:i], err
		}
	}
	return refs, nil
}

// MergeSubject has the orders of one candidate found under the id of another,
// after the vendor found that they are one person. Under the old id, which the
// vendor does not know any more, there are none then. Repeated, it changes nothing.
func (d *DB) MergeSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate, into string) error {
	refs, was, err := d.ordersOf(ctx, vendor, connection, account, candidate)
	if err != nil {
		return err
	}
	if into == "" {
		return invalid("candidate", "required")
	}
	if candidate == into || len(refs) == 0 {
		return nil
	}
	becomes := d.subject(vendor, connection, account, into)
	return d.inTx(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`UPDATE {orders} SET subject = $2 WHERE subject <> '' AND subject IN ({each}($1)) AND ref IN ({each}($3))`,
			`INSERT INTO {subjects} (subject, ref, made) SELECT CAST($2 AS TEXT), ref, made FROM {subjects}
			WHERE subject IN ({each}($1)) AND ref IN ({each}($3)) ON CONFLICT (subject, ref) DO NOTHING`,
			`DELETE FROM {subjects} WHERE subject IN ({each}($1)) AND ref IN ({each}($3)) AND subject <> $2`,
		} {
			if _, err := d.exec(ctx, tx, statement, jsonOf(was), becomes, jsonOf(refs)); err != nil {
				return err
			}
		}
		return nil
	})
}

// SubjectOrder is an order of a candidate, for an access request. [DB.Timeline]
// tells more about it.
type SubjectOrder struct {
	Ref assessment.OrderRef
	// State is "queued", "attention", "started", "rejected", "discarded", or "taken"
	// if the order was started at once.
	State   string
	Made    time.Time // when it was taken
	Results []SubjectResult
}

// SubjectResult is a result of an order, without its content.
type SubjectResult struct {
	State   string // "pending", "written", "skipped", "superseded", "refused", "uncertain", "discarded"
	Final   bool
	Made    time.Time // when it was published
	Settled time.Time // zero while it is pending
	HasBody bool      // its content is still kept
}

// Subject returns the orders that name the candidate, with states and times, the
// oldest first: what is known here of the person, for an access request. Nothing is
// returned of orders that were erased.
func (d *DB) Subject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]SubjectOrder, error) {
	subjects, err := d.hashesOf(ctx, vendor, connection, account, candidate)
	if err != nil {
		return nil, err
	}
	var all []SubjectOrder
	err = d.rows(ctx, d.db, func(scan func(...any) error) error {
		var text string
		var o SubjectOrder
		var r SubjectResult
		var seq, made, final, published, settled, body int64
		if err := scan(&text, &made, &o.State, &seq, &r.State, &final, &published, &settled, &body); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].Ref.String() != text {
			if o.Ref, err = assessment.ParseOrderRef(text); err != nil {
				return err
			}
			if o.Ref.Connection != connection || o.Ref.Account != account {
				return nil // another customer's, who has an old name of this one by now
			}
			o.Made = atMilli(made)
			all = append(all, o)
		}
		if seq == 0 {
			return nil
		}
		r.Final, r.Made, r.Settled, r.HasBody = final == 1, atMilli(published), atMilli(settled), body == 1
		last := &all[len(all)-1]
		last.Results = append(last.Results, r)
		return nil
	}, `SELECT s.ref, s.made, COALESCE(o.state, 'taken'), COALESCE(r.seq, 0), COALESCE(r.state, ''), COALESCE(r.final, 0),
  COALESCE(r.made, 0), COALESCE(r.settled, 0), CASE WHEN r.body IS NULL THEN 0 ELSE 1 END
FROM (`+subjectRefs+`) s LEFT JOIN {orders} o ON o.ref = s.ref LEFT JOIN {results} r ON r.ref = s.ref
ORDER BY s.made, s.ref, r.seq`, jsonOf(subjects))
	return all, err
}
