package durable_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

func TestPendingInterimsShrink(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		for _, s := range []string{"a", "b", "c"} {
			b.publish(t, ref, interim(s))
		}
		b.flush(t, ref)
		require.Equal(t, []string{"c"}, b.vendor.summaries())
		b.publish(t, ref, interim("d"))
		b.publish(t, ref, final("end"))
		b.publish(t, ref, interim("after"))
		b.flush(t, ref)
		b.publish(t, ref, interim("long after"))
		b.flush(t, ref)
		require.Equal(t, []string{"c", "end"}, b.vendor.summaries())
		require.Equal(t, "superseded superseded written superseded written superseded superseded", b.states(t, ref))
		require.Empty(t, b.due(t, 0))
		require.Empty(t, b.text(t, "SELECT body FROM "+b.table("results")+" WHERE state = 'superseded' AND body IS NOT NULL"))
	})
}

// A score that goes there and back is written three times, and two finals that
// wait become the newer one.
func TestThereAndBack(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		for _, s := range []string{"80", "90", "80"} {
			b.publish(t, ref, final(s))
			b.flush(t, ref)
		}
		require.Equal(t, []string{"80", "90", "80"}, b.vendor.summaries())
		b.publish(t, ref, final("70"))
		b.publish(t, ref, final("75"))
		b.flush(t, ref)
		require.Equal(t, []string{"80", "90", "80", "75"}, b.vendor.summaries())
	})
}

// The times of finals rise, whatever the host says: a vendor that orders by time
// would drop one that is older than what it has.
func TestTimesRise(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := ashbyRef("1")
		for _, r := range []assessment.Result{
			at(interim("interim"), noon),
			at(final("an hour older"), noon.Add(-time.Hour)),
		} {
			b.publish(t, ref, r)
			b.flush(t, ref)
		}
		for _, when := range []time.Time{noon.Add(-time.Hour), noon.Add(-2 * time.Hour), noon.Add(-time.Hour)} {
			_, err := b.outbox.Correct(t.Context(), sqlstore.Message{Ref: ref, Result: at(final(when.String()), when)}, operator)
			require.NoError(t, err)
			b.flush(t, ref)
		}
		require.Equal(t, "written written written written written", b.states(t, ref))
		for i, s := range b.vendor.got {
			require.Equal(t, noon.Add(time.Duration(i)*time.Millisecond), s.r.At)
		}
		_, err := b.outbox.Correct(t.Context(), sqlstore.Message{Ref: ref, Result: interim("no")}, operator)
		require.ErrorIs(t, err, assessment.ErrInvalid)
		require.Contains(t, b.notes(t, ref), sqlstore.NoteCorrected)
	})
}

// An interim that is older than one that was written stays unsent, also where no
// process remembers the newer one; the lane goes on behind it.
func TestOlderInterim(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := ashbyRef("1")
		for _, r := range []assessment.Result{
			at(interim("newer"), noon),
			at(interim("older"), noon.Add(-time.Minute)),
			at(interim("of the same time"), noon),
		} {
			b.publish(t, ref, r)
			b.flush(t, ref)
		}
		require.Equal(t, "written skipped written", b.states(t, ref))
		require.Equal(t, []string{"newer", "of the same time"}, b.vendor.summaries())
		require.Equal(t, noon.Add(time.Millisecond), b.vendor.got[1].r.At)
	})
}

// Older than one that the vendor refused is no reason to stay unsent.
func TestOlderThanRefused(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := ashbyRef("1")
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422, Class: assessment.ErrInvalid})
		b.publish(t, ref, at(interim("refused"), noon))
		b.flush(t, ref)
		b.vendor.says(written, nil)
		b.publish(t, ref, at(interim("older"), noon.Add(-time.Minute)))
		b.flush(t, ref)
		require.Equal(t, "refused written", b.states(t, ref))
		require.Equal(t, noon.Add(time.Millisecond), b.vendor.got[1].r.At)
	})
}

// The answer to a start told Ashby a time. What follows is later, whoever gave
// that answer and whatever the host's clock says.
func TestAfterTheStart(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		for _, natural := range []bool{false, true} {
			for _, r := range []assessment.Result{interim("first"), final("first")} {
				b := newBench(t, d)
				ref := ashbyRef(rand.Text())
				claim := assessment.Claim{Key: ref.String(), Ref: ref, Token: "t"}
				if natural {
					claim.Key = rand.Text()
				}
				claim, err := b.store.Store().Claim(t.Context(), claim, time.Minute)
				require.NoError(t, err)
				claim.Answer = []byte(`{"v":1,"at":"` + noon.Format(time.RFC3339Nano) + `","started":{}}`)
				require.NoError(t, b.store.Store().Answer(t.Context(), claim))
				b.publish(t, ref, at(r, noon.Add(-time.Hour)))
				b.flush(t, ref)
				require.Equal(t, noon.Add(time.Millisecond), b.vendor.got[0].r.At)
			}
		}
	})
}

// A result without a time gets one when it is sent, and the same one when it is
// sent again.
func TestRepeatIsIdentical(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := ashbyRef("1")
		b.publish(t, ref, at(interim("interim"), noon.AddDate(9, 0, 0)))
		b.flush(t, ref)
		b.publish(t, ref, final("end"))
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 503})
		b.flush(t, ref)
		b.shift(t, time.Hour)
		b.vendor.says(written, nil)
		b.flush(t, ref)
		require.Len(t, b.vendor.got, 3)
		require.Equal(t, noon.AddDate(9, 0, 0).Add(time.Millisecond), b.vendor.got[1].r.At)
		require.Equal(t, b.vendor.got[1], b.vendor.got[2])
	})
}

// What is published during a call is not taken for written with it.
func TestPublishedDuringTheCall(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		b.publish(t, ref, interim("first"))
		var once atomic.Bool
		b.vendor.during = func(context.Context) {
			if once.Swap(true) {
				return
			}
			b.publish(t, ref, interim("second"))
			b.publish(t, ref, final("end"))
			require.Equal(t, sqlstore.Flushed{}, b.flush(t, ref), "the lane is busy")
		}
		require.Equal(t, sqlstore.Flushed{Settled: 2}, b.flush(t, ref))
		require.Equal(t, []string{"first", "end"}, b.vendor.summaries())
		require.Equal(t, "written superseded written", b.states(t, ref))
	})
}

// A result that was written is recorded as written though the caller's context
// ended with the call.
func TestSettlesOnItsOwnContext(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.publish(t, komboRef("1"), final("end"))
		ctx, cancel := context.WithCancel(t.Context())
		b.vendor.during = func(context.Context) { cancel() }
		done, _ := b.outbox.Flush(ctx, komboRef("1"))
		require.Equal(t, 1, done.Settled)
		require.Equal(t, "written", b.states(t, komboRef("1")))
		require.Equal(t, "0", b.text(t, "SELECT CAST(until AS TEXT) FROM "+b.table("lanes")))
	})
}

// A process that ends during a call gives the lane back and leaves the result to
// the next one.
func TestInterrupted(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.publish(t, komboRef("1"), final("end"))
		ctx, cancel := context.WithCancel(t.Context())
		b.vendor.during = func(context.Context) { cancel() }
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{Cause: context.Canceled})
		_, _ = b.outbox.Flush(ctx, komboRef("1"))
		require.Equal(t, "pending", b.states(t, komboRef("1")))
		require.Equal(t, []string{"1"}, b.due(t, 0))
		b.vendor.says(written, nil)
		b.flush(t, komboRef("1"))
		require.Equal(t, "written", b.states(t, komboRef("1")))
	})
}

// The database is away when the result was written: the settling tries again
// until the lease ends.
func TestSettlingTriesAgain(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		var failures atomic.Int32
		pool := d.tampered(t, func(query string) string {
			if strings.Contains(query, "written_seq = ") && failures.Add(1) <= 3 {
				return "SELECT nothing FROM nowhere"
			}
			return query
		})
		b := d.bench(t, d.over(t, pool, sqlstore.Options{}), sqlstore.OutboxConfig{})
		b.publish(t, komboRef("1"), final("end"))
		require.Equal(t, 1, b.flush(t, komboRef("1")).Settled)
		require.EqualValues(t, 4, failures.Load())
		require.Len(t, b.vendor.got, 1)
		require.Equal(t, "written", b.states(t, komboRef("1")))
	})
}

// Another process wrote what was pending between the claim's look and the lane.
func TestEmptyReadAfterAWonLane(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		var once atomic.Bool
		pool := d.tampered(t, func(query string) string {
			if strings.Contains(query, "OVER ()") && !once.Swap(true) {
				return strings.Replace(query, "r.state = 'pending'", "r.state = 'nothing'", 1)
			}
			return query
		})
		b := d.bench(t, d.over(t, pool, sqlstore.Options{}), sqlstore.OutboxConfig{})
		b.publish(t, komboRef("1"), final("end"))
		require.Equal(t, 1, b.flush(t, komboRef("1")).Settled, "it looks once more")
	})
}

// A process that outlived its lease changes nothing: another has the order.
func TestOutlivedLease(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		b.publish(t, ref, final("end"))
		var depth atomic.Int32
		b.vendor.during = func(context.Context) {
			if depth.Add(1) > 1 {
				return
			}
			require.Empty(t, b.due(t, 0), "somebody writes it")
			b.shift(t, 3*time.Minute)
			require.Equal(t, []string{"1"}, b.due(t, 0))
			require.Equal(t, 1, b.flush(t, ref).Settled)
			b.publish(t, ref, final("corrected"))
		}
		done := b.flush(t, ref)
		require.True(t, done.Lost)
		require.Equal(t, "written pending", b.states(t, ref))
		require.Contains(t, b.notes(t, ref), sqlstore.NoteLost)
		b.flush(t, ref)
		require.Equal(t, []string{"end", "end", "corrected"}, b.vendor.summaries())
		require.Equal(t, "written written", b.states(t, ref))
	})
}

// The lease ends between the read and the call.
func TestLostBeforeTheCall(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		var once atomic.Bool
		pool := d.tampered(t, func(query string) string {
			if strings.Contains(query, "sent_seq = ") && !once.Swap(true) {
				_, err := d.db.Exec("UPDATE " + d.table("lanes") + " SET token = 'another'")
				require.NoError(t, err)
			}
			return query
		})
		b := d.bench(t, d.over(t, pool, sqlstore.Options{}), sqlstore.OutboxConfig{})
		b.publish(t, komboRef("1"), final("end"))
		require.True(t, b.flush(t, komboRef("1")).Lost)
		require.Empty(t, b.vendor.got)
		require.Equal(t, "pending", b.states(t, komboRef("1")))
	})
}

// A newer release's result is left to a newer process.
func TestNewerForm(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.publish(t, komboRef("1"), final("end"))
		_, err := b.db.Exec("UPDATE " + b.table("results") + " SET form = 2, body = 'what nobody here can read'")
		require.NoError(t, err)
		require.Equal(t, sqlstore.Flushed{Again: time.Minute}, b.flush(t, komboRef("1")))
		require.Equal(t, "pending", b.states(t, komboRef("1")))
		require.Empty(t, b.due(t, 0))
		_, err = b.db.Exec("UPDATE " + b.table("results") + " SET form = 1")
		require.NoError(t, err)
		require.Len(t, b.flush(t, komboRef("1")).Refused, 1)
	})
}

// The natural key is freed with the final, in the transaction that settles it.
func TestFinalFreesTheNaturalKey(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref, other := ashbyRef("1"), komboRef("1")
		store := b.store.Store()
		for _, c := range []assessment.Claim{
			{Key: "natural/ashby///acme/application/a/p", Ref: ref, Token: "t"},
			{Key: other.String(), Ref: other, Token: "t"},
		} {
			_, err := store.Claim(t.Context(), c, time.Hour)
			require.NoError(t, err)
		}
		keys := func() string { return b.text(t, "SELECT key FROM "+b.table("claims")+" ORDER BY key") }
		for _, r := range []assessment.Result{interim("i"), final("f")} {
			require.Equal(t, other.String()+" natural/ashby///acme/application/a/p", keys())
			for _, o := range []assessment.OrderRef{ref, other} {
				b.publish(t, o, r)
				b.flush(t, o)
			}
		}
		require.Equal(t, other.String(), keys())
	})
}
