package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// A file that the host names by a reference is read when the result is written,
// is not in the database, and never makes a result late.
func TestAttachmentByReference(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		fails := errors.New(marker)
		var asked []string
		b := d.bench(t, d.open(t, sqlstore.Options{}), sqlstore.OutboxConfig{
			Attachment: func(_ context.Context, order assessment.OrderRef, ref string) ([]byte, error) {
				asked = append(asked, order.ID+" "+ref)
				return []byte(marker), fails
			},
		})
		r := final("with a file")
		r.Attachments = []assessment.Attachment{
			{Name: "a.pdf", ContentType: "application/pdf", Ref: "files/7"},
			{Name: "b.pdf", URL: "https://tests.example.com/b.pdf"},
		}
		b.publish(t, komboRef("1"), r)
		for range 4 * 24 {
			b.flush(t, komboRef("1"))
			b.shift(t, time.Hour)
		}
		require.Empty(t, b.vendor.got)
		all, err := b.outbox.Attention(t.Context(), 0, 1)
		require.NoError(t, err)
		require.Empty(t, all)

		fails = nil
		b.flush(t, komboRef("1"))
		require.Equal(t, "1 files/7", asked[0])
		require.Equal(t, []assessment.Attachment{
			{Name: "a.pdf", ContentType: "application/pdf", Data: []byte(marker)}, r.Attachments[1],
		}, b.vendor.got[0].r.Attachments)
		for _, table := range []string{"results", "journal"} {
			d.lacks(t, table, marker)
		}

		// Without somebody to ask, such a result is refused at once.
		without := newBench(t, d)
		_, err = without.outbox.Publish(t.Context(), sqlstore.Message{Ref: komboRef("2"), Result: r})
		require.ErrorIs(t, err, assessment.ErrInvalid)
		r.Attachments[0].ContentType = ""
		_, err = b.outbox.Publish(t.Context(), sqlstore.Message{Ref: komboRef("2"), Result: r})
		require.ErrorIs(t, err, assessment.ErrInvalid)
	})
}
