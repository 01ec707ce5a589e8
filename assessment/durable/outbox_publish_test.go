package durable_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestPublishIsWrittenOnce(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		require.Empty(t, b.due(t, 0))
		require.False(t, b.publish(t, ref, final("end")).Duplicate)
		require.Equal(t, []string{"1"}, b.due(t, 0))
		require.Empty(t, b.due(t, time.Minute), "too young for a sweep")

		require.Equal(t, sqlstore.Flushed{Settled: 1}, b.flush(t, ref))
		require.Equal(t, sqlstore.Flushed{}, b.flush(t, ref))
		require.Equal(t, sqlstore.Flushed{}, b.flush(t, komboRef("unknown")))
		require.Equal(t, []string{"end"}, b.vendor.summaries())
		require.Equal(t, "written", b.states(t, ref))
		require.Empty(t, b.due(t, 0))
		require.Equal(t, []string{sqlstore.NotePublished, sqlstore.NoteWritten}, b.notes(t, ref))
		require.Equal(t, ref, b.vendor.got[0].ref)
	})
}

func TestPublishDedupe(t *testing.T) {
	score := func(v float64) assessment.Result {
		return assessment.Result{Status: assessment.StatusInProgress, Score: assessment.ScoreOutOf(v, 100)}
	}
	for name, c := range map[string]struct {
		messages []sqlstore.Message
		rows     int
		last     error
	}{
		"same id, same content":            {[]sqlstore.Message{{Result: score(80), DedupeID: "a"}, {Result: score(80), DedupeID: "a"}}, 1, nil},
		"same id, other content":           {[]sqlstore.Message{{Result: score(80), DedupeID: "a"}, {Result: score(90), DedupeID: "a"}}, 1, sqlstore.ErrDedupeConflict},
		"other id, same content":           {[]sqlstore.Message{{Result: score(80), DedupeID: "a"}, {Result: score(80), DedupeID: "b"}}, 2, nil},
		"an id like our own":               {[]sqlstore.Message{{Result: score(80), DedupeID: "rejection"}, {Result: score(80), DedupeID: "next/"}}, 2, nil},
		"same time, same content":          {[]sqlstore.Message{{Result: at(score(80), noon)}, {Result: at(score(80), noon)}}, 1, nil},
		"same time, other content":         {[]sqlstore.Message{{Result: at(score(80), noon)}, {Result: at(score(90), noon)}}, 2, nil},
		"other time, same content":         {[]sqlstore.Message{{Result: at(score(80), noon)}, {Result: at(score(80), noon.Add(1))}}, 2, nil},
		"a time comes back":                {[]sqlstore.Message{{Result: at(score(80), noon)}, {Result: score(90)}, {Result: at(score(80), noon)}}, 2, nil},
		"no time, the newest again":        {[]sqlstore.Message{{Result: score(80)}, {Result: score(80)}}, 1, nil},
		"no time, there and back":          {[]sqlstore.Message{{Result: score(80)}, {Result: score(90)}, {Result: score(80)}}, 3, nil},
		"no time, there and back and back": {[]sqlstore.Message{{Result: score(80)}, {Result: score(90)}, {Result: score(80)}, {Result: score(80)}}, 3, nil},
		"invalid":                          {[]sqlstore.Message{{Result: assessment.Result{Status: "?"}}}, 0, assessment.ErrInvalid},
		"bytes":                            {[]sqlstore.Message{{Result: withBytes(65 << 10)}}, 0, assessment.ErrInvalid},
		"few bytes":                        {[]sqlstore.Message{{Result: withBytes(64 << 10)}}, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newBench(t, d)
				var err error
				for i, m := range c.messages {
					m.Ref = komboRef("1")
					_, err = b.outbox.Publish(t.Context(), m)
					if i < len(c.messages)-1 {
						require.NoError(t, err)
					}
				}
				require.ErrorIs(t, err, c.last)
				require.Len(t, strings.Fields(b.states(t, komboRef("1"))), c.rows)
			})
		})
	}
}

func withBytes(n int) assessment.Result {
	r := final("with a file")
	r.Attachments = []assessment.Attachment{{Name: "a.pdf", ContentType: "application/pdf", Data: make([]byte, n)}}
	return r
}

// A host that asks again on two replicas at once has one row.
func TestPublishAtOnce(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.publish(t, komboRef("1"), interim("before"))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				_, err := b.outbox.Publish(context.WithoutCancel(t.Context()), sqlstore.Message{Ref: komboRef("1"), Result: final("end")})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Equal(t, "pending pending", b.states(t, komboRef("1")))
	})
}

func TestPublishResultAnswersQueued(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		receipt, err := b.outbox.PublishResult(t.Context(), komboRef("1"), final("end"))
		require.NoError(t, err)
		require.Equal(t, assessment.Receipt{Outcome: assessment.ResultQueued}, receipt)
		require.Empty(t, b.vendor.summaries())
		_, err = b.outbox.PublishResult(t.Context(), komboRef("1"), assessment.Result{})
		require.ErrorIs(t, err, assessment.ErrInvalid)
		_, err = b.outbox.PublishResult(t.Context(), assessment.OrderRef{}, final("end"))
		require.ErrorIs(t, err, assessment.ErrInvalid)
	})
}

// A rejection bears the time at which it was given, so it is told once, however
// it comes.
func TestPublishRejectionOnce(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		no := assessment.Rejection{Message: "no seats", At: noon}
		for range 3 {
			_, err := b.outbox.PublishResult(t.Context(), komboRef("1"), no.Result())
			require.NoError(t, err)
		}
		require.Equal(t, "pending", b.states(t, komboRef("1")))
		// A host that cancels an order twice, for different reasons, means both.
		no.Message = "cancelled by us"
		_, err := b.outbox.PublishResult(t.Context(), komboRef("1"), no.Result())
		require.NoError(t, err)
		require.Equal(t, "pending pending", b.states(t, komboRef("1")))
	})
}

func TestPublishTx(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		tx, err := b.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = b.outbox.PublishTx(t.Context(), tx, sqlstore.Message{Ref: komboRef("1"), Result: final("never")})
		require.NoError(t, err)
		require.NoError(t, tx.Rollback())
		require.Empty(t, b.due(t, 0))
		require.Empty(t, b.states(t, komboRef("1")))

		tx, err = b.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for _, m := range []sqlstore.Message{
			{Ref: komboRef("1"), Result: final("end"), DedupeID: "a"},
			{Ref: komboRef("1"), Result: final("end"), DedupeID: "a"}, // a duplicate does not break the transaction
			{Ref: komboRef("2"), Result: final("other")},
		} {
			_, err = b.outbox.PublishTx(t.Context(), tx, m)
			require.NoError(t, err)
		}
		require.NoError(t, tx.Commit())
		require.Equal(t, []string{"1", "2"}, b.due(t, 0))
	})
}

// PostgreSQL numbers a row when it is inserted, not when it is committed.
func TestFinalCommittedLate(t *testing.T) {
	b := newBench(t, newPostgres(t))
	ref := komboRef("1")
	tx, err := b.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = b.outbox.PublishTx(t.Context(), tx, sqlstore.Message{Ref: ref, Result: final("end")})
	require.NoError(t, err)
	b.publish(t, ref, interim("started"))
	b.flush(t, ref)
	require.Equal(t, []string{"started"}, b.vendor.summaries())

	require.NoError(t, tx.Commit())
	b.publish(t, ref, interim("too late"))
	b.flush(t, ref)
	require.Equal(t, []string{"started", "end"}, b.vendor.summaries())
	require.Equal(t, "written written superseded", b.states(t, ref))
}

// Of interims that are committed late the newer one stands.
func TestInterimCommittedLate(t *testing.T) {
	b := newBench(t, newPostgres(t))
	ref := komboRef("1")
	tx, err := b.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = b.outbox.PublishTx(t.Context(), tx, sqlstore.Message{Ref: ref, Result: interim("first")})
	require.NoError(t, err)
	b.publish(t, ref, interim("second"))
	b.flush(t, ref)
	require.NoError(t, tx.Commit())
	b.flush(t, ref)
	require.Equal(t, []string{"second"}, b.vendor.summaries())
	require.Equal(t, "superseded written", b.states(t, ref))
	require.Empty(t, b.due(t, 0))
}
