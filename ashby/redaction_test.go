package ashby_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNothingPersonalIsPrinted(t *testing.T) {
	verifier, err := ashby.NewVerifier(webhook.Secret{ID: "s", Key: vendortest.Canary})
	require.NoError(t, err)
	client := newClient(t, play(), func(c *ashby.Config) { c.APIKey = vendortest.Canary })
	hooks := ashby.WebhookConfig{Verifier: verifier}
	webhooks, err := ashby.NewWebhookHandler(hooks)
	require.NoError(t, err)
	var config ashby.HandlerConfig
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.Client = client
		config = *c
	}})
	vendortest.NothingPersonal(t, vendortest.Exposure{
		Made: []any{client, *client, h.handler, *h.handler, config, webhooks, *webhooks, hooks},
		Filled: []any{
			ashby.Candidate{}, ashby.Completed{}, ashby.Config{}, ashby.Contact{}, ashby.Event{}, ashby.Request{}, ashby.SocialLink{},
			ashby.UnknownEvent{},
		},
		Shown: map[string][]string{
			"Candidate": {"ID"},
			"Completed": {"AssessmentID"},
			"Config":    {"Connection"},
			"Event":     {"ID", "Action"},
			"Request":   {"Operation"},
		},
		Open: []string{"Added", "CandidateDeleted", "CandidateMerged", "FieldOption", "FieldSpec", "KeyInfo", "Ping"},
	})
}

// What is printed is of use, and %q quotes it.
func TestPrintedTextIsUseful(t *testing.T) {
	verifier, err := ashby.NewVerifier(webhook.Secret{ID: "s", Key: "k"})
	require.NoError(t, err)
	webhooks, err := ashby.NewWebhookHandler(ashby.WebhookConfig{Verifier: verifier})
	require.NoError(t, err)
	for want, value := range map[string]fmt.Stringer{
		`ashby request "application.info"`:      ashby.Request{Operation: "application.info", Body: 1},
		`ashby completed assessment "a1"`:       ashby.Completed{AssessmentID: "a1", CandidateID: "c"},
		`ashby candidate c1`:                    ashby.Candidate{ID: "c1", Name: "x"},
		`contact [redacted]`:                    ashby.Contact{Value: "x"},
		`social link [redacted]`:                ashby.SocialLink{URL: "x"},
		`ashby event data [redacted]`:           ashby.UnknownEvent{Data: jsonRaw(`"x"`)},
		`ashby event "e1" ("candidateDelete")`:  ashby.Event{ID: "e1", Action: ashby.ActionCandidateDelete},
		`ashby config (connection "eu")`:        ashby.Config{Connection: "eu"},
		`ashby handler (connection "")`:         newHost(t, &provider{}, options{}).handler,
		`ashby webhook handler (connection "")`: webhooks,
	} {
		require.Equal(t, want, fmt.Sprintf("%+v", value))
		require.Equal(t, want, value.String())
		require.Equal(t, fmt.Sprintf("%q", want), fmt.Sprintf("%q", value))
		require.NotEmpty(t, value.(slog.LogValuer).LogValue().String())
	}
}
