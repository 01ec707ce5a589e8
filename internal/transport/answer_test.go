package transport

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswersAreReadWithALimit(t *testing.T) {
	for name, c := range map[string]struct {
		first step
		ok    bool
	}{
		"exactly":            {answers(200, "12345678"), true},
		"one more":           {answers(200, "123456789"), false},
		"length not given":   {unannounced(200, "123456789"), false},
		"length exaggerated": {announced(200, "1", 1<<60), true},
		"failure":            {answers(400, "123456789"), false},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(c.first)
			answer, err := newClient(t, server, func(c *Config) { c.MaxBody = 8 }).Do(t.Context(), writingWith(Same))
			require.Len(t, server.seen, 1, "too large now is too large again")
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, errTooLarge)
			api := apiError(t, err)
			require.Equal(t, "12345678", string(api.Body))
			require.Equal(t, "12345678", string(answer.Body))
			require.Equal(t, api.StatusCode == 200, api.Uncertain)
		})
	}
}

func unannounced(status int, body string) step { return announced(status, body, -1) }

func announced(status int, body string, length int64) step {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: readCloser(body), ContentLength: length}, nil
	}
}

func TestEveryBodyIsReadAndClosed(t *testing.T) {
	closed := 0
	counted := func(status int) step {
		return func(*http.Request) (*http.Response, error) {
			body := countedClose{io.NopCloser(strings.NewReader(`"body"`)), &closed}
			return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"0"}}, Body: body}, nil
		}
	}
	server := play(counted(503), counted(429), counted(200))
	_, err := newClient(t, server, func(c *Config) { c.MinBackoff, c.MaxBackoff = 1, 1 }).Do(t.Context(), reading)
	require.NoError(t, err)
	require.Equal(t, 3, closed)
}

type countedClose struct {
	io.ReadCloser
	n *int
}

func (c countedClose) Close() error { *c.n++; return c.ReadCloser.Close() }

// net/http undoes a compression only if it has asked for it itself.
func TestCompressedAnswers(t *testing.T) {
	const body = `{"name":"ada"}`
	packed := zipped(t, body)
	for name, c := range map[string]struct {
		answer step
		ok     bool
	}{
		"gzip":              {answers(200, packed, "Content-Encoding", "gzip"), true},
		"in capitals":       {answers(200, packed, "Content-Encoding", "GZIP"), true},
		"another name":      {answers(200, packed, "Content-Encoding", "x-gzip"), true},
		"unpacked already":  {answers(200, body, "Content-Encoding", "gzip"), true},
		"cut":               {answers(200, packed[:len(packed)-4], "Content-Encoding", "gzip"), false},
		"head alone":        {answers(200, packed[:4], "Content-Encoding", "gzip"), false},
		"another encoding":  {answers(200, packed, "Content-Encoding", "br"), false},
		"more than allowed": {answers(200, zipped(t, `"`+strings.Repeat("a", 1<<20)+`"`), "Content-Encoding", "gzip"), false},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, play(c.answer), func(c *Config) { c.MaxRetries, c.MaxBody = -1, 1<<10 })
			got, answer, err := JSON[named](t.Context(), client, writing)
			require.LessOrEqual(t, len(answer.Body), 1<<10)
			if !c.ok {
				require.True(t, apiError(t, err).Uncertain)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "ada", got.Name)
			require.Equal(t, body, string(answer.Body))
		})
	}
	client := newClient(t, play(answers(400, zipped(t, "why"), "Content-Encoding", "gzip")))
	_, err := client.Do(t.Context(), writing)
	require.Equal(t, "why", string(apiError(t, err).Body))
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.String()
}
