package webhook

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a signed time may be from now where a scheme does
// not say: five minutes.
const DefaultTolerance = 5 * time.Minute

// Timestamp says where the time stands that a sender signs along with the body,
// in whole seconds since 1970, so that a recorded delivery is of no use later.
// Either Element or Header is required; the zero value is a scheme without a time.
//
//	// Stripe-Signature: t=1767225600,v1=5257a869…
//	webhook.Scheme{Header: "Stripe-Signature", Prefix: "v1=", Encoding: webhook.Hex,
//		Timestamp: webhook.Timestamp{Element: "t=", Separator: "."}}
//
//	// X-Slack-Request-Timestamp: 1767225600, X-Slack-Signature: v0=a2114d57…
//	webhook.Scheme{Header: "X-Slack-Signature", Prefix: "v0=", Encoding: webhook.Hex,
//		Timestamp: webhook.Timestamp{Header: "X-Slack-Request-Timestamp", Lead: "v0:", Separator: ":"}}
type Timestamp struct {
	// Element is what the time stands behind in the signature's own header, such
	// as "t=". The header is then a list with commas, and each of its elements
	// with the scheme's Prefix is a signature, of which one has to be good.
	Element string
	// Header is the name of a header of its own that holds the time.
	Header string
	// Lead and Separator are signed too: Lead, time, Separator, body.
	Lead, Separator string
	// Tolerance is how far the time may be from now, in either direction;
	// [DefaultTolerance] if zero.
	Tolerance time.Duration
}

func (t Timestamp) used() bool { return t != Timestamp{} }

func (t Timestamp) normalized(s Scheme) (Timestamp, error) {
	switch {
	case !t.used():
		return t, nil
	case s.Encoding == Token:
		return t, errors.New("webhook: a token signs no time")
	case (t.Element == "") == (strings.TrimSpace(t.Header) == ""):
		return t, errors.New("webhook: a timestamp needs either an element or a header")
	case t.Element != "" && (s.Prefix == "" || strings.Contains(t.Element+s.Prefix, ",")):
		return t, errors.New("webhook: the elements of a header need prefixes without a comma")
	case t.Element != "" && (strings.HasPrefix(t.Element, s.Prefix) || strings.HasPrefix(s.Prefix, t.Element)):
		return t, errors.New("webhook: the prefixes of time and signature cannot be told apart")
	case t.Tolerance < 0:
		return t, errors.New("webhook: negative tolerance")
	case len(t.Lead)+len(t.Separator) > maxLead:
		return t, errors.New("webhook: lead and separator are too long")
	case t.Tolerance == 0:
		t.Tolerance = DefaultTolerance
	}
	t.Header = textproto.CanonicalMIMEHeaderKey(t.Header)
	return t, nil
}

const (
	// maxSignatures is how many signatures a header may list: as many as secrets
	// that a sender rotates between, and some more.
	maxSignatures = 8
	// maxDigits reaches further than any clock.
	maxDigits = 12
	maxLead   = 64
)

// presented is what a header says.
type presented struct {
	macs [maxSignatures][macLen]byte
	n    int
	time string // as it is signed
}

// read takes the headers apart. The error is [ErrNoSignature] or wraps
// [ErrBadSignature]; it allocates nothing.
func (s *Scheme) read(header http.Header, p *presented) error {
	value, err := HeaderValue(header, s.Header)
	if err != nil {
		return err
	}
	if len(value) > maxHeader {
		return errMalformed
	}
	if s.Timestamp.Element != "" {
		return s.readList(value, p)
	}
	var ok bool
	if p.macs[0], ok = s.decode(value); !ok {
		return errMalformed
	}
	p.n = 1
	if s.Timestamp.Header == "" {
		return nil
	}
	p.time, err = HeaderValue(header, s.Timestamp.Header)
	if err == nil && !plainSeconds(p.time) {
		err = errMalformed
	}
	return err
}

func (s *Scheme) readList(value string, p *presented) error {
	for element := range strings.SplitSeq(value, ",") {
		element = strings.Trim(element, " ")
		if text, ok := strings.CutPrefix(element, s.Timestamp.Element); ok {
			if p.time != "" || !plainSeconds(text) {
				return errMalformed
			}
			p.time = text
			continue
		}
		if !strings.HasPrefix(element, s.Prefix) {
			continue // a signature of another version
		}
		mac, ok := s.decode(element)
		if !ok || p.n == maxSignatures {
			return errMalformed
		}
		p.macs[p.n] = mac
		p.n++
	}
	if p.time == "" || p.n == 0 {
		return errMalformed
	}
	return nil
}

func plainSeconds(text string) bool {
	return text != "" && len(text) <= maxDigits && strings.Trim(text, "0123456789") == ""
}

// fresh says whether the time that was signed is near enough to now.
func (t Timestamp) fresh(text string, now time.Time) bool {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	return now.Sub(time.Unix(seconds, 0)).Abs() <= t.Tolerance
}
