package transport

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
)

// Bearer sends the key as a bearer token (RFC 6750), as Kombo wants it:
// https://docs.kombo.dev/ats/getting-started/authentication.
func Bearer(h http.Header, key string) { h["Authorization"] = []string{"Bearer " + key} }

// Basic sends the key as the user name of Basic authentication (RFC 7617) with
// an empty password, as Ashby and StackOne want it:
// https://developers.ashbyhq.com/docs/authentication and
// https://docs.stackone.com/api/authentication.
func Basic(h http.Header, key string) {
	h["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"))}
}

// keyring is the API key of a client. It lives in closures, into which neither fmt
// nor a logger nor a debugging printer looks: what holds a client can be printed.
type keyring struct {
	// key returns the key for an account.
	key func(ctx context.Context, account string) (string, error)
	// authorize sets the Authorization header for a key.
	authorize func(h http.Header, key string)
	// changes: asked again, key may return another one.
	changes bool
}

func newKeyring(c *Config) keyring {
	if ask := c.Keys; ask != nil {
		return keyring{authorize: c.Authorize, changes: true, key: func(ctx context.Context, account string) (string, error) {
			key, err := ask(ctx, account)
			if err != nil {
				return "", &keyError{err}
			}
			return key, checkKey(key)
		}}
	}
	only, header := c.Key, make(http.Header, 1)
	c.Authorize(header, only)
	return keyring{
		key:       func(context.Context, string) (string, error) { return only, nil },
		authorize: func(h http.Header, _ string) { maps.Copy(h, header) },
	}
}

// keyError is why the host has no key now. It is for the host to say that there
// will be none ([assessment.ErrUnauthorized]); anything else may pass.
type keyError struct{ err error }

// Error implements error.
func (e *keyError) Error() string { return "API key: " + e.err.Error() }

// Unwrap returns the host's error.
func (e *keyError) Unwrap() error { return e.err }

// Is matches [assessment.ErrNoKey].
func (e *keyError) Is(target error) bool { return target == assessment.ErrNoKey }

// KeyPrint returns a hash of the key of an account. It tells keys apart and does
// not lead back to one: keys are long and random.
func (c *Client) KeyPrint(ctx context.Context, account string) (assessment.KeyPrint, error) {
	if c == nil {
		return assessment.KeyPrint{}, errNotMade
	}
	key, err := c.key(ctx, account)
	if err != nil {
		return assessment.KeyPrint{}, fmt.Errorf("%s: %w", c.config.Vendor, err)
	}
	sum := sha256.Sum256([]byte("assessbridge key\x00" + string(c.config.Vendor) + "\x00" + key))
	return assessment.KeyPrint{Print: hex.EncodeToString(sum[:12]), Shared: !c.changes}, nil
}

// checkKey refuses what cannot be a key before it makes an unreadable header.
// The usual case is a line break at the end of a file.
func checkKey(key string) error {
	if key == "" {
		return fmt.Errorf("API key is empty: %w", assessment.ErrUnauthorized)
	}
	for i := range len(key) {
		if key[i] == ':' {
			return fmt.Errorf("API key contains a colon, which ends it in Basic credentials: %w", assessment.ErrUnauthorized)
		}
		if key[i] <= ' ' || key[i] >= 0x7f {
			return fmt.Errorf("API key contains a space, a control or a non-ASCII character: %w", assessment.ErrUnauthorized)
		}
	}
	return nil
}

// Version is the release of this module that the User-Agent names. It is a
// constant, because reading the build information would link that reader into
// every program.
const Version = "0.1.0"

func userAgent() string { return "assessbridge-go/" + Version }
