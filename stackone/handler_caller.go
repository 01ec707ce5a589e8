package stackone

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/webhook"
)

// callerCheck decides whether a request for packages comes from StackOne. Which
// secret signs it and which key it carries is not documented, so that every
// check can be chosen or replaced. All that are configured must agree.
type callerCheck struct {
	verifier *webhook.Verifier
	basic    *inbound.Keys
}

var errCaller = errors.New("stackone: caller of the packages endpoint not accepted")

func newCallerCheck(c *PackagesConfig) (check callerCheck, err error) {
	if c.Verifier == nil && len(c.BasicKeys) == 0 && c.Authorize == nil {
		return check, errors.New("needs a Verifier, BasicKeys or Authorize")
	}
	if c.Verifier != nil {
		check.verifier = c.Verifier
		if err := c.Verifier.Usable(); err != nil {
			return check, err
		}
	}
	if len(c.BasicKeys) > 0 {
		keys := make([]webhook.Secret, len(c.BasicKeys))
		for i, key := range c.BasicKeys {
			keys[i] = webhook.Secret{ID: strconv.Itoa(i + 1), Key: strings.TrimSuffix(key, ":")}
		}
		if check.basic, err = inbound.NewKeys(keys...); err != nil {
			return check, fmt.Errorf("BasicKeys: %w", err)
		}
	}
	return check, nil
}

// checkHeader looks at what the headers alone prove, before the body is read. It
// compares the whole credentials: whether StackOne puts a colon behind the key is
// not documented.
func (c *callerCheck) checkHeader(r *http.Request) error {
	if c.basic != nil {
		credentials, err := inbound.Basic(r)
		if err == nil {
			_, err = c.basic.Match(strings.TrimSuffix(credentials, ":"))
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errCaller, err)
		}
	}
	if c.verifier != nil {
		return c.verifier.Check(r.Header)
	}
	return nil
}
