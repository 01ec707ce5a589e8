package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

func TestSecretShowsNoKey(t *testing.T) {
	const key, keyInHex = "hush", "68757368"
	secret := webhook.Secret{ID: "2026-01", Key: key}
	config := struct {
		Secret  webhook.Secret
		Secrets []webhook.Secret
		Pointer *webhook.Secret
	}{secret, []webhook.Secret{secret}, &secret}
	verifier := newVerifier(t, komboScheme, secret)

	var shown bytes.Buffer
	for _, value := range []any{secret, &secret, config, &config, verifier} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&shown, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&shown, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("JSON", "value", value)
		require.NoError(t, json.NewEncoder(&shown).Encode(value))
	}
	require.Contains(t, shown.String(), "2026-01")
	require.NotContains(t, shown.String(), key)
	require.NotContains(t, shown.String(), keyInHex)
}

func TestSecretString(t *testing.T) {
	secret := webhook.Secret{ID: "2026-01", Key: "hush"}
	require.Equal(t, `webhook.Secret{ID: "2026-01", Key: redacted}`, secret.String())
	require.Equal(t, `"webhook.Secret{ID: \"2026-01\", Key: redacted}"`, fmt.Sprintf("%q", secret))
}

// A configuration file can hold secrets, but what is written back has none, and
// nothing in its place that could pass for one.
func TestSecretJSON(t *testing.T) {
	secret := webhook.Secret{ID: "2026-01", Key: "hush"}
	var read webhook.Secret
	require.NoError(t, json.Unmarshal([]byte(`{"ID": "2026-01", "Key": "hush"}`), &read))
	require.Empty(t, cmp.Diff(secret, read))

	written, err := json.Marshal(secret)
	require.NoError(t, err)
	require.JSONEq(t, `{"ID": "2026-01"}`, string(written))

	var back webhook.Secret
	require.NoError(t, json.Unmarshal(written, &back))
	_, err = webhook.NewVerifier(komboScheme, back)
	require.Error(t, err)
}
