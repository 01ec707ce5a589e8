package ashby

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
)

// The codes of the error envelopes that Ashby gets. Only invalid_input is a word
// of its own reference; nothing is known of how it reads the others.
const (
	codeInvalidInput = "invalid_input"
	codeNoOperation  = "operation_not_found"
	codeUnauthorized = "unauthorized"
	codeRunning      = "assessment_already_running"
	codeTooLarge     = "body_too_large"
	codeMethod       = "method_not_allowed"
	codeEncoding     = "content_encoding_not_supported"
	codeLater        = "temporarily_unavailable"
	codeInternal     = "internal_error"
)

// messages say no more than the sender knows already.
var messages = map[string]string{
	codeInvalidInput: "The request is not valid.",
	codeNoOperation:  "There is no such operation.",
	codeUnauthorized: "The API key is missing or not valid.",
	codeTooLarge:     "The request is too large.",
	codeMethod:       "The method must be POST.",
	codeEncoding:     "The request must not be compressed.",
	codeLater:        "This is not possible right now. Please try again later.",
	codeInternal:     "Something went wrong. Please try again later.",
}

var errNoOperation = errors.New("ashby: unknown operation")

// failure is the error envelope with all its members; the schema requires them.
func failure(code, message string) []byte {
	body, _ := json.Marshal(wireFailure{ // strings and a bool: there is no error
		Errors: []string{code}, Info: wireErrorInfo{Code: code, Message: message},
	})
	return body
}

// enveloped gives a reply the body that Ashby reads.
func enveloped(r inbound.Reply, code string) inbound.Reply {
	r.Text, r.JSON = "", failure(code, messages[code])
	return r
}

// refused is a call that will never be answered otherwise.
func refused(status int, code string, err error) inbound.Reply {
	return enveloped(inbound.Reply{Status: status, Outcome: assessment.DeliveryRefused, Err: err}, code)
}

// unreceived is a request that could not be read.
func unreceived(err error) inbound.Reply {
	reply := inbound.Unreceived(err)
	return enveloped(reply, codeOf(reply.Status))
}

// codes are those of the statuses that a call is answered with.
var codes = map[int]string{
	http.StatusBadRequest:            codeInvalidInput,
	http.StatusMethodNotAllowed:      codeMethod,
	http.StatusRequestEntityTooLarge: codeTooLarge,
	http.StatusUnsupportedMediaType:  codeEncoding,
	http.StatusServiceUnavailable:    codeLater,
}

func codeOf(status int) string { return cmp.Or(codes[status], codeInternal) }

// later is a 503.
func later(err error) inbound.Reply { return enveloped(inbound.Later(err, 0), codeLater) }

// failedStart is the answer to a start that could not be taken: 503 or 500, 410 if
// the order was erased, and never the 422 that a recruiter would read as a no. That
// is for a rejection.
func failedStart(err error) inbound.Reply {
	reply := inbound.Failed(err, rejected)
	switch reply.Outcome {
	case assessment.DeliveryRejected, assessment.DeliveryErased:
		return reply
	}
	return enveloped(reply, codeOf(reply.Status))
}

// failed is the fault of any other operation, for which Ashby documents 200 with
// the error envelope.
func failed(err error) inbound.Reply {
	reply := inbound.Fault(err)
	reply = enveloped(reply, codeOf(reply.Status))
	reply.Status, reply.RetryAfter = http.StatusOK, 0
	return reply
}

// rejected tells the recruiter. A 422 has no member but the message, and of a 409
// no body is documented (https://developers.ashbyhq.com/reference/assessmentstart).
func rejected(no *assessment.Rejection) inbound.Reply {
	if no.AlreadyRunning {
		return inbound.Rejected(http.StatusConflict, json.RawMessage(failure(codeRunning, no.Message)), no)
	}
	return inbound.Rejected(http.StatusUnprocessableEntity, struct {
		Message string `json:"message"`
	}{no.Message}, no)
}

// firstUpdate is the update that goes with the answer to a start, nil if there is
// nothing to say or the answer was erased. It is the same in every answer to the
// same order, because all that it is made of is stored.
func (h *Handler) firstUpdate(ctx context.Context, a assessment.Accepted) *wireUpdateRequest {
	t := h.translateFirst(ctx, a)
	if t == nil {
		return nil
	}
	timestamp := a.At.UnixMilli()
	if h.c.Client != nil {
		h.c.Client.results.Do(a.Ref, func(line *timeline) { line.note(timestamp) })
	}
	t.wire.AssessmentID = a.Ref.ID
	return &wireUpdateRequest{Timestamp: timestamp, wireUpdate: t.wire}
}

// translateFirst returns nil if there is nothing to send or nothing that can be
// sent: the assessment was started all the same.
func (h *Handler) translateFirst(ctx context.Context, a assessment.Accepted) *translation {
	for _, update := range candidates(a.Started) {
		update.At = a.At
		t := translate(h.wording, update)
		if err := t.problems.Err(); err != nil {
			h.c.Logger.WarnContext(ctx, "first update left out", "order", a.Ref, "error", err)
			continue
		}
		if len(t.losses) > 0 && !a.Replayed {
			h.c.Logger.WarnContext(ctx, "first update is not complete", "order", a.Ref, "losses", t.losses)
		}
		return t
	}
	return nil
}

// candidates are what the first update may be, the fullest first: what is wrong
// with the update must not take the report URL along, nor the other way round.
func candidates(s assessment.Started) []assessment.Result {
	var all []assessment.Result
	add := func(r assessment.Result) {
		if r.Status == "" {
			r.Status = assessment.StatusOpen
		}
		all = append(all, r)
	}
	if u := s.Update; u != nil && u.ReportURL == "" && s.ReportURL != "" {
		both := *u
		both.ReportURL = s.ReportURL
		add(both)
	}
	if s.Update != nil {
		add(*s.Update)
	}
	if s.ReportURL != "" {
		add(assessment.Result{ReportURL: s.ReportURL})
	}
	return all
}
