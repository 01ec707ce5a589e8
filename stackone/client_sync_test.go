package stackone_test

import (
	"fmt"
	"path"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func wantedPackages() []assessment.Package {
	return []assessment.Package{
		{Name: "Standard", Description: "Identity", Tests: []assessment.Test{{Name: "ID", Description: "Passport"}}},
		{Name: "Executive", Description: "Everything", Tests: []assessment.Test{{Name: "ID"}, {Name: "Credit"}}},
		{Name: "standard"}, // names are exact
	}
}

func ignoreIDs() cmp.Option { return cmpopts.IgnoreFields(stackone.SyncedPackage{}, "ID") }

func named(names ...string) []stackone.SyncedPackage {
	var all []stackone.SyncedPackage
	for _, n := range names {
		all = append(all, stackone.SyncedPackage{Name: n})
	}
	return all
}

func TestSync(t *testing.T) {
	server, client, _ := simulated(t, stackonetest.Workday)
	require.NoError(t, server.SetPackages(account, stackonetest.BackgroundCheck, []stackonetest.Package{
		{ID: "old", Name: "Old"},
		{ID: "std", Name: "Standard", Description: "Identity", Tests: []stackonetest.Test{{ID: "t1", Name: "ID", Description: "Passport"}}},
		{ID: "exe", Name: "Executive", Description: "Much", Tests: []stackonetest.Test{{ID: "t2", Name: "Credit"}, {ID: "t3", Name: "Gone"}}},
	}))
	sync := func(o stackone.SyncOptions) stackone.SyncReport {
		t.Helper()
		report, err := client.SyncBackgroundCheckPackages(t.Context(), account, wantedPackages(), o)
		require.NoError(t, err)
		return report
	}
	want := stackone.SyncReport{
		Created: named("standard"), Updated: named("Executive"), Unchanged: named("Standard"), Left: named("Old"),
	}
	require.Empty(t, cmp.Diff(want, sync(stackone.SyncOptions{DryRun: true}), ignoreIDs()))
	require.Empty(t, server.Calls(stackonetest.OpCreateBackgroundPackage), "a dry run writes nothing")
	report := sync(stackone.SyncOptions{})
	require.Empty(t, cmp.Diff(want, report, ignoreIDs()))
	require.Equal(t, "std", report.Unchanged[0].ID)
	require.NotEmpty(t, report.Created[0].ID)
	require.Len(t, server.Calls(stackonetest.OpUpdateBackgroundPackage), 1, "only what differs is written")
	requireSameJSON(t, []byte(`{"description":"Everything","tests":[{"name":"ID"},{"id":"t2","name":"Credit","description":""}]}`),
		server.Calls(stackonetest.OpUpdateBackgroundPackage)[0].RequestBody)

	report = sync(stackone.SyncOptions{Prune: true})
	require.Empty(t, cmp.Diff(stackone.SyncReport{
		Unchanged: named("Standard", "Executive", "standard"), Deleted: []stackone.SyncedPackage{{Name: "Old", ID: "old"}},
	}, report, ignoreIDs()))
	require.Len(t, server.Packages(account, stackonetest.BackgroundCheck), 3)
	require.Len(t, server.Calls(stackonetest.OpUpdateBackgroundPackage), 1)
}

func TestSyncClearsADescription(t *testing.T) {
	server, client, _ := simulated(t, stackonetest.Workday)
	require.NoError(t, server.SetPackages(account, stackonetest.BackgroundCheck, []stackonetest.Package{{ID: "p", Name: "P", Description: "Old words"}}))
	for range 2 {
		_, err := client.SyncBackgroundCheckPackages(t.Context(), account, []assessment.Package{{Name: "P"}}, stackone.SyncOptions{})
		require.NoError(t, err)
	}
	require.Len(t, server.Calls(stackonetest.OpUpdateBackgroundPackage), 1)
	require.Empty(t, server.Packages(account, stackonetest.BackgroundCheck)[0].Description)
}

// Of several packages with one name the one that fits is kept.
func TestSyncDuplicates(t *testing.T) {
	server, client, _ := simulated(t, stackonetest.Workday)
	require.NoError(t, server.SetPackages(account, stackonetest.BackgroundCheck, []stackonetest.Package{
		{ID: "1", Name: "P", Description: "no"}, {ID: "2", Name: "P", Description: "yes"}, {ID: "3", Name: "P", Description: "yes"},
	}))
	wanted := []assessment.Package{{Name: "P", Description: "yes"}}
	report, err := client.SyncBackgroundCheckPackages(t.Context(), account, wanted, stackone.SyncOptions{})
	require.NoError(t, err)
	requireEqual(t, stackone.SyncReport{
		Unchanged: []stackone.SyncedPackage{{Name: "P", ID: "2"}}, Left: []stackone.SyncedPackage{{Name: "P", ID: "1"}, {Name: "P", ID: "3"}},
	}, report)
	report, err = client.SyncBackgroundCheckPackages(t.Context(), account, wanted, stackone.SyncOptions{Prune: true})
	require.NoError(t, err)
	require.Len(t, report.Deleted, 2)
	require.Len(t, server.Packages(account, stackonetest.BackgroundCheck), 1)
}

// Whichever call fails and however, the next run ends in the wanted state, and
// nothing is there twice.
func TestSyncAfterAFailureHalfWay(t *testing.T) {
	wanted := func() []assessment.Package {
		var all []assessment.Package
		for i := range 4 {
			all = append(all, assessment.Package{Name: fmt.Sprint("P", i), Description: "now", Tests: []assessment.Test{{Name: "T"}}})
		}
		return all
	}
	for op, n := range map[string]int{
		stackonetest.OpListBackgroundPackages: 1, stackonetest.OpCreateBackgroundPackage: 2,
		stackonetest.OpUpdateBackgroundPackage: 2, stackonetest.OpDeleteBackgroundPackage: 2,
	} {
		for name, fault := range map[string]stackonetest.Fault{
			"refused": stackonetest.Status(422, ""), "408 applied": stackonetest.AppliedThen(stackonetest.TimedOut()),
			"502": stackonetest.BadGateway(), "reset applied": stackonetest.AppliedThenReset(), "half an answer": stackonetest.TruncatedJSON(),
		} {
			for at := 1; at <= n; at++ {
				t.Run(fmt.Sprint(op, " ", at, " ", name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						server, client, _ := simulated(t, stackonetest.Workday)
						require.NoError(t, server.SetPackages(account, stackonetest.BackgroundCheck, []stackonetest.Package{
							{ID: "0", Name: "P0"}, {ID: "1", Name: "P1"}, {ID: "x", Name: "X"}, {ID: "y", Name: "Y"},
						}))
						server.Fail(op, append(make([]stackonetest.Fault, at-1), fault)...)
						_, err := client.SyncBackgroundCheckPackages(t.Context(), account, wanted(), stackone.SyncOptions{Prune: true})
						if err != nil {
							_, err = client.SyncBackgroundCheckPackages(t.Context(), account, wanted(), stackone.SyncOptions{Prune: true})
							require.NoError(t, err)
						}
						var names []string
						for _, p := range server.Packages(account, stackonetest.BackgroundCheck) {
							names = append(names, p.Name)
							require.Equal(t, "now", p.Description)
							require.Len(t, p.Tests, 1)
						}
						require.ElementsMatch(t, []string{"P0", "P1", "P2", "P3"}, names)
					})
				})
			}
		}
	}
}

// The report of a run that failed lists what was done.
func TestSyncReportsWithAnError(t *testing.T) {
	server, client, _ := simulated(t, stackonetest.Workday)
	server.Fail(stackonetest.OpCreateBackgroundPackage, stackonetest.Fault{}, stackonetest.Status(422, ""))
	report, err := client.SyncBackgroundCheckPackages(t.Context(), account, wantedPackages(), stackone.SyncOptions{})
	require.ErrorIs(t, err, assessment.ErrInvalid)
	require.Contains(t, err.Error(), `"Executive"`)
	require.Empty(t, cmp.Diff(stackone.SyncReport{Created: named("Standard")}, report, ignoreIDs()))
}

func TestSyncRefuses(t *testing.T) {
	server := play(answers(200, `{"data":[]}`))
	client := newClient(t, server)
	_, err := client.SyncBackgroundCheckPackages(t.Context(), account, nil, stackone.SyncOptions{Prune: true})
	require.Equal(t, []string{"packages"}, paths(t, err))
	_, err = client.SyncBackgroundCheckPackages(t.Context(), account, []assessment.Package{
		{Name: "A", Tests: []assessment.Test{{Name: "t"}, {Name: "t"}, {}}}, {}, {Name: "A"}, {},
	}, stackone.SyncOptions{})
	require.Equal(t, []string{
		"packages[0].tests[2].name", "packages[0].tests[1].name", "packages[1].name", "packages[2].name", "packages[3].name",
	}, paths(t, err))
	require.Empty(t, server.seen)
	report, err := client.SyncBackgroundCheckPackages(t.Context(), account, nil, stackone.SyncOptions{})
	require.NoError(t, err)
	require.Equal(t, stackone.SyncReport{}, report)
}

// Without an id there is nothing to call a package by: it is neither changed nor
// deleted, and not made once more.
func TestSyncLeavesPackagesWithoutAnID(t *testing.T) {
	for name, tc := range map[string]struct {
		list  string
		calls []string
		want  stackone.SyncReport
	}{
		"not wanted": {`{"name":"B"},{"id":"2","name":"A"},{}`, nil, stackone.SyncReport{
			Unchanged: []stackone.SyncedPackage{{Name: "A", ID: "2"}}, Left: named("B", ""),
		}},
		"wanted as it is":       {`{"name":"A"}`, nil, stackone.SyncReport{Unchanged: named("A")}},
		"wanted otherwise":      {`{"name":"A","description":"old"}`, nil, stackone.SyncReport{Left: named("A")}},
		"another of that name":  {`{"name":"A","description":"old"},{"id":"2","name":"A","description":"old"}`, []string{"PATCH 2"}, stackone.SyncReport{Updated: []stackone.SyncedPackage{{Name: "A", ID: "2"}}, Left: named("A")}},
		"only the id of an ATS": {`{"remote_id":"r","name":"B"},{"id":"2","name":"A"}`, []string{"DELETE r"}, stackone.SyncReport{Unchanged: []stackone.SyncedPackage{{Name: "A", ID: "2"}}, Deleted: named("B")}},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, `{"data":[`+tc.list+`]}`), answers(200, written))
			report, err := newClient(t, server).SyncBackgroundCheckPackages(t.Context(), account, []assessment.Package{{Name: "A"}}, stackone.SyncOptions{Prune: true})
			require.NoError(t, err)
			requireEqual(t, tc.want, report)
			var calls []string
			for _, s := range server.seen[1:] {
				calls = append(calls, s.Method+" "+path.Base(s.URL))
			}
			require.Equal(t, tc.calls, calls)
		})
	}
}

func TestSyncClearsTheDescriptionOfATest(t *testing.T) {
	server, client, _ := simulated(t, stackonetest.Workday)
	require.NoError(t, server.SetPackages(account, stackonetest.BackgroundCheck, []stackonetest.Package{
		{ID: "p", Name: "P", Tests: []stackonetest.Test{{ID: "t", Name: "T", Description: "Old words"}}},
	}))
	for range 2 {
		_, err := client.SyncBackgroundCheckPackages(t.Context(), account, []assessment.Package{{Name: "P", Tests: []assessment.Test{{Name: "T"}}}}, stackone.SyncOptions{})
		require.NoError(t, err)
	}
	require.Len(t, server.Calls(stackonetest.OpUpdateBackgroundPackage), 1)
	require.Empty(t, server.Packages(account, stackonetest.BackgroundCheck)[0].Tests[0].Description)
}
