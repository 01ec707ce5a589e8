package assessment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Provider is the one interface that the host implements. [Intake] is its only
// caller; it bounds every call by a deadline and recovers from panics.
type Provider interface {
	// Packages returns what a customer may order, the whole list. It is asked
	// while a recruiter waits (StackOne, Ashby).
	Packages(ctx context.Context, q PackageQuery) ([]Package, error)

	// StartOrder takes an order: it records it, prepares the test and, unless
	// Inline is set, invites the candidate.
	//
	// It must be idempotent on Order.Ref: after a crash, a fault or a lost
	// answer the same Ref is given again, and a candidate must not be invited
	// twice. The [Intake] sees to it that an order once answered is not given again
	// and that calls for one order do not overlap, with two exceptions: a replica
	// that is cut off from the store for longer than the lease, and a call that has
	// not returned after [IntakeConfig.AbandonAfter]. Then the order may be started
	// again, with the same Ref, beside the call that is stuck. Heed ctx, which ends
	// with the deadline.
	//
	// Always return CandidateURL if there is one, also for orders that are not
	// inline: the same order may arrive both ways. It and ReportURL must be absolute
	// http or https URLs.
	//
	// To say no to the recruiter return [Reject] or [AlreadyRunning]. Any other
	// error is a fault: it is logged, never shown, never turned into a
	// rejection, and the vendor is told to come again.
	StartOrder(ctx context.Context, o Order) (Started, error)

	// CancelOrder stops a test. It must succeed for orders that are unknown,
	// finished or cancelled already, and must match the whole OrderRef: ids of
	// different customers or vendors may be equal.
	CancelOrder(ctx context.Context, ref OrderRef) error
}

// PackageQuery says for whom packages are listed. Empty fields were not given.
type PackageQuery struct {
	Vendor     Vendor
	Connection string
	Account    string // the customer, see [OrderRef.Account]
	Kind       Kind
	ATS        string // the tool behind the vendor
	JobID      string // the job that the recruiter looks at
}

// Started is the provider's answer to an order that it took.
type Started struct {
	// CandidateURL is where the candidate takes the test, an absolute http or https
	// URL. An inline order cannot do without.
	CandidateURL string `json:"candidate_url,omitempty"`
	// ReportURL is where the recruiter will find the report, an absolute http or
	// https URL.
	ReportURL string `json:"report_url,omitempty"`
	// Update is a first state to show where the vendor takes one with the
	// answer (Ashby); it saves a call.
	Update *Result `json:"update,omitempty"`
}

// String describes the answer without its links, which let their holder act as
// the candidate.
func (s Started) String() string {
	return fmt.Sprintf("started (candidate URL: %t, report URL: %t)", s.CandidateURL != "", s.ReportURL != "")
}

// Format implements [fmt.Formatter]: every verb prints [Started.String].
func (s Started) Format(f fmt.State, verb rune) { formatText(f, verb, s.String()) }

// LogValue implements [slog.LogValuer] without the links.
func (s Started) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Rejection is the provider's no to an order. Its message is shown to the
// recruiter where the vendor and the ATS can. See [Reject].
type Rejection struct {
	// Message is what the recruiter reads.
	Message string
	// AlreadyRunning: the candidate is being examined already (Ashby answers
	// 409).
	AlreadyRunning bool
	// At is when the provider said no; the zero value until an [Intake] was told.
	At time.Time
}

// defaultRejection stands in where the host gave no message: Kombo and Ashby
// require one.
const (
	defaultRejection = "The order was rejected."
	defaultRunning   = "The candidate is being assessed already."
)

func standardMessage(running bool) string {
	if running {
		return defaultRunning
	}
	return defaultRejection
}

// Reject is the one way to say no to a recruiter: return it from
// [Provider.StartOrder]. A message that says nothing is replaced by a neutral one. A
// no stands whatever its text is, so bytes that are no UTF-8 are replaced and NULs
// left out, which no vendor takes.
func Reject(message string) error { return newRejection(message, false) }

// AlreadyRunning is the special case of [Reject] for a candidate who is being
// examined already.
func AlreadyRunning(message string) error { return newRejection(message, true) }

func newRejection(message string, running bool) *Rejection {
	message = strings.ToValidUTF8(strings.ReplaceAll(message, "\x00", ""), "\ufffd")
	if strings.TrimSpace(message) == "" {
		message = standardMessage(running)
	}
	return &Rejection{Message: message, AlreadyRunning: running}
}

// Error says that the order was rejected, without the message, which may name
// the candidate.
func (r *Rejection) Error() string {
	if r != nil && r.AlreadyRunning {
		return "order rejected: already running"
	}
	return "order rejected"
}

// Format implements [fmt.Formatter]: every verb prints [Rejection.Error].
func (r *Rejection) Format(f fmt.State, verb rune) { formatText(f, verb, r.Error()) }

// LogValue implements [slog.LogValuer] without the message.
func (r *Rejection) LogValue() slog.Value { return slog.StringValue(r.Error()) }

// MarshalJSON implements [json.Marshaler] without the message, as for a log.
func (r *Rejection) MarshalJSON() ([]byte, error) { return json.Marshal(r.Error()) }

// Result returns the cancelled result to publish where the answer to the
// delivery can no longer say no: after a queue, for a reconciled order, and for
// StackOne.
//
// Its time is the rejection's own, so that every attempt writes the same.
func (r *Rejection) Result() Result {
	if r == nil {
		r = &Rejection{}
	}
	reason := newRejection(r.Message, r.AlreadyRunning).Message // of one that was made by hand
	return Result{Status: StatusCancelled, Reason: reason, At: r.At, CompletedAt: r.At}
}

// asRejection tells a rejection from a fault.
func asRejection(err error) (*Rejection, bool) {
	if err == nil {
		return nil, false
	}
	var r *Rejection
	if !errors.As(err, &r) || r == nil {
		return nil, false
	}
	no := newRejection(r.Message, r.AlreadyRunning)
	no.At = r.At
	return no, true
}
