package kombotest

import (
	"context"
	"net"
	"strings"
)

// IntegrationHeader selects the integration on assessment calls.
const IntegrationHeader = "X-Integration-Id"

// authenticate checks the bearer key:
// https://docs.kombo.dev/ats/getting-started/authentication
func (s *Server) authenticate(c *call) *refusal {
	scheme, key, _ := strings.Cut(c.header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || s.isForeignHost(c.host) {
		return refuse(codeAuthInvalid, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.keys[strings.TrimSpace(key)] {
		return refuse(codeAuthInvalid, "")
	}
	return nil
}

// isForeignHost tells whether the call went to the documented host of another
// region. Regions are isolated, so no key of this one is known there.
func (s *Server) isForeignHost(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	for region, known := range regionHosts {
		if region != s.cfg.Region && strings.EqualFold(host, known) {
			return true
		}
	}
	return false
}

// scoped wraps an operation that needs X-Integration-Id and a usable integration.
func scoped(next handler) handler {
	return func(s *Server, ctx context.Context, c *call) (answer, *refusal) {
		c.integration = c.header.Get(IntegrationHeader)
		if c.integration == "" {
			return answer{}, refuse(codeInputInvalid, "The header X-Integration-Id is missing.")
		}
		if problem := s.unusable(c.integration); problem != nil {
			return answer{}, problem
		}
		return next(s, ctx, c)
	}
}

func (s *Server) unusable(id string) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.integrations[id]
	if !found {
		return refuse(codeIntegrationNotFound, "")
	}
	return i.unusable()
}

// unusable translates the state of an integration into the error of a call for
// it: https://docs.kombo.dev/assessment/guides/integration-states
func (i *integration) unusable() *refusal {
	switch {
	case i.spec.State == StateInactive:
		return refuse(codeInactive, "")
	case i.spec.State == StateInvalid:
		return refuse(codeCredentialsInvalid, "")
	case i.spec.QAStatus == "FAILED":
		return refuse(codeQAFailed, "")
	case i.spec.SetupStatus == "INCOMPLETE":
		return refuse(codeSetupIncomplete, "")
	case i.spec.SetupStatus == "FINAL_SYNC_PENDING":
		return refuse(codeSyncPending, "")
	}
	return nil
}

func (s *Server) checkAPIKey(context.Context, *call) (answer, *refusal) {
	return answer{data: map[string]string{
		"environment_id": DefaultEnvironmentID,
		"customer_id":    DefaultEnvironmentID,
	}}, nil
}
