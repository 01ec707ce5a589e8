package assessment

import "errors"

// What [Intake] answers besides the errors that [Retryable] lists.
var (
	// ErrErased: the order's data was erased ([Store.Erase]). It is not started
	// again, and there is no answer to repeat.
	ErrErased = errors.New("assessment: the order was erased")
	// ErrBusy: [IntakeConfig.MaxRunning] starts are running. The same delivery may
	// succeed later.
	ErrBusy = errors.New("assessment: too many starts are running")
)

// errNotMade is what a zero value answers.
var errNotMade = errors.New("assessment: an Intake is made by NewIntake")

// fault is an error of the provider's. Without the mark a handler could take a
// [*ValidationError] that the provider came upon for one of the order.
type fault struct {
	cause  error
	logged bool
}

func faulty(err error) *fault { return &fault{cause: err} }

// Error names the failure and its cause.
func (f *fault) Error() string { return ErrFault.Error() + ": " + f.cause.Error() }

// Is matches [ErrFault].
func (f *fault) Is(target error) bool { return target == ErrFault }

// Unwrap returns the provider's own error.
func (f *fault) Unwrap() error { return f.cause }

// Logged reports whether the [Intake] has written err to its log. Whoever reports
// err too can leave its text out, so that a fault is logged once.
func Logged(err error) bool {
	var f *fault
	return errors.As(err, &f) && f.logged
}

// orderError is an error about an order whose id the intake minted. It reads as the
// error that it holds.
type orderError struct {
	ref OrderRef
	err error
}

// Error is the text of the error itself.
func (e *orderError) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e *orderError) Unwrap() error { return e.err }

// RefOf returns the reference of the order that an error of [Intake.Start] is
// about, if the intake minted its id: the sender of such an order did not know it.
func RefOf(err error) (ref OrderRef, ok bool) {
	var about *orderError
	if errors.As(err, &about) {
		return about.ref, true
	}
	return OrderRef{}, false
}
