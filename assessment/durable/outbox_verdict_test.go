package durable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// secret stands for what must not get into a row: a vendor's text may quote the
// candidate.
const secret = "Jane Roe"

func TestVerdicts(t *testing.T) {
	api := func(status int, code string) *assessment.APIError {
		return &assessment.APIError{
			Vendor: assessment.Kombo, StatusCode: status, Code: code, Message: secret, Body: []byte(secret), RequestID: "req-9", Attempts: 1,
		}
	}
	uncertain := func(e *assessment.APIError, safe bool) *assessment.APIError {
		e.Uncertain, e.SafeToRepeat = true, safe
		return e
	}
	for name, c := range map[string]struct {
		receipt assessment.Receipt
		err     error
		state   string
		reason  string
		retried bool // is due again after the longest back-off
	}{
		"written":        {receipt: written, state: "written"},
		"skipped":        {receipt: assessment.Receipt{Outcome: assessment.ResultSkipped}, state: "skipped"},
		"already final":  {receipt: assessment.Receipt{Outcome: assessment.ResultAlreadyFinal, Warnings: []string{secret}}, state: "written"},
		"unconfirmed":    {receipt: assessment.Receipt{Outcome: assessment.ResultWritten, Uncertain: true}, state: "uncertain", reason: "unconfirmed"},
		"invalid":        {err: invalid(), state: "refused", reason: "invalid: score.max"},
		"wrapped":        {err: fmt.Errorf("%s: %w", secret, invalid()), state: "refused", reason: "invalid: score.max"},
		"400":            {err: api(400, "VALIDATION.FAILED"), state: "refused", reason: "invalid VALIDATION.FAILED"},
		"404":            {err: api(404, secret), state: "refused", reason: "not found"},
		"409":            {err: api(409, ""), state: "refused", reason: "conflict"},
		"422":            {err: api(422, ""), state: "refused", reason: "invalid"},
		"501":            {err: api(501, ""), state: "refused", reason: "not supported"},
		"302":            {err: api(302, ""), state: "refused", reason: "refused"},
		"500":            {err: api(500, ""), state: "pending", retried: true},
		"503":            {err: api(503, ""), state: "pending", retried: true},
		"no answer":      {err: &assessment.APIError{Cause: errors.New(secret)}, state: "pending", retried: true},
		"safe to repeat": {err: uncertain(api(502, ""), true), state: "pending", retried: true},
		"may be applied": {err: uncertain(api(502, ""), false), state: "uncertain", reason: "refused"},
		"429":            {err: api(429, ""), state: "pending", retried: true},
		"401":            {err: api(401, ""), state: "pending", retried: true},
		"403":            {err: api(403, ""), state: "pending", reason: "forbidden", retried: true},
		"412":            {err: api(412, ""), state: "pending", retried: true},
		"no publisher":   {err: fmt.Errorf("router: %w", assessment.ErrNotSupported), state: "pending", retried: true},
		"local fault":    {err: errors.New(secret), state: "pending", retried: true},
	} {
		t.Run(name, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newBench(t, d)
				ref := komboRef("1")
				b.publish(t, ref, final("end"))
				b.vendor.says(c.receipt, c.err)
				b.flush(t, ref)
				require.Equal(t, c.state, b.states(t, ref))
				require.Equal(t, c.reason, b.text(t, "SELECT reason FROM "+b.table("results")))
				require.Empty(t, b.due(t, 0))
				require.Len(t, b.vendor.got, 1)
				b.flush(t, ref)
				require.Len(t, b.vendor.got, 1, "not again before its time")
				b.shift(t, 16*time.Minute)
				require.Equal(t, c.retried, len(b.due(t, 0)) == 1)
				for _, table := range []string{"results", "journal", "gates", "lanes"} {
					d.lacks(t, table, secret)
				}
			})
		})
	}
}

func invalid() error {
	return &assessment.ValidationError{Problems: []assessment.Problem{{Path: "score.max", Message: secret}}}
}

func TestPanickingPublisher(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.publish(t, komboRef("1"), final("end"))
		b.vendor.during = func(context.Context) { panic(secret) }
		require.Positive(t, b.flush(t, komboRef("1")).Again)
		require.Equal(t, "pending", b.states(t, komboRef("1")))
	})
}

// The back-off grows, never gives up, and after three days somebody is told;
// time in which nothing could be sent does not count.
func TestLate(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		b.publish(t, ref, final("end"))
		attention := func() int {
			all, err := b.outbox.Attention(t.Context(), 0, 10)
			require.NoError(t, err)
			return len(all)
		}
		// Ten days behind a limit are not late.
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 429, RetryAfter: time.Hour})
		for range 10 {
			b.flush(t, ref)
			b.shift(t, 24*time.Hour)
		}
		require.Zero(t, attention())

		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 503})
		first := b.flush(t, ref).Again
		require.Positive(t, first)
		require.LessOrEqual(t, first, 2*time.Second)
		var waited time.Duration
		for attention() == 0 {
			b.shift(t, 15*time.Minute)
			again := b.flush(t, ref).Again
			require.Positive(t, again)
			require.LessOrEqual(t, again, time.Hour)
			waited += again
			require.Less(t, waited, 80*time.Hour)
		}
		require.Greater(t, waited, 70*time.Hour)
		require.Equal(t, "pending", b.states(t, ref))
		b.shift(t, time.Hour)
		require.Equal(t, time.Hour, b.flush(t, ref).Again)

		b.vendor.says(written, nil)
		b.shift(t, time.Hour)
		b.flush(t, ref)
		require.Equal(t, "written", b.states(t, ref))
		require.Zero(t, attention())
	})
}

// A result over which process after process dies, while others get on, is set
// aside.
func TestCrashes(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		first := b.publish(t, ref, final("kills"))
		dies := func(meanwhile func()) {
			b.vendor.during = func(context.Context) {
				b.vendor.during = nil
				_, err := b.db.Exec("UPDATE " + b.table("lanes") + " SET token = 'dead' WHERE ref = '" + ref.String() + "'")
				require.NoError(t, err)
				meanwhile()
			}
			require.True(t, b.flush(t, ref).Lost)
			b.shift(t, 3*time.Minute)
		}
		for range 9 {
			dies(func() {})
		}
		for i := range 5 {
			dies(func() {
				other := komboRef(fmt.Sprint("other", i))
				b.publish(t, other, final("fine"))
				require.Equal(t, 1, b.flush(t, other).Settled)
			})
			require.Equal(t, "pending", b.states(t, ref))
		}
		calls := len(b.vendor.got)
		require.Equal(t, []int64{first.Seq}, b.flush(t, ref).Refused)
		require.Len(t, b.vendor.got, calls)
		require.Equal(t, "uncertain", b.states(t, ref))
		require.NoError(t, b.outbox.Redrive(t.Context(), first.Seq, operator))
		b.flush(t, ref)
		require.Equal(t, "written", b.states(t, ref))
	})
}

func TestAttention(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422, Code: "NO"})
		b.publish(t, ref, interim("interim"))
		b.flush(t, ref)
		b.publish(t, ref, final("end"))
		require.Len(t, b.flush(t, ref).Refused, 1)
		b.shift(t, 8*24*time.Hour)
		all, err := b.outbox.Attention(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Equal(t, sqlstore.Attention{
			Seq: all[1].Seq, Ref: ref, State: "refused", Reason: "invalid NO",
			Made: all[1].Made, Settled: all[1].Settled, HasBody: true,
			Answer: sqlstore.Detail{HTTPStatus: 422, Code: "NO", Reason: "invalid NO"},
		}, all[1])
		more, err := b.outbox.Attention(t.Context(), all[0].Seq, 10)
		require.NoError(t, err)
		require.Equal(t, all[1:], more)

		require.Error(t, b.outbox.Redrive(t.Context(), all[1].Seq, sqlstore.Act{}))
		require.ErrorIs(t, b.outbox.Redrive(t.Context(), 99, operator), sqlstore.ErrNoAttention)
		require.ErrorIs(t, b.outbox.Amend(t.Context(), all[1].Seq, interim("no final"), operator), sqlstore.ErrNoAttention)
		require.ErrorIs(t, b.outbox.Amend(t.Context(), all[1].Seq, assessment.Result{}, operator), assessment.ErrInvalid)

		b.vendor.says(written, nil)
		require.NoError(t, b.outbox.Amend(t.Context(), all[1].Seq, final("amended"), operator))
		require.NoError(t, b.outbox.Discard(t.Context(), all[0].Seq, operator))
		b.flush(t, ref)
		b.flush(t, ref)
		require.Equal(t, []string{"interim", "end", "amended"}, b.vendor.summaries())
		require.Equal(t, "discarded written", b.states(t, ref))
		require.Contains(t, b.notes(t, ref), sqlstore.NoteAmended)
		require.Contains(t, b.notes(t, ref), sqlstore.NoteDiscarded)
		all, err = b.outbox.Attention(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

// A refused final does not hold up what comes after it, and when it is
// re-driven it does not undo a newer one.
func TestRedriveAfterANewerFinal(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422})
		first := b.publish(t, ref, final("old"))
		b.flush(t, ref)
		b.vendor.says(written, nil)
		b.publish(t, ref, final("new"))
		b.flush(t, ref)
		require.NoError(t, b.outbox.Redrive(t.Context(), first.Seq, operator))
		b.flush(t, ref)
		require.Equal(t, []string{"old", "new"}, b.vendor.summaries())
		require.Equal(t, "superseded written", b.states(t, ref))
	})
}

// An uncertain final may have arrived, so nothing interim follows it; it can be
// sent again by hand.
func TestUncertainFinal(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 408, Uncertain: true})
		first := b.publish(t, ref, final("end"))
		b.flush(t, ref)
		b.vendor.says(written, nil)
		b.publish(t, ref, interim("after"))
		b.flush(t, ref)
		require.Equal(t, "uncertain superseded", b.states(t, ref))
		require.NoError(t, b.outbox.Redrive(t.Context(), first.Seq, operator))
		b.flush(t, ref)
		require.Equal(t, []string{"end", "end"}, b.vendor.summaries())
		require.Equal(t, b.vendor.got[0], b.vendor.got[1])
		require.Equal(t, "written superseded", b.states(t, ref))
	})
}

// A vendor that keeps the first final refuses the correction of it.
func TestCorrectionThatIsNotTaken(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		ref := komboRef("1")
		b.publish(t, ref, final("end"))
		b.flush(t, ref)
		b.vendor.says(assessment.Receipt{Outcome: assessment.ResultAlreadyFinal}, nil)
		b.publish(t, ref, final("corrected"))
		require.Len(t, b.flush(t, ref).Refused, 1)
		require.Equal(t, "written refused", b.states(t, ref))
	})
}
