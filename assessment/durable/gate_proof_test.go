package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// keyStore is a host's keys by account; all accounts share one if they have none.
type keyStore struct {
	mu   sync.Mutex
	own  map[string]string
	only string
	err  error
}

func (k *keyStore) print(_ context.Context, ref assessment.OrderRef) (assessment.KeyPrint, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if own := k.own[ref.Account]; own != "" {
		return assessment.KeyPrint{Print: own}, k.err
	}
	return assessment.KeyPrint{Print: k.only, Shared: true}, k.err
}

func (k *keyStore) change(only string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.only, k.err = only, err
}

func keyBench(t *testing.T, d *database, keys *keyStore) *bench {
	return d.bench(t, d.open(t, sqlstore.Options{}), sqlstore.OutboxConfig{KeyPrint: keys.print})
}

// closed lists the closed gates as "account cause".
func (b *bench) closed(t *testing.T) []string {
	t.Helper()
	gates, err := b.store.Gates(t.Context())
	require.NoError(t, err)
	var all []string
	for _, g := range gates {
		all = append(all, fmt.Sprintf("%s %s %s", g.Account, g.What, g.Cause))
	}
	return all
}

func (v *vendor) refuses(status int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = func(assessment.OrderRef, assessment.Result) (assessment.Receipt, error) {
		return assessment.Receipt{}, &assessment.APIError{StatusCode: status}
	}
}

// One account with a 401 under the key of all may have a reason of its own. The
// second proves the key, and one probe then speaks for all.
func TestSharedKeyRefused(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		keys := &keyStore{only: "first"}
		b := keyBench(t, d, keys)
		b.vendor.refuses(401)
		for i := range 5 {
			b.publish(t, ofAccount(fmt.Sprint("a", i), "1"), final("end"))
		}
		b.flush(t, ofAccount("a0", "1"))
		require.Equal(t, []string{"a0 results unauthorized"}, b.closed(t))
		b.flush(t, ofAccount("a1", "1"))
		require.Equal(t, []string{" results unauthorized"}, b.closed(t))
		for i := range 5 {
			b.flush(t, ofAccount(fmt.Sprint("a", i), "1"))
		}
		require.Len(t, b.vendor.got, 2, "the key is closed for all")
		gates, err := b.store.Gates(t.Context())
		require.NoError(t, err)
		require.Equal(t, 5, gates[0].Pending)

		// One probe of all accounts; it fails, and the key rests on.
		b.shift(t, 61*time.Second)
		for i := range 5 {
			b.flush(t, ofAccount(fmt.Sprint("a", i), "1"))
		}
		require.Len(t, b.vendor.got, 3)
		require.Equal(t, []string{" results unauthorized"}, b.closed(t))

		// Another key is probed at once, and opens everything.
		n, err := b.outbox.CheckKeys(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "the same key")
		keys.change("second", errors.New("vault is sealed"))
		n, err = b.outbox.CheckKeys(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "the key store fails")
		keys.change("second", nil)
		n, err = b.outbox.CheckKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		b.vendor.accounts(nil)
		refs, _, err := b.outbox.Wake(t.Context(), "kombo", "", 10)
		require.NoError(t, err)
		require.Len(t, refs, 1, "a probe")
		require.Equal(t, 1, b.flush(t, refs[0]).Settled)
		require.Empty(t, b.closed(t))
		refs, _, err = b.outbox.Wake(t.Context(), "kombo", "", 10)
		require.NoError(t, err)
		require.Len(t, refs, 4)
		d.lacks(t, "gates", "second")
	})
}

// A 401 under a customer's own key is that customer's, however many there are.
func TestOwnKeysRefused(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		keys := &keyStore{own: map[string]string{"a0": "k0", "a1": "k1", "a2": "k2"}}
		b := keyBench(t, d, keys)
		b.vendor.refuses(401)
		for i := range 3 {
			b.publish(t, ofAccount(fmt.Sprint("a", i), "1"), final("end"))
			b.flush(t, ofAccount(fmt.Sprint("a", i), "1"))
		}
		require.Len(t, b.closed(t), 3)
		keys.mu.Lock()
		keys.own["a1"] = "mended"
		keys.mu.Unlock()
		n, err := b.outbox.CheckKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		b.vendor.accounts(nil)
		require.Equal(t, 1, b.flush(t, ofAccount("a1", "1")).Settled)
		require.Zero(t, b.flush(t, ofAccount("a0", "1")).Settled)
		require.Equal(t, []string{"a0 results unauthorized", "a2 results unauthorized"}, b.closed(t))
	})
}

// A key store that fails is no proof of anything: nothing closes, nothing is
// counted against the result, also after many days.
func TestKeyStoreFails(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		noKey := &assessment.APIError{Class: assessment.ErrUnauthorized, Cause: assessment.ErrNoKey}
		b.vendor.says(assessment.Receipt{}, noKey)
		ref := ofAccount("acme", "1")
		b.publish(t, ref, final("end"))
		for range 10 {
			require.Positive(t, b.flush(t, ref).Again)
			b.shift(t, 24*time.Hour)
		}
		require.Empty(t, b.closed(t))
		n, err := b.store.KeyErrors(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		all, err := b.outbox.Attention(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, all)
		b.vendor.says(written, nil)
		require.Equal(t, 1, b.flush(t, ref).Settled)
		n, err = b.store.KeyErrors(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// 403 closes the operation that was forbidden. Orders of another kind are written
// by another one.
func TestForbiddenOperation(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		of := func(kind assessment.Kind, id int) assessment.OrderRef {
			return assessment.OrderRef{Vendor: assessment.StackOne, Account: "acme", Kind: kind, ID: fmt.Sprint(id)}
		}
		b.vendor.mu.Lock()
		b.vendor.answer = func(ref assessment.OrderRef, _ assessment.Result) (assessment.Receipt, error) {
			if ref.Kind == assessment.KindBackgroundCheck {
				return assessment.Receipt{}, &assessment.APIError{StatusCode: 403}
			}
			return written, nil
		}
		b.vendor.mu.Unlock()
		for i := range 5 {
			b.publish(t, of(assessment.KindBackgroundCheck, i), final("end"))
			b.flush(t, of(assessment.KindBackgroundCheck, i))
		}
		require.Len(t, b.vendor.got, 3, "closed after three orders")
		gates, err := b.store.Gates(t.Context())
		require.NoError(t, err)
		require.Len(t, gates, 1)
		require.Equal(t, assessment.KindBackgroundCheck, gates[0].Kind)
		require.Equal(t, 5, gates[0].Pending)
		for i := range 3 {
			b.publish(t, of(assessment.KindAssessment, i), final("end"))
		}
		require.Len(t, b.due(t, 0), 3)
		for i := range 3 {
			require.Equal(t, 1, b.flush(t, of(assessment.KindAssessment, i)).Settled)
		}
		// The permission is granted: the probe is one of the forbidden kind.
		b.vendor.accounts(nil)
		b.shift(t, 16*time.Minute)
		refs, _, err := b.outbox.Wake(t.Context(), "stackone", "acme", 10)
		require.NoError(t, err)
		require.Len(t, refs, 1)
		require.Equal(t, 1, b.flush(t, refs[0]).Settled)
		require.Empty(t, b.closed(t))
		require.Len(t, b.due(t, 0), 4)
	})
}

// A sign of the vendor has an account probed at once.
func TestReopen(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.vendor.refuses(412)
		ref := ofAccount("acme", "1")
		b.publish(t, ref, final("end"))
		for range 3 {
			b.flush(t, ref)
			b.shift(t, 16*time.Minute)
		}
		b.flush(t, ref)
		calls := len(b.vendor.got)
		require.Zero(t, b.flush(t, ref).Settled)
		require.NoError(t, b.store.Reopen(t.Context(), "kombo", "acme"))
		b.flush(t, ref)
		require.Len(t, b.vendor.got, calls+1, "one probe, in vain")
		require.NoError(t, b.store.Reopen(t.Context(), "kombo", "acme"))
		b.vendor.accounts(nil)
		require.Equal(t, 1, b.flush(t, ref).Settled)
		require.Empty(t, b.closed(t))
		require.NoError(t, b.store.Pause(t.Context(), "kombo", "acme", sqlstore.SwitchResults, operator))
		require.NoError(t, b.store.Reopen(t.Context(), "kombo", "acme"))
		require.Len(t, b.closed(t), 1, "what is switched off by hand stays so")
	})
}

// Ten days behind a closed gate refuse nothing and give nothing up.
func TestTenDaysClosed(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		keys := &keyStore{only: "first"}
		b := keyBench(t, d, keys)
		b.vendor.refuses(401)
		n := size(100, 1000)
		for i := range n {
			b.publish(t, ofAccount(fmt.Sprint("a", i%20), fmt.Sprint(i)), final("end"))
		}
		for i := range n {
			b.flush(t, ofAccount(fmt.Sprint("a", i%20), fmt.Sprint(i)))
		}
		for range 40 {
			b.shift(t, 6*time.Hour)
			b.flush(t, ofAccount("a3", "3"))
		}
		require.Equal(t, fmt.Sprint(n), b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+b.table("results")+" WHERE state = 'pending' AND tries = 0"))
		keys.change("second", nil)
		b.vendor.accounts(nil)
		opened, err := b.outbox.CheckKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, opened)
		for range n {
			refs, _, err := b.outbox.Wake(t.Context(), "kombo", "", 20)
			require.NoError(t, err)
			if len(refs) == 0 {
				break
			}
			accounts := make(map[string]bool)
			for _, ref := range refs {
				accounts[ref.Account] = true
				require.Equal(t, 1, b.flush(t, ref).Settled)
			}
			require.True(t, len(refs) == 1 || len(accounts) > len(refs)/2, "the accounts in turn")
		}
		require.Equal(t, fmt.Sprint(n), b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+b.table("results")+" WHERE state = 'written'"))
		all, err := b.outbox.Attention(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, all)
	})
}
