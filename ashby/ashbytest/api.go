package ashbytest

import (
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

// call is a request to the API whose key was recognised.
type call struct {
	*simkit.Call
	key   apiKey
	owner *organization
	now   time.Time
}

// operation is what is at an address, and the scope that a key needs for it.
type operation struct {
	scope  string
	handle func(s *Server, c *call) (answered, *refusal)
}

func routes() *simkit.Routes[operation] {
	route := func(op, scope string, handle func(*Server, *call) (answered, *refusal)) simkit.Route[operation] {
		return simkit.Route[operation]{Op: op, Pattern: "POST /" + op, Handle: operation{scope, handle}}
	}
	return simkit.NewRoutes("",
		route(OpUpdate, ScopeCandidatesWrite, (*Server).update),
		route(OpAddCompletedToCandidate, ScopeCandidatesWrite, (*Server).addCompleted),
		route(OpCandidateInfo, ScopeCandidatesRead, (*Server).candidateInfo),
		route(OpApplicationInfo, ScopeCandidatesRead, (*Server).applicationInfo),
		route(OpFileInfo, ScopeCandidatesRead, (*Server).fileInfo),
		route(OpAPIKeyInfo, ScopeAPIKeysRead, (*Server).apiKeyInfo),
	)
}

// api is how Ashby answers calls.
func (s *Server) api() simkit.API[*Server] {
	table := routes()
	return simkit.API[*Server]{
		Route: func(c *simkit.Call) func() simkit.Reply {
			op, found := table.Match(c)
			if !found {
				return nil
			}
			return func() simkit.Reply { return s.execute(op, &call{Call: c, now: s.now()}) }
		},
		Missing: func(*simkit.Call) simkit.Reply {
			return s.refused(&refusal{status: http.StatusNotFound, code: "endpoint_not_found", detail: "Every operation is a POST."})
		},
		Key:     s.keyOf,
		Limited: s.limited,
	}
}

func (s *Server) execute(op operation, c *call) simkit.Reply {
	if s.isBlockedAgent(c) {
		return cloudflareReply()
	}
	if problem := s.authorize(op, c); problem != nil {
		return s.refused(problem)
	}
	if version := c.Header.Get(VersionHeader); version != "" && version != s.cfg.Version {
		return s.refused(refuse(codeInvalidInput, "There is no version "+version+"."))
	}
	results, problem := op.handle(s, c)
	if problem != nil {
		return s.refused(problem)
	}
	return s.jsonReply(http.StatusOK, s.newRequestID(), wireSuccess{Success: true, Results: results, Warnings: c.Warnings})
}

// checked lets read look at the body, which must be a JSON object.
func (c *call) checked(read func(*simkit.Object)) *refusal {
	check := &simkit.Checker{}
	if body := check.Body(c.Header, c.Body); body != nil {
		read(body)
	}
	return invalid(check)
}
