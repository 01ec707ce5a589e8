package webhook

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// DefaultMaxBody is the limit of a body in bytes where none is given: 8 MiB. Job
// descriptions and custom fields make orders of more than one.
const DefaultMaxBody = 8 << 20

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

// Read returns the whole body of r, of at most limit bytes; a limit of 0 or
// less means [DefaultMaxBody]. It is for a sender who is known already, such as by
// an API key: the body counts for no [Budget]. See [Verifier.Receive] and
// [Budget.Read] for the others.
//
// A body over the limit is [ErrBodyTooLarge]: without reading if Content-Length
// announces it, else after one byte beyond the limit. As with
// [http.MaxBytesReader], an HTTP/1 server is told to close the connection after
// the answer instead of reading on. A body that was read before is
// [ErrBodyConsumed]; that can be seen if Content-Length is known or if the body
// was closed. Any other error wraps [ErrBodyBroken] and its cause.
//
// Memory grows with what arrives, whatever Content-Length announces. The body
// itself is allocated once.
func Read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	var u Unproved
	defer u.Release()
	if err := u.read(nil, w, r, limit); err != nil {
		return nil, err
	}
	return u.Bytes(), nil
}

// Read reads the body of r as [Read] does, but for a sender who is not known yet:
// its bytes count for the budget until the body is released.
// The error may be [ErrOverBudget], too; there is nothing to release then.
//
// A nil Budget is that of the process, [SharedBudget].
func (b *Budget) Read(w http.ResponseWriter, r *http.Request, limit int64) (*Unproved, error) {
	u := &Unproved{}
	if err := u.read(b.orShared(), w, r, limit); err != nil {
		u.Release()
		return nil, err
	}
	return u, nil
}

// read may leave something to release, whether it fails or not. Without a budget
// nothing counts.
func (u *Unproved) read(budget *Budget, w http.ResponseWriter, r *http.Request, limit int64) error {
	u.budget, u.unsized = budget, unsized(r)
	limit = normalLimit(limit)
	if r.ContentLength > limit {
		closeAfterReply(w, r)
		return ErrBodyTooLarge
	}
	from := io.Reader(http.NoBody)
	if r.Body != nil { // it never is nil in a server, but may be in a test
		from = r.Body
	}
	u.first = firsts.Get().(*[firstLen]byte)
	err := u.fill(from, r.ContentLength, limit)
	switch {
	case errors.Is(err, ErrBodyTooLarge), errors.Is(err, ErrOverBudget):
		closeAfterReply(w, r)
		return err
	case err != nil:
		return err
	case u.size < r.ContentLength:
		// The server reports a sender that stops early as an error. Too few
		// bytes and a clean end mean that somebody else has the others.
		return ErrBodyConsumed
	}
	return nil
}

// unsized says whether the sender announced no length. A middleware may have set
// ContentLength to what it left.
func unsized(r *http.Request) bool {
	length := r.Header["Content-Length"]
	return r.ContentLength < 0 || len(r.TransferEncoding) > 0 || len(length) > 0 && length[0] != "0"
}

// fill reads to the end, or to one byte beyond the limit. announced is the
// expected length, at most limit, or negative.
func (u *Unproved) fill(from io.Reader, announced, limit int64) error {
	for {
		room, landed := u.room(announced)
		room = room[:min(int64(len(room)), limit+1-u.size)]
		n, err := from.Read(room)
		switch {
		case u.size+int64(n) > limit:
			return ErrBodyTooLarge
		case landed && n > 0 && !u.grow(room[:n]):
			return ErrOverBudget
		}
		u.size += int64(n)
		if u.whole != nil {
			u.whole = u.whole[:u.size]
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return readError(err)
		case u.whole != nil && len(u.whole) == cap(u.whole):
			u.split() // a middleware put back more than was announced
		}
	}
}

// split puts a body that is longer than announced back into pieces.
func (u *Unproved) split() {
	whole := u.whole
	u.whole = nil
	u.pieces = append(u.pieces, pieces.Get().(*[pieceLen]byte))
	copy(u.pieces[0][:], whole) // it is of one piece at most
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
