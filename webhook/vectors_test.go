package webhook_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

// The schemes of the three senders, as their packages define them.
var (
	komboScheme    = webhook.Scheme{Header: "X-Kombo-Signature", Encoding: webhook.Base64URL}
	stackOneScheme = webhook.Scheme{Header: "x-stackone-signature", Encoding: webhook.Base64URL, AllowPadding: true}
	ashbyScheme    = webhook.Scheme{Header: "Ashby-Signature", Prefix: "sha256=", Encoding: webhook.Hex}
)

// vector is one signed body, whichever file it comes from.
type vector struct {
	name      string
	scheme    webhook.Scheme
	secret    string
	body      []byte
	signature string
	accepted  []string // other header values that are good
	refused   []string // header values that are not
}

// vectors reads all the vector files.
func vectors(t testing.TB) []vector {
	var all []vector
	all = append(all, komboVectors(t)...)
	all = append(all, stackOneVectors(t)...)
	all = append(all, ashbyVectors(t)...)
	return all
}

func komboVectors(t testing.TB) []vector {
	var file struct {
		Vectors []struct {
			Name        string            `json:"name"`
			Secret      string            `json:"secret"`
			Body        string            `json:"body"`
			BodyBytes   int               `json:"body_bytes"`
			Signature   string            `json:"x_kombo_signature"`
			NotAccepted map[string]string `json:"not_accepted"`
		} `json:"vectors"`
	}
	decodeFile(t, "kombo_signature_vectors.json", &file)
	var all []vector
	for _, v := range file.Vectors {
		require.Len(t, v.Body, v.BodyBytes, v.Name)
		require.Contains(t, v.NotAccepted, "base64url_padded")
		all = append(all, vector{
			name: "kombo/" + v.Name, scheme: komboScheme, secret: v.Secret, body: []byte(v.Body),
			signature: v.Signature, refused: values(v.NotAccepted),
		})
	}
	return all
}

func stackOneVectors(t testing.TB) []vector {
	var file struct {
		Vectors []struct {
			Name      string            `json:"name"`
			Secret    string            `json:"secret"`
			Text      string            `json:"body_utf8"`
			Body      []byte            `json:"body_base64"`
			Signature string            `json:"expected_header"`
			Padded    string            `json:"padded_variant_not_documented"`
			Other     map[string]string `json:"other_encodings_not_documented"`
		} `json:"vectors"`
	}
	decodeFile(t, "stackone_signature_vectors.json", &file)
	var all []vector
	for _, v := range file.Vectors {
		require.Equal(t, v.Text, string(v.Body), v.Name)
		all = append(all, vector{
			name: "stackone/" + v.Name, scheme: stackOneScheme, secret: v.Secret, body: v.Body,
			signature: v.Signature, accepted: []string{v.Padded}, refused: values(v.Other),
		})
	}
	return all
}

func ashbyVectors(t testing.TB) []vector {
	var file struct {
		Vectors []struct {
			Name      string `json:"name"`
			Secret    string `json:"secret"`
			Text      string `json:"body"`
			Body      []byte `json:"body_base64"`
			Signature string `json:"ashby_signature"`
		} `json:"vectors"`
	}
	decodeFile(t, "ashby_signature_vectors.json", &file)
	var all []vector
	for _, v := range file.Vectors {
		require.Equal(t, v.Text, string(v.Body), v.Name)
		all = append(all, vector{
			name: "ashby/" + v.Name, scheme: ashbyScheme, secret: v.Secret, body: v.Body,
			signature: v.Signature,
		})
	}
	return all
}

func decodeFile(t testing.TB, name string, into any) {
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

func values(m map[string]string) []string {
	var all []string
	for _, v := range m {
		all = append(all, v)
	}
	return all
}
