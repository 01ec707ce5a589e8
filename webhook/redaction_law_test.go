package webhook_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNothingPersonalIsPrinted(t *testing.T) {
	verifier, err := webhook.NewVerifier(webhook.Scheme{Header: "X-Signature", Encoding: webhook.Hex}, webhook.Secret{ID: "s", Key: vendortest.Canary})
	require.NoError(t, err)
	body, err := new(webhook.Budget).Read(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(vendortest.Canary)), 0)
	require.NoError(t, err)
	defer body.Release()
	whole, err := new(webhook.Budget).Read(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(vendortest.Canary)), 0)
	require.NoError(t, err)
	defer whole.Release()
	require.Equal(t, vendortest.Canary, string(whole.Bytes()))
	vendortest.NothingPersonal(t, vendortest.Exposure{
		Made: []any{verifier, webhook.Secret{ID: "s", Key: vendortest.Canary}, body, whole},
		Open: []string{"Budget", "Scheme", "Timestamp"},
	})
}
