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
// sender sees Status and either JSON or Text; Err goes to logger and observer
// only.
type Reply struct {
	Status     int
	JSON       []byte
	Text       string        // short and fixed
	RetryAfter time.Duration // rounded up to seconds
	Outcome    assessment.DeliveryOutcome
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

// Refuse is a 400: the same delivery will never be taken.
func Refuse(text string, err error) Reply {
	return Reply{Status: http.StatusBadRequest, Text: text, Outcome: assessment.DeliveryRefused, Err: err}
}

// Unreceived is the answer to an error of package webhook.
func Unreceived(err error) Reply {
	status, text := webhook.Status(err)
	outcome := assessment.DeliveryRefused
	if status >= http.StatusInternalServerError {
		outcome = assessment.DeliveryFault
	}
	return Reply{Status: status, Text: text, Outcome: outcome, Err: err}
}

// Fault is the answer to an error of the intake that is no rejection: 503 if it
// is about the moment, 500 if the provider failed. It never says no to the
// recruiter.
func Fault(err error) Reply {
	if after, ok := assessment.Retryable(err); ok && !errors.Is(err, assessment.ErrFault) {
		return Later(err, after)
	}
	return Reply{
		Status: http.StatusInternalServerError, Text: "internal error",
		Outcome: assessment.DeliveryFault, Err: err,
	}
}

// Later is a 503 that asks the sender to come again.
func Later(err error, after time.Duration) Reply {
	return Reply{
		Status: http.StatusServiceUnavailable, Text: "try again later", RetryAfter: max(after, leastRetryAfter),
		Outcome: assessment.DeliveryFault, Err: err,
	}
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
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(r.Status)
		_, _ = w.Write(r.JSON) // a sender that has gone will come again
	case r.Text != "":
		http.Error(w, r.Text, r.Status)
	default:
		w.WriteHeader(r.Status)
	}
}
