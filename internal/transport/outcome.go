package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
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

// limited reports whether the vendor, or the ATS behind it, takes no more now.
func (o *outcome) limited() bool {
	return o.answer.StatusCode == http.StatusTooManyRequests || o.failure.Class == assessment.ErrRateLimited
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
		return outcome{
			answer: e.answer(response), cause: withoutURL(err),
			failure: Failure{Class: assessment.ErrUnavailable}, applied: true,
		}
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
	return outcome{
		answer: answer, cause: err, failure: Failure{Class: assessment.ErrUnavailable},
		retry: !errors.Is(err, errTooLarge), applied: true,
	}
}

// classify says what an answer means, for the calls of every vendor: first the
// vendor's own envelope, which its client reads, then what is not the vendor's,
// then the status. A body that broke off keeps a failure readable by its status.
func (e *exchange) classify(answer Answer, cause error) outcome {
	failure := e.client.config.Classify(answer)
	switch {
	case failure != nil:
	case answer.success():
		if cause = e.readable(answer.Body); cause == nil {
			answer.Body = withoutMark(answer.Body)
			return outcome{ok: true, answer: answer}
		}
		failure, cause = Foreign(), fmt.Errorf("unreadable answer: %w", cause)
	case answer.StatusCode/100 == 3:
		failure = Foreign()
	default:
		failure = &Failure{}
	}
	if answer.StatusCode/100 == 3 {
		cause = e.refusedRedirect(answer)
	}
	if failure.RequestID != "" {
		answer.RequestID = failure.RequestID
	}
	settled := failure.settle(answer.StatusCode)
	return outcome{
		answer:  answer,
		failure: settled,
		cause:   cause,
		asked:   askedWait(answer, &settled),
		retry:   settled.Retry == Yes,
		applied: settled.Applied == Yes,
	}
}

var (
	errNotJSON    = errors.New("not JSON")
	byteOrderMark = []byte("\ufeff")
)

// readable says why a success is not the vendor's, if it is not: all three speak
// JSON only.
func (e *exchange) readable(body []byte) error {
	switch {
	case holdsNothing(body) && (e.call.Empty || e.want == nil):
		return nil
	case e.want != nil:
		var err error
		e.drift, err = e.want.read(body)
		return err
	case !lenient.Valid(body):
		return errNotJSON
	}
	return nil
}

// withoutMark takes a byte order mark off, which no other reader of JSON takes.
func withoutMark(body []byte) []byte {
	if rest, marked := bytes.CutPrefix(bytes.TrimLeft(body, " \t\r\n"), byteOrderMark); marked {
		return rest
	}
	return body
}

func (e *exchange) answer(response *http.Response) Answer {
	answer := Answer{StatusCode: response.StatusCode, Header: response.Header, Attempts: e.attempts}
	if name := e.client.config.RequestIDHeader; name != "" {
		answer.RequestID = response.Header.Get(name)
	}
	return answer
}
