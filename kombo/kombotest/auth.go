package kombotest

import (
	"net"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// IntegrationHeader selects the integration on assessment calls.
const IntegrationHeader = "X-Integration-Id"

// keyOf returns the valid bearer key of a call:
// https://docs.kombo.dev/ats/getting-started/authentication
func (s *Server) keyOf(c *simkit.Call) string {
	scheme, key, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "Bearer") || s.isForeignHost(c.URL.Host) || !s.hasKey(key) {
		return ""
	}
	c.Account = c.Header.Get(IntegrationHeader)
	return key
}

func (s *Server) authenticate(c *simkit.Call) *refusal {
	if s.keyOf(c) == "" {
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
	return func(s *Server, c *simkit.Call) (answer, *refusal) {
		c.Account = c.Header.Get(IntegrationHeader)
		if c.Account == "" {
			return answer{}, refuse(codeInputInvalid, "The header X-Integration-Id is missing.")
		}
		problem := s.usable(c.Account)
		if problem != nil && !(s.quirks.ServePausedReads && c.Method == http.MethodGet && problem.isPause()) {
			return answer{}, problem
		}
		return next(s, c)
	}
}

func (s *Server) checkAPIKey(*simkit.Call) (answer, *refusal) {
	return answer{data: map[string]string{
		"environment_id": DefaultEnvironmentID,
		"customer_id":    DefaultEnvironmentID,
	}}, nil
}
