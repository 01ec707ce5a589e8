package stackonetest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The operations of the API, as named in [Server.Fail], [Server.Chaos] and
// [Exchange.Op]: method and path template as in StackOne's reference.
const (
	OpListAssessmentPackages  = "GET /unified/ats/assessments/packages"
	OpAssessmentPackage       = "GET /unified/ats/assessments/packages/{id}"
	OpOrderAssessment         = "POST /unified/ats/assessments/orders"
	OpUpdateAssessmentResult  = "PATCH /unified/ats/assessments/orders/{id}/result"
	OpListBackgroundPackages  = "GET /unified/ats/background_checks/packages"
	OpCreateBackgroundPackage = "POST /unified/ats/background_checks/packages"
	OpBackgroundPackage       = "GET /unified/ats/background_checks/packages/{id}"
	OpUpdateBackgroundPackage = "PATCH /unified/ats/background_checks/packages/{id}"
	OpDeleteBackgroundPackage = "DELETE /unified/ats/background_checks/packages/{id}"
	OpOrderBackgroundCheck    = "POST /unified/ats/background_checks/orders"
	OpUpdateBackgroundResult  = "PATCH /unified/ats/background_checks/orders/{id}/result"

	OpListCandidates   = "GET /unified/ats/candidates"
	OpCandidate        = "GET /unified/ats/candidates/{id}"
	OpListApplications = "GET /unified/ats/applications"
	OpApplication      = "GET /unified/ats/applications/{id}"
	OpListJobs         = "GET /unified/ats/jobs"
	OpJob              = "GET /unified/ats/jobs/{id}"
	OpListJobPostings  = "GET /unified/ats/job_postings"
	OpJobPosting       = "GET /unified/ats/job_postings/{id}"

	OpListAccounts         = "GET /accounts"
	OpAccount              = "GET /accounts/{id}"
	OpUpdateAccount        = "PATCH /accounts/{id}"
	OpDeleteAccount        = "DELETE /accounts/{id}"
	OpAccountMeta          = "GET /accounts/{id}/meta"
	OpCreateConnectSession = "POST /connect_sessions"
	OpListConnectorMeta    = "GET /connectors/meta"
	OpConnectorMeta        = "GET /connectors/meta/{provider}"
	OpTriggerEvents        = "POST /webhooks/{id}/events"

	// Removed from StackOne's API in 2025; see [Quirks.Removed].
	OpRemovedAssessmentOrder   = "GET /unified/ats/assessments/orders/{id}"
	OpRemovedAssessmentResults = "GET /unified/ats/assessments/orders/{id}/results"
	OpRemovedBackgroundOrders  = "GET /unified/ats/background_checks/orders"
	OpRemovedBackgroundOrder   = "GET /unified/ats/background_checks/orders/{id}"
	OpRemovedBackgroundResults = "GET /unified/ats/background_checks/orders/{id}/results"

	// OpProviderPackages is the call of the provider's packages endpoint, in
	// [Exchange.Op] only.
	OpProviderPackages = "packages endpoint"
	// OpAny stands for every operation in [Server.Fail].
	OpAny = "*"
)

type handler func(s *Server, c *call) (reply, *Failure)

type route struct {
	op       string
	method   string
	segments []string
	handle   handler
}

func routes() []route {
	table := []struct {
		op     string
		handle handler
	}{
		{OpListAssessmentPackages, unified(listPackages(Assessment))},
		{OpAssessmentPackage, unified(getPackage(Assessment))},
		{OpOrderAssessment, unified(createOrder(Assessment))},
		{OpUpdateAssessmentResult, unified(updateResult(Assessment))},
		{OpListBackgroundPackages, unified(listPackages(BackgroundCheck))},
		{OpCreateBackgroundPackage, unified((*Server).createPackage)},
		{OpBackgroundPackage, unified(getPackage(BackgroundCheck))},
		{OpUpdateBackgroundPackage, unified((*Server).updatePackage)},
		{OpDeleteBackgroundPackage, unified((*Server).deletePackage)},
		{OpOrderBackgroundCheck, unified(createOrder(BackgroundCheck))},
		{OpUpdateBackgroundResult, unified(updateResult(BackgroundCheck))},
		{OpListCandidates, unified(listRecords(Candidates))},
		{OpCandidate, unified(getRecord(Candidates))},
		{OpListApplications, unified(listRecords(Applications))},
		{OpApplication, unified(getRecord(Applications))},
		{OpListJobs, unified(listRecords(Jobs))},
		{OpJob, unified(getRecord(Jobs))},
		{OpListJobPostings, unified(listRecords(JobPostings))},
		{OpJobPosting, unified(getRecord(JobPostings))},
		{OpListAccounts, platform((*Server).listAccounts)},
		{OpAccount, platform((*Server).getAccount)},
		{OpUpdateAccount, platform((*Server).updateAccount)},
		{OpDeleteAccount, platform((*Server).deleteAccount)},
		{OpAccountMeta, platform((*Server).accountMeta)},
		{OpCreateConnectSession, platform((*Server).createConnectSession)},
		{OpListConnectorMeta, platform((*Server).listConnectorMeta)},
		{OpConnectorMeta, platform((*Server).connectorMeta)},
		{OpTriggerEvents, unified((*Server).triggerEvents)},
		{OpRemovedAssessmentOrder, unified(removedOrder(Assessment))},
		{OpRemovedAssessmentResults, unified(removedResults(Assessment))},
		{OpRemovedBackgroundOrders, unified((*Server).removedOrders)},
		{OpRemovedBackgroundOrder, unified(removedOrder(BackgroundCheck))},
		{OpRemovedBackgroundResults, unified(removedResults(BackgroundCheck))},
	}
	list := make([]route, len(table))
	for i, entry := range table {
		method, path, _ := strings.Cut(entry.op, " ")
		list[i] = route{op: entry.op, method: method, segments: strings.Split(path, "/"), handle: entry.handle}
	}
	return list
}

// call is a request to the API, read completely.
type call struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
	params map[string]string
	query  url.Values
	// account is the one selected by x-account-id, for unified operations.
	account string
	// notes are oddities that StackOne is not known to refuse.
	notes []string
}

func newCall(r *http.Request, body []byte) *call {
	return &call{method: r.Method, url: r.URL, header: r.Header.Clone(), body: body}
}

func (c *call) note(text string) { c.notes = append(c.notes, text) }

// match finds the route and the path parameters. It works on the escaped path,
// because ids contain slashes that clients escape.
func (s *Server) match(c *call) (route, map[string]string, bool) {
	segments := strings.Split(c.url.EscapedPath(), "/")
	for _, r := range s.routes {
		if params, ok := r.match(c.method, segments); ok {
			return r, params, true
		}
	}
	return route{}, nil, false
}

func (r route) match(method string, segments []string) (map[string]string, bool) {
	if method != r.method || len(segments) != len(r.segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, want := range r.segments {
		name, isParam := strings.CutPrefix(want, "{")
		if !isParam {
			if segments[i] != want {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}

// exchange answers one call and keeps it.
func (s *Server) exchange(ctx context.Context, c *call) reply {
	started := s.now()
	r, params, found := s.match(c)
	if !found {
		rep := failed(http.StatusNotFound, "Cannot %s %s", c.method, c.url.Path).reply(s.now())
		s.keep(apiExchange("", c, rep, Fault{}, started))
		return rep
	}
	c.params = params
	fault := s.nextFault(r.op)
	rep := s.play(ctx, fault, func() reply { return s.execute(r, c) })
	if !fault.raw {
		rep = s.heartbeat(c, rep)
	}
	s.keep(apiExchange(r.op, c, rep, fault, started))
	return rep
}

func (s *Server) execute(r route, c *call) reply {
	failure := s.authenticate(c)
	if failure == nil {
		failure = c.parseQuery()
	}
	if failure != nil {
		return failure.reply(s.now())
	}
	rep, failure := r.handle(s, c)
	if failure != nil {
		return failure.reply(s.now())
	}
	return rep
}

func (c *call) parseQuery() *Failure {
	query, err := url.ParseQuery(c.url.RawQuery)
	if err != nil {
		return invalid("the query string is malformed")
	}
	c.query = query
	return nil
}

// play runs an operation, or does not, as the fault demands.
func (s *Server) play(ctx context.Context, fault Fault, operation func() reply) reply {
	if !s.pause(ctx, fault.before) {
		return reply{reset: true}
	}
	var rep reply
	if !fault.skips {
		rep = operation()
	}
	if fault.rewrite != nil {
		rep = fault.rewrite(s, rep)
	}
	for name, value := range fault.header {
		rep.setHeader(name, value)
	}
	if !s.pause(ctx, fault.after) {
		return reply{reset: true}
	}
	return rep
}

func apiExchange(op string, c *call, rep reply, fault Fault, started time.Time) Exchange {
	e := Exchange{
		Direction:     ToStackOne,
		Op:            op,
		Account:       c.account,
		Time:          started,
		Method:        c.method,
		URL:           c.url.String(),
		RequestHeader: redacted(c.header),
		RequestBody:   c.body,
		Fault:         fault.String(),
		Notes:         c.notes,
	}
	if rep.reset {
		e.Err = "connection reset before an answer"
		return e
	}
	e.Status, e.ResponseHeader, e.ResponseBody = rep.status, rep.header.Clone(), rep.allSent()
	return e
}
