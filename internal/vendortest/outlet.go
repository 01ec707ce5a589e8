package vendortest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Client is what every client can do.
type Client interface {
	assessment.Publisher
	Preview(assessment.OrderRef, assessment.Result) (assessment.Receipt, error)
}

// ClientSetup is what a law wants of a client.
type ClientSetup struct {
	APIKey     string
	Keys       func(ctx context.Context, account string) (string, error)
	HTTPClient *http.Client
	Logger     *slog.Logger
	Observer   assessment.Observer
}

// Outlet is the client of a vendor.
type Outlet struct {
	New func(testing.TB, ClientSetup) Client
	// Ref is an order that results can be written for.
	Ref func(id string) assessment.OrderRef
	// Written is the body of the 200 to a result.
	Written string
	// Calls are all that the client can do besides.
	Calls []Call
	// Refusal is the vendor's own error envelope, with its text for people.
	Refusal func(message string) string
}

// Call is one call of a client.
type Call struct {
	Name string
	// Do makes the call for an id of the vendor's: of the order, package or
	// account that the call is about.
	Do func(ctx context.Context, c Client, id string) error
	// Answer is the body of the 200 to it.
	Answer string
	// Write: the call changes something.
	Write bool
}

// final and interim are results that every vendor takes.
func final(at time.Time) assessment.Result {
	return assessment.Result{
		Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed, Score: assessment.ScoreOutOf(87.4, 100),
		ReportURL: "https://tests.example.com/r/1", Summary: "Good.", At: at, CompletedAt: at,
	}
}

func interim(at time.Time) assessment.Result {
	return assessment.Result{
		Status: assessment.StatusInProgress, StatusText: "2 of 3", ReportURL: "https://tests.example.com/r/1", At: at,
	}
}

// publishing is the call that writes a result.
func (o Outlet) publishing() Call {
	return Call{Name: "PublishResult", Answer: o.Written, Write: true, Do: func(ctx context.Context, c Client, id string) error {
		_, err := c.PublishResult(ctx, o.Ref(id), final(time.Now()))
		return err
	}}
}

func (o Outlet) all() []Call { return append([]Call{o.publishing()}, o.Calls...) }

// api is a client before a scripted API, with everything that it reports.
type api struct {
	watch
	seen   []Seen
	client Client
}

func (o Outlet) dial(t testing.TB, steps ...Step) *api {
	t.Helper()
	return o.dialWith(t, func(s *ClientSetup) { s.APIKey = "key-0" }, steps...)
}

func (o Outlet) dialWith(t testing.TB, set func(*ClientSetup), steps ...Step) *api {
	t.Helper()
	a := new(api)
	s := ClientSetup{
		HTTPClient: &http.Client{Transport: Play(&a.seen, steps...)}, Logger: a.log.Logger(), Observer: a.observer(),
	}
	set(&s)
	a.client = o.New(t, s)
	return a
}

// sequence returns a new key each time it is asked.
func sequence(asked *int) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) {
		*asked++
		return fmt.Sprint("key-", *asked), nil
	}
}
