package outbound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Config configures [NewResults].
type Config struct {
	Vendor    assessment.Vendor
	Operation string // the vendor's name of the call that writes a result
	Logger    *slog.Logger
	Observer  assessment.Observer
	// Patience is how long a result waits for another one of the same order, if the
	// context has no deadline.
	Patience time.Duration
}

// Encode checks and translates a result. Whatever it returns with a nil error is
// written, unless its receipt says that it is skipped.
type Encode func(context.Context, assessment.OrderRef, assessment.Result) (Draft, error)

// Write sends it.
type Write func(context.Context, Draft) (assessment.Receipt, error)

// Draft is a result in a vendor's format.
type Draft struct {
	Ref     assessment.OrderRef
	Result  assessment.Result
	Body    []byte
	Receipt assessment.Receipt // what is known before the call
	// Sum tells one content from another; 0 means that it does not.
	Sum uint64
	// Past is what this client wrote of the order before.
	Past Past
}

// Results is the way of every result out of a client: encoded, in turn with the
// others of its order, left out if it is late, written, remembered and reported.
type Results[T any] struct {
	config Config
	*Table[T]
}

// NewResults returns one with an empty table.
func NewResults[T any](c Config) *Results[T] {
	return &Results[T]{config: c, Table: NewTable[T]()}
}

// errNotMade is what a client answers that is a zero value.
var errNotMade = errors.New("the Client was not made with New")

// Sum tells one body from another; without a table there is nothing to compare.
func (p *Results[T]) Sum(body []byte) uint64 {
	if p == nil {
		return 0
	}
	return p.Table.Sum(body)
}

// Publish writes a result. The two steps come with the call, so that a program
// that publishes nothing does not link them.
func (p *Results[T]) Publish(ctx context.Context, ref assessment.OrderRef, r assessment.Result, encode Encode, write Write) (assessment.Receipt, error) {
	if p == nil {
		return assessment.Receipt{}, errNotMade
	}
	began := time.Now()
	receipt, err := p.publish(ctx, ref, r, encode, write)
	if err != nil {
		receipt.Outcome = ""
	}
	p.report(ctx, assessment.ResultReport{
		Order: ref, Status: r.Status, Outcome: OutcomeOf(receipt, err), Receipt: receipt,
		Duration: time.Since(began), Err: err,
	})
	return receipt, err
}

// Preview does what Publish does but the call, with what an [Encode] returned.
func (p *Results[T]) Preview(draft Draft, err error) (assessment.Receipt, error) {
	if p == nil {
		err = cmp.Or(err, errNotMade)
	}
	if err != nil {
		return assessment.Receipt{}, err
	}
	late(&draft.Receipt, p.past(KeyOf(draft.Ref)).stale(draft.Result))
	return draft.Receipt, nil
}

func (p *Results[T]) publish(ctx context.Context, ref assessment.OrderRef, r assessment.Result, encode Encode, write Write) (assessment.Receipt, error) {
	draft, err := encode(ctx, ref, r)
	if err != nil || draft.Receipt.Outcome == assessment.ResultSkipped {
		return draft.Receipt, err
	}
	turn, err := p.enter(ctx, KeyOf(ref), p.config.Patience)
	if err != nil {
		return draft.Receipt, &assessment.APIError{
			Vendor: p.config.Vendor, Operation: p.config.Operation, Account: ref.Account, Class: assessment.ErrUnavailable,
			Cause: fmt.Errorf("still waiting for another result of the order: %w", err),
		}
	}
	defer p.leave(turn)
	draft.Past = p.past(KeyOf(ref))
	if late(&draft.Receipt, draft.Past.stale(r)) {
		return draft.Receipt, nil
	}
	receipt, err := write(ctx, draft)
	p.remember(turn, draft, receipt, err)
	return receipt, err
}

// late makes a receipt one of a result that is left out, if there is a reason.
func late(receipt *assessment.Receipt, reason string) bool {
	if reason == "" || receipt.Outcome == assessment.ResultSkipped {
		return false
	}
	receipt.Outcome = assessment.ResultSkipped
	receipt.Warnings = append(receipt.Warnings, reason)
	return true
}

func (p *Results[T]) remember(turn *entry[T], d Draft, receipt assessment.Receipt, err error) {
	switch {
	case err == nil && receipt.Outcome != assessment.ResultSkipped:
		p.note(turn, d.Result, d.Sum, true)
	case isUncertain(err):
		p.note(turn, d.Result, d.Sum, false)
	}
}

func isUncertain(err error) bool {
	if err == nil {
		return false
	}
	var failure *assessment.APIError
	return errors.As(err, &failure) && failure.Uncertain
}

// OutcomeOf names what became of a result.
func OutcomeOf(receipt assessment.Receipt, err error) assessment.ResultOutcome {
	if err == nil {
		return receipt.Outcome
	}
	var invalid *assessment.ValidationError
	var failure *assessment.APIError
	switch {
	case errors.As(err, &invalid):
		return assessment.ResultRefused
	case !errors.As(err, &failure):
		return assessment.ResultFailed
	case failure.Uncertain:
		return assessment.ResultUncertain
	case errors.Is(err, assessment.ErrUnavailable), errors.Is(err, assessment.ErrRateLimited), failure.StatusCode == 0:
		return assessment.ResultFailed
	}
	return assessment.ResultRefused
}

// Doubt turns a failure into one that leaves open whether the result was written:
// an attempt of unknown fate may be what a later one was refused for, so that the
// result need not be to blame, and doing the same again proves nothing.
func Doubt(failure *assessment.APIError) *assessment.APIError {
	doubt := *failure
	doubt.Uncertain, doubt.SafeToRepeat, doubt.Class = true, false, assessment.ErrUnavailable
	return &doubt
}

// report tells logger and observer. A panic of theirs changes nothing: the result
// is out.
func (p *Results[T]) report(ctx context.Context, report assessment.ResultReport) {
	defer func() { _ = recover() }()
	if p.config.Logger != nil {
		p.log(ctx, report)
	}
	if p.config.Observer.Result != nil {
		p.config.Observer.Result(ctx, report)
	}
}

func (p *Results[T]) log(ctx context.Context, report assessment.ResultReport) {
	level := slog.LevelInfo
	if report.Err != nil {
		level = slog.LevelWarn
	}
	if p.config.Logger.Enabled(ctx, level) {
		p.config.Logger.LogAttrs(ctx, level, "result "+string(report.Outcome), report.LogValue().Group()...)
	}
}
