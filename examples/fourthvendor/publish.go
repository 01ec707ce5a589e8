package fourthvendor

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
)

var _ assessment.Publisher = (*Adapter)(nil)

// Vendor implements [assessment.Publisher].
func (a *Adapter) Vendor() assessment.Vendor { return Greenhouse }

// Connection implements [assessment.Publisher]: there is only one.
func (a *Adapter) Connection() string { return "" }

// MintsOrderIDs tells the router that a final result frees the order, so that the
// recruiter can order again.
func (a *Adapter) MintsOrderIDs() bool { return true }

const opLook = "PATCH callback"

// PublishResult has Greenhouse ask for the result, which the provider has stored
// before. Asking twice does no harm, so an uncertain call can be repeated.
func (a *Adapter) PublishResult(ctx context.Context, ref assessment.OrderRef, _ assessment.Result) (assessment.Receipt, error) {
	callback, err := a.c.Tests.Callback(ctx, ref)
	if err != nil {
		return assessment.Receipt{}, fmt.Errorf("callback of %s: %w", ref, err)
	}
	if err := a.allowed(callback); err != nil { // it may have been stored under other rules
		return assessment.Receipt{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, callback, nil)
	if err != nil {
		return assessment.Receipt{}, errCallback
	}
	failure := &assessment.APIError{Vendor: Greenhouse, Operation: opLook, Account: ref.Account, Attempts: 1}
	answer, err := a.c.Client.Do(r)
	if err != nil {
		failure.Uncertain, failure.SafeToRepeat, failure.Class, failure.Cause = true, true, assessment.ErrUnavailable, ctx.Err()
		return assessment.Receipt{Attempts: 1}, failure
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		failure.StatusCode = answer.StatusCode
		return assessment.Receipt{Attempts: 1}, failure
	}
	return assessment.Receipt{Outcome: assessment.ResultWritten, Attempts: 1}, nil
}
