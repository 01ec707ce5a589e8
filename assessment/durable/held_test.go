package durable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// An order whose status nobody knows is not started by itself if the intake holds
// such, not after a year; a person decides, and a fault then does not undo that.
func TestUnknownStatusNeedsAttention(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		var err error
		b.intake, err = assessment.NewIntake(assessment.IntakeConfig{Provider: b.provider, Store: b.store.Store(), UnknownStatus: assessment.UnknownStatusHeld})
		require.NoError(t, err)
		b.spool, err = b.store.Spool(sqlstore.SpoolConfig{Intake: b.intake})
		require.NoError(t, err)
		o := order(komboRef("1"))
		o.Status = "paused_by_robot"
		require.NoError(t, b.spool.Queue(t.Context(), o))
		b.work(t, o.Ref)
		b.shift(t, 90*24*time.Hour)
		require.Empty(t, b.dueOrders(t))
		all, err := b.spool.Attention(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, "unknown_status", all[0].Reason)
		require.Zero(t, b.provider.count())

		require.NoError(t, b.spool.StartNow(t.Context(), o.Ref, operator))
		b.provider.says(assessment.Started{}, assessment.ErrUnavailable)
		b.work(t, o.Ref)
		b.provider.says(assessment.Started{CandidateURL: "https://tests.example.com"}, nil)
		b.shift(t, time.Minute)
		require.True(t, b.work(t, o.Ref).Done)
		require.Equal(t, 2, b.provider.count())
	})
}

// Refused results are told of on day 20, before their bodies go on day 30.
func TestExpiring(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422})
		b.publish(t, komboRef("1"), final("end"))
		b.flush(t, komboRef("1"))
		expiring := func(r sqlstore.Retention) sqlstore.Expiring {
			e, err := b.store.Expiring(t.Context(), r)
			require.NoError(t, err)
			return e
		}
		b.shift(t, 19*24*time.Hour)
		require.Zero(t, expiring(sqlstore.Retention{}))
		b.shift(t, 25*time.Hour)
		e := expiring(sqlstore.Retention{})
		require.Equal(t, 1, e.Results)
		now, err := b.store.Now(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, now.Add(239*time.Hour), e.Next, time.Minute)
		require.Zero(t, expiring(sqlstore.Retention{AttentionBodies: -1}))
		b.shift(t, 11*24*time.Hour)
		_, err = b.store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		require.Zero(t, expiring(sqlstore.Retention{}))
	})
}
