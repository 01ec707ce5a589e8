package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

var (
	listScheme = webhook.Scheme{
		Header: "Acme-Signature", Prefix: "v1=", Encoding: webhook.Hex,
		Timestamp: webhook.Timestamp{Element: "t=", Separator: "."},
	}
	headerScheme = webhook.Scheme{
		Header: "X-Acme-Signature", Prefix: "v0=", Encoding: webhook.Hex,
		Timestamp: webhook.Timestamp{Header: "x-acme-request-timestamp", Lead: "v0:", Separator: ":", Tolerance: time.Minute},
	}
)

// by signs as a sender does, by hand.
func by(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestTimeInTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // 2000-01-01T00:00:00Z
		const now = "946684800"
		v := newVerifier(t, listScheme, webhook.Secret{ID: "a", Key: "old"}, webhook.Secret{ID: "b", Key: "new"})
		good, bad := by("new", now+"."+payload), by("wrong", now+"."+payload)
		for name, tc := range map[string]struct {
			value string
			want  error
		}{
			"plain":                   {"t=" + now + ",v1=" + good, nil},
			"with blanks":             {"t=" + now + ", v1=" + good, nil},
			"signature first":         {"v1=" + good + ",t=" + now, nil},
			"another version":         {"t=" + now + ",v0=abc,v1=" + good, nil},
			"under two secrets":       {"t=" + now + ",v1=" + bad + ",v1=" + good, nil},
			"wrong":                   {"t=" + now + ",v1=" + bad, webhook.ErrBadSignature},
			"another time":            {"t=946684801,v1=" + good, webhook.ErrBadSignature},
			"no time":                 {"v1=" + good, webhook.ErrBadSignature},
			"no time in it":           {"t=,v1=" + good, webhook.ErrBadSignature},
			"two times":               {"t=" + now + ",t=" + now + ",v1=" + good, webhook.ErrBadSignature},
			"no number":               {"t=-" + now + ",v1=" + good, webhook.ErrBadSignature},
			"beyond any clock":        {"t=" + strings.Repeat("9", 40) + ",v1=" + good, webhook.ErrBadSignature},
			"no signature":            {"t=" + now, webhook.ErrBadSignature},
			"of another version only": {"t=" + now + ",v0=" + good, webhook.ErrBadSignature},
			"malformed":               {"t=" + now + ",v1=" + good + ",v1=?", webhook.ErrBadSignature},
			"too many":                {"t=" + now + strings.Repeat(",v1="+good, 9), webhook.ErrBadSignature},
			"a megabyte":              {"t=" + now + ",v1=" + good + strings.Repeat(",", 1<<20), webhook.ErrBadSignature},
			"empty":                   {"", webhook.ErrNoSignature},
		} {
			header := signed(listScheme, tc.value)
			id, err := v.Verify(header, []byte(payload))
			require.ErrorIs(t, err, tc.want, name)
			if tc.want == nil {
				require.Equal(t, "b", id, name)
			}
			require.NotContains(t, "v"+errText(err), good[:16], name)
		}
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestTolerance(t *testing.T) {
	for _, scheme := range []webhook.Scheme{listScheme, headerScheme} {
		synctest.Test(t, func(t *testing.T) {
			tolerance := scheme.Timestamp.Tolerance
			if tolerance == 0 {
				tolerance = webhook.DefaultTolerance
			}
			v := newVerifier(t, scheme, webhook.Secret{Key: "key"})
			header := http.Header{}
			require.NoError(t, v.SignHeader(header, []byte(payload)))
			<-time.After(tolerance)
			_, err := v.Verify(header, []byte(payload))
			require.NoError(t, err)
			<-time.After(time.Second)
			_, err = v.Verify(header, []byte(payload))
			require.ErrorIs(t, err, webhook.ErrStale)
			code, text := webhook.Status(err)
			require.Equal(t, 401, code)
			require.Equal(t, "delivery too old", text)
			// What is old and forged is forged.
			_, err = v.Verify(header, []byte(payload+" "))
			require.ErrorIs(t, err, webhook.ErrBadSignature)
		})
	}
}

// A clock that is ahead is tolerated as one that is behind.
func TestSignedInTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier(t, headerScheme, webhook.Secret{Key: "key"})
		for at, want := range map[string]error{"946684860": nil, "946684861": webhook.ErrStale, "946684739": webhook.ErrStale} {
			header := signed(headerScheme, "v0="+by("key", "v0:"+at+":"+payload))
			header.Set("X-Acme-Request-Timestamp", at)
			_, err := v.Verify(header, []byte(payload))
			require.ErrorIs(t, err, want, at)
		}
	})
}

func TestTimeInAHeader(t *testing.T) {
	v := newVerifier(t, headerScheme, webhook.Secret{Key: "key"})
	header := http.Header{}
	require.NoError(t, v.SignHeader(header, []byte(payload)))
	require.NoError(t, v.Check(header))
	_, err := v.Verify(header, []byte(payload))
	require.NoError(t, err)
	for _, times := range [][]string{nil, {}, {""}, {"x"}, {"946684800", "946684801"}} {
		header["X-Acme-Request-Timestamp"] = times
		require.Error(t, v.Check(header), times)
		_, err = v.Verify(header, []byte(payload))
		require.Error(t, err)
	}
}

func TestStandardBase64(t *testing.T) {
	mac, err := hex.DecodeString(by("key", payload))
	require.NoError(t, err)
	padded := base64.StdEncoding.EncodeToString(mac)
	raw := strings.TrimSuffix(padded, "=")
	for _, tc := range []struct {
		scheme            webhook.Scheme
		signs             string
		accepted, refused []string
	}{
		{webhook.Scheme{Encoding: webhook.Base64}, padded, nil, []string{raw, padded + "=", "=" + raw}},
		{webhook.Scheme{Encoding: webhook.RawBase64}, raw, nil, []string{padded}},
		{webhook.Scheme{Encoding: webhook.RawBase64, AllowPadding: true}, raw, []string{padded}, []string{padded + "="}},
		{webhook.Scheme{Encoding: webhook.Base64, Prefix: "sha256="}, "sha256=" + padded, nil, []string{padded}},
	} {
		tc.scheme.Header = "S"
		v := newVerifier(t, tc.scheme, webhook.Secret{Key: "key"})
		require.Equal(t, tc.signs, v.Sign([]byte(payload)))
		for _, good := range append(tc.accepted, tc.signs) {
			requireAccepted(t, v, signed(tc.scheme, good), []byte(payload), "")
		}
		for _, bad := range append(tc.refused, strings.NewReplacer("+", "-", "/", "_").Replace(tc.signs)+"A") {
			requireRefused(t, v, signed(tc.scheme, bad), []byte(payload), bad)
		}
	}
}

func TestToken(t *testing.T) {
	scheme := webhook.Scheme{Header: "Authorization", Prefix: "Bearer ", Encoding: webhook.Token}
	v := newVerifier(t, scheme, webhook.Secret{ID: "a", Key: "tok-a"}, webhook.Secret{ID: "b", Key: "tok-b"})
	require.Equal(t, "Bearer tok-a", v.Sign([]byte(payload)))
	requireAccepted(t, v, signed(scheme, "Bearer tok-a"), []byte(payload), "a")
	requireAccepted(t, v, signed(scheme, "Bearer tok-b"), nil, "b")
	for _, bad := range []string{"tok-a", "Bearer tok-c", "Bearer ", "Bearer tok-a ", "Bearer tok-", "bearer tok-a", "Bearer " + strings.Repeat("x", 1<<20)} {
		requireRefused(t, v, signed(scheme, bad), []byte(payload), len(bad))
	}
	require.NoError(t, v.Rotate(webhook.Secret{Key: "tok-c"}))
	requireAccepted(t, v, signed(scheme, "Bearer tok-c"), nil, "")
}

// What was not made with NewVerifier accepts nothing and never panics.
func TestZeroVerifier(t *testing.T) {
	var none *webhook.Verifier
	for _, v := range []*webhook.Verifier{none, {}} {
		require.ErrorIs(t, v.Usable(), webhook.ErrNoVerifier)
		require.ErrorIs(t, v.Check(http.Header{}), webhook.ErrNoVerifier)
		_, err := v.Verify(http.Header{"": {""}}, nil)
		require.ErrorIs(t, err, webhook.ErrNoVerifier)
		require.ErrorIs(t, v.Rotate(webhook.Secret{Key: "key"}), webhook.ErrNoVerifier)
		require.ErrorIs(t, v.SignHeader(http.Header{}, nil), webhook.ErrNoVerifier)
		require.Empty(t, v.Sign(nil))
		r, _ := request(strings.NewReader(payload), 14)
		_, _, err = v.Receive(new(recorder), r, 0)
		require.ErrorIs(t, err, webhook.ErrNoVerifier)
		code, _ := webhook.Status(err)
		require.Equal(t, 500, code)
	}
	require.NoError(t, newVerifier(t, komboScheme, webhook.Secret{Key: "key"}).Usable())
}

// recorder is a ResponseWriter of which only the header is of interest.
type recorder struct{ header http.Header }

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}
func (*recorder) Write(p []byte) (int, error) { return len(p), nil }
func (*recorder) WriteHeader(int)             {}

func TestCheckKey(t *testing.T) {
	for _, good := range []string{"k", "two words", "ключ", "a=b:c", "\xff\xfe", strings.Repeat("x", 5000)} {
		require.NoError(t, webhook.CheckKey(good), "%q", good)
	}
	for _, bad := range []string{
		"", " ", "\t", "\u00a0", "\ufeff ", "s3cret\n", "\ns3cret", "s3\ncret", "s3cret\r\n", "s3cret ", " s3cret", "s3\x00cret",
		"s3cret\x7f", "s3\x7fcret", "s3\u0085cret", "s3cret\u00a0", "\u2003s3cret", "\ufeffs3cret", "s3cret\u200b", "s3\tcret",
	} {
		err := webhook.CheckKey(bad)
		require.Error(t, err, "%q", bad)
		require.NotContains(t, err.Error(), "cret", "%q", bad)
		_, err = webhook.NewVerifier(komboScheme, webhook.Secret{Key: bad})
		require.Error(t, err, "%q", bad)
		v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
		require.Error(t, v.Rotate(webhook.Secret{Key: bad}), "%q", bad)
	}
}
