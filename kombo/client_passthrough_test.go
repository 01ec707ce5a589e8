package kombo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

func TestPassthrough(t *testing.T) {
	server := play(answers(200, string(example(t, "passthrough-response.json"))))
	got, err := newClient(t, server).Passthrough(t.Context(), integration, kombo.PassthroughRequest{
		Tool: "greenhouse", API: "harvest-v2", Method: "POST", Path: "/candidates/1",
		Headers: map[string]string{"On-Behalf-Of": "7"}, Params: map[string]string{"a": "b"},
		Data: json.RawMessage(`{"tags":[1,9007199254740993]}`), Base64: true, Options: json.RawMessage(`{"x":1}`),
	})
	require.NoError(t, err)
	require.Equal(t, "POST", server.seen[0].Method)
	require.Equal(t, "https://api.kombo.dev/v1/passthrough/greenhouse/harvest-v2", server.seen[0].URL)
	require.Equal(t, integration, server.seen[0].Header.Get("X-Integration-Id"))
	requireSameJSON(t, []byte(`{"method":"POST","path":"/candidates/1","headers":{"On-Behalf-Of":"7"},"params":{"a":"b"},
		"data":{"tags":[1,9007199254740993]},"response_as_base64":true,"api_options":{"x":1}}`), []byte(server.seen[0].Body))
	require.Equal(t, "https://api.personio.de/v1/company/employees", got.URL)
	require.Equal(t, 200, got.Status)
	require.Equal(t, http.Header{"Content-Type": {"application/json"}}, got.Headers)
	requireSameJSON(t, []byte(`{"success":true,"data":[{"id":123,"first_name":"John","last_name":"Doe"}]}`), got.Data)
	require.Equal(t, []string{"This is an example warning!"}, got.Warnings)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", got, got, got), "John")
}

// What the ATS says is not what Kombo says: an error of the ATS is an answer.
func TestPassthroughOfAnErrorOfTheATS(t *testing.T) {
	server := play(answers(200, `{"status":"success","data":{"url":"https://x","status":404,"headers":{"set-cookie":["a","b"],"odd":1}}}`))
	got, err := newClient(t, server).Passthrough(t.Context(), integration, kombo.PassthroughRequest{
		Tool: "workday", API: "rest", Method: "GET", Path: "/x",
	})
	require.NoError(t, err)
	require.Equal(t, 404, got.Status)
	require.Equal(t, []string{"a", "b"}, got.Headers.Values("Set-Cookie"))
	require.Nil(t, got.Data)
	requireSameJSON(t, []byte(`{"method":"GET","path":"/x"}`), []byte(server.seen[0].Body))
}

// A GET may be repeated; what changes something at the ATS may not.
func TestPassthroughIsRepeatedIfItReads(t *testing.T) {
	for method, calls := range map[string]int{"GET": 2, "POST": 1, "DELETE": 1} {
		server := play(answers(502, ""), answers(200, `{"data":{"status":200}}`))
		_, err := newClient(t, server).Passthrough(t.Context(), integration, kombo.PassthroughRequest{
			Tool: "workday", API: "rest", Method: method, Path: "/x",
		})
		require.Equal(t, calls == 2, err == nil, method)
		require.Len(t, server.seen, calls, method)
	}
}

func TestPassthroughChecks(t *testing.T) {
	server := play(answers(200, `{}`))
	client := newClient(t, server)
	_, err := client.Passthrough(t.Context(), "", kombo.PassthroughRequest{Method: "get", Path: "x", Data: json.RawMessage(`{`), Options: json.RawMessage(`[]`)})
	require.Equal(t, []string{"integration", "tool", "api", "method", "path", "data", "options"}, paths(t, err))
	_, err = client.Passthrough(t.Context(), integration, kombo.PassthroughRequest{
		Tool: "a", API: "b", Method: "GET", Path: "/x", Params: map[string]string{"a": "caf\xc3"},
	})
	require.Equal(t, []string{"body"}, paths(t, err))
	require.Empty(t, server.seen)
}

// When a package was submitted last is Kombo's to say.
func TestPackagesHaveATime(t *testing.T) {
	for text, want := range map[string]assessment.Package{
		`"2026-06-30T12:00:00.250Z"`: {ID: "1", UpdatedAt: utc(2026, 6, 30, 12, 0).Add(250e6)},
		`null`:                       {ID: "1"}, `"soon"`: {ID: "1"}, `7`: {ID: "1"},
	} {
		server := play(answers(200, `{"data":{"packages":[{"id":"1","updated_at":`+text+`}]}}`))
		got, err := newClient(t, server).Packages(t.Context(), integration)
		require.NoError(t, err)
		requireEqual(t, []assessment.Package{want}, got)
	}
}
