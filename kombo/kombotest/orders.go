package kombotest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of an order: https://docs.kombo.dev/assessment/v1/get-orders
const (
	StatusOpen      = "OPEN"
	StatusCompleted = "COMPLETED"
	StatusCancelled = "CANCELLED"
	StatusRejected  = "REJECTED"
)

// Order is an order as the simulator sees it now.
type Order struct {
	ID          string
	Integration string
	PackageID   string
	Inline      bool
	Status      string // one of the Status constants
	CreatedAt   time.Time
	// RejectionMessage is what the recruiter reads in the ATS after an answer of
	// 422 ORDER_REJECTED.
	RejectionMessage string
	// AssessmentURL is where the candidate of an inline order was sent.
	AssessmentURL string
	// DeliveryFaults are the answers to its webhooks that decided nothing, one text
	// for each.
	DeliveryFaults []string
	// Results are all accepted results and interim updates, in order.
	Results []Result
	// Attachments are those that the ATS shows: of the latest result, or of several
	// under [RepeatDuplicated].
	Attachments []Attachment
	// Data is the order object of the webhook.
	Data json.RawMessage
}

// Final returns the result that ended the order, and false if it has none.
func (o Order) Final() (Result, bool) {
	for _, result := range slices.Backward(o.Results) {
		if result.Status != StatusOpen {
			return result, true
		}
	}
	return Result{}, false
}

// order is the state behind an Order. data is the order object as a JSON tree.
type order struct {
	Order
	data  map[string]any
	event *storedEvent
}

// Order returns an order by its id.
func (s *Server) Order(id string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.findOrder(id); o != nil {
		return o.snapshot(), true
	}
	return Order{}, false
}

// Orders returns all orders of an integration in the order of their creation.
func (s *Server) Orders(integration string) []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Order
	for _, o := range s.orders {
		if o.Integration == integration {
			list = append(list, o.snapshot())
		}
	}
	return list
}

// ResetUI does what a reset of the assessment UI in Kombo's dashboard does to a
// sandbox integration: its packages and orders are deleted, and stored ids become
// invalid. https://docs.kombo.dev/assessment/features/assessment-ui
func (s *Server) ResetUI(integration string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.packages, integration)
	s.orders = slices.DeleteFunc(s.orders, func(o *order) bool { return o.Integration == integration })
}

func (s *Server) findOrder(id string) *order {
	for _, o := range s.orders {
		if o.ID == id {
			return o
		}
	}
	return nil
}

func (o *order) snapshot() Order {
	c := o.Order
	c.DeliveryFaults = slices.Clone(c.DeliveryFaults)
	c.Results = slices.Clone(c.Results)
	c.Attachments = slices.Clone(c.Attachments)
	c.Data = encode(o.data)
	return c
}

// listing is the order object of the API: without integration_id, and with the
// status of now.
func (o *order) listing(withStatus bool) map[string]any {
	data := maps.Clone(o.data)
	delete(data, "integration_id")
	delete(data, "status")
	if withStatus {
		data["status"] = o.Status
	}
	return data
}

// orderQuery is the query of a listing.
type orderQuery struct {
	integration  string
	ids          []string
	statuses     []string
	createdAfter time.Time
	pageSize     int
	cursor       cursor
}

// cursor is a position in a listing. It carries no filters, so that a client that
// does not resend them sees other orders.
type cursor struct {
	skip       int // orders of the environment to skip
	emptyPages int // already given
}

func (s *Server) getOrders(_ context.Context, c *call) (answer, *refusal) {
	q, problem := readOrderQuery(c, true)
	if problem != nil {
		return answer{}, problem
	}
	return s.orderPage(q, true), nil
}

func (s *Server) getOpenOrders(_ context.Context, c *call) (answer, *refusal) {
	q, problem := readOrderQuery(c, false)
	if problem != nil {
		return answer{}, problem
	}
	q.statuses = []string{StatusOpen}
	return s.orderPage(q, false), nil
}

func readOrderQuery(c *call, filters bool) (orderQuery, *refusal) {
	check := &checker{}
	q := orderQuery{integration: c.integration, pageSize: 100}
	known := []string{"cursor", "page_size"}
	if text := single(check, c, "cursor"); text != "" {
		q.cursor = parseCursor(check, text)
	}
	if text := single(check, c, "page_size"); c.query.Has("page_size") {
		q.pageSize = parsePageSize(check, text)
	}
	if filters {
		known = append(known, "ids", "statuses", "created_after")
		q.ids = commaList(single(check, c, "ids"))
		q.statuses = parseStatuses(check, single(check, c, "statuses"))
		q.createdAfter = parseCreatedAfter(check, single(check, c, "created_after"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		if !slices.Contains(known, name) {
			c.note("unknown query parameter " + name)
		}
	}
	return q, check.refusal()
}

// single returns a query parameter that may be given once: lists go into one
// parameter, separated by commas.
func single(check *checker, c *call, name string) string {
	if len(c.query[name]) > 1 {
		check.fail(name, "must be given once")
	}
	return c.query.Get(name)
}

func parsePageSize(check *checker, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 250 {
		check.fail("page_size", "must be an integer from 1 to 250")
	}
	return n
}

func parseStatuses(check *checker, text string) []string {
	list := commaList(text)
	for _, status := range list {
		if !slices.Contains([]string{StatusOpen, StatusCompleted, StatusCancelled, StatusRejected}, status) {
			check.fail("statuses", "must be a list of OPEN, COMPLETED, CANCELLED, REJECTED")
		}
	}
	return list
}

func commaList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// datePattern is the documented pattern of completed_at and created_after. It
// admits no offset but Z.
var datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?)?Z?$`)

func parseCreatedAfter(check *checker, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	if datePattern.MatchString(text) {
		for _, layout := range []string{"2006-01-02T15:04:05", time.DateOnly} {
			if t, err := time.Parse(layout, strings.TrimSuffix(text, "Z")); err == nil {
				return t
			}
		}
	}
	check.fail("created_after", "must be a UTC date or date-time")
	return time.Time{}
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", c.skip, c.emptyPages))
}

func parseCursor(check *checker, text string) cursor {
	var c cursor
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		_, err = fmt.Sscanf(string(plain), "%d.%d", &c.skip, &c.emptyPages)
	}
	if err != nil || c.skip < 0 || c.emptyPages < 0 || c.String() != text {
		check.fail("cursor", "is not one of Kombo's cursors")
	}
	return c
}

func (s *Server) orderPage(q orderQuery, withStatus bool) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.cursor.emptyPages < s.cfg.Quirks.EmptyPages {
		next := cursor{skip: q.cursor.skip, emptyPages: q.cursor.emptyPages + 1}
		return pageAnswer(nullable(next.String()), []any{})
	}
	results := []any{}
	for i, o := range s.listed() {
		if i < q.cursor.skip || !q.matches(o) {
			continue
		}
		if len(results) == q.pageSize {
			next := cursor{skip: i, emptyPages: q.cursor.emptyPages}
			return pageAnswer(nullable(next.String()), results)
		}
		results = append(results, o.listing(withStatus))
	}
	return pageAnswer(nil, results)
}

func pageAnswer(next *string, results []any) answer {
	return answer{data: map[string]any{"next": next, "results": results}}
}

func (s *Server) listed() []*order {
	list := slices.Clone(s.orders)
	if s.cfg.Quirks.NewestFirst {
		slices.Reverse(list)
	}
	return list
}

func (q orderQuery) matches(o *order) bool {
	return o.Integration == q.integration &&
		(len(q.ids) == 0 || slices.Contains(q.ids, o.ID)) &&
		(len(q.statuses) == 0 || slices.Contains(q.statuses, o.Status)) &&
		!o.CreatedAt.Before(q.createdAfter)
}
