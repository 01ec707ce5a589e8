package ashbytest

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// goUserAgent starts what net/http sends if a program names no agent.
const goUserAgent = "Go-http-client/"

// isBlockedAgent plays Cloudflare in front of Ashby, which refuses requests
// without a User-Agent before Ashby sees them, as one partner reports.
func (s *Server) isBlockedAgent(c *call) bool {
	agent := strings.TrimSpace(c.header.Get("User-Agent"))
	if _, named := c.header["User-Agent"]; !named && c.inProcess {
		agent = goUserAgent + "1.1" // net/http would have added it on a socket
	}
	return agent == "" || s.cfg.Quirks.RefuseDefaultUserAgent && strings.HasPrefix(agent, goUserAgent)
}

// authorize finds the customer by the key, which is the user name of Basic with an
// empty password: https://developers.ashbyhq.com/docs/authentication
func (s *Server) authorize(r route, c *call) *refusal {
	user, password := basic(c.header.Get("Authorization"))
	if user == "" {
		return &refusal{status: http.StatusUnauthorized, code: s.cfg.Quirks.MissingKeyCode, detail: "No API key was sent."}
	}
	if password != "" {
		c.note("the password is not empty")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, key, known := s.keyOwner(user)
	if !known {
		return &refusal{status: http.StatusForbidden, code: s.cfg.Quirks.WrongKeyCode}
	}
	c.owner, c.key = owner, key
	if !slices.Contains(key.scopes, r.scope) {
		return &refusal{status: http.StatusForbidden, code: codePermission, detail: "The key has no " + r.scope + "."}
	}
	return nil
}

func basic(authorization string) (user, password string) {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", ""
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", ""
	}
	user, password, _ = strings.Cut(string(text), ":")
	return user, password
}

func basicAuthorization(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

const cloudflarePage = "<!DOCTYPE html>\n<html><head><title>Access denied</title></head>\n" +
	"<body><h1>Error 1010</h1><p>The owner of this website has banned your access based on your browser's signature.</p>" +
	"<p>error code: 1010</p></body></html>\n"

func cloudflareReply() reply {
	rep := textReply(http.StatusForbidden, "text/html; charset=UTF-8", cloudflarePage)
	rep.header.Set("Server", "cloudflare")
	return rep
}
