package stackone_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

func TestOtherEvents(t *testing.T) {
	bodies := map[string][]byte{
		"webhook.account_updated.json":                  nil,
		"webhook.native_ats_job_postings_updated.json":  nil,
		"webhook.synthetic_hris_employees_updated.json": nil,
	}
	for name := range bodies {
		bodies[name] = example(t, name)
	}
	bodies["order updated"] = bytes.Replace(orderBody(t), []byte("ats_assessments.created"), []byte("ats_assessments.updated"), 1)
	bodies["order deleted"] = bytes.Replace(orderBody(t), []byte("ats_assessments.created"), []byte("assessment.deleted"), 1)
	bodies["account error"] = []byte(`{"event":"account.error","account_id":"a"}`)
	bodies["unknown"] = []byte(`{"event":"moon.landed"}`)
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{})
			require.Equal(t, 200, h.post(body).Code, "acknowledged")
			require.Equal(t, assessment.DeliveryHandled, h.last().Outcome)

			var got []stackone.Event
			failure := errors.New("not now")
			h = newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
				c.Connection = "eu"
				c.OnEvent = func(_ context.Context, e stackone.Event) error { got = append(got, e); return failure }
			})
			require.Equal(t, 503, h.post(body).Code)
			failure = nil
			require.Equal(t, 200, h.post(body).Code)
			require.Len(t, got, 2)
			require.Equal(t, body, got[1].Raw)
			require.Equal(t, string(got[1].Type), h.last().Event)
			require.Equal(t, got[1].Account, h.last().Account)
			if changed, ok := got[1].Data.(stackone.OrderChanged); ok {
				require.Equal(t, "eu", changed.Order.Ref.Connection)
				require.Equal(t, changed.Order.Ref, h.last().Order)
				require.Equal(t, strings.HasSuffix(name, "deleted"), changed.Deleted)
			}
			require.Zero(t, h.provider.calls())
			require.Equal(t, name == "unknown" || strings.Contains(name, "hris"), len(h.drift) > 0)
		})
	}
}

func TestDecodeOrder(t *testing.T) {
	decode := func(e stackone.Event) (assessment.Order, error) {
		read := e.Data.(stackone.OrderCreated).Order
		if strings.Contains(string(e.Raw), "broken") {
			return assessment.Order{}, errors.New("host's decoder")
		}
		o := assessment.Order{Package: assessment.Package{ID: "mine"}, Candidate: read.Candidate}
		if strings.Contains(string(e.Raw), "finished") {
			o.Status = assessment.StatusCompleted
		}
		if strings.Contains(string(e.Raw), "another") {
			o.Ref = assessment.OrderRef{Vendor: "x", Connection: "y", Kind: assessment.KindBackgroundCheck, Account: "b", ID: "s"}
		}
		return o, nil
	}
	var events []stackone.Event
	h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
		c.DecodeOrder = decode
		c.OnEvent = func(_ context.Context, e stackone.Event) error { events = append(events, e); return nil }
	})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	got := h.provider.orders[0]
	require.Equal(t, assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: "c28xIQaWQ6b3JkZXItMQ"}, got.Ref)
	require.Equal(t, "mine", got.Package.ID)
	require.NotEmpty(t, got.Candidate.Email)
	require.Equal(t, orderBody(t), got.Raw)

	require.Equal(t, 200, h.post([]byte(`{"event":"assessment.created","note":"another"}`)).Code)
	require.Equal(t, assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindBackgroundCheck, Account: "b", ID: "s"}, h.provider.orders[1].Ref)

	w := h.post([]byte(`{"event":"assessment.created","account_id":"a","record_id":"r","note":"broken"}`))
	require.Equal(t, 503, w.Code)
	require.NotContains(t, w.Body.String(), "decoder")

	require.Equal(t, 200, h.post([]byte(`{"event":"assessment.created","account_id":"a","record_id":"r","note":"finished"}`)).Code)
	require.Equal(t, 2, h.provider.calls(), "an order that is over is not started")
	require.Len(t, events, 1)
	require.Equal(t, assessment.StatusCompleted, events[0].Data.(stackone.OrderCreated).Order.Status)
}
