package kombo_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func TestPackages(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []assessment.Package
	}{
		"documented": {string(example(t, "get-packages-response.json")), []assessment.Package{{
			ID: "1001", Name: "TypeScript", Description: "TypeScript coding skills assessments", Type: assessment.SkillsTest,
			UpdatedAt: utc(2023, 6, 29, 18, 47).Add(40*time.Second + 890*time.Millisecond),
		}}},
		"submitted before there were types": {
			`{"data":{"packages":[{"id":"1","name":"n","description":"d","updated_at":null,"type":null}]}}`,
			[]assessment.Package{{ID: "1", Name: "n", Description: "d"}},
		},
		"a type of tomorrow": {
			`{"data":{"packages":[{"id":"1","type":"VR_TEST","colour":"red"}]}}`,
			[]assessment.Package{{ID: "1", Type: "VR_TEST"}},
		},
		"every type": {
			`{"data":{"packages":[{"type":"BEHAVIORAL"},{"type":"VIDEO_INTERVIEW"},{"type":"SKILLS_TEST"},{"type":"BACKGROUND_CHECK"},{"type":"REFERENCE_CHECK"}]}}`,
			[]assessment.Package{{Type: assessment.Behavioral}, {Type: assessment.VideoInterview}, {Type: assessment.SkillsTest}, {Type: assessment.BackgroundCheck}, {Type: assessment.ReferenceCheck}},
		},
		"none": {`{"data":{"packages":[]}}`, []assessment.Package{}},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, tc.body))
			got, err := newClient(t, server).Packages(t.Context(), integration)
			require.NoError(t, err)
			requireEqual(t, tc.want, got)
			require.Equal(t, "GET", server.seen[0].Method)
			require.Equal(t, "https://api.kombo.dev/v1/assessment/packages", server.seen[0].URL)
		})
	}
}

func TestSetPackages(t *testing.T) {
	answer := string(example(t, "set-packages-response.json"))
	for name, tc := range map[string]struct {
		packages []assessment.Package
		want     []byte
	}{
		"guide": {[]assessment.Package{
			{ID: "YOUR-PKG-ID-0001", Name: "Coding Test", Description: "Coding test description...", Type: assessment.SkillsTest},
			{ID: "YOUR-PKG-ID-0002", Name: "Psychometric Test", Description: "Psychometric test description...", Type: assessment.SkillsTest},
			{ID: "YOUR-PKG-ID-0003", Name: "Visa Status", Description: "Visa status check...", Type: assessment.BackgroundCheck},
			{ID: "YOUR-PKG-ID-0004", Name: "SSN Verification", Description: "SSN verification check...", Type: assessment.BackgroundCheck},
		}, example(t, "set-packages-request.json")},
		"reference": {[]assessment.Package{
			{ID: "1001", Name: "TypeScript", Description: "TypeScript coding skills assessments", Type: assessment.SkillsTest},
			{ID: "1002", Name: "Video Interview", Description: "Video interview to assess communication skills", Type: assessment.VideoInterview},
		}, example(t, "set-packages-request-reference.json")},
		// All four fields are required; what belongs to other vendors is not sent.
		"no description, foreign fields": {[]assessment.Package{
			{ID: "1", RemoteID: "r", Name: "n", Type: assessment.Behavioral, Tests: []assessment.Test{{ID: "t"}}},
			{ID: "2", Name: "n", Type: assessment.ReferenceCheck},
		}, []byte(`{"packages":[{"id":"1","type":"BEHAVIORAL","name":"n","description":""},{"id":"2","type":"REFERENCE_CHECK","name":"n","description":""}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, answer))
			receipt, err := newClient(t, server).SetPackages(t.Context(), integration, tc.packages)
			require.NoError(t, err)
			requireEqual(t, assessment.Receipt{Outcome: assessment.ResultWritten, Attempts: 1}, receipt)
			require.Equal(t, "PUT", server.seen[0].Method)
			require.Equal(t, "https://api.kombo.dev/v1/assessment/packages", server.seen[0].URL)
			requireSameJSON(t, tc.want, []byte(server.seen[0].Body))
		})
	}
}

func TestSetPackagesRefuses(t *testing.T) {
	good := assessment.Package{ID: "1", Name: "n", Type: assessment.SkillsTest}
	for name, tc := range map[string]struct {
		packages []assessment.Package
		want     []string
	}{
		"nil":   {nil, []string{"packages"}},
		"empty": {[]assessment.Package{}, []string{"packages"}},
		"everything at once": {
			[]assessment.Package{good, {}, good, {ID: "2", Name: "n", Type: "vr_test"}},
			[]string{"packages[1].id", "packages[1].name", "packages[1].type", "packages[2].id", "packages[3].type"},
		},
		"nothing to be seen": {
			[]assessment.Package{{ID: " ", Name: " \t", Type: good.Type}, {ID: "a\u200b", Name: "\u200b", Type: good.Type}, {ID: "b ", Name: " n ", Type: good.Type}},
			[]string{"packages[0].id", "packages[0].name", "packages[1].id", "packages[1].name", "packages[2].id"},
		},
		"Kombo's word for a type": {[]assessment.Package{{ID: "1", Name: "n", Type: "SKILLS_TEST"}}, []string{"packages[0].type"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, written))
			_, err := newClient(t, server).SetPackages(t.Context(), integration, tc.packages)
			require.Equal(t, tc.want, paths(t, err))
			require.Empty(t, server.seen)
		})
	}
}

// Two mistakes are two problems, whichever of the arguments they are in.
func TestSetPackagesRefusesIntegrationAndPackagesAtOnce(t *testing.T) {
	server := play(answers(200, written))
	_, err := newClient(t, server).SetPackages(t.Context(), "", []assessment.Package{{ID: "1", Name: "n"}})
	require.ElementsMatch(t, []string{"integration", "packages[0].type"}, paths(t, err))
	require.Empty(t, server.seen)
}

// An empty array deletes everything; null is not allowed by the schema.
func TestDeletePackages(t *testing.T) {
	server := play(answers(200, written))
	_, err := newClient(t, server).DeletePackages(t.Context(), integration)
	require.NoError(t, err)
	require.JSONEq(t, `{"packages":[]}`, server.seen[0].Body)
}

// Any 2xx is a success, and the warnings of a write are optional: Kombo's own
// clients lose the answer over either.
func TestAnswersToAWrite(t *testing.T) {
	for name, tc := range map[string]struct {
		answer   step
		warnings []string
	}{
		"200":                         {answers(200, written), nil},
		"warnings":                    {answers(200, string(example(t, "update-order-result-response.json"))), []string{"This is an example warning!"}},
		"two warnings, one unlike it": {answers(200, `{"warnings":[{"message":"a"},{"code":1},{"message":"b","x":[]}]}`), []string{"a", "b"}},
		"no warnings key":             {answers(200, `{"status":"success","data":{}}`), nil},
		"null warnings":               {answers(200, `{"warnings":null}`), nil},
		"warnings of another shape":   {answers(200, `{"warnings":"careful"}`), nil},
		"201":                         {answers(201, written), nil},
		"202":                         {answers(202, written), nil},
		"204":                         {answers(204, ""), nil},
		"empty body":                  {answers(200, ""), nil},
		"blank body":                  {answers(200, "\n \n"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(tc.answer)
			receipt, err := newClient(t, server).DeletePackages(t.Context(), integration)
			require.NoError(t, err)
			requireEqual(t, assessment.Receipt{Outcome: assessment.ResultWritten, Warnings: tc.warnings, Attempts: 1}, receipt)
		})
	}
}

// A page with status 200 comes from something in between.
func TestPageIsNoSuccess(t *testing.T) {
	const page = "<!doctype html><title>Sign in</title>"
	for name, call := range calls {
		if name == "PublishResult" {
			continue // reads the order, see TestUncertainResult
		}
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, page, "Content-Type", "text/html"))
			err := call(t.Context(), newClient(t, server, func(c *kombo.Config) { c.MaxRetries = -1 }), integration)
			api := apiError(t, err)
			require.Equal(t, 200, api.StatusCode)
			require.Equal(t, page, string(api.Body))
			require.NotContains(t, err.Error(), "doctype")
			write := server.seen[0].Method == "PUT"
			require.Equal(t, write, api.Uncertain)
			require.Equal(t, write, api.SafeToRepeat, "the list replaces itself")
		})
	}
}

// A body that broke off before its first byte is not an empty one: the answer
// is lost, and whether the rest would have said so is unknown.
func TestBrokenAnswerIsNoSuccess(t *testing.T) {
	for name, broken := range map[string]io.Reader{
		"at once":         errorReader{errReset},
		"after a byte":    io.MultiReader(strings.NewReader("{"), errorReader{io.ErrUnexpectedEOF}),
		"after a newline": io.MultiReader(strings.NewReader("\n"), errorReader{io.ErrUnexpectedEOF}),
	} {
		t.Run(name, func(t *testing.T) {
			server := play(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(broken), ContentLength: -1}, nil
			})
			_, err := newClient(t, server, func(c *kombo.Config) { c.MaxRetries = -1 }).DeletePackages(t.Context(), integration)
			require.True(t, apiError(t, err).Uncertain)
			require.True(t, apiError(t, err).SafeToRepeat)
		})
	}
	t.Run("the context ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, _ := simulated(t)
			server.Fail(kombotest.OpSetPackages, kombotest.SlowBody(time.Hour))
			_, err := client.DeletePackages(t.Context(), kombotest.DefaultIntegration)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	})
}

// The second list replaces the first by itself, so it may be sent again after
// any failure.
func TestSetPackagesIsRepeated(t *testing.T) {
	for name, failure := range map[string]step{
		"reset": breaks(errReset), "500": answers(500, ""), "502": answers(502, ""), "429": answers(429, ""),
	} {
		synctest.Test(t, func(t *testing.T) {
			server := play(failure, failure, answers(200, written))
			receipt, err := newClient(t, server).SetPackages(t.Context(), integration,
				[]assessment.Package{{ID: "1", Name: "n", Type: assessment.SkillsTest}})
			require.NoError(t, err, name)
			require.Equal(t, 3, receipt.Attempts, name)
			require.Equal(t, server.seen[0].Body, server.seen[2].Body, name)
		})
	}
}
