package durable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// Each number is zero in a healthy run and tells of what it is about.
func TestMetrics(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		read := func() sqlstore.Metrics {
			m, err := b.store.Metrics(t.Context())
			require.NoError(t, err)
			return m
		}
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("well"))))
		b.work(t, komboRef("well"))
		b.publish(t, komboRef("well"), final("end"))
		b.flush(t, komboRef("well"))
		require.Zero(t, read())

		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("waits"))))
		b.refuse(t, template, "refused")
		b.refuse(t, &assessment.APIError{StatusCode: 408, Uncertain: true}, "uncertain")
		b.publish(t, komboRef("pending"), final("pending"))
		b.shift(t, 21*24*time.Hour)
		m := read()
		require.GreaterOrEqual(t, m.OldestOrder, 21*24*time.Hour)
		require.GreaterOrEqual(t, m.OldestFinal, 21*24*time.Hour)
		m.OldestOrder, m.OldestFinal = 0, 0
		require.Equal(t, sqlstore.Metrics{OrdersWaiting: 1, ResultsPending: 1, Refused: 1, Uncertain: 1}, m)

		top, err := b.store.TopAccounts(t.Context(), 5)
		require.NoError(t, err)
		require.Len(t, top, 1)
		require.Equal(t, 1, top[0].Pending)
		require.GreaterOrEqual(t, top[0].Oldest, 21*24*time.Hour)

		// Behind a closed gate a final is not late; the gate is what is told.
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 429, Class: assessment.ErrRateLimited, RetryAfter: time.Hour})
		b.flush(t, komboRef("pending"))
		m = read()
		require.Equal(t, 1, m.GatesClosed)
		require.Zero(t, m.OldestFinal)
	})
}
