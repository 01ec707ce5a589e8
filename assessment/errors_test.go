package assessment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func domainSentinels() []error {
	return []error{
		assessment.ErrUnauthorized, assessment.ErrForbidden, assessment.ErrNotFound, assessment.ErrConflict,
		assessment.ErrInvalid, assessment.ErrRateLimited, assessment.ErrUnavailable, assessment.ErrAccountUnusable,
		assessment.ErrNotSupported,
	}
}

// domainMatches checks that err matches want and no other sentinel; nil means
// none.
func domainMatches(t *testing.T, err, want error) {
	t.Helper()
	for _, sentinel := range domainSentinels() {
		require.Equal(t, sentinel == want, errors.Is(err, sentinel), "%v is %v", err, sentinel)
		require.Equal(t, sentinel == want, errors.Is(fmt.Errorf("publishing: %w", err), sentinel))
	}
}

// domainClass is what a status means by itself, written down apart from the
// code.
func domainClass(status int) error {
	named := map[int]error{
		0:   assessment.ErrUnavailable, // no answer
		401: assessment.ErrUnauthorized,
		403: assessment.ErrForbidden,
		404: assessment.ErrNotFound,
		405: assessment.ErrNotSupported,
		408: assessment.ErrUnavailable,
		409: assessment.ErrConflict,
		410: assessment.ErrNotFound,
		412: assessment.ErrAccountUnusable,
		425: assessment.ErrUnavailable,
		429: assessment.ErrRateLimited,
		501: assessment.ErrNotSupported,
	}
	if class, ok := named[status]; ok {
		return class
	}
	switch {
	case status >= 500:
		return assessment.ErrUnavailable
	case status >= 400:
		return assessment.ErrInvalid
	}
	return nil
}

func TestAPIErrorIsByStatus(t *testing.T) {
	statuses := []int{0}
	for s := 100; s < 600; s++ {
		statuses = append(statuses, s)
	}
	for _, status := range statuses {
		domainMatches(t, &assessment.APIError{StatusCode: status}, domainClass(status))
	}
}

// A vendor's code says more than its status: Ashby answers 200, and Kombo's
// setup errors changed theirs.
func TestAPIErrorIsByClass(t *testing.T) {
	for _, class := range domainSentinels() {
		for _, status := range []int{0, 200, 404, 429, 503} {
			domainMatches(t, &assessment.APIError{StatusCode: status, Class: class}, class)
		}
	}
}

func TestAPIErrorUnwrap(t *testing.T) {
	require.NoError(t, (&assessment.APIError{}).Unwrap())
	err := &assessment.APIError{Cause: fmt.Errorf("reading: %w", context.DeadlineExceeded)}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	domainMatches(t, err, assessment.ErrUnavailable)
	var api *assessment.APIError
	require.ErrorAs(t, fmt.Errorf("publishing: %w", err), &api)
	require.Same(t, err, api)
}

func TestAPIErrorText(t *testing.T) {
	for want, err := range map[string]*assessment.APIError{
		": no answer":           {},
		"kombo: 404 Not Found":  {Vendor: assessment.Kombo, StatusCode: 404},
		"kombo: 599":            {Vendor: assessment.Kombo, StatusCode: 599}, // no name
		"ashby: no answer: EOF": {Vendor: assessment.Ashby, Cause: io.EOF},
		// A vendor's words may hold a candidate's data.
		"kombo: 400 Bad Request: message withheld":               {Vendor: assessment.Kombo, StatusCode: 400, Message: "Jane Doe is not in this job"},
		"kombo: 400 Bad Request: message withheld, about a[1].b": {Vendor: assessment.Kombo, StatusCode: 400, Message: "a[1].b: Jane Doe", Shown: "message withheld, about a[1].b"},
		"ashby: 200 OK: not_found":                               {Vendor: assessment.Ashby, StatusCode: 200, Code: "not_found", Attempts: 1},
		"stackone: GET /x: 200 OK: unexpected EOF": {
			Vendor: assessment.StackOne, Operation: "GET /x", StatusCode: 200, Cause: io.ErrUnexpectedEOF,
		},
		`kombo: PUT /x for "workday:a": 503 Service Unavailable: PLATFORM.X: try later: EOF (may have been applied) after 3 attempts [request r1] [log https://app.example.com/log]`: {
			Vendor: assessment.Kombo, Operation: "PUT /x", Account: "workday:a", StatusCode: 503, Code: "PLATFORM.X",
			Message: "try later", Shown: "try later", Cause: io.EOF, Uncertain: true, Attempts: 3, RequestID: "r1",
			LogURL: "https://app.example.com/log", RetryAfter: time.Second, Body: []byte("body"),
		},
	} {
		require.EqualError(t, err, want)
	}
}

func TestAPIErrorHidesBody(t *testing.T) {
	domainRequireHidden(t, &assessment.APIError{
		Vendor: assessment.Kombo, Operation: "PUT /x", StatusCode: 400, Message: "bad", Uncertain: true,
		RetryAfter: time.Minute, Cause: io.EOF, Body: []byte(`{"candidate":"` + domainMarker + `"}`),
	})
}

// An error is returned as a pointer, but a host may log what it points to.
func TestAPIErrorByValueHidesBody(t *testing.T) {
	// At the start, where base64 shows it: the JSON form of bytes.
	body := []byte(domainMarker + ` is the candidate`)
	err := &assessment.APIError{Vendor: assessment.Kombo, Operation: "PUT /x", StatusCode: 400, Body: body}
	for form, text := range domainPrinted(*err) {
		require.Empty(t, domainLeaks(text), "%s: %s", form, text)
	}
	require.Equal(t, err.Error(), fmt.Sprintf("%+v", *err))
	require.Equal(t, fmt.Sprintf("%q", err.Error()), fmt.Sprintf("%q", *err))
}

// What a vendor says goes into a log and must not forge a line there.
func TestAPIErrorIsOneLine(t *testing.T) {
	var controls []rune
	for r := range unicode.MaxRune {
		if unicode.IsControl(r) {
			controls = append(controls, r)
		}
	}
	require.Len(t, controls, 65, "C0, DEL and C1")
	for _, r := range controls {
		bad := "a" + string(r) + "b"
		text := (&assessment.APIError{
			Vendor: assessment.Kombo, Operation: bad, Account: bad, StatusCode: 400, Code: bad, Message: bad, Shown: bad, RequestID: bad,
			Cause: errors.New(bad),
		}).Error()
		require.NotContains(t, text, string(r))
		require.Equal(t, 5, strings.Count(text, "a b"), "%q", text) // the account is quoted
		for _, verb := range []string{"%v", "%+v", "%s"} {
			require.NotContains(t, fmt.Sprintf(verb, &assessment.APIError{Message: bad, Shown: bad}), string(r))
		}
	}
	forged := &assessment.APIError{StatusCode: 400, Shown: "bad\r\nlevel=ERROR msg=\"all is lost\"\n"}
	require.Equal(t, ": 400 Bad Request: bad  level=ERROR msg=\"all is lost\" ", forged.Error())
}

func TestAPIErrorInLogs(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Error("m", "err", &assessment.APIError{
		Vendor: assessment.Kombo, Operation: "PUT /x", Account: "workday:a", StatusCode: 503, Code: "C", Message: "later, Jane", Shown: "later",
		RequestID: "r1", LogURL: "https://app.example.com/log", RetryAfter: time.Second, Attempts: 3, Uncertain: true,
		Cause: io.EOF, Body: []byte("body"),
	})
	var line struct {
		Err map[string]any `json:"err"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, map[string]any{
		"vendor": "kombo", "operation": "PUT /x", "account": "workday:a", "status": 503.0, "code": "C", "message": "later",
		"attempts": 3.0, "request_id": "r1", "log_url": "https://app.example.com/log", "retry_after": 1e9,
		"uncertain": true, "cause": "EOF",
	}, line.Err)
}

func TestRetryable(t *testing.T) {
	api := func(status int, change ...func(*assessment.APIError)) *assessment.APIError {
		e := &assessment.APIError{StatusCode: status}
		for _, c := range change {
			c(e)
		}
		return e
	}
	after := func(d time.Duration) func(*assessment.APIError) {
		return func(e *assessment.APIError) { e.RetryAfter = d }
	}
	class := func(c error) func(*assessment.APIError) {
		return func(e *assessment.APIError) { e.Class = c }
	}
	uncertain := func(e *assessment.APIError) { e.Uncertain = true }
	safe := func(e *assessment.APIError) { e.SafeToRepeat = true }
	const busy = 5 * time.Second

	for name, test := range map[string]struct {
		err   error
		after time.Duration
		ok    bool
	}{
		"nil":                               {nil, 0, false},
		"unknown":                           {errors.New("disk full"), 0, false},
		"context":                           {context.DeadlineExceeded, 0, false},
		"validation":                        {&assessment.ValidationError{}, 0, false},
		"rejection":                         {assessment.Reject("no"), 0, false},
		"bare sentinel":                     {assessment.ErrUnavailable, 0, false},
		"429":                               {api(http.StatusTooManyRequests), 0, true},
		"429 with a wait":                   {api(http.StatusTooManyRequests, after(time.Minute)), time.Minute, true},
		"wrapped":                           {fmt.Errorf("a: %w", fmt.Errorf("b: %w", api(429, after(time.Minute)))), time.Minute, true},
		"joined":                            {errors.Join(errors.New("a"), api(503, after(time.Second))), time.Second, true},
		"503":                               {api(503), 0, true},
		"500":                               {api(500), 0, true},
		"408":                               {api(408, after(time.Minute)), time.Minute, true},
		"no answer":                         {api(0), 0, true},
		"400":                               {api(400, after(time.Minute)), 0, false},
		"401":                               {api(401), 0, false},
		"409":                               {api(409), 0, false},
		"412":                               {api(412), 0, false},
		"501":                               {api(501), 0, false},
		"200 of class unavailable":          {api(200, class(assessment.ErrUnavailable)), 0, true},
		"200 without class":                 {api(200), 0, false},
		"503 of class invalid":              {api(503, class(assessment.ErrInvalid)), 0, false},
		"uncertain":                         {api(503, uncertain), 0, false},
		"uncertain, no answer":              {api(0, uncertain, after(time.Second)), 0, false},
		"uncertain, safe":                   {api(503, uncertain, safe, after(time.Second)), time.Second, true},
		"uncertain, safe, whatever class":   {api(400, uncertain, safe), 0, true},
		"longer than a queue should wait":   {api(429, after(57*365*24*time.Hour)), time.Hour, true},
		"an hour":                           {api(429, after(time.Hour)), time.Hour, true},
		"negative":                          {api(429, after(-time.Second)), 0, true},
		"safe alone changes nothing":        {api(400, safe), 0, false},
		"in progress":                       {assessment.ErrInProgress, busy, true},
		"in progress, wrapped with context": {fmt.Errorf("%w: %w", assessment.ErrInProgress, context.DeadlineExceeded), busy, true},
		"draining":                          {fmt.Errorf("x: %w", assessment.ErrDraining), busy, true},
		"store":                             {fmt.Errorf("%w: %w", assessment.ErrStore, io.EOF), busy, true},
		"store full":                        {fmt.Errorf("%w: %w", assessment.ErrStore, assessment.ErrStoreFull), busy, true},
	} {
		wait, ok := assessment.Retryable(test.err)
		require.Equal(t, test.ok, ok, name)
		require.Equal(t, test.after, wait, name)
	}
}
