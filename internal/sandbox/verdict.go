package sandbox

import (
	"fmt"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Outcome is what became of a message, as far as the vendor is concerned.
type Outcome string

// The outcomes. The first ones are of messages to the provider, the last ones of
// its calls.
const (
	Taken       Outcome = "accepted"
	Again       Outcome = "accepted again"
	Rejected    Outcome = "rejected"
	Conflict    Outcome = "conflict"
	Misshapen   Outcome = "misunderstood" // a refusal that the vendor does not read as one
	Failed      Outcome = "failed"
	Unread      Outcome = "answer lost"
	Silent      Outcome = "no answer"
	Unreachable Outcome = "unreachable"
	Lost        Outcome = "lost"
	NoTarget    Outcome = "no endpoint"

	Written Outcome = "written"
	Read    Outcome = "read"
	Refused Outcome = "refused"
	Limited Outcome = "limited"
	Outage  Outcome = "outage"
)

// Class is what a message is about.
type Class string

// The classes.
const (
	OrderClass    Class = "order"
	InlineClass   Class = "inline"
	CancelClass   Class = "cancel"
	PackagesClass Class = "packages"
	EventClass    Class = "event"
	ResultClass   Class = "result"
	CallClass     Class = "call"
)

// Verdict says what an exchange means for the people around it.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"`
	// Assumes is the section of the vendor's contract that is silent on it, so that
	// the verdict rests on an assumption; empty: documented.
	Assumes string `json:"assumes,omitempty"`
	// Broken are the rules that the answer breaks.
	Broken []string `json:"broken,omitempty"`
}

// Good tells whether the vendor understood and went on.
func (v Verdict) Good() bool {
	switch v.Outcome {
	case Taken, Again, Written, Read:
		return len(v.Broken) == 0
	}
	return false
}

// Mark is a word for the state that needs no colour.
func (v Verdict) Mark() string {
	switch {
	case v.Outcome == "":
		return "waiting"
	case len(v.Broken) > 0:
		return "broken"
	}
	return string(v.Outcome)
}

// Tone is how it is coloured: good, bad, odd or wait.
func (v Verdict) Tone() string {
	switch {
	case v.Outcome == "":
		return "wait"
	case v.Good():
		return "good"
	case v.Outcome == Rejected || v.Outcome == Conflict || v.Outcome == Limited:
		return "odd"
	}
	return "bad"
}

// consequence is what follows of an outcome. In the text, {message} stands for the
// text for the recruiter and {detail} for what else the vendor's side knows.
type consequence struct {
	text    string
	assumes string
}

type cause struct {
	vendor  string
	class   Class
	outcome Outcome
}

// consequences are what the people around see, by vendor, class and outcome. "" as
// the vendor is any.
var consequences = map[cause]consequence{
	{Kombo, OrderClass, Taken}:       {"Kombo counts the order as taken; the recruiter sees it as open until your result comes", ""},
	{Kombo, OrderClass, Again}:       {"Kombo counts it as one order, and the recruiter sees one; it must be one invitation at your side too", "4.6"},
	{Kombo, OrderClass, Rejected}:    {"Kombo marks the order as rejected; the recruiter reads “{message}”", ""},
	{Kombo, OrderClass, Misshapen}:   {"this is not Kombo's rejection, which has exactly a status and a message; the order stays open and the recruiter never reads your reason", ""},
	{Kombo, OrderClass, Failed}:      {"Kombo keeps the order open; the recruiter sees nothing yet", ""},
	{Kombo, OrderClass, Unread}:      {"Kombo did not hear it and keeps the order open; if the order comes again, the candidate must not be invited twice", "4.6"},
	{Kombo, OrderClass, Silent}:      {"Kombo keeps the order open; the recruiter sees nothing yet, and the candidate waits", "4.6"},
	{Kombo, OrderClass, Unreachable}: {"Kombo keeps the order open; the recruiter sees nothing yet, and the candidate waits", ""},
	{Kombo, OrderClass, Lost}:        {"the recruiter sees an open order; you learn of it only by asking Kombo for open orders", "4.6"},
	{Kombo, OrderClass, NoTarget}:    {"Kombo has nowhere to send the order; it stays open", ""},

	{Kombo, InlineClass, Taken}:       {"the candidate is sent to {detail}", ""},
	{Kombo, InlineClass, Again}:       {"the candidate is sent to {detail}; it must be one test at your side", "4.6"},
	{Kombo, InlineClass, Rejected}:    {"Kombo marks the order as rejected; what the waiting candidate sees is not documented", "4.5"},
	{Kombo, InlineClass, Misshapen}:   {"this is not Kombo's rejection; the waiting candidate looks at a dead page", "4.5"},
	{Kombo, InlineClass, Failed}:      {"there is no usable assessment_url; the waiting candidate looks at a dead page", "4.5"},
	{Kombo, InlineClass, Unread}:      {"nobody heard it; the waiting candidate looks at a dead page", "4.5"},
	{Kombo, InlineClass, Silent}:      {"most ATSs give up after 15 to 30 seconds; the waiting candidate looks at a dead page", ""},
	{Kombo, InlineClass, Unreachable}: {"the waiting candidate looks at a dead page", "4.5"},
	{Kombo, InlineClass, Lost}:        {"the waiting candidate looks at a dead page", "4.5"},
	{Kombo, InlineClass, NoTarget}:    {"the waiting candidate looks at a dead page", "4.5"},

	{StackOne, OrderClass, Taken}:       {"StackOne counts the event as delivered; the recruiter sees the order as sent until your result comes", ""},
	{StackOne, OrderClass, Again}:       {"StackOne counts it as one order, and the recruiter sees one; it must be one invitation at your side too", "7.6"},
	{StackOne, OrderClass, Failed}:      {"StackOne counts the event as not delivered and promises no second try; the recruiter sees the order as sent, and nothing comes of it", "7.6"},
	{StackOne, OrderClass, Unread}:      {"StackOne did not hear it; if the event comes again, the candidate must not be invited twice", "7.6"},
	{StackOne, OrderClass, Silent}:      {"StackOne counts the event as not delivered and promises no second try; the recruiter sees the order as sent", "7.6"},
	{StackOne, OrderClass, Unreachable}: {"StackOne counts the event as not delivered and promises no second try; the recruiter sees the order as sent", "7.6"},
	{StackOne, OrderClass, Lost}:        {"the recruiter sees the order as sent; nobody ever tells you of it", "7.6"},
	{StackOne, OrderClass, NoTarget}:    {"StackOne has nowhere to send the event; the recruiter sees the order as sent", ""},

	{StackOne, PackagesClass, Taken}:       {"the recruiter sees {detail}", ""},
	{StackOne, PackagesClass, Misshapen}:   {"the recruiter reads “packages unavailable”", ""},
	{StackOne, PackagesClass, Failed}:      {"the recruiter reads “packages unavailable”", ""},
	{StackOne, PackagesClass, Silent}:      {"the recruiter waits in the dialog and reads “packages unavailable”", "6.2"},
	{StackOne, PackagesClass, Unread}:      {"the recruiter reads “packages unavailable”", ""},
	{StackOne, PackagesClass, Unreachable}: {"the recruiter reads “packages unavailable”", ""},
	{StackOne, PackagesClass, Lost}:        {"the recruiter reads “packages unavailable”", ""},
	{StackOne, PackagesClass, NoTarget}:    {"the recruiter reads “packages unavailable”", ""},

	{Ashby, OrderClass, Taken}:       {"Ashby holds a live assessment; the recruiter sees that it was started", ""},
	{Ashby, OrderClass, Again}:       {"Ashby got the id of the live assessment once more; the recruiter sees one assessment", "5.4"},
	{Ashby, OrderClass, Rejected}:    {"the assessment does not start; the recruiter reads “{message}”", ""},
	{Ashby, OrderClass, Conflict}:    {"the recruiter is told that the candidate is already being assessed; no text of yours is shown", ""},
	{Ashby, OrderClass, Misshapen}:   {"Ashby cannot read a reason in it; the assessment does not start, and the recruiter sees an error", "5.3"},
	{Ashby, OrderClass, Failed}:      {"the stage hangs at “starting”; the recruiter sees no reason", "5.3"},
	{Ashby, OrderClass, Unread}:      {"Ashby did not hear the id; if the start comes again, the candidate must not be invited twice", "5.4"},
	{Ashby, OrderClass, Silent}:      {"the stage hangs at “starting”; the recruiter sees no reason", "5.3"},
	{Ashby, OrderClass, Unreachable}: {"the stage hangs at “starting”; the recruiter sees no reason", "5.3"},
	{Ashby, OrderClass, Lost}:        {"the stage hangs at “starting”; you never hear of it", "5.4"},
	{Ashby, OrderClass, NoTarget}:    {"the stage hangs at “starting”: Ashby has no base URL of yours", ""},

	{Ashby, CancelClass, Taken}:       {"the assessment is cancelled; the recruiter may start it again", ""},
	{Ashby, CancelClass, Rejected}:    {"the assessment stays live; the recruiter reads “{message}”", ""},
	{Ashby, CancelClass, Misshapen}:   {"the assessment stays live; the cancel button fails", "5.5"},
	{Ashby, CancelClass, Failed}:      {"the assessment stays live; the cancel button fails", "5.5"},
	{Ashby, CancelClass, Unread}:      {"Ashby did not hear it: the assessment stays live there, while you have cancelled it", "5.5"},
	{Ashby, CancelClass, Silent}:      {"the assessment stays live; the cancel button fails", "5.5"},
	{Ashby, CancelClass, Unreachable}: {"the assessment stays live; the cancel button fails", "5.5"},
	{Ashby, CancelClass, Lost}:        {"the assessment stays live; you never hear of it", "5.5"},
	{Ashby, CancelClass, NoTarget}:    {"the assessment stays live: Ashby has no base URL of yours", ""},

	{Ashby, PackagesClass, Taken}:       {"the customer can pick from {detail}", ""},
	{Ashby, PackagesClass, Misshapen}:   {"the drop-down is empty; no assessment can be picked", ""},
	{Ashby, PackagesClass, Failed}:      {"the drop-down is empty; no assessment can be picked", ""},
	{Ashby, PackagesClass, Rejected}:    {"the drop-down is empty; no assessment can be picked", ""},
	{Ashby, PackagesClass, Silent}:      {"the drop-down is empty; no assessment can be picked", ""},
	{Ashby, PackagesClass, Unread}:      {"the drop-down is empty; no assessment can be picked", ""},
	{Ashby, PackagesClass, Unreachable}: {"the drop-down is empty; no assessment can be picked", ""},
	{Ashby, PackagesClass, Lost}:        {"the drop-down is empty; no assessment can be picked", ""},
	{Ashby, PackagesClass, NoTarget}:    {"the drop-down is empty: Ashby has no base URL of yours", ""},

	{"", EventClass, Taken}:       {"the event counts as delivered; no recruiter sees it", ""},
	{"", EventClass, Again}:       {"the event counts as delivered; no recruiter sees it", ""},
	{"", EventClass, Rejected}:    {"the event counts as not delivered; no recruiter sees it", ""},
	{"", EventClass, Misshapen}:   {"the event counts as not delivered; no recruiter sees it", ""},
	{"", EventClass, Failed}:      {"the event counts as not delivered; no recruiter sees it", ""},
	{"", EventClass, Unread}:      {"nobody heard it; no recruiter sees it", ""},
	{"", EventClass, Silent}:      {"the event counts as not delivered; no recruiter sees it", ""},
	{"", EventClass, Unreachable}: {"the event counts as not delivered; no recruiter sees it", ""},
	{"", EventClass, Lost}:        {"you never hear of it", ""},
	{"", EventClass, NoTarget}:    {"there is nowhere to send it", ""},

	{Kombo, ResultClass, Written}:    {"Kombo took your result; the recruiter sees {detail}", ""},
	{StackOne, ResultClass, Written}: {"StackOne took your result; the recruiter sees {detail}", ""},
	{Ashby, ResultClass, Written}:    {"Ashby took your update; the recruiter sees {detail}", ""},
	{"", ResultClass, Refused}:       {"{vendor} did not take it{message}; nothing changes for the recruiter", ""},
	{"", ResultClass, Limited}:       {"{vendor} took nothing; write it again later, or the recruiter never sees it", ""},
	{"", ResultClass, Outage}:        {"you cannot know whether {vendor} took it; write it again, or the recruiter may never see it", ""},
	{"", CallClass, Written}:         {"{vendor} took it", ""},
	{"", CallClass, Read}:            {"{vendor} told you what it holds", ""},
	{"", CallClass, Refused}:         {"{vendor} did not take it{message}", ""},
	{"", CallClass, Limited}:         {"{vendor} asks you to slow down", ""},
	{"", CallClass, Outage}:          {"{vendor} was not able to answer; ask again", ""},
}

// facts are what a verdict is made of.
type facts struct {
	vendor  string
	class   Class
	outcome Outcome
	status  int
	message string // for the recruiter, or of a refusal
	detail  string
	broken  []string
	faults  []string // with which it was sent
	assumes string   // the section that is silent on this one; empty: that of the table
}

// verdict says what follows of facts.
func (f facts) verdict() Verdict {
	c, found := consequences[cause{f.vendor, f.class, f.outcome}]
	if !found {
		c, found = consequences[cause{"", f.class, f.outcome}]
	}
	if !found {
		c = consequences[cause{f.vendor, f.class, Failed}]
	}
	wording := c.text
	if strings.TrimSpace(f.message) == "" {
		wording = strings.ReplaceAll(wording, "reads “{message}”", "reads no reason")
	}
	text := strings.NewReplacer("{message}", f.message, "{detail}", f.detail, "{vendor}", label(f.vendor)).Replace(wording)
	return Verdict{Outcome: f.outcome, Text: f.lateness() + f.opening() + ": " + sentence(text), Assumes: orDefault(f.assumes, c.assumes), Broken: f.broken}
}

// sentence ends a text with a full stop, unless it ends with a quotation that has one.
func sentence(text string) string {
	quoted, isQuotation := strings.CutSuffix(text, "”")
	if isQuotation && strings.TrimRight(quoted, ".!?…") != quoted {
		return text
	}
	return text + "."
}

// aside is the message of a refusal, to be put behind a statement.
func aside(message string) string {
	message = strings.TrimRight(strings.TrimSpace(message), ".")
	if message == "" {
		return ""
	}
	return " (" + message + ")"
}

// meanwhile is what was to be seen while an order was on its way.
var meanwhile = map[cause]string{
	{vendor: Kombo, class: OrderClass}:    "the recruiter saw an open order",
	{vendor: Kombo, class: InlineClass}:   "the candidate waited for the link",
	{vendor: StackOne, class: OrderClass}: "the recruiter saw the order as sent",
	{vendor: Ashby, class: OrderClass}:    "the recruiter saw “starting”",
	{vendor: Ashby, class: CancelClass}:   "the recruiter saw a live assessment",
}

// lateness says by how much a message was late, and what that meant; empty: it was not.
func (f facts) lateness() string {
	late := plan(f.faults).Late
	if late <= 0 || f.outcome == Lost || f.outcome == NoTarget {
		return ""
	}
	text := fmt.Sprintf("It was sent %s late", late)
	if seen := meanwhile[cause{vendor: f.vendor, class: f.class}]; seen != "" {
		text += "; until then " + seen
	}
	return text + ". "
}

// plan is what those of the faults do that are the same at every vendor.
func plan(faults []string) *simkit.Plan {
	var known []simkit.DeliveryFault
	for _, name := range faults {
		if f, err := simkit.ParseDeliveryFault(simkit.DeliveryFaults(nil, nil, ""), name); err == nil {
			known = append(known, f)
		}
	}
	return simkit.NewPlan(known...)
}

// opening says what happened.
func (f facts) opening() string {
	switch f.outcome {
	case Lost:
		return "Lost before it was sent"
	case NoTarget:
		return "Nothing was sent"
	case Unreachable:
		return "Nobody listens at your endpoint"
	case Silent:
		return "You did not answer"
	case Unread:
		return "Your answer was lost on the way"
	case Again:
		return fmt.Sprintf("It came once more and you answered %d", f.status)
	case Written, Read, Refused, Limited, Outage:
		if f.status == 0 {
			return "You got no answer"
		}
		return fmt.Sprintf("You got %d", f.status)
	}
	return fmt.Sprintf("You answered %d", f.status)
}

// called is the outcome of a call of the API by its status.
func called(status int, method string) Outcome {
	switch {
	case status == 0 || status >= 500:
		return Outage
	case status == 429:
		return Limited
	case status >= 300:
		return Refused
	case method == "GET":
		return Read
	}
	return Written
}

// unanswered is the outcome of a message that got no answer.
func unanswered(err string) Outcome {
	for _, text := range []string{"connection refused", "no such host", "network is unreachable", "no route to host"} {
		if strings.Contains(err, text) {
			return Unreachable
		}
	}
	return Silent
}
