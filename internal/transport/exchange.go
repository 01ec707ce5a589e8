package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
)

// exchange is one call with all its attempts. Its methods are the hooks of the
// go-retryablehttp client that it holds for itself, because the library hands
// no state from one hook to the next.
type exchange struct {
	client *Client
	call   *Call
	loop   retryablehttp.Client
	want   interface {
		read(body []byte) (drift []lenient.Odd, err error)
	} // nil: any JSON will do
	drift []lenient.Odd // what was odd in a success

	key     string                 // of the next attempt
	oldKey  string                 // before it was renewed
	askKey  func() (string, error) // nil: the key cannot change
	renewed bool                   // it was asked for a second time

	ticket   ticket        // of the latest attempt, until it has ended
	gateWait time.Duration // of the latest attempt
	held     *heldError    // why there was no other one

	started  time.Time
	attempts int
	current  outcome // of the latest attempt
	answered outcome // of the latest attempt that got an answer, if it is no success
	again    bool    // the latest attempt is to be repeated
	// toldToWait: there is no other attempt because the vendor asks for a longer
	// wait than there is time for.
	toldToWait bool
	wait       time.Duration // before the next one
	maybe      bool          // some attempt may have been applied
	retries    int           // made, without the one for a new key
	doubted    int           // of all repetitions, those that may apply a write twice
}

func (e *exchange) do(ctx context.Context) (Answer, error) {
	if err := e.call.check(); err != nil {
		return Answer{}, err
	}
	if ctx.Err() != nil {
		return Answer{}, e.noAnswer(contextError(ctx, nil))
	}
	request, err := e.prepare(ctx)
	if err != nil {
		var noKey *keyError
		if errors.As(err, &noKey) {
			return Answer{}, e.noAnswer(noKey)
		}
		return Answer{}, fmt.Errorf("%s: %s: %w", e.client.config.Vendor, e.call.Operation, err)
	}
	if err := e.enter(ctx, true); err != nil {
		return Answer{}, e.kept(err)
	}
	defer e.leave(nil)          // if a transport panics
	_, err = e.loop.Do(request) // the hooks have read and closed the answer
	return e.result(ctx, err)
}

// prepare gets the key, builds the request and ties the loop to this exchange.
func (e *exchange) prepare(ctx context.Context) (*retryablehttp.Request, error) {
	var err error
	if e.key, err = e.client.key(ctx, e.call.Account); err != nil {
		return nil, err
	}
	if e.client.changes {
		e.askKey = func() (string, error) { return e.client.key(ctx, e.call.Account) }
	}
	request, err := e.client.request(ctx, e.call, e.key)
	if err != nil {
		return nil, err
	}
	e.loop = retryablehttp.Client{
		HTTPClient: e.client.http,
		// One more than we grant ourselves, for the repetition with a new key;
		// judge counts.
		RetryMax:       e.client.config.MaxRetries + 1,
		RequestLogHook: e.begin,
		CheckRetry:     e.judge,
		Backoff:        e.pause,
		PrepareRetry:   e.renew,
		ErrorHandler:   retryablehttp.PassthroughErrorHandler,
	}
	return request, nil
}

// enter passes the gate before an attempt.
func (e *exchange) enter(ctx context.Context, first bool) (err error) {
	began := time.Now()
	e.ticket, err = e.client.gate.enter(ctx, e.call.Account, e.call.Class, first)
	e.gateWait = time.Since(began)
	return err
}

// leave tells the gate that the attempt has ended.
func (e *exchange) leave(o *outcome) {
	e.client.gate.leave(e.ticket, o)
	e.ticket = ticket{}
}

// begin runs before every attempt.
func (e *exchange) begin(retryablehttp.Logger, *http.Request, int) {
	e.attempts++
	e.again = false
	e.started = time.Now()
}

// judge runs after every attempt: it reads the answer and says whether there
// will be another attempt. It never returns an error, because that would
// replace the outcome.
func (e *exchange) judge(ctx context.Context, response *http.Response, err error) (bool, error) {
	e.current = e.read(ctx, response, err)
	e.leave(&e.current)
	if !e.current.ok && e.current.answer.StatusCode != 0 {
		e.answered = e.current
	}
	e.maybe = e.maybe || e.current.applied
	e.wait, e.again = e.next(ctx)
	if e.again && e.maybe {
		e.doubted++
	}
	e.report(ctx)
	return e.again, nil
}

// pause tells the loop the wait that judge has decided on.
func (e *exchange) pause(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return e.wait }

// renew passes the gate again and gives the next attempt a header of its own, with the key as it is now.
// The transport may still be reading the header of the attempt before, and
// [http.Client] has added the cookies of its jar to it.
func (e *exchange) renew(request *http.Request) error {
	if err := e.enter(request.Context(), false); err != nil {
		errors.As(err, &e.held)
		return err
	}
	request.Header = e.client.requestHeader(e.call, e.key)
	return nil
}

// result is the end of the exchange. An error of the loop that no attempt
// accounts for comes from a wait that the context ended.
func (e *exchange) result(ctx context.Context, loopErr error) (Answer, error) {
	switch {
	case e.again && ctx.Err() != nil:
		e.current.cause = contextError(ctx, e.current.cause)
	case e.held != nil:
		return e.answered.answer, e.kept(e.held)
	case e.again && loopErr != nil:
		e.current.cause = loopErr
	case e.current.ok:
		return e.current.answer, nil
	}
	return e.answered.answer, e.apiError()
}

// report tells observer and logger about the latest attempt.
func (e *exchange) report(ctx context.Context) {
	config := &e.client.config
	if config.Observer.Attempt != nil {
		config.Observer.Attempt(ctx, e.attempt())
	}
	if e.again {
		e.logRepeat(ctx)
	}
}

func (e *exchange) attempt() assessment.Attempt {
	o := &e.current
	code, _ := plain(o.failure.Code, "")
	return assessment.Attempt{
		Vendor:     e.client.config.Vendor,
		Connection: e.client.config.Connection,
		Operation:  e.call.Operation,
		Account:    e.call.Account,
		Order:      e.call.Order,
		Number:     e.attempts,
		StatusCode: o.answer.StatusCode,
		Code:       e.scrub(code),
		RequestID:  e.scrub(o.answer.RequestID),
		Duration:   time.Since(e.started),
		GateWait:   e.gateWait,
		Wait:       e.wait,
		Err:        e.scrubError(o.cause),
	}
}
