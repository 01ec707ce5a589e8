package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
)

// ErrEmptyBody is the cause of an error of [JSON] if the answer arrived whole and
// held nothing, unless [Call.Empty] says that this is a success.
var ErrEmptyBody = errors.New("empty body")

// Checker is implemented by what [JSON] decodes if a document can be of the right
// form and still not be the vendor's answer, such as a maintenance page in JSON.
type Checker interface {
	// Check returns what is missing.
	Check() error
}

// JSON makes a call and decodes the answer. White space before the document is
// accepted, because StackOne sends line breaks while a long request is running.
//
// A success that cannot be decoded is not the vendor's answer, but that of
// something in between: the call is repeated where that is safe, and the error
// matches [assessment.ErrUnavailable] and keeps status and body.
func JSON[T any](ctx context.Context, c *Client, call Call) (T, Answer, error) {
	var document document[T]
	if c == nil {
		var none T
		return none, Answer{}, errNotMade
	}
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	e := exchange{client: c, call: &call, want: &document}
	answer, err := e.do(ctx)
	if err != nil {
		return *new(T), answer, err
	}
	for _, odd := range e.drift {
		c.drift(ctx, &call, odd.Path)
	}
	return document.value, answer, nil
}

// document is what a success is decoded into.
type document[T any] struct{ value T }

// read decodes a success and returns what was odd in it. An error says that the
// answer is not the vendor's.
func (d *document[T]) read(body []byte) (drift []lenient.Odd, err error) {
	d.value = *new(T)
	drift, err = decode(body, &d.value)
	if err == nil && holdsNothing(body) {
		err = ErrEmptyBody
	}
	if checker, ok := any(&d.value).(Checker); ok && err == nil {
		err = checker.Check()
	}
	return drift, err
}

// holdsNothing reports whether a body is empty, or the null that some servers write
// for it.
func holdsNothing(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) == 0 || string(body) == "null"
}

func (c *Client) drift(ctx context.Context, call *Call, field string) {
	if c.config.Observer.Drift != nil {
		c.config.Observer.Drift(ctx, assessment.Drift{
			Vendor: c.config.Vendor, Connection: c.config.Connection,
			Account: call.Account, Event: call.Operation, Field: field,
		})
	}
}

// Tolerant is implemented by what [JSON] decodes if a list or an object of it may
// be odd without making the whole answer unreadable.
type Tolerant interface {
	// Tolerates reports whether the value at the path may be.
	Tolerates(path string) bool
}

// decode tolerates a text, number or boolean of another type than documented,
// which is reported as drift: one odd field must not hide the rest of an answer. A
// list or an object where there should be the other is an error, because
// everything in it would be missing.
func decode(body []byte, value any) ([]lenient.Odd, error) {
	odd, err := lenient.Unmarshal(body, value)
	if err != nil {
		if len(bytes.TrimSpace(body)) == 0 {
			err = ErrEmptyBody
		}
		return nil, err
	}
	tolerant, _ := value.(Tolerant)
	for _, o := range odd {
		if o.Why == lenient.WrongShape && (tolerant == nil || !tolerant.Tolerates(o.Path)) {
			return nil, fmt.Errorf("another form than documented at %q", o.Path)
		}
	}
	return odd, nil
}
