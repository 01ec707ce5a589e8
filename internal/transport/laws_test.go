package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
)

// marker stands for what a vendor may quote of a candidate.
const marker = "jane.doe@example.com"

// operation is one kind of call of one vendor's client.
type operation struct {
	name  string
	write bool
	do    func(context.Context, http.RoundTripper) error
}

var final = assessment.Result{
	Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(1, 2), ReportURL: "https://example.com/r",
	At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), CompletedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
}

func operations() []operation {
	of := func(rt http.RoundTripper) *http.Client { return &http.Client{Transport: rt} }
	k := func(rt http.RoundTripper) *kombo.Client {
		c, err := kombo.New(kombo.Config{APIKey: "k", HTTPClient: of(rt)})
		must(err)
		return c
	}
	s := func(rt http.RoundTripper) *stackone.Client {
		c, err := stackone.New(stackone.Config{
			APIKey: "k", HTTPClient: of(rt), Provider: func(context.Context, string) (string, error) { return "", nil },
		})
		must(err)
		return c
	}
	a := func(rt http.RoundTripper) *ashby.Client {
		c, err := ashby.New(ashby.Config{APIKey: "k", PartnerID: "p", HTTPClient: of(rt)})
		must(err)
		return c
	}
	ref := func(v assessment.Vendor) assessment.OrderRef {
		return assessment.OrderRef{Vendor: v, Kind: assessment.KindAssessment, Account: "acme", ID: "1"}
	}
	packages := []assessment.Package{{ID: "1", Name: "n", Type: assessment.SkillsTest}}
	return []operation{
		{"kombo packages", false, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := k(rt).Packages(ctx, "acme")
			return err
		}},
		{"kombo orders", false, func(ctx context.Context, rt http.RoundTripper) error {
			for _, err := range k(rt).Orders(ctx, "acme", kombo.OrderFilter{}) {
				return err
			}
			return nil
		}},
		{"kombo set packages", true, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := k(rt).SetPackages(ctx, "acme", packages)
			return err
		}},
		{"kombo result", true, func(ctx context.Context, rt http.RoundTripper) error {
			r := final
			_, err := k(rt).PublishResult(ctx, ref(assessment.Kombo), r)
			return err
		}},
		{"kombo call", true, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := k(rt).Call(ctx, "acme", kombo.Request{Method: "POST", Path: []string{"x"}, Body: 1})
			return err
		}},
		{"stackone job", false, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := s(rt).Job(ctx, "acme", "1")
			return err
		}},
		{"stackone create package", true, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := s(rt).CreateBackgroundCheckPackage(ctx, "acme", packages[0], nil)
			return err
		}},
		{"stackone delete package", true, func(ctx context.Context, rt http.RoundTripper) error {
			return s(rt).DeleteBackgroundCheckPackage(ctx, "acme", "1")
		}},
		{"stackone result", true, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := s(rt).PublishResult(ctx, ref(assessment.StackOne), final)
			return err
		}},
		{"ashby candidate", false, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := a(rt).CandidateInfo(ctx, "acme", "1")
			return err
		}},
		{"ashby add completed", true, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := a(rt).AddCompleted(ctx, "acme", ashby.Completed{
				CandidateID: "c", AssessmentID: "a", Package: packages[0], Result: final,
			})
			return err
		}},
		{"ashby result", true, func(ctx context.Context, rt http.RoundTripper) error {
			_, err := a(rt).PublishResult(ctx, ref(assessment.Ashby), final)
			return err
		}},
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// bodies are what can stand under a status, by whether it can be a success.
var bodies = map[string]struct {
	text    string
	success bool
	foreign bool
}{
	"empty":   {"", true, false}, // of some writes
	"page":    {"<!DOCTYPE html><title>" + marker + "</title>", false, true},
	"half":    {`{"success":true,"data":{"x":`, false, true},
	"list":    {`["` + marker + `"]`, true, false}, // a custom call takes any JSON
	"good":    {`{"success":true,"status":"success","statusCode":200,"data":{},"results":{}}`, true, false},
	"kombo":   {`{"status":"error","error":{"code":null,"message":"` + marker + `"}}`, true, false},
	"kombo 1": {`{"status":"error","error":{"code":"PLATFORM.INPUT_INVALID","message":"` + marker + `"}}`, true, false},
	"kombo 2": {`{"status":"error","error":{"code":"PLATFORM.TASK_TIMED_OUT","message":"` + marker + `"}}`, true, false},
	"kombo 3": {`{"status":"error","error":{"code":"` + marker + `","message":"x"}}`, true, false},
	"kombo 4": {`{"status":"error","error":{"code":"REMOTE.RATE_LIMIT_EXCEEDED"}}`, true, false},
	"stack":   {`{"statusCode":502,"message":"` + marker + `","provider_errors":[{"status":500}]}`, true, false},
	"stack 1": {`{"statusCode":400,"message":"x","errorCode":"ValidationError","errors":["email ` + marker + ` must be"]}`, true, false},
	"stack 2": {`{"statusCode":401,"errorCode":"` + marker + `"}`, true, false},
	"ashby":   {`{"success":false,"errors":["` + marker + `"]}`, true, false},
	"ashby 1": {`{"success":false,"errorInfo":{"code":"invalid_input","message":"` + marker + `"}}`, true, false},
	"ashby 2": {`{"success":false,"errorInfo":{"code":"generic_internal_error","message":"` + marker + `"}}`, true, false},
	"ashby 3": {`{"success":false,"errorInfo":{"code":"` + marker + `"}}`, true, false},
}

// envelopes of an error are a success of none but the other vendors' calls.
func isErrorOf(vendor, body string) bool {
	prefix := map[string]string{"kombo": "kombo", "stackone": "stack", "ashby": "ashby"}[vendor]
	return strings.HasPrefix(body, prefix)
}

type answering func(n int) (*http.Response, error)

func (a *answering) RoundTrip(*http.Request) (*http.Response, error) { return (*a)(0) }

// Whatever a vendor answers, and however often: what the error says never
// contradicts itself, and a queue that goes by it neither loses a result nor
// writes one twice.
func TestErrorsNeverContradictThemselves(t *testing.T) {
	statuses := []int{200, 201, 204, 302, 308, 400, 401, 403, 404, 408, 409, 412, 422, 425, 429, 500, 501, 502, 503, 504, 520, 522, 524}
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, status := range statuses {
					for name, body := range bodies {
						checkCall(t, op, status, name, func(int) (*http.Response, error) {
							return &http.Response{
								StatusCode: status, Header: http.Header{"Ratelimit-Reset": {"57"}, "Location": {"https://status.example.com/"}},
								Body: io.NopCloser(strings.NewReader(body.text)), ContentLength: -1,
							}, nil
						})
					}
				}
				for name, err := range map[string]error{
					"reset":   &net.OpError{Op: "read", Err: syscall.ECONNRESET},
					"refused": &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
					"ended":   io.EOF,
				} {
					checkCall(t, op, 0, name, func(int) (*http.Response, error) { return nil, err })
				}
			})
		})
	}
}

// The refusal of a repetition says nothing about the attempt before it.
func TestRefusalsAfterDoubt(t *testing.T) {
	for _, op := range operations() {
		for _, status := range []int{400, 401, 403, 404, 409, 412, 422, 501} {
			t.Run(fmt.Sprintf("%s %d", op.name, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sent := 0
					var rt answering = func(int) (*http.Response, error) {
						sent++
						answer := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}
						if sent == 1 {
							answer.StatusCode = http.StatusRequestTimeout
						}
						return answer, nil
					}
					err := op.do(t.Context(), &rt)
					if !op.write || sent == 1 || err == nil { // a delete that finds nothing the second time has succeeded
						return
					}
					checkError(t, op, err, fmt.Sprint(status))
					var api *assessment.APIError
					require.ErrorAs(t, err, &api)
					require.True(t, api.Uncertain, "%v", err)
					require.ErrorIs(t, err, assessment.ErrUnavailable)
				})
			})
		}
	}
}

func checkCall(t *testing.T, op operation, status int, name string, answer answering) {
	t.Helper()
	vendor, _, _ := strings.Cut(op.name, " ")
	label := fmt.Sprintf("%s: %d %s", op.name, status, name)
	err := op.do(t.Context(), &answer)
	if err == nil {
		require.Equal(t, 2, status/100, label)
		require.True(t, bodies[name].success && !isErrorOf(vendor, name), label)
		return
	}
	checkError(t, op, err, label)
	var api *assessment.APIError
	if !errors.As(err, &api) {
		return
	}
	if bodies[name].foreign && (status/100 == 2 || status/100 == 3 || status >= 520) {
		require.ErrorIs(t, err, assessment.ErrUnavailable, label)
		require.Equal(t, op.write, api.Uncertain, label)
	}
	if status == 0 {
		require.Equal(t, op.write && name != "refused", api.Uncertain, label)
	}
}

func checkError(t *testing.T, op operation, err error, label string) {
	t.Helper()
	after, again := assessment.Retryable(err)
	require.True(t, after >= 0 && after <= time.Hour, label)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, err), marker, label)
	}
	var api *assessment.APIError
	if !errors.As(err, &api) {
		return
	}
	classes := 0
	for _, class := range []error{
		assessment.ErrUnauthorized, assessment.ErrForbidden, assessment.ErrNotFound, assessment.ErrConflict, assessment.ErrInvalid,
		assessment.ErrRateLimited, assessment.ErrUnavailable, assessment.ErrAccountUnusable, assessment.ErrNotSupported,
	} {
		if errors.Is(err, class) {
			classes++
		}
	}
	passing := errors.Is(err, assessment.ErrUnavailable) || errors.Is(err, assessment.ErrRateLimited)
	require.Equal(t, 1, classes, "%s: %v", label, err)
	require.False(t, api.Uncertain && !op.write, "%s: a read leaves nothing open", label)
	require.False(t, api.SafeToRepeat && !api.Uncertain, label)
	if api.Uncertain {
		require.True(t, passing, "%s: %v", label, err)
		require.Equal(t, api.SafeToRepeat, again, "%s: %v", label, err)
		return
	}
	require.Equal(t, passing, again, "%s: %v", label, err)
}
