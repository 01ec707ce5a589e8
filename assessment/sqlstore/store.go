package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Store is an [assessment.Store] over the database. Each method is one
// statement, and it is the database's clock that counts.
type Store struct{ d *DB }

var (
	_ assessment.Store  = (*Store)(nil)
	_ assessment.Lookup = (*Store)(nil)
)

// Store returns the intake's store.
func (d *DB) Store() *Store { return &Store{d} }

var errNoToken = errors.New("sqlstore: a claim needs a key and a token")

// mayTake holds where a claimant gets the record c: nobody has answered, and it
// is its own or its lease is over.
const mayTake = `c.answer IS NULL AND (c.token = excluded.token OR c.until <= {now})`

// The reference of an order with a vendor's id is its key and is not stored a
// second time.
const refOfKey = `CASE WHEN ref = '' THEN key ELSE ref END`

// An account that was offboarded gets no record. While it is leaving, orders that
// are known go on.
const claim = `
INSERT INTO {claims} AS c (key, ref, token, until, made)
SELECT CAST($1 AS TEXT), CASE WHEN CAST($1 AS TEXT) = CAST($2 AS TEXT) THEN '' ELSE CAST($2 AS TEXT) END, CAST($3 AS TEXT), {now} + CAST($4 AS BIGINT), {now}
WHERE NOT EXISTS (SELECT 1 FROM {journal} WHERE ref = $5 AND (what = '` + NoteOffboarded + `' OR (what = '` + NoteOffboarding + `'
  AND NOT EXISTS (SELECT 1 FROM {claims} WHERE key = $1) AND NOT EXISTS (SELECT 1 FROM {orders} WHERE ref = $2))))
ON CONFLICT (key) DO UPDATE SET
  token = CASE WHEN ` + mayTake + ` THEN excluded.token ELSE c.token END,
  until = CASE WHEN ` + mayTake + ` THEN excluded.until ELSE c.until END
RETURNING ` + refOfKey + `, token, answer`

const renew = `
UPDATE {claims} SET until = CASE WHEN answer IS NULL THEN {now} + CAST($3 AS BIGINT) ELSE until END
WHERE key = $1 AND (token = $2 OR answer IS NOT NULL)
RETURNING ` + refOfKey + `, token, answer`

// Claim implements [assessment.Store]. For an order whose account was offboarded it
// returns the record of an erased order, and stores nothing.
func (s *Store) Claim(ctx context.Context, c assessment.Claim, lease time.Duration) (assessment.Claim, error) {
	if c.Key == "" || c.Token == "" {
		return assessment.Claim{}, errNoToken
	}
	statement, args := claim, []any{c.Key, c.Ref.String(), c.Token, lease.Milliseconds(), accountRef(c.Ref)}
	if c.Ref.IsZero() {
		statement, args = renew, []any{c.Key, c.Token, lease.Milliseconds()}
	}
	got := assessment.Claim{Key: c.Key}
	var ref string
	found, err := s.d.row(ctx, s.d.db, []any{&ref, &got.Token, &got.Answer}, statement, args...)
	if err != nil {
		return assessment.Claim{}, err
	}
	if !found && !c.Ref.IsZero() {
		return assessment.Claim{Key: c.Key, Ref: c.Ref, Answer: []byte(assessment.ErasedAnswer)}, nil
	}
	if !found {
		return assessment.Claim{}, assessment.ErrClaimLost
	}
	if got.Ref, err = assessment.ParseOrderRef(ref); err != nil {
		return got, err
	}
	if got.Token == c.Token && len(got.Answer) == 0 {
		err = s.d.noteSubject(ctx, got.Ref, c.Candidate)
	}
	return got, err
}

// Answer implements [assessment.Store].
func (s *Store) Answer(ctx context.Context, c assessment.Claim) error {
	n, err := s.d.exec(ctx, s.d.db, `UPDATE {claims} SET answer = $3 WHERE key = $1 AND token = $2 AND token <> ''`,
		c.Key, c.Token, c.Answer)
	if err == nil && n == 0 {
		return assessment.ErrClaimLost
	}
	return err
}

// Expire implements [assessment.Store].
func (s *Store) Expire(ctx context.Context, c assessment.Claim) error {
	_, err := s.d.exec(ctx, s.d.db, `UPDATE {claims} SET until = {now} WHERE key = $1 AND token = $2 AND answer IS NULL`,
		c.Key, c.Token)
	return err
}

// forget frees the natural key of an order. The second condition is that of the
// index, which PostgreSQL cannot infer for a parameter.
const forget = `DELETE FROM {claims} WHERE ref = $1 AND ref <> ''`

// Forget implements [assessment.Store].
func (s *Store) Forget(ctx context.Context, ref assessment.OrderRef) error {
	_, err := s.d.exec(ctx, s.d.db, forget, ref.String())
	return err
}

// eraseClaim blanks the record of an order. A natural key becomes a random one:
// with the old one it could be found out, by trying, who was ordered what.
const eraseClaim = `
UPDATE {claims} SET answer = $2, token = '', key = CASE WHEN ref = '' THEN key ELSE $3 END
WHERE (key = $1 AND ref = '') OR (ref = $1 AND ref <> '')`

// Erase implements [assessment.Store].
func (s *Store) Erase(ctx context.Context, ref assessment.OrderRef) error {
	_, err := s.d.eraseClaim(ctx, s.d.db, ref)
	return err
}

func (d *DB) eraseClaim(ctx context.Context, r runner, ref assessment.OrderRef) (int64, error) {
	return d.exec(ctx, r, eraseClaim, ref.String(), []byte(assessment.ErasedAnswer), assessment.ErasedKey())
}

// lookups ask for many keys with one parameter, which every driver has.
var lookups = map[Dialect]string{
	PostgreSQL: `SELECT key, ` + refOfKey + `, token, answer FROM {claims} WHERE key IN (SELECT json_array_elements_text(CAST($1 AS json)))`,
	SQLite:     `SELECT key, ` + refOfKey + `, token, answer FROM {claims} WHERE key IN (SELECT value FROM json_each($1))`,
}

// Lookup implements [assessment.Lookup].
func (s *Store) Lookup(ctx context.Context, keys []string) (map[string]assessment.Claim, error) {
	found := make(map[string]assessment.Claim, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	err = s.d.rows(ctx, s.d.db, func(scan func(...any) error) error {
		var c assessment.Claim
		var ref string
		if err := scan(&c.Key, &ref, &c.Token, &c.Answer); err != nil {
			return err
		}
		c.Ref, err = assessment.ParseOrderRef(ref)
		found[c.Key] = c
		return err
	}, lookups[s.d.dialect], string(list))
	return found, err
}
