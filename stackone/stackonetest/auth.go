package stackonetest

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// AccountHeader selects the linked account on unified calls:
// https://docs.stackone.com/api/authentication
const AccountHeader = "X-Account-Id"

// authenticate checks what every call needs. The security filter comes first: it
// stands before the API.
func (s *Server) authenticate(c *call) *Failure {
	if strings.TrimSpace(c.header.Get("User-Agent")) == "" {
		return &Failure{Status: http.StatusForbidden}
	}
	key, ok := s.basicKey(c.header.Get("Authorization"))
	if !ok || !s.isKey(key) {
		return &Failure{Status: http.StatusUnauthorized}
	}
	return nil
}

func (s *Server) isKey(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[key]
}

// basicKey takes the API key out of Basic credentials: the key is the user name
// and the password is empty. https://docs.stackone.com/api/authentication
func (s *Server) basicKey(authorization string) (string, bool) {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	credentials, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return "", false
	}
	key, password, colon := strings.Cut(string(credentials), ":")
	return key, password == "" && (colon || s.cfg.Quirks.AcceptBareKey)
}

// unified wraps an operation that needs x-account-id and a usable account.
func unified(next handler) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		c.account = c.header.Get(AccountHeader)
		if c.account == "" {
			return reply{}, invalid("x-account-id header is required")
		}
		if failure := s.unusable(c.account); failure != nil {
			return reply{}, failure
		}
		return next(s, c)
	}
}

// platform wraps an operation that is not about one account.
func platform(next handler) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		if c.header.Get(AccountHeader) != "" {
			c.note("x-account-id is not used on platform endpoints")
		}
		return next(s, c)
	}
}

func (s *Server) unusable(id string) *Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(id)
	if a == nil {
		return failed(http.StatusNotFound, "Account not found")
	}
	failure, chosen := s.cfg.AccountFailures[a.spec.Status]
	if !chosen {
		failure = defaultAccountFailure(a.spec.Status)
	}
	if failure.isZero() {
		return nil
	}
	return &failure
}

// defaultAccountFailure: StackOne documents 412 for accounts that are disabled,
// suspended or expired, and 401 for credentials that the ATS does not take:
// https://docs.stackone.com/guides/unified-api-error-codes-and-troubleshooting-guide
func defaultAccountFailure(status string) Failure {
	switch status {
	case "inactive", "suspended", "archived", "expired":
		return Failure{Status: http.StatusPreconditionFailed, ErrorCode: codeInactive}
	case "error":
		return Failure{Status: http.StatusUnauthorized, ErrorCode: codeBadCredentials}
	}
	return Failure{}
}
