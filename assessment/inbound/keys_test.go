package inbound_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/webhook"
)

func authorized(values ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header["Authorization"] = values
	return r
}

func basicText(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestKeys(t *testing.T) {
	keys, err := inbound.NewKeys(webhook.Secret{ID: "a", Key: "key-a"}, webhook.Secret{ID: "b", Key: "key-b"})
	require.NoError(t, err)
	for value, id := range map[string]string{
		basicText("key-a:"): "a", basicText("key-b"): "b", basicText("x:key-b"): "b", basicText("key-a:key-b"): "a",
		"Bearer key-a": "a", "bearer key-b": "b", "BASIC a2V5LWE=": "a", "Basic a2V5LWE": "a", "Bearer  key-a": "a",
	} {
		got, err := keys.Check(authorized(value))
		require.NoError(t, err, value)
		require.Equal(t, id, got, value)
	}
	for value, want := range map[string]error{
		"": inbound.ErrNoKey, "Bearer": inbound.ErrNoKey, "Bearer ": inbound.ErrNoKey, "key-a": inbound.ErrNoKey, "Basic !": inbound.ErrNoKey,
		"Basic ": inbound.ErrNoKey, basicText(":"): inbound.ErrNoKey, "Digest key-a": inbound.ErrNoKey,
		"Bearer " + strings.Repeat("x", 5000): inbound.ErrNoKey,
		"Bearer key-c":                        inbound.ErrWrongKey, "Bearer key-": inbound.ErrWrongKey, "Bearer key-aa": inbound.ErrWrongKey,
		"Bearer KEY-A": inbound.ErrWrongKey, basicText("x:y"): inbound.ErrWrongKey,
	} {
		_, err := keys.Check(authorized(value))
		require.ErrorIs(t, err, want, value)
		require.NotContains(t, err.Error(), "key-")
	}
	_, err = keys.Check(authorized())
	require.ErrorIs(t, err, inbound.ErrNoKey)
	_, err = keys.Check(authorized("Bearer key-a", "Bearer key-b"))
	require.ErrorIs(t, err, inbound.ErrNoKey, "a proxy may have looked at the other one")
	_, err = keys.Check(authorized("Bearer key-a, Bearer key-b"))
	require.Error(t, err)
	for what, r := range map[string]*http.Request{
		"a copy":                authorized("Bearer key-a", "Bearer key-a"),
		"a copy behind a comma": authorized(basicText("key-a:") + "," + basicText("key-a:")),
		"a tab":                 authorized("Basic\t" + basicText("key-a:")[6:]),
		"lower case":            {Header: http.Header{"authorization": {"Bearer key-a"}}},
	} {
		got, err := keys.Check(r)
		require.NoError(t, err, what)
		require.Equal(t, "a", got, what)
	}
}

func TestKeysRotate(t *testing.T) {
	keys, err := inbound.NewKeys(webhook.Secret{Key: "old"})
	require.NoError(t, err)
	require.NoError(t, keys.Rotate(webhook.Secret{ID: "1", Key: "new"}, webhook.Secret{ID: "0", Key: "old"}))
	id, err := keys.Check(authorized("Bearer new"))
	require.NoError(t, err)
	require.Equal(t, "1", id)
	require.NoError(t, keys.Rotate(webhook.Secret{ID: "1", Key: "new"}))
	_, err = keys.Check(authorized("Bearer old"))
	require.ErrorIs(t, err, inbound.ErrWrongKey)
	require.Error(t, keys.Rotate())
	_, err = keys.Check(authorized("Bearer new"))
	require.NoError(t, err, "the old ones stay in force")
}

func TestKeysThatCannotWork(t *testing.T) {
	for _, bad := range [][]webhook.Secret{
		nil, {{}}, {{Key: " "}}, {{Key: "key\n"}}, {{Key: "ke\x7fy"}}, {{Key: " key"}}, {{Key: strings.Repeat("x", 4000)}},
		{{Key: "a"}, {Key: "b"}}, {{ID: "a", Key: "x"}, {ID: "b", Key: "x"}},
	} {
		keys, err := inbound.NewKeys(bad...)
		require.Error(t, err)
		require.Nil(t, keys)
	}
	var none *inbound.Keys
	for _, keys := range []*inbound.Keys{none, {}} {
		_, err := keys.Check(authorized("Bearer x"))
		require.Error(t, err)
		_, err = keys.Match("")
		require.Error(t, err)
	}
	require.Error(t, none.Rotate(webhook.Secret{Key: "x"}))
}

func TestBasicKeys(t *testing.T) {
	for credentials, want := range map[string][]string{
		"u:p": {"u", "p"}, "u:": {"u"}, "u": {"u"}, ":p": {"p"}, "u:u": {"u"}, "u:p:q": {"u", "p:q"},
	} {
		got, err := inbound.BasicKeys(authorized(basicText(credentials)))
		require.NoError(t, err, credentials)
		require.Equal(t, want, got, credentials)
	}
	_, err := inbound.BasicKeys(authorized("Bearer x"))
	require.ErrorIs(t, err, inbound.ErrNoKey)
	_, err = inbound.Bearer(authorized(basicText("u")))
	require.ErrorIs(t, err, inbound.ErrNoKey)
}
