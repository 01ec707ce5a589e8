package kombotest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// page is the data of a listing.
func page(t *testing.T, a api, query string) (ids []string, next string) {
	t.Helper()
	data, _ := a.call(200, "GET /assessment/orders"+query, nil)["data"].(map[string]any)
	results, _ := data["results"].([]any)
	for _, r := range results {
		id, _ := r.(map[string]any)["id"].(string)
		ids = append(ids, id)
	}
	next, _ = data["next"].(string)
	return ids, next
}

func TestListingHasTheDocumentedShape(t *testing.T) {
	s := kombotest.Start(t)
	place(t, s, kombotest.OrderSpec{ID: "B5KQKhAgTv6ZwzrfAbqbhipd", Fields: map[string]any{"job.location.street_2": nil}})
	a := newAPI(t, s)
	require.Equal(t, tree(t, fixture(t, "get-orders-response.json")), a.call(200, kombotest.OpGetOrders, nil))
	require.Equal(t, tree(t, fixture(t, "get-open-orders-response-deprecated.json")), a.call(200, kombotest.OpGetOpenOrders, nil))
}

func TestListingFilters(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	start := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 4 {
		id, _ := place(t, s, kombotest.OrderSpec{CreatedAt: start.Add(time.Duration(i) * time.Hour)})
		ids = append(ids, id)
	}
	other, err := s.Integration(kombotest.IntegrationSpec{})
	require.NoError(t, err)
	place(t, s, kombotest.OrderSpec{Integration: other})
	a.call(200, resultOp(ids[1]), []byte(validResult))
	a.call(200, resultOp(ids[2]), with(t, map[string]string{"status": `"CANCELLED"`}))

	for query, want := range map[string][]string{
		"":                                     ids,
		"?statuses=":                           ids,
		"?statuses=OPEN":                       {ids[0], ids[3]},
		"?statuses=COMPLETED%2CCANCELLED":      {ids[1], ids[2]},
		"?statuses=REJECTED":                   nil,
		"?ids=" + ids[3] + "%2C" + ids[1]:      {ids[1], ids[3]},
		"?ids=nobody":                          nil,
		"?created_after=2026-06-30T14:00:00Z":  {ids[2], ids[3]},
		"?created_after=2026-07-01":            nil,
		"?created_after=2026-06-30T14:00:00.1": {ids[3]},
		"?invented=1":                          ids,
	} {
		got, next := page(t, a, query)
		require.Equal(t, want, got, query)
		require.Empty(t, next, query)
	}
	require.Equal(t, []string{ids[0], ids[3]}, openIDs(t, a))
}

func openIDs(t *testing.T, a api) (ids []string) {
	t.Helper()
	data, _ := a.call(200, kombotest.OpGetOpenOrders, nil)["data"].(map[string]any)
	results, _ := data["results"].([]any)
	for _, r := range results {
		id, _ := r.(map[string]any)["id"].(string)
		ids = append(ids, id)
	}
	return ids
}

func TestListingRefusesBadQueries(t *testing.T) {
	a := newAPI(t, kombotest.Start(t))
	for _, query := range []string{
		"?page_size=0", "?page_size=251", "?page_size=ten", "?page_size=", "?statuses=DONE", "?statuses=OPEN&statuses=OPEN",
		"?created_after=yesterday", "?created_after=2026-06-30T12:00:00%2B02:00", "?created_after=2026-13-45", "?cursor=x", "?a=%zz",
	} {
		a.refused(400, "PLATFORM.INPUT_INVALID", "GET /assessment/orders"+query, nil)
	}
}

func TestPagination(t *testing.T) {
	for name, quirks := range map[string]kombotest.Quirks{
		"plain":        {},
		"empty pages":  {EmptyPages: 2},
		"newest first": {NewestFirst: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := kombotest.Start(t, func(c *kombotest.Config) { c.Quirks = quirks })
			a := newAPI(t, s)
			for range 5 {
				place(t, s, kombotest.OrderSpec{})
			}
			var all []string
			var pages int
			for next := ""; ; pages++ {
				ids, following := page(t, a, "?page_size=2&cursor="+next)
				all = append(all, ids...)
				if next = following; next == "" {
					break
				}
			}
			require.Len(t, all, 5)
			require.Equal(t, 2+quirks.EmptyPages, pages)
			newest := s.Orders(kombotest.DefaultIntegration)[4].ID
			require.Equal(t, quirks.NewestFirst, all[0] == newest)
		})
	}
}

func TestCursorCarriesNoFilters(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	var ids []string
	for range 4 {
		id, _ := place(t, s, kombotest.OrderSpec{})
		ids = append(ids, id)
	}
	a.call(200, resultOp(ids[3]), []byte(validResult))
	_, next := page(t, a, "?statuses=OPEN&page_size=2")
	with, _ := page(t, a, "?statuses=OPEN&page_size=2&cursor="+next)
	without, _ := page(t, a, "?cursor="+next)
	require.Equal(t, ids[2:3], with)
	require.Equal(t, ids[2:], without)
}

func TestResetUI(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	id, _ := place(t, s, kombotest.OrderSpec{})
	a.call(200, kombotest.OpSetPackages, fixture(t, "set-packages-request.json"))
	s.ResetUI(kombotest.DefaultIntegration)
	require.Empty(t, s.Packages(kombotest.DefaultIntegration))
	a.refused(400, "PLATFORM.INPUT_INVALID", resultOp(id), []byte(validResult))
}

func TestIDsAreDeterministic(t *testing.T) {
	ids := func(seed uint64) (list []string) {
		s := kombotest.Start(t, func(c *kombotest.Config) { c.Seed = seed })
		for range 3 {
			id, d := place(t, s, kombotest.OrderSpec{})
			require.Len(t, id, 24)
			list = append(list, id, d.EventID)
		}
		return list
	}
	require.Equal(t, ids(7), ids(7))
	require.NotEqual(t, ids(7), ids(8))
}

func TestOrderSpecErrors(t *testing.T) {
	s := kombotest.Start(t, func(c *kombotest.Config) { c.Quirks.RequirePackage = true })
	s.SetPackages(kombotest.DefaultIntegration, []kombotest.Package{{ID: "p"}})
	place(t, s, kombotest.OrderSpec{ID: "taken", PackageID: "p"})
	for want, spec := range map[string]kombotest.OrderSpec{
		"unknown integration": {Integration: "a:b"},
		"was not submitted":   {},
		"exists already":      {ID: "taken", PackageID: "p"},
		"no object or array":  {PackageID: "p", Fields: map[string]any{"nobody.name": 1}},
		"no field":            {PackageID: "p", Fields: map[string]any{"id.a.b": 1}},
		"no item":             {PackageID: "p", Fields: map[string]any{"job.hiring_team.7": 1}},
		"value of a field":    {PackageID: "p", Fields: map[string]any{"job.name": func() {}}},
	} {
		_, _, err := s.PlaceOrder(t.Context(), spec)
		require.ErrorContains(t, err, want)
	}
	require.Len(t, s.Orders(kombotest.DefaultIntegration), 1)
}

func TestOrderFieldsCanBeOverridden(t *testing.T) {
	s := kombotest.Start(t)
	id, _ := place(t, s, kombotest.OrderSpec{Fields: map[string]any{
		"candidate.phone":           nil,
		"candidate.remote_id":       kombotest.Absent,
		"job.location":              nil,
		"job.hiring_team.0.email":   "boss@example.com",
		"candidate.invented":        []string{"x"},
		"application":               map[string]any{},
		"candidate.last_name":       strings.Repeat("x", 3),
		"job.hiring_team.0.invente": 7,
	}})
	data := tree(t, order(t, s, id).Data)
	candidate, _ := data["candidate"].(map[string]any)
	require.Contains(t, candidate, "phone")
	require.Nil(t, candidate["phone"])
	require.NotContains(t, candidate, "remote_id")
	require.Equal(t, "xxx", candidate["last_name"])
	require.Empty(t, data["application"])
	require.Contains(t, string(order(t, s, id).Data), `"boss@example.com"`)
}
