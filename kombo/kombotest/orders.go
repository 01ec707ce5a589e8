package kombotest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

// order is the state behind an Order. Its Data is that of the event.
type order struct {
	Order
	number int // of all orders ever placed
	event  Event
}

func (o *order) snapshot() Order {
	c := o.Order
	c.DeliveryFaults = slices.Clone(c.DeliveryFaults)
	c.Results = slices.Clone(c.Results)
	c.Attachments = slices.Clone(c.Attachments)
	c.Data = slices.Clone(o.event.Data)
	return c
}

// listing is the order object of the API: without integration_id, and with the
// status of now.
func (o *order) listing(withStatus bool) map[string]any {
	data := simkit.DecodeObject(o.event.Data)
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
	started    bool
	from       int // number of the first order that is left
	emptyPages int // already given
}

// isPast tells whether an order was on an earlier page.
func (c cursor) isPast(o *order, newestFirst bool) bool {
	if newestFirst {
		return c.started && o.number > c.from
	}
	return c.started && o.number < c.from
}

func (s *Server) getOrders(c *simkit.Call) (answer, *refusal) {
	q, problem := readOrderQuery(c, true)
	if problem != nil {
		return answer{}, problem
	}
	return s.listOrders(q, true), nil
}

func (s *Server) getOpenOrders(c *simkit.Call) (answer, *refusal) {
	q, problem := readOrderQuery(c, false)
	if problem != nil {
		return answer{}, problem
	}
	q.statuses = []string{StatusOpen}
	return s.listOrders(q, false), nil
}

func readOrderQuery(c *simkit.Call, filters bool) (orderQuery, *refusal) {
	check := &simkit.Checker{}
	q := orderQuery{integration: c.Account, pageSize: 100}
	known := []string{"cursor", "page_size"}
	if text := single(check, c, "cursor"); text != "" {
		q.cursor = parseCursor(check, text)
	}
	if text := single(check, c, "page_size"); c.Query.Has("page_size") {
		q.pageSize = parsePageSize(check, text)
	}
	if filters {
		known = append(known, "ids", "statuses", "created_after")
		q.ids = commaList(single(check, c, "ids"))
		q.statuses = parseStatuses(check, single(check, c, "statuses"))
		q.createdAfter = parseCreatedAfter(check, single(check, c, "created_after"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Query)) {
		if !slices.Contains(known, name) {
			c.Note("unknown query parameter " + name)
		}
	}
	return q, invalid(check)
}

// single returns a query parameter that may be given once: lists go into one
// parameter, separated by commas.
func single(check *simkit.Checker, c *simkit.Call, name string) string {
	if len(c.Query[name]) > 1 {
		check.Fail(name, "must be given once")
	}
	return c.Query.Get(name)
}

func parsePageSize(check *simkit.Checker, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 250 {
		check.Fail("page_size", "must be an integer from 1 to 250")
	}
	return n
}

func parseStatuses(check *simkit.Checker, text string) []string {
	list := commaList(text)
	for _, status := range list {
		if !slices.Contains([]string{StatusOpen, StatusCompleted, StatusCancelled, StatusRejected}, status) {
			check.Fail("statuses", "must be a list of OPEN, COMPLETED, CANCELLED, REJECTED")
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

func parseCreatedAfter(check *simkit.Checker, text string) time.Time {
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
	check.Fail("created_after", "must be a UTC date or date-time")
	return time.Time{}
}

func (c cursor) String() string {
	from := -1
	if c.started {
		from = c.from
	}
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", from, c.emptyPages))
}

func parseCursor(check *simkit.Checker, text string) cursor {
	var c cursor
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		_, err = fmt.Sscanf(string(plain), "%d.%d", &c.from, &c.emptyPages)
	}
	c.started = c.from >= 0
	if err != nil || c.emptyPages < 0 || c.String() != text {
		check.Fail("cursor", "is not one of Kombo's cursors")
	}
	return c
}

func (s *Server) listOrders(q orderQuery, withStatus bool) answer {
	orders, next := s.page(q, withStatus)
	data := map[string]any{"next": nil, "results": orders}
	if next != nil {
		data["next"] = next.String()
	}
	return answer{data: data}
}

func (q orderQuery) matches(o *order) bool {
	return o.Integration == q.integration &&
		(len(q.statuses) == 0 || slices.Contains(q.statuses, o.Status)) &&
		!o.CreatedAt.Before(q.createdAfter)
}
