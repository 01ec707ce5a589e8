package stackonetest

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// AccountHeader selects the linked account on unified calls:
// https://docs.stackone.com/api/authentication
const AccountHeader = "X-Account-Id"

// authenticate checks what every call needs. The security filter comes first: it
// stands before the API.
func (s *Server) authenticate(c *simkit.Call) *Failure {
	if strings.TrimSpace(c.Header.Get("User-Agent")) == "" {
		return &Failure{Status: http.StatusForbidden}
	}
	if s.keyOf(c) == "" {
		return &Failure{Status: http.StatusUnauthorized}
	}
	return nil
}

// keyOf returns the valid API key of a call, which may select an account.
func (s *Server) keyOf(c *simkit.Call) string {
	key, ok := s.basicKey(c.Header.Get("Authorization"))
	if !ok || !s.hasKey(key) {
		return ""
	}
	if strings.HasPrefix(c.URL.Path, "/unified/") {
		c.Account = c.Header.Get(AccountHeader)
	}
	return key
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
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		c.Account = c.Header.Get(AccountHeader)
		if c.Account == "" {
			return simkit.Reply{}, invalid("x-account-id header is required")
		}
		if failure := s.unusable(c.Account); failure != nil {
			return simkit.Reply{}, failure
		}
		return next(s, c)
	}
}

// platform wraps an operation that is not about one account.
func platform(next handler) handler {
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		if c.Header.Get(AccountHeader) != "" {
			c.Note("x-account-id is not used on platform endpoints")
		}
		return next(s, c)
	}
}

func (s *Server) unusable(id string) *Failure {
	spec, found := s.AccountState(id)
	if !found {
		return noAccount()
	}
	failure, chosen := s.cfg.AccountFailures[spec.Status]
	if !chosen {
		failure = defaultAccountFailure(spec.Status)
	}
	if failure.isZero() {
		return nil
	}
	return &failure
}

func noAccount() *Failure { return failed(http.StatusNotFound, "Account not found") }

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
