package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// The vendors, as in links and commands.
const (
	Kombo    = "kombo"
	StackOne = "stackone"
	Ashby    = "ashby"
)

// Vendors are all vendors, in the order in which they are shown.
var Vendors = []string{Kombo, StackOne, Ashby}

// label is the name of a vendor as people write it.
func label(vendor string) string {
	switch vendor {
	case Kombo:
		return "Kombo"
	case StackOne:
		return "StackOne"
	case Ashby:
		return "Ashby"
	}
	return vendor
}

// The kinds of order.
const (
	KindOrder      = "order"
	KindInline     = "inline-order"     // Kombo: the candidate waits for the link
	KindBackground = "background-check" // StackOne
)

// atsNames are the names of those ATSs whose ids are not the name in lower case.
var atsNames = map[string]string{
	"smartrecruiters": "SmartRecruiters", "successfactors": "SAP SuccessFactors", "sapsuccessfactors_ats": "SAP SuccessFactors",
}

// atsLabel is the name of an ATS as people write it.
func atsLabel(id string) string {
	if name := atsNames[strings.ToLower(id)]; name != "" {
		return name
	}
	first, size := utf8.DecodeRuneInString(id)
	if size == 0 {
		return "the ATS"
	}
	return string(unicode.ToUpper(first)) + id[size:]
}

// Request is an order that a recruiter places.
type Request struct {
	Vendor   string `json:"vendor"`
	Kind     string `json:"kind,omitempty"`     // empty: KindOrder
	Customer string `json:"customer,omitempty"` // empty: the first of the vendor
	Package  string `json:"package,omitempty"`  // empty: the first that is offered
	First    string `json:"first,omitempty"`
	Last     string `json:"last,omitempty"`
	Email    string `json:"email,omitempty"`
	// Set overrides fields of the order by dotted path.
	Set    map[string]any `json:"set,omitempty"`
	Faults []string       `json:"faults,omitempty"`
	Twice  bool           `json:"twice,omitempty"` // the same order two times at once
}

// The default candidate lives at a domain that nobody owns.
const (
	defaultFirst = "Robin"
	defaultLast  = "Example"
	defaultEmail = "robin@example.com"
)

func (r Request) withCandidate() Request {
	r.First = orDefault(r.First, defaultFirst)
	r.Last = orDefault(r.Last, defaultLast)
	r.Email = orDefault(r.Email, defaultEmail)
	r.Kind = orDefault(r.Kind, KindOrder)
	return r
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Judged is a message to the provider and what follows of its answer.
type Judged struct {
	exchange int // 0: nothing was sent
	op       string
	order    string
	customer string
	faults   string
	verdict  Verdict
}

// Customer is a company that uses the vendor.
type Customer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	ATS  string `json:"ats"`
	// Of Ashby, where every customer has keys of its own; empty: those of the vendor.
	PartnerKey string `json:"-"`
	Key        string `json:"-"`
}

// atsOf is the name of the ATS of a customer.
func atsOf(customers []Customer, id string) string {
	i := slices.IndexFunc(customers, func(c Customer) bool { return c.ID == id })
	if i < 0 {
		return atsLabel("")
	}
	return atsLabel(customers[i].ATS)
}

// Package is what the ATS lists.
type Package struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Line is one datum of a result as the ATS shows it.
type Line struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// File is an attachment of a result. It has Data or a Link.
type File struct {
	Name string `json:"name"`
	Link string `json:"link,omitempty"`
	Data []byte `json:"-"`
}

// Card is an order as the ATS shows it.
type Card struct {
	Vendor    string    `json:"vendor"`
	ID        string    `json:"id"`
	TheirID   string    `json:"provider_order"` // the id by which the provider knows it; empty: it knows none
	Customer  string    `json:"customer"`
	ATS       string    `json:"ats"` // as people write it
	Package   string    `json:"package"`
	Candidate string    `json:"candidate"`
	Status    string    `json:"status"` // as the vendor writes it
	Group     Group     `json:"group"`
	Link      string    `json:"link,omitempty"`
	Score     string    `json:"score,omitempty"`
	ScoreName string    `json:"score_name,omitempty"` // as the provider labels it
	Lines     []Line    `json:"lines,omitempty"`
	Hidden    []Line    `json:"hidden,omitempty"` // what the provider wrote and the ATS does not show
	Files     []File    `json:"files,omitempty"`
	Message   string    `json:"message,omitempty"` // for the recruiter
	Note      string    `json:"note,omitempty"`    // what went wrong and the ATS does not show
	At        time.Time `json:"-"`
	Verbs     []Verb    `json:"-"`
}

// summary is the state of an order in a few words.
func (c Card) summary() string {
	if c.Score != "" {
		return c.Status + ", score " + c.Score
	}
	return orDefault(c.Status, "an open order")
}

// Group is where an order stands.
type Group string

// The groups, in the order in which they are shown.
const (
	Open      Group = "open"
	Finished  Group = "completed"
	Declined  Group = "rejected"
	Cancelled Group = "cancelled"
)

var groups = []Group{Open, Finished, Declined, Cancelled}

// Verb is something that a recruiter or an admin can do.
type Verb struct{ Name, Label, Why string }

// The verbs of an order and of a customer.
var (
	verbAgain     = Verb{"again", "Order again", "a new order with the same data"}
	verbRedeliver = Verb{"redeliver", "Send again", "the vendor sends the same order once more"}
	verbTwice     = Verb{"twice", "Twice at once", "the same order, two times at the same moment"}
	verbCancel    = Verb{"cancel", "Cancel", "the recruiter cancels"}
	verbRestart   = Verb{"restart", "Cancel and start again", "the recruiter cancels, mends the data and starts again"}
	verbUpdate    = Verb{"update", "Update", "StackOne tells that the order was updated"}
	verbDelete    = Verb{"delete", "Delete", "StackOne tells that the order was deleted"}

	verbConnect = Verb{"connect", "Connect", "the customer finishes the connection flow"}
	verbReset   = Verb{"reset", "Reset", "Kombo's reset of a sandbox: packages and orders go, and your rows of them are orphans"}
	verbRotate  = Verb{"rotate", "Rotate secret", "signs with another secret from now on"}
	verbRevoke  = Verb{"revoke", "Revoke key", "your calls are answered 401 or 403 from now on"}
	verbExpire  = Verb{"expire", "Expire credentials", "the ATS no longer takes the customer's credentials"}
	verbMend    = Verb{"mend", "Mend credentials", "the credentials of the customer work again"}
	verbPing    = Verb{"ping", "Ping", "the vendor tries the webhook"}
)

// simulator is what the three vendors have in common.
type simulator interface {
	http.Handler
	Close()
	customers() []Customer
	// customerVerbs are what can be done to a customer.
	customerVerbs() []Verb
	// packages are those that the ATS lists, as far as known.
	packages(customer string) []Package
	// ask asks the provider for its packages, if the vendor does.
	ask(ctx context.Context, customer string, faults []string) ([]Judged, error)
	// order places an order, and returns its id in links.
	order(ctx context.Context, r Request) (id string, judged []Judged, err error)
	// again sends the message of an order once more, as it was.
	again(ctx context.Context, id string, faults []string) ([]Judged, error)
	// act does what a verb says to an order.
	act(ctx context.Context, verb, id string) ([]Judged, error)
	// serve does what a verb says to a customer.
	serve(ctx context.Context, verb, customer string) ([]Judged, error)
	// card is an order as the ATS shows it.
	card(id string) (Card, bool)
	// forget drops an order that is no longer listed.
	forget(id string)
	faults() []string
	// failCalls makes the next calls of an operation go wrong.
	failCalls(op, fault string, times int) error
	target(Target)
	// seen is what follows of a call of the API.
	seen(Row) facts
}

var (
	errUnknownOrder    = errors.New("there is no such order")
	errUnknownCustomer = errors.New("there is no such customer")
	errVerb            = errors.New("that cannot be done here")
)

func parsed[F any](names []string, parse func(string) (F, error)) ([]F, error) {
	var list []F
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			continue
		}
		f, err := parse(name)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// repeated asks as often as the faults say. A question, unlike a webhook, is one call at
// the simulators: its repetition is the recruiter's.
func repeated[A any](names []string, ask func() A) []A {
	first, copies := simkit.Repeat(plan(names), func(int) A { return ask() })
	return append([]A{first}, copies...)
}

// unsent is the outcome of a message that was not sent.
func unsent(err error) Outcome {
	if err != nil && strings.Contains(err.Error(), "no target") {
		return NoTarget
	}
	return Lost
}

// textIn returns a text at a path of a JSON document, empty if there is none.
func textIn(body []byte, path ...string) string {
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return ""
	}
	for _, name := range path {
		switch t := tree.(type) {
		case map[string]any:
			tree = t[name]
		case []any:
			if len(t) == 0 {
				return ""
			}
			tree = t[0]
		}
	}
	text, _ := tree.(string)
	return text
}

func fullName(first, last string) string { return strings.TrimSpace(first + " " + last) }

func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
