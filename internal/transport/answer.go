package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	size := min(max(response.ContentLength, 0), limit, prealloc)
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := buffer.ReadFrom(io.LimitReader(response.Body, limit+1))
	if body := buffer.Bytes(); int64(len(body)) > limit {
		return body[:limit], fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return buffer.Bytes(), err
}
