package stackone_test

import (
	"encoding/json"
	"iter"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// collect walks a list to its end.
func collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

func queryOf(t testing.TB, s seen) url.Values {
	t.Helper()
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	return u.Query()
}

func TestPackageExamples(t *testing.T) {
	t.Run("assessment packages", func(t *testing.T) {
		server := play(answers(200, string(example(t, "assessment_packages_list.response.json"))))
		got, err := collect(newClient(t, server).AssessmentPackages(t.Context(), account, stackone.ListOptions{}))
		require.NoError(t, err)
		requireEqual(t, []assessment.Package{examplePackage()}, got)
		require.Equal(t, "https://api.stackone.com/unified/ats/assessments/packages", server.seen[0].URL)
		require.Equal(t, account, server.seen[0].Header.Get("X-Account-Id"))
	})
	t.Run("two pages, with raw", func(t *testing.T) {
		server := play(answers(200, string(example(t, "assessment_packages_list_raw_true.response.json"))),
			answers(200, string(example(t, "assessment_packages_list.response.json"))))
		got, err := collect(newClient(t, server).AssessmentPackages(t.Context(), account, stackone.ListOptions{}))
		require.NoError(t, err)
		require.Len(t, got, 2)
		require.Equal(t, "eyJyIjphAsHHere", queryOf(t, server.seen[1]).Get("next"))
	})
	t.Run("assessment package", func(t *testing.T) {
		server := play(answers(200, string(example(t, "assessment_package_get.response.json"))))
		got, err := newClient(t, server).AssessmentPackage(t.Context(), account, "c28x/IQ+=")
		require.NoError(t, err)
		requireEqual(t, examplePackage(), got)
		require.Equal(t, "https://api.stackone.com/unified/ats/assessments/packages/c28x%2FIQ%2B%3D", server.seen[0].URL)
	})
	t.Run("background-check packages", func(t *testing.T) {
		server := play(answers(200, string(example(t, "background_check_packages_list.response.json"))))
		got, err := collect(newClient(t, server).BackgroundCheckPackages(t.Context(), account, stackone.ListOptions{}))
		require.NoError(t, err)
		requireEqual(t, []assessment.Package{examplePackageWithTests()}, got)
		require.Equal(t, "https://api.stackone.com/unified/ats/background_checks/packages", server.seen[0].URL)
	})
	t.Run("background-check package", func(t *testing.T) {
		server := play(answers(200, string(example(t, "background_check_package_get.response.json"))))
		got, err := newClient(t, server).BackgroundCheckPackage(t.Context(), account, "p")
		require.NoError(t, err)
		requireEqual(t, examplePackageWithTests(), got)
	})
	t.Run("create", func(t *testing.T) {
		server := play(answers(201, string(example(t, "create_result.response.json"))))
		id, err := newClient(t, server).CreateBackgroundCheckPackage(t.Context(), account, examplePackageWithTests(), json.RawMessage(`{"other_known_names":"John Doe"}`))
		require.NoError(t, err)
		requireEqual(t, stackone.RecordID{ID: exampleID, RemoteID: exampleID}, id)
		require.Equal(t, "POST", server.seen[0].Method)
		requireSameJSON(t, example(t, "background_check_package_create.request.json"), []byte(server.seen[0].Body))
	})
	t.Run("update", func(t *testing.T) {
		server := play(answers(200, string(example(t, "update_result.response.json"))))
		p := examplePackageWithTests()
		err := newClient(t, server).UpdateBackgroundCheckPackage(t.Context(), account, "a/b", stackone.PackageUpdate{
			Name: &p.Name, Description: &p.Description, Tests: &p.Tests, Passthrough: json.RawMessage(`{"other_known_names":"John Doe"}`),
		})
		require.NoError(t, err)
		require.Equal(t, "PATCH", server.seen[0].Method)
		require.Equal(t, "https://api.stackone.com/unified/ats/background_checks/packages/a%2Fb", server.seen[0].URL)
		requireSameJSON(t, example(t, "background_check_package_update.request.json"), []byte(server.seen[0].Body))
	})
	t.Run("update of nothing, and of everything to nothing", func(t *testing.T) {
		server := play(answers(200, written))
		client := newClient(t, server)
		require.NoError(t, client.UpdateBackgroundCheckPackage(t.Context(), account, "p", stackone.PackageUpdate{}))
		require.Equal(t, `{}`, server.seen[0].Body)
		require.NoError(t, client.UpdateBackgroundCheckPackage(t.Context(), account, "p", stackone.PackageUpdate{
			Description: ptr(""), Tests: &[]assessment.Test{},
		}))
		require.Equal(t, `{"description":"","tests":[]}`, server.seen[1].Body)
	})
	t.Run("delete", func(t *testing.T) {
		server := play(answers(200, string(example(t, "delete_result.response.json"))))
		require.NoError(t, newClient(t, server).DeleteBackgroundCheckPackage(t.Context(), account, "p"))
		require.Equal(t, "DELETE", server.seen[0].Method)
	})
}

func TestPackageWritesAreChecked(t *testing.T) {
	server := play(answers(200, written))
	client := newClient(t, server)
	_, err := client.CreateBackgroundCheckPackage(t.Context(), account, assessment.Package{Tests: []assessment.Test{{}}}, json.RawMessage(`[]`))
	require.Equal(t, []string{"name", "tests[0].name", "passthrough"}, paths(t, err))
	err = client.UpdateBackgroundCheckPackage(t.Context(), account, "p", stackone.PackageUpdate{Name: ptr(""), Tests: &[]assessment.Test{{ID: "t"}}, Passthrough: json.RawMessage(`null`)})
	require.Equal(t, []string{"name", "tests[0].name", "passthrough"}, paths(t, err))
	require.Empty(t, server.seen)
}

// A second package would be a duplicate, and nothing tells whether there is one.
func TestCreateIsNeverRepeated(t *testing.T) {
	for name, fault := range map[string]stackonetest.Fault{
		"408": stackonetest.AppliedThen(stackonetest.TimedOut()), "502": stackonetest.AppliedThen(stackonetest.BadGateway()),
		"500": stackonetest.Status(500, ""), "reset": stackonetest.AppliedThenReset(), "half an answer": stackonetest.TruncatedJSON(),
		"empty answer": stackonetest.EmptyBody(), "page": stackonetest.HTMLBody(),
		"late failure": stackonetest.HeartbeatThenError(stackonetest.Failure{Status: 502}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client, _ := simulated(t, stackonetest.Workday)
				server.Fail(stackonetest.OpCreateBackgroundPackage, fault)
				_, err := client.CreateBackgroundCheckPackage(t.Context(), account, assessment.Package{Name: "P"}, nil)
				failure := apiError(t, err)
				require.True(t, failure.Uncertain)
				require.False(t, failure.SafeToRepeat)
				require.Len(t, server.Calls(stackonetest.OpCreateBackgroundPackage), 1)
			})
		})
	}
	t.Run("a refusal to begin is repeated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, _ := simulated(t, stackonetest.Workday)
			server.Fail(stackonetest.OpCreateBackgroundPackage, stackonetest.RateLimited(), stackonetest.Status(503, ""))
			_, err := client.CreateBackgroundCheckPackage(t.Context(), account, assessment.Package{Name: "P"}, nil)
			require.NoError(t, err)
			require.Len(t, server.Packages(account, stackonetest.BackgroundCheck), 1)
		})
	})
}

func TestRepeatedDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, _ := simulated(t, stackonetest.Workday)
		id, err := client.CreateBackgroundCheckPackage(t.Context(), account, assessment.Package{Name: "P"}, nil)
		require.NoError(t, err)
		server.Fail(stackonetest.OpDeleteBackgroundPackage, stackonetest.AppliedThenReset())
		require.NoError(t, client.DeleteBackgroundCheckPackage(t.Context(), account, id.ID))
		err = client.DeleteBackgroundCheckPackage(t.Context(), account, id.ID)
		require.ErrorIs(t, err, assessment.ErrNotFound, "of its own accord that is an error")
	})
}

func TestPages(t *testing.T) {
	for name, configure := range map[string]func(*stackonetest.Config){
		"null":        func(*stackonetest.Config) {},
		"absent":      func(c *stackonetest.Config) { c.Quirks.ListEnd = stackonetest.EndAbsent },
		"blank":       func(c *stackonetest.Config) { c.Quirks.ListEnd = stackonetest.EndBlank },
		"empty pages": func(c *stackonetest.Config) { c.Quirks.EmptyPages = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			server, client, _ := simulated(t, stackonetest.Workday, configure)
			var there []stackonetest.Package
			for _, n := range strings.Split("abcdefg", "") {
				there = append(there, stackonetest.Package{ID: n, Name: n})
			}
			require.NoError(t, server.SetPackages(account, stackonetest.BackgroundCheck, there))
			got, err := collect(client.BackgroundCheckPackages(t.Context(), account, stackone.ListOptions{PageSize: 3}))
			require.NoError(t, err)
			require.Len(t, got, 7)
			for _, call := range server.Calls(stackonetest.OpListBackgroundPackages) {
				require.Contains(t, call.URL, "page_size=3")
			}
		})
	}
	t.Run("any cursor", func(t *testing.T) {
		const cursor = "a/b+c=d&e?f g%20"
		server := play(answers(200, `{"data":[],"next":"`+cursor+`"}`), answers(200, `{"data":[]}`))
		_, err := collect(newClient(t, server).AssessmentPackages(t.Context(), account, stackone.ListOptions{}))
		require.NoError(t, err)
		require.Equal(t, url.Values{"next": {cursor}}, queryOf(t, server.seen[1]))
	})
	t.Run("odd texts", func(t *testing.T) {
		got, err := collect(newClient(t, play(answers(200, `{"data":[{"id":7,"name":12345678901234567890,"description":{}}],"next":null}`))).
			AssessmentPackages(t.Context(), account, stackone.ListOptions{}))
		require.NoError(t, err)
		requireEqual(t, []assessment.Package{{ID: "7", Name: "12345678901234567890"}}, got)
	})
	t.Run("the same cursor again", func(t *testing.T) {
		_, err := collect(newClient(t, play(answers(200, `{"data":[],"next":"x"}`))).AssessmentPackages(t.Context(), account, stackone.ListOptions{}))
		require.Error(t, err)
	})
	t.Run("two ranges", func(t *testing.T) {
		server := play(answers(200, `{"data":[],"next":"x"}`), answers(200, `{"data":[{"id":"1"}]}`), answers(200, `{"data":[{"id":"2"}]}`))
		list := newClient(t, server).AssessmentPackages(t.Context(), account, stackone.ListOptions{})
		require.Empty(t, server.seen, "nothing is fetched before the range starts")
		for range 2 {
			got, err := collect(list)
			require.NoError(t, err)
			require.Len(t, got, 1)
		}
		require.Empty(t, queryOf(t, server.seen[2]), "a range begins anew")
	})
	for name, body := range map[string]string{
		"no data": `{"next":null}`, "null": `{"data":null}`, "error under 200": `{"statusCode":502,"message":"Bad Gateway"}`,
		"cursor object": `{"data":[],"next":{}}`, "cursor boolean": `{"data":[],"next":true}`, "record of another type": `{"data":[7]}`,
		"tests of another type": `{"data":[{"name":"P","tests":"x"}]}`, "object": `{"data":{}}`, "array": `[]`, "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := collect(newClient(t, play(answers(200, body)), once).AssessmentPackages(t.Context(), account, stackone.ListOptions{}))
			require.Error(t, err, "what is no list is not an empty one")
			require.Empty(t, got)
		})
	}
}

func TestListOptions(t *testing.T) {
	server := play(answers(200, `{"data":[]}`))
	client := newClient(t, server)
	o := stackone.ListOptions{UpdatedAfter: utc(2020, 1, 1, 0, 0), PageSize: 7, Proxy: map[string]string{"sort": "a&b", "filter[eq]": "1"}}
	_, err := collect(client.BackgroundCheckPackages(t.Context(), account, o))
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"filter[updated_after]": {"2020-01-01T00:00:00.000Z"}, "page_size": {"7"}, "proxy[sort]": {"a&b"}, "proxy[filter[eq]]": {"1"},
	}, queryOf(t, server.seen[0]))
	require.Contains(t, server.seen[0].URL, "=2020-01-01T00%3A00%3A00.000Z")

	o = stackone.ListOptions{CreatedAfter: utc(2020, 1, 1, 0, 0)}
	_, err = collect(client.JobPostings(t.Context(), account, o))
	require.NoError(t, err)
	require.Equal(t, url.Values{"filter[created_after]": {"2020-01-01T00:00:00.000Z"}}, queryOf(t, server.seen[1]))
}

func TestNoAccount(t *testing.T) {
	server := play(answers(200, "{}"))
	client := newClient(t, server)
	ctx := t.Context()
	calls := map[string]func() error{
		"list": func() error {
			_, err := collect(client.AssessmentPackages(ctx, "", stackone.ListOptions{}))
			return err
		},
		"checks": func() error {
			_, err := collect(client.BackgroundCheckPackages(ctx, "", stackone.ListOptions{}))
			return err
		},
		"postings": func() error { _, err := collect(client.JobPostings(ctx, "", stackone.ListOptions{})); return err },
		"get":      func() error { _, err := client.AssessmentPackage(ctx, "", "p"); return err },
		"create": func() error {
			_, err := client.CreateBackgroundCheckPackage(ctx, "", assessment.Package{Name: "n"}, nil)
			return err
		},
		"update":    func() error { return client.UpdateBackgroundCheckPackage(ctx, "", "p", stackone.PackageUpdate{}) },
		"delete":    func() error { return client.DeleteBackgroundCheckPackage(ctx, "", "p") },
		"candidate": func() error { _, err := client.Candidate(ctx, "", "c"); return err },
		"complete":  func() error { return client.Complete(ctx, &assessment.Order{}) },
		"account":   func() error { _, err := client.Account(ctx, ""); return err },
		"unlink":    func() error { _, err := client.DeleteAccount(ctx, ""); return err },
		"sync": func() error {
			_, err := client.SyncBackgroundCheckPackages(ctx, "", nil, stackone.SyncOptions{})
			return err
		},
		"call": func() error {
			_, err := client.Call(ctx, "", stackone.Request{Method: "GET", Path: []string{"unified", "ats", "users"}})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, []string{"account"}, paths(t, call()))
			require.Empty(t, server.seen)
		})
	}
}

func TestNullsInListsAreSkipped(t *testing.T) {
	client := newClient(t, play(answers(200, `{"data":[null,{"id":"1","name":"A","tests":[null,{"name":"t"},null]},null]}`)))
	got, err := collect(client.BackgroundCheckPackages(t.Context(), account, stackone.ListOptions{}))
	require.NoError(t, err)
	requireEqual(t, []assessment.Package{{ID: "1", Name: "A", Tests: []assessment.Test{{Name: "t"}}}}, got)

	client = newClient(t, play(answers(200, `{"data":[null,{"id":"1","locations":[null,{"name":"N"}]}]}`)))
	postings, err := collect(client.JobPostings(t.Context(), account, stackone.ListOptions{}))
	require.NoError(t, err)
	require.Len(t, postings, 1)
	require.Equal(t, []string{"N"}, postings[0].Locations)

	client = newClient(t, play(answers(200, `{"data":{"application_ids":[null,7],"phone_numbers":[null,{"phone":"1"}],"emails":[null,{"value":"e"}]}}`)))
	candidate, err := client.Candidate(t.Context(), account, "c")
	require.NoError(t, err)
	require.Equal(t, []string{"7"}, candidate.ApplicationIDs)
	requireEqual(t, assessment.Candidate{Phone: "1", Email: "e"}, candidate.Candidate)
}

// A test that is there already may have a description to be cleared; a new one
// has none.
func TestUpdateClearsTheDescriptionOfATest(t *testing.T) {
	server := play(answers(200, written))
	require.NoError(t, newClient(t, server).UpdateBackgroundCheckPackage(t.Context(), account, "p", stackone.PackageUpdate{
		Tests: &[]assessment.Test{{ID: "1", Name: "A"}, {Name: "B"}, {ID: "2", Name: "C", Description: "c"}},
	}))
	require.Equal(t, `{"tests":[{"id":"1","name":"A","description":""},{"name":"B"},{"id":"2","name":"C","description":"c"}]}`, server.seen[0].Body)
}
