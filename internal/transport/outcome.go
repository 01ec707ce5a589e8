package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// outcome is what one attempt came to.
type outcome struct {
	ok      bool
	answer  Answer        // zero if none came
	failure Failure       // how the answer reads; zero if ok
	cause   error         // why no answer came or why it could not be read
	asked   time.Duration // how long the vendor asks to wait
	retry   bool          // another attempt can succeed
	applied bool          // it was a write and may have been carried out
}

// read turns what net/http returned into an outcome.
func (e *exchange) read(ctx context.Context, response *http.Response, err error) outcome {
	o := e.outcomeOf(response, err)
	if o.cause != nil && ctx.Err() != nil {
		o.cause = contextError(ctx, o.cause)
	}
	if e.call.repeat() == Read {
		o.applied = false
	}
	return o
}

func (e *exchange) outcomeOf(response *http.Response, err error) outcome {
	switch {
	case response == nil:
		return e.unanswered(err)
	case err != nil: // only if the caller's own CheckRedirect says no
		return outcome{answer: e.answer(response), cause: withoutURL(err)}
	}
	answer := e.answer(response)
	body, err := readBody(response, e.client.config.MaxBody)
	response.Body = http.NoBody // nothing is left for the loop to drain
	answer.Body = body
	if err != nil && answer.success() {
		return cut(answer, err)
	}
	return e.classify(answer, err)
}

// unanswered is an attempt on which the vendor said nothing.
func (e *exchange) unanswered(err error) outcome {
	err = withoutURL(err)
	return outcome{
		cause:   err,
		failure: Failure{Class: assessment.ErrUnavailable},
		retry:   passing(err),
		applied: !unsent(err),
	}
}

// cut is a success whose body did not arrive as it should. If the
// connection broke, the next one may hold; an answer that is too large will be
// so again.
func cut(answer Answer, err error) outcome {
	o := outcome{answer: answer, cause: err, applied: true}
	if !errors.Is(err, errTooLarge) {
		o.retry = true
		o.failure.Class = assessment.ErrUnavailable
	}
	return o
}

// classify asks the vendor's client how the answer reads. A body that broke off
// keeps a failure readable by its status.
func (e *exchange) classify(answer Answer, broken error) outcome {
	failure := e.client.config.Classify(answer)
	if failure == nil {
		if answer.success() {
			return outcome{ok: true, answer: answer}
		}
		failure = &Failure{}
	}
	if failure.RequestID != "" {
		answer.RequestID = failure.RequestID
	}
	cause := broken
	if answer.StatusCode/100 == 3 {
		cause = e.refusedRedirect(answer)
	}
	return outcome{
		answer:  answer,
		failure: *failure,
		cause:   cause,
		asked:   askedWait(answer, failure.Class),
		retry:   failure.retryable(answer.StatusCode),
		applied: failure.applied(answer.StatusCode),
	}
}

func (e *exchange) answer(response *http.Response) Answer {
	answer := Answer{StatusCode: response.StatusCode, Header: response.Header, Attempts: e.attempts}
	if name := e.client.config.RequestIDHeader; name != "" {
		answer.RequestID = response.Header.Get(name)
	}
	return answer
}
