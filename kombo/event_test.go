package kombo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

var acme = kombo.EndUser{OrganizationName: "Acme, Inc.", CreatorEmail: "user@example.com", OriginID: "36123"}

const greenhouse = "greenhouse:CBNMt7dSNCzBdnRTx87dev4E"

// eventExamples are all documented deliveries with what they mean.
func eventExamples(t testing.TB) map[string]struct {
	body []byte
	want kombo.Event
} {
	order := documentedOrder("", "workday:CBNMt7dSNCzBdnRTx87dev4E", "workday")
	inline := order
	inline.Inline = true
	return map[string]struct {
		body []byte
		want kombo.Event
	}{
		"order": {example(t, "webhook-assessment-order-received.json"), kombo.Event{
			ID: "Cbfk5sHtDxrSrJBRjsDtbaN9", Type: kombo.EventOrderReceived, Data: kombo.OrderReceived{Order: order},
		}},
		"inline order": {example(t, "webhook-inline-assessment-order-received.json"), kombo.Event{
			ID: "8KNLzKfRXjJ3Xjfaz5FkgdPA", Type: kombo.EventInlineOrderReceived, Data: kombo.OrderReceived{Order: inline},
		}},
		"created": {example(t, "webhook-integration-created.json"), kombo.Event{
			ID: "5gjAtURLPbnTiwgkaBfiA3WJ", Type: kombo.EventIntegrationCreated,
			Data: kombo.IntegrationCreated{ID: greenhouse, Tool: "greenhouse", Category: "ASSESSMENT", EndUser: acme},
		}},
		"deleted": {example(t, "webhook-integration-deleted.json"), kombo.Event{
			ID: "5gjAtURLPbnTiwgkaBfiA3WJ", Type: kombo.EventIntegrationDeleted,
			Data: kombo.IntegrationDeleted{
				ID: greenhouse, Tool: "greenhouse", Category: "ASSESSMENT", EndUser: acme, DeletedAt: utc(2026, time.March, 1, 12, 0),
			},
		}},
		"state changed": {example(t, "webhook-integration-state-changed.json"), kombo.Event{
			ID: "5gjAtURLPbnTiwgkaBfiA3WJ", Type: kombo.EventIntegrationStateChanged,
			Data: kombo.IntegrationStateChanged{
				ID: greenhouse, Tool: "greenhouse", Category: "ASSESSMENT", EndUser: acme,
				QAStatus: "PASSED", SetupStatus: "COMPLETED", State: "INVALID", UpdatedAt: utc(2026, time.March, 1, 12, 0),
			},
		}},
		"flow failed": {example(t, "webhook-connection-flow-failed.json"), kombo.Event{
			ID: "5gjAtURLPbnTiwgkaBfiA3WJ", Type: kombo.EventConnectionFlowFailed,
			Data: kombo.ConnectionFlowFailed{
				Tool: "greenhouse", Category: "ASSESSMENT", EndUser: acme,
				LogURL: "https://app.kombo.dev/env/production/logs/C3xUo6XAsB2sbKC7M1gyXaRX",
			},
		}},
		"sync finished": {example(t, "webhook-sync-finished.json"), kombo.Event{
			ID: "5gjAtURLPbnTiwgkaBfiA3WJ", Type: kombo.EventSyncFinished,
			Data: kombo.UnknownEvent{Data: dataIn(t, "webhook-sync-finished.json")}, // of no use to a provider
		}},
		"data changed": {example(t, "webhook-data-changed.json"), kombo.Event{
			ID: "FhghqjnCi9WuAoLT8Z75CFcs", Type: kombo.EventDataChanged,
			Data: kombo.UnknownEvent{Data: dataIn(t, "webhook-data-changed.json")},
		}},
	}
}

// dataIn is the data of an example.
func dataIn(t testing.TB, name string) json.RawMessage {
	t.Helper()
	var wire struct {
		Data json.RawMessage `json:"data"`
	}
	require.NoError(t, json.Unmarshal(example(t, name), &wire))
	return wire.Data
}

func TestParseEventExamples(t *testing.T) {
	for name, tc := range eventExamples(t) {
		t.Run(name, func(t *testing.T) {
			want := tc.want
			want.Raw = tc.body
			if received, ok := want.Data.(kombo.OrderReceived); ok {
				received.Order.Raw = tc.body
				want.Data = received
			}
			got, err := kombo.ParseEvent(tc.body)
			require.NoError(t, err)
			requireEqual(t, want, got)
		})
	}
}

// orderEvent is an order event with the given data.
func orderEvent(data string) []byte {
	return fmt.Appendf(nil, `{"id":"e","type":"assessment:order-received","data":%s}`, data)
}

func TestParseEventLeniently(t *testing.T) {
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: "lever:1", ID: "o"}
	for name, tc := range map[string]struct {
		data  string
		want  assessment.Order
		drift []assessment.Drift
	}{
		"absent": {`{"id":"o","integration_id":"lever:1"}`, assessment.Order{Ref: ref, ATS: "lever"}, nil},
		"null": {
			`{"id":"o","integration_id":"lever:1","package_id":null,"status":null,"candidate":null,"application":null,"job":null}`,
			assessment.Order{Ref: ref, ATS: "lever"}, nil,
		},
		"null members": {
			`{"id":"o","integration_id":"lever:1","candidate":{"remote_id":null,"email":"a@b.c","first_name":null,"last_name":null,"phone":null},
			 "application":{"remote_id":null},"job":{"remote_id":null,"name":null,"job_code":null,"description":null,"location":null,"hiring_team":null}}`,
			assessment.Order{Ref: ref, ATS: "lever", Candidate: assessment.Candidate{Email: "a@b.c"}}, nil,
		},
		"null location members, member of the team": {
			`{"id":"o","integration_id":"lever:1","job":{"location":{"street_1":null,"raw":"x"},"hiring_team":[{"remote_id":null,"email":null,"hiring_team_roles":[]}]}}`,
			assessment.Order{Ref: ref, ATS: "lever", Job: assessment.Job{Location: assessment.Location{Raw: "x"}, HiringTeam: []assessment.TeamMember{{}}}}, nil,
		},
		"unknown keys, among them those of 2024": {
			`{"id":"o","integration_id":"lever:1","remote_data":{"/assessment-orders":{}},"language":"de","job":{"seniority":3}}`,
			assessment.Order{Ref: ref, ATS: "lever"}, nil,
		},
		"unknown status": {
			`{"id":"o","integration_id":"lever:1","status":"ON_HOLD"}`,
			assessment.Order{Ref: ref, ATS: "lever", Status: "ON_HOLD"},
			[]assessment.Drift{{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "data.status", Value: "ON_HOLD"}},
		},
		"both roles and an unknown one": {
			`{"id":"o","integration_id":"lever:1","job":{"hiring_team":[{},{"hiring_team_roles":["RECRUITER","HIRING_MANAGER","BOSS"]}]}}`,
			assessment.Order{Ref: ref, ATS: "lever", Job: assessment.Job{HiringTeam: []assessment.TeamMember{
				{}, {Roles: []assessment.Role{assessment.RoleRecruiter, assessment.RoleHiringManager, "BOSS"}},
			}}},
			[]assessment.Drift{{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "data.job.hiring_team[1].hiring_team_roles[2]", Value: "BOSS"}},
		},
		"another JSON type": {
			`{"id":"o","integration_id":"lever:1","candidate":{"phone":4915112345678,"email":"a@b.c"},"status":"OPEN"}`,
			assessment.Order{Ref: ref, ATS: "lever", Status: assessment.StatusOpen, Candidate: assessment.Candidate{Email: "a@b.c", Phone: "4915112345678"}},
			[]assessment.Drift{{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "data.candidate.phone"}},
		},
		"whole objects of another JSON type": {
			`{"id":"o","candidate":[],"application":"x","job":7,"integration_id":"lever:1"}`,
			assessment.Order{Ref: ref, ATS: "lever"},
			[]assessment.Drift{
				{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "data.candidate"},
				{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "data.application"},
				{Vendor: assessment.Kombo, Account: "lever:1", Event: "assessment:order-received", Field: "data.job"},
			},
		},
		"integration without a tool": {`{"id":"o","integration_id":"1"}`, assessment.Order{
			Ref: assessment.OrderRef{Vendor: assessment.Kombo, Account: "1", ID: "o"},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			body := orderEvent(tc.data)
			got, err := kombo.ParseEvent(body)
			require.NoError(t, err)
			tc.want.Raw = body
			requireEqual(t, kombo.Event{
				ID: "e", Type: kombo.EventOrderReceived, Data: kombo.OrderReceived{Order: tc.want}, Raw: body, Drift: tc.drift,
			}, got)
		})
	}
}

func TestParseEventStatuses(t *testing.T) {
	for word, want := range map[string]assessment.Status{
		"OPEN": assessment.StatusOpen, "COMPLETED": assessment.StatusCompleted,
		"CANCELLED": assessment.StatusCancelled, "REJECTED": assessment.StatusRejected,
	} {
		event, err := kombo.ParseEvent(orderEvent(`{"status":"` + word + `"}`))
		require.NoError(t, err)
		require.Equal(t, want, event.Data.(kombo.OrderReceived).Order.Status)
		require.Empty(t, event.Drift)
	}
}

func TestParseUnknownEvents(t *testing.T) {
	for name, tc := range map[string]struct {
		body  string
		data  string
		drift assessment.Drift
	}{
		"unknown type": {
			`{"id":"e","type":"assessment:order-cancelled","data":{"id":"o", "x":[1]}}`, `{"id":"o", "x":[1]}`,
			assessment.Drift{Field: "type", Value: "assessment:order-cancelled"},
		},
		"of other categories": {
			`{"id":"e","type":"ai-apply-job-posting-status-updated","data":{}}`, `{}`,
			assessment.Drift{Field: "type", Value: "ai-apply-job-posting-status-updated"},
		},
		"gone":      {`{"id":"e","type":"remote-event-received"}`, ``, assessment.Drift{Field: "type", Value: "remote-event-received"}},
		"data text": {`{"id":"e","type":"new","data":"x"}`, `"x"`, assessment.Drift{Field: "type", Value: "new"}},
		// The type is known here; what has changed is the data.
		"known type with data of another shape": {
			`{"id":"e","type":"integration-created","data":[{"id":"lever:1"}]}`, `[{"id":"lever:1"}]`,
			assessment.Drift{Field: "data"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := kombo.ParseEvent([]byte(tc.body))
			require.NoError(t, err)
			require.Equal(t, "e", got.ID)
			require.Equal(t, tc.data, string(got.Data.(kombo.UnknownEvent).Data))
			tc.drift.Vendor, tc.drift.Event = assessment.Kombo, string(got.Type)
			requireEqual(t, []assessment.Drift{tc.drift}, got.Drift)
			require.Equal(t, tc.body, string(got.Raw))
		})
	}
}

func TestParseLifecycleEventsLeniently(t *testing.T) {
	for body, want := range map[string]kombo.EventData{
		`{"type":"integration-created"}`:             kombo.IntegrationCreated{},
		`{"type":"integration-created","data":null}`: kombo.IntegrationCreated{},
		`{"type":"integration-created","data":{"id":"lever:1","category":"PAYROLL","end_user":{"organization_name":"A","creator_email":null,"origin_id":null},"new":1}}`: kombo.IntegrationCreated{
			ID: "lever:1", Category: "PAYROLL", EndUser: kombo.EndUser{OrganizationName: "A"},
		},
		`{"type":"integration-state-changed","data":{"integration_id":"lever:1","state":"PAUSED","updated_at":null}}`: kombo.IntegrationStateChanged{ID: "lever:1", State: "PAUSED"},
	} {
		t.Run(body, func(t *testing.T) {
			got, err := kombo.ParseEvent([]byte(body))
			require.NoError(t, err)
			requireEqual(t, want, got.Data)
		})
	}
}

func TestParseEventRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want error
	}{
		"empty":          {"", kombo.ErrMalformedEvent},
		"cut":            {`{"id":"e","type":"assessment:order-received","data":{"candidate":{"email":"secret@`, kombo.ErrMalformedEvent},
		"two documents":  {`{"type":"x"}{}`, kombo.ErrMalformedEvent},
		"text":           {`secret@example.com`, kombo.ErrMalformedEvent},
		"array":          {`[]`, kombo.ErrMalformedEvent},
		"null":           {`null`, kombo.ErrMalformedEvent},
		"no type":        {`{"id":"secret@example.com","data":{}}`, kombo.ErrMalformedEvent},
		"empty type":     {`{"type":"","data":{}}`, kombo.ErrMalformedEvent},
		"null type":      {`{"type":null}`, kombo.ErrMalformedEvent},
		"numeric type":   {`{"type":7}`, kombo.ErrMalformedEvent},
		"unwrapped 2024": {`{"id":"o","package_id":"p","status":"OPEN","candidate":{"email":"secret@example.com"},"remote_data":{}}`, kombo.ErrUnwrappedOrder},
		"too deep":       {strings.Repeat("[", 20000), kombo.ErrMalformedEvent},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := kombo.ParseEvent([]byte(tc.body))
			require.ErrorIs(t, err, tc.want)
			require.Equal(t, kombo.Event{}, got)
			require.NotContains(t, err.Error(), "secret", "errors must not quote the body")
			for e := err; e != nil; e = errors.Unwrap(e) {
				require.NotContains(t, fmt.Sprintf("%+v", e), "secret")
			}
		})
	}
}

// An order's data is about a candidate, and hosts log events.
func TestEventShowsNobody(t *testing.T) {
	event, err := kombo.ParseEvent(example(t, "webhook-assessment-order-received.json"))
	require.NoError(t, err)
	var text strings.Builder
	log := slog.New(slog.NewJSONHandler(&text, nil))
	log.Info("x", "event", event, "data", slog.AnyValue(event.Data.(kombo.OrderReceived).Order))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&text, verb+verb, event, &event)
	}
	fmt.Fprintf(&text, "%v %+v %s", event.Data, event.Data, event.Data)
	for _, person := range []string{"John", "john.doe", "+1 123", "Jane", "jane.doe", "Lohm"} {
		require.NotContains(t, text.String(), person)
	}
	require.Contains(t, text.String(), "Cbfk5sHtDxrSrJBRjsDtbaN9")
	require.Contains(t, text.String(), "assessment:order-received")
}

func TestParseEventKeepsItsOwnCopyOfNothing(t *testing.T) {
	body := []byte(`{"type":"new","data":{"a":1}}`)
	event, err := kombo.ParseEvent(body)
	require.NoError(t, err)
	require.True(t, json.Valid(event.Data.(kombo.UnknownEvent).Data))
	require.Same(t, &body[0], &event.Raw[0], "the signed bytes themselves")
}
