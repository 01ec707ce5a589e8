package webhook_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

// memory is a listener without sockets.
type memory struct {
	conns chan net.Conn
	done  chan struct{}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { close(m.done); return nil }
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (m *memory) dial() net.Conn {
	client, server := net.Pipe()
	m.conns <- server
	return client
}

// listen serves a handler that receives as all handlers do.
func listen(t *testing.T, v *webhook.Verifier, budget *webhook.Budget) *memory {
	m := &memory{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, err := v.ReceiveWithin(budget, w, r, 0)
		code, text := webhook.Status(err)
		http.Error(w, text, code)
	}), ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute}
	served := make(chan error)
	go func() { served <- server.Serve(m) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return m
}

func head(signature string, length int) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nX-Kombo-Signature: %s\r\nContent-Length: %d\r\n\r\n", signature, length)
}

// deliver sends a whole delivery and returns the answer's status.
func deliver(conn net.Conn, head string, body []byte) int {
	return deliverInTwo(conn, head, body, len(body), func() {})
}

// deliverInTwo waits after the first bytes of the body.
func deliverInTwo(conn net.Conn, head string, body []byte, first int, wait func()) int {
	defer conn.Close()
	go func() {
		_, _ = io.WriteString(conn, head)
		_, _ = conn.Write(body[:first])
		wait()
		_, _ = conn.Write(body[first:]) // cut off when the server has refused
	}()
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// heap watches how many bytes are in use until it is stopped, and returns how far
// they were above where they began. It collects before it looks: how much garbage
// there may be is GOGC's to say. What one look alone has seen was allocated while
// the collector ran.
func heap() (stop func() uint64) {
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	began := inUse()
	peak, before := began, began
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			now := inUse()
			peak, before = max(peak, min(before, now)), now
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-stopped
		return peak - began
	}
}

const crowd = 2000

// Senders that announce much, begin, and never go on.
func TestSlowSenders(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	server := listen(t, v, nil)
	forged := v.Sign(nil)
	stop := heap()
	conns := make([]net.Conn, crowd)
	for i := range conns {
		conns[i] = server.dial()
		_, err := io.WriteString(conns[i], head(forged, 7<<20)+`{"id"`)
		require.NoError(t, err)
	}
	order := []byte(payload)
	require.Equal(t, 200, deliver(server.dial(), head(v.Sign(order), len(order)), order))
	require.LessOrEqual(t, stop(), uint64(64<<20))
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
}

// Senders of much, under signatures that look as they should.
func TestFloodOfForgedBodies(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	budget := webhook.NewBudget(0)
	server := listen(t, v, budget)
	forged, body := head(v.Sign(nil), 7<<20), make([]byte, 7<<20)
	order := append([]byte(payload), make([]byte, 15<<10)...)
	genuine := head(v.Sign(order), len(order))

	stop := heap()
	var senders, begun sync.WaitGroup
	begun.Add(crowd)
	wait := func() { begun.Done(); begun.Wait() } // until all are in
	var unauthorized, later atomic.Int64
	for range crowd {
		senders.Go(func() {
			switch deliverInTwo(server.dial(), forged, body, webhook.FreeBytes, wait) {
			case 401:
				unauthorized.Add(1)
			case 503:
				later.Add(1)
			}
		})
	}
	flooded := make(chan struct{})
	go func() { senders.Wait(); close(flooded) }()
	taken := 0
	for flooding := true; flooding; {
		require.Equal(t, 200, deliver(server.dial(), genuine, order))
		taken++
		select {
		case <-flooded:
			flooding = false
		case <-time.After(5 * time.Millisecond):
		}
	}
	peak := stop()
	t.Logf("%d MiB; %d refused, %d put off, %d orders taken meanwhile", peak>>20, unauthorized.Load(), later.Load(), taken)
	require.LessOrEqual(t, peak, uint64(128<<20))
	require.Positive(t, unauthorized.Load())
	require.Zero(t, budget.Held())
}
