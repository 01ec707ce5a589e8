package kombotest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const basePath = "/v1"

// The operations of the API, as named in [Server.Fail], [Server.Chaos] and
// [Exchange.Op]: method and path template as in Kombo's reference.
const (
	OpGetPackages        = "GET /assessment/packages"
	OpSetPackages        = "PUT /assessment/packages"
	OpGetOrders          = "GET /assessment/orders"
	OpGetOpenOrders      = "GET /assessment/orders/open" // deprecated by Kombo
	OpUpdateResult       = "PUT /assessment/orders/{assessment_order_id}/result"
	OpCheckAPIKey        = "GET /check-api-key"
	OpCreateLink         = "POST /connect/create-link"
	OpIntegrationByToken = "GET /connect/integration-by-token/{token}"
	OpGetIntegration     = "GET /integrations/{integration_id}"
	OpDeleteIntegration  = "DELETE /integrations/{integration_id}"
	OpSetEnabled         = "PUT /integrations/{integration_id}/enabled"
	OpRelink             = "POST /integrations/{integration_id}/relink"
	OpSetupLink          = "POST /integrations/{integration_id}/setup-link"
	OpGetTools           = "GET /tools/{category}"
	OpForceSync          = "POST /force-sync"
	OpPassthrough        = "POST /passthrough/{tool}/{api}"
	// OpAny stands for every operation in [Server.Fail].
	OpAny = "*"
)

// answer is the outcome of an operation that succeeded. Writes carry warnings,
// even if there are none.
type answer struct {
	data     any
	write    bool
	warnings []wireWarning
	header   map[string]string
}

type empty struct{}

type handler func(s *Server, ctx context.Context, c *call) (answer, *refusal)

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
		{OpGetPackages, scoped((*Server).getPackages)},
		{OpSetPackages, scoped((*Server).setPackages)},
		{OpGetOrders, scoped((*Server).getOrders)},
		{OpGetOpenOrders, scoped((*Server).getOpenOrders)},
		{OpUpdateResult, scoped((*Server).updateResult)},
		{OpForceSync, scoped((*Server).forceSync)},
		{OpPassthrough, scoped((*Server).callPassthrough)},
		{OpCheckAPIKey, (*Server).checkAPIKey},
		{OpCreateLink, (*Server).createLink},
		{OpIntegrationByToken, (*Server).integrationByToken},
		{OpGetIntegration, (*Server).getIntegration},
		{OpDeleteIntegration, (*Server).deleteIntegration},
		{OpSetEnabled, (*Server).setEnabled},
		{OpRelink, (*Server).relink},
		{OpSetupLink, (*Server).setupLink},
		{OpGetTools, (*Server).getTools},
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
	host   string
	header http.Header
	body   []byte
	params map[string]string
	query  url.Values
	// integration is the one selected by X-Integration-Id, for scoped operations.
	integration string
	// notes are oddities that Kombo is not known to refuse.
	notes []string
}

func newCall(r *http.Request, body []byte) *call {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	return &call{method: r.Method, url: r.URL, host: host, header: r.Header.Clone(), body: body}
}

func (c *call) note(text string) { c.notes = append(c.notes, text) }

// match finds the route and the path parameters. It works on the escaped path,
// because the ids of integrations contain characters that clients escape.
func (s *Server) match(c *call) (route, map[string]string, bool) {
	path, found := strings.CutPrefix(c.url.EscapedPath(), basePath)
	if !found {
		return route{}, nil, false
	}
	segments := strings.Split(path, "/")
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
		rep := s.refused(&refusal{status: http.StatusNotFound, detail: "There is no such endpoint."})
		s.keep(apiExchange("", c, rep, Fault{}, started))
		return rep
	}
	c.params = params
	fault := s.nextFault(r.op)
	rep := s.play(ctx, fault, func() reply { return s.execute(ctx, r, c, fault) })
	s.keep(apiExchange(r.op, c, rep, fault, started))
	return rep
}

func (s *Server) execute(ctx context.Context, r route, c *call, fault Fault) reply {
	if problem := s.authenticate(c); problem != nil {
		return s.refused(problem)
	}
	query, err := url.ParseQuery(c.url.RawQuery)
	if err != nil {
		return s.refused(refuse(codeInputInvalid, "The query string is malformed."))
	}
	c.query = query
	ans, problem := r.handle(s, ctx, c)
	if problem != nil {
		return s.refused(problem)
	}
	for _, text := range fault.warnings {
		ans.warnings = append(ans.warnings, wireWarning{Message: text})
	}
	return ans.reply()
}

func (a answer) reply() reply {
	envelope := wireSuccess{Status: "success", Data: a.data}
	if a.write || len(a.warnings) > 0 {
		warnings := append([]wireWarning{}, a.warnings...)
		envelope.Warnings = &warnings
	}
	rep := jsonReply(http.StatusOK, envelope)
	for name, value := range a.header {
		rep.header.Set(name, value)
	}
	return rep
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

func (r *reply) setHeader(name, value string) {
	if r.header == nil {
		return
	}
	if value == "" {
		r.header.Del(name)
		return
	}
	r.header.Set(name, value)
}

func apiExchange(op string, c *call, rep reply, fault Fault, started time.Time) Exchange {
	e := Exchange{
		Direction:     ToKombo,
		Op:            op,
		Time:          started,
		Method:        c.method,
		URL:           c.url.String(),
		RequestHeader: redacted(c.header),
		RequestBody:   c.body,
		Fault:         fault.String(),
		Integration:   c.integration,
		Notes:         c.notes,
	}
	if rep.reset {
		e.Err = "connection reset before an answer"
		return e
	}
	e.Status, e.ResponseHeader, e.ResponseBody = rep.status, rep.header.Clone(), rep.sent()
	return e
}
