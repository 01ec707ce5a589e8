package ashbytest

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// goUserAgent starts what net/http sends if a program names no agent.
const goUserAgent = "Go-http-client/"

// isBlockedAgent plays Cloudflare in front of Ashby, which refuses requests
// without a User-Agent before Ashby sees them, as one partner reports.
func (s *Server) isBlockedAgent(c *call) bool {
	agent := strings.TrimSpace(c.Header.Get("User-Agent"))
	return agent == "" || s.cfg.Quirks.RefuseDefaultUserAgent && strings.HasPrefix(agent, goUserAgent)
}

// keyOf returns the valid API key of a call, which is the user name of Basic with an
// empty password: https://developers.ashbyhq.com/docs/authentication
func (s *Server) keyOf(c *simkit.Call) string {
	user, _ := basic(c.Header.Get("Authorization"))
	owner, _, known := s.keyOwner(user)
	if !known {
		return ""
	}
	c.Account = owner.Name
	return user
}

// authorize finds the customer by the key.
func (s *Server) authorize(op operation, c *call) *refusal {
	user, password := basic(c.Header.Get("Authorization"))
	if user == "" {
		return &refusal{status: http.StatusUnauthorized, code: s.cfg.Quirks.MissingKeyCode, detail: "No API key was sent."}
	}
	if password != "" {
		c.Note("the password is not empty")
	}
	owner, key, known := s.keyOwner(user)
	if !known {
		return &refusal{status: http.StatusForbidden, code: s.cfg.Quirks.WrongKeyCode}
	}
	c.owner, c.key, c.Account = owner, key, owner.Name
	if !slices.Contains(key.scopes, op.scope) {
		return &refusal{status: http.StatusForbidden, code: codePermission, detail: "The key has no " + op.scope + "."}
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

func cloudflareReply() simkit.Reply {
	r := simkit.TextReply(http.StatusForbidden, "text/html; charset=UTF-8", cloudflarePage)
	r.Header.Set("Server", "cloudflare")
	return r
}
