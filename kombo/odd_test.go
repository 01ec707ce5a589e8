package kombo_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// The table of odd JSON: what becomes of an order, and what is reported.
func TestOddOrders(t *testing.T) {
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: "lever:1", ID: "o"}
	candidate := func(c assessment.Candidate) assessment.Order {
		return assessment.Order{Ref: ref, ATS: "lever", Candidate: c}
	}
	for name, tc := range map[string]struct {
		data  string // without the ids of the order
		want  assessment.Order
		drift []string
	}{
		"names in other case": {
			`"ID":"x","Id":"y","Candidate":{"email":"a@b.c"},"candidate":{"Email":"x","email":"b@b.c"}`,
			candidate(assessment.Candidate{Email: "b@b.c"}), []string{"data.ID", "data.Id", "data.Candidate", "data.candidate.Email"},
		},
		"repeated members": {
			`"id":"o","candidate":{"email":"a@b.c","first_name":"Ann","phone":[]},"candidate":{"email":"b@b.c"},"status":[],"status":null`,
			candidate(assessment.Candidate{Email: "b@b.c"}), []string{"data.id", "data.candidate", "data.status"},
		},
		"numbers as text": {
			`"candidate":{"remote_id":9007199254740993123,"phone":4915112345678},"job":{"location":{"zip_code":10115}}`,
			assessment.Order{
				Ref: ref, ATS: "lever", Candidate: assessment.Candidate{RemoteID: "9007199254740993123", Phone: "4915112345678"},
				Job: assessment.Job{Location: assessment.Location{ZipCode: "10115"}},
			},
			[]string{"data.candidate.remote_id", "data.candidate.phone", "data.job.location.zip_code"},
		},
		"all at once": {
			`"package_id":[],"status":{},"candidate":{"email":true,"first_name":[],"last_name":{},"phone":false},"application":[],"job":{"hiring_team":{},"location":"x"}`,
			assessment.Order{Ref: ref, ATS: "lever"},
			[]string{
				"data.package_id", "data.status", "data.candidate.email", "data.candidate.first_name", "data.candidate.last_name",
				"data.candidate.phone", "data.application", "data.job.hiring_team", "data.job.location",
			},
		},
		"one of a team": {
			`"job":{"hiring_team":["x",{"email":"a@b.c","hiring_team_roles":[{},"RECRUITER"]}]}`,
			assessment.Order{Ref: ref, ATS: "lever", Job: assessment.Job{HiringTeam: []assessment.TeamMember{
				{}, {Email: "a@b.c", Roles: []assessment.Role{assessment.RoleRecruiter}},
			}}},
			[]string{"data.job.hiring_team[0]", "data.job.hiring_team[1].hiring_team_roles[0]"},
		},
		"what no database takes": {
			`"candidate":{"first_name":"Ma\u0000ria","last_name":"\ud800x","email":"a` + "\xe9" + `@b.c"}`,
			candidate(assessment.Candidate{FirstName: "Ma�ria", LastName: "�x", Email: "a�@b.c"}),
			[]string{"data.candidate.first_name", "data.candidate.last_name", "data.candidate.email"},
		},
		"an old word of the end": {`"status":"COMPLETE"`, assessment.Order{Ref: ref, ATS: "lever", Status: "COMPLETE"}, []string{"data.status"}},
	} {
		for form, mark := range map[string]string{"": "", ", byte order mark": "\ufeff"} {
			t.Run(name+form, func(t *testing.T) {
				body := []byte(mark + `{"id":"e","type":"assessment:order-received","data":{"id":"o","integration_id":"lever:1",` + tc.data + `}}`)
				before := string(body)
				got, err := kombo.ParseEvent(body)
				require.NoError(t, err)
				tc.want.Raw = body
				requireEqual(t, kombo.EventData(kombo.OrderReceived{Order: tc.want}), got.Data)
				requireDrift(t, got, tc.drift...)
				require.Equal(t, before, string(got.Raw), "exactly what was signed")
				requireStorable(t, got.Data.(kombo.OrderReceived).Order)
			})
		}
	}
}

// requireStorable wants a JSON form that a database takes.
func requireStorable(t *testing.T, order assessment.Order) {
	t.Helper()
	stored, err := json.Marshal(order)
	require.NoError(t, err)
	require.NotContains(t, strings.ReplaceAll(string(stored), `\\`, ""), `\u0000`)
}

// An id is what results are written to; a number beyond 2^53 keeps its digits.
func TestOrdersWithNumericIDs(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	answer := h.post([]byte(`{"id":7,"type":"assessment:order-received","data":{"id":9007199254740993123,"integration_id":"lever:1","package_id":12,"status":"OPEN"}}`))
	require.Equal(t, 200, answer.Code)
	event, err := kombo.ParseEvent([]byte(`{"id":7,"type":"assessment:order-received","data":{"id":9007199254740993123,"integration_id":"lever:1","package_id":12}}`))
	require.NoError(t, err)
	order := event.Data.(kombo.OrderReceived).Order
	require.Equal(t, "7", event.ID)
	require.Equal(t, "9007199254740993123", order.Ref.ID)
	require.Equal(t, "12", order.Package.ID)
}

// An odd order in a list costs itself at most, and not the page.
func TestOddOrdersInAPage(t *testing.T) {
	for name, odd := range map[string]string{
		"no object": `"x"`, "a list": `[]`, "null": `null`, "an odd team": `{"id":"odd","job":{"hiring_team":{}}}`,
		"all odd": `{"id":[],"candidate":[],"job":7,"status":{}}`, "repeated": `{"id":"a","id":"odd"}`,
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"data":{"next":null,"results":[{"id":"1","status":"OPEN"},` + odd + `,{"id":4711,"status":"OPEN","candidate":{"email":"a@b.c"}}]}}`
			server := play(answers(200, "\ufeff"+body))
			var ids []string
			for order, err := range newClient(t, server).Orders(t.Context(), integration, kombo.OrderFilter{}) {
				require.NoError(t, err)
				ids = append(ids, order.Ref.ID)
			}
			require.Len(t, ids, 3)
			require.Equal(t, []string{"1", "4711"}, []string{ids[0], ids[2]})
		})
	}
}

// An order that has ended is not started, however the end is spelled; Kombo itself
// wrote COMPLETE in 2024. The word is kept.
func TestEveryWordOfTheEnd(t *testing.T) {
	for _, word := range []string{
		"COMPLETED", "CANCELLED", "REJECTED", "COMPLETE", "CANCELED", "Completed", "cancelled", "canceled", "Rejected", "EXPIRED",
	} {
		t.Run(word, func(t *testing.T) {
			var events []kombo.Event
			p := &provider{}
			h := newHost(t, p, options{config: func(c *kombo.WebhookConfig) {
				c.OnEvent = func(_ context.Context, e kombo.Event) error {
					events = append(events, e)
					return nil
				}
			}})
			answer := h.post(orderEvent(`{"id":"o","integration_id":"lever:1","package_id":"p","status":"` + word + `","candidate":{"email":"a@b.c"}}`))
			require.Equal(t, 200, answer.Code)
			require.Zero(t, p.calls())
			require.Len(t, events, 1)
			status := events[0].Data.(kombo.OrderReceived).Order.Status
			require.True(t, status.Final())
			require.True(t, strings.EqualFold(word, string(status)), "%s", status)
			for _, d := range h.drift {
				require.Equal(t, "data.status", d.Field)
				require.Equal(t, word, d.Value)
			}
			require.Equal(t, status.Known(), len(h.drift) == 0)
		})
	}
}

// A write whose fate is unknown is proved by the order's status, however that is
// spelled.
func TestOldWordProvesAWrite(t *testing.T) {
	for word, proves := range map[string]bool{"COMPLETE": true, "Completed": true, "completed": true, "CANCELED": false, "Cancelled": false} {
		t.Run(word, func(t *testing.T) {
			server := play(answers(500, ""), answers(200, `{"data":{"results":[{"id":"`+orderID+`","status":"`+word+`"}]}}`))
			_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
			if proves {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
			require.Equal(t, []string{"PUT", "GET"}, server.methods())
		})
	}
}

// The body of 2024 has no envelope around the order, and an order that it names.
func TestParseUnwrappedOrder(t *testing.T) {
	body := []byte(`{"id":"o","integration_id":"lever:1","package_id":"p","candidate":{"email":"a@b.c","phone":7},"remote_data":{"upstream_webhook_body":{}}}`)
	_, err := kombo.ParseEvent(body)
	require.ErrorIs(t, err, kombo.ErrUnwrappedOrder)
	require.NotErrorIs(t, err, kombo.ErrMalformedEvent)
	require.ErrorContains(t, err, "2024")
	event, err := kombo.ParseUnwrappedOrder(body)
	require.NoError(t, err)
	requireEqual(t, kombo.Event{
		Type: kombo.EventOrderReceived, Raw: body,
		Data: kombo.OrderReceived{Order: assessment.Order{
			Ref: assessment.OrderRef{Vendor: assessment.Kombo, Account: "lever:1", ID: "o"}, ATS: "lever",
			Package: assessment.Package{ID: "p"}, Candidate: assessment.Candidate{Email: "a@b.c", Phone: "7"}, Raw: body,
		}},
		Drift: []assessment.Drift{
			{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "candidate.phone"},
			{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "type"},
		},
	}, event)
	for _, text := range []string{"", "null", "[]", `{}`, `{"id":"o"}`, `{"package_id":"p"}`, `{"id":"o","package_id":"p"`} {
		_, err := kombo.ParseUnwrappedOrder([]byte(text))
		require.ErrorIs(t, err, kombo.ErrMalformedEvent, "%s", text)
	}
}

// The only documented parts of an issue are its type and the change.
func TestParseIssueStatusChanged(t *testing.T) {
	data := `{"change":"RAISED","issue":{"id":"i","type":"integration.incoming_webhook_failing","new":[1]},"end_user":{"creator_email":"` + marker + `"}}`
	event, err := kombo.ParseEvent([]byte(`{"id":"e","type":"issue-status-changed","data":` + data + `}`))
	require.NoError(t, err)
	requireEqual(t, kombo.EventData(kombo.IssueStatusChanged{
		Change: "RAISED", Issue: kombo.Issue{ID: "i", Type: kombo.IssueIncomingWebhookFailing}, EndUser: kombo.EndUser{CreatorEmail: marker}, Raw: []byte(data),
	}), event.Data)
	require.Empty(t, event.Drift)
	require.True(t, event.Type.Known())
}
