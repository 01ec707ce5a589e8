package outbound

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assessbridge/assessbridge/assessment"
)

// Problems collects what is wrong with what is to be sent. The zero value is
// ready to use.
type Problems struct {
	assessment.ValidationError
}

// Join adds the problems of err, which is nil or an
// [*assessment.ValidationError], with prefix before each path.
func (p *Problems) Join(prefix string, err error) {
	if err == nil {
		return
	}
	var invalid *assessment.ValidationError
	if !errors.As(err, &invalid) {
		return
	}
	for _, problem := range invalid.Problems {
		p.Add(prefix+problem.Path, problem.Message)
	}
}

// Text notes a text that cannot be sent as it is: encoding/json would replace
// bytes that are not UTF-8 without a word, and a NUL breaks the databases behind
// the vendors.
func (p *Problems) Text(path, text string) {
	switch {
	case !utf8.ValidString(text):
		p.Add(path, "not valid UTF-8")
	case strings.IndexByte(text, 0) >= 0:
		p.Add(path, "contains a NUL")
	}
}

// Name notes a text that is missing, shows nothing, or cannot be sent as it is.
func (p *Problems) Name(path, text string) {
	if strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || invisible(r) }) == "" {
		p.Add(path, "required")
		return
	}
	p.Text(path, text)
}

// ID is [Problems.Name] for an id that people type or compare. It follows the rule
// by which packages are left out of a list that a vendor asks for.
func (p *Problems) ID(path, text string) {
	if text != strings.TrimSpace(text) || strings.ContainsFunc(text, invisible) {
		p.Add(path, "has characters that cannot be seen")
		return
	}
	p.Name(path, text)
}

// invisible says whether a character leaves no mark: controls, and the format
// characters that Unicode has for the width and direction of others.
func invisible(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// Object notes free-form JSON that is there and is no object, or holds text that
// cannot be sent. The rules are those for [assessment.Result.Passthrough].
func (p *Problems) Object(path string, raw json.RawMessage) {
	if raw == nil {
		return
	}
	const vendor = ""
	var own Problems
	own.Join("", assessment.Result{
		Status: assessment.StatusOpen, Passthrough: map[assessment.Vendor]json.RawMessage{vendor: raw},
	}.Validate())
	for _, problem := range own.Problems {
		p.Add(path, problem.Message)
	}
}

// RefRules say what a client requires of a reference.
type RefRules struct {
	Vendor     assessment.Vendor
	Connection string
	// Account says what the account is, such as "the integration id".
	Account string
	// Kinds: the kind must be known.
	Kinds bool
	// InPath: the id becomes an element of a path.
	InPath bool
}

// Ref notes what is wrong with the reference of an order.
func (p *Problems) Ref(ref assessment.OrderRef, rules RefRules) {
	if ref.Vendor != rules.Vendor {
		p.Add("ref.vendor", "must be "+string(rules.Vendor))
	}
	if ref.Connection != rules.Connection {
		p.Add("ref.connection", "belongs to another client")
	}
	if rules.Kinds && ref.Kind != assessment.KindAssessment && ref.Kind != assessment.KindBackgroundCheck {
		p.Add("ref.kind", "required: assessment or background_check")
	}
	switch {
	case ref.Account == "":
		p.Add("ref.account", "required: "+rules.Account)
	case !utf8.ValidString(ref.Account):
		p.Add("ref.account", "not valid UTF-8")
	case strings.ContainsFunc(ref.Account, unicode.IsControl): // it would end a header
		p.Add("ref.account", "contains a control character")
	}
	if rules.InPath && (ref.ID == "." || ref.ID == "..") { // would change the path of the call
		p.Add("ref.id", "not an order id")
		return
	}
	p.Name("ref.id", ref.ID)
}
