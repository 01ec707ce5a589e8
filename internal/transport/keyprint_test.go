package transport

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// A print tells keys apart, is the same on every process, and shows nothing of the
// key. A key store that fails is told from a key that is refused.
func TestKeyPrint(t *testing.T) {
	made := func(c Config) *Client {
		c.Vendor, c.BaseURL, c.Authorize = "v", "https://v.example.com", Bearer
		client, err := New(c)
		require.NoError(t, err)
		return client
	}
	print := func(c *Client, account string) assessment.KeyPrint {
		got, err := c.KeyPrint(t.Context(), account)
		require.NoError(t, err)
		return got
	}
	one := print(made(Config{Key: "abcdefgh"}), "a")
	require.True(t, one.Shared)
	require.Equal(t, one, print(made(Config{Key: "abcdefgh"}), "b"))
	require.NotEqual(t, one, print(made(Config{Key: "abcdefgi"}), "a"))
	require.NotContains(t, one.Print, "abc")
	sealed := errors.New("vault is sealed")
	keys := func(_ context.Context, account string) (string, error) {
		if account == "none" {
			return "", sealed
		}
		return "key-of-" + account, nil
	}
	client := made(Config{Keys: keys, HTTPClient: &http.Client{}})
	require.NotEqual(t, print(client, "a"), print(client, "b"))
	require.False(t, print(client, "a").Shared)
	_, err := client.KeyPrint(t.Context(), "none")
	require.ErrorIs(t, err, assessment.ErrNoKey)
	_, err = client.Do(t.Context(), Call{Operation: "op", Method: http.MethodGet, Path: []string{"x"}, Account: "none"})
	require.ErrorIs(t, err, assessment.ErrNoKey)
	require.ErrorIs(t, err, sealed)
	var api *assessment.APIError
	require.ErrorAs(t, err, &api)
	require.Zero(t, api.Attempts)
}
