package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

func TestVectors(t *testing.T) {
	for _, tc := range vectors(t) {
		t.Run(tc.name, func(t *testing.T) {
			v := newVerifier(t, tc.scheme, webhook.Secret{ID: "one", Key: tc.secret})
			require.Equal(t, tc.signature, v.Sign(tc.body))

			for _, good := range append(tc.accepted, tc.signature) {
				id, err := v.Verify(signed(tc.scheme, good), tc.body)
				require.NoError(t, err, good)
				require.Equal(t, "one", id)
			}
			for _, bad := range tc.refused {
				if bad == tc.signature || slices.Contains(tc.accepted, bad) {
					continue // the alphabets differ in two characters only
				}
				requireRefused(t, v, signed(tc.scheme, bad), tc.body)
			}
		})
	}
}

func TestVerifyRefusesAnotherBody(t *testing.T) {
	for _, tc := range vectors(t) {
		if len(tc.body) == 0 {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			v := newVerifier(t, tc.scheme, webhook.Secret{Key: tc.secret})
			header := signed(tc.scheme, tc.signature)
			for i := range tc.body {
				flipped := bytes.Clone(tc.body)
				flipped[i] ^= 1
				requireRefused(t, v, header, flipped)
			}
			requireRefused(t, v, header, append(bytes.Clone(tc.body), '\n'))
			requireRefused(t, v, header, tc.body[:len(tc.body)-1])
			requireRefused(t, v, header, nil)
		})
	}
}

func TestVerifyRefusesAnotherText(t *testing.T) {
	const body = "body"
	schemes := map[string]webhook.Scheme{"kombo": komboScheme, "stackone": stackOneScheme, "ashby": ashbyScheme}
	for name, scheme := range schemes {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, scheme, webhook.Secret{Key: "key"})
			good := v.Sign([]byte(body))
			mac := strings.TrimPrefix(good, scheme.Prefix)
			texts := map[string]string{
				"one character short": good[:len(good)-1],
				"one character more":  good + "A",
				"equals sign alone":   "=" + mac,
				"wrong prefix":        "sha1=" + mac,
				"prefix in capitals":  "SHA256=" + mac,
				"prefix alone":        "sha256=",
				"upper case":          scheme.Prefix + strings.ToUpper(mac),
				"space before":        " " + good,
				"space after":         good + " ",
				"line break inside":   good[:len(good)-1] + "\n",
				"line break after":    good + "\n",
				"two paddings":        good + "==",
				"a list":              good + ",bad",
				"a list, bad first":   "bad," + good,
				"a comma behind":      good + ",",
				"a comma before":      "," + good,
				"half a copy":         good + "," + good[:20],
				"without a comma":     good + good,
				"not ASCII":           strings.Repeat("é", len(good)/2),
				"NUL":                 strings.Repeat("\x00", len(good)),
				"all zero":            scheme.Prefix + strings.Repeat("0", len(mac)),
				"a megabyte":          good + strings.Repeat("A", 1<<20),
			}
			if !scheme.AllowPadding {
				texts["padding"] = good + "="
			}
			if scheme.Prefix != "" {
				texts["no prefix"] = mac
			}
			for what, text := range texts {
				requireRefused(t, v, signed(scheme, text), []byte(body), what)
			}
		})
	}
}

// The last of the 43 characters carries four bits of the MAC and two that must
// be zero.
func TestVerifyRefusesTrailingBits(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	v := newVerifier(t, stackOneScheme, webhook.Secret{Key: "key"})
	body := []byte("body")
	good := v.Sign(body)
	last := strings.IndexByte(alphabet, good[len(good)-1])
	for bits := 1; bits < 4; bits++ {
		same := good[:len(good)-1] + string(alphabet[last+bits])
		requireRefused(t, v, signed(stackOneScheme, same), body)
		requireRefused(t, v, signed(stackOneScheme, same+"="), body)
	}
}

func TestVerifyHeader(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{ID: "one", Key: "key"})
	body := []byte("body")
	good := v.Sign(body)
	name := komboScheme.Header

	for what, header := range map[string]http.Header{
		"nil":       nil,
		"no header": {},
		"no value":  {name: {}},
		"empty":     {name: {""}},
		"elsewhere": {"Ashby-Signature": {good}},
	} {
		_, err := v.Verify(header, body)
		require.ErrorIs(t, err, webhook.ErrNoSignature, what)
		require.NotErrorIs(t, err, webhook.ErrBadSignature, what)
	}
	for what, values := range map[string][]string{
		"good and bad":    {good, "bad"},
		"bad and good":    {"bad", good},
		"bad among equal": {good, "bad", good},
	} {
		requireRefused(t, v, http.Header{name: values}, body, what)
		requireRefused(t, v, http.Header{strings.ToLower(name): values[:1], strings.ToUpper(name): values[1:]}, body, what)
	}
}

// Proxies add copies of a header, and gateways that hand requests over as events
// write its name in lower case. The proof is the same.
func TestVerifyHeaderOfAProxy(t *testing.T) {
	body := []byte("body")
	for _, scheme := range []webhook.Scheme{komboScheme, stackOneScheme, ashbyScheme} {
		v := newVerifier(t, scheme, webhook.Secret{ID: "one", Key: "key"})
		good := v.Sign(body)
		name := http.CanonicalHeaderKey(scheme.Header)
		for what, header := range map[string]http.Header{
			"a copy":                {name: {good, good}},
			"copies":                {name: {good, good, good}},
			"an empty one":          {name: {"", good}},
			"a copy behind a comma": {name: {good + ", " + good}},
			"no blank":              {name: {good + "," + good + "," + good}},
			"both":                  {name: {good + "," + good, good + "," + good}},
			"lower case":            {strings.ToLower(name): {good}},
			"upper case":            {strings.ToUpper(name): {good}},
			"two cases":             {strings.ToLower(name): {good}, strings.ToUpper(name): {good}},
			"lower case, a copy":    {strings.ToLower(name): {good, good}},
		} {
			require.NoError(t, v.Check(header), what)
			requireAccepted(t, v, header, body, "one")
		}
	}
}

func TestHeaderValue(t *testing.T) {
	for want, header := range map[string]http.Header{
		"Basic a2V5": {"X": {"Basic a2V5, Basic a2V5"}},
		"t=1,v1=ab":  {"X": {"t=1,v1=ab"}},
		"t=1,v1=abc": {"X": {"t=1,v1=abc,t=1,v1=abc"}},
		"a,b,a":      {"X": {"a,b,a"}},
		",,":         {"X": {",,"}},
		"the right":  {"X": {"the right"}, "x": {"the wrong"}},
	} {
		got, err := webhook.HeaderValue(header, "X")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := webhook.HeaderValue(http.Header{"X": {"", ""}}, "X")
	require.ErrorIs(t, err, webhook.ErrNoSignature)
	_, err = webhook.HeaderValue(http.Header{"X": {"a", "b"}}, "X")
	require.ErrorIs(t, err, webhook.ErrBadSignature)
}

func TestVerifyRefusesAnotherSecret(t *testing.T) {
	signer := newVerifier(t, ashbyScheme, webhook.Secret{Key: "8b943c47"})
	body := []byte("body")
	for what, key := range map[string]string{
		"another":       "8b943c48",
		"hex-decoded":   "\x8b\x94\x3c\x47",
		"in capitals":   "8B943C47",
		"another space": "8b94 3c47",
	} {
		v := newVerifier(t, ashbyScheme, webhook.Secret{Key: key})
		requireRefused(t, v, signed(ashbyScheme, signer.Sign(body)), body, what)
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	good := webhook.Secret{ID: "good", Key: "key-good"}
	for _, tc := range []struct {
		name    string
		scheme  webhook.Scheme
		secrets []webhook.Secret
		want    string
	}{
		{"no header", webhook.Scheme{Encoding: webhook.Hex}, []webhook.Secret{good}, "webhook: scheme without a header"},
		{"no encoding", webhook.Scheme{Header: "S"}, []webhook.Secret{good}, "webhook: unknown encoding 0"},
		{"another encoding", webhook.Scheme{Header: "S", Encoding: 6}, []webhook.Secret{good}, "webhook: unknown encoding 6"},
		{"padded hex", webhook.Scheme{Header: "S", Encoding: webhook.Hex, AllowPadding: true}, []webhook.Secret{good}, "webhook: only base64 without padding can be padded"},
		{"base64 padded twice", webhook.Scheme{Header: "S", Encoding: webhook.Base64, AllowPadding: true}, []webhook.Secret{good}, "webhook: only base64 without padding can be padded"},
		{"token with a time", webhook.Scheme{Header: "S", Encoding: webhook.Token, Timestamp: webhook.Timestamp{Header: "T"}}, []webhook.Secret{good}, "webhook: a token signs no time"},
		{"time nowhere", webhook.Scheme{Header: "S", Encoding: webhook.Hex, Timestamp: webhook.Timestamp{Separator: "."}}, []webhook.Secret{good}, "webhook: a timestamp needs either an element or a header"},
		{"time twice", webhook.Scheme{Header: "S", Prefix: "v1=", Encoding: webhook.Hex, Timestamp: webhook.Timestamp{Element: "t=", Header: "T"}}, []webhook.Secret{good}, "webhook: a timestamp needs either an element or a header"},
		{"element without a prefix", webhook.Scheme{Header: "S", Encoding: webhook.Hex, Timestamp: webhook.Timestamp{Element: "t="}}, []webhook.Secret{good}, "webhook: the elements of a header need prefixes without a comma"},
		{"element with a comma", webhook.Scheme{Header: "S", Prefix: "v1,", Encoding: webhook.Hex, Timestamp: webhook.Timestamp{Element: "t="}}, []webhook.Secret{good}, "webhook: the elements of a header need prefixes without a comma"},
		{"elements alike", webhook.Scheme{Header: "S", Prefix: "t=1", Encoding: webhook.Hex, Timestamp: webhook.Timestamp{Element: "t="}}, []webhook.Secret{good}, "webhook: the prefixes of time and signature cannot be told apart"},
		{"negative tolerance", webhook.Scheme{Header: "S", Encoding: webhook.Hex, Timestamp: webhook.Timestamp{Header: "T", Tolerance: -1}}, []webhook.Secret{good}, "webhook: negative tolerance"},
		{"endless lead", webhook.Scheme{Header: "S", Encoding: webhook.Hex, Timestamp: webhook.Timestamp{Header: "T", Lead: strings.Repeat("x", 65)}}, []webhook.Secret{good}, "webhook: lead and separator are too long"},
		{"token too long", webhook.Scheme{Header: "S", Prefix: "Bearer ", Encoding: webhook.Token}, []webhook.Secret{{Key: strings.Repeat("x", 1018)}}, `webhook: secret 1 (ID ""): the key is too long for a header`},
		{"no secret", komboScheme, nil, "webhook: no secret"},
		{"zero secret", komboScheme, []webhook.Secret{{}}, `webhook: secret 1 (ID ""): empty key`},
		{"empty key", komboScheme, []webhook.Secret{good, {ID: "b"}}, `webhook: secret 2 (ID "b"): empty key`},
		{"blank key", komboScheme, []webhook.Secret{{ID: "b", Key: " \t\n"}}, `webhook: secret 1 (ID "b"): empty key`},
		{"line break after the key", komboScheme, []webhook.Secret{{ID: "b", Key: "s3cret\n"}}, `webhook: secret 1 (ID "b"): the key has a control character, such as a line break`},
		{"space after the key", komboScheme, []webhook.Secret{good, {ID: "b", Key: "s3cret "}}, `webhook: secret 2 (ID "b"): the key starts or ends with a blank`},
		{"one of two without ID", komboScheme, []webhook.Secret{good, {Key: "key-b"}}, `webhook: secret 2 (ID ""): no ID, which each of several secrets needs`},
		{"same ID", komboScheme, []webhook.Secret{good, {ID: "good", Key: "key-b"}}, `webhook: secret 2 (ID "good"): an earlier secret has the same ID`},
		{"same key", komboScheme, []webhook.Secret{good, {ID: "b", Key: "key-good"}}, `webhook: secret 2 (ID "b"): an earlier secret has the same key`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := webhook.NewVerifier(tc.scheme, tc.secrets...)
			require.EqualError(t, err, tc.want)
			require.Nil(t, v)
		})
	}
}

func TestRotate(t *testing.T) {
	body := []byte("body")
	older := webhook.Secret{ID: "2026-01", Key: "old key"}
	newer := webhook.Secret{ID: "2026-02", Key: "new key"}
	byOld := signed(komboScheme, newVerifier(t, komboScheme, older).Sign(body))
	byNew := signed(komboScheme, newVerifier(t, komboScheme, newer).Sign(body))

	v := newVerifier(t, komboScheme, older)
	requireAccepted(t, v, byOld, body, "2026-01")
	requireRefused(t, v, byNew, body)

	require.NoError(t, v.Rotate(newer, older))
	requireAccepted(t, v, byOld, body, "2026-01")
	requireAccepted(t, v, byNew, body, "2026-02")
	require.Equal(t, byNew.Get(komboScheme.Header), v.Sign(body), "signs with the first")

	require.EqualError(t, v.Rotate(), "webhook: no secret")
	require.Error(t, v.Rotate(newer, newer))
	require.Error(t, v.Rotate(webhook.Secret{ID: "2026-03"}))
	requireAccepted(t, v, byOld, body, "2026-01")
	requireAccepted(t, v, byNew, body, "2026-02")

	require.NoError(t, v.Rotate(newer))
	requireRefused(t, v, byOld, body)
	requireAccepted(t, v, byNew, body, "2026-02")
}

// However often the secrets change, one that is in both sets never stops
// working, and an answer always names the right one.
func TestRotateWhileVerifying(t *testing.T) {
	body := []byte("body")
	kept := webhook.Secret{ID: "kept", Key: "kept key"}
	other := webhook.Secret{ID: "other", Key: "other key"}
	byKept := signed(komboScheme, newVerifier(t, komboScheme, kept).Sign(body))
	byOther := signed(komboScheme, newVerifier(t, komboScheme, other).Sign(body))
	v := newVerifier(t, komboScheme, kept)

	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 500 {
				id, err := v.Verify(byKept, body)
				if err != nil || id != "kept" {
					t.Errorf("kept secret: %q, %v", id, err)
				}
				if id, err := v.Verify(byOther, body); err == nil && id != "other" {
					t.Errorf("other secret was taken for %q", id)
				}
			}
		})
	}
	group.Go(func() {
		for range 500 {
			if err := v.Rotate(other, kept); err != nil {
				t.Errorf("rotate to two: %v", err)
			}
			if err := v.Rotate(kept); err != nil {
				t.Errorf("rotate to one: %v", err)
			}
		}
	})
	group.Wait()
}

func TestErrorsHoldNoSignature(t *testing.T) {
	body := []byte("body")
	v := newVerifier(t, ashbyScheme, webhook.Secret{ID: "a", Key: "key-one"}, webhook.Secret{ID: "b", Key: "key-two"})
	presented := "sha256=" + strings.Repeat("ab", 32)
	for _, values := range [][]string{{presented}, {presented + "00"}, {presented, presented}, {"md5=" + presented}} {
		_, err := v.Verify(http.Header{ashbyScheme.Header: values}, body)
		require.ErrorIs(t, err, webhook.ErrBadSignature)
		text := fmt.Sprintf("%v %+v %#v", err, err, err)
		require.NotContains(t, text, strings.Repeat("ab", 8))
		require.NotContains(t, text, strings.TrimPrefix(v.Sign(body), "sha256=")[:16])
		require.NotContains(t, text, "key-")
	}
}

func newVerifier(t testing.TB, scheme webhook.Scheme, secrets ...webhook.Secret) *webhook.Verifier {
	t.Helper()
	v, err := webhook.NewVerifier(scheme, secrets...)
	require.NoError(t, err)
	return v
}

func signed(scheme webhook.Scheme, signature string) http.Header {
	header := http.Header{}
	header.Set(scheme.Header, signature)
	return header
}

func requireAccepted(t *testing.T, v *webhook.Verifier, header http.Header, body []byte, wantID string) {
	t.Helper()
	id, err := v.Verify(header, body)
	require.NoError(t, err)
	require.Equal(t, wantID, id)
}

func requireRefused(t *testing.T, v *webhook.Verifier, header http.Header, body []byte, what ...any) {
	t.Helper()
	id, err := v.Verify(header, body)
	require.ErrorIs(t, err, webhook.ErrBadSignature, what...)
	require.NotErrorIs(t, err, webhook.ErrNoSignature, what...)
	require.Empty(t, id, what...)
}
