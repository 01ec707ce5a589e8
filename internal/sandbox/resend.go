package sandbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// The ways to send a row again.
const (
	ResendSame   = "same"   // the same bytes with the same signature
	ResendSigned = "signed" // the same bytes, signed with the secret of now
	ResendEdited = "edited"
)

// Resend says how a row is sent again.
type Resend struct {
	Row  int    `json:"row"`
	Mode string `json:"mode"`
	// Of edited ones:
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	Sign   bool        `json:"sign,omitempty"` // for the new bytes; else the signature stays as it is in Header
}

var errNotOurs = errors.New("only what the vendor sent can be sent again")

// Again sends a row once more.
func (a *App) Again(ctx context.Context, r Resend) (Done, error) {
	if !slices.Contains([]string{ResendSame, ResendSigned, ResendEdited}, r.Mode) {
		return Done{}, fmt.Errorf("a row is sent again %s, %s or %s", ResendSame, ResendSigned, ResendEdited)
	}
	row, found := a.journal.row(r.Row)
	if !found {
		return Done{}, errors.New("there is no such exchange (any more)")
	}
	if !row.ToProvider {
		return Done{}, errNotOurs
	}
	sim, err := a.ready(ctx, row.Vendor)
	if err != nil {
		return Done{}, err
	}
	if r.Mode == ResendEdited || r.Mode == ResendSame && !a.repeatable(row) {
		return a.byHand(ctx, row, r)
	}
	var faults []string
	if r.Mode == ResendSame {
		faults = lasting(row.Fault)
	}
	var judged []Judged
	switch {
	case isPackagesOp(row.Op):
		judged, err = sim.ask(ctx, row.Customer, faults)
	case isOrderOp(row.Op) && row.Order != "":
		judged, err = sim.again(ctx, row.Order, faults)
	default:
		return a.byHand(ctx, row, Resend{Mode: r.Mode, Sign: r.Mode == ResendSigned})
	}
	if err != nil {
		return Done{}, err
	}
	return Done{row.Vendor, row.Order, a.judge(row.Vendor, row.Order, judged)}, nil
}

func isPackagesOp(op string) bool {
	return op == stackonetest.OpProviderPackages || op == ashbytest.OpList
}

func isOrderOp(op string) bool {
	switch op {
	case kombotest.EventOrderReceived, kombotest.EventInlineOrderReceived, ashbytest.OpStart,
		stackonetest.EventAssessmentCreated, stackonetest.EventBackgroundOrderCreated:
		return true
	}
	return false
}

// repeatable tells whether the vendor would make the same bytes and the same signature
// once more, so that it learns the answer.
func (a *App) repeatable(r Row) bool {
	if r.By != "" {
		return false
	}
	if _, sent, expected := a.signatures(r); r.Fault == "" {
		return sent == expected
	}
	return !strings.Contains(r.Fault, "another") && a.secretNow(r.Vendor) == a.vendorSettings(r.Vendor).Secret
}

// passing are faults of the way, not of the bytes.
var passing = []string{"lost", "late", "duplicate", "hang up", "answer lost", "also as"}

// lasting are the faults that make a message what it is.
func lasting(names string) []string {
	var kept []string
next:
	for name := range strings.SplitSeq(names, ", ") {
		for _, p := range passing {
			if strings.HasPrefix(name, p) {
				continue next
			}
		}
		if name != "" {
			kept = append(kept, name)
		}
	}
	return kept
}

// byHand sends a row past the simulator, which learns nothing of the answer.
func (a *App) byHand(ctx context.Context, old Row, r Resend) (Done, error) {
	header, body := old.RequestHeader.Clone(), old.RequestBody
	if r.Mode == ResendEdited {
		header, body = r.Header, r.Body
	}
	if header == nil {
		header = http.Header{}
	}
	if strings.Contains(header.Get("Authorization"), "redacted") {
		header.Set("Authorization", a.authorization(old))
	}
	if name, value := a.sign(old, body); r.Sign && name != "" {
		header.Set(name, value)
	}
	address := a.addressOf(old)
	if address == "" {
		return Done{}, errors.New("there is no endpoint to send it to")
	}
	if err := a.guard.resolveOne(ctx, address); err != nil {
		return Done{}, err
	}
	row := Row{
		Vendor: old.Vendor, ToProvider: true, Op: old.Op, Customer: old.Customer, Order: old.Order, At: time.Now(),
		Method: orDefault(old.Method, http.MethodPost), URL: old.URL, RequestBody: body, By: "hand", Of: old.N, Fault: "sent by hand",
	}
	a.post(ctx, address, header, &row)
	shown := header.Clone()
	if shown.Get("Authorization") != "" {
		shown.Set("Authorization", "[redacted]")
	}
	row.RequestHeader = shown
	row.Verdict = handVerdict(row)
	return Done{row.Vendor, row.Order, []int{a.journal.add(row)}}, nil
}

func handVerdict(r Row) Verdict {
	v := Verdict{Outcome: Taken}
	opening := fmt.Sprintf("You answered %d", r.Status)
	switch {
	case r.Status == 0:
		v.Outcome = unanswered(r.Err)
		opening = facts{outcome: v.Outcome}.opening()
	case r.Status >= 300:
		v.Outcome = Failed
	}
	v.Text = opening + ": it was sent by hand, so that nothing changes at " + label(r.Vendor) + " and for the recruiter."
	return v
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 1 << 20

// post makes one call, follows no redirects and fills in the answer.
func (a *App) post(ctx context.Context, address string, header http.Header, row *Row) {
	ctx, cancel := context.WithTimeout(ctx, a.settings.Timeout)
	defer cancel()
	began := time.Now()
	defer func() { row.Duration = time.Since(began) }()
	request, err := http.NewRequestWithContext(ctx, row.Method, address, bytes.NewReader(row.RequestBody))
	if err != nil {
		row.Err = "the request cannot be made"
		return
	}
	request.Header = header
	response, err := a.guard.client().Do(request)
	if err != nil {
		row.Err = withoutAddress(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	row.Status, row.ResponseHeader = response.StatusCode, response.Header
	if row.ResponseBody, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		row.Err = "the answer ended too early"
	}
}

// withoutAddress is an error without the address, which may carry a token.
func withoutAddress(err error) string {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}

// addressOf is the endpoint that a row was sent to, with what may be secret in it.
func (a *App) addressOf(r Row) string {
	t := a.vendorSettings(r.Vendor).Target
	switch {
	case r.Vendor == Ashby && strings.HasPrefix(r.Op, "assessment."):
		if t.Base == "" {
			return ""
		}
		return strings.TrimSuffix(t.Base, "/") + "/" + r.Op
	case r.Op == stackonetest.OpProviderPackages:
		return t.Packages
	}
	return t.Webhook
}

// authorization is the credential that the vendor sends with a row.
func (a *App) authorization(r Row) string {
	s := a.vendorSettings(r.Vendor)
	user := s.Key
	if r.Vendor == Ashby {
		user = s.PartnerKey
		for _, c := range s.Customers {
			if c.ID == r.Customer {
				user = c.PartnerKey
			}
		}
		if s.Quirks["PartnerKeyAsPassword"] {
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+user))
		}
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"))
}

// sign signs bytes as the vendor would; the name is empty if it does not sign them.
func (a *App) sign(r Row, body []byte) (name, value string) {
	r.RequestBody = body
	name, _, value = a.signatures(r)
	return name, value
}

func (p *page) doResend(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	n, _ := strconv.Atoi(r.PostFormValue("row"))
	again := Resend{Row: n, Mode: r.PostFormValue("mode")}
	if again.Mode == ResendEdited {
		header, err := readHeader(r.PostFormValue("header"))
		if err != nil {
			http.Redirect(w, r, withQuery(backTo(r), "problem", err.Error()), http.StatusSeeOther)
			return
		}
		// A form turns line ends into CR LF, which would be other bytes.
		again.Header, again.Sign = header, r.PostFormValue("sign") == "fresh"
		again.Body = []byte(strings.ReplaceAll(r.PostFormValue("body"), "\r\n", "\n"))
	}
	done, err := p.app.Again(p.ctx, again)
	to := backTo(r)
	switch {
	case err != nil:
		to = withQuery(to, "problem", err.Error())
	case len(done.Rows) > 0:
		to = "/x/" + strconv.Itoa(done.Rows[0]) + "?with=" + strconv.Itoa(n)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

var errHeader = errors.New("every line of the headers has to be a name, a colon and a value")

// readHeader reads headers from lines.
func readHeader(text string) (http.Header, error) {
	header := http.Header{}
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		name, value = textproto.TrimString(name), textproto.TrimString(value)
		if !found || name == "" || strings.ContainsAny(name, " \t\"(),/;<=>?@[]{}") {
			return nil, errHeader
		}
		header.Add(name, value)
	}
	return header, nil
}
