package stackone_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

type vector struct {
	Name     string            `json:"name"`
	Secret   string            `json:"secret"`
	Body     string            `json:"body_base64"`
	Header   string            `json:"expected_header"`
	Padded   string            `json:"padded_variant_not_documented"`
	Rejected map[string]string `json:"other_encodings_not_documented"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	var file struct {
		Header  string   `json:"header"`
		Vectors []vector `json:"vectors"`
	}
	require.NoError(t, json.Unmarshal(example(t, "webhook_signature_vectors.json"), &file))
	require.Equal(t, http.CanonicalHeaderKey(file.Header), stackone.SignatureHeader)
	require.Len(t, file.Vectors, 5)
	return file.Vectors
}

func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			body, err := base64.StdEncoding.DecodeString(v.Body)
			require.NoError(t, err)
			verifier, err := stackone.NewVerifier(webhook.Secret{ID: "old", Key: "another"}, webhook.Secret{ID: "now", Key: v.Secret})
			require.NoError(t, err)
			for _, good := range []string{v.Header, v.Padded} {
				id, err := verifier.Verify(signedWith(good), body)
				require.NoError(t, err, good)
				require.Equal(t, "now", id)
			}
			for encoding, text := range v.Rejected {
				_, err := verifier.Verify(signedWith(text), body)
				require.ErrorIs(t, err, webhook.ErrBadSignature, encoding)
			}
			_, err = verifier.Verify(signedWith(v.Header), append(body, '\n'))
			require.ErrorIs(t, err, webhook.ErrBadSignature, "one byte more")
			alone, err := stackone.NewVerifier(webhook.Secret{Key: v.Secret})
			require.NoError(t, err)
			require.Equal(t, v.Header, alone.Sign(body))
		})
	}
}

func signedWith(signature string) http.Header {
	h := http.Header{}
	h.Set("x-stackone-signature", signature)
	return h
}

func TestNewVerifierRefuses(t *testing.T) {
	for name, secrets := range map[string][]webhook.Secret{
		"none": nil, "empty": {{ID: "a"}}, "one is empty": {{ID: "a", Key: "key"}, {ID: "b"}},
	} {
		verifier, err := stackone.NewVerifier(secrets...)
		require.Error(t, err, name)
		require.Nil(t, verifier, name)
	}
}
