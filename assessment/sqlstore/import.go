package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// ImportState is how far an order had come in the system that it is imported
// from.
type ImportState string

// The states of imported orders.
const (
	// ImportRunning: the provider took it, and its final result is not written.
	ImportRunning ImportState = "running"
	// ImportFinal: the vendor has its final result.
	ImportFinal ImportState = "final"
	// ImportRejected: the provider said no, and the vendor knows.
	ImportRejected ImportState = "rejected"
)

// ranks say which state is further; of an order that is imported twice, the
// furthest counts.
var ranks = map[ImportState]int{ImportRunning: 1, ImportFinal: 2, ImportRejected: 2}

// Imported is an order of another system.
type Imported struct {
	// Ref is the reference under which the vendor delivers the order, or knows it:
	// for Ashby ID is the assessment_id that was answered to its start. Required.
	Ref assessment.OrderRef
	// State is how far it has come; required.
	State ImportState
	// Dedupe is what a repetition has in common with the order where the vendor
	// gives no id; package ashby makes it of its application, candidate and
	// package (ashby.Dedupe). Of several running orders with the same parts, the
	// one imported first is what a repetition gets, so give the newest first.
	Dedupe []string
	// Candidate is the vendor's id of the candidate (where it gives none, the ATS's),
	// so that [DB.EraseSubject] and [DB.Subject] find the order. Only its hash is
	// stored, and that only with [Options.SubjectKey].
	Candidate string
	// Started is what the provider answered, as far as that is known: a repeated
	// delivery of a running order is answered with it. A running inline order without
	// its CandidateURL is answered with a fault, and not started. Of orders that have
	// ended it is not kept; see [assessment.Claim.Settled].
	Started assessment.Started
	// Rejection is what the recruiter was told of a rejected order.
	Rejection string
	// At is when the provider answered; the time of the import if zero.
	At time.Time
	// Written is when the vendor got the last result: a later one is stamped after
	// it. Zero: of a final, the time of the import; of others there was none.
	Written time.Time
}

// String describes the order without its links and its candidate.
func (i Imported) String() string { return fmt.Sprintf("imported %s (%s)", i.Ref, i.State) }

// Format implements [fmt.Formatter]: every verb prints [Imported.String].
func (i Imported) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(i.String())) }

// LogValue implements [slog.LogValuer] without links and candidate.
func (i Imported) LogValue() slog.Value { return slog.StringValue(i.String()) }

// ImportOptions configures [DB.Import].
type ImportOptions struct {
	// KeySecret has to be [assessment.IntakeConfig.KeySecret] of the intake that
	// orders come to later.
	KeySecret string
	// DryRun checks and counts, and stores nothing.
	DryRun bool
	// Skip passes over that many records: [ImportReport.Done] of an import that was
	// cut off. It saves time only; whatever is imported again changes nothing.
	Skip int
	// Batch is how many records a transaction takes; [DefaultImportBatch] if zero.
	Batch int
	// Progress, if set, is called after every transaction.
	Progress func(ImportReport)
	// Refused, if set, is called for every record that is not imported.
	Refused func(*ImportError)
}

// DefaultImportBatch is [ImportOptions.Batch] unless set.
const DefaultImportBatch = 1000

// ImportReport counts the records of an import.
type ImportReport struct {
	// Done is how many records of the source are dealt with, those skipped and
	// refused included: where to go on.
	Done int
	// New were unknown. Advanced were imported before and had come further since.
	New, Advanced int
	// Known were imported before, or came through the vendor. Their own state stays;
	// only that the vendor has a final result is noted for these too.
	Known int
	// Erased were erased here; nothing of them was stored again.
	Erased int
	// KeyTaken are running orders whose Dedupe belongs to another order, which is
	// what a repetition gets. They are imported all the same.
	KeyTaken int
	// Refused were not imported.
	Refused int
}

// ImportError is a record that was not imported.
type ImportError struct {
	// Number is the record's place in the source, from 1.
	Number int
	// Ref is the order, as far as it was readable.
	Ref assessment.OrderRef
	// Err is the source's own error, a [*assessment.ValidationError], or
	// [ErrOffboarded].
	Err error
}

// Error names the record and what is wrong with it.
func (e *ImportError) Error() string { return fmt.Sprintf("record %d: %v", e.Number, e.Err) }

// Unwrap returns Err.
func (e *ImportError) Unwrap() error { return e.Err }

// Import records orders of another system, so that this one goes on where that one
// stopped: a redelivery starts nothing and is answered as replayed, no interim
// result follows a final that the vendor has, and a repetition without a vendor's
// id gets the old one. Nothing is started, written or told to anybody.
//
// Records that cannot be taken, and errors of the source, do not hold up the
// others: they are counted, and the error, an [*ImportError], is the first of them.
// Any other error is the database's or ctx's; then [ImportReport.Done] records are
// dealt with. Import again from there, or from the beginning: an order that is known
// stays as it is, unless it was imported and has come further since. So an import
// before the cut-over and another one at it are fine.
//
// It is a method of [DB] because it writes the tables of all the others; the host
// needs neither an intake nor a publisher for it.
func (d *DB) Import(ctx context.Context, records iter.Seq2[Imported, error], o ImportOptions) (ImportReport, error) {
	if o.Skip < 0 || o.Batch < 0 {
		return ImportReport{}, errors.New("sqlstore: import with a negative Skip or Batch")
	}
	if o.Batch == 0 {
		o.Batch = DefaultImportBatch
	}
	if records == nil {
		return ImportReport{}, errors.New("sqlstore: import without records")
	}
	now, err := d.Now(ctx)
	if err != nil {
		return ImportReport{}, err
	}
	m := importer{d: d, options: o, latest: now.Add(clockSkew)}
	number := 0
	for r, err := range records {
		if number++; number <= o.Skip {
			m.report.Done = number
			continue
		}
		m.take(number, r, err)
		if number-m.report.Done < o.Batch {
			continue
		}
		if err := m.flush(ctx, number); err != nil {
			return m.report, err
		}
	}
	if err := m.flush(ctx, number); err != nil {
		return m.report, err
	}
	if m.first != nil {
		return m.report, fmt.Errorf("sqlstore: import: %d of %d records refused, the first: %w", m.report.Refused, number, m.first)
	}
	return m.report, nil
}

// clockSkew is how far ahead of the database another system's clock may be. What is
// further ahead is no time: results would be stamped after it.
const clockSkew = 24 * time.Hour

// importer gathers records to batches.
type importer struct {
	d       *DB
	options ImportOptions
	latest  time.Time // no order has a later time
	report  ImportReport
	batch   []importRow
	refused []*ImportError // of the batch
	first   *ImportError
}

// importRow is a record as it goes to the database, which reads it as JSON.
type importRow struct {
	Ref     string `json:"ref"`
	Route   string `json:"route"`
	Subject string `json:"subject"`
	State   string `json:"state"` // of the order
	Made    int64  `json:"made"`
	Final   int    `json:"final"`
	Written int64  `json:"written"`
	scope   string // see accountRef
	number  int
	rank    int
	natural string // the key that a repetition has
	known   bool   // it came through the vendor: its own state stays
	claims  []importClaim
}

type importClaim struct {
	Key    string `json:"key"`
	Ref    string `json:"ref"` // empty if it is the key
	Answer string `json:"answer"`
}

func (m *importer) take(number int, r Imported, err error) {
	var row importRow
	if err == nil {
		row, err = m.row(r)
	}
	if err != nil {
		m.refused = append(m.refused, &ImportError{Number: number, Ref: r.Ref, Err: err})
		return
	}
	row.number = number
	m.batch = append(m.batch, row)
}

func (m *importer) row(r Imported) (importRow, error) {
	rank := ranks[r.State]
	switch {
	case rank == 0:
		return importRow{}, invalid("state", "none of running, final, rejected")
	case m.impossible(r.At):
		return importRow{}, invalid("at", "before 1970, or in the future")
	case m.impossible(r.Written):
		return importRow{}, invalid("written", "before 1970, or in the future")
	}
	past := assessment.PastOrder{
		Ref: r.Ref, Dedupe: r.Dedupe, Started: r.Started, At: r.At, Ended: r.State == ImportFinal,
	}
	row := importRow{
		Ref: r.Ref.String(), Route: routeOf(r.Ref), scope: accountRef(r.Ref), State: orderStarted, Made: milli(r.At), Written: milli(r.Written),
		Subject: m.d.subject(r.Ref.Vendor, r.Ref.Connection, r.Ref.Account, r.Candidate), Final: int(intOf(r.State != ImportRunning)), rank: rank,
	}
	if r.State == ImportRejected {
		past.Rejected, row.State = &assessment.Rejection{Message: r.Rejection}, orderRejected
	}
	claims, err := past.Claims(m.options.KeySecret)
	for _, c := range claims {
		claim := importClaim{Key: c.Key, Ref: c.Ref.String(), Answer: string(c.Answer)}
		if claim.Ref == claim.Key {
			claim.Ref = ""
		} else {
			row.natural = c.Key
		}
		row.claims = append(row.claims, claim)
	}
	return row, err
}

// impossible says whether t is no time at which something was done: before 1970,
// where the database's milliseconds begin, or in the future.
func (m *importer) impossible(t time.Time) bool {
	return !t.IsZero() && (t.UnixMilli() <= 0 || t.After(m.latest))
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// flush stores what was gathered, up to the record done.
func (m *importer) flush(ctx context.Context, done int) error {
	if err := m.refuseLeft(ctx); err != nil {
		return err
	}
	next := m.report
	rows := furthest(m.batch)
	next.Known += len(m.batch) - len(rows) // twice in one batch
	if len(rows) > 0 {
		err := m.d.inTx(ctx, func(tx *sql.Tx) error {
			todo, err := m.d.sift(ctx, tx, rows, &next)
			if err != nil || m.options.DryRun || len(todo) == 0 {
				return err
			}
			return m.d.storeImported(ctx, tx, todo)
		})
		if err != nil {
			return err
		}
	}
	next.Refused += len(m.refused)
	next.Done = done
	m.report = next
	m.tell()
	m.batch, m.refused = m.batch[:0], nil
	return nil
}

// refuseLeft takes the orders of accounts out that were offboarded.
func (m *importer) refuseLeft(ctx context.Context) error {
	if len(m.batch) == 0 {
		return nil
	}
	scopes := make(map[string]bool)
	for _, r := range m.batch {
		scopes[r.scope] = true
	}
	left := make(map[string]bool)
	if err := m.d.rows(ctx, m.d.db, func(scan func(...any) error) error {
		var scope string
		err := scan(&scope)
		left[scope] = true
		return err
	}, `SELECT ref FROM {journal} WHERE ref IN ({each}($1)) AND what IN ('`+NoteOffboarding+`', '`+NoteOffboarded+`')`,
		jsonOf(slices.Collect(maps.Keys(scopes)))); err != nil {
		return err
	}
	m.batch = slices.DeleteFunc(m.batch, func(r importRow) bool {
		if !left[r.scope] {
			return false
		}
		ref, _ := assessment.ParseOrderRef(r.Ref) // is the text of one
		m.refused = append(m.refused, &ImportError{Number: r.number, Ref: ref, Err: ErrOffboarded})
		return true
	})
	slices.SortStableFunc(m.refused, func(a, b *ImportError) int { return a.Number - b.Number })
	return nil
}

func (m *importer) tell() {
	for _, e := range m.refused {
		if m.first == nil {
			m.first = e
		}
		if m.options.Refused != nil {
			m.options.Refused(e)
		}
	}
	if m.options.Progress != nil {
		m.options.Progress(m.report)
	}
}

// furthest leaves one row for each order, and one order for each key.
func furthest(batch []importRow) []importRow {
	at := make(map[string]int, len(batch))
	var rows []importRow
	for _, r := range batch {
		i, again := at[r.Ref]
		if !again {
			at[r.Ref] = len(rows)
			rows = append(rows, r)
		} else if r.rank > rows[i].rank {
			rows[i] = r
		}
	}
	return rows
}

// reasonImported marks the orders that were imported, and reasonErased those of
// which nothing may be stored again.
const (
	reasonImported = "imported"
	reasonErased   = "erased"
)

// sift counts what is known of rows and returns those to store.
func (d *DB) sift(ctx context.Context, tx *sql.Tx, rows []importRow, report *ImportReport) ([]importRow, error) {
	known, err := d.knownOrders(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	holders, err := d.holders(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	var todo []importRow
	for _, r := range rows {
		have := known[r.Ref]
		switch {
		case !have.taken:
			report.New++
		case have.reason == reasonErased:
			report.Erased++
			continue
		case have.reason == reasonImported && r.rank > have.rank:
			report.Advanced++
		default:
			report.Known++
			if have.reason == reasonImported {
				continue
			}
			r.known = true
		}
		if r.natural != "" && (r.known || have.rank == ranks[ImportFinal]) {
			r.natural, r.claims = "", nil // it has its key, or had it, here
		}
		if holder, held := holders[r.natural]; held && r.natural != "" && holder != r.Ref {
			report.KeyTaken++
			r.claims = nil
		} else if r.natural != "" {
			holders[r.natural] = r.Ref
		}
		todo = append(todo, r)
	}
	return todo, nil
}

// knownOrder is what the tables say of an order.
type knownOrder struct {
	taken  bool // it was imported, or came through the vendor
	reason string
	rank   int // above that of a running order if the vendor has its final result
}

// knowing finds what is known of orders. Those that were started at once are not in
// the spool. Where the vendor gives no id their end has removed the claim as well, and
// of others only the results may have been published here; then there is the lane.
const knowing = `
SELECT ref, 1, reason, -1 FROM {orders} WHERE ref IN ({each}($1))
UNION ALL SELECT key, 1, ` + erasedReason + `, -1 FROM {claims} c WHERE ref = '' AND key IN ({each}($1))
  AND NOT EXISTS (SELECT 1 FROM {orders} o WHERE o.ref = c.key)
UNION ALL SELECT ref, 1, ` + erasedReason + `, -1 FROM {claims} c WHERE ref <> '' AND ref IN ({each}($1))
  AND NOT EXISTS (SELECT 1 FROM {orders} o WHERE o.ref = c.ref)
UNION ALL SELECT ref, 0, '', final_seq FROM {lanes} WHERE ref IN ({each}($1))`

const erasedReason = `CASE WHEN answer = CAST('` + assessment.ErasedAnswer + `' AS {bytes}) THEN '` + reasonErased + `' ELSE '' END`

func (d *DB) knownOrders(ctx context.Context, tx *sql.Tx, rows []importRow) (map[string]knownOrder, error) {
	refs := make([]string, len(rows))
	for i, r := range rows {
		refs[i] = r.Ref
	}
	known := make(map[string]knownOrder)
	err := d.rows(ctx, tx, func(scan func(...any) error) error {
		var ref, reason string
		var taken, final int64
		err := scan(&ref, &taken, &reason, &final)
		k := known[ref]
		k.taken, k.reason, k.rank = k.taken || taken == 1, cmp.Or(k.reason, reason), max(k.rank, ranks[ImportRunning])
		if final >= 0 {
			k.rank = ranks[ImportFinal]
		}
		known[ref] = k
		return err
	}, knowing, jsonOf(refs))
	return known, err
}

// unanswered holds for a claim that nobody has and nobody has answered: a start that
// failed, of an order that turns out to run elsewhere.
const unanswered = `(c.answer IS NULL AND c.until <= {now})`

// holders returns which order has each natural key.
func (d *DB) holders(ctx context.Context, tx *sql.Tx, rows []importRow) (map[string]string, error) {
	var keys []string
	for _, r := range rows {
		if r.natural != "" {
			keys = append(keys, r.natural)
		}
	}
	holders := make(map[string]string, len(keys))
	if len(keys) == 0 {
		return holders, nil
	}
	err := d.rows(ctx, tx, func(scan func(...any) error) error {
		var key, ref string
		err := scan(&key, &ref)
		holders[key] = ref
		return err
	}, `SELECT key, ref FROM {claims} c WHERE key IN ({each}($1)) AND NOT `+unanswered, jsonOf(keys))
	return holders, err
}

// The statements of an import. Each takes a whole batch as one JSON parameter,
// which every driver has; given makes rows of it.
const (
	importOrders = `
INSERT INTO {orders} AS o (ref, route, account, subject, form, body, state, reason, tries, faulted, due, token, until, made, settled)
SELECT ref, route, '', subject, %d, NULL, state, '` + reasonImported + `', 0, 0, 0, '', 0,
  CASE WHEN made > 0 THEN made ELSE {now} END, {now}
FROM %s WHERE TRUE
ON CONFLICT (ref) DO UPDATE SET state = excluded.state, settled = excluded.settled WHERE o.reason = '` + reasonImported + `'`

	// The end of an order frees its natural key, and drops its links. The record of an
	// erased order stays.
	importFreed = `
DELETE FROM {claims} WHERE token <> '' AND ref <> '' AND ref IN ({each}($1))`
	importClaims = `
INSERT INTO {claims} AS c (key, ref, token, until, answer, made)
SELECT key, ref, '` + assessment.PastToken + `', 0, %s, {now} FROM %s WHERE TRUE
ON CONFLICT (key) DO UPDATE SET answer = excluded.answer, ref = excluded.ref, token = excluded.token
WHERE c.token = '` + assessment.PastToken + `' AND c.ref = excluded.ref OR ` + unanswered

	// A final that the vendor has is before the first row of this outbox.
	importLanes = `
INSERT INTO {lanes} AS l (ref, token, until, written_seq, final_seq, sent_seq, sent_at, crashes)
SELECT ref, '', 0, 0, CASE WHEN final = 1 THEN 0 ELSE -1 END, 0, CASE WHEN written > 0 THEN written ELSE {now} END, 0
FROM %s WHERE final = 1 OR written > 0
ON CONFLICT (ref) DO UPDATE SET
  final_seq = CASE WHEN excluded.final_seq > l.final_seq THEN excluded.final_seq ELSE l.final_seq END,
  sent_at = CASE WHEN excluded.sent_at > l.sent_at THEN excluded.sent_at ELSE l.sent_at END`
)

// given are the rows of a JSON list, as a table.
var given = map[Dialect]struct{ orders, claims, bytes string }{
	PostgreSQL: {
		`json_to_recordset(CAST($1 AS json)) AS g(ref TEXT, route TEXT, subject TEXT, state TEXT, made BIGINT, final INTEGER, written BIGINT)`,
		`json_to_recordset(CAST($1 AS json)) AS g(key TEXT, ref TEXT, answer TEXT)`,
		`convert_to(answer, 'UTF8')`,
	},
	SQLite: {
		`(SELECT value->>'ref' AS ref, value->>'route' AS route, value->>'subject' AS subject, value->>'state' AS state,
		value->>'made' AS made, value->>'final' AS final, value->>'written' AS written FROM json_each($1)) AS g`,
		`(SELECT value->>'key' AS key, value->>'ref' AS ref, value->>'answer' AS answer FROM json_each($1)) AS g`,
		`CAST(answer AS BLOB)`,
	},
}

func (d *DB) storeImported(ctx context.Context, tx *sql.Tx, rows []importRow) error {
	var claims []importClaim
	var ended []string
	var fresh []importRow
	for _, r := range rows {
		claims = append(claims, r.claims...)
		if !r.known {
			fresh = append(fresh, r)
		}
		if r.Final == 1 {
			ended = append(ended, r.Ref)
		}
	}
	as := given[d.dialect]
	for _, step := range []struct {
		statement string
		list      any
		n         int
	}{
		{fmt.Sprintf(importOrders, orderForm, as.orders), fresh, len(fresh)},
		{importFreed, ended, len(ended)},
		{fmt.Sprintf(importClaims, as.bytes, as.claims), claims, len(claims)},
		{fmt.Sprintf(importLanes, as.orders), rows, len(rows)},
	} {
		if step.n == 0 {
			continue
		}
		if _, err := d.exec(ctx, tx, step.statement, jsonOf(step.list)); err != nil {
			return err
		}
	}
	return nil
}
