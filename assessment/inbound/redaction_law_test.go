package inbound_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNothingPersonalIsPrinted(t *testing.T) {
	keys, err := inbound.NewKeys(webhook.Secret{ID: "k", Key: vendortest.Canary})
	require.NoError(t, err)
	vendortest.NothingPersonal(t, vendortest.Exposure{
		Made:   []any{keys},
		Filled: []any{inbound.Reply{}},
		Shown:  map[string][]string{"Reply": {"Outcome"}},
		Open:   []string{"Config", "Handler", "Shadow", "Sighting"}, // no secret and no order is kept in them
	})
}
