package transport

import "net/http"

// Failure is how a vendor's answer reads when it is not a success.
type Failure struct {
	Code      string // the vendor's machine-readable code
	Message   string // the vendor's human-readable text
	RequestID string // default: the header [Config.RequestIDHeader]
	LogURL    string // the vendor's page about this call
	// Class is the sentinel that the error matches. If it is nil, the status
	// decides.
	Class error
	// Retry says whether the same call can succeed later. [Undecided] means: by
	// the status if there is no Code, else no, because a code that the client
	// does not know may stand for anything.
	Retry Decision
	// Applied says whether a write may have been carried out all the same.
	// [Undecided] means: by the status.
	Applied Decision
}

// Decision is a yes or no that can be left open.
type Decision int8

// The decisions.
const (
	Undecided Decision = iota
	Yes
	No
)

// or returns the decision, or fallback if it was left open.
func (d Decision) or(fallback bool) bool {
	if d == Undecided {
		return fallback
	}
	return d == Yes
}

// retryable reports whether the same call can succeed later.
func (f *Failure) retryable(status int) bool {
	return f.Retry.or(f.Code == "" && temporary(status))
}

// applied reports whether the vendor may have carried out the call.
func (f *Failure) applied(status int) bool { return f.Applied.or(unsettled(status)) }

// temporary lists the statuses by which a server says that the same request
// can succeed later.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// unsettled reports whether a status leaves open what became of the request. A
// 503 is a refusal to begin (RFC 9110 section 15.6.4) and a 501 one to ever do
// so; every other 5xx can come from the middle of the work or from a proxy
// whose server is still at it, and so can a 408 at StackOne:
// https://docs.stackone.com/guides/unified-api-error-codes-and-troubleshooting-guide.
func unsettled(status int) bool {
	switch status {
	case http.StatusRequestTimeout:
		return true
	case http.StatusNotImplemented, http.StatusServiceUnavailable:
		return false
	}
	return status >= 500
}
