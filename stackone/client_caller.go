package stackone

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/webhook"
)

// callerCheck decides whether a request for packages comes from StackOne. Which
// secret signs it and which key it carries is not documented, so that every
// check can be chosen or replaced. All that are configured must agree.
type callerCheck struct {
	verifier  *webhook.Verifier
	basic     [][sha256.Size]byte
	authorize func(ctx context.Context, r *http.Request, body []byte) error
}

var errCaller = errors.New("stackone: caller of the packages endpoint not accepted")

func newCallerCheck(c *PackagesConfig) (callerCheck, error) {
	check := callerCheck{verifier: c.Verifier, authorize: c.Authorize}
	for _, key := range c.BasicKeys {
		key = strings.TrimSuffix(key, ":")
		if strings.TrimSpace(key) == "" {
			return callerCheck{}, errors.New("stackone: empty key in BasicKeys")
		}
		check.basic = append(check.basic, sha256.Sum256([]byte(key)))
	}
	if check.verifier == nil && len(check.basic) == 0 && check.authorize == nil {
		return callerCheck{}, errors.New("stackone: packages handler needs a Verifier, BasicKeys or Authorize")
	}
	return check, nil
}

// check returns the id of the secret that matched, if signatures are checked.
func (c *callerCheck) check(r *http.Request, body []byte) (secretID string, err error) {
	if c.verifier != nil {
		if secretID, err = c.verifier.Verify(r.Header, body); err != nil {
			return "", err
		}
	}
	if len(c.basic) > 0 && !c.basicMatches(r.Header) {
		return "", errCaller
	}
	if c.authorize != nil {
		if err := c.authorize(r.Context(), r, body); err != nil {
			return "", errors.Join(errCaller, err)
		}
	}
	return secretID, nil
}

// basicMatches compares the whole credentials. Whether StackOne puts a colon
// behind the key is not documented. Hashes are compared, so that the time tells
// neither a key nor its length.
func (c *callerCheck) basicMatches(h http.Header) bool {
	values := h["Authorization"]
	if len(values) != 1 {
		return false
	}
	scheme, encoded, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Basic") {
		return false
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(encoded), "="))
	if err != nil {
		return false
	}
	got := sha256.Sum256([]byte(strings.TrimSuffix(string(plain), ":")))
	match := 0
	for i := range c.basic {
		match |= subtle.ConstantTimeCompare(got[:], c.basic[i][:])
	}
	return match == 1
}
