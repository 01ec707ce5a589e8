package stackonetest

import (
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

type handler func(s *Server, c *simkit.Call) (simkit.Reply, *Failure)

func routes() *simkit.Routes[handler] {
	type route = simkit.Route[handler]
	return simkit.NewRoutes("",
		route{Op: OpListAssessmentPackages, Handle: unified(listPackages(Assessment))},
		route{Op: OpAssessmentPackage, Handle: unified(getPackage(Assessment))},
		route{Op: OpOrderAssessment, Handle: unified(createOrder(Assessment))},
		route{Op: OpUpdateAssessmentResult, Handle: unified(updateResult(Assessment))},
		route{Op: OpListBackgroundPackages, Handle: unified(listPackages(BackgroundCheck))},
		route{Op: OpCreateBackgroundPackage, Handle: unified((*Server).createPackage)},
		route{Op: OpBackgroundPackage, Handle: unified(getPackage(BackgroundCheck))},
		route{Op: OpUpdateBackgroundPackage, Handle: unified((*Server).updatePackage)},
		route{Op: OpDeleteBackgroundPackage, Handle: unified((*Server).deletePackage)},
		route{Op: OpOrderBackgroundCheck, Handle: unified(createOrder(BackgroundCheck))},
		route{Op: OpUpdateBackgroundResult, Handle: unified(updateResult(BackgroundCheck))},
		route{Op: OpListCandidates, Handle: unified(listRecords(Candidates))},
		route{Op: OpCandidate, Handle: unified(getRecord(Candidates))},
		route{Op: OpListApplications, Handle: unified(listRecords(Applications))},
		route{Op: OpApplication, Handle: unified(getRecord(Applications))},
		route{Op: OpListJobs, Handle: unified(listRecords(Jobs))},
		route{Op: OpJob, Handle: unified(getRecord(Jobs))},
		route{Op: OpListJobPostings, Handle: unified(listRecords(JobPostings))},
		route{Op: OpJobPosting, Handle: unified(getRecord(JobPostings))},
		route{Op: OpListAccounts, Handle: platform((*Server).listAccounts)},
		route{Op: OpAccount, Handle: platform((*Server).getAccount)},
		route{Op: OpUpdateAccount, Handle: platform((*Server).updateAccount)},
		route{Op: OpDeleteAccount, Handle: platform((*Server).deleteAccount)},
		route{Op: OpAccountMeta, Handle: platform((*Server).accountMeta)},
		route{Op: OpCreateConnectSession, Handle: platform((*Server).createConnectSession)},
		route{Op: OpListConnectorMeta, Handle: platform((*Server).listConnectorMeta)},
		route{Op: OpConnectorMeta, Handle: platform((*Server).connectorMeta)},
		route{Op: OpTriggerEvents, Handle: unified((*Server).triggerEvents)},
		route{Op: OpRemovedAssessmentOrder, Handle: unified(removedOrder(Assessment))},
		route{Op: OpRemovedAssessmentResults, Handle: unified(removedResults(Assessment))},
		route{Op: OpRemovedBackgroundOrders, Handle: unified((*Server).removedOrders)},
		route{Op: OpRemovedBackgroundOrder, Handle: unified(removedOrder(BackgroundCheck))},
		route{Op: OpRemovedBackgroundResults, Handle: unified(removedResults(BackgroundCheck))},
	)
}

// api is how StackOne answers calls.
func (s *Server) api() simkit.API[*Server] {
	table := routes()
	return simkit.API[*Server]{
		Route: func(c *simkit.Call) func() simkit.Reply {
			handle, found := table.Match(c)
			if !found {
				return nil
			}
			return func() simkit.Reply { return s.execute(handle, c) }
		},
		Missing: func(c *simkit.Call) simkit.Reply {
			return failed(http.StatusNotFound, "Cannot %s %s", c.Method, c.URL.Path).reply(s.now())
		},
		Key:     s.keyOf,
		Limited: s.limited,
		Finish:  s.heartbeat,
	}
}

func (s *Server) execute(handle handler, c *simkit.Call) simkit.Reply {
	failure := s.authenticate(c)
	if failure == nil && c.Query == nil {
		failure = invalid("the query string is malformed")
	}
	if failure != nil {
		return failure.reply(s.now())
	}
	r, failure := handle(s, c)
	if failure != nil {
		return failure.reply(s.now())
	}
	return r
}
