package webhook

import (
	"errors"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
)

const (
	// DefaultBudget is how many bytes of unproved bodies a process holds at most
	// where nothing else is said: 64 MiB.
	DefaultBudget = 64 << 20
	// FreeBytes are the first bytes of each body, for which it is never refused: a
	// small delivery always gets in.
	FreeBytes = pieceLen
)

// ErrOverBudget: the bodies of which nobody knows yet who sent them fill the
// [Budget]. The sender shall try again.
var ErrOverBudget = errors.New("webhook: too many unproved bytes at once")

// Budget bounds the memory that senders can take before they have proved who they
// are: the bytes of all bodies that are being read or wait for their signature to
// be checked. When it is spent, a body that needs more than [FreeBytes] is refused
// with [ErrOverBudget]. It is safe for concurrent use. Make one with [NewBudget], or
// use that of the process, [SharedBudget].
type Budget struct {
	size atomic.Int64
	held atomic.Int64
}

// NewBudget returns a budget of so many bytes; [DefaultBudget] for zero or less.
func NewBudget(size int64) *Budget {
	b := &Budget{}
	b.Resize(size)
	return b
}

// shared belongs to the process because the memory that it guards does.
var shared = NewBudget(DefaultBudget)

// SharedBudget returns the budget of all handlers of the process that are given
// none of their own.
func SharedBudget() *Budget { return shared }

// Resize changes the size, in bytes; [DefaultBudget] for zero or less. Bodies that
// are being read keep what they have.
func (b *Budget) Resize(size int64) {
	if size <= 0 {
		size = DefaultBudget
	}
	b.size.Store(size)
}

// Held returns how many bytes are held at the moment; with many small bodies that
// may be more than the size.
func (b *Budget) Held() int64 { return b.held.Load() }

// orShared is for a nil budget, and for a zero one: it has no size.
func (b *Budget) orShared() *Budget {
	if b == nil || b.size.Load() == 0 {
		return shared
	}
	return b
}

const (
	// firstLen is what a body gets before anything of it has come. 2,000 senders
	// that never go on hold 8 MiB.
	firstLen = 4 << 10
	// pieceLen is what a body grows by.
	pieceLen = 16 << 10
)

// Memory of refused bodies is used again: under a flood the collector would not
// keep up with it.
var (
	firsts = sync.Pool{New: func() any { return new([firstLen]byte) }}
	pieces = sync.Pool{New: func() any { return new([pieceLen]byte) }}
)

// Unproved is a body of which nobody knows yet who sent it. Release it when that
// is known or does not matter any more.
type Unproved struct {
	budget  *Budget
	charged int64
	size    int64
	whole   []byte          // the body, unless it is in pieces or still in first
	first   *[firstLen]byte // the first bytes, later what has just landed
	pieces  []*[pieceLen]byte
	unsized bool // the sender did not say how long the body is
}

// Len returns the length of the body in bytes.
func (u *Unproved) Len() int64 { return u.size }

// Verify checks the signature of the body; see [Verifier.Verify]. An empty body
// that the signature does not fit is [ErrBodyConsumed] if its sender announced
// no length: senders of webhooks have something to say, and middlewares that read
// a body without putting it back leave it empty.
func (u *Unproved) Verify(v *Verifier, header http.Header) (secretID string, err error) {
	switch {
	case u.whole != nil:
		secretID, err = v.verify(header, u.whole, nil)
	case len(u.pieces) == 0:
		secretID, err = v.verify(header, u.first[:u.size], nil)
	default:
		secretID, err = v.verify(header, nil, u.parts())
	}
	if u.size == 0 && u.unsized && errors.Is(err, ErrBadSignature) {
		return "", ErrBodyConsumed
	}
	return secretID, err
}

// parts are the pieces, cut to what is in them.
func (u *Unproved) parts() [][]byte {
	parts := make([][]byte, len(u.pieces))
	left := u.size
	for i, p := range u.pieces {
		n := min(left, pieceLen)
		parts[i] = p[:n]
		left -= n
	}
	return parts
}

// Bytes returns the body in one piece. It remains the caller's after
// [Unproved.Release].
func (u *Unproved) Bytes() []byte {
	if u.whole != nil {
		return u.whole
	}
	whole := make([]byte, 0, u.size)
	if len(u.pieces) == 0 {
		whole = append(whole, u.first[:u.size]...)
	}
	for _, part := range u.parts() {
		whole = append(whole, part...)
	}
	u.whole = whole
	u.recycle()
	return whole
}

// Release gives back what the body holds of its budget. It can be called more than
// once.
func (u *Unproved) Release() {
	u.recycle()
	if u.charged > 0 {
		u.budget.held.Add(-u.charged)
		u.charged = 0
	}
}

func (u *Unproved) putFirst() {
	if u.first != nil {
		firsts.Put(u.first)
		u.first = nil
	}
}

func (u *Unproved) recycle() {
	u.putFirst()
	for _, p := range u.pieces {
		pieces.Put(p)
	}
	u.pieces = nil
}

// room returns where the next bytes of the body go. With landed they have to be
// moved to a piece of their own if there are any: a body that ends where a piece
// ends needs no further one.
func (u *Unproved) room(announced int64) (room []byte, landed bool) {
	if u.whole == nil && len(u.pieces) == 0 && u.size == firstLen {
		u.outgrow(announced)
	}
	switch {
	case u.whole != nil:
		return u.whole[u.size:cap(u.whole)], false
	case len(u.pieces) == 0:
		return u.first[u.size:], false
	}
	last := len(u.pieces) - 1
	if offset := u.size - int64(last)*pieceLen; offset < pieceLen {
		return u.pieces[last][offset:], false
	}
	if u.first == nil {
		u.first = firsts.Get().(*[firstLen]byte)
	}
	return u.first[:], true
}

// outgrow moves a body of more than the first bytes to where it has more room. If
// it will end soon that is where it stays, so that it is not copied again.
func (u *Unproved) outgrow(announced int64) {
	defer u.putFirst()
	u.charge()
	if announced >= firstLen && announced < pieceLen {
		u.whole = make([]byte, firstLen, announced+1) // the last read finds the end
		copy(u.whole, u.first[:])
		return
	}
	u.pieces = append(u.pieces, pieces.Get().(*[pieceLen]byte))
	copy(u.pieces[0][:], u.first[:])
}

// charge counts one piece and says whether the budget allows it.
func (u *Unproved) charge() bool {
	if u.budget == nil {
		return true
	}
	u.charged += pieceLen
	return u.budget.held.Add(pieceLen) <= u.budget.size.Load()
}

// grow gives what has landed a piece of its own, if the budget allows it.
func (u *Unproved) grow(landed []byte) bool {
	if !u.charge() {
		return false
	}
	defer u.putFirst()
	piece := pieces.Get().(*[pieceLen]byte)
	copy(piece[:], landed)
	u.pieces = append(u.pieces, piece)
	return true
}

// normalLimit leaves room for the one byte by which a body is found too large.
func normalLimit(limit int64) int64 {
	if limit <= 0 {
		return DefaultMaxBody
	}
	return min(limit, math.MaxInt-1)
}
