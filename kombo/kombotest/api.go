package kombotest

import (
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
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
}

type empty struct{}

type handler func(s *Server, c *simkit.Call) (answer, *refusal)

func routes() *simkit.Routes[handler] {
	type route = simkit.Route[handler]
	return simkit.NewRoutes(basePath,
		route{Op: OpGetPackages, Handle: scoped((*Server).getPackages)},
		route{Op: OpSetPackages, Handle: scoped((*Server).setPackages)},
		route{Op: OpGetOrders, Handle: scoped((*Server).getOrders)},
		route{Op: OpGetOpenOrders, Handle: scoped((*Server).getOpenOrders)},
		route{Op: OpUpdateResult, Handle: scoped((*Server).updateResult)},
		route{Op: OpForceSync, Handle: scoped((*Server).forceSync)},
		route{Op: OpPassthrough, Handle: scoped((*Server).callPassthrough)},
		route{Op: OpCheckAPIKey, Handle: (*Server).checkAPIKey},
		route{Op: OpCreateLink, Handle: (*Server).createLink},
		route{Op: OpIntegrationByToken, Handle: (*Server).integrationByToken},
		route{Op: OpGetIntegration, Handle: (*Server).getIntegration},
		route{Op: OpDeleteIntegration, Handle: (*Server).deleteIntegration},
		route{Op: OpSetEnabled, Handle: (*Server).setEnabled},
		route{Op: OpRelink, Handle: (*Server).relink},
		route{Op: OpSetupLink, Handle: (*Server).setupLink},
		route{Op: OpGetTools, Handle: (*Server).getTools},
	)
}

// api is how Kombo answers calls.
func (s *Server) api() simkit.API[*Server] {
	table := routes()
	return simkit.API[*Server]{
		Route: func(c *simkit.Call) func() simkit.Reply {
			handle, found := table.Match(c)
			if !found {
				return nil
			}
			c.Order = c.Params["assessment_order_id"]
			return func() simkit.Reply { return s.execute(handle, c) }
		},
		Missing: func(*simkit.Call) simkit.Reply {
			return s.refused(&refusal{status: http.StatusNotFound, detail: "There is no such endpoint."})
		},
		Key:            s.keyOf,
		CountsInFlight: isAction,
		Limited:        s.limited,
		Finish:         s.finish,
	}
}

func (s *Server) execute(handle handler, c *simkit.Call) simkit.Reply {
	if problem := s.authenticate(c); problem != nil {
		return s.refused(problem)
	}
	if c.Query == nil {
		return s.refused(refuse(codeInputInvalid, "The query string is malformed."))
	}
	ans, problem := handle(s, c)
	if problem != nil {
		return s.refused(problem)
	}
	for _, text := range c.Warnings {
		ans.warnings = append(ans.warnings, wireWarning{Message: text})
	}
	return ans.reply()
}

func (a answer) reply() simkit.Reply {
	envelope := wireSuccess{Status: "success", Data: a.data}
	if a.write || len(a.warnings) > 0 {
		warnings := append([]wireWarning{}, a.warnings...)
		envelope.Warnings = &warnings
	}
	return simkit.JSONReply(http.StatusOK, envelope)
}

// checked lets read look at the body, which must be a JSON object. Members that the
// schema does not name are noted: Kombo does not say whether it refuses them.
func checked(c *simkit.Call, read func(*simkit.Object)) *refusal {
	check := &simkit.Checker{}
	if body := check.Body(c.Header, c.Body); body != nil {
		read(body)
		body.Done()
	}
	c.NoteUnknown(check)
	return invalid(check)
}
