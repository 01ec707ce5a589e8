package stackonetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

const (
	assessmentPackages = "/unified/ats/assessments/packages"
	backgroundPackages = "/unified/ats/background_checks/packages"
)

func examplePackage() stackonetest.Package {
	return stackonetest.Package{
		ID: example, RemoteID: example, Name: "Test 1", Description: "Skills test to gauge a candidate's proficiency in job-specific skills",
	}
}

func TestPackageReadsMatchTheExamples(t *testing.T) {
	s := stackonetest.Start(t)
	p := examplePackage()
	p.Tests = []stackonetest.Test{{ID: p.ID, RemoteID: p.RemoteID, Name: p.Name, Description: p.Description}}
	require.NoError(t, s.SetPackages(account, stackonetest.BackgroundCheck, []stackonetest.Package{p}))
	for name, op := range map[string]string{
		"assessment_packages_list.response.json":       "GET " + assessmentPackages,
		"assessment_package_get.response.json":         "GET " + assessmentPackages + "/" + example,
		"background_check_packages_list.response.json": "GET " + backgroundPackages,
		"background_check_package_get.response.json":   "GET " + backgroundPackages + "/" + example,
	} {
		require.JSONEq(t, string(fixture(t, name)), string(newAPI(t, s).call(200, op, nil)), name)
	}
	newAPI(t, s).call(404, "GET "+assessmentPackages+"/nobody", nil)
	require.Error(t, s.SetPackages("nobody", stackonetest.Assessment, nil))

	other := examplePackage()
	other.ID = "2"
	require.NoError(t, s.SetPackages(account, stackonetest.Assessment, []stackonetest.Package{examplePackage(), other}))
	got := newAPI(t, s).object(200, "GET "+assessmentPackages+"?raw=true&page_size=1", nil)
	want := tree[object](t, fixture(t, "assessment_packages_list_raw_true.response.json"))
	require.NotEmpty(t, got["next"])
	want["next"], want["next_page"] = got["next"], got["next"] // a cursor is opaque
	require.Empty(t, cmp.Diff(want, got))
}

func TestPackageWrites(t *testing.T) {
	s := stackonetest.Start(t, at("2021-01-01T01:01:01Z"))
	a := newAPI(t, s)
	created := a.object(201, "POST "+backgroundPackages, fixture(t, "background_check_package_create.request.json"))
	p := s.Packages(account, stackonetest.BackgroundCheck)[0]
	want := tree[object](t, fixture(t, "create_result.response.json"))
	want["data"] = object{"id": p.ID, "remote_id": p.RemoteID}
	require.Equal(t, want, created)
	require.Equal(t, "Test 1", p.Name)
	require.NotEmpty(t, p.Tests[0].ID)
	require.JSONEq(t, `{"other_known_names":"John Doe"}`, string(p.Passthrough))

	op := backgroundPackages + "/" + url.PathEscape(p.ID)
	require.JSONEq(t, string(fixture(t, "update_result.response.json")),
		string(a.call(200, "PATCH "+op, fixture(t, "background_check_package_update.request.json"))))
	require.Equal(t, example, s.Packages(account, stackonetest.BackgroundCheck)[0].Tests[0].ID)
	a.call(200, "PATCH "+op, []byte(`{"name":"New","description":null}`))
	changed := s.Packages(account, stackonetest.BackgroundCheck)[0]
	require.Equal(t, []string{"New", "", example}, []string{changed.Name, changed.Description, changed.Tests[0].ID})

	require.JSONEq(t, string(fixture(t, "delete_result.response.json")), string(a.call(200, "DELETE "+op, nil)))
	a.call(404, "DELETE "+op, nil)
	a.call(404, "PATCH "+op, []byte(`{}`))
	for _, body := range []string{`{"name":1}`, `{"tests":{}}`, `{"tests":[{"name":1}]}`, `{"passthrough":[]}`} {
		a.call(400, "POST "+backgroundPackages, []byte(body))
	}
	require.Empty(t, s.Packages(account, stackonetest.BackgroundCheck))
}

func TestPages(t *testing.T) {
	for end, want := range map[stackonetest.ListEnd]object{
		stackonetest.EndNull: {"next": nil, "next_page": nil}, stackonetest.EndAbsent: {}, stackonetest.EndBlank: {"next": ""},
	} {
		s := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.EmptyPages, q.ListEnd = 2, end }))
		var packages []stackonetest.Package
		for _, id := range []string{"1", "2", "3"} {
			packages = append(packages, stackonetest.Package{ID: id})
		}
		require.NoError(t, s.SetPackages(account, stackonetest.Assessment, packages))
		a := newAPI(t, s)
		var sizes []int
		next := ""
		for {
			page := a.object(200, "GET "+assessmentPackages+"?page_size=2&next="+url.QueryEscape(next), nil)
			sizes = append(sizes, len(page["data"].([]any)))
			next, _ = page["next"].(string)
			if next == "" {
				delete(page, "data")
				require.Equal(t, want, page)
				break
			}
			require.NotEqual(t, next, url.QueryEscape(next))
		}
		require.Equal(t, []int{0, 0, 2, 1}, sizes)
		a.call(400, "GET "+assessmentPackages+"?next=nonsense", nil)
		a.call(400, "GET "+assessmentPackages+"?page_size=none", nil)
		a.call(400, "GET "+assessmentPackages+"?raw=perhaps", nil)
		a.call(400, "GET "+assessmentPackages+"?filter%5Bupdated_after%5D=yesterday", nil)
	}
}

func TestPackagesRequestsMatchTheExamples(t *testing.T) {
	for name, spec := range map[string]stackonetest.AccountSpec{
		"packages_endpoint.request.greenhouse.json":             {ID: "456551489512493411", Provider: stackonetest.Greenhouse},
		"packages_endpoint.request.bullhorn.json":               {ID: "456551489512493413", Provider: stackonetest.Bullhorn},
		"packages_endpoint.request.with_job_id.teamtailor.json": {ID: "456551489512493412", Provider: stackonetest.Teamtailor},
	} {
		s := stackonetest.Start(t, func(c *stackonetest.Config) { c.Accounts = []stackonetest.AccountSpec{spec} })
		s.PackagesTarget(always(200, string(fixture(t, "packages_endpoint.response.assessments.json"))))
		answer := s.RequestPackages(t.Context(), stackonetest.PackagesRequest{Account: spec.ID})
		require.Empty(t, answer.Violations)
		require.Equal(t, stackonetest.ViewList, answer.View)
		require.Equal(t, "PACKAGE_5421", answer.Packages[0].ID)
		e := s.Calls(stackonetest.OpProviderPackages)[0]
		require.JSONEq(t, string(fixture(t, name)), string(e.RequestBody), name)
		require.Equal(t, http.MethodPost, e.Method)
		require.Equal(t, "[redacted]", e.RequestHeader.Get("Authorization"))
		require.Equal(t, stackonetest.Sign(stackonetest.DefaultWebhookSecret, e.RequestBody), e.RequestHeader.Get(stackonetest.SignatureHeader))
	}
}

func TestCredentialsOfPackagesRequests(t *testing.T) {
	for name, c := range map[string]struct {
		bare  bool
		fault stackonetest.DeliveryFault
		want  string
	}{
		"colon": {false, stackonetest.DeliveryFault{}, basic("key:")}, "bare": {true, stackonetest.DeliveryFault{}, basic("key")},
		"wrong": {false, stackonetest.WrongKey(), basic("key-wrong:")}, "missing": {false, stackonetest.MissingKey(), ""},
	} {
		s := stackonetest.Start(t, func(cfg *stackonetest.Config) {
			cfg.PackagesKey, cfg.PackagesKeyBare, cfg.PackagesSecret = "key", c.bare, "own secret"
		})
		var got, signature, contentType string
		s.PackagesTarget(provider(func(r *http.Request, body []byte) (int, string) {
			got, contentType = r.Header.Get("Authorization"), r.Header.Get("Content-Type")
			signature = r.Header.Get(stackonetest.SignatureHeader)
			require.Equal(t, stackonetest.Sign("own secret", body), signature)
			return 200, `{"data":[]}`
		}))
		require.Equal(t, stackonetest.ViewUnavailable, s.RequestPackages(t.Context(), stackonetest.PackagesRequest{}, c.fault).View)
		require.Equal(t, c.want, got, name)
		require.Equal(t, "application/json", contentType)
		s.RequestPackages(t.Context(), stackonetest.PackagesRequest{Method: http.MethodGet}, c.fault)
		require.Empty(t, contentType)
	}
}

func TestAnswersOfThePackagesEndpoint(t *testing.T) {
	background := stackonetest.BackgroundCheck
	for name, c := range map[string]struct {
		kind       stackonetest.Kind
		status     int
		body       string
		violations []string
		view       stackonetest.View
	}{
		"documented background checks": {background, 200, string(fixture(t, "packages_endpoint.response.background_checks.json")), nil, stackonetest.ViewList},
		"no packages":                  {"", 200, `{"data":[]}`, nil, stackonetest.ViewUnavailable},
		"end of list":                  {"", 200, `{"data":[{"id":"1","name":"A"}],"next":null,"next_page":""}`, nil, stackonetest.ViewList},
		"no tests needed":              {"", 200, `{"data":[{"id":"1","name":"A","description":null}]}`, nil, stackonetest.ViewList},
		"status":                       {"", 201, `{"data":[{"id":"1","name":"A"}]}`, []string{"status is 201, not 200"}, stackonetest.ViewError},
		"refusal":                      {"", 401, `no`, []string{"status is 401, not 200", "body is not JSON"}, stackonetest.ViewError},
		"empty body":                   {"", 200, ``, []string{"body is not JSON"}, stackonetest.ViewError},
		"bare array":                   {"", 200, `[{"id":"1","name":"A"}]`, []string{"body is not an object"}, stackonetest.ViewError},
		"no data":                      {"", 200, `{}`, []string{"data is not an array"}, stackonetest.ViewError},
		"data null":                    {"", 200, `{"data":null}`, []string{"data is not an array"}, stackonetest.ViewError},
		"package a string":             {"", 200, `{"data":["1"]}`, []string{"data[0] is not an object"}, stackonetest.ViewError},
		"no id":                        {"", 200, `{"data":[{"name":"A"}]}`, []string{"data[0].id is missing"}, stackonetest.ViewError},
		"id a number":                  {"", 200, `{"data":[{"id":1,"name":"A"}]}`, []string{"data[0].id is not a string"}, stackonetest.ViewError},
		"id empty":                     {"", 200, `{"data":[{"id":"","name":"A"}]}`, []string{"data[0].id is empty"}, stackonetest.ViewError},
		"no name":                      {"", 200, `{"data":[{"id":"1","name":"A"},{"id":"2"}]}`, []string{"data[1].name is missing"}, stackonetest.ViewError},
		"name blank":                   {"", 200, `{"data":[{"id":"1","name":" "}]}`, []string{"data[0].name is empty"}, stackonetest.ViewError},
		"description a number":         {"", 200, `{"data":[{"id":"1","name":"A","description":1}]}`, []string{"data[0].description is not a string"}, stackonetest.ViewError},
		"second page":                  {"", 200, `{"data":[{"id":"1","name":"A"}],"next":"x"}`, []string{"next announces a second page, which nobody will ask for"}, stackonetest.ViewList},
		"ids equal":                    {"", 200, `{"data":[{"id":"1","name":"A"},{"id":"1","name":"A"}]}`, []string{"data[1].id repeats the id of another one"}, stackonetest.ViewList},
		"no tests":                     {background, 200, `{"data":[{"id":"1","name":"A"}]}`, []string{"data[0].tests is missing: background checks list their tests"}, stackonetest.ViewList},
		"tests an object":              {background, 200, `{"data":[{"id":"1","name":"A","tests":{}}]}`, []string{"data[0].tests is not an array"}, stackonetest.ViewError},
		"test a string":                {background, 200, `{"data":[{"id":"1","name":"A","tests":["T"]}]}`, []string{"data[0].tests[0] is not an object"}, stackonetest.ViewError},
		"test without name":            {background, 200, `{"data":[{"id":"1","name":"A","tests":[{"id":"T"}]}]}`, []string{"data[0].tests[0].name is missing"}, stackonetest.ViewError},
	} {
		t.Run(name, func(t *testing.T) {
			s := stackonetest.Start(t)
			s.PackagesTarget(always(c.status, c.body))
			answer := s.RequestPackages(t.Context(), stackonetest.PackagesRequest{Kind: c.kind})
			var got []string
			for _, v := range answer.Violations {
				got = append(got, v.String())
			}
			require.Equal(t, c.violations, got)
			require.Equal(t, c.view, answer.View)
		})
	}
}

func TestContentTypeOfThePackagesEndpoint(t *testing.T) {
	s := stackonetest.Start(t)
	s.PackagesTarget(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(`{"data":[{"id":"1","name":"A"}]}`))
	}))
	answer := s.RequestPackages(t.Context(), stackonetest.PackagesRequest{})
	require.Equal(t, []stackonetest.Violation{{Path: "Content-Type", Text: `is "text/plain", not application/json`}}, answer.Violations)
	require.Equal(t, stackonetest.ViewError, answer.View)
}

func TestPackagesEndpointAtAURL(t *testing.T) {
	server := httptest.NewServer(always(200, string(fixture(t, "packages_endpoint.response.assessments.json"))))
	defer server.Close()
	s := stackonetest.Start(t)
	s.PackagesTargetURL(server.URL + "/packages")
	answer := s.RequestPackages(t.Context(), stackonetest.PackagesRequest{}, stackonetest.BadSignature())
	require.Equal(t, stackonetest.ViewList, answer.View)
	require.Equal(t, []string{stackonetest.BadSignature().String()}, answer.Faults)
	s.PackagesTargetURL("")
	require.Error(t, s.RequestPackages(t.Context(), stackonetest.PackagesRequest{}).Err)
	require.Error(t, s.RequestPackages(t.Context(), stackonetest.PackagesRequest{}, stackonetest.Lost()).Err)
}

func TestPackagesEndpointWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stackonetest.Start(t)
		answer := s.RequestPackages(t.Context(), stackonetest.PackagesRequest{})
		require.Error(t, answer.Err)
		s.PackagesTarget(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http notices that a peer is gone only once the body is read
			<-r.Context().Done()
		}))
		started := time.Now()
		answer = s.RequestPackages(t.Context(), stackonetest.PackagesRequest{JobID: "1", Provider: stackonetest.Teamtailor})
		require.Error(t, answer.Err)
		require.Equal(t, stackonetest.ViewError, answer.View)
		require.Equal(t, stackonetest.DefaultPackagesTimeout, time.Since(started))
		require.NoError(t, s.Settle(t.Context()))
		require.JSONEq(t, `{"account_id":"45355976281015164504","provider":"teamtailor","job_id":"1"}`, string(s.Exchanges()[0].RequestBody))
	})
}
