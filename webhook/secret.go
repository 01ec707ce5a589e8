package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
)

// Secret is a key shared with the sender, and a name for it.
//
// No fmt verb, no slog handler and no JSON encoder shows the key.
type Secret struct {
	// ID names the secret in answers and logs, such as "2026-01". A single
	// secret can do without; of several, each needs its own.
	ID string
	// Key is the secret as the vendor's dashboard shows it. Its bytes are the
	// HMAC key as they are: nothing is trimmed (see [CheckKey] for what is refused),
	// and a key that looks like hex or base64 is not decoded.
	Key string
}

// String names the secret without its key.
func (s Secret) String() string {
	return "webhook.Secret{ID: " + strconv.Quote(s.ID) + ", Key: redacted}"
}

// Format implements [fmt.Formatter] with the text of [Secret.String] for every
// verb: String alone would leave %+v, %#v and %x to print the key.
func (s Secret) Format(f fmt.State, verb rune) { formatText(f, verb, s.String()) }

// LogValue implements [slog.LogValuer] with the text of [Secret.String].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON implements [json.Marshaler] with the ID alone. The key is left
// out and not replaced by a word such as "redacted": read back, the word would
// be a key that everybody knows, while a missing key is refused.
func (s Secret) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ ID string }{s.ID})
}

// CheckKey refuses what cannot work as a secret or key: an empty or blank one,
// which lets a forger in, and one with a control character or a blank at an end,
// which a file or a form has added and with which every delivery would be refused.
// The error does not show the key.
func CheckKey(key string) error {
	switch {
	case strings.TrimSpace(key) == "":
		return errors.New("empty key")
	case strings.ContainsFunc(key, unicode.IsControl):
		return errors.New("the key has a control character, such as a line break")
	case strings.TrimFunc(key, blank) != key:
		return errors.New("the key starts or ends with a blank")
	}
	return nil
}

// blank is what nobody sees at the end of a text: white space, and characters
// without width, such as a byte order mark.
func blank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// CheckSecrets refuses what [NewVerifier] refuses of secrets, for those who keep
// keys of another kind: none, a key that [CheckKey] refuses, several of which one
// has no ID, and two with the same ID or key.
func CheckSecrets(secrets ...Secret) error { return checkSecrets(secrets) }

// checkSecrets refuses keys that cannot work and what would make the answer of
// Verify ambiguous. Its errors name secrets by position and ID.
func checkSecrets(secrets []Secret) error {
	if len(secrets) == 0 {
		return errors.New("webhook: no secret")
	}
	ids := make(map[string]bool, len(secrets))
	keys := make(map[string]bool, len(secrets))
	for i, s := range secrets {
		problem := ""
		unusable := CheckKey(s.Key)
		switch {
		case unusable != nil:
			problem = unusable.Error()
		case s.ID == "" && len(secrets) > 1:
			problem = "no ID, which each of several secrets needs"
		case ids[s.ID]:
			problem = "an earlier secret has the same ID"
		case keys[s.Key]:
			problem = "an earlier secret has the same key"
		}
		if problem != "" {
			return secretError(i, s, problem)
		}
		ids[s.ID], keys[s.Key] = true, true
	}
	return nil
}

// checkTokens refuses a token that no header can hold.
func checkTokens(prefix string, secrets []Secret) error {
	for i, s := range secrets {
		if len(prefix)+len(s.Key) > maxHeader {
			return secretError(i, s, "the key is too long for a header")
		}
	}
	return nil
}

func secretError(i int, s Secret, problem string) error {
	return fmt.Errorf("webhook: secret %d (ID %q): %s", i+1, s.ID, problem)
}
