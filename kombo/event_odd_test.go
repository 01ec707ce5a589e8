package kombo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// A connection that was made or lost must not go unnoticed because one field of
// the event is not as documented. What drifted is named as Kombo names it, not
// as the structs here are built.
func TestLifecycleEventsWithAnOddField(t *testing.T) {
	user := kombo.EndUser{OrganizationName: "A", OriginID: "c1"}
	const endUser = `"end_user":{"organization_name":"A","origin_id":"c1"}`
	for name, tc := range map[string]struct {
		event kombo.EventType
		data  string
		want  kombo.EventData
		drift string
	}{
		"created": {
			kombo.EventIntegrationCreated, `{"id":"lever:1","tool":7,"category":"ASSESSMENT",` + endUser + `}`,
			kombo.IntegrationCreated{ID: "lever:1", Tool: "7", Category: "ASSESSMENT", EndUser: user}, "data.tool",
		},
		"created by an odd user": {
			kombo.EventIntegrationCreated, `{"id":"lever:1","tool":"lever","end_user":{"organization_name":"A","origin_id":36123}}`,
			kombo.IntegrationCreated{ID: "lever:1", Tool: "lever", EndUser: kombo.EndUser{OrganizationName: "A", OriginID: "36123"}}, "data.end_user.origin_id",
		},
		"deleted": {
			kombo.EventIntegrationDeleted, `{"id":"lever:1","tool":7,"deleted_at":"2026-03-01T12:00:00Z",` + endUser + `}`,
			kombo.IntegrationDeleted{ID: "lever:1", Tool: "7", EndUser: user, DeletedAt: utc(2026, time.March, 1, 12, 0)}, "data.tool",
		},
		"state changed": {
			kombo.EventIntegrationStateChanged, `{"integration_id":"lever:1","state":"INVALID","qa_status":true,` + endUser + `}`,
			kombo.IntegrationStateChanged{ID: "lever:1", State: "INVALID", EndUser: user}, "data.qa_status",
		},
		"flow failed": {
			kombo.EventConnectionFlowFailed, `{"integration_tool":"lever","log_url":[],` + endUser + `}`,
			kombo.ConnectionFlowFailed{Tool: "lever", EndUser: user}, "data.log_url",
		},
		"issue": {
			kombo.EventIssueStatusChanged, `{"change":true,"issue":{"type":"integration.action_failing"},"integration_id":"lever:1"}`,
			kombo.IssueStatusChanged{
				Issue: kombo.Issue{Type: kombo.IssueActionFailing}, ID: "lever:1",
				Raw: []byte(`{"change":true,"issue":{"type":"integration.action_failing"},"integration_id":"lever:1"}`),
			}, "data.change",
		},
		"a part of another shape": {
			kombo.EventIntegrationCreated, `{"id":"lever:1","end_user":[]}`, kombo.IntegrationCreated{ID: "lever:1"}, "data.end_user",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := kombo.ParseEvent([]byte(`{"id":"e","type":"` + string(tc.event) + `","data":` + tc.data + `}`))
			require.NoError(t, err)
			require.Equal(t, "e", got.ID)
			requireEqual(t, tc.want, got.Data)
			requireDrift(t, got, tc.drift)
		})
	}
}

// requireDrift compares the paths of what was reported, and whose event it was.
func requireDrift(t *testing.T, got kombo.Event, want ...string) {
	t.Helper()
	var account string
	switch d := got.Data.(type) {
	case kombo.OrderReceived:
		account = d.Order.Ref.Account
	case kombo.IntegrationCreated:
		account = d.ID
	case kombo.IntegrationDeleted:
		account = d.ID
	case kombo.IntegrationStateChanged:
		account = d.ID
	case kombo.IssueStatusChanged:
		account = d.ID
	}
	fields := make([]string, len(got.Drift))
	for i, d := range got.Drift {
		require.Equal(t, assessment.Drift{Vendor: assessment.Kombo, Account: account, Event: string(got.Type), Field: d.Field, Value: d.Value}, d)
		fields[i] = d.Field
	}
	require.ElementsMatch(t, want, fields)
}

// A time is of use to people only; no event is worth losing for it. What cannot be
// read as a time is reported.
func TestLifecycleEventsWithAnOddTime(t *testing.T) {
	for at, want := range map[string]time.Time{
		`""`: {}, `null`: {}, `{"$date":1}`: {}, `"soon"`: {}, `true`: {},
		`"2026-01-01"`: utc(2026, 1, 1, 0, 0), `"2026-01-01 12:00:00"`: utc(2026, 1, 1, 12, 0), `1767225600`: utc(2026, 1, 1, 0, 0),
		`1767225600000`: utc(2026, 1, 1, 0, 0), `"1767225600000"`: utc(2026, 1, 1, 0, 0), `"2026-01-01T12:00:00.000+0000"`: utc(2026, 1, 1, 12, 0),
		`"2026-01-01T12:00:00"`: utc(2026, 1, 1, 12, 0),
	} {
		for name, tc := range map[string]struct {
			data, field string
			want        kombo.EventData
		}{
			"integration-deleted": {
				`{"deleted_at":AT,"id":"lever:1","tool":"lever"}`, "data.deleted_at",
				kombo.IntegrationDeleted{ID: "lever:1", Tool: "lever", DeletedAt: want},
			},
			"integration-state-changed": {
				`{"updated_at":AT,"integration_id":"lever:1","state":"INACTIVE"}`, "data.updated_at",
				kombo.IntegrationStateChanged{ID: "lever:1", State: "INACTIVE", UpdatedAt: want},
			},
		} {
			t.Run(name+" "+at, func(t *testing.T) {
				data := strings.ReplaceAll(tc.data, "AT", at)
				got, err := kombo.ParseEvent([]byte(`{"id":"e","type":"` + name + `","data":` + data + `}`))
				require.NoError(t, err)
				requireEqual(t, tc.want, got.Data)
				if want.IsZero() && at != `""` && at != "null" {
					requireDrift(t, got, tc.field)
				} else {
					requireDrift(t, got)
				}
			})
		}
	}
}

// A state that this version does not know is kept, and reported.
func TestLifecycleEventsWithANewState(t *testing.T) {
	got, err := kombo.ParseEvent([]byte(`{"type":"integration-state-changed","data":{"integration_id":"lever:1","state":"PAUSED","setup_status":"HALF_WAY","qa_status":"PASSED"}}`))
	require.NoError(t, err)
	requireEqual(t, kombo.EventData(kombo.IntegrationStateChanged{ID: "lever:1", State: "PAUSED", SetupStatus: "HALF_WAY", QAStatus: "PASSED"}), got.Data)
	requireDrift(t, got, "data.state", "data.setup_status")
	require.ElementsMatch(t, []string{"PAUSED", "HALF_WAY"}, []string{got.Drift[0].Value, got.Drift[1].Value})
}

// Where nothing can be kept the host gets it all, and is told.
func TestLifecycleEventsOfAnotherShape(t *testing.T) {
	for _, event := range []kombo.EventType{
		kombo.EventIntegrationCreated, kombo.EventIntegrationDeleted, kombo.EventIntegrationStateChanged,
		kombo.EventConnectionFlowFailed, kombo.EventIssueStatusChanged,
	} {
		for _, data := range []string{`[{"id":"lever:1"}]`, `[]`, `"lever:1"`, `7`, `true`} {
			t.Run(string(event)+" "+data, func(t *testing.T) {
				got, err := kombo.ParseEvent([]byte(`{"id":"e","type":"` + string(event) + `","data":` + data + `}`))
				require.NoError(t, err)
				requireEqual(t, kombo.EventData(kombo.UnknownEvent{Data: []byte(data)}), got.Data)
				requireEqual(t, []assessment.Drift{{Vendor: assessment.Kombo, Event: string(event), Field: "data"}}, got.Drift)
			})
		}
	}
}
