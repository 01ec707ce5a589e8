package webhook_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

// body counts what is read from it.
type body struct {
	io.Reader
	read int
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *body) Close() error { return nil }

// request has a body that may differ from the length announced; -1 announces
// none, as chunked encoding does.
func request(from io.Reader, announced int64) (*http.Request, *body) {
	b := &body{Reader: from}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Body, r.ContentLength = b, announced
	return r, b
}

func TestRead(t *testing.T) {
	const limit = 10_000
	for _, size := range []int{0, 1, 4095, 4096, 4097, limit - 1, limit} {
		want := bytes.Repeat([]byte("x"), size)
		for _, announced := range []int64{int64(size), -1} {
			for _, from := range []io.Reader{
				bytes.NewReader(want),
				iotest.OneByteReader(bytes.NewReader(want)),
				iotest.DataErrReader(bytes.NewReader(want)),
			} {
				r, _ := request(from, announced)
				w := httptest.NewRecorder()
				got, err := webhook.Read(w, r, limit)
				require.NoError(t, err)
				require.Equal(t, string(want), string(got))
				require.Empty(t, w.Header())
			}
		}
	}
}

func TestReadTooLarge(t *testing.T) {
	for _, tc := range []struct {
		name      string
		size      int
		announced int64
		atMost    int
	}{
		{"announced", 101, 101, 0},
		{"announced far too large", 101, 1 << 62, 0},
		{"chunked, one over", 101, -1, 101},
		{"chunked, endless", 1 << 20, -1, 101},
		{"more than announced", 1 << 20, 50, 101}, // a middleware has replaced the body
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, b := request(strings.NewReader(strings.Repeat("x", tc.size)), tc.announced)
			w := httptest.NewRecorder()
			got, err := webhook.Read(w, r, 100)
			require.ErrorIs(t, err, webhook.ErrBodyTooLarge)
			require.Nil(t, got)
			require.LessOrEqual(t, b.read, tc.atMost)
			require.Equal(t, "close", w.Header().Get("Connection"))
		})
	}
}

func TestReadDefaultLimit(t *testing.T) {
	for _, limit := range []int64{0, -1} {
		r, _ := request(strings.NewReader(strings.Repeat("x", webhook.DefaultMaxBody)), -1)
		got, err := webhook.Read(httptest.NewRecorder(), r, limit)
		require.NoError(t, err)
		require.Len(t, got, webhook.DefaultMaxBody)

		r, _ = request(strings.NewReader(strings.Repeat("x", webhook.DefaultMaxBody+1)), -1)
		_, err = webhook.Read(httptest.NewRecorder(), r, limit)
		require.ErrorIs(t, err, webhook.ErrBodyTooLarge)
	}
}

func TestReadHugeLimit(t *testing.T) {
	r, _ := request(strings.NewReader("body"), -1)
	got, err := webhook.Read(httptest.NewRecorder(), r, 1<<63-1)
	require.NoError(t, err)
	require.Equal(t, "body", string(got))
}

// HTTP/2 refuses the rest of one stream and need not close the connection.
func TestReadTooLargeHTTP2(t *testing.T) {
	r, _ := request(strings.NewReader("body"), 4)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	w := httptest.NewRecorder()
	_, err := webhook.Read(w, r, 3)
	require.ErrorIs(t, err, webhook.ErrBodyTooLarge)
	require.Empty(t, w.Header())
}

func TestReadLowerLimitOfMiddleware(t *testing.T) {
	r, _ := request(strings.NewReader("0123456789"), -1)
	w := httptest.NewRecorder()
	r.Body = http.MaxBytesReader(w, r.Body, 5)
	_, err := webhook.Read(w, r, 100)
	require.ErrorIs(t, err, webhook.ErrBodyTooLarge)
}

func TestReadConsumed(t *testing.T) {
	for name, left := range map[string]string{"all of it": "", "a part": "3456789"} {
		r, _ := request(strings.NewReader(left), 10)
		got, err := webhook.Read(httptest.NewRecorder(), r, 100)
		require.ErrorIs(t, err, webhook.ErrBodyConsumed, name)
		require.Nil(t, got, name)
	}

	r, _ := request(nil, 10)
	r.Body = nil
	_, err := webhook.Read(httptest.NewRecorder(), r, 100)
	require.ErrorIs(t, err, webhook.ErrBodyConsumed)

	r, _ = request(iotest.ErrReader(http.ErrBodyReadAfterClose), -1)
	_, err = webhook.Read(httptest.NewRecorder(), r, 100)
	require.ErrorIs(t, err, webhook.ErrBodyConsumed)
}

// A middleware that puts back what it has read does no harm.
func TestReadRestored(t *testing.T) {
	r, _ := request(strings.NewReader("0123456789"), 10)
	seen, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	r.Body = io.NopCloser(bytes.NewReader(seen))

	got, err := webhook.Read(httptest.NewRecorder(), r, 100)
	require.NoError(t, err)
	require.Equal(t, "0123456789", string(got))
}

func TestReadBroken(t *testing.T) {
	for _, cause := range []error{io.ErrUnexpectedEOF, os.ErrDeadlineExceeded, errors.New("malformed chunk")} {
		for _, announced := range []int64{10, -1} {
			r, _ := request(io.MultiReader(strings.NewReader("0123"), iotest.ErrReader(cause)), announced)
			got, err := webhook.Read(httptest.NewRecorder(), r, 100)
			require.ErrorIs(t, err, webhook.ErrBodyBroken)
			require.ErrorIs(t, err, cause)
			require.NotErrorIs(t, err, webhook.ErrBodyConsumed)
			require.Nil(t, got)
		}
	}
}
