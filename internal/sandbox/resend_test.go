package sandbox_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// listener is a provider that keeps what it is sent and counts aloud.
type listener struct {
	mu   sync.Mutex
	came []message
}

type message struct {
	body, kombo, stackone, key string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if string(body) == "{}" && r.Header.Get("Authorization") == "" && r.Header.Get(kombotest.SignatureHeader) == "" && r.Header.Get(stackonetest.SignatureHeader) == "" {
		return // the look at the health
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came = append(l.came, message{
		string(body), r.Header.Get(kombotest.SignatureHeader), r.Header.Get(stackonetest.SignatureHeader), r.Header.Get("Authorization"),
	})
	_, _ = fmt.Fprintf(w, `{"success":true,"results":{"assessment_id":"a1"},"number":%d}`, len(l.came))
}

// latest is the newest message, which is the nth.
func (l *listener) latest(t *testing.T, n int) message {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Len(t, l.came, n)
	return l.came[n-1]
}

var detailed = regexp.MustCompile(`data-detail="(\d+)"`)

// Resend as it was, freshly signed and edited: what is sent, and the two answers beside
// each other.
func TestResend(t *testing.T) {
	for _, vendor := range sandbox.Vendors {
		t.Run(vendor, func(t *testing.T) {
			provider := &listener{}
			b := start(t, at(serve(t, provider.ServeHTTP)))
			b.post(t, "/do/order", "customer", customers[vendor])
			first := provider.latest(t, 1)
			row := fmt.Sprint(b.state(t).Rows[0].N)
			differs := func(page string, now int) {
				t.Helper()
				has(t, page, `<h3 id="diff-title">Your answer, then and now</h3>`)
				has(t, page, `<span class="minus">-   &#34;number&#34;: 1`)
				has(t, page, fmt.Sprintf(`<span class="plus">&#43;   &#34;number&#34;: %d`, now))
				require.NotEqual(t, row, detailed.FindStringSubmatch(page)[1], "the new exchange is shown")
			}

			differs(b.post(t, "/do/resend", "row", row, "mode", "same"), 2)
			require.Equal(t, first, provider.latest(t, 2), "the same bytes, the same signature")

			_, err := b.App.Serve(t.Context(), vendor, "rotate", strings.Fields(customers[vendor])[1])
			require.NoError(t, err)
			differs(b.post(t, "/do/resend", "row", row, "mode", "same"), 3)
			require.Equal(t, first, provider.latest(t, 3), "as it was, after a rotation too")

			differs(b.post(t, "/do/resend", "row", row, "mode", "signed"), 4)
			require.Equal(t, signedWith(vendor+"-test-webhook-secret-rotated", vendor, first), provider.latest(t, 4), "signed with the secret of now")

			edited := strings.ReplaceAll(first.body, "Robin", "Zoë")
			require.NotEqual(t, first.body, edited)
			editor := b.get(t, "/x/"+row+"?edit=1")
			header := textArea(t, editor, "edit-header")
			require.Equal(t, first.body, textArea(t, editor, "edit-body"))
			want := first
			want.body = edited
			differs(b.post(t, "/do/resend", "row", row, "mode", "edited", "header", header, "body", edited, "sign", "fresh"), 5)
			require.Equal(t, signedWith(vendor+"-test-webhook-secret-rotated", vendor, want), provider.latest(t, 5), "edited, and signed")
			differs(b.post(t, "/do/resend", "row", row, "mode", "edited", "header", header, "body", edited), 6)
			require.Equal(t, want, provider.latest(t, 6), "edited, its signature left wrong")

			// A carriage return in the body is the browser's, not the sender's.
			b.post(t, "/do/resend", "row", row, "mode", "edited", "header", header, "body", "{\r\n}")
			require.Equal(t, "{\n}", provider.latest(t, 7).body)
			page := b.post(t, "/do/resend", "row", row, "mode", "edited", "header", "no colon", "body", "", "back", "/x/"+row+"?edit=1")
			has(t, page, `<p class="problem" role="alert">every line of the headers`)
			has(t, b.post(t, "/do/resend", "row", "999", "mode", "same"), `<p class="problem" role="alert">there is no such exchange`)
			has(t, b.post(t, "/do/resend", "row", row, "mode", "sideways"), `<p class="problem" role="alert">`)
			provider.latest(t, 7)
		})
	}
}

// signedWith is a message signed with a secret, if the vendor signs it.
func signedWith(secret, vendor string, m message) message {
	switch vendor {
	case sandbox.Kombo:
		m.kombo = kombotest.Sign(secret, []byte(m.body))
	case sandbox.StackOne:
		m.stackone = stackonetest.Sign(secret, []byte(m.body))
	}
	return m
}

// textArea is the text of a field, as a browser sends it.
func textArea(t *testing.T, page, id string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<textarea id="` + id + `"[^>]*>(.*?)</textarea>`).FindStringSubmatch(page)
	require.NotNil(t, found)
	// A browser drops the first line end, so that the text keeps its own.
	return html.UnescapeString(strings.TrimPrefix(found[1], "\n"))
}
