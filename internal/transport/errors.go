package transport

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/assessbridge/assessbridge/assessment"
)

// apiError describes the end of the exchange. If the latest attempt was not
// answered, it still shows the last answer there was, but its own cause and
// class: what kept the call from succeeding was not that answer.
func (e *exchange) apiError() *assessment.APIError {
	o := &e.answered
	code, message := plain(o.failure.Code, o.failure.Message)
	err := &assessment.APIError{
		Vendor:       e.client.config.Vendor,
		Operation:    e.call.Operation,
		Account:      e.call.Account,
		StatusCode:   o.answer.StatusCode,
		Code:         e.scrub(code),
		Message:      e.scrub(message),
		Shown:        e.scrub(e.shown(message)),
		RequestID:    e.scrub(o.answer.RequestID),
		LogURL:       e.scrub(o.failure.LogURL),
		RetryAfter:   o.asked,
		Attempts:     e.attempts,
		Uncertain:    e.maybe,
		SafeToRepeat: e.maybe && e.call.repeat() == Same,
		Body:         e.scrubBytes(o.answer.Body),
		Class:        o.failure.Class,
		Cause:        e.scrubError(e.current.cause),
	}
	if e.current.answer.StatusCode == 0 {
		err.Class = e.current.failure.Class
	}
	switch {
	case e.toldToWait && errors.Is(err, assessment.ErrUnavailable):
		err.Class = assessment.ErrRateLimited // whatever the status: it said when to come back
	case e.maybe && !errors.Is(err, assessment.ErrRateLimited):
		// A refusal that came after an attempt of unknown fate may be due to it, so
		// that nothing else can be concluded.
		err.Class = assessment.ErrUnavailable
	}
	return err
}

// noAnswer is a call that ended before the first attempt.
func (e *exchange) noAnswer(cause error) *assessment.APIError {
	class := assessment.ErrUnavailable
	if errors.Is(cause, assessment.ErrUnauthorized) {
		class = assessment.ErrUnauthorized
	}
	e.current = outcome{cause: cause, failure: Failure{Class: class}}
	return e.apiError()
}

// kept is a call whose next attempt did not get through the gate.
func (e *exchange) kept(why error) *assessment.APIError {
	err := e.apiError()
	err.Cause = why
	err.Class = assessment.ErrUnavailable
	var held *heldError
	if errors.As(why, &held) {
		err.Class, err.RetryAfter = assessment.ErrRateLimited, max(err.RetryAfter, held.wait)
	}
	return err
}

// contextError makes sure that an error matches [context.Canceled] or
// [context.DeadlineExceeded] with [errors.Is]: net/http reports the cause that
// a context was cancelled with instead.
func contextError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ctx.Err()
	case errors.Is(err, ctx.Err()):
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// withoutURL takes off what net/http puts around an error: method and URL, and
// with it the query string.
func withoutURL(err error) error {
	for {
		outer, ok := err.(*url.Error)
		if !ok || outer.Err == nil {
			return err
		}
		err = outer.Err
	}
}
