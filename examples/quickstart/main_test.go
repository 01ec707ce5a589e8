package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// The README shows this program from the provider on, to the letter.
func TestREADMEShowsThisProgram(t *testing.T) {
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, shown, found := strings.Cut(string(source), "\n)\n\n")
	require.True(t, found)
	shown, _, found = strings.Cut(shown, "\nfunc main()")
	require.True(t, found)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```go\n"+shown+"```\n")
}

func TestProgram(t *testing.T) {
	vendor := kombotest.Start(t)
	handler, err := orders(kombotest.DefaultWebhookSecret)
	require.NoError(t, err)
	vendor.Target(handler)
	client, err := kombo.New(kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: vendor.Client(), Observer: observer})
	require.NoError(t, err)

	id, delivery, err := vendor.PlaceOrder(t.Context(), kombotest.OrderSpec{PackageID: "go"})
	require.NoError(t, err)
	require.Equal(t, 200, delivery.Status)
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}
	require.NoError(t, finish(t.Context(), client, ref, 87.4))
	order, _ := vendor.Order(id)
	require.Equal(t, kombotest.StatusCompleted, order.Status)
	final, _ := order.Final()
	require.Equal(t, "87.4", final.Score.String())

	id, delivery, err = vendor.PlaceOrder(t.Context(), kombotest.OrderSpec{PackageID: "rust"})
	require.NoError(t, err)
	require.Equal(t, 422, delivery.Status)
	order, _ = vendor.Order(id)
	require.Equal(t, "We do not offer this test.", order.RejectionMessage)

	require.JSONEq(t, `{"delivery accepted": 1, "delivery rejected": 1, "result written": 1}`, counts.String())
}

func TestNoSecret(t *testing.T) {
	_, err := orders("")
	require.Error(t, err)
}
