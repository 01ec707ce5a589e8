package webhook_test

import (
	"bytes"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/webhook"
)

// Under the race detector a sync.Pool drops what it is given now and then, and
// a new HMAC state has to be keyed.
func allocationBudget(n float64) float64 {
	if raceEnabled {
		return n + 16
	}
	return n
}

func TestAllocations(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 8<<10)
	for _, scheme := range []webhook.Scheme{komboScheme, stackOneScheme, ashbyScheme} {
		v := newVerifier(t, scheme, webhook.Secret{ID: "b", Key: "new"}, webhook.Secret{ID: "a", Key: "old"})
		good := signed(scheme, v.Sign(body))
		mismatch := signed(scheme, v.Sign(nil))
		malformed := signed(scheme, strings.Repeat("?", 100))

		for name, tc := range map[string]struct {
			budget float64
			run    func()
		}{
			"Verify, good":      {0, func() { _, _ = v.Verify(good, body) }},
			"Verify, mismatch":  {0, func() { _, _ = v.Verify(mismatch, body) }},
			"Verify, malformed": {0, func() { _, _ = v.Verify(malformed, body) }},
			"Verify, none":      {0, func() { _, _ = v.Verify(nil, body) }},
			"Sign":              {1, func() { _ = v.Sign(body) }},
		} {
			got := testing.AllocsPerRun(200, tc.run)
			require.LessOrEqual(t, got, allocationBudget(tc.budget), "%s: %s", scheme.Header, name)
		}
	}
}

func TestReadAllocatesOnce(t *testing.T) {
	content := bytes.NewReader(bytes.Repeat([]byte("x"), 8<<10))
	r, _ := request(nil, content.Size())
	r.Body = io.NopCloser(content)
	w := httptest.NewRecorder()
	got := testing.AllocsPerRun(200, func() {
		_, _ = content.Seek(0, io.SeekStart)
		_, _ = webhook.Read(w, r, 0)
	})
	require.LessOrEqual(t, got, 1.0)
}
