package webhook

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
)

// DefaultMaxBody is the limit of a body in bytes where none is given: 1 MiB.
const DefaultMaxBody = 1 << 20

var (
	// ErrBodyTooLarge: the body is longer than the limit. Nothing of it is
	// returned.
	ErrBodyTooLarge = errors.New("webhook: body too large")
	// ErrBodyConsumed: something in front of the handler, such as a logging
	// middleware, has read the body or a part of it and not put it back. The
	// signature of what is left cannot be right, whoever sent it: the mistake is
	// the host's, and the sender shall try again.
	ErrBodyConsumed = errors.New("webhook: body already read by a middleware")
	// ErrBodyBroken: the body ended in an error, mostly because the sender hung
	// up or was too slow. The cause is wrapped beside it.
	ErrBodyBroken = errors.New("webhook: body broke off")
)

// firstRead is what is allocated at first for a body of unknown length.
const firstRead = 4 << 10

// Read returns the whole body of r, of at most limit bytes; a limit of 0 or
// less means [DefaultMaxBody].
//
// A body over the limit is [ErrBodyTooLarge]: without reading if Content-Length
// announces it, else after one byte beyond the limit. As with
// [http.MaxBytesReader], an HTTP/1 server is told to close the connection after
// the answer instead of reading on. A body that was read before is
// [ErrBodyConsumed]; that can be seen if Content-Length is known or if the body
// was closed. Any other error wraps [ErrBodyBroken] and its cause.
//
// With a Content-Length, Read allocates once.
func Read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	limit = normalLimit(limit)
	if r.ContentLength > limit {
		closeAfterReply(w, r)
		return nil, ErrBodyTooLarge
	}
	from := io.Reader(http.NoBody)
	if r.Body != nil { // it never is nil in a server, but may be in a test
		from = r.Body
	}
	body, err := readAll(from, r.ContentLength, limit)
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		closeAfterReply(w, r)
		return nil, err
	case err != nil:
		return nil, err
	case int64(len(body)) < r.ContentLength:
		// The server reports a sender that stops early as an error. Too few
		// bytes and a clean end mean that somebody else has the others.
		return nil, ErrBodyConsumed
	}
	return body, nil
}

// normalLimit leaves room for the one byte by which a body is found too large.
func normalLimit(limit int64) int64 {
	if limit <= 0 {
		return DefaultMaxBody
	}
	return min(limit, math.MaxInt-1)
}

// readAll reads to the end, or to one byte beyond the limit. announced is the
// expected length, at most limit, or negative.
func readAll(r io.Reader, announced, limit int64) ([]byte, error) {
	size := announced + 1 // the last read finds the end without growing
	if announced < 0 {
		size = min(firstRead, limit+1)
	}
	body := make([]byte, 0, size)
	for {
		n, err := r.Read(body[len(body):min(cap(body), int(limit)+1)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, ErrBodyTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, readError(err)
		case len(body) == cap(body):
			body = slices.Grow(body, 1)
		}
	}
}

// readError translates what net/http and a host's own middleware report.
func readError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge): // a middleware's limit is lower than ours
		return ErrBodyTooLarge
	case errors.Is(err, http.ErrBodyReadAfterClose):
		return ErrBodyConsumed
	}
	return fmt.Errorf("%w: %w", ErrBodyBroken, err)
}

// closeAfterReply keeps the server from reading the rest of the body in order
// to use the connection again. A header does it, and not http.MaxBytesReader,
// because the reader must be given the server's own ResponseWriter and cannot
// see through a middleware's. HTTP/2 just resets the stream.
func closeAfterReply(w http.ResponseWriter, r *http.Request) {
	if !r.ProtoAtLeast(2, 0) {
		w.Header().Set("Connection", "close")
	}
}
