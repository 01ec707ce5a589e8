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
			kombo.IntegrationCreated{ID: "lever:1", Category: "ASSESSMENT", EndUser: user}, "data.tool",
		},
		"created by an odd user": {
			kombo.EventIntegrationCreated, `{"id":"lever:1","tool":"lever","end_user":{"organization_name":"A","origin_id":36123}}`,
			kombo.IntegrationCreated{ID: "lever:1", Tool: "lever", EndUser: kombo.EndUser{OrganizationName: "A"}}, "data.end_user.origin_id",
		},
		"deleted": {
			kombo.EventIntegrationDeleted, `{"id":"lever:1","tool":7,"deleted_at":"2026-03-01T12:00:00Z",` + endUser + `}`,
			kombo.IntegrationDeleted{ID: "lever:1", EndUser: user, DeletedAt: utc(2026, time.March, 1, 12, 0)}, "data.tool",
		},
		"state changed": {
			kombo.EventIntegrationStateChanged, `{"integration_id":"lever:1","state":"INVALID","qa_status":true,` + endUser + `}`,
			kombo.IntegrationStateChanged{ID: "lever:1", State: "INVALID", EndUser: user}, "data.qa_status",
		},
		"flow failed": {
			kombo.EventConnectionFlowFailed, `{"integration_tool":"lever","log_url":[],` + endUser + `}`,
			kombo.ConnectionFlowFailed{Tool: "lever", EndUser: user}, "data.log_url",
		},
		"sync finished": {
			kombo.EventSyncFinished, `{"integration_id":"lever:1","sync_duration_seconds":"14","sync_state":"SUCCEEDED"}`,
			kombo.SyncFinished{ID: "lever:1", State: "SUCCEEDED"}, "data.sync_duration_seconds",
		},
		"data changed": {
			kombo.EventDataChanged, `{"integration_id":7,"changed_models":[{"name":"ats_jobs"}]}`,
			kombo.DataChanged{ChangedModels: []kombo.ChangedModel{{Name: "ats_jobs"}}}, "data.integration_id",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := kombo.ParseEvent([]byte(`{"id":"e","type":"` + string(tc.event) + `","data":` + tc.data + `}`))
			require.NoError(t, err)
			require.Equal(t, "e", got.ID)
			requireEqual(t, tc.want, got.Data)
			requireEqual(t, []assessment.Drift{{Vendor: assessment.Kombo, Event: string(tc.event), Field: tc.drift}}, got.Drift)
		})
	}
}

// A time is of use to people only; no event is worth losing for it.
func TestLifecycleEventsWithAnOddTime(t *testing.T) {
	for _, at := range []string{`""`, `"2026-01-01"`, `"2026-01-01 12:00:00"`, `null`, `1767225600`, `{"$date":1}`} {
		for name, tc := range map[string]struct {
			data string
			want kombo.EventData
		}{
			"integration-deleted": {
				`{"deleted_at":AT,"id":"lever:1","tool":"lever"}`, kombo.IntegrationDeleted{ID: "lever:1", Tool: "lever"},
			},
			"integration-state-changed": {
				`{"updated_at":AT,"integration_id":"lever:1","state":"INACTIVE"}`,
				kombo.IntegrationStateChanged{ID: "lever:1", State: "INACTIVE"},
			},
			"sync-finished": {
				`{"sync_started_at":AT,"sync_ended_at":AT,"integration_id":"lever:1"}`, kombo.SyncFinished{ID: "lever:1"},
			},
		} {
			t.Run(name+" "+at, func(t *testing.T) {
				data := strings.ReplaceAll(tc.data, "AT", at)
				got, err := kombo.ParseEvent([]byte(`{"id":"e","type":"` + name + `","data":` + data + `}`))
				require.NoError(t, err)
				requireEqual(t, tc.want, got.Data)
			})
		}
	}
}

// Where nothing can be kept the host gets it all, and is told.
func TestLifecycleEventsOfAnotherShape(t *testing.T) {
	for _, event := range []kombo.EventType{
		kombo.EventIntegrationCreated, kombo.EventIntegrationDeleted, kombo.EventIntegrationStateChanged,
		kombo.EventConnectionFlowFailed, kombo.EventSyncFinished, kombo.EventDataChanged,
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
