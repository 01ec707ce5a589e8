package sandbox

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is kept is a ring: however long a sandbox runs, its memory has a bound. The
// orders of this one are twice as many as it lists, and the rest are the reads of a
// provider that asks too often.
func TestMemoryIsBounded(t *testing.T) {
	exchanges := 20_000
	if os.Getenv("ASSESSBRIDGE_LONG") != "" {
		exchanges = 100_000
	}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, `{"success":true,"results":{"assessment_id":"a-%x"}}`, sha256.Sum256(body))
	}))
	defer provider.Close()
	app, err := New(Settings{})
	require.NoError(t, err)
	defer app.Close()
	for _, vendor := range Vendors {
		require.NoError(t, app.Target(vendor, Target{Webhook: provider.URL, Packages: provider.URL, Base: provider.URL}))
	}
	reads := map[string]string{Kombo: "/v1/assessment/packages", StackOne: "/accounts", Ashby: "/candidate.info"}
	var first, latest Done
	var half uint64
	every := exchanges / (2 * maxOrders)
	for i := range exchanges {
		vendor := Vendors[i/every%len(Vendors)]
		if i%every != 0 {
			app.API(vendor).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, reads[vendor], nil))
			continue
		}
		latest, err = app.Place(t.Context(), Request{Vendor: vendor})
		require.NoError(t, err)
		if i == 0 {
			first = latest
		}
		if i == exchanges*3/4/every*every {
			half = heap() // as full as it gets
		}
	}
	full := heap()
	t.Logf("%d exchanges, %d KiB in use after three quarters, %d KiB at the end", app.journal.last, half>>10, full>>10)
	require.GreaterOrEqual(t, app.journal.last, exchanges)
	require.Less(t, full, half+half/10+4<<20)
	require.Len(t, app.Cards(""), maxOrders)
	require.Len(t, app.journal.timeline(func(*Row) bool { return true }), maxRows)
	_, found := app.Card(Ref{latest.Vendor, latest.Order})
	require.True(t, found, "the latest is there")
	_, found = app.Card(Ref{first.Vendor, first.Order})
	require.False(t, found, "the first is gone, at its vendor too")
	_, found = app.journal.row(first.Rows[0])
	require.False(t, found)
}

// Few rows can be large: their bytes have a bound of their own.
func TestBytesAreBounded(t *testing.T) {
	j := newJournal()
	for range 200 {
		j.add(Row{RequestBody: make([]byte, 1<<20)})
	}
	require.LessOrEqual(t, j.bytes, maxRowBytes)
	require.Len(t, j.timeline(func(*Row) bool { return true }), maxRowBytes>>20)
	require.LessOrEqual(t, len(j.news), maxNews)
}

// heap is how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
