package ashbytest

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"
)

// DeliveryOption changes one request that Ashby sends: whose it is, or how it goes
// wrong. Options can be combined; one that does not fit (a signature for a call, a
// key for a webhook) has no effect.
type DeliveryOption struct {
	name  string
	apply func(*plan)
}

// String returns the name of the option, as in [Exchange.Fault]; that of [From] is
// empty, because it is no fault.
func (o DeliveryOption) String() string { return o.name }

// plan is how one request is sent, with all options taken together.
type plan struct {
	names        []string
	organization string
	op           string
	header       http.Header
	edits        []func(tree any)
	mangles      []func([]byte) []byte

	// how a call is authenticated; nil: with the customer's partner key
	authorization func(key string) string
	wrongKey      bool

	// how a webhook is signed; nil: with the secret
	sign func(secret, old string, body []byte) string

	lost         bool
	late         time.Duration
	copies       int
	atOnce       bool
	hangsUp      bool
	hangUpAfter  time.Duration
	ignoreAnswer bool
}

func newPlan(options []DeliveryOption) *plan {
	p := &plan{header: http.Header{"Content-Type": {"application/json"}}}
	for _, o := range options {
		if o.apply == nil {
			continue // the zero value changes nothing
		}
		if o.name != "" {
			p.names = append(p.names, o.name)
		}
		o.apply(p)
	}
	return p
}

func (p *plan) fault() string { return strings.Join(p.names, ", ") }

func (p *plan) mangle(body []byte) []byte {
	for _, mangle := range p.mangles {
		body = mangle(body)
	}
	return body
}

// From makes another organization send it; the empty name is the first one.
func From(organization string) DeliveryOption {
	return DeliveryOption{"", func(p *plan) { p.organization = organization }}
}

// Under calls another operation than the usual one, with the same body, as in
// SyncCustomFields(ctx, Under(OpCustomFieldsFetch)).
func Under(op string) DeliveryOption {
	return DeliveryOption{"under " + op, func(p *plan) { p.op = op }}
}

// Header sets a header, or removes it if the value is empty.
func Header(name, value string) DeliveryOption {
	return DeliveryOption{"header " + name, func(p *plan) {
		p.header.Del(name)
		if value != "" {
			p.header.Set(name, value)
		}
	}}
}

// Lost does not send it at all.
func Lost() DeliveryOption {
	return DeliveryOption{"lost", func(p *plan) { p.lost = true }}
}

// Late sends it after a while, or not at all if the context ends before.
func Late(after time.Duration) DeliveryOption {
	return DeliveryOption{"late", func(p *plan) { p.late = after }}
}

// HangUp makes Ashby close the connection a while after it has sent the request, or
// at once if the duration is zero. An answer that comes before counts.
func HangUp(after time.Duration) DeliveryOption {
	return DeliveryOption{"hang up", func(p *plan) { p.hangsUp, p.hangUpAfter = true, after }}
}

// AnswerLost lets the provider answer, and the answer is lost on the way: Ashby
// learns nothing from it. The test still sees the answer and its violations.
func AnswerLost() DeliveryOption {
	return DeliveryOption{"answer lost", func(p *plan) { p.ignoreAnswer = true }}
}

// WithBody sends these bytes instead.
func WithBody(body []byte) DeliveryOption {
	return mangled("with body", func([]byte) []byte { return body })
}

// OversizedBody fills the body up with blanks, which JSON allows, to at least the
// given number of bytes.
func OversizedBody(size int) DeliveryOption {
	return mangled("oversized body", func(body []byte) []byte {
		return append(slices.Clone(body), bytes.Repeat([]byte{' '}, max(size-len(body), 0))...)
	})
}

// TruncatedBody sends the first half of the body; a webhook is correctly signed.
func TruncatedBody() DeliveryOption {
	return mangled("truncated body", func(body []byte) []byte { return body[:len(body)/2] })
}

func mangled(name string, mangle func([]byte) []byte) DeliveryOption {
	return DeliveryOption{name, func(p *plan) { p.mangles = append(p.mangles, mangle) }}
}
