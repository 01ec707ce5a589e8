package kombo_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
)

// What the tests must find again nowhere but where it belongs.
const (
	testKey     = "ks_dev_T3stK3y_d0_n0t_l0g"
	integration = "workday:HWUTwvyx2wLoSUHphiWVrp28"
	orderID     = "B5KQKhAgTv6ZwzrfAbqbhipd"
)

// written is the answer to every write that succeeded.
const written = `{"status":"success","data":{},"warnings":[]}`

// The shared harness under the names that the tests use.
type (
	step         = vendortest.Step
	seen         = vendortest.Seen
	lockedBuffer = vendortest.Log
	discard      = vendortest.Discard
)

const raceEnabled = vendortest.RaceEnabled

var (
	answers         = vendortest.Answers
	breaks          = vendortest.Breaks
	hangs           = vendortest.Step(vendortest.Hangs)
	errRefused      = vendortest.ErrRefused
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

// script is a scripted Kombo with the requests that it got.
type script struct {
	*vendortest.Script
	seen []seen
}

func play(steps ...step) *script {
	s := new(script)
	s.Script = vendortest.Play(&s.seen, steps...)
	return s
}

// methods lists what was called, in order.
func (s *script) methods() []string {
	var all []string
	for _, r := range s.seen {
		all = append(all, r.Method)
	}
	return all
}

// newClient returns a client on a transport; the options change its config.
func newClient(t testing.TB, rt http.RoundTripper, options ...func(*kombo.Config)) *kombo.Client {
	t.Helper()
	config := kombo.Config{APIKey: testKey, HTTPClient: &http.Client{Transport: rt}}
	for _, set := range options {
		set(&config)
	}
	client, err := kombo.New(config)
	require.NoError(t, err)
	return client
}

func withStandIn(c *kombo.Config) { c.ResultURL = "https://example.com/stand-in" }

// refTo is an order behind the given tool.
func refTo(tool string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: tool + ":HWUTwvyx2wLoSUHphiWVrp28", ID: orderID}
}

func ptr[T any](v T) *T { return &v }
