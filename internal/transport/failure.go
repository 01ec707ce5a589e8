package transport

import (
	"net/http"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
)

// Failure is how a vendor's answer reads when it is not a success.
type Failure struct {
	Code      string   // the vendor's machine-readable code
	Message   string   // the vendor's human-readable text
	Public    string   // of Message what is known to be fixed text, see [Known]
	Fields    []string // paths of the refused fields, if the envelope names them
	RequestID string   // default: the header [Config.RequestIDHeader]
	LogURL    string   // the vendor's page about this call
	// Class is the sentinel that the error matches. If it is nil, the status
	// decides; under a 2xx or 3xx, which contradicts it, it is
	// [assessment.ErrUnavailable].
	Class error
	// Retry says whether the same call can succeed later. [Undecided] means: by
	// the status if there is no Code, else no, because a code that the client
	// does not know may stand for anything.
	Retry Decision
	// Applied says whether a write may have been carried out all the same.
	// [Undecided] means: by the status.
	Applied Decision
	// Limit says whose limit a failure of class [assessment.ErrRateLimited] is
	// about.
	Limit Limit
}

// Limit is what was exceeded.
type Limit int8

// The limits. UnknownLimit is taken for the one of the key if the answer is a 429
// without a code.
const (
	UnknownLimit     Limit = iota
	KeyLimit               // the calls that the key has in a window of time
	ConcurrencyLimit       // the calls of an account that are in flight
	RemoteLimit            // what the ATS behind the vendor takes
)

// Decision is a yes or no that can be left open.
type Decision int8

// The decisions.
const (
	Undecided Decision = iota
	Yes
	No
)

// Foreign is an answer that is not the vendor's: a page of a proxy, half a
// document, a redirection. What is behind it may have carried the call out.
func Foreign() *Failure {
	return &Failure{Class: assessment.ErrUnavailable, Retry: Yes, Applied: Yes}
}

// settle decides what was left open by the status. A success or a redirection
// under a failure says nothing about what became of the call.
func (f Failure) settle(status int) Failure {
	contradicted := status < http.StatusBadRequest && f.Class == nil
	if contradicted {
		f.Class = assessment.ErrUnavailable
	}
	if f.Retry == Undecided {
		f.Retry = decide(f.Code == "" && (contradicted || temporary(status)))
	}
	if f.Applied == Undecided {
		f.Applied = decide(contradicted || unsettled(status))
	}
	if f.Limit == UnknownLimit && f.Code == "" && status == http.StatusTooManyRequests {
		f.Limit = KeyLimit
	}
	return f
}

func decide(yes bool) Decision {
	if yes {
		return Yes
	}
	return No
}

// temporary lists the statuses by which a server, or Cloudflare in front of it
// (https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/),
// says that the same request can succeed later.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return status >= 520 && status <= 524
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

// Known returns those parts of a vendor's message that are among its fixed texts,
// joined as the whole message is. Everything else may quote a candidate's data.
func Known(fixed []string, separator string, parts ...string) string {
	var known []string
	for _, part := range parts {
		if slices.Contains(fixed, part) {
			known = append(known, part)
		}
	}
	return strings.Join(known, separator)
}
