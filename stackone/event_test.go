package stackone_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

const exampleID = "8187e5da-dc77-475e-9949-af0f1fa4e4e3"

// exampleOrder is the order of StackOne's reference, as event_data.
func exampleOrder(kind assessment.Kind, id, remoteID string) assessment.Order {
	person := assessment.TeamMember{
		ID: "123456", RemoteID: "e3cb75bf-aa84-466e-a6c1-b8322b257a48", FirstName: "John", LastName: "Doe",
		Email: "john.doe@gmail.com", Roles: []assessment.Role{"Software Engineer"},
	}
	return assessment.Order{
		Ref:      assessment.OrderRef{Vendor: assessment.StackOne, Kind: kind, Account: account, ID: id},
		RemoteID: remoteID,
		Package:  examplePackage(),
		Candidate: assessment.Candidate{
			ID: exampleID, RemoteID: exampleID, FirstName: "Romain", LastName: "Sestier",
			Email: "sestier.romain123@gmail.com", ProfileURL: "https://exmaple.com/candidate?id=xyz",
		},
		Application: assessment.Application{ID: exampleID, RemoteID: exampleID, Status: "hired"},
		Job: assessment.Job{
			ID: exampleID, RemoteID: exampleID, Name: "Software Engineer", HiringTeam: []assessment.TeamMember{person},
		},
		Requester: person,
		OrderedAt: utc(2024, 11, 13, 17, 1).Add(16 * time.Second),
	}
}

func examplePackage() assessment.Package {
	return assessment.Package{
		ID: exampleID, RemoteID: exampleID, Name: "Test 1",
		Description: "Skills test to gauge a candidate's proficiency in job-specific skills",
	}
}

func examplePackageWithTests() assessment.Package {
	p := examplePackage()
	p.Tests = []assessment.Test{{ID: p.ID, RemoteID: p.RemoteID, Name: p.Name, Description: p.Description}}
	return p
}

func TestEventExamples(t *testing.T) {
	sent := utc(2024, 11, 13, 17, 1).Add(16*time.Second + 844*time.Millisecond)
	check := exampleOrder(assessment.KindBackgroundCheck, "c28xIQaWQ6b3JkZXItMg", "order-2")
	check.Package = examplePackageWithTests()
	for name, want := range map[string]stackone.Event{
		"webhook.constructed.native_ats_assessments_created.json": {
			Type: stackone.EventAssessmentCreated, ProjectID: "dev-56501", Account: account,
			Date: utc(2024, 11, 13, 17, 1).Add(16 * time.Second), SentAt: sent,
			RecordID: "c28xIQaWQ6b3JkZXItMQ", RecordRemoteID: "order-1", RecordType: "ats_assessments",
			Data: stackone.OrderCreated{Order: exampleOrder(assessment.KindAssessment, "c28xIQaWQ6b3JkZXItMQ", "order-1")},
		},
		"webhook.constructed.background_check_order_created.json": {
			Type: stackone.EventBackgroundCheckCreated, ProjectID: "dev-56501", Account: account,
			Date: utc(2024, 11, 13, 17, 1).Add(16 * time.Second), SentAt: sent,
			RecordID: "c28xIQaWQ6b3JkZXItMg", RecordRemoteID: "order-2", RecordType: "background_check_order",
			Data: stackone.OrderCreated{Order: check},
		},
		"webhook.account_updated.json": {
			Type: stackone.EventAccountUpdated, ProjectID: "acmeinc-27270", Account: "GnQoASvosYhE5wJcmmAQs",
			Date: utc(2023, 11, 1, 13, 10).Add(31*time.Second + 408*time.Millisecond), SentAt: utc(2023, 11, 1, 13, 10).Add(31*time.Second + 418*time.Millisecond),
			RecordID: "GnQoASvosYhE5wJcmmAQs", RecordType: "account", Provider: "integration_key",
			Data: stackone.AccountChanged{
				ID: "GnQoASvosYhE5wJcmmAQs", Provider: "integration_key", OriginOwnerID: "unique-org-identifier",
				OriginOwnerName: "Test organization", OriginUsername: "sample-user",
				SetupInformation: json.RawMessage("{\n    \"domain\": \"companytest\"\n  }"),
			},
		},
		"webhook.native_ats_job_postings_updated.json": {
			Type: stackone.EventJobPostingUpdated, ProjectID: "dev-56501", Account: "GnQoASvosYhE5wJcmmAQs",
			Date: utc(2024, 11, 13, 17, 1).Add(16 * time.Second), SentAt: sent,
			RecordID: "cxIQam9iX2lkOjEzMmM3ZWRjLWNmMTktNDdjMy1hODdlLTUxMzU3NDI4ZDVmZA", RecordRemoteID: "132c7edc-cf19-47c3-a87e-51357428d5fd",
			RecordType: "ats_job_postings",
			Data: stackone.JobPostingChanged{
				ID: "cxIQam9iX2lkOjEzMmM3ZWRjLWNmMTktNDdjMy1hODdlLTUxMzU3NDI4ZDVmZA", RemoteID: "132c7edc-cf19-47c3-a87e-51357428d5fd",
			},
		},
		"webhook.synthetic_hris_employees_updated.json": {
			Type: "hris_employees.updated", ProjectID: "acmeinc-27270", Account: "GnQoASvosYhE5wJcmmAQs",
			Date: utc(2023, 11, 1, 15, 9).Add(22*time.Second + 961*time.Millisecond), SentAt: utc(2023, 11, 1, 15, 9).Add(22*time.Second + 978*time.Millisecond),
			RecordID: "3223323715753018140", RecordType: "employees", Data: stackone.UnknownEvent{},
			Drift: []assessment.Drift{{
				Vendor: assessment.StackOne, Account: "GnQoASvosYhE5wJcmmAQs", Event: "hris_employees.updated",
				Field: "event", Value: "hris_employees.updated",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			body := example(t, name)
			want.Raw = body
			got, err := stackone.ParseEvent(body)
			require.NoError(t, err)
			requireEqual(t, want, got)
		})
	}
}

// orderEvent is an order event with the given members beside the envelope's.
func orderEvent(members string) []byte {
	return []byte(`{"event":"ats_assessments.created","account_id":"` + account + `","record_id":"c28xIQo",` + members + `"x":0}`)
}

func orderOf(t testing.TB, body []byte) assessment.Order {
	t.Helper()
	event, err := stackone.ParseEvent(body)
	require.NoError(t, err)
	data, ok := event.Data.(stackone.OrderCreated)
	require.True(t, ok, "%T", event.Data)
	require.Equal(t, stackone.Bare(data.Order), data.Bare)
	return data.Order
}

// The order of the reference, wherever it is published: the bodies of the calls
// in the other direction, and the answers of calls that were removed in 2025.
func TestOrderModels(t *testing.T) {
	wrap := func(data any) []byte {
		body, err := json.Marshal(map[string]any{
			"event": "background_check.created", "account_id": account, "event_date": "2024-11-13T17:01:16Z", "event_data": data,
		})
		require.NoError(t, err)
		return body
	}
	inside := func(name string) any { return decoded(t, example(t, name)).(map[string]any)["data"] }
	for name, tc := range map[string]struct {
		body  []byte
		tests bool
		fix   func(*assessment.Order)
	}{
		"assessment":  {wrap(decoded(t, example(t, "assessment_order_create.request.json"))), false, func(o *assessment.Order) { o.RemoteID = "" }},
		"check":       {wrap(decoded(t, example(t, "background_check_order_create.request.json"))), true, nil},
		"legacy":      {wrap(inside("legacy_removed_assessment_order_get.response.json")), false, nil},
		"legacy list": {wrap(inside("legacy_removed_background_check_orders_list.response.json").([]any)[0]), true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			want := exampleOrder(assessment.KindBackgroundCheck, exampleID, exampleID)
			if tc.tests {
				want.Package = examplePackageWithTests()
			}
			if tc.fix != nil {
				tc.fix(&want)
			}
			requireEqual(t, want, orderOf(t, tc.body))
		})
	}
}

// Where the references of an order are is not documented.
func TestOrderReferences(t *testing.T) {
	for name, tc := range map[string]struct {
		members string
		want    assessment.Order
	}{
		"nothing": {``, assessment.Order{}},
		"top level": {`"application_id":"a","candidate_id":"c","job_id":7,"package_id":"p","remote_candidate_id":"rc",`, assessment.Order{
			Application: assessment.Application{ID: "a"}, Candidate: assessment.Candidate{ID: "c", RemoteID: "rc"},
			Job: assessment.Job{ID: "7"}, Package: assessment.Package{ID: "p"},
		}},
		"in the data": {`"event_data":{"application_id":"a","candidate_id":"c","remote_job_id":"j"},"application_id":"no",`, assessment.Order{
			Application: assessment.Application{ID: "a"}, Candidate: assessment.Candidate{ID: "c"}, Job: assessment.Job{RemoteID: "j"},
		}},
		"nested first": {`"event_data":{"application":{"id":"a","remote_id":"ra"},"application_id":"no","candidate":{"id":"c"},"candidate_id":"no"},"candidate_id":"no",`, assessment.Order{
			Application: assessment.Application{ID: "a", RemoteID: "ra"}, Candidate: assessment.Candidate{ID: "c"},
		}},
		"the ATS named": {`"provider":"greenhouse",`, assessment.Order{ATS: "greenhouse"}},
		"email alone":   {`"event_data":{"candidate":{"email":"a@example.com","emails":null,"name":"Ada Maria Lovelace"}},`, assessment.Order{Candidate: assessment.Candidate{FirstName: "Ada Maria", LastName: "Lovelace", Email: "a@example.com"}}},
		"emails alone":  {`"event_data":{"candidate":{"email":null,"emails":[{"value":null},{"value":"b@example.com"}],"name":"Prince"}},`, assessment.Order{Candidate: assessment.Candidate{FirstName: "Prince", Email: "b@example.com"}}},
		"phones":        {`"event_data":{"candidate":{"phone":"1","phone_numbers":[{"phone":"2"}]}},`, assessment.Order{Candidate: assessment.Candidate{Phone: "2"}}},
		"bare enum":     {`"event_data":{"application":{"application_status":"interview"}},`, assessment.Order{Application: assessment.Application{Status: "interview"}}},
		"unmapped enum": {`"event_data":{"application":{"application_status":{"value":"unmapped_value","source_value":"Phone"}}},`, assessment.Order{Application: assessment.Application{Status: "Phone"}}},
		"nulls":         {`"event_data":{"package":null,"application":null,"job":{"hiring_team":[null,{}]},"candidate":null,"requester":null},`, assessment.Order{}},
		"other types":   {`"event_data":{"package":7,"application":[1],"job":"x","candidate":{"first_name":{},"last_name":"L"},"requester":true},`, assessment.Order{Candidate: assessment.Candidate{LastName: "L"}}},
		"data is text":  {`"event_data":"later",`, assessment.Order{}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.Ref = assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: "c28xIQo"}
			requireEqual(t, tc.want, orderOf(t, orderEvent(tc.members)))
		})
	}
}

// Ids beyond 2^53 come as numbers too, and as any text.
func TestRecordIDs(t *testing.T) {
	for raw, want := range map[string]string{
		`9223372036854775807123`: "9223372036854775807123",
		`3223323715753018140`:    "3223323715753018140",
		`"3223323715753018140"`:  "3223323715753018140",
		`0`:                      "0",
		`"a/b+c=d&e?f g"`:        "a/b+c=d&e?f g",
		`"caf\u00e9 \"x\""`:      `café "x"`,
		`"ü"`:                    "ü",
		`null`:                   "",
		`{"id":1}`:               "",
		`[]`:                     "",
		`true`:                   "",
		`false`:                  "",
	} {
		body := []byte(`{"event":"assessment.created","account_id":45355976281015164504,"record_id":` + raw + `}`)
		o := orderOf(t, body)
		require.Equal(t, want, o.Ref.ID, raw)
		require.Equal(t, account, o.Ref.Account)
	}
}

func TestEventNames(t *testing.T) {
	kinds := map[string]assessment.Kind{
		"ats_assessments": assessment.KindAssessment, "assessment": assessment.KindAssessment,
		"background_check_order": assessment.KindBackgroundCheck, "background_check": assessment.KindBackgroundCheck,
		"ats_background_checks": assessment.KindBackgroundCheck, "ats_background_check_order": assessment.KindBackgroundCheck,
		"ats_background_check_orders": assessment.KindBackgroundCheck,
	}
	parse := func(name string) stackone.EventData {
		event, err := stackone.ParseEvent([]byte(fmt.Sprintf(`{"event":%q,"account_id":"a","record_id":"r","record_remote_id":"rr","event_date":"2024-01-01"}`, name)))
		require.NoError(t, err)
		require.Equal(t, name, string(event.Type))
		return event.Data
	}
	for resource, kind := range kinds {
		ref := assessment.OrderRef{Vendor: assessment.StackOne, Kind: kind, Account: "a", ID: "r"}
		order := assessment.Order{Ref: ref, RemoteID: "rr"}
		requireEqual(t, stackone.EventData(stackone.OrderChanged{Order: order}), parse(resource+".updated"))
		requireEqual(t, stackone.EventData(stackone.OrderChanged{Order: order, Deleted: true}), parse(resource+".deleted"))
		order.OrderedAt = utc(2024, 1, 1, 0, 0)
		requireEqual(t, stackone.EventData(stackone.OrderCreated{Order: order, Bare: true}), parse(resource+".created"))
		requireEqual(t, stackone.EventData(stackone.UnknownEvent{}), parse(resource+".paused"))
	}
	for _, action := range []string{"created", "updated", "deleted"} {
		requireEqual(t, stackone.EventData(stackone.JobChanged{ID: "r", RemoteID: "rr"}), parse("ats_jobs."+action))
		requireEqual(t, stackone.EventData(stackone.JobPostingChanged{ID: "r", RemoteID: "rr"}), parse("ats_job_postings."+action))
	}
	for _, name := range []string{"account.created", "account.updated", "account.deleted", "account.error", "account.expired"} {
		requireEqual(t, stackone.EventData(stackone.AccountChanged{ID: "a"}), parse(name))
	}
	for _, name := range []string{"request.failed", "ats_candidates.created", "Ats_assessments.created", "created", ".created", "ats_assessments.created "} {
		requireEqual(t, stackone.EventData(stackone.UnknownEvent{}), parse(name))
	}
	require.Equal(t, "ats_jobs", stackone.EventJobUpdated.Resource())
	require.Equal(t, "updated", stackone.EventJobUpdated.Action())
	require.Empty(t, stackone.EventType("x").Action())
}

func TestMalformedEvents(t *testing.T) {
	for _, body := range []string{"", "null", "[]", "7", `"x"`, "{", `{"event":null}`, `{"event":7}`, `{"record_id":1}`, `{"event":"a.created"} x`} {
		event, err := stackone.ParseEvent([]byte(body))
		require.ErrorIs(t, err, stackone.ErrMalformedEvent, body)
		require.Equal(t, stackone.Event{}, event)
	}
}

func TestDrift(t *testing.T) {
	drift := func(members string) []assessment.Drift {
		event, err := stackone.ParseEvent(orderEvent(members))
		require.NoError(t, err)
		return event.Drift
	}
	require.Empty(t, drift(`"unknown":1,"event_data":{"application":{"application_status":{"value":"unmapped_value","source_value":"Odd"}}},`))
	found := drift(`"event_data":{"application":{"application_status":{"value":"paused"}},"requester":7},`)
	require.Len(t, found, 2)
	require.Equal(t, "event_data.requester", found[0].Field)
	require.Empty(t, found[0].Value, "it may be about a person")
	require.Equal(t, "paused", found[1].Value)
}

// An id is a text or a number; anything else is drift, and counts as missing.
func TestIDsOfAnotherType(t *testing.T) {
	for _, raw := range []string{"true", "false", "{}", "[1]"} {
		event, err := stackone.ParseEvent([]byte(`{"event":"assessment.created","account_id":"a","record_id":` + raw +
			`,"event_data":{"id":"r","candidate":{"email":"e"}}}`))
		require.NoError(t, err)
		order := event.Data.(stackone.OrderCreated).Order
		require.Equal(t, "r", order.Ref.ID, "the next place is looked at")
		require.Equal(t, "e", order.Candidate.Email, "and the rest is read")
		requireEqual(t, []assessment.Drift{{
			Vendor: assessment.StackOne, Account: "a", Event: "assessment.created", Field: "record_id",
		}}, event.Drift)
	}
	event, err := stackone.ParseEvent([]byte(`{"event":"account.created","account_id":true}`))
	require.NoError(t, err)
	requireEqual(t, stackone.EventData(stackone.AccountChanged{}), event.Data)
	require.Equal(t, "account_id", event.Drift[0].Field)
}

func TestEventsPrintNothingPersonal(t *testing.T) {
	body := bytes.ReplaceAll(example(t, "webhook.constructed.native_ats_assessments_created.json"), []byte("sestier.romain123"), []byte("zqxj"))
	order, err := stackone.ParseEvent(body)
	require.NoError(t, err)
	changed, err := stackone.ParseEvent([]byte(strings.ReplaceAll(string(body), ".created", ".updated")))
	require.NoError(t, err)
	connected, err := stackone.ParseEvent([]byte(`{"event":"account.created","account_id":"a","origin_owner_name":"zqxj","origin_username":"zqxj","setup_information":{"k":"zqxj"}}`))
	require.NoError(t, err)
	for _, v := range []any{order, &order, order.Data, changed.Data, connected, connected.Data, order.LogValue(), connected.Data.(stackone.AccountChanged).LogValue()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			require.NotContains(t, fmt.Sprintf(verb, v), "zqxj", verb)
			require.NotContains(t, fmt.Sprintf(verb, v), "7a71786a", verb)
		}
	}
}

func TestMatchPackage(t *testing.T) {
	catalogue := []assessment.Package{{ID: "a", Name: "A"}, {ID: "b", Name: "B"}, {Name: "no id"}}
	for name, tc := range map[string]struct {
		ordered assessment.Package
		want    string
	}{
		"remote id":       {assessment.Package{ID: "c28x", RemoteID: "b"}, "B"},
		"id":              {assessment.Package{ID: "a", RemoteID: "9412"}, "A"},
		"remote id first": {assessment.Package{ID: "a", RemoteID: "b"}, "B"},
		"neither":         {assessment.Package{ID: "x", RemoteID: "y"}, ""},
		"nothing":         {assessment.Package{}, ""},
	} {
		got, ok := stackone.MatchPackage(tc.ordered, catalogue)
		require.Equal(t, tc.want, got.Name, name)
		require.Equal(t, tc.want != "", ok, name)
	}
}
