package stackone_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

// Whatever comes, the decoder gives an event or an error, does not touch the
// body, and finds an order's id where it is.
func FuzzParseEvent(f *testing.F) {
	for _, name := range []string{
		"webhook.account_updated.json", "webhook.constructed.background_check_order_created.json",
		"webhook.constructed.native_ats_assessments_created.json", "webhook.native_ats_job_postings_updated.json",
		"webhook.synthetic_hris_employees_updated.json",
	} {
		f.Add(example(f, name))
	}
	for _, body := range []string{
		"", "null", "[]", `{"event":7}`, `{"event":"assessment.created","record_id":9223372036854775807123,"account_id":1e400}`,
		`{"event":"assessment.created","record_id":"\ud800","event_data":{"candidate":{"emails":[1,null,{}]},"job":{"hiring_team":{}}}}`,
		`{"EVENT":"background_check.created","event_data":[[[]]],"event_date":"0000-00-00"}`, `{"event":"account.x","setup_information":[1]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		event, err := stackone.ParseEvent(body)
		require.Equal(t, before, body, "the signed bytes are not changed")
		if err != nil {
			require.Equal(t, stackone.Event{}, event)
			return
		}
		require.NotEmpty(t, event.Type)
		require.NotNil(t, event.Data)
		require.True(t, valid(body))
		_ = event.String()
		created, ok := event.Data.(stackone.OrderCreated)
		if !ok {
			return
		}
		require.NotEmpty(t, created.Order.Ref.Kind)
		requireRecordID(t, body, created.Order.Ref.ID)
		again, err := json.Marshal(created.Order)
		require.NoError(t, err, "it can be queued")
		require.True(t, json.Valid(again))
	})
}

// requireRecordID finds the id once more, by another way. Names in other cases
// and repeated ones are left to encoding/json.
func requireRecordID(t *testing.T, body []byte, got string) {
	t.Helper()
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || !utf8.Valid(body) || bytes.Count(bytes.ToLower(body), []byte("record_id")) != 1 {
		return
	}
	raw, found := members["record_id"]
	var number json.Number
	var text string
	switch {
	case !found:
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil && text != "":
		require.Equal(t, strings.ReplaceAll(text, "\x00", "\ufffd"), got)
	case raw[0] != '"' && json.Unmarshal(raw, &number) == nil && number != "":
		require.Equal(t, string(number), got)
	}
}

// Whatever is asked, the answer is a list or a refusal.
func FuzzPackagesRequest(f *testing.F) {
	for _, name := range []string{
		"packages_endpoint.request.bullhorn.json", "packages_endpoint.request.greenhouse.json", "packages_endpoint.request.with_job_id.teamtailor.json",
	} {
		f.Add(example(f, name))
	}
	for _, body := range []string{"", " ", "null", "[]", "{", `{"account_id":45355976281015164504}`, `{"account_id":{},"job_id":[1]}`, `{}{}`, "\f{}", "\f"} {
		f.Add([]byte(body))
	}
	var asked int
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: &provider{packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
			asked++
			return nil, nil
		}},
		Store: assessment.NewMemoryStore(0),
	})
	if err != nil {
		f.Fatal(err)
	}
	handler, err := stackone.NewPackagesHandler(stackone.PackagesConfig{
		Intake: intake, Authorize: func(context.Context, *http.Request, []byte) error { return nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked = 0
		w := serve(handler, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
		text := bytes.Trim(body, " \t\r\n") // JSON's white space; a form feed is none
		object := len(text) == 0 || valid(text) && bytes.TrimLeft(text, "\ufeff \t\r\n")[0] == '{'
		if !object {
			require.Equal(t, 400, w.Code)
			require.Zero(t, asked)
			return
		}
		require.Equal(t, 200, w.Code)
		require.Equal(t, `{"data":[]}`, w.Body.String())
		require.Equal(t, 1, asked)
	})
}

// valid reports whether a body is JSON, behind a byte order mark or not.
func valid(body []byte) bool {
	return json.Valid(bytes.TrimPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("\ufeff")))
}
