package kombo_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

type vectorFile struct {
	Header  string
	Vectors []struct {
		Name        string
		Secret      string
		Body        string
		BodyBytes   int               `json:"body_bytes"`
		BodySHA     string            `json:"body_sha256_hex"`
		Signature   string            `json:"x_kombo_signature"`
		NotAccepted map[string]string `json:"not_accepted"`
	}
}

func TestSignatureVectors(t *testing.T) {
	var file vectorFile
	require.NoError(t, json.Unmarshal(example(t, "webhook-signature-vectors.json"), &file))
	require.Equal(t, file.Header, kombo.SignatureHeader)
	require.Len(t, file.Vectors, 5)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			body := []byte(vector.Body)
			sum := sha256.Sum256(body)
			require.Len(t, body, vector.BodyBytes)
			require.Equal(t, vector.BodySHA, hex.EncodeToString(sum[:]))

			verifier, err := kombo.NewVerifier(webhook.Secret{ID: "one", Key: vector.Secret})
			require.NoError(t, err)
			require.Equal(t, vector.Signature, verifier.Sign(body))
			id, err := verifier.Verify(signedWith(vector.Signature), body)
			require.NoError(t, err)
			require.Equal(t, "one", id)

			require.Len(t, vector.NotAccepted, 3)
			for form, text := range vector.NotAccepted {
				_, err := verifier.Verify(signedWith(text), body)
				require.ErrorIs(t, err, webhook.ErrBadSignature, form)
			}
			_, err = verifier.Verify(signedWith(vector.Signature), append(body, '\n'))
			require.ErrorIs(t, err, webhook.ErrBadSignature, "one byte more")
		})
	}
}

func signedWith(signature string) http.Header {
	h := http.Header{}
	h.Set("x-kombo-signature", signature)
	return h
}

func TestNewVerifierRefuses(t *testing.T) {
	for name, secrets := range map[string][]webhook.Secret{
		"none":         nil,
		"empty":        {{ID: "a"}},
		"one is empty": {{ID: "a", Key: "key"}, {ID: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			verifier, err := kombo.NewVerifier(secrets...)
			require.Error(t, err)
			require.Nil(t, verifier)
		})
	}
}
