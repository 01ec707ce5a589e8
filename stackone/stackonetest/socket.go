package stackonetest

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// socket is the loopback listener, opened when it is first needed.
type socket struct {
	mu     sync.Mutex
	server *http.Server
	url    string
	closed bool
}

// URL returns the base URL of the API, as in "http://127.0.0.1:41234". The first
// call opens the socket. It returns the empty string if no loopback socket can be
// opened or the simulator is closed.
func (s *Server) URL() string { return s.socket.open(s) }

func (k *socket) open(h http.Handler) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || k.url != "" {
		return k.url
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return ""
	}
	k.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	k.url = "http://" + listener.Addr().String()
	go func(server *http.Server) {
		// Serve ends with ErrServerClosed when the simulator is closed; there is
		// nobody to tell about any other end.
		_ = server.Serve(listener)
	}(k.server)
	return k.url
}

func (k *socket) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed, k.url = true, ""
	if k.server != nil {
		_ = k.server.Close() // closes a listener: no data can be lost
	}
}

// ServeHTTP serves the API, so that a program can mount the simulator in a server
// of its own. The unified paths start with /unified, the others are at the root.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller hung up while sending: nobody reads an answer
	}
	rep := s.exchange(r.Context(), newCall(r, body))
	if rep.reset {
		resetConnection(w)
		return
	}
	s.writeReply(w, r, rep)
}

func (s *Server) writeReply(w http.ResponseWriter, r *http.Request, rep reply) {
	for name, values := range rep.header {
		w.Header()[name] = values
	}
	if len(rep.lead) == 0 {
		// With a heartbeat the length is not known when the header is sent.
		w.Header().Set("Content-Length", rep.contentLength())
	}
	w.WriteHeader(rep.status)
	if len(rep.lead) > 0 || rep.bodyDelay > 0 {
		_, _ = w.Write(rep.lead)
		// A writer that cannot flush only sends header and body together.
		_ = http.NewResponseController(w).Flush()
		if !s.pause(r.Context(), rep.bodyDelay) {
			return
		}
	}
	// A failed write means that the caller has gone. Writing less than announced
	// makes net/http close the connection, which is what a cut-off body is.
	_, _ = w.Write(rep.sent())
	if rep.cutOff && len(rep.lead) > 0 {
		resetConnection(w)
	}
}

// resetConnection makes the peer see ECONNRESET: with a linger time of zero the
// kernel sends RST where a plain close would send FIN.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's documented way to drop a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // on failure the peer sees an orderly close instead
	}
	_ = conn.Close()
}
