package stackone_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

// One name of anything is enough: the provider may know what to do with the order,
// and whoever was meant for bare ones does not get it.
func TestOrdersThatAreNotBare(t *testing.T) {
	for name, data := range map[string]string{
		"candidate id":          `"candidate":{"id":"c"}`,
		"candidate's remote id": `"candidate":{"remote_id":"c"}`,
		"candidate's e-mail":    `"candidate":{"emails":[{"value":"a@example.com"}]}`,
		"application id":        `"application":{"id":"a"}`,
		"application's remote":  `"application":{"remote_id":"a"}`,
		"job id":                `"job":{"id":"j"}`,
		"job's remote id":       `"job":{"remote_id":"j"}`,
		"package id":            `"package":{"id":"p"}`,
		"package's remote id":   `"package":{"remote_id":"p"}`,
		"package name":          `"package":{"name":"P"}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
				c.OnBareOrder = func(context.Context, assessment.Order) error {
					t.Error("taken for bare")
					return nil
				}
			})
			body := []byte(`{"event":"ats_assessments.created","account_id":"a","record_id":"r","event_data":{` + data + `}}`)
			require.Equal(t, http.StatusOK, h.post(body).Code)
			require.Len(t, h.provider.orders, 1)
			require.False(t, stackone.Bare(h.provider.orders[0]))
		})
	}
}
