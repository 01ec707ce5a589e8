package stackone_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/stackone"
)

// What the tests must find again nowhere but where it belongs.
const (
	testKey = "v1.eu1.abc123xyz"
	account = "45355976281015164504"
	orderID = "c28x/IQ+="
)

// written is the answer to every write that succeeded.
const written = `{"statusCode":200,"message":"Record updated successfully.","timestamp":"2021-01-01T01:01:01.000Z"}`

// The shared harness under the names that the tests use.
type (
	step         = vendortest.Step
	seen         = vendortest.Seen
	lockedBuffer = vendortest.Log
	discard      = vendortest.Discard
)

var (
	answers         = vendortest.Answers
	breaks          = vendortest.Breaks
	errReset        = vendortest.ErrReset
	serve           = vendortest.Serve
	example         = vendortest.Example
	requireSameJSON = vendortest.SameJSON
	decoded         = vendortest.Decoded
	requireEqual    = vendortest.Equal
	apiError        = vendortest.APIError
	paths           = vendortest.Paths
	utc             = vendortest.UTC
)

// script is a scripted StackOne with the requests that it got.
type script struct {
	*vendortest.Script
	seen []seen
}

func play(steps ...step) *script {
	s := new(script)
	s.Script = vendortest.Play(&s.seen, steps...)
	return s
}

// newClient returns a client on a transport; the options change its config.
func newClient(t testing.TB, rt http.RoundTripper, options ...func(*stackone.Config)) *stackone.Client {
	t.Helper()
	config := stackone.Config{APIKey: testKey, HTTPClient: &http.Client{Transport: rt}}
	for _, set := range options {
		set(&config)
	}
	client, err := stackone.New(config)
	require.NoError(t, err)
	return client
}

// once makes the client repeat nothing.
func once(c *stackone.Config) { c.MaxRetries = -1 }

// unpaced makes the client send every call at once.
func unpaced(c *stackone.Config) { c.Pacing.Mode = assessment.PacingOff }

// behind makes the client take every account for one of the given ATS.
func behind(ats string) func(*stackone.Config) {
	return func(c *stackone.Config) {
		c.Provider = func(context.Context, string) (string, error) { return ats, nil }
	}
}

var (
	ref      = assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: orderID}
	checkRef = assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindBackgroundCheck, Account: account, ID: orderID}
)

func ptr[T any](v T) *T { return &v }
