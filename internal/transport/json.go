package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
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
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	e := exchange{client: c, call: &call, want: &document}
	answer, err := e.do(ctx)
	if err != nil {
		return *new(T), answer, err
	}
	if e.drift != "" {
		c.drift(ctx, &call, e.drift)
	}
	return document.value, answer, nil
}

// document is what a success is decoded into.
type document[T any] struct{ value T }

// read decodes a success and names a field that was odd in it. An error says that
// the answer is not the vendor's.
func (d *document[T]) read(body []byte) (drift string, err error) {
	d.value = *new(T)
	drift, err = decode(body, &d.value)
	if checker, ok := any(&d.value).(Checker); ok && err == nil {
		err = checker.Check()
	}
	return drift, err
}

func (c *Client) drift(ctx context.Context, call *Call, field string) {
	if c.config.Observer.Drift != nil {
		c.config.Observer.Drift(ctx, assessment.Drift{
			Vendor: c.config.Vendor, Connection: c.config.Connection,
			Account: call.Account, Event: call.Operation, Field: field,
		})
	}
}

// decode tolerates a text, number or boolean of another type than documented,
// which is left at its zero value and reported as drift: one odd field must not
// hide the rest of an answer. A list or an object where there should be the other
// is an error, because everything in it would be missing without a word.
func decode(body []byte, value any) (drift string, err error) {
	err = json.Unmarshal(body, value)
	var field *json.UnmarshalTypeError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &field) && field.Field != "" && scalar(field.Type.Kind()):
		return WirePath(field.Field), nil
	case len(bytes.TrimSpace(body)) == 0:
		return "", ErrEmptyBody
	}
	return "", err
}

// WirePath takes the names of embedded structs out of the path of a
// [json.UnmarshalTypeError]: they are Go's and not the vendor's.
func WirePath(field string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(field, "."), func(name string) bool {
		return name != "" && 'A' <= name[0] && name[0] <= 'Z'
	}), ".")
}

func scalar(k reflect.Kind) bool {
	return k == reflect.String || reflect.Bool <= k && k <= reflect.Float64
}
