package stackone_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

// packagesHost answers with the packages of StackOne's example.
type packagesHost struct {
	handler    *stackone.PackagesHandler
	verifier   *webhook.Verifier
	queries    []assessment.PackageQuery
	packages   []assessment.Package
	err        error
	deliveries []assessment.Delivery
	log        lockedBuffer
}

func newPackagesHost(t testing.TB, options ...func(*stackone.PackagesConfig)) *packagesHost {
	t.Helper()
	h := &packagesHost{packages: []assessment.Package{{
		ID: "PACKAGE_5421", Name: "Test 1", Description: "Skills test to gauge a candidate's proficiency in job-specific skills",
		Type:  assessment.SkillsTest,
		Tests: []assessment.Test{{ID: "T1", Name: "Test 1", Description: "Skills test to gauge a candidate's proficiency in job-specific skills"}},
	}}}
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: &provider{packages: func(_ context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
			h.queries = append(h.queries, q)
			return h.packages, h.err
		}},
		Store: assessment.NewMemoryStore(0),
	})
	require.NoError(t, err)
	h.verifier, err = stackone.NewVerifier(webhook.Secret{ID: "now", Key: stackonetest.DefaultWebhookSecret})
	require.NoError(t, err)
	config := stackone.PackagesConfig{
		Intake: intake, Verifier: h.verifier, Logger: slog.New(slog.NewTextHandler(&h.log, nil)),
		Observer: assessment.Observer{Delivery: func(_ context.Context, d assessment.Delivery) { h.deliveries = append(h.deliveries, d) }},
	}
	for _, set := range options {
		set(&config)
	}
	h.handler, err = stackone.NewPackagesHandler(config)
	require.NoError(t, err)
	return h
}

func (h *packagesHost) ask(method string, body []byte, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/packages", bytes.NewReader(body))
	r.Header.Set(stackone.SignatureHeader, h.verifier.Sign(body))
	for _, change := range changes {
		change(r)
	}
	return serve(h.handler, r)
}

func TestPackagesExamples(t *testing.T) {
	for name, want := range map[string]assessment.PackageQuery{
		"packages_endpoint.request.greenhouse.json":             {Account: "456551489512493411", ATS: "greenhouse"},
		"packages_endpoint.request.bullhorn.json":               {Account: "456551489512493413", ATS: "bullhorn_ats"},
		"packages_endpoint.request.with_job_id.teamtailor.json": {Account: "456551489512493412", ATS: "teamtailor", JobID: "49201091"},
	} {
		for kind, answer := range map[assessment.Kind][]byte{
			assessment.KindAssessment:      example(t, "packages_endpoint.response.assessments.json"),
			assessment.KindBackgroundCheck: example(t, "packages_endpoint.response.background_checks.json"),
		} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				h := newPackagesHost(t, func(c *stackone.PackagesConfig) { c.Kind, c.Connection = kind, "eu" })
				w := h.ask(http.MethodPost, example(t, name))
				require.Equal(t, 200, w.Code)
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))
				requireSameJSON(t, answer, w.Body.Bytes())
				want.Vendor, want.Connection, want.Kind = assessment.StackOne, "eu", kind
				requireEqual(t, []assessment.PackageQuery{want}, h.queries)
				require.Len(t, h.deliveries, 1)
				d := h.deliveries[0]
				d.Duration = 0
				requireEqual(t, assessment.Delivery{
					Vendor: assessment.StackOne, Connection: "eu", Account: want.Account, Path: "/packages", Event: "packages",
					Outcome: assessment.DeliveryHandled, StatusCode: 200, SecretID: "now",
				}, d)
			})
		}
	}
}

func TestPackagesSimulated(t *testing.T) {
	server := stackonetest.Start(t)
	check := newPackagesHost(t, func(c *stackone.PackagesConfig) {
		c.Kind, c.BasicKeys = assessment.KindBackgroundCheck, []string{"rotated", stackonetest.DefaultAPIKey}
	})
	server.PackagesTarget(check.handler)
	ask := func(r stackonetest.PackagesRequest, faults ...stackonetest.DeliveryFault) stackonetest.PackagesAnswer {
		r.Kind = stackonetest.BackgroundCheck
		return server.RequestPackages(t.Context(), r, faults...)
	}
	for _, r := range []stackonetest.PackagesRequest{{}, {JobID: "7"}, {Method: http.MethodGet}} {
		answer := ask(r)
		require.Empty(t, answer.Violations)
		require.Equal(t, stackonetest.ViewList, answer.View)
		require.Len(t, answer.Packages[0].Tests, 1)
	}
	require.Equal(t, "7", check.queries[1].JobID)
	require.Empty(t, check.queries[2].Account)
	for name, fault := range map[string]stackonetest.DeliveryFault{
		"signature": stackonetest.BadSignature(), "no signature": stackonetest.MissingSignature(),
		"key": stackonetest.WrongKey(), "no key": stackonetest.MissingKey(),
	} {
		require.Equal(t, 401, ask(stackonetest.PackagesRequest{}, fault).Status, name)
	}
	require.Len(t, check.queries, 3, "who is not accepted is not answered")

	check.packages = nil
	answer := ask(stackonetest.PackagesRequest{})
	require.JSONEq(t, `{"data":[]}`, string(answer.Body))
	require.Equal(t, stackonetest.ViewUnavailable, answer.View)

	for i := range 500 { // all in one answer
		check.packages = append(check.packages, assessment.Package{ID: fmt.Sprint("p", i), Name: "N"})
	}
	answer = ask(stackonetest.PackagesRequest{})
	require.Len(t, answer.Packages, 500)
	require.Empty(t, answer.Violations)
}

func TestPackagesBody(t *testing.T) {
	for name, tc := range map[string]struct {
		body   string
		status int
		want   assessment.PackageQuery
	}{
		"numbers":     {`{"account_id":45355976281015164504,"job_id":9223372036854775807123}`, 200, assessment.PackageQuery{Account: account, JobID: "9223372036854775807123"}},
		"nulls":       {`{"account_id":null,"provider":null,"job_id":null,"later":{}}`, 200, assessment.PackageQuery{}},
		"odd":         {`{"account_id":"a","provider":{}}`, 200, assessment.PackageQuery{Account: "a"}},
		"empty":       {``, 200, assessment.PackageQuery{}},
		"blank":       {"\n ", 200, assessment.PackageQuery{}},
		"array":       {`[]`, 400, assessment.PackageQuery{}},
		"null":        {`null`, 400, assessment.PackageQuery{}},
		"cut":         {`{"account_id":`, 400, assessment.PackageQuery{}},
		"two objects": {`{}{}`, 400, assessment.PackageQuery{}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newPackagesHost(t)
			w := h.ask(http.MethodPost, []byte(tc.body))
			require.Equal(t, tc.status, w.Code)
			if tc.status != 200 {
				require.Empty(t, h.queries)
				return
			}
			tc.want.Vendor, tc.want.Kind = assessment.StackOne, assessment.KindAssessment
			requireEqual(t, []assessment.PackageQuery{tc.want}, h.queries)
		})
	}
	t.Run("what is not signed does not count", func(t *testing.T) {
		h := newPackagesHost(t)
		h.ask(http.MethodGet, nil, func(r *http.Request) {
			r.URL.RawQuery = "account_id=other"
			r.Header.Set("x-account-id", "other")
		})
		require.Empty(t, h.queries[0].Account)
	})
}

func TestPackagesAnswer(t *testing.T) {
	h := newPackagesHost(t)
	h.packages = []assessment.Package{
		{ID: "a", Name: "A"}, {Name: "no id"}, {ID: "no name"}, {ID: "a", Name: "again"}, {ID: "b\u200b", Name: "unseen"},
		{ID: "b", Name: "B & <b>", RemoteID: "r"},
	}
	w := h.ask(http.MethodPost, []byte(`{}`))
	require.JSONEq(t, `{"data":[{"id":"a","name":"A"},{"id":"b","name":"B & <b>"}]}`, w.Body.String())
	for _, reason := range []string{"no id", "no name", "another package has the same id", "the id has characters that cannot be seen"} {
		require.Contains(t, h.log.String(), "reason="+strconv.Quote(reason))
	}

	check := newPackagesHost(t, func(c *stackone.PackagesConfig) { c.Kind = assessment.KindBackgroundCheck })
	check.packages = []assessment.Package{{ID: "a", Name: "A"}}
	require.JSONEq(t, `{"data":[{"id":"a","name":"A","tests":[]}]}`, check.ask(http.MethodPost, []byte(`{}`)).Body.String())
	given := []assessment.Test{{ID: "t1", Name: "T"}, {ID: "t2"}, {ID: "t3", Name: " \u200b"}, {Name: "no id"}}
	check.packages = []assessment.Package{{ID: "a", Name: "A", Tests: given}}
	require.JSONEq(t, `{"data":[{"id":"a","name":"A","tests":[{"id":"t1","name":"T"},{"name":"no id"}]}]}`,
		check.ask(http.MethodPost, []byte(`{}`)).Body.String())
	require.Equal(t, 2, strings.Count(check.log.String(), "test of a package not listed"))
	require.Len(t, given, 4, "the host's own list stays as it is")

	h.err = errors.New("database down")
	w = h.ask(http.MethodPost, []byte(`{}`))
	require.Equal(t, 500, w.Code)
	require.NotContains(t, w.Body.String(), "database")
	h.err = assessment.Reject("no")
	require.Equal(t, 500, h.ask(http.MethodPost, []byte(`{}`)).Code)
}

func basic(credentials string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
}

// Which key StackOne sends and whether there is a colon is not documented.
func TestPackagesCaller(t *testing.T) {
	good := basic("key")
	plain := func(*http.Request) {}
	unsigned := func(r *http.Request) { r.Header.Del(stackone.SignatureHeader) }
	only := func(keys ...string) func(*stackone.PackagesConfig) {
		return func(c *stackone.PackagesConfig) { c.Verifier, c.BasicKeys = nil, keys }
	}
	both := func(c *stackone.PackagesConfig) { c.BasicKeys = []string{"key"} }
	own := func(c *stackone.PackagesConfig) {
		c.Verifier = nil
		c.Authorize = func(_ context.Context, r *http.Request, body []byte) error {
			if r.URL.Query().Get("token") != "s" || len(body) != 2 {
				return errors.New("host says no")
			}
			return nil
		}
	}
	for name, tc := range map[string]struct {
		config func(*stackone.PackagesConfig)
		change func(*http.Request)
		ok     bool
	}{
		"signature":              {func(*stackone.PackagesConfig) {}, plain, true},
		"signature missing":      {func(*stackone.PackagesConfig) {}, unsigned, false},
		"signature, Basic alone": {func(*stackone.PackagesConfig) {}, func(r *http.Request) { unsigned(r); good(r) }, false},
		"Basic":                  {only("key"), good, true},
		"Basic, colon":           {only("key"), basic("key:"), true},
		"Basic, colon in config": {only("key:"), basic("key"), true},
		"Basic, second key":      {only("old", "key"), good, true},
		"Basic, password":        {only("user:pass"), basic("user:pass"), true},
		"Basic, other password":  {only("user:pass"), basic("user:other"), false},
		"Basic, user alone":      {only("key"), basic("key:x"), false},
		"Basic, part":            {only("key"), basic("ke"), false},
		"Basic, empty":           {only("key"), basic(""), false},
		"Basic, colon alone":     {only("key"), basic(":"), false},
		"Basic missing":          {only("key"), plain, false},
		"Basic, scheme in small": {only("key"), func(r *http.Request) { r.Header.Set("Authorization", "basic a2V5") }, true},
		"Basic, unpadded":        {only("ke"), func(r *http.Request) { r.Header.Set("Authorization", "Basic a2U") }, true},
		"Bearer":                 {only("key"), func(r *http.Request) { r.Header.Set("Authorization", "Bearer a2V5") }, false},
		"no base64":              {only("key"), func(r *http.Request) { r.Header.Set("Authorization", "Basic !") }, false},
		"twice":                  {only("key"), func(r *http.Request) { good(r); r.Header.Add("Authorization", "Basic a2V6") }, false},
		"a copy":                 {only("key"), func(r *http.Request) { good(r); r.Header.Add("Authorization", "Basic a2V5") }, true},
		"both":                   {both, good, true},
		"both, one missing":      {both, plain, false},
		"both, other missing":    {both, func(r *http.Request) { unsigned(r); good(r) }, false},
		"own":                    {own, func(r *http.Request) { r.URL.RawQuery = "token=s" }, true},
		"own says no":            {own, plain, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newPackagesHost(t, tc.config)
			w := h.ask(http.MethodPost, []byte(`{}`), tc.change)
			if tc.ok {
				require.Equal(t, 200, w.Code)
				return
			}
			require.Equal(t, 401, w.Code)
			require.NotContains(t, w.Body.String(), "host")
			require.Empty(t, h.queries)
			require.Equal(t, assessment.DeliveryRefused, h.deliveries[0].Outcome)
			require.Error(t, h.deliveries[0].Err)
		})
	}
}

func TestPackagesMethodsAndSize(t *testing.T) {
	h := newPackagesHost(t, func(c *stackone.PackagesConfig) { c.MaxBody = 10 })
	for _, method := range []string{"PUT", "DELETE", "HEAD", "PATCH"} {
		w := h.ask(method, nil)
		require.Equal(t, 405, w.Code, method)
		require.Equal(t, "POST, GET", w.Header().Get("Allow"))
	}
	require.Equal(t, 413, h.ask(http.MethodPost, []byte(`{"a":"123456"}`)).Code)
	require.Empty(t, h.queries)
}

func TestNewPackagesHandlerRefuses(t *testing.T) {
	good := newHost(t, &provider{})
	for name, config := range map[string]stackone.PackagesConfig{
		"no intake":        {Verifier: good.verifier},
		"no check":         {Intake: good.intake},
		"empty key":        {Intake: good.intake, BasicKeys: []string{"key", ""}},
		"colon for a key":  {Intake: good.intake, BasicKeys: []string{":"}},
		"line break":       {Intake: good.intake, BasicKeys: []string{"key\n"}},
		"DEL":              {Intake: good.intake, BasicKeys: []string{"ke\x7fy"}},
		"blank key":        {Intake: good.intake, BasicKeys: []string{" "}},
		"blank at the end": {Intake: good.intake, BasicKeys: []string{"key "}},
		"same key":         {Intake: good.intake, BasicKeys: []string{"key", "key:"}},
		"zero verifier":    {Intake: good.intake, Verifier: &webhook.Verifier{}},
		"unknown kind":     {Intake: good.intake, Verifier: good.verifier, Kind: "survey"},
		"negative maximum": {Intake: good.intake, Verifier: good.verifier, MaxBody: -1},
	} {
		handler, err := stackone.NewPackagesHandler(config)
		require.Error(t, err, name)
		require.Nil(t, handler, name)
	}
}

// A value of another type is reported, and the request answered without it.
func TestPackagesDrift(t *testing.T) {
	for body, want := range map[string]assessment.Drift{
		`{"account_id":[1],"provider":"greenhouse"}`: {Field: "account_id"},
		`{"account_id":true}`:                        {Field: "account_id"},
		`{"account_id":"a","job_id":{}}`:             {Account: "a", Field: "job_id"},
	} {
		var found []assessment.Drift
		h := newPackagesHost(t, func(c *stackone.PackagesConfig) {
			c.Connection = "eu"
			c.Observer.Drift = func(_ context.Context, d assessment.Drift) { found = append(found, d) }
		})
		require.Equal(t, 200, h.ask(http.MethodPost, []byte(body)).Code, body)
		want.Vendor, want.Connection, want.Event = assessment.StackOne, "eu", "packages"
		requireEqual(t, []assessment.Drift{want}, found)
		require.Equal(t, want.Account, h.queries[0].Account)
	}
}
