package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// Secret is a key shared with the sender, and a name for it.
//
// No fmt verb, no slog handler and no JSON encoder shows the key.
type Secret struct {
	// ID names the secret in answers and logs, such as "2026-01". A single
	// secret can do without; of several, each needs its own.
	ID string
	// Key is the secret as the vendor's dashboard shows it. Its bytes are the
	// HMAC key as they are: nothing is trimmed, and a key that looks like hex or
	// base64 is not decoded.
	Key string
}

// String names the secret without its key.
func (s Secret) String() string {
	return "webhook.Secret{ID: " + strconv.Quote(s.ID) + ", Key: redacted}"
}

// Format implements [fmt.Formatter] with the text of [Secret.String] for every
// verb: String alone would leave %+v, %#v and %x to print the key.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

// LogValue implements [slog.LogValuer] with the text of [Secret.String].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON implements [json.Marshaler] with the ID alone. The key is left
// out and not replaced by a word such as "redacted": read back, the word would
// be a key that everybody knows, while a missing key is refused.
func (s Secret) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ ID string }{s.ID})
}

// checkSecrets refuses what could let a forger in (no key, a blank key) and
// what would make the answer of Verify ambiguous. Its errors name secrets by
// position and ID.
func checkSecrets(secrets []Secret) error {
	if len(secrets) == 0 {
		return errors.New("webhook: no secret")
	}
	ids := make(map[string]bool, len(secrets))
	keys := make(map[string]bool, len(secrets))
	for i, s := range secrets {
		problem := ""
		switch {
		case strings.TrimSpace(s.Key) == "":
			problem = "empty key"
		case s.ID == "" && len(secrets) > 1:
			problem = "no ID, which each of several secrets needs"
		case ids[s.ID]:
			problem = "an earlier secret has the same ID"
		case keys[s.Key]:
			problem = "an earlier secret has the same key"
		}
		if problem != "" {
			return fmt.Errorf("webhook: secret %d (ID %q): %s", i+1, s.ID, problem)
		}
		ids[s.ID], keys[s.Key] = true, true
	}
	return nil
}
