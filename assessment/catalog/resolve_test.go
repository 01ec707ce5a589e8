package catalog_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/catalog"
)

func openMapped(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(os.DirFS("testdata"), "mapped.yaml")
	require.NoError(t, err)
	return c
}

func TestResolve(t *testing.T) {
	c := openMapped(t)
	for name, tc := range map[string]struct {
		ref  assessment.OrderRef
		pkg  assessment.Package
		job  assessment.Job
		want string // empty: unknown
	}{
		"own id":                         {pkg: assessment.Package{ID: "personality"}, want: "personality"},
		"own id as the remote one":       {pkg: assessment.Package{ID: "x", RemoteID: "personality"}, want: "personality"},
		"alias for all":                  {ref: ref("other"), pkg: assessment.Package{ID: "RECRUITING_ASSESSMENT_TEST-6-111"}, want: "typescript_test"},
		"alias of the customer":          {ref: ref("acme"), pkg: assessment.Package{ID: "RECRUITING_ASSESSMENT_TEST-6-111"}, want: "personality"},
		"alias as the remote id":         {ref: ref("acme"), pkg: assessment.Package{RemoteID: "RECRUITING_ASSESSMENT_TEST-6-111"}, want: "personality"},
		"alias of another vendor":        {ref: assessment.OrderRef{Vendor: assessment.Kombo, Account: "acme"}, pkg: assessment.Package{ID: "RECRUITING_ASSESSMENT_TEST-6-111"}, want: "typescript_test"},
		"job":                            {ref: ref("acme"), pkg: assessment.Package{ID: "STATIC"}, job: assessment.Job{RemoteID: "J-1"}, want: "typescript_test"},
		"job by its code":                {ref: ref("acme"), job: assessment.Job{ID: "9", Code: "J-1"}, want: "typescript_test"},
		"the recruiter's choice, not it": {ref: ref("acme"), pkg: assessment.Package{ID: "RECRUITING_ASSESSMENT_TEST-6-111"}, job: assessment.Job{ID: "J-1"}, want: "personality"},
		"job of another customer":        {ref: ref("other"), pkg: assessment.Package{ID: "STATIC"}, job: assessment.Job{ID: "J-1"}},
		"unknown package":                {ref: ref("acme"), pkg: assessment.Package{ID: "STATIC"}, job: assessment.Job{ID: "J-2"}},
		"nothing":                        {},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.ResolvePackage(t.Context(), assessment.Order{Ref: tc.ref, Package: tc.pkg, Job: tc.job})
			if tc.want == "" {
				require.ErrorIs(t, err, catalog.ErrUnknownPackage)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got.ID)
			require.NotEmpty(t, got.Name)
		})
	}
}

func ref(account string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.StackOne, Account: account, ID: "o1"}
}

func TestMappingProblems(t *testing.T) {
	const packages = "packages: [{id: a, name: b, type: behavioral}]\n"
	for name, tc := range map[string]struct{ text, want string }{
		"alias without an id":    {"aliases:\n- package: a", "line 3: alias 1: missing id"},
		"alias of nothing":       {"aliases:\n- id: x", "line 3: alias \"x\": missing package"},
		"unknown target":         {"aliases:\n- id: x\n  package: c", "line 4: alias \"x\": no package of the catalogue has this id"},
		"unknown vendor":         {"aliases:\n- id: x\n  package: a\n  vendor: komb", "line 5: alias \"x\": unknown vendor \"komb\", did you mean \"kombo\"?; the vendors are kombo, stackone, ashby"},
		"repeated alias":         {"aliases:\n- {id: x, package: a}\n- {id: x, package: a}", "line 4: alias \"x\": the alias stands already on line 3"},
		"empty account":          {"aliases:\n- id: x\n  package: a\n  account: ''", "line 5: alias \"x\": missing account"},
		"invisible alias":        {"aliases:\n- id: \"x\\u200b\"\n  package: a", "line 3: alias \"x\\u200b\": id holds the invisible character U+200B"},
		"job without an account": {"jobs:\n- job: x\n  package: a", "line 3: job 1: missing account"},
		"job without a job":      {"jobs:\n- account: x\n  package: a", "line 3: job 1: missing job"},
		"repeated job":           {"jobs:\n- {job: x, account: y, package: a}\n- {job: x, account: y, package: a}", "line 4: job 2: the job stands already on line 3"},
		"jobs no list":           {"jobs: x", "line 2: jobs must be a list; it is the text \"x\""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := catalog.New([]byte(packages + tc.text))
			require.EqualError(t, err, tc.want)
		})
	}
}

// The same alias for two customers, two vendors and all is no repetition.
func TestAliasesOfSeveralCustomers(t *testing.T) {
	_, err := catalog.New([]byte(`packages: [{id: a, name: b, type: behavioral}]
aliases:
- {id: x, package: a}
- {id: x, package: a, account: acme}
- {id: x, package: a, account: globex}
- {id: x, package: a, account: acme, vendor: kombo}
jobs:
- {job: x, package: a, account: acme}
- {job: x, package: a, account: globex}
`))
	require.NoError(t, err)
}

// inner is a provider that remembers the orders that it was given.
type inner struct{ orders []assessment.Order }

func (*inner) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "listed"}}, nil
}

func (p *inner) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	p.orders = append(p.orders, o)
	return assessment.Started{CandidateURL: "https://tests.example.com/1"}, nil
}

func (*inner) CancelOrder(context.Context, assessment.OrderRef) error { return errCancel }

var errCancel = errors.New("cancel")

// failing is a resolver whose database has an answer of its own.
type failing struct{ err error }

func (f failing) ResolvePackage(context.Context, assessment.Order) (assessment.Package, error) {
	return assessment.Package{}, f.err
}

func TestWrap(t *testing.T) {
	p := &inner{}
	wrapped := catalog.Wrap(p, openMapped(t))
	started, err := wrapped.StartOrder(t.Context(), assessment.Order{
		Ref: ref("acme"), Package: assessment.Package{ID: "RECRUITING_ASSESSMENT_TEST-6-111"},
	})
	require.NoError(t, err)
	require.Equal(t, "https://tests.example.com/1", started.CandidateURL)
	require.Len(t, p.orders, 1)
	require.Equal(t, "personality", p.orders[0].Package.ID)
	require.Equal(t, "RECRUITING_ASSESSMENT_TEST-6-111", p.orders[0].Package.RemoteID)
	require.Equal(t, "Personality", p.orders[0].Package.Name)

	listed, err := wrapped.Packages(t.Context(), assessment.PackageQuery{})
	require.NoError(t, err)
	require.Equal(t, []assessment.Package{{ID: "listed"}}, listed)
	require.ErrorIs(t, wrapped.CancelOrder(t.Context(), ref("acme")), errCancel)
}

// The recruiter reads that a package is unknown, and nothing of a database's
// trouble.
func TestWrapRejectsAndFails(t *testing.T) {
	down := errors.New("connection refused")
	for name, tc := range map[string]struct {
		err      error
		rejected string
		fault    error
	}{
		"unknown":         {catalog.ErrUnknownPackage, "We do not know this package. Please ask us to set it up.", nil},
		"in other words":  {assessment.Reject("Map it on our page first."), "Map it on our page first.", nil},
		"database down":   {down, "", down},
		"wrapped unknown": {errors.Join(errors.New("acme"), catalog.ErrUnknownPackage), "We do not know this package. Please ask us to set it up.", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := &inner{}
			_, err := catalog.Wrap(p, failing{tc.err}).StartOrder(t.Context(), assessment.Order{})
			require.Empty(t, p.orders)
			var no *assessment.Rejection
			if tc.rejected == "" {
				require.False(t, errors.As(err, &no))
				require.ErrorIs(t, err, tc.fault)
				return
			}
			require.ErrorAs(t, err, &no)
			require.Equal(t, tc.rejected, no.Message)
		})
	}
}
