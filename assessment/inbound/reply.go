package inbound

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

// Reply is what a delivery is answered with, and what is reported of it. A
// sender sees Status and either JSON or Text; Err and Reason go to logger and
// observer only.
type Reply struct {
	Status     int
	JSON       []byte
	Text       string        // short and fixed
	RetryAfter time.Duration // rounded up to seconds
	Outcome    assessment.DeliveryOutcome
	Reason     string // a word for why, where there is no error
	Err        error
}

// leastRetryAfter is what a sender is asked to wait at least.
const leastRetryAfter = 5 * time.Second

// OK is a 200 without a body.
func OK(outcome assessment.DeliveryOutcome) Reply {
	return Reply{Status: http.StatusOK, Outcome: outcome}
}

// JSON answers with v as JSON.
func JSON(status int, v any, outcome assessment.DeliveryOutcome) Reply {
	body, err := json.Marshal(v)
	if err != nil {
		return Fault(err)
	}
	return Reply{Status: status, JSON: body, Outcome: outcome}
}

// Rejected answers with v as JSON that the provider said no. The report has its
// class, never its text, which may be about the candidate.
func Rejected(status int, v any, no *assessment.Rejection) Reply {
	reply := JSON(status, v, assessment.DeliveryRejected)
	if reply.Outcome == assessment.DeliveryRejected {
		reply.Reason = ReasonOf(no)
	}
	return reply
}

// ReasonOf is the class of a rejection: "rejected" or "already_running".
func ReasonOf(no *assessment.Rejection) string {
	if no != nil && no.AlreadyRunning {
		return "already_running"
	}
	return "rejected"
}

// Refuse is a 400: the same delivery will never be taken.
func Refuse(text string, err error) Reply {
	return Reply{Status: http.StatusBadRequest, Text: text, Outcome: assessment.DeliveryRefused, Err: err}
}

// Unauthorized is a 401 for a missing or wrong key.
func Unauthorized(err error) Reply {
	return Reply{Status: http.StatusUnauthorized, Text: "not authorized", Outcome: assessment.DeliveryRefused, Err: err}
}

// Unreceived is the answer to an error of package webhook.
func Unreceived(err error) Reply {
	status, text := webhook.Status(err)
	reply := Reply{Status: status, Text: text, Outcome: assessment.DeliveryRefused, Err: err}
	if status >= http.StatusInternalServerError {
		reply.Outcome = assessment.DeliveryFault
	}
	if status == http.StatusServiceUnavailable {
		reply.RetryAfter = webhook.RetryAfter
	}
	return reply
}

// Failed is the answer to any error of [assessment.Intake.Start]: reject says how
// the vendor is told of a rejection. An order that nothing tells from another is
// 400, and the rest as of [Fault].
func Failed(err error, reject func(*assessment.Rejection) Reply) Reply {
	if errors.Is(err, assessment.ErrFault) {
		return Fault(err)
	}
	var no *assessment.Rejection
	if errors.As(err, &no) && no != nil {
		return reject(no)
	}
	var invalid *assessment.ValidationError
	if errors.As(err, &invalid) {
		return Refuse("not an order", err)
	}
	return Fault(err)
}

// Fault is the answer to an error of the intake or the host that is no rejection:
// 410 if the order was erased, 503 if it is about the moment, 500 if the provider
// failed. It never says no to the recruiter.
func Fault(err error) Reply {
	after, passing := assessment.Retryable(err)
	switch {
	case errors.Is(err, assessment.ErrFault):
	case errors.Is(err, assessment.ErrErased):
		return erased(err)
	case passing:
		return Later(err, after)
	}
	return Reply{
		Status: http.StatusInternalServerError, Text: "internal error",
		Outcome: assessment.DeliveryFault, Err: err,
	}
}

// erased is neither a no nor a fault: whoever asked for the erasure wants the order
// gone, and there is nothing to repeat.
func erased(err error) Reply {
	reply := JSON(http.StatusGone, struct {
		Message string `json:"message"`
	}{"erased"}, assessment.DeliveryErased)
	reply.Err = err
	return reply
}

// Later is a 503 that asks the sender to come again.
func Later(err error, after time.Duration) Reply {
	return Reply{
		Status: http.StatusServiceUnavailable, Text: "try again later", RetryAfter: max(after, leastRetryAfter),
		Outcome: assessment.DeliveryFault, Err: err,
	}
}

// Given is the answer after something was given to the host: 503 if that failed,
// 410 if the host says that it was erased, so that it does not come again, else 200.
func Given(err error, outcome assessment.DeliveryOutcome) Reply {
	switch {
	case err == nil:
		return OK(outcome)
	case errors.Is(err, assessment.ErrErased) && !errors.Is(err, assessment.ErrFault):
		return erased(err)
	}
	return Later(err, 0)
}

// Taken tells a first answer from a replayed one.
func Taken(a assessment.Accepted) assessment.DeliveryOutcome {
	if a.Replayed {
		return assessment.DeliveryReplayed
	}
	return assessment.DeliveryAccepted
}

func (r *Reply) write(w http.ResponseWriter) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.RetryAfter+time.Second-1)/time.Second)))
	}
	switch {
	case r.JSON != nil:
		w.Header().Set("Content-Type", r.contentType())
		w.WriteHeader(r.Status)
		_, _ = w.Write(r.JSON) // a sender that has gone will come again
	case r.Text != "":
		http.Error(w, r.Text, r.Status)
	default:
		w.WriteHeader(r.Status)
	}
}

// contentType names the character set of a rejection, whose text people read: Kombo
// documents it so (https://docs.kombo.dev/assessment/introduction).
func (r *Reply) contentType() string {
	if r.Outcome == assessment.DeliveryRejected {
		return "application/json; charset=utf-8"
	}
	return "application/json"
}
