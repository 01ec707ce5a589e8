package sqlstore

import (
	"database/sql"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestOpenRefuses(t *testing.T) {
	db := new(sql.DB)
	for name, c := range map[string]struct {
		db      *sql.DB
		dialect Dialect
		schema  string
		ok      bool
	}{
		"no database":          {nil, SQLite, "", false},
		"no dialect":           {db, "", "", false},
		"another dialect":      {db, "mysql", "", false},
		"SQLite":               {db, SQLite, "", true},
		"SQLite, schema":       {db, SQLite, "a", false},
		"PostgreSQL":           {db, PostgreSQL, "", true},
		"PostgreSQL, schema":   {db, PostgreSQL, "Bridge_2", true},
		"PostgreSQL, quoted":   {db, PostgreSQL, `a"; DROP`, false},
		"PostgreSQL, dots":     {db, PostgreSQL, "a.b", false},
		"PostgreSQL, too long": {db, PostgreSQL, strings.Repeat("a", 64), false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Open(c.db, c.dialect, Options{Schema: c.schema})
			require.Equal(t, c.ok, err == nil, "%v", err)
			require.Equal(t, c.ok, d != nil)
		})
	}
}

func TestOutboxRefuses(t *testing.T) {
	d, err := Open(new(sql.DB), SQLite, Options{})
	require.NoError(t, err)
	good, err := d.Outbox(OutboxConfig{Publisher: new(Outbox)})
	require.NoError(t, err)
	require.Equal(t, DefaultLaneLease, good.lease)
	require.Equal(t, DefaultCallTimeout, good.timeout)
	for name, c := range map[string]OutboxConfig{
		"no publisher":     {},
		"lease too short":  {Publisher: good, Lease: 90 * time.Second},
		"negative timeout": {Publisher: good, CallTimeout: -1},
	} {
		_, err := d.Outbox(c)
		require.Error(t, err, name)
	}
}

// Every name and every parameter of a statement has to be replaced: what the
// schema has must be a table that Open knows, in the schema that it was given.
func TestSchemaText(t *testing.T) {
	made := regexp.MustCompile(`(?m)^CREATE TABLE (\S+) \($`)
	for dialect, schema := range map[Dialect]string{PostgreSQL: "", SQLite: ""} {
		text, err := Schema(dialect, schema)
		require.NoError(t, err)
		require.NotContains(t, text, "{")
		var found []string
		for _, m := range made.FindAllStringSubmatch(text, -1) {
			found = append(found, strings.TrimPrefix(m[1], "assessbridge_"))
		}
		require.Equal(t, tables, found)
		require.Contains(t, text, "INSERT INTO assessbridge_meta (id, version, min_reader) VALUES (1, 2, 1)")
	}
	text, err := Schema(PostgreSQL, "bridge")
	require.NoError(t, err)
	require.Contains(t, text, `CREATE TABLE "bridge".assessbridge_claims (`)
	require.Contains(t, text, `CREATE INDEX assessbridge_claims_ref ON "bridge".assessbridge_claims (ref)`)
	_, err = Schema(SQLite, "bridge")
	require.Error(t, err)
}

func TestStatementText(t *testing.T) {
	d, err := Open(new(sql.DB), SQLite, Options{Now: "42"})
	require.NoError(t, err)
	require.Equal(t, "SELECT (42) FROM assessbridge_claims WHERE key = ?1 AND ref = ?12",
		d.text("SELECT {now} FROM {claims} WHERE key = $1 AND ref = $12"))
	d, err = Open(new(sql.DB), PostgreSQL, Options{Now: "42", Schema: "s"})
	require.NoError(t, err)
	require.Equal(t, `SELECT (42) FROM "s".assessbridge_claims WHERE key = $1`, d.text("SELECT {now} FROM {claims} WHERE key = $1"))
}

// Route and account names are in rows and in jobs, so they do not change.
func TestRouteText(t *testing.T) {
	require.Equal(t, "kombo", Route(assessment.Kombo, ""))
	require.Equal(t, "kombo/eu", Route(assessment.Kombo, "eu"))
	require.Equal(t, "kombo/e%2Fu", Route(assessment.Kombo, "e/u"))
	require.Equal(t, "workday:abc", Account("workday:abc"))
	require.Equal(t, "a%2Fb%00", Account("a/b\x00"))
	require.Empty(t, Account(""))
}

// Keys and digests are in rows: a repetition has to be told by later releases.
func TestRowKeys(t *testing.T) {
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: "workday:a", ID: "1"}
	result := assessment.Result{Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(87.4, 100)}
	dated := result
	dated.At = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const body = `{"status":"completed","score":{"value":87.4,"max":100}}`
	for name, c := range map[string]struct {
		m      Message
		key    keying
		dedupe string
	}{
		"by the host's id": {Message{Ref: ref, Result: result, DedupeID: "attempt 7"}, keyed, "id/6b984023afe8457ff12a28e4e8c3801e"},
		"by content":       {Message{Ref: ref, Result: dated}, keyed, "at/183931144c0896ba8f0f93b5d35c068b"},
		"by neighbour":     {Message{Ref: ref, Result: result}, keyed, "next/3a8a801a9b26754bf7345b9dea14d1cb/"},
		"a correction":     {Message{Ref: ref, Result: result}, correcting, "correct/3a8a801a9b26754bf7345b9dea14d1cb/"},
		"a rejection":      {Message{Ref: ref, Result: result}, rejecting, "rejection"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := newRow(c.m, c.key)
			require.NoError(t, err)
			require.Equal(t, "kombo///workday:a/1", r.ref)
			require.True(t, r.final)
			if c.m.Result.At.IsZero() {
				require.Equal(t, body, r.body)
			}
			require.Equal(t, c.dedupe, r.dedupe)
		})
	}
}

func TestBackoff(t *testing.T) {
	for tries, most := range map[int]time.Duration{0: 2 * time.Second, 1: 4 * time.Second, 5: 64 * time.Second, 9: 15 * time.Minute, 1000: 15 * time.Minute} {
		for range 20 {
			require.LessOrEqual(t, backoff(tries), most)
			require.GreaterOrEqual(t, backoff(tries), most/2)
		}
	}
}
