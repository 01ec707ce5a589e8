package kombo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Attachments are written by hand into the body; every length of data and every
// character of a name has to come out as encoding/json would write it.
func TestAttachmentsAreWellFormed(t *testing.T) {
	name := "Bericht \"<Ü>\" & 'x'.pdf"
	server := play(answers(200, written))
	client := newClient(t, server)
	for size := 1; size < 70; size++ {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(255 - i*7)
		}
		server.seen = nil
		_, err := client.PublishResult(t.Context(), refTo("workday"), done(func(r *assessment.Result) {
			for range 5 {
				r.Attachments = append(r.Attachments, assessment.Attachment{Name: name, ContentType: "application/pdf", Data: data})
			}
			r.Attachments[3] = assessment.Attachment{Name: name, URL: "https://example.com/ä?a=b&c='d'"}
		}))
		require.NoError(t, err)
		var got struct {
			Attachments []map[string]string
		}
		require.NoError(t, json.Unmarshal([]byte(server.seen[0].Body), &got))
		require.Len(t, got.Attachments, 5)
		for i, a := range got.Attachments {
			want := map[string]string{"name": name, "content_type": "application/pdf", "data": base64.StdEncoding.EncodeToString(data)}
			if i == 3 {
				want = map[string]string{"name": name, "data_url": "https://example.com/%C3%A4?a=b&c='d'"}
			}
			requireEqual(t, want, a)
		}
	}
}

// A report of 20 MB must not be held three times.
func TestLargeAttachmentIsHeldOnce(t *testing.T) {
	const size = 20 << 20
	data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	client := newClient(t, discard{Body: []byte(written)})
	result := done(func(r *assessment.Result) {
		r.Attachments = []assessment.Attachment{{Name: "a.pdf", ContentType: "application/pdf", Data: data}}
	})
	measured := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := client.PublishResult(b.Context(), refTo("workday"), result); err != nil {
				b.Fatal(err)
			}
		}
	})
	if !raceEnabled {
		require.Less(t, measured.AllocedBytesPerOp(), int64(base64.StdEncoding.EncodedLen(size)*11/10))
	}
}

func TestLargeAttachmentArrivesWhole(t *testing.T) {
	data := bytes.Repeat([]byte("The quick brown fox."), 1<<17)
	server := play(answers(200, written))
	_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), done(func(r *assessment.Result) {
		r.Attachments = []assessment.Attachment{{Name: "a.pdf", ContentType: "application/pdf", Data: data}}
	}))
	require.NoError(t, err)
	var got struct {
		Attachments []struct{ Data []byte }
	}
	require.NoError(t, json.Unmarshal([]byte(server.seen[0].Body), &got))
	require.Equal(t, sha256.Sum256(data), sha256.Sum256(got.Attachments[0].Data))
}

// Kombo takes any finite double.
func TestNumbersAreExact(t *testing.T) {
	for _, value := range []float64{
		87.4, 0.1 + 0.2, 1.0 / 3, 1e21, 1e-7, -0.5, 5e-324, math.MaxFloat64, -math.MaxFloat64, 1<<53 + 2, 100,
	} {
		server := play(answers(200, written))
		_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), done(func(r *assessment.Result) {
			r.Score = assessment.ScoreOutOf(value, 100)
		}))
		require.NoError(t, err)
		var got struct{ Score *float64 }
		require.NoError(t, json.Unmarshal([]byte(server.seen[0].Body), &got))
		require.Equal(t, value, *got.Score, fmt.Sprint(value))
	}
}

// The schema allows null nowhere.
func TestNothingIsNull(t *testing.T) {
	for _, result := range []assessment.Result{
		done(nil),
		done(func(r *assessment.Result) {
			r.Attributes, r.Attachments, r.Passthrough = []assessment.Attribute{}, []assessment.Attachment{}, map[assessment.Vendor]json.RawMessage{}
		}),
	} {
		server := play(answers(200, written))
		_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), result)
		require.NoError(t, err)
		require.False(t, strings.Contains(server.seen[0].Body, "null"), server.seen[0].Body)
	}
}
