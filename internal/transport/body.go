package transport

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// Body is what a call sends. The zero value sends nothing.
type Body struct {
	data   []byte
	open   func() (io.ReadCloser, error)
	length int64
}

// Bytes sends data without copying it. The bytes must not be changed any more,
// not even after the call: a connection may still be reading them.
func Bytes(data []byte) Body { return Body{data: data, length: int64(len(data))} }

// Stream sends length bytes from what open returns. Open is called once per
// attempt, so a large attachment need not be held in memory.
func Stream(length int64, open func() (io.ReadCloser, error)) Body {
	return Body{open: open, length: length}
}

// Encode sends v as JSON.
func Encode(v any) (Body, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return Body{}, err
	}
	return Bytes(data), nil
}

func (b Body) empty() bool { return b.length == 0 }

// raw returns the body as go-retryablehttp wants it. Only a []byte and a
// function are rewound without being read into memory first.
func (b Body) raw() any {
	switch {
	case b.empty():
		return nil
	case b.open == nil:
		return b.data
	}
	probed := false
	return func() (io.Reader, error) {
		if !probed { // the first call only asks for a length, which we know
			probed = true
			return http.NoBody, nil
		}
		source, err := b.open()
		if err != nil {
			return nil, &bodyError{err}
		}
		return &measured{source, b.length}, nil
	}
}

// measured reports what is wrong with a stream as a [*bodyError], so that it is
// not taken for a broken connection and tried again.
type measured struct {
	source io.ReadCloser
	left   int64
}

var (
	errBodyShort = errors.New("shorter than announced")
	errBodyLong  = errors.New("longer than announced")
)

// Read implements [io.Reader].
func (m *measured) Read(p []byte) (int, error) {
	n, err := m.source.Read(p)
	m.left -= int64(n)
	switch {
	case m.left < 0:
		return 0, &bodyError{errBodyLong}
	case err == io.EOF && m.left > 0:
		return n, &bodyError{errBodyShort}
	case err != nil && err != io.EOF:
		return n, &bodyError{err}
	}
	return n, err
}

// Close implements [io.Closer].
func (m *measured) Close() error { return m.source.Close() }

// bodyError is the fault of whoever supplied the body, not of the network.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "request body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }
