package main

import (
	"errors"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// The questions and answers of the operator's commands: JSON on the second port, and
// what --format json prints. None of them holds anything about a candidate but the
// vendor's id of one, where a command is about a candidate.

// what a command can be about.
const (
	aboutResults = "results"
	aboutOrders  = "orders"
)

// scope names a vendor, one of its connections and a customer of it.
type scope struct {
	Vendor     assessment.Vendor `json:"vendor,omitempty"`
	Connection string            `json:"connection,omitempty"`
	Account    string            `json:"account,omitempty"`
}

// route is the route that is meant, empty for all.
func (s scope) route() string {
	if s.Vendor == "" {
		return ""
	}
	return sqlstore.Route(s.Vendor, s.Connection)
}

func (s scope) integration() sqlstore.Integration {
	return sqlstore.Integration{Vendor: s.Vendor, Connection: s.Connection, Account: s.Account}
}

// which chooses what needs attention. What is empty does not limit.
type which struct {
	scope
	What      string    `json:"what,omitempty"`  // results or orders
	State     string    `json:"state,omitempty"` // of orders the reason
	Code      string    `json:"code,omitempty"`
	Operation string    `json:"operation,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	Orders    []string  `json:"orders,omitempty"` // as text of references
}

func (w which) filter() (sqlstore.Filter, error) {
	refs, err := references(w.Orders)
	return sqlstore.Filter{
		Route: w.route(), Account: w.Account, State: w.State, Code: w.Code, Operation: w.Operation,
		Since: w.Since, Until: w.Until, Refs: refs,
	}, err
}

func (w which) orderFilter() (sqlstore.OrderFilter, error) {
	refs, err := references(w.Orders)
	return sqlstore.OrderFilter{Route: w.route(), Account: w.Account, Reason: w.State, Since: w.Since, Until: w.Until, Refs: refs}, err
}

// errReference does not repeat the text, which may be anything.
var errReference = errors.New("not a reference of an order")

func references(texts []string) ([]assessment.OrderRef, error) {
	refs := make([]assessment.OrderRef, len(texts))
	for i, text := range texts {
		var err error
		if refs[i], err = assessment.ParseOrderRef(text); err != nil {
			return nil, errReference
		}
	}
	return refs, nil
}

// person says who does something by hand, and why.
type person struct {
	Actor  string `json:"actor,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (p person) act() sqlstore.Act { return sqlstore.Act{Actor: p.Actor, Reason: p.Reason} }

type attentionQuestion struct {
	which
	After int64 `json:"after,omitempty"` // the row after which to go on
	// AfterOrder and AfterMade are those of the order after which to go on.
	AfterOrder string    `json:"after_order,omitempty"`
	AfterMade  time.Time `json:"after_made,omitzero"`
	Max        int       `json:"max,omitempty"`
}

// row is a result or an order that needs attention.
type row struct {
	What       string    `json:"what"` // result or order
	Row        int64     `json:"row,omitempty"`
	Order      string    `json:"order"`
	State      string    `json:"state"`
	Reason     string    `json:"reason,omitempty"`
	HTTPStatus int       `json:"http_status,omitempty"`
	Code       string    `json:"code,omitempty"`
	Operation  string    `json:"operation,omitempty"`
	RequestID  string    `json:"request_id,omitempty"`
	Tries      int       `json:"tries,omitempty"`
	Made       time.Time `json:"made"`
	Settled    time.Time `json:"settled,omitzero"`
	HasBody    bool      `json:"has_body"` // without it there is nothing to re-drive
}

type attentionAnswer struct {
	Rows []row `json:"rows"`
	Next int64 `json:"next,omitempty"` // the row after which to go on; zero: these are all
	More bool  `json:"more,omitempty"` // of orders: go on after the last
}

type manyQuestion struct {
	which
	person
	Uncertain bool `json:"uncertain,omitempty"`
	Late      bool `json:"late,omitempty"`
	DryRun    bool `json:"dry_run,omitempty"`
	Max       int  `json:"max,omitempty"`
	PerMinute int  `json:"per_minute,omitempty"`
}

type manyAnswer struct {
	What    string    `json:"what"`
	DryRun  bool      `json:"dry_run,omitempty"`
	Matched int       `json:"matched"`
	Newer   int       `json:"newer,omitempty"`   // left out: the vendor has a newer one
	Gone    int       `json:"gone,omitempty"`    // left out: the content was removed
	Held    int       `json:"held,omitempty"`    // left out: starts are switched off
	Running int       `json:"running,omitempty"` // left out: a worker is at it
	Changed int       `json:"changed"`           // in a dry run: would be
	Due     time.Time `json:"due,omitzero"`      // when the last becomes due
	AsOf    time.Time `json:"as_of,omitzero"`    // the database's time of the count
}

type switchQuestion struct {
	person
	scope
	Switch sqlstore.Switch `json:"switch"`
	On     bool            `json:"on"`
}

// switchAnswer says what is closed behind the switch afterwards, or was before it
// was opened.
type switchAnswer struct {
	Gates []gate `json:"gates"`
}

type gate struct {
	Route   string          `json:"route"`
	Account string          `json:"account,omitempty"`
	What    sqlstore.Switch `json:"what"`
	Kind    assessment.Kind `json:"kind,omitempty"`
	Cause   string          `json:"cause"`
	Since   time.Time       `json:"since"`
	Opens   time.Time       `json:"opens,omitzero"` // when it opens or is tried; zero: by hand only
	By      string          `json:"by,omitempty"`
	Pending int             `json:"pending"`
}

type gatesQuestion struct{}

type gatesAnswer struct {
	Gates []gate `json:"gates"`
	// NoKey are results that wait because there is no key for their accounts.
	NoKey int `json:"no_key,omitempty"`
}

// subjectQuestion names a candidate by the vendor's id.
type subjectQuestion struct {
	scope
	Candidate string `json:"candidate"`
}

type eraseQuestion struct {
	person
	subjectQuestion
	Orders []string `json:"orders,omitempty"`
}

type eraseAnswer struct {
	Erased  []string `json:"erased"`
	Unknown []string `json:"unknown,omitempty"`
}

type subjectAnswer struct {
	Orders []subjectOrder `json:"orders"`
}

type subjectOrder struct {
	Order   string          `json:"order"`
	State   string          `json:"state"`
	Made    time.Time       `json:"made"`
	Results []subjectResult `json:"results"`
}

type subjectResult struct {
	State   string    `json:"state"`
	Final   bool      `json:"final"`
	Made    time.Time `json:"made"`
	Settled time.Time `json:"settled,omitzero"`
	HasBody bool      `json:"has_body"`
}

type offboardQuestion struct {
	person
	scope
	Keep   bool  `json:"keep,omitempty"`
	DryRun bool  `json:"dry_run,omitempty"`
	Most   int64 `json:"most,omitempty"`
}

// offboardAnswer counts what was removed, or would be. Jobs and files need no
// confirmation and are not among the rows.
type offboardAnswer struct {
	sqlstore.Offboarded
	Rows   int64 `json:"rows"`
	Jobs   int   `json:"jobs,omitempty"`
	Files  int   `json:"files,omitempty"`
	DryRun bool  `json:"dry_run,omitempty"`
	Done   bool  `json:"done"`
}

type readmitQuestion struct {
	person
	scope
}

type readmitAnswer struct {
	Account string `json:"account"`
}

// rejectQuestion says no to the recruiters of orders that wait, in these words.
type rejectQuestion struct {
	person
	Orders []string `json:"orders"`
	Text   string   `json:"text"`
}

type rejectAnswer struct {
	Rejected []string `json:"rejected"`
	Unknown  []string `json:"unknown,omitempty"` // none of them waits
}

// lostQuestion is about orders that were created since then and that nobody took.
type lostQuestion struct {
	person
	scope
	Since  time.Time `json:"since"`
	DryRun bool      `json:"dry_run,omitempty"`
}

type backfillAnswer struct {
	Open   int  `json:"open"`             // orders that the vendor lists
	Lost   int  `json:"lost"`             // of them nobody has taken
	Young  int  `json:"young,omitempty"`  // of those are left to their webhook
	Queued int  `json:"queued,omitempty"` // will be started
	DryRun bool `json:"dry_run,omitempty"`
}

type lostAnswer struct {
	Integrations int       `json:"integrations"`
	Since        time.Time `json:"since"`
	DryRun       bool      `json:"dry_run,omitempty"`
}

type timelineQuestion struct {
	Order string `json:"order"`
}

type timelineAnswer struct {
	Notes []note `json:"notes"`
}

type note struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	sqlstore.Detail
}
