package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const smallBody = `{"status":"success","data":{"next":null,"results":[{"id":"26vafvWSRmbhNcxJYqjCzuJg","status":"OPEN"}]}}`

type smallPage struct {
	Status string `json:"status"`
	Data   struct {
		Next    *string `json:"next"`
		Results []struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"results"`
	} `json:"data"`
}

// canned is a transport that costs next to nothing.
type canned struct{ body []byte }

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode:    http.StatusOK,
		Header:        http.Header{},
		Body:          io.NopCloser(bytes.NewReader(c.body)),
		ContentLength: int64(len(c.body)),
	}, nil
}

func smallCall(client *Client, call Call) error {
	_, _, err := JSON[smallPage](context.Background(), client, call)
	return err
}

// plainCall is what smallCall does, with net/http alone.
func plainCall(client *http.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.test/v1/orders", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "floor")
	request.Header.Set("Authorization", "Bearer "+testKey)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var page smallPage
	return json.Unmarshal(body, &page)
}

func BenchmarkCall(b *testing.B) {
	client := newClient(b, canned{[]byte(smallBody)})
	b.ReportAllocs()
	for b.Loop() {
		if err := smallCall(client, reading); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCallFloor(b *testing.B) {
	client := &http.Client{Transport: canned{[]byte(smallBody)}}
	b.ReportAllocs()
	for b.Loop() {
		if err := plainCall(client); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLargeWrite(b *testing.B) {
	client := newClient(b, canned{[]byte(smallBody)})
	call := writing
	call.Body = make([]byte, 20<<20)
	b.SetBytes(20 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if err := smallCall(client, call); err != nil {
			b.Fatal(err)
		}
	}
}

// The race detector allocates by itself, so that the limits hold only without.
func TestAllocations(t *testing.T) {
	client := newClient(t, canned{[]byte(smallBody)})
	for name, limited := range map[string]struct {
		call  Call
		limit float64
	}{
		"read":  {reading, 48},
		"write": {writing, 48},
	} {
		t.Run(name, func(t *testing.T) {
			got := testing.AllocsPerRun(200, func() { require.NoError(t, smallCall(client, limited.call)) })
			if !raceEnabled {
				require.LessOrEqual(t, got, limited.limit)
			}
		})
	}
}

func TestLargeBodyIsNotCopied(t *testing.T) {
	const size = 20 << 20
	client := newClient(t, canned{[]byte(smallBody)})
	call := writing
	call.Body = make([]byte, size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, smallCall(client, call))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/10))
}
