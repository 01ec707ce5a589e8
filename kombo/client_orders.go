package kombo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// MaxPageSize is the largest page of orders that Kombo gives; without a size it
// gives 100.
const MaxPageSize = 250

// OrderFilter selects orders. The zero value selects all of them.
type OrderFilter struct {
	// IDs are order ids.
	IDs []string
	// Statuses are any of open, completed, cancelled and rejected.
	Statuses []assessment.Status
	// CreatedAfter leaves out orders created before it.
	CreatedAfter time.Time
	// PageSize is how many orders are fetched at once, at most [MaxPageSize];
	// zero leaves it to Kombo.
	PageSize int
}

// Orders lists the orders of an integration
// (https://docs.kombo.dev/assessment/v1/get-orders), in an order that Kombo does
// not document. Pages are fetched while the range goes on; an error ends it.
func (c *Client) Orders(ctx context.Context, integration string, f OrderFilter) iter.Seq2[assessment.Order, error] {
	return func(yield func(assessment.Order, error) bool) {
		query, err := f.query(integration)
		if err != nil {
			yield(assessment.Order{}, err)
			return
		}
		for wire, err := range transport.Pages(ctx, c.ordersPage(integration, query, assessment.OrderRef{})) {
			if err != nil {
				yield(assessment.Order{}, err)
				return
			}
			// The list names no integration: it is the one that was asked.
			wire.IntegrationID = integration
			if !yield(wire.order(c.connection), nil) {
				return
			}
		}
	}
}

var _ assessment.OrderLister = (*Client)(nil)

// OpenOrders implements [assessment.OrderLister]: one page of 250 open orders of an
// integration. A call costs as much as one result; [Client.Orders] reads all pages.
func (c *Client) OpenOrders(ctx context.Context, q assessment.OpenOrders) ([]assessment.Order, string, error) {
	query, err := OrderFilter{
		IDs: q.IDs, Statuses: []assessment.Status{assessment.StatusOpen}, CreatedAfter: q.CreatedAfter, PageSize: MaxPageSize,
	}.query(q.Account)
	if err != nil {
		return nil, "", err
	}
	wires, next, err := c.ordersPageOf(ctx, q.Account, query, assessment.OrderRef{}, transport.Bulk, q.Cursor)
	if err != nil {
		return nil, "", err
	}
	page := make([]assessment.Order, len(wires))
	for i, wire := range wires {
		wire.IntegrationID = q.Account // the list names none
		page[i] = wire.order(c.connection)
	}
	return page, next, nil
}

// ordersPage fetches one page. The cursor does not carry the filters, so every
// request repeats them. Observers are told the order that it is about, if it is
// about one.
func (c *Client) ordersPage(integration string, query url.Values, about assessment.OrderRef) func(context.Context, string) ([]wireOrder, string, error) {
	class := transport.Bulk
	if query.Has("ids") { // what became of a result
		class = transport.Final
	}
	return func(ctx context.Context, cursor string) ([]wireOrder, string, error) {
		return c.ordersPageOf(ctx, integration, query, about, class, cursor)
	}
}

func (c *Client) ordersPageOf(ctx context.Context, integration string, query url.Values, about assessment.OrderRef, class transport.Class, cursor string) ([]wireOrder, string, error) {
	call := transport.Call{
		Operation: "GET /assessment/orders",
		Method:    http.MethodGet,
		Path:      []string{"assessment", "orders"},
		Query:     query,
		Account:   integration,
		Class:     class,
		Order:     about,
	}
	if cursor != "" {
		call.Query = url.Values{"cursor": {cursor}}
		for name, values := range query {
			call.Query[name] = values
		}
	}
	got, err := read[orderPage](ctx, c, call)
	if err != nil {
		return nil, "", err
	}
	next, err := nextCursor(integration, got.Next)
	return got.Results, next, err
}

// errCursor: taken for the end of the list, it would hide the rest of it.
var errCursor = errors.New("the cursor is neither text nor a number nor null")

func nextCursor(integration string, raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var next lenient.Text // of a number the digits are kept
	if odd, err := lenient.Unmarshal(raw, &next); err != nil || len(odd) > 0 {
		return "", &assessment.APIError{
			Vendor: assessment.Kombo, Operation: "GET /assessment/orders", Account: integration,
			StatusCode: http.StatusOK, Attempts: 1, Cause: errCursor,
		}
	}
	return string(next), nil
}

// query checks and encodes the filter. Lists go into one parameter each,
// joined by commas, so a comma inside an id cannot be sent.
func (f OrderFilter) query(integration string) (url.Values, error) {
	var problems assessment.ValidationError
	checkIntegration(&problems, integration)
	for i, id := range f.IDs {
		if id == "" || strings.Contains(id, ",") {
			problems.Add(fmt.Sprintf("ids[%d]", i), "must not be empty or hold a comma")
		}
	}
	statuses := make([]string, len(f.Statuses))
	for i, s := range f.Statuses {
		statuses[i] = strings.ToUpper(string(s))
		if !slices.Contains([]string{wireOpen, wireCompleted, wireCancelled, wireRejected}, statuses[i]) {
			problems.Add(fmt.Sprintf("statuses[%d]", i), "must be open, completed, cancelled or rejected")
		}
	}
	if f.PageSize < 0 || f.PageSize > MaxPageSize {
		problems.Add("page_size", "must be from 1 to 250")
	}
	query := url.Values{}
	if len(f.IDs) > 0 {
		query.Set("ids", strings.Join(f.IDs, ","))
	}
	if len(statuses) > 0 {
		query.Set("statuses", strings.Join(statuses, ","))
	}
	if !f.CreatedAfter.IsZero() {
		query.Set("created_after", timestamp(f.CreatedAfter))
	}
	if f.PageSize > 0 {
		query.Set("page_size", strconv.Itoa(f.PageSize))
	}
	return query, problems.Err()
}

// orderStatus returns Kombo's word for where an order stands, empty if it does
// not list it.
func (c *Client) orderStatus(ctx context.Context, ref assessment.OrderRef) (string, error) {
	query, err := OrderFilter{IDs: []string{ref.ID}}.query(ref.Account)
	if err != nil {
		return "", err
	}
	for wire, err := range transport.Pages(ctx, c.ordersPage(ref.Account, query, ref)) {
		if err != nil {
			return "", err
		}
		if wire.ID == ref.ID {
			return currentStatus(wire.Status), nil
		}
	}
	return "", nil
}
