package assessment

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// What a vendor's refusal means to the host. Every [*APIError] matches at most
// one of them with [errors.Is].
var (
	// ErrUnauthorized: the API key is missing, wrong or expired.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the key is good but may not do this.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: no such order, package, account or integration.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the state at the vendor does not allow it, such as a second
	// final result.
	ErrConflict = errors.New("conflict")
	// ErrInvalid: the vendor refused the data.
	ErrInvalid = errors.New("invalid")
	// ErrRateLimited: too many requests, see [APIError.RetryAfter].
	ErrRateLimited = errors.New("rate limited")
	// ErrUnavailable: the vendor or the ATS behind it is down, timed out or did
	// not answer.
	ErrUnavailable = errors.New("unavailable")
	// ErrAccountUnusable: the customer's connection is switched off, expired or
	// not set up to the end; the customer has to act.
	ErrAccountUnusable = errors.New("account unusable")
	// ErrNotSupported: the vendor or the ATS behind it cannot do this at all.
	ErrNotSupported = errors.New("not supported")
)

// ErrNoKey: the host's own function for API keys failed, so nothing was sent. It
// is the cause of an [*APIError] with no attempts, and says nothing about the
// account or its key.
var ErrNoKey = errors.New("no API key")

// APIError is what every client of this module returns for every answer that
// is not a success and for no answer at all.
//
// Its text, its slog value and all its fmt verbs show neither Body nor Message,
// which may hold a candidate's data and are for the host to look at. They show
// Shown.
type APIError struct {
	Vendor    Vendor
	Operation string // the vendor's name of the call, such as "PUT /assessment/orders/{id}/result"
	Account   string // the customer, see [OrderRef.Account]; empty where the call has none

	StatusCode int    // HTTP status of the last answer; 0 if none came
	Code       string // the vendor's machine-readable code, verbatim
	Message    string // the vendor's human-readable text
	// Shown is what the error's own text shows of Message: it whole where it is one
	// of the vendor's fixed texts or the client was told to show everything, else
	// that it is withheld, with the paths of the refused fields if the vendor named
	// them.
	Shown     string
	RequestID string // to quote to the vendor's support
	LogURL    string // the vendor's page about this call

	// RetryAfter is how long the vendor asked to wait; zero if it did not say.
	RetryAfter time.Duration
	// Attempts counts the HTTP requests made, the first included. It is zero if
	// none was sent.
	Attempts int
	// Uncertain: the write may have been applied although no success was seen.
	Uncertain bool
	// SafeToRepeat: an uncertain call may be repeated all the same, because the
	// vendor or the client recognises the repetition.
	SafeToRepeat bool
	// Body is the last answer's body, up to the client's limit.
	Body []byte

	// Class is the sentinel that this error matches with [errors.Is]. If it is
	// nil, StatusCode decides.
	Class error
	// Cause is why no answer came or why it could not be read; see
	// [APIError.Unwrap].
	Cause error
}

// Error describes the failure in one line without the body. Of the vendor's
// message it shows what Shown holds.
func (e *APIError) Error() string { return oneLine(e.text()) }

// oneLine keeps a vendor's text from forging lines of a log.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

func (e *APIError) text() string {
	var b strings.Builder
	b.WriteString(string(e.Vendor))
	if e.Operation != "" {
		b.WriteString(": " + e.Operation)
	}
	if e.Account != "" {
		b.WriteString(" for " + strconv.Quote(e.Account))
	}
	if e.StatusCode != 0 {
		b.WriteString(": " + strconv.Itoa(e.StatusCode))
		if text := http.StatusText(e.StatusCode); text != "" {
			b.WriteString(" " + text)
		}
	} else {
		b.WriteString(": no answer")
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if shown := e.shown(); shown != "" {
		b.WriteString(": " + shown)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	if e.Uncertain {
		b.WriteString(" (may have been applied)")
	}
	if e.Attempts > 1 {
		b.WriteString(" after " + strconv.Itoa(e.Attempts) + " attempts")
	}
	if e.RequestID != "" {
		b.WriteString(" [request " + e.RequestID + "]")
	}
	if e.LogURL != "" {
		b.WriteString(" [log " + e.LogURL + "]")
	}
	return b.String()
}

func (e *APIError) shown() string {
	if e.Shown == "" && e.Message != "" {
		return "message withheld"
	}
	return e.Shown
}

// Unwrap returns Cause, such as [context.DeadlineExceeded] or a network error.
func (e *APIError) Unwrap() error { return e.Cause }

// Is matches the sentinel that e belongs to.
func (e *APIError) Is(target error) bool {
	class := e.class()
	return class != nil && target == class
}

func (e *APIError) class() error {
	if e.Class != nil {
		return e.Class
	}
	return classOfStatus(e.StatusCode)
}

// classOfStatus returns the sentinel for an HTTP status when the vendor's code
// says nothing: nil for a success or a redirection, [ErrUnavailable] for 0 (no
// answer), 408, 425 and every 5xx but 501, [ErrInvalid] for any other 4xx that
// has no sentinel of its own.
func classOfStatus(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusPreconditionFailed:
		return ErrAccountUnusable
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return ErrNotSupported
	case 0, http.StatusRequestTimeout, http.StatusTooEarly:
		return ErrUnavailable
	}
	switch {
	case status >= 500:
		return ErrUnavailable
	case status >= 400:
		return ErrInvalid
	}
	return nil
}

// Format implements [fmt.Formatter]: every verb prints [APIError.Error], so
// that %+v and %#v cannot show the body.
func (e APIError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// LogValue implements [slog.LogValuer] without the body.
func (e APIError) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("vendor", string(e.Vendor)),
		slog.String("operation", e.Operation),
		slog.String("account", e.Account),
		slog.Int("status", e.StatusCode),
		slog.String("code", e.Code),
		slog.String("message", e.shown()),
		slog.Int("attempts", e.Attempts),
	}
	if e.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", e.RequestID))
	}
	if e.LogURL != "" {
		attrs = append(attrs, slog.String("log_url", e.LogURL))
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	if e.Uncertain {
		attrs = append(attrs, slog.Bool("uncertain", true))
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Problem is one reason why a value cannot be sent.
type Problem struct {
	// Path leads to the value, such as "attachments[2].content_type".
	Path string
	// Message says what is wrong, without repeating the value.
	Message string
}

// ValidationError lists everything that is wrong with a value, all at once. It
// comes before the network: nothing was sent. The zero value collects problems
// with [ValidationError.Add] and is made an error by [ValidationError.Err].
type ValidationError struct {
	Problems []Problem
}

// Add notes a problem at path. The message must not repeat the value.
func (e *ValidationError) Add(path, message string) {
	e.Problems = append(e.Problems, Problem{Path: path, Message: message})
}

// Err returns an error with the problems noted so far, or nil if there are none.
func (e *ValidationError) Err() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return &ValidationError{Problems: e.Problems} // so that e can live on the stack
}

// Error joins the problems in one line.
func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString("invalid")
	for i, p := range e.Problems {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(p.Path)
		b.WriteString(": ")
		b.WriteString(p.Message)
	}
	return b.String()
}

// Is matches [ErrInvalid].
func (e *ValidationError) Is(target error) bool { return target == ErrInvalid }

// What [Intake] answers when an order cannot be started now. The same delivery
// may succeed later; [Retryable] says when to try.
var (
	// ErrInProgress: the order is being started elsewhere, or the provider has
	// not answered within the deadline.
	ErrInProgress = errors.New("assessment: the order is still being started")
	// ErrPaused: somebody switched starts off, or a guard did; see [Admitter]. The
	// order is started when they are on again.
	ErrPaused = errors.New("assessment: starts are paused")
	// ErrDraining: the process is shutting down and takes no new orders.
	ErrDraining = errors.New("assessment: shutting down")
	// ErrStore: the store could not be asked, so nothing was started.
	ErrStore = errors.New("assessment: store unavailable")
	// ErrUnreadable: the order was answered, but not in a form that this release
	// reads; a newer one may have written it. Nothing was started.
	ErrUnreadable = errors.New("assessment: unreadable stored answer")
	// ErrFault: the provider failed. It is wrapped together with the provider's
	// own error, and the next delivery starts the order again.
	ErrFault = errors.New("assessment: the provider failed")
)

// retryAfterBusy is how long a sender is asked to wait before it delivers
// again: long enough for a slow start, short enough for a recruiter.
const retryAfterBusy = 5 * time.Second

// maxRetryAfter is the longest wait that a queue is told. A vendor that asks for
// more is asked again after it.
const maxRetryAfter = time.Hour

// Retryable answers for a job queue: whether doing the same again later can
// succeed, and the least time to wait first (zero: the queue's own back-off), at
// most an hour.
//
// It says yes to rate limits, unavailability, [Intake]'s temporary refusals and
// the provider's faults, and no to everything else: to a nil error, to a
// [*Rejection] and to errors it does not know. To an uncertain write it says what
// [APIError.SafeToRepeat] says.
func Retryable(err error) (after time.Duration, ok bool) {
	if errors.Is(err, ErrFault) {
		return 0, true
	}
	if errors.Is(err, ErrInProgress) || errors.Is(err, ErrDraining) || errors.Is(err, ErrPaused) || errors.Is(err, ErrBusy) ||
		errors.Is(err, ErrStore) || errors.Is(err, ErrUnreadable) {
		return retryAfterBusy, true
	}
	var api *APIError
	if !errors.As(err, &api) {
		return 0, false
	}
	again := api.SafeToRepeat
	if !api.Uncertain {
		class := api.class()
		again = class == ErrRateLimited || class == ErrUnavailable
	}
	if !again {
		return 0, false
	}
	return min(max(0, api.RetryAfter), maxRetryAfter), true
}
