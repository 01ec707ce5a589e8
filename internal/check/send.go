package check

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// raw sends what no simulator would: requests that are wrong as HTTP.
type raw struct {
	t        *T
	world    int // of the exchanges
	endpoint Endpoint
	client   http.RoundTripper
	n        int
}

// inMemoryHost is what a handler that is called in memory is told.
const inMemoryHost = "http://provider.example"

func (t *T) raw(e Endpoint) *raw {
	world, _ := t.nextWorld()
	r := &raw{t: t, world: world, endpoint: e}
	if e.Handler != nil {
		inMemory := simkit.NewEndpoint(e.Handler)
		t.onEnd(inMemory.Close)
		r.client, r.endpoint.URL = inMemory, inMemoryHost+e.path()
		return r
	}
	sockets := &http.Transport{DialContext: r.t.kit.cfg.DialContext}
	t.onEnd(sockets.CloseIdleConnections)
	r.client = sockets
	return r
}

// request is one request of a raw sender.
type request struct {
	method string
	header http.Header
	body   []byte
	// reader replaces body; size is its length if it is known, else -1.
	reader io.Reader
	size   int64
	note   string // what is special about it
}

// send makes the request and keeps the exchange.
func (r *raw) send(ctx context.Context, q request) reply {
	ctx, cancel := context.WithTimeout(ctx, r.t.opts.AnswerTimeout)
	defer cancel()
	r.n++
	at := place{r.world, r.n}
	e := Exchange{
		Direction: "to the service", Operation: q.note, Method: q.method, URL: simkit.RedactedURL(r.endpoint.URL),
		RequestHeader: shown(q.header), RequestBody: shownBody(q.body), Time: r.t.kit.cfg.Clock(), at: at,
	}
	began := time.Now()
	status, header, body, err := r.do(ctx, q)
	e.Duration = time.Since(began)
	e.Status, e.ResponseHeader, e.ResponseBody = status, shown(header), shownBody(body)
	if err != nil {
		e.Err = err.Error()
	}
	r.t.record(e)
	return reply{status: status, header: header, body: body, err: err, at: at, accepted: status >= 200 && status < 300}
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 1 << 20

func (r *raw) do(ctx context.Context, q request) (int, http.Header, []byte, error) {
	reader := q.reader
	if reader == nil {
		reader = bytes.NewReader(q.body)
	}
	hr, err := http.NewRequestWithContext(ctx, q.method, r.endpoint.URL, reader)
	if err != nil {
		return 0, nil, nil, withoutURL(err)
	}
	if q.reader != nil {
		hr.ContentLength = q.size
	}
	hr.Header = q.header.Clone()
	resp, err := r.client.RoundTrip(hr)
	if err != nil {
		return 0, nil, nil, withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, resp.Header, body, err
}

// withoutURL takes the address out of an error: it may carry a token.
func withoutURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
