package ashby_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

func TestCandidateInfo(t *testing.T) {
	sim := ashbytest.Start(t)
	id, err := sim.AddCandidate("", ashbytest.Candidate{
		Name: "Adam Hart", Email: "adam@example.com", Phone: "+1 555", Timezone: "Europe/Vienna", ResumeHandle: "h1",
		SocialLinks: []ashbytest.SocialLink{{Type: "GitHub", URL: "https://github.com/x"}},
	})
	require.NoError(t, err)
	client := newClient(t, sim.Client().Transport)
	got, err := client.CandidateInfo(t.Context(), account, id)
	require.NoError(t, err)
	require.Equal(t, []string{id, "Adam Hart", "adam@example.com", "+1 555", "Europe/Vienna", "h1"},
		[]string{got.ID, got.Name, got.Email, got.Phone, got.Timezone, got.ResumeHandle})
	require.Equal(t, []ashby.SocialLink{{Type: "GitHub", URL: "https://github.com/x"}}, got.SocialLinks)
	require.True(t, json.Valid(got.Raw))
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", got, got, got, got.LogValue()), "Adam")

	_, err = client.CandidateInfo(t.Context(), account, sim.NewID())
	require.ErrorIs(t, err, assessment.ErrInvalid)
	_, err = client.CandidateInfo(t.Context(), account, "")
	require.Equal(t, []string{"id"}, paths(t, err))

	odd := play(answers(200, `{"success":true,"results":{"id":"1","name":7,"emailAddresses":[{"value":"a@b","isPrimary":true}],"tags":0}}`))
	got, err = newClient(t, odd).CandidateInfo(t.Context(), account, "1")
	require.NoError(t, err)
	require.Equal(t, "a@b", got.Email)
}

func TestAPIKeyInfo(t *testing.T) {
	sim := ashbytest.Start(t)
	require.NoError(t, sim.AddKey("", "no_permission", "candidates:write"))
	got, err := newClient(t, sim.Client().Transport).APIKeyInfo(t.Context(), account)
	require.NoError(t, err)
	require.False(t, got.CreatedAt.IsZero())
	for permission, want := range map[string]bool{
		"candidatesWrite": true, "candidates:write": true, "apiKeysRead": true, "offersRead": false, "candidates": false,
	} {
		require.Equal(t, want, got.Allows(permission), permission)
	}
	_, err = newClient(t, sim.Client().Transport, func(c *ashby.Config) { c.APIKey = "no_permission" }).APIKeyInfo(t.Context(), account)
	require.ErrorIs(t, err, ashby.ErrKeyUnknown)
	require.ErrorIs(t, err, assessment.ErrForbidden)
	require.Equal(t, 403, apiError(t, err).StatusCode)

	_, err = newClient(t, play(answers(401, ""))).APIKeyInfo(t.Context(), account)
	require.NotErrorIs(t, err, ashby.ErrKeyUnknown)
	require.ErrorIs(t, err, assessment.ErrUnauthorized)
}

// A success may hold nobody.
func TestCandidateInfoOfNobody(t *testing.T) {
	for _, body := range []string{
		`{"success":true}`, `{"success":true,"results":null}`, `{"success":true,"results":{}}`, `{"success":true,"results":[]}`,
		`{"success":true,"results":"x"}`, `{}`,
	} {
		got, err := newClient(t, play(answers(200, body, "X-Ashby-Request-Id", "r1"))).CandidateInfo(t.Context(), account, "abc")
		require.ErrorIs(t, err, assessment.ErrNotFound, body)
		failure := apiError(t, err)
		requireEqual(t, []any{assessment.Ashby, "candidate.info", account, 200, "r1", 1, body, false}, []any{
			failure.Vendor, failure.Operation, failure.Account, failure.StatusCode, failure.RequestID, failure.Attempts, string(failure.Body), failure.Uncertain,
		})
		_, again := assessment.Retryable(err)
		require.False(t, again)
		require.Empty(t, got)
	}
	_, err := newClient(t, play(answers(200, ""))).CandidateInfo(t.Context(), account, "abc")
	require.Error(t, err)
}

func TestAPIKeyInfoOfNothing(t *testing.T) {
	for _, body := range []string{
		"", `{"success":true}`, `{"success":true,"results":null}`, `{"success":true,"results":{}}`, `{"success":true,"results":[]}`,
		`{"success":true,"results":{"scopes":{"a":1}}}`,
	} {
		got, err := newClient(t, play(answers(200, body))).APIKeyInfo(t.Context(), account)
		require.ErrorIs(t, err, ashby.ErrKeyUnknown, body)
		require.Equal(t, "apiKey.info", apiError(t, err).Operation)
		require.Equal(t, 200, apiError(t, err).StatusCode)
		require.Empty(t, got)
	}
	got, err := newClient(t, play(answers(200, `{"success":true,"results":{"title":7,"createdAt":null,"scopes":["a:b"]}}`))).APIKeyInfo(t.Context(), account)
	require.NoError(t, err)
	requireEqual(t, ashby.KeyInfo{Title: "7", Scopes: []string{"a:b"}}, got)
}
