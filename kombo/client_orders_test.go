package kombo_test

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// documentedOrder is the order of Kombo's examples
// (https://docs.kombo.dev/assessment/introduction), for the given integration.
func documentedOrder(connection, account, ats string) assessment.Order {
	return assessment.Order{
		Ref: assessment.OrderRef{
			Vendor: assessment.Kombo, Connection: connection, Account: account, ID: "B5KQKhAgTv6ZwzrfAbqbhipd",
		},
		Package: assessment.Package{ID: "typescript_test"},
		Status:  assessment.StatusOpen,
		ATS:     ats,
		Candidate: assessment.Candidate{
			RemoteID: "12345", FirstName: "John", LastName: "Doe", Email: "john.doe@gmail.com", Phone: "+1 123 456 7890",
		},
		Application: assessment.Application{RemoteID: "54321"},
		Job: assessment.Job{
			RemoteID: "67890", Code: "BO-2024-01", Name: "Bottle Opener",
			Description: "<p>We are looking for a skilled and energetic individual to join our team as the chief bottle open officer. This unique role requires precision, attention to detail, and the ability to handle a high volume of beverage bottles in a fast-paced environment. The ideal candidate will ensure bottles are opened swiftly and safely while maintaining hygiene standards.</p>",
			Location: assessment.Location{
				Street1: "Lohmühlenstraße 65", City: "Berlin", State: "Berlin", ZipCode: "12435", Country: "DE", Raw: "Berlin, Germany",
			},
			HiringTeam: []assessment.TeamMember{{
				RemoteID: "78901", FirstName: "Jane", LastName: "Doe", Email: "jane.doe@gmail.com", Roles: []assessment.Role{assessment.RoleRecruiter},
			}},
		},
	}
}

// list is everything that a range over orders yields.
func list(t testing.TB, c *kombo.Client, f kombo.OrderFilter) ([]assessment.Order, error) {
	t.Helper()
	var orders []assessment.Order
	for order, err := range c.Orders(t.Context(), integration, f) {
		if err != nil {
			return orders, err
		}
		orders = append(orders, order)
	}
	return orders, nil
}

func TestOrders(t *testing.T) {
	documented := documentedOrder("us", integration, "workday")
	statusless := documented
	statusless.Status = "" // the deprecated list does not say
	for name, tc := range map[string]struct {
		body []byte
		want []assessment.Order
	}{
		"documented": {example(t, "get-orders-response.json"), []assessment.Order{documented}},
		"deprecated": {example(t, "get-open-orders-response-deprecated.json"), []assessment.Order{statusless}},
		"nulls": {
			[]byte(`{"data":{"next":null,"results":[{"id":"1","package_id":"p","status":"REJECTED","candidate":{"remote_id":null,"email":"a@b.c","first_name":null},"application":{"remote_id":null},"job":{"remote_id":null,"location":null,"hiring_team":[]}}]}}`),
			[]assessment.Order{{
				Ref:     assessment.OrderRef{Vendor: assessment.Kombo, Connection: "us", Account: integration, ID: "1"},
				Package: assessment.Package{ID: "p"}, Status: assessment.StatusRejected, ATS: "workday",
				Candidate: assessment.Candidate{Email: "a@b.c"},
			}},
		},
		"nothing known": {
			[]byte(`{"data":{"results":[{"id":"1","status":"FROZEN","application":{},"colour":"red"}]}}`),
			[]assessment.Order{{
				Ref:    assessment.OrderRef{Vendor: assessment.Kombo, Connection: "us", Account: integration, ID: "1"},
				Status: "FROZEN", ATS: "workday",
			}},
		},
		"none": {[]byte(`{"data":{"next":null,"results":[]}}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, string(tc.body)))
			got, err := list(t, newClient(t, server, func(c *kombo.Config) { c.Connection = "us" }), kombo.OrderFilter{})
			require.NoError(t, err)
			requireEqual(t, tc.want, got)
			require.Equal(t, "https://api.kombo.dev/v1/assessment/orders", server.seen[0].URL)
		})
	}
}

// The webhook handler keeps an order in which an unimportant field has another
// JSON type. In a list it must not hide the orders around it either: a
// reconciler would never get past it.
func TestOrdersWithAFieldOfAnotherType(t *testing.T) {
	body := `{"data":{"next":null,"results":[{"id":"1","status":"OPEN"},{"id":"2","status":"OPEN","candidate":{"phone":123}},{"id":"3","status":"OPEN"}]}}`
	got, err := list(t, newClient(t, play(answers(200, body))), kombo.OrderFilter{})
	require.NoError(t, err)
	require.Len(t, got, 3)
}

func TestOrderFilter(t *testing.T) {
	server := play(answers(200, `{"data":{"results":[]}}`))
	_, err := list(t, newClient(t, server), kombo.OrderFilter{
		IDs:          []string{"a", "b&c"},
		Statuses:     []assessment.Status{assessment.StatusOpen, assessment.StatusCompleted, assessment.StatusCancelled, assessment.StatusRejected},
		CreatedAfter: time.Date(2026, 6, 30, 14, 0, 0, 5e6, time.FixedZone("CEST", 7200)),
		PageSize:     250,
	})
	require.NoError(t, err)
	// Lists go into one parameter each.
	require.Equal(t, "https://api.kombo.dev/v1/assessment/orders?created_after=2026-06-30T12%3A00%3A00.005Z"+
		"&ids=a%2Cb%26c&page_size=250&statuses=OPEN%2CCOMPLETED%2CCANCELLED%2CREJECTED", server.seen[0].URL)
}

func TestOrderFilterRefused(t *testing.T) {
	server := play(answers(200, ""))
	got, err := list(t, newClient(t, server), kombo.OrderFilter{
		IDs: []string{"a", "", "b,c"}, Statuses: []assessment.Status{"open", assessment.StatusExpired, assessment.StatusInProgress, ""}, PageSize: 251,
	})
	require.Empty(t, got)
	require.Equal(t, []string{"ids[1]", "ids[2]", "statuses[1]", "statuses[2]", "statuses[3]", "page_size"}, paths(t, err))
	_, err = list(t, newClient(t, server), kombo.OrderFilter{PageSize: -1})
	require.Equal(t, []string{"page_size"}, paths(t, err))
	require.Empty(t, server.seen)
}

func ordersPage(next string, ids ...string) step {
	results := ""
	for i, id := range ids {
		if i > 0 {
			results += ","
		}
		results += fmt.Sprintf(`{"id":%q,"status":"OPEN"}`, id)
	}
	return answers(200, fmt.Sprintf(`{"status":"success","data":{"next":%s,"results":[%s]}}`, next, results))
}

// The cursor does not carry the filters, and an empty page with a cursor is not
// the end (https://docs.kombo.dev/assessment/getting-started/fetching-data).
func TestOrderPages(t *testing.T) {
	server := play(ordersPage(`"c1"`, "1", "2"), ordersPage(`"c2"`), ordersPage(`"c/3"`, "3"), ordersPage(`null`, "4"))
	client := newClient(t, server)
	orders := client.Orders(t.Context(), integration, kombo.OrderFilter{Statuses: []assessment.Status{assessment.StatusOpen}, PageSize: 2})
	require.Empty(t, server.seen, "nothing is fetched before the range begins")
	var ids []string
	for order, err := range orders {
		require.NoError(t, err)
		ids = append(ids, order.Ref.ID)
	}
	require.Equal(t, []string{"1", "2", "3", "4"}, ids)
	require.Len(t, server.seen, 4)
	for i, want := range []string{"", "c1", "c2", "c/3"} {
		address, err := url.Parse(server.seen[i].URL)
		require.NoError(t, err)
		require.Equal(t, want, address.Query().Get("cursor"))
		require.Equal(t, "OPEN", address.Query().Get("statuses"))
		require.Equal(t, "2", address.Query().Get("page_size"))
		require.Equal(t, integration, server.seen[i].Header.Get("X-Integration-Id"))
	}
}

func TestOrderPagesEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		steps    []step
		requests int
		orders   int
		fails    bool
	}{
		"blank cursor":    {[]step{ordersPage(`" "`, "1")}, 1, 1, false},
		"repeated cursor": {[]step{ordersPage(`"c"`, "1"), ordersPage(`"c"`, "2")}, 2, 2, true},
		"error":           {[]step{ordersPage(`"c"`, "1"), answers(400, "")}, 2, 1, true},
		"not JSON":        {[]step{answers(200, "<html>")}, 1, 0, true},
		"empty body":      {[]step{answers(200, "")}, 1, 0, true},
		// A list that cannot be read is not an empty one: a reconciler would take it
		// for good news.
		"data of another type":    {[]step{answers(200, `{"data":[]}`)}, 1, 0, true},
		"results of another type": {[]step{answers(200, `{"data":{"next":null,"results":{"1":{"id":"1"}}}}`)}, 1, 0, true},
		"cursor of another type":  {[]step{ordersPage(`{"a":7}`, "1"), ordersPage(`null`, "2")}, 1, 1, true},
		"cursor is a flag":        {[]step{ordersPage(`true`, "1"), ordersPage(`null`, "2")}, 1, 1, true},
		"cursor is a number":      {[]step{ordersPage(`12345678901234567890`, "1"), ordersPage(`null`, "2")}, 2, 2, false},
		"cut JSON":                {[]step{answers(200, `{"data":{"results":[{"id":"1"`)}, 1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(tc.steps...)
			client := newClient(t, server, func(c *kombo.Config) { c.MaxRetries = -1 })
			got, err := list(t, client, kombo.OrderFilter{})
			require.Equal(t, tc.fails, err != nil, "%v", err)
			require.Len(t, got, tc.orders)
			require.Len(t, server.seen, tc.requests)
		})
	}
	t.Run("by the caller", func(t *testing.T) {
		server := play(ordersPage(`"c"`, "1", "2"))
		for range newClient(t, server).Orders(t.Context(), integration, kombo.OrderFilter{}) {
			break
		}
		require.Len(t, server.seen, 1)
	})
}

func TestOrdersOfTheSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t, func(c *kombotest.Config) { c.Quirks.EmptyPages = 2 })
		var want []string
		for range 7 {
			id, _, err := server.PlaceOrder(t.Context(), kombotest.OrderSpec{}, kombotest.Lost())
			require.NoError(t, err)
			want = append(want, id)
		}
		client, err := kombo.New(kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: server.Client()})
		require.NoError(t, err)
		var got []string
		for order, err := range client.Orders(t.Context(), kombotest.DefaultIntegration, kombo.OrderFilter{PageSize: 3}) {
			require.NoError(t, err)
			got = append(got, order.Ref.ID)
		}
		require.Equal(t, want, got)
	})
}
