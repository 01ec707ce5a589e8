package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
)

var errEmptyBody = errors.New("empty body")

// JSON makes a call and decodes the answer. White space before the document is
// accepted, because StackOne sends line breaks while a long request is running.
//
// A success that is not JSON is an error that keeps status and body; the answer
// is returned beside it, for a caller to whom the status is enough. Calls whose
// answer may be empty use [Client.Do].
func JSON[T any](ctx context.Context, c *Client, call Call) (T, Answer, error) {
	var value T
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	e := exchange{client: c, call: &call}
	answer, err := e.do(ctx)
	if err != nil {
		return value, answer, err
	}
	if err := decode(answer.Body, &value); err != nil {
		var zero T
		return zero, answer, e.unreadable(err)
	}
	return value, answer, nil
}

func decode(body []byte, value any) error {
	err := json.Unmarshal(body, value)
	if err != nil && len(bytes.TrimSpace(body)) == 0 {
		return errEmptyBody
	}
	return err
}
