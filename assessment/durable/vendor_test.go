package durable_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// vendor is a stand-in for the vendors: it remembers every result that it was
// given and answers what the test says.
type vendor struct {
	mu     sync.Mutex
	got    []sent
	answer func(ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error)
	during func(ctx context.Context)
}

type sent struct {
	ref assessment.OrderRef
	r   assessment.Result
}

func (v *vendor) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	v.mu.Lock()
	v.got = append(v.got, sent{ref, r})
	answer, during := v.answer, v.during
	v.mu.Unlock()
	if during != nil {
		during(ctx)
	}
	if answer != nil {
		return answer(ref, r)
	}
	return written, nil
}

var written = assessment.Receipt{Outcome: assessment.ResultWritten, RequestID: "req-1", Attempts: 1}

// says has every further call answered so.
func (v *vendor) says(receipt assessment.Receipt, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = func(assessment.OrderRef, assessment.Result) (assessment.Receipt, error) { return receipt, err }
}

// summaries returns what was written, in order, told by Result.Summary.
func (v *vendor) summaries() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := []string{}
	for _, s := range v.got {
		all = append(all, s.r.Summary)
	}
	return all
}

// bench is a database with an outbox before a vendor.
type bench struct {
	*database
	store  *sqlstore.DB
	outbox *sqlstore.Outbox
	vendor *vendor
}

func newBench(t *testing.T, d *database) *bench {
	return d.bench(t, d.open(t, sqlstore.Options{}), sqlstore.OutboxConfig{})
}

func (d *database) bench(t *testing.T, store *sqlstore.DB, c sqlstore.OutboxConfig) *bench {
	b := &bench{database: d, store: store, vendor: new(vendor)}
	c.Publisher = b.vendor
	var err error
	b.outbox, err = store.Outbox(c)
	require.NoError(t, err)
	return b
}

func komboRef(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: "workday:acme", ID: id}
}

func ashbyRef(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: id}
}

// interim and final are results that the vendor tells apart by their summary.
func interim(summary string) assessment.Result {
	return assessment.Result{Status: assessment.StatusInProgress, Summary: summary}
}

func final(summary string) assessment.Result {
	return assessment.Result{Status: assessment.StatusCompleted, Summary: summary}
}

func at(r assessment.Result, when time.Time) assessment.Result {
	r.At = when
	return r
}

func (b *bench) publish(t *testing.T, ref assessment.OrderRef, r assessment.Result) sqlstore.Published {
	t.Helper()
	p, err := b.outbox.Publish(t.Context(), sqlstore.Message{Ref: ref, Result: r})
	require.NoError(t, err)
	return p
}

func (b *bench) flush(t *testing.T, ref assessment.OrderRef) sqlstore.Flushed {
	t.Helper()
	done, err := b.outbox.Flush(t.Context(), ref)
	require.NoError(t, err)
	return done
}

// states are those of an order's results, the first published first.
func (b *bench) states(t *testing.T, ref assessment.OrderRef) string {
	t.Helper()
	return b.text(t, "SELECT state FROM "+b.table("results")+" WHERE ref = '"+ref.String()+"' ORDER BY seq")
}

// due are the ids of the orders that have something to write.
func (b *bench) due(t *testing.T, age time.Duration) []string {
	t.Helper()
	refs, err := b.outbox.Due(t.Context(), 1000, age)
	require.NoError(t, err)
	ids := []string{}
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	return ids
}

// notes are the words of an order's timeline.
func (b *bench) notes(t *testing.T, ref assessment.OrderRef) []string {
	t.Helper()
	notes, err := b.store.Timeline(t.Context(), ref)
	require.NoError(t, err)
	words := []string{}
	for _, n := range notes {
		words = append(words, n.What)
	}
	return words
}

var operator = sqlstore.Act{Actor: "kim", Reason: "mended the template"}
