package stackonetest

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// PackagesRequest describes how an ATS asks the provider for its packages. The
// zero value is the documented POST for [DefaultAccount]:
// integration-guides/ats in github.com/StackOneHQ/hub-docs
type PackagesRequest struct {
	Account string // empty: [DefaultAccount]; it need not exist
	Kind    Kind   // what the answer is checked as; empty: [Assessment]
	// Provider is the key of the ATS; empty: that of the account.
	Provider string
	// JobID is sent if it is not empty; if it is, Teamtailor and SmartRecruiters send
	// the one of the documented sample, and the others none.
	JobID string
	// Method is POST if it is empty. With GET there is no body: the general guide
	// describes the endpoint that way.
	Method string
	// Body replaces the documented body.
	Body []byte
}

const exampleJobID = "49201091"

// PackagesAnswer is the answer of the packages endpoint and what is wrong with it.
type PackagesAnswer struct {
	Delivery int         // [Exchange.Delivery] of the request; 0: nobody was asked
	Exchange int         // [Exchange.ID] of the request; 0: nobody was asked
	Status   int         // 0: no answer
	Header   http.Header // of the answer
	Body     []byte      // of the answer
	Err      error       // why there was no answer, or why nobody was asked
	// Packages are those that could be read.
	Packages []Package
	// Violations is everything that breaks the documented form of the answer.
	Violations []Violation
	// View is what the recruiter sees in the ATS.
	View   View
	Faults []string
}

// View is what the recruiter sees after an ATS asked for packages, by the
// troubleshooting tables of integration-guides/ats in github.com/StackOneHQ/hub-docs.
type View string

// The views of a recruiter.
const (
	ViewList        View = "list"
	ViewUnavailable View = "packages unavailable"
	ViewError       View = "ATS error"
)

// Violation is one rule that the answer of the packages endpoint breaks.
type Violation struct {
	Path string // such as "data[0].name", "status" or "Content-Type"
	Text string // what is wrong
}

// String returns the path and the text.
func (v Violation) String() string { return v.Path + " " + v.Text }

// RequestPackages plays a recruiter opening the dialog: the provider's packages
// endpoint is asked, and its answer is checked.
func (s *Server) RequestPackages(ctx context.Context, request PackagesRequest, faults ...DeliveryFault) PackagesAnswer {
	p := planOf(faults)
	answer := PackagesAnswer{View: ViewError, Faults: p.Names}
	target := s.packages.Value()
	if answer.Err = s.sim.Ready(ctx, p, target); answer.Err != nil {
		return answer
	}
	request = s.completedRequest(request)
	body := p.Mangle(request.Body)
	header := s.signedHeader(p, body, s.cfg.PackagesSecret)
	if authorization := s.packagesAuthorization(p); authorization != "" {
		header.Set("Authorization", authorization)
	}
	if request.Method == http.MethodGet {
		header.Del("Content-Type")
	}
	answer.Delivery = s.sim.NextDelivery()
	a := s.sim.Send(ctx, p, simkit.Request{
		Op: OpProviderPackages, Account: request.Account, Delivery: answer.Delivery, Method: request.Method, Target: target,
		Header: header, Body: body, Timeout: s.cfg.PackagesTimeout,
	})
	answer.Exchange, answer.Status, answer.Header, answer.Body, answer.Err = a.Exchange, a.Status, a.Header, a.Body, a.Err
	if p.IgnoreAnswer || a.Err != nil {
		return answer
	}
	answer.check(request.Kind)
	return answer
}

func (s *Server) completedRequest(r PackagesRequest) PackagesRequest {
	r.Account = simkit.OrDefault(r.Account, DefaultAccount)
	r.Kind = simkit.OrDefault(r.Kind, Assessment)
	r.Method = simkit.OrDefault(r.Method, http.MethodPost)
	if r.Provider == "" {
		account, _ := s.AccountState(r.Account)
		r.Provider = simkit.OrDefault(account.Provider, Greenhouse)
	}
	if r.Body != nil || r.Method == http.MethodGet {
		return r
	}
	body := map[string]string{"account_id": r.Account, "provider": r.Provider}
	switch {
	case r.JobID != "":
		body["job_id"] = r.JobID
	case atsOf(r.Provider).jobID:
		body["job_id"] = exampleJobID
	}
	r.Body = simkit.Encode(body)
	return r
}

func (s *Server) packagesAuthorization(p *simkit.Plan) string {
	switch {
	case p.Authorize != nil:
		return p.Authorize(s.cfg.PackagesKey)
	case s.cfg.PackagesKeyBare:
		return basic(s.cfg.PackagesKey)
	}
	return basic(s.cfg.PackagesKey + ":")
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}
