package ashby_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

func TestList(t *testing.T) {
	p := &provider{packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
		return []assessment.Package{
			{ID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e", Name: "Node Assessment", Description: "90 minute backend exercise in Node.js", Type: assessment.SkillsTest},
			{ID: "38430ede-5bd2-41fc-b474-87591cb98cbc", Name: "Reference check"},
		}, nil
	}}
	for name, body := range map[string]string{
		"documented": string(example(t, "assessment-list.request.json")), "empty": "", "object": `{"new":[1]}`, "anything": "x",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, p, options{config: func(c *ashby.HandlerConfig) { c.Connection = "c" }})
			w := h.post("assessment.list", []byte(body))
			require.Equal(t, 200, w.Code)
			requireSameJSON(t, example(t, "assessment-list.response.json"), w.Body.Bytes())
			require.Equal(t, assessment.PackageQuery{Vendor: assessment.Ashby, Connection: "c", Account: account, ATS: "ashby"}, p.queries[len(p.queries)-1])
			require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)
		})
	}
	t.Run("none", func(t *testing.T) {
		w := newHost(t, &provider{}, options{}).post("assessment.list", nil)
		require.Equal(t, `{"success":true,"results":[]}`, w.Body.String())
	})
	t.Run("incomplete", func(t *testing.T) {
		h := newHost(t, &provider{packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
			return []assessment.Package{
				{Name: "No id"}, {ID: "no name"}, {ID: "a", Name: "A"}, {ID: "a", Name: "Again"}, {ID: "b\u200b", Name: "Unseen"}, {ID: "c", Name: "A"},
			}, nil
		}}, options{})
		require.Equal(t, `{"success":true,"results":[{"assessment_type_id":"a","name":"A"},{"assessment_type_id":"c","name":"A"}]}`,
			h.post("assessment.list", nil).Body.String())
		for _, reason := range []string{"no id", "no name", "another package has the same id", "the id has characters that cannot be seen"} {
			require.Contains(t, h.log.String(), "reason="+strconv.Quote(reason))
		}
	})
}

func TestRejected(t *testing.T) {
	const message = "This test is retired. Pick another assessment for this stage."
	for name, no := range map[string]error{
		"rejected": assessment.Reject(message),
		"wrapped":  fmt.Errorf("start: %w", assessment.Reject(message)),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, failsWith(no), options{})
			for range 2 {
				w := h.post("assessment.start", minimal(t))
				require.Equal(t, 422, w.Code)
				require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
				requireSameJSON(t, example(t, "assessment-start.response.422.json"), w.Body.Bytes())
			}
			// The recruiter mends the data and starts again: that is asked anew.
			refs := h.provider.refs()
			require.Len(t, refs, 2)
			require.NotEqual(t, refs[0].ID, refs[1].ID)
			require.Equal(t, assessment.DeliveryRejected, h.deliveries[0].Outcome)
			require.NoError(t, h.deliveries[0].Err)
			require.NotContains(t, h.log.String(), "retired")
			require.Contains(t, h.log.String(), "outcome=rejected status=422")
			require.Contains(t, h.log.String(), "reason=rejected")
			for i, d := range h.deliveries {
				require.Equal(t, refs[i], d.Order, "the id that the intake has minted")
			}
		})
	}
	t.Run("already running", func(t *testing.T) {
		h := newHost(t, failsWith(assessment.AlreadyRunning("Adam takes it already.")), options{})
		w := h.post("assessment.start", minimal(t))
		requireFailure(t, w, 409, "assessment_already_running")
		require.Contains(t, w.Body.String(), "Adam takes it already.")
		require.Equal(t, assessment.DeliveryRejected, h.delivered(t).Outcome)
	})
}

func TestCancel(t *testing.T) {
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) { c.Connection = "c" }})
	for range 3 { // unknown, and again
		w := h.post("assessment.cancel", example(t, "assessment-cancel.request.json"))
		require.Equal(t, 200, w.Code)
		requireSameJSON(t, example(t, "assessment-cancel.response.json"), w.Body.Bytes())
	}
	want := assessment.OrderRef{Vendor: assessment.Ashby, Connection: "c", Account: account, ID: assessmentID}
	require.Equal(t, []assessment.OrderRef{want, want, want}, h.provider.cancelled)
	require.Equal(t, want, h.deliveries[0].Order)
	require.Equal(t, assessment.DeliveryHandled, h.deliveries[0].Outcome)
	const odd = `a/b "c" \\ ü`
	text, err := json.Marshal(odd)
	require.NoError(t, err)
	require.Equal(t, odd, startedID(t, h.post("assessment.cancel", []byte(`{"assessment_id":`+string(text)+`,"reason":null}`))))
}

// A recruiter who cancels, and one whose test is over, can start again. What is
// said of the old id afterwards does nothing to the new one.
func TestRestart(t *testing.T) {
	server := play(answers(200, written))
	client := newClient(t, server)
	final := done(nil)
	for name, end := range map[string]func(*testing.T, *host, *assessment.Router, assessment.OrderRef){
		"cancelled": func(t *testing.T, h *host, _ *assessment.Router, r assessment.OrderRef) {
			require.Equal(t, r.ID, startedID(t, h.post("assessment.cancel", cancelBody(r.ID))))
		},
		"completed": func(t *testing.T, h *host, router *assessment.Router, r assessment.OrderRef) {
			receipt, err := router.PublishResult(t.Context(), r, final)
			require.NoError(t, err)
			require.Empty(t, receipt.Warnings)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, options{})
			router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{client}, Store: h.store})
			require.NoError(t, err)
			first := startedID(t, h.post("assessment.start", minimal(t)))
			old := h.provider.refs()[0]
			require.Equal(t, first, startedID(t, h.post("assessment.start", minimal(t))))
			end(t, h, router, old)

			second := startedID(t, h.post("assessment.start", minimal(t)))
			require.NotEqual(t, first, second)
			// Late words about the old one, in every order.
			startedID(t, h.post("assessment.cancel", cancelBody(first)))
			_, err = router.PublishResult(t.Context(), old, final)
			require.NoError(t, err)
			startedID(t, h.post("assessment.cancel", cancelBody(first)))
			require.Equal(t, second, startedID(t, h.post("assessment.start", minimal(t))), "the successor lives")
			require.Len(t, h.provider.refs(), 2)
		})
	}
}

// No payload names the customer; the key does.
func TestTenants(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	globex := withKey("globex_key", "")
	ours := startedID(t, h.post("assessment.start", minimal(t)))
	theirs := startedID(t, h.post("assessment.start", minimal(t), globex))
	require.NotEqual(t, ours, theirs)
	require.Equal(t, []string{"acme", "globex"}, []string{h.provider.refs()[0].Account, h.provider.refs()[1].Account})
	// An id that a customer learned of does not end another's assessment.
	startedID(t, h.post("assessment.cancel", cancelBody(ours), globex))
	require.Equal(t, ours, startedID(t, h.post("assessment.start", minimal(t))))
	require.Equal(t, "globex", h.provider.cancelled[0].Account)
	// Another application or another package is another order.
	for _, other := range []string{"3ae2b801-19f6-41ef-ad28-214bd731948f", "e9ed20fd-d45f-4aad-8a00-a19bfba0083e"} {
		id := startedID(t, h.post("assessment.start", replaced(minimal(t), other, "x-"+other)))
		require.NotEqual(t, ours, id)
	}
	require.Len(t, h.provider.refs(), 4)
}

func TestCustomFields(t *testing.T) {
	fields := []ashby.FieldSpec{
		{ID: "department", Name: "Department", Type: ashby.FieldSelect, Options: []ashby.FieldOption{{Key: "eng", Value: "Engineering"}, {Key: "ops", Value: "Operations"}}},
		{ID: "due_date", Name: "Due date", Type: ashby.FieldDate},
	}
	// isRequired is false where it is missing.
	want := replaced(example(t, "assessment-custom-fields.response.json"), `"type": "Date"`, `"type": "Date", "isRequired": false`)
	var asked []string
	for name, config := range map[string]func(*ashby.HandlerConfig){
		"static": func(c *ashby.HandlerConfig) { c.Fields = fields },
		"for a customer": func(c *ashby.HandlerConfig) {
			c.FieldsFor = func(_ context.Context, account string) ([]ashby.FieldSpec, error) {
				asked = append(asked, account)
				return fields, nil
			}
		},
	} {
		for _, operation := range []string{"assessment.customField.list", "assessment.customFields.fetch", "customField.list", "customFields.fetch"} {
			t.Run(name+" "+operation, func(t *testing.T) {
				h := newHost(t, &provider{}, options{config: config})
				for _, body := range []string{"{}", ""} {
					w := h.post(operation, []byte(body))
					require.Equal(t, 200, w.Code)
					requireSameJSON(t, want, w.Body.Bytes())
				}
			})
		}
	}
	require.Equal(t, "acme", asked[0])
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.Fields = []ashby.FieldSpec{{ID: "x", Name: "X", Type: ashby.FieldBoolean, Required: true}}
	}})
	require.Equal(t, `{"success":true,"fields":[{"id":"x","name":"X","type":"Boolean","isRequired":true}]}`, h.post("customFields.fetch", nil).Body.String())
	none := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.FieldsFor = func(context.Context, string) ([]ashby.FieldSpec, error) { return nil, nil }
	}})
	require.Equal(t, `{"success":true,"fields":[]}`, none.post("customFields.fetch", nil).Body.String())
}
