package transport

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/assessbridge/assessbridge/assessment"
)

// Call is one call of a vendor's API.
type Call struct {
	// Operation is the vendor's name of the call, for errors and observers. It
	// holds no ids.
	Operation string
	Method    string
	// Path continues the base URL. Each element is escaped on its own; an empty
	// one, "." and ".." are refused.
	Path    []string
	Query   url.Values
	Header  http.Header // wins over [Config.Header]; Authorization is always the client's own
	Account string
	// Body is sent as JSON; an empty one is not sent. The bytes must not be changed
	// any more, not even after the call: a connection may still be reading them.
	Body   []byte
	Repeat Repeat
	// Empty says that a success may come without a body.
	Empty bool
	Class Class
	// Order is the order that the call is about, for observers.
	Order assessment.OrderRef
}

// Repeat says what may happen to a call after a failure that leaves open
// whether the vendor has carried it out: a broken connection, a timeout, most
// answers 5xx. After a failure that proves the opposite (no connection, 429)
// every call may be repeated.
type Repeat int

const (
	// Never is a write that is not repeated then; the error is Uncertain. It is
	// the default for every method but GET and HEAD, which are always [Read].
	Never Repeat = iota
	// Read changes nothing at the vendor and is repeated freely.
	Read
	// Same is a write that the vendor recognises when it comes again. It is
	// repeated freely; if it fails all the same, the error is Uncertain and
	// SafeToRepeat.
	Same
	// Again is a write that is repeated once; whatever refuses it then, the error
	// is Uncertain.
	Again
)

// repeat is the policy in force. GET and HEAD are safe by RFC 9110 section
// 9.2.1.
func (c *Call) repeat() Repeat {
	if c.Method == http.MethodGet || c.Method == http.MethodHead {
		return Read
	}
	return c.Repeat
}

// errNotMade is what a vendor's client answers that is a zero value.
var errNotMade = errors.New("the Client was not made with New")

// Do makes a call, repeats it where that is safe, and returns the last answer.
// The answer is returned with an error too; it is zero if none came.
//
// Errors are of type [*assessment.APIError] once a request could be made,
// [*assessment.ValidationError] if the call cannot be sent as it is, and else
// those of the key, which match neither. A missing or malformed key
// matches [assessment.ErrUnauthorized].
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	if c == nil {
		return Answer{}, errNotMade
	}
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	e := exchange{client: c, call: &call}
	return e.do(ctx)
}
