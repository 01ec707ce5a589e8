package stackone_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "zqxj"
	raw := json.RawMessage(`"` + secret + `"`)
	session := stackone.ConnectSession{
		ID: "1", OriginOwnerName: secret, OriginUsername: secret, Token: secret, AuthLinkURL: secret, ExternalTriggerToken: secret, Metadata: raw,
	}
	values := []any{
		session, &session, session.LogValue(),
		stackone.Config{APIKey: secret}, stackone.Config{APIKey: secret}.LogValue(),
		stackone.PackagesConfig{BasicKeys: []string{secret}}, stackone.PackagesConfig{BasicKeys: []string{secret}}.LogValue(),
		stackone.ConnectRequest{OriginOwnerName: secret, Metadata: raw}, stackone.ConnectRequest{Metadata: raw}.LogValue(),
		stackone.Account{OriginOwnerName: secret, SetupInformation: raw}, stackone.Account{SetupInformation: raw}.LogValue(),
		stackone.WebhookConfig{Connection: "eu"}, stackone.WebhookConfig{}.LogValue(),
		stackone.Request{Path: []string{secret}, Query: map[string][]string{"q": {secret}}, Body: map[string]string{"email": secret}}, stackone.Request{Body: raw}.LogValue(),
		stackone.ListOptions{Proxy: map[string]string{"email": secret}}, stackone.ListOptions{Proxy: map[string]string{"email": secret}}.LogValue(),
		stackone.StatusReason{Code: "401", Description: secret}, stackone.StatusReason{Description: secret}.LogValue(),
		[]stackone.ConnectSession{session}, stackone.ProviderError{URL: secret, Raw: raw},
		stackone.CandidateRecord{Candidate: assessment.Candidate{Email: secret}, Raw: raw},
		stackone.ApplicationRecord{Candidate: assessment.Candidate{Email: secret}, Raw: raw},
		stackone.JobRecord{Raw: raw, Job: assessment.Job{HiringTeam: []assessment.TeamMember{{Email: secret}}}},
	}
	for _, v := range values {
		requireUnprinted(t, v, secret)
	}
}

// requireUnprinted prints a value in every way, also as a part of another.
func requireUnprinted(t testing.TB, v any, secret string) {
	t.Helper()
	type outer struct{ V any }
	for _, printed := range []any{v, outer{v}, &outer{v}, []any{v}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			requireFree(t, fmt.Sprintf(verb, printed), secret, fmt.Sprintf("%s of %T in %T", verb, v, printed))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", printed)
		if _, ok := v.(slog.LogValuer); ok { // of anything else the JSON is made, which is what it is
			slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		}
		requireFree(t, log.String(), secret, fmt.Sprintf("slog of %T in %T", v, printed))
	}
}

func requireFree(t testing.TB, text, secret, what string) {
	t.Helper()
	require.NotContains(t, text, secret, what)
	require.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", secret), what)
	require.NotContains(t, text, strings.Trim(fmt.Sprint([]byte(secret)), "[]"), what)
}

// What is built from keys and secrets does not print them, nor does a host's
// struct that has it in a field.
func TestClientsAndHandlersPrintNoSecrets(t *testing.T) {
	const secret = "zqxjwvkb"
	client := newClient(t, play(), func(c *stackone.Config) { c.APIKey, c.Connection = secret, "eu" })
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "now", Key: secret})
	require.NoError(t, err)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: &provider{}, Store: assessment.NewMemoryStore(0)})
	require.NoError(t, err)
	hooks := stackone.WebhookConfig{Intake: intake, Verifier: verifier, Connection: "eu", Publisher: client}
	webhooks, err := stackone.NewWebhookHandler(hooks)
	require.NoError(t, err)
	config := stackone.PackagesConfig{Intake: intake, Verifier: verifier, Connection: "eu", BasicKeys: []string{secret}}
	packages, err := stackone.NewPackagesHandler(config)
	require.NoError(t, err)
	require.Equal(t, []string{secret}, config.BasicKeys, "the host's own are its own")
	requireUnprinted(t, client, secret) // has no methods for it: its key is in a closure
	for _, v := range []any{webhooks, packages} {
		requireUnprinted(t, v, secret)
		require.Contains(t, fmt.Sprint(v), `"eu"`)
		require.Equal(t, fmt.Sprintf("%q", fmt.Sprint(v)), fmt.Sprintf("%q", v))
		for _, verb := range []string{"%+v", "%#v", "%s", "%x", "%d"} {
			require.Equal(t, fmt.Sprint(v), fmt.Sprintf(verb, v), "%s of %T", verb, v)
		}
	}
	for _, v := range []any{hooks, config} { // without what fmt cannot call the methods of
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			requireFree(t, fmt.Sprintf(verb, v), secret, verb)
			require.Contains(t, fmt.Sprintf(verb, v), "config (connection", verb)
		}
	}
	type app struct {
		client   *stackone.Client
		webhooks *stackone.WebhookHandler
		packages *stackone.PackagesHandler
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		requireFree(t, fmt.Sprintf(verb, app{client, webhooks, packages}), secret, verb)
	}
}
