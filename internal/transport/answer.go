package transport

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Answer is what the vendor answered.
type Answer struct {
	StatusCode int // 0 if no answer came
	Header     http.Header
	Body       []byte // read to its end, or up to [Config.MaxBody] if there is an error
	RequestID  string // the vendor's, if it gives one
	Attempts   int    // HTTP requests made, this one included
}

// success reports whether the status is a 2xx.
func (a *Answer) success() bool { return a.StatusCode/100 == 2 }

// prealloc is how much memory a Content-Length is trusted with.
const prealloc = 1 << 20

var errTooLarge = errors.New("answer too large")

// readBody reads at most limit bytes and closes the body. A body that has been
// read to its end leaves the connection ready for the next request.
func readBody(response *http.Response, limit int64) ([]byte, error) {
	defer response.Body.Close()
	if body, compressed := compressedBody(response); compressed {
		return unzipped(body, limit)
	}
	return read(response.Body, max(response.ContentLength, 0), limit)
}

// compressedBody returns the body of an answer that is still compressed. net/http
// undoes a compression only if it has asked for it itself: not with a transport that
// was told not to, and not where the caller's header or transport asks.
func compressedBody(response *http.Response) (io.Reader, bool) {
	if response.Uncompressed {
		return nil, false
	}
	switch strings.ToLower(response.Header.Get("Content-Encoding")) {
	case "gzip", "x-gzip":
		return response.Body, true
	}
	return nil, false
}

// unzipped reads to the end of the compressed body too, also for what is none: a
// proxy may have unpacked an answer and left the header.
func unzipped(from io.Reader, limit int64) ([]byte, error) {
	packed, err := read(from, 0, limit)
	if err != nil || !bytes.HasPrefix(packed, gzipMagic) {
		return packed, err
	}
	unpacker, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return packed, err
	}
	return read(unpacker, 0, limit)
}

// gzipMagic starts every gzip file (RFC 1952 section 2.3.1), and no JSON.
var gzipMagic = []byte{0x1f, 0x8b}

// read returns what from holds, of which size is expected.
func read(from io.Reader, size, limit int64) ([]byte, error) {
	buffer := bytes.NewBuffer(make([]byte, 0, min(size, limit, prealloc)+bytes.MinRead))
	_, err := buffer.ReadFrom(io.LimitReader(from, limit+1))
	if body := buffer.Bytes(); int64(len(body)) > limit {
		return body[:limit], fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return buffer.Bytes(), err
}
