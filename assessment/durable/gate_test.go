package durable_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

func ofAccount(account, id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: account, ID: id}
}

// accounts answers per account; others are written.
func (v *vendor) accounts(answers map[string]error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = func(ref assessment.OrderRef, _ assessment.Result) (assessment.Receipt, error) {
		if err := answers[ref.Account]; err != nil {
			return assessment.Receipt{}, err
		}
		return written, nil
	}
}

// A limited account holds up its own results only, and burns nothing.
func TestLimitedAccount(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		var hints []sqlstore.Hint
		b := d.bench(t, d.open(t, sqlstore.Options{Hint: func(_ context.Context, _ *sql.Tx, h sqlstore.Hint) error {
			if h.Kind == sqlstore.HintWake {
				hints = append(hints, h)
			}
			return nil
		}}), sqlstore.OutboxConfig{})
		b.vendor.accounts(map[string]error{"limited": &assessment.APIError{StatusCode: 429, RetryAfter: 10 * time.Minute}})
		for i := range 20 {
			b.publish(t, ofAccount("limited", fmt.Sprint(i)), final("end"))
		}
		for i := range 20 {
			require.Zero(t, b.flush(t, ofAccount("limited", fmt.Sprint(i))).Settled)
		}
		require.Len(t, b.vendor.got, 1, "the gate is closed after the first")
		require.Len(t, hints, 1, "one waker")
		require.InDelta(t, 10*time.Minute, hints[0].After, float64(time.Second))
		require.Equal(t, "kombo", hints[0].Route)
		require.Equal(t, "limited", hints[0].Account)

		b.publish(t, ofAccount("healthy", "1"), final("end"))
		refs, err := b.outbox.Due(t.Context(), 10, 0)
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{ofAccount("healthy", "1")}, refs)
		require.Equal(t, 1, b.flush(t, refs[0]).Settled)

		gates, err := b.store.Gates(t.Context())
		require.NoError(t, err)
		require.Len(t, gates, 1)
		require.Equal(t, "limit", gates[0].Cause)
		require.Equal(t, 20, gates[0].Pending)
		require.Equal(t, "0", b.text(t, "SELECT CAST(MAX(tries) AS TEXT) FROM "+b.table("results")))

		b.vendor.accounts(nil)
		b.shift(t, 11*time.Minute)
		require.Len(t, b.due(t, 0), 20)
		for _, id := range b.due(t, 0) {
			require.Equal(t, 1, b.flush(t, ofAccount("limited", id)).Settled)
		}
		gates, err = b.store.Gates(t.Context())
		require.NoError(t, err)
		require.Empty(t, gates)
	})
}

// A closed account lets one result through from time to time. Nothing is
// refused meanwhile, not after many days, and when the key was mended everything
// is written.
func TestUnusableAccount(t *testing.T) {
	for cause, status := range map[string]int{"unauthorized": 401, "account_unusable": 412} {
		t.Run(cause, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newBench(t, d)
				b.vendor.accounts(map[string]error{"acme": &assessment.APIError{StatusCode: status}})
				for i := range 6 {
					b.publish(t, ofAccount("acme", fmt.Sprint(i)), final("end"))
				}
				round := func() int {
					before := len(b.vendor.got)
					for i := range 6 {
						b.flush(t, ofAccount("acme", fmt.Sprint(i)))
					}
					return len(b.vendor.got) - before
				}
				require.Equal(t, 1, round())
				for _, rest := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
					require.Zero(t, round())
					b.shift(t, rest-10*time.Second)
					require.Zero(t, round())
					b.shift(t, 11*time.Second)
					require.Equal(t, 1, round(), "one probe after %v", rest)
				}
				for range 3 {
					b.shift(t, 4*24*time.Hour)
					require.Equal(t, 1, round())
				}
				b.vendor.accounts(nil)
				b.shift(t, time.Hour)
				require.Equal(t, 6, round())
				require.Empty(t, b.due(t, 0))
				gates, err := b.store.Gates(t.Context())
				require.NoError(t, err)
				require.Empty(t, gates)
			})
		})
	}
}

// A process that dies as the probe does not close the account for good.
func TestDyingProbe(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.vendor.accounts(map[string]error{"acme": &assessment.APIError{StatusCode: 401}})
		b.publish(t, ofAccount("acme", "1"), final("end"))
		b.publish(t, ofAccount("acme", "2"), final("end"))
		b.flush(t, ofAccount("acme", "1"))
		b.shift(t, 2*time.Minute)
		b.vendor.during = func(context.Context) {
			b.vendor.during = nil
			_, err := b.db.Exec("UPDATE " + b.table("lanes") + " SET token = 'dead'")
			require.NoError(t, err)
		}
		require.True(t, b.flush(t, ofAccount("acme", "1")).Lost)
		require.Zero(t, b.flush(t, ofAccount("acme", "2")).Settled)
		b.vendor.accounts(nil)
		b.shift(t, 3*time.Minute)
		require.Equal(t, 1, b.flush(t, ofAccount("acme", "2")).Settled)
		require.Equal(t, 1, b.flush(t, ofAccount("acme", "1")).Settled)
	})
}

// One order that is forbidden is not the account's fault; the third is.
func TestForbidden(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.vendor.accounts(map[string]error{"acme": &assessment.APIError{StatusCode: 403}})
		for i := range 4 {
			b.publish(t, ofAccount("acme", fmt.Sprint(i)), final("end"))
		}
		for i, closed := range []int{0, 0, 1, 1} {
			b.flush(t, ofAccount("acme", fmt.Sprint(i)))
			gates, err := b.store.Gates(t.Context())
			require.NoError(t, err)
			require.Len(t, gates, closed)
		}
		require.Len(t, b.vendor.got, 3)
	})
}

func TestPause(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		require.Error(t, b.store.Pause(t.Context(), "kombo", "", sqlstore.SwitchResults, sqlstore.Act{Actor: "kim"}))
		for _, account := range []string{"", "acme"} {
			require.NoError(t, b.store.Pause(t.Context(), "kombo", account, sqlstore.SwitchResults, operator))
			b.publish(t, ofAccount("acme", "of "+account), final("end"))
			b.shift(t, 24*time.Hour)
			require.Empty(t, b.due(t, 0))
			require.Zero(t, b.flush(t, ofAccount("acme", "of "+account)).Settled)
			gates, err := b.store.Gates(t.Context())
			require.NoError(t, err)
			require.Equal(t, "kim: mended the template", gates[0].By)
			require.True(t, gates[0].Opens.IsZero())
			require.NoError(t, b.store.Resume(t.Context(), "kombo", account, sqlstore.SwitchResults, operator))
			require.Equal(t, 1, b.flush(t, ofAccount("acme", "of "+account)).Settled)
		}
	})
}
