package vendortest

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// refusal is a request that is wrong in some ways.
type refusal struct {
	name             string
	method, encoding string // in place of the right ones
	proof            string // "absent", "malformed", "forged", or the right one
	large, broken    bool
	status           int
	unread           bool // nothing of the body may be read
}

// counted counts what is read of a body.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func (c *counted) Close() error { return nil }

func (d Door) wrong(c refusal) (*http.Request, *counted) {
	body := d.Body
	if c.broken {
		body = []byte(`{"id": `)
	}
	if c.large {
		body = bytes.Repeat([]byte(" "), bodyLimit+1)
	}
	r := d.Request(body)
	counting := &counted{Reader: bytes.NewReader(body)}
	r.Body = counting
	switch c.proof {
	case "absent":
		d.Absent(r)
	case "malformed":
		d.Malformed(r)
	case "forged":
		d.Forge(r)
	}
	if c.method != "" {
		r.Method = c.method
	}
	if c.encoding != "" {
		r.Header.Set("Content-Encoding", c.encoding)
	}
	return r, counting
}

// What cannot be taken is refused for the first reason in the order that costs
// least: method, encoding, a proof that is there and well-formed, size, the proof
// itself, JSON. Nothing of a body is read before a proof could be one.
func refusals(t *testing.T, v Vendor) {
	for _, d := range v.Doors {
		large := http.StatusRequestEntityTooLarge
		if d.ProofFirst {
			large = d.Unproved
		}
		cases := []refusal{
			{name: "method", method: http.MethodPut, encoding: "gzip", proof: "absent", large: true, status: 405, unread: true},
			{name: "encoding", encoding: "gzip", proof: "absent", large: true, status: 415, unread: true},
			{name: "encoding of a good one", encoding: "br", status: 415, unread: true},
			{name: "encodings", encoding: "identity, gzip", status: 415, unread: true},
			{name: "no proof", proof: "absent", large: true, status: d.Unproved, unread: true},
			{name: "malformed proof", proof: "malformed", large: true, status: d.Unproved, unread: true},
			{name: "large and forged", proof: "forged", large: true, status: large, unread: d.ProofFirst},
			{name: "large", large: true, status: 413},
			{name: "forged and broken", proof: "forged", broken: true, status: d.Unproved, unread: d.ProofFirst},
		}
		if !d.AnyBody {
			cases = append(cases, refusal{name: "broken", broken: true, status: 400})
		}
		for _, c := range cases {
			t.Run(d.Name+"/"+c.name, func(t *testing.T) {
				o := v.open(t, d)
				r, body := d.wrong(c)
				w := Serve(o.handler, r)
				require.Equal(t, c.status, w.Code, w.Body)
				require.Less(t, w.Body.Len(), 300, "short and fixed")
				if c.status == http.StatusMethodNotAllowed {
					require.Equal(t, d.Allow, w.Header().Get("Allow"))
				}
				if c.unread {
					require.Zero(t, body.read)
				}
				require.Len(t, o.deliveries, 1)
				require.Equal(t, assessment.DeliveryRefused, o.deliveries[0].Outcome)
				require.Equal(t, c.status, o.deliveries[0].StatusCode)
				require.Error(t, o.deliveries[0].Err)
				require.Empty(t, o.calls, "nobody is asked about it")
			})
		}
		t.Run(d.Name+"/identity", func(t *testing.T) {
			r, _ := d.wrong(refusal{encoding: "identity"})
			require.Equal(t, http.StatusOK, Serve(v.open(t, d).handler, r).Code, "is no encoding")
		})
	}
}

// Without a limit of the host's a body of 8 MiB is taken, for orders come with long
// job descriptions, and a longer one is refused.
func defaultLimit(t *testing.T, v Vendor) {
	const limit = 8 << 20
	for name, tc := range map[string]struct{ size, status int }{
		"a long description": {1600 << 10, http.StatusOK}, "the longest": {limit, http.StatusOK}, "too long": {limit + 1, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			h := v.host(t, nil)
			body := h.orders.Order("1")
			body = append(body, bytes.Repeat([]byte(" "), tc.size-len(body))...)
			w := Serve(h.handler, h.orders.Request(body))
			require.Equal(t, tc.status, w.Code)
		})
	}
}
