package webhook_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

func TestBudget(t *testing.T) {
	const mib = 1 << 20
	budget := webhook.NewBudget(mib)
	body := strings.Repeat("x", mib)
	read := func(n int) (*webhook.Unproved, error) {
		r, _ := request(strings.NewReader(body[:n]), -1)
		return budget.Read(httptest.NewRecorder(), r, 0)
	}

	all, err := read(mib)
	require.NoError(t, err)
	require.EqualValues(t, mib, budget.Held())
	require.EqualValues(t, mib, all.Len())

	small, err := read(webhook.FreeBytes)
	require.NoError(t, err, "a small body always gets in")
	require.Len(t, small.Bytes(), webhook.FreeBytes)
	small.Release()
	_, err = read(webhook.FreeBytes + 1)
	require.ErrorIs(t, err, webhook.ErrOverBudget)
	code, text := webhook.Status(err)
	require.Equal(t, 503, code)
	require.Equal(t, "try again later", text)
	require.EqualValues(t, mib, budget.Held(), "what was refused holds nothing")

	require.Equal(t, body, string(all.Bytes()))
	require.EqualValues(t, mib, budget.Held(), "still not proved")
	all.Release()
	all.Release()
	require.Zero(t, budget.Held())
	require.Equal(t, body, string(all.Bytes()), "the body remains")
	again, err := read(webhook.FreeBytes + 1)
	require.NoError(t, err)
	again.Release()

	budget.Resize(1)
	_, err = read(webhook.FreeBytes + 1)
	require.ErrorIs(t, err, webhook.ErrOverBudget)
	budget.Resize(0)
	again, err = read(mib)
	require.NoError(t, err)
	again.Release()
	require.Zero(t, budget.Held())
}

// However a delivery ends, it leaves nothing behind in the budget.
func TestBudgetIsGivenBack(t *testing.T) {
	budget := webhook.NewBudget(0)
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	body := bytes.Repeat([]byte("x"), 100<<10)
	for name, tc := range map[string]struct {
		from      io.Reader
		signature string
		want      error
	}{
		"proved":   {bytes.NewReader(body), v.Sign(body), nil},
		"refused":  {bytes.NewReader(body), v.Sign(nil), webhook.ErrBadSignature},
		"hung up":  {io.MultiReader(bytes.NewReader(body), iotest.ErrReader(io.ErrUnexpectedEOF)), v.Sign(nil), webhook.ErrBodyBroken},
		"too long": {bytes.NewReader(append(body, body...)), v.Sign(nil), webhook.ErrBodyTooLarge},
	} {
		r, _ := request(tc.from, -1)
		r.Header.Set(komboScheme.Header, tc.signature)
		w := httptest.NewRecorder()
		got, _, err := v.ReceiveWithin(budget, w, r, 150<<10)
		require.ErrorIs(t, err, tc.want, name)
		require.Zero(t, budget.Held(), name)
		if tc.want == nil {
			require.True(t, bytes.Equal(body, got), name)
		}
	}
}

// The budget of the process is that of all who have none of their own.
func TestSharedBudget(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	body := bytes.Repeat([]byte("x"), 100<<10)
	var seen int64
	var none *webhook.Budget
	for _, budget := range []*webhook.Budget{none, {}, webhook.SharedBudget()} {
		look := readerFunc(func([]byte) (int, error) { seen = webhook.SharedBudget().Held(); return 0, io.EOF })
		r, _ := request(io.MultiReader(bytes.NewReader(body), look), -1)
		r.Header.Set(komboScheme.Header, v.Sign(body))
		_, _, err := v.ReceiveWithin(budget, httptest.NewRecorder(), r, 0)
		require.NoError(t, err)
		require.Positive(t, seen)
		require.Zero(t, webhook.SharedBudget().Held())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A body of a known sender counts for nothing.
func TestReadNeedsNoBudget(t *testing.T) {
	shared := webhook.SharedBudget()
	shared.Resize(1)
	defer shared.Resize(0)
	r, _ := request(strings.NewReader(strings.Repeat("x", 1<<20)), -1)
	body, err := webhook.Read(httptest.NewRecorder(), r, 0)
	require.NoError(t, err)
	require.Len(t, body, 1<<20)
}

// Pieces are put together as they came, wherever the reader or the body ends.
func TestPieces(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	content := make([]byte, 70<<10)
	for i := range content {
		content[i] = byte(i * 7 >> 3)
	}
	for _, around := range []int{4 << 10, 16 << 10, 20 << 10, 32 << 10, 36 << 10, 64 << 10} {
		for size := around - 2; size <= around+2; size++ {
			for _, announced := range []int64{int64(size), -1, int64(size) - 1, 5000} {
				if announced > int64(size) {
					continue
				}
				for _, from := range []io.Reader{
					bytes.NewReader(content[:size]), iotest.DataErrReader(bytes.NewReader(content[:size])), iotest.HalfReader(bytes.NewReader(content[:size])),
				} {
					r, _ := request(from, announced)
					r.Header.Set(komboScheme.Header, v.Sign(content[:size]))
					body, _, err := v.Receive(httptest.NewRecorder(), r, 0)
					require.NoError(t, err, "%d of %d", size, announced)
					require.True(t, bytes.Equal(content[:size], body), "%d of %d", size, announced)
				}
			}
		}
	}
	require.Zero(t, webhook.SharedBudget().Held())
}

// What is announced is not what is reserved.
func TestMemoryGrowsWithWhatArrives(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	v.Verify(http.Header{}, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		r, _ := request(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)), 7<<20)
		r.Header.Set(komboScheme.Header, v.Sign(nil))
		_, _, err := v.Receive(httptest.NewRecorder(), r, 0)
		require.ErrorIs(t, err, webhook.ErrBodyBroken)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100*(16<<10)))
}
