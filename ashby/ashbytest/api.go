package ashbytest

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The operations that Ashby implements, as named in [Server.Fail], [Server.Chaos]
// and [Exchange.Op]. Each is called with POST at a path of the same name.
const (
	OpUpdate                  = "assessment.update"
	OpAddCompletedToCandidate = "assessment.addCompletedToCandidate"
	OpCandidateInfo           = "candidate.info"
	OpApplicationInfo         = "application.info"
	OpFileInfo                = "file.info"
	OpAPIKeyInfo              = "apiKey.info"
	// OpAny stands for every operation in [Server.Fail].
	OpAny = "*"
)

// answered is the outcome of an operation that succeeded; nil: there are no results.
type answered any

type handler func(s *Server, c *call) (answered, *refusal)

type route struct {
	op     string
	scope  string
	handle handler
}

func routes() map[string]route {
	table := map[string]route{}
	for _, r := range []route{
		{OpUpdate, ScopeCandidatesWrite, (*Server).update},
		{OpAddCompletedToCandidate, ScopeCandidatesWrite, (*Server).addCompleted},
		{OpCandidateInfo, ScopeCandidatesRead, (*Server).candidateInfo},
		{OpApplicationInfo, ScopeCandidatesRead, (*Server).applicationInfo},
		{OpFileInfo, ScopeCandidatesRead, (*Server).fileInfo},
		{OpAPIKeyInfo, ScopeAPIKeysRead, (*Server).apiKeyInfo},
	} {
		table[r.op] = r
	}
	return table
}

// call is a request to the API, read completely.
type call struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
	// inProcess: nothing on the way added the headers that net/http adds.
	inProcess bool
	key       apiKey
	owner     *organization // of the key
	now       time.Time
	// notes are oddities that Ashby is not known to refuse.
	notes []string
}

func newCall(r *http.Request, body []byte) *call {
	return &call{method: r.Method, url: r.URL, header: r.Header.Clone(), body: body}
}

func (c *call) note(text string) { c.notes = append(c.notes, text) }

// object decodes the body, which must be a JSON object.
func (c *call) object(check *checker) *object {
	media, _, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		check.fail("Content-Type", "must be application/json")
		return nil
	}
	v, err := decode(c.body)
	if err != nil {
		check.fail("body", "is not valid JSON")
		return nil
	}
	return check.object("body", v)
}

// exchange answers one call and keeps it.
func (s *Server) exchange(ctx context.Context, c *call) reply {
	c.now = s.now()
	r, found := s.routes[strings.TrimPrefix(c.url.Path, "/")]
	if !found || c.method != http.MethodPost {
		rep := s.refused(&refusal{status: http.StatusNotFound, code: "endpoint_not_found", detail: "Every operation is a POST."})
		s.keep(apiExchange("", c, rep, Fault{}))
		return rep
	}
	fault := s.nextFault(r.op)
	rep := s.play(ctx, fault, func() reply { return s.execute(r, c, fault) })
	s.keep(apiExchange(r.op, c, rep, fault))
	return rep
}

func (s *Server) execute(r route, c *call, fault Fault) reply {
	if s.isBlockedAgent(c) {
		return cloudflareReply()
	}
	if problem := s.authorize(r, c); problem != nil {
		return s.refused(problem)
	}
	if version := c.header.Get(VersionHeader); version != "" && version != s.cfg.Version {
		return s.refused(refuse(codeInvalidInput, "There is no version "+version+"."))
	}
	results, problem := r.handle(s, c)
	if problem != nil {
		return s.refused(problem)
	}
	return s.jsonReply(http.StatusOK, s.newRequestID(), wireSuccess{Success: true, Results: results, Warnings: fault.warnings})
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

func apiExchange(op string, c *call, rep reply, fault Fault) Exchange {
	e := Exchange{
		Direction:     ToAshby,
		Op:            op,
		Time:          c.now,
		Method:        c.method,
		URL:           c.url.String(),
		RequestHeader: redacted(c.header),
		RequestBody:   c.body,
		Fault:         fault.String(),
		Notes:         c.notes,
	}
	if c.owner != nil {
		e.Organization = c.owner.Name
	}
	if rep.reset {
		e.Err = "connection reset before an answer"
		return e
	}
	e.Status, e.ResponseHeader, e.ResponseBody = rep.status, rep.header.Clone(), rep.sent()
	return e
}
