package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

const payload = `{"id":"evt_1"}`

func TestReceive(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{ID: "one", Key: "key"})
	good := v.Sign([]byte(payload))

	for _, tc := range []struct {
		name       string
		method     string
		body       string
		announced  int64
		signature  string
		wantErr    error
		wantStatus int
		wantText   string
	}{
		{"good", "POST", payload, 14, good, nil, 200, ""},
		{"good, chunked", "POST", payload, -1, good, nil, 200, ""},
		{"good and empty", "POST", "", 0, v.Sign(nil), nil, 200, ""},
		{"method", "GET", "", 0, "", webhook.ErrMethodNotAllowed, 405, "method not allowed"},
		{"method before size", "PUT", payload, 100, good, webhook.ErrMethodNotAllowed, 405, "method not allowed"},
		{"signature before size", "POST", payload + payload, 28, "", webhook.ErrNoSignature, 401, "signature missing"},
		{"form of the signature before size", "POST", payload + payload, 28, "?", webhook.ErrBadSignature, 401, "signature not accepted"},
		{"size before proof", "POST", payload + payload, 28, v.Sign(nil), webhook.ErrBodyTooLarge, 413, "body too large"},
		{"size, chunked", "POST", payload + payload, -1, good, webhook.ErrBodyTooLarge, 413, "body too large"},
		{"no signature", "POST", payload, 14, "", webhook.ErrNoSignature, 401, "signature missing"},
		{"bad signature", "POST", payload, 14, v.Sign(nil), webhook.ErrBadSignature, 401, "signature not accepted"},
		{"malformed signature", "POST", payload, 14, "?", webhook.ErrBadSignature, 401, "signature not accepted"},
		{"consumed", "POST", "", 14, good, webhook.ErrBodyConsumed, 500, "internal error"},
		{"consumed, no signature", "POST", "", 14, "", webhook.ErrNoSignature, 401, "signature missing"},
		{"consumed, chunked", "POST", "", -1, good, webhook.ErrBodyConsumed, 500, "internal error"},
		{"nothing announced, nothing sent", "POST", "", 0, good, webhook.ErrBadSignature, 401, "signature not accepted"},
		{"partly consumed", "POST", payload[5:], 14, good, webhook.ErrBodyConsumed, 500, "internal error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, _ := request(strings.NewReader(tc.body), tc.announced)
			r.Method = tc.method
			r.Header.Set(komboScheme.Header, tc.signature)
			w := httptest.NewRecorder()

			got, id, err := v.Receive(w, r, 20)
			require.ErrorIs(t, err, tc.wantErr)
			code, text := webhook.Status(err)
			require.Equal(t, tc.wantStatus, code)
			require.Equal(t, tc.wantText, text)
			require.False(t, w.Flushed)
			require.Zero(t, w.Body.Len())
			if tc.wantErr == nil {
				require.Equal(t, tc.body, string(got))
				require.Equal(t, "one", id)
				return
			}
			require.Nil(t, got)
			require.Empty(t, id)
		})
	}
}

func TestCheckMethod(t *testing.T) {
	r := httptest.NewRequest(http.MethodDelete, "/", nil)
	w := httptest.NewRecorder()
	require.NoError(t, webhook.CheckMethod(w, r, http.MethodPost, http.MethodDelete))
	require.Empty(t, w.Header())

	require.ErrorIs(t, webhook.CheckMethod(w, r, http.MethodGet, http.MethodPost), webhook.ErrMethodNotAllowed)
	require.Equal(t, "GET, POST", w.Header().Get("Allow"))
}

func TestStatusOfOtherErrors(t *testing.T) {
	for _, err := range []error{errors.New("database down"), context.Canceled, io.ErrUnexpectedEOF} {
		code, text := webhook.Status(err)
		require.Equal(t, 500, code)
		require.Equal(t, "internal error", text)
	}
	code, text := webhook.Status(fmt.Errorf("kombo: %w", webhook.ErrBodyBroken))
	require.Equal(t, 400, code)
	require.Equal(t, "body incomplete", text)
}

// serve runs a handler as a host would, in a real server, and keeps the error.
func serve(t *testing.T, v *webhook.Verifier, wrap func(http.Handler) http.Handler) (*httptest.Server, <-chan error) {
	failed := make(chan error, 1)
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, err := v.Receive(w, r, 1000)
		failed <- err
		code, text := webhook.Status(err)
		http.Error(w, text, code)
	})
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server, failed
}

func post(t *testing.T, url, signature string, body io.Reader) *http.Response {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	require.NoError(t, err)
	r.Header.Set(komboScheme.Header, signature)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp
}

func TestServer(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	server, failed := serve(t, v, nil)
	tooLarge := strings.Repeat("x", 1001)

	resp := post(t, server.URL, v.Sign([]byte(payload)), strings.NewReader(payload))
	require.NoError(t, <-failed)
	require.Equal(t, 200, resp.StatusCode)
	require.False(t, resp.Close)

	resp = post(t, server.URL, v.Sign([]byte(payload)), chunked{strings.NewReader(payload)})
	require.NoError(t, <-failed)
	require.Equal(t, 200, resp.StatusCode)

	for _, body := range []io.Reader{strings.NewReader(tooLarge), chunked{strings.NewReader(tooLarge)}} {
		resp = post(t, server.URL, v.Sign(nil), body)
		require.ErrorIs(t, <-failed, webhook.ErrBodyTooLarge)
		require.Equal(t, 413, resp.StatusCode)
		require.True(t, resp.Close, "the server closes the connection")
	}
}

// chunked hides the length of a body from the client.
type chunked struct{ io.Reader }

func TestServerWithMiddleware(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	signature := v.Sign([]byte(payload))
	for _, tc := range []struct {
		name string
		take func(io.ReadCloser) error
	}{
		{"reads all", func(body io.ReadCloser) error { _, err := io.ReadAll(body); return err }},
		{"reads a part", func(body io.ReadCloser) error { _, err := io.CopyN(io.Discard, body, 5); return err }},
		{"closes", func(body io.ReadCloser) error { return body.Close() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server, failed := serve(t, v, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if err := tc.take(r.Body); err != nil {
						t.Error(err)
					}
					next.ServeHTTP(w, r)
				})
			})
			resp := post(t, server.URL, signature, strings.NewReader(payload))
			require.ErrorIs(t, <-failed, webhook.ErrBodyConsumed)
			require.Equal(t, 500, resp.StatusCode)
		})
	}
}

// A body without an announced length leaves no trace of what was taken of it but
// that there is nothing left.
func TestServerWithMiddlewareThatTakesAll(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	for _, leaves := range []struct {
		name string
		take func(*http.Request)
	}{
		{"the body as it is", func(*http.Request) {}},
		{"no body", func(r *http.Request) { r.Body = http.NoBody }},
		{"no body and no length", func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 }},
		{"nil", func(r *http.Request) { r.Body = nil }},
	} {
		for _, body := range []io.Reader{strings.NewReader(payload), chunked{strings.NewReader(payload)}} {
			t.Run(fmt.Sprintf("%s, %T", leaves.name, body), func(t *testing.T) {
				server, failed := serve(t, v, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if _, err := io.Copy(io.Discard, r.Body); err != nil {
							t.Error(err)
						}
						leaves.take(r)
						next.ServeHTTP(w, r)
					})
				})
				resp := post(t, server.URL, v.Sign([]byte(payload)), body)
				require.ErrorIs(t, <-failed, webhook.ErrBodyConsumed)
				require.Equal(t, 500, resp.StatusCode)
			})
		}
	}
	// Who says that there is nothing has sent nothing.
	server, failed := serve(t, v, nil)
	post(t, server.URL, v.Sign([]byte(payload)), http.NoBody)
	require.ErrorIs(t, <-failed, webhook.ErrBadSignature)
}

func TestEncoding(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	for _, tc := range []struct {
		codings []string
		refused bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"identity"}, false},
		{[]string{"UTF-8"}, false}, // a character set, written in the wrong place
		{[]string{"utf8"}, false},
		{[]string{"utf-8, gzip"}, true},
		{[]string{"utf-16"}, true},
		{[]string{"Identity"}, false},
		{[]string{"gzip"}, true},
		{[]string{"identity, gzip"}, true},
		{[]string{"identity", "br"}, true},
		{[]string{"surprise"}, true},
	} {
		r, b := request(strings.NewReader(payload), int64(len(payload)))
		r.Header.Set(komboScheme.Header, v.Sign([]byte(payload)))
		r.Header["Content-Encoding"] = tc.codings
		w := httptest.NewRecorder()
		_, _, err := v.Receive(w, r, 0)
		code, text := webhook.Status(err)
		if !tc.refused {
			require.NoError(t, err, tc.codings)
			continue
		}
		require.ErrorIs(t, err, webhook.ErrEncoding, tc.codings)
		require.Equal(t, 415, code)
		require.Equal(t, "content encoding not supported", text)
		require.Equal(t, "identity", w.Header().Get("Accept-Encoding"))
		require.Equal(t, "close", w.Header().Get("Connection"), "the body is not waited for")
		require.Zero(t, b.read)
	}
}

// Nothing of a body is read before there is something that can prove it.
func TestNothingIsReadUnproved(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	for _, signature := range []string{"", "?", strings.Repeat("A", 44), "sha256=" + strings.Repeat("0", 64)} {
		r, b := request(strings.NewReader(payload), int64(len(payload)))
		r.Header.Set(komboScheme.Header, signature)
		w := httptest.NewRecorder()
		_, _, err := v.Receive(w, r, 0)
		require.Error(t, err)
		require.Zero(t, b.read)
		require.Equal(t, "close", w.Header().Get("Connection"))
	}
}

func TestServerSenderHangsUp(t *testing.T) {
	v := newVerifier(t, komboScheme, webhook.Secret{Key: "key"})
	server, failed := serve(t, v, nil)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()

	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nX-Kombo-Signature: "+v.Sign(nil)+"\r\nContent-Length: 100\r\n\r\nhalf a bo")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())

	err = <-failed
	require.ErrorIs(t, err, webhook.ErrBodyBroken)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 400, resp.StatusCode)
}
