package assessmentotel

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"

	"github.com/assessbridge/assessbridge/assessment"
)

// The attributes. Those without our prefix are OpenTelemetry's own:
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/.
const (
	keyVendor     = attribute.Key("assessbridge.vendor")
	keyConnection = attribute.Key("assessbridge.connection")
	keyAccount    = attribute.Key("assessbridge.account")
	keyOrder      = attribute.Key("assessbridge.order")
	keyEvent      = attribute.Key("assessbridge.event")
	keyEventID    = attribute.Key("assessbridge.event_id")
	keySecret     = attribute.Key("assessbridge.secret_id")
	keyOutcome    = attribute.Key("assessbridge.outcome")
	keyOperation  = attribute.Key("assessbridge.operation")
	keyStatus     = attribute.Key("assessbridge.status")
	keyLate       = attribute.Key("assessbridge.late")
	keyCode       = attribute.Key("assessbridge.code")
	keyRequestID  = attribute.Key("assessbridge.request_id")
	keyAttempts   = attribute.Key("assessbridge.attempts")

	keyHTTPStatus = attribute.Key("http.response.status_code")
	keyResend     = attribute.Key("http.request.resend_count")
	keyErrorType  = attribute.Key("error.type")
)

func joined(groups [][]attribute.KeyValue) []attribute.KeyValue {
	n := 0
	for _, g := range groups {
		n += len(g)
	}
	all := make([]attribute.KeyValue, 0, n+1)
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// optional is an attribute, or none if its value is empty.
func optional(key attribute.Key, value string) []attribute.KeyValue {
	if value == "" {
		return nil
	}
	return []attribute.KeyValue{key.String(value)}
}

// source says which configuration of which vendor it was.
func source(vendor assessment.Vendor, connection string) []attribute.KeyValue {
	return append([]attribute.KeyValue{keyVendor.String(string(vendor))}, optional(keyConnection, connection)...)
}

// orderOf names the order, if there is one, and the customer.
func orderOf(ref assessment.OrderRef, account string) []attribute.KeyValue {
	of := optional(keyAccount, account)
	if ref.ID == "" {
		return of
	}
	return append(of, keyOrder.String(ref.String()))
}

// resend is set from the second attempt on, as the convention wants it.
func resend(number int) []attribute.KeyValue {
	if number <= 1 {
		return nil
	}
	return []attribute.KeyValue{keyResend.Int(number - 1)}
}

func faulty(err error) bool {
	var no *assessment.Rejection
	return err != nil && !errors.As(err, &no)
}

func providerOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case faulty(err):
		return "fault"
	}
	return "rejected"
}

// attemptFailure is the error.type of an attempt: the status of an answer that is
// no success, else why none came.
func attemptFailure(a assessment.Attempt) string {
	switch {
	case a.StatusCode >= http.StatusBadRequest:
		return strconv.Itoa(a.StatusCode)
	case a.Code != "":
		return a.Code // an error inside of an answer with a good status
	case a.Err != nil:
		return errorType(a.Err, 0)
	}
	return ""
}

// kinds are the errors that can be told apart without showing any of their text.
var kinds = []struct {
	err  error
	name string
}{
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "canceled"},
	{assessment.ErrFault, "provider_fault"},
	{assessment.ErrInProgress, "in_progress"},
	{assessment.ErrDraining, "draining"},
	{assessment.ErrStore, "store_unavailable"},
	{assessment.ErrUnreadable, "unreadable_answer"},
	{assessment.ErrUnauthorized, "unauthorized"},
	{assessment.ErrForbidden, "forbidden"},
	{assessment.ErrNotFound, "not_found"},
	{assessment.ErrConflict, "conflict"},
	{assessment.ErrInvalid, "invalid"},
	{assessment.ErrRateLimited, "rate_limited"},
	{assessment.ErrUnavailable, "unavailable"},
	{assessment.ErrAccountUnusable, "account_unusable"},
	{assessment.ErrNotSupported, "not_supported"},
}

// errorType is the kind of an error. The end of a deadline comes first, because
// it says more than the failure that wraps it.
func errorType(err error, status int) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	if status >= http.StatusBadRequest {
		return strconv.Itoa(status)
	}
	return "_OTHER"
}
