package assessment_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func domainFile(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(name)
	require.NoError(t, err)
	return body
}

// domainIndent returns v as the golden files are written.
func domainIndent(t testing.TB, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return string(text) + "\n"
}

// domainRaw compares raw JSON as it is persisted: encoding/json drops the white
// space of a RawMessage and escapes <, > and & in it.
func domainRaw() cmp.Option {
	return cmp.FilterPath(domainIsRaw, cmp.Comparer(func(a, b json.RawMessage) bool {
		x, errX := json.Marshal(a)
		y, errY := json.Marshal(b)
		return errX == nil && errY == nil && bytes.Equal(x, y)
	}))
}

func domainIsRaw(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[json.RawMessage]() }

// domainEmpty takes nil and empty for one, as omitempty does.
func domainEmpty() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return !domainIsRaw(p) }, cmpopts.EquateEmpty())
}

func domainRequireEqual(t testing.TB, want, got any, options ...cmp.Option) {
	t.Helper()
	require.Empty(t, cmp.Diff(want, got, append(options, domainRaw())...))
}

func domainFullOrder() assessment.Order {
	return assessment.Order{
		Ref: assessment.OrderRef{
			Vendor: assessment.StackOne, Connection: "eu", Kind: assessment.KindBackgroundCheck,
			Account: "45355976281015164504", ID: "c28x/IQ+=",
		},
		Package: assessment.Package{
			ID: "pkg-1", RemoteID: "9412", Name: "Criminal record", Description: "Seven years, & all counties",
			Type: assessment.BackgroundCheck,
			Tests: []assessment.Test{
				{ID: "county", RemoteID: "77", Name: "County search", Description: "By residence"},
				{ID: "federal"},
			},
		},
		Status: assessment.StatusOpen,
		ATS:    "greenhouse",
		Inline: true,
		Candidate: assessment.Candidate{
			ID: "c28xIQcandidate", RemoteID: "12345", FirstName: "Zoë", LastName: "O'Neill", Email: "zoe@example.com",
			Phone: "+1 123 456 7890", ProfileURL: "https://ats.example.com/candidates?id=12345&tab=1",
		},
		Application: assessment.Application{ID: "c28xIQapplication", RemoteID: "54321", Status: "interview"},
		Job: assessment.Job{
			ID: "c28xIQjob", RemoteID: "67890", Code: "REQ-1042", Name: "Bottle Opener",
			Description: "<p>Open bottles</p>", URL: "https://ats.example.com/jobs/67890",
			Location: assessment.Location{
				Street1: "Lohmühlenstraße 65", Street2: "2nd floor", City: "Berlin", State: "BE", ZipCode: "12435",
				Country: "DE", Raw: "Berlin, Germany",
			},
			HiringTeam: []assessment.TeamMember{
				{
					ID: "123456", RemoteID: "78901", FirstName: "Jane", LastName: "Doe", Email: "jane@example.com",
					Roles: []assessment.Role{assessment.RoleRecruiter, assessment.RoleHiringManager},
				},
				{Email: "robin@example.com", Roles: []assessment.Role{"Head of Bottles"}},
			},
		},
		Requester: assessment.TeamMember{
			ID: "42", RemoteID: "e3cb75bf", FirstName: "Sam", LastName: "Lee", Email: "sam@example.com",
			Roles: []assessment.Role{assessment.RoleRecruiter},
		},
		Fields: map[string]json.RawMessage{
			"department": json.RawMessage(`"eng"`),
			"level":      json.RawMessage(`9007199254740993`), // not a float64
			"locations":  json.RawMessage(`["Berlin",null]`),
			"remote":     json.RawMessage(`false`),
		},
		ReceivedAt: time.Date(2026, 6, 30, 12, 0, 0, 123_000_000, time.UTC),
	}
}

// domainFullOrder2 has what was added after the first form was released.
func domainFullOrder2() assessment.Order {
	o := domainFullOrder()
	o.RemoteID = "order-1"
	o.OrderedAt = time.Date(2026, 6, 30, 11, 59, 58, 0, time.UTC)
	return o
}

func domainMinimalOrder() assessment.Order {
	return assessment.Order{
		Ref:       domainRefs()["kombo"],
		Package:   assessment.Package{ID: "typescript_test"},
		Candidate: assessment.Candidate{Email: "john.doe@example.com"},
	}
}

// domainDedupeOrder is one of a vendor that gives its orders no id.
func domainDedupeOrder() assessment.Order {
	o := domainMinimalOrder()
	o.Ref = assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme"}
	o.Dedupe = []string{"application", "a1", "typescript_test"}
	return o
}

// A file is never changed once it is released: what a queue holds was written
// by an older version. A later form gets a file of its own beside it.
func TestOrderJSON(t *testing.T) {
	for _, test := range []struct {
		file    string
		want    assessment.Order
		current bool // this version writes it so
	}{
		{"testdata/order_full.v1.json", domainFullOrder(), true},
		{"testdata/order_full.v2.json", domainFullOrder2(), true},
		{"testdata/order_dedupe.v3.json", domainDedupeOrder(), true},
		{"testdata/order_minimal.v1.json", domainMinimalOrder(), true},
	} {
		t.Run(test.file, func(t *testing.T) {
			text := domainFile(t, test.file)
			var got assessment.Order
			require.NoError(t, json.Unmarshal(text, &got))
			domainRequireEqual(t, test.want, got)
			if test.current {
				require.Equal(t, string(text), domainIndent(t, test.want), "encoded")
				require.Equal(t, string(text), domainIndent(t, got), "decoded and encoded again")
			}
		})
	}
}

func TestOrderJSONLeavesRawOut(t *testing.T) {
	o := domainFullOrder()
	o.Raw = []byte(`{"signed":"body"}`)
	require.Equal(t, string(domainFile(t, "testdata/order_full.v1.json")), domainIndent(t, o))

	var got assessment.Order
	require.NoError(t, json.Unmarshal([]byte(`{"Raw":"AAAA","raw":"AAAA"}`), &got))
	require.Nil(t, got.Raw)
}

func TestOrderJSONTolerates(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want assessment.Order
	}{
		"nothing":        {`{}`, assessment.Order{}},
		"unknown fields": {`{"later":[1],"job":{"name":"n","later":{}},"candidate":{"later":1}}`, assessment.Order{Job: assessment.Job{Name: "n"}}},
		"nulls": {
			`{"ref":null,"package":null,"status":null,"inline":null,"candidate":null,"application":{"id":null},
			  "job":{"location":null,"hiring_team":[null]},"requester":null,"fields":null,"received_at":null}`,
			assessment.Order{Job: assessment.Job{HiringTeam: []assessment.TeamMember{{}}}},
		},
		"unknown enum values": {
			`{"ref":"zoho//survey//","status":"paused","package":{"type":"game"},"requester":{"roles":["Chief"]}}`,
			assessment.Order{
				Ref: assessment.OrderRef{Vendor: "zoho", Kind: "survey"}, Status: "paused",
				Package:   assessment.Package{Type: "game"},
				Requester: assessment.TeamMember{Roles: []assessment.Role{"Chief"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got assessment.Order
			require.NoError(t, json.Unmarshal([]byte(test.text), &got))
			domainRequireEqual(t, test.want, got, domainEmpty())
			// Kept verbatim through another round.
			again, err := json.Marshal(got)
			require.NoError(t, err)
			var second assessment.Order
			require.NoError(t, json.Unmarshal(again, &second))
			domainRequireEqual(t, test.want, second, domainEmpty())
		})
	}
}

func TestOrderJSONRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"malformed reference": `{"ref":"kombo/1"}`,
		"empty reference":     `{"ref":""}`,
		"time without zone":   `{"received_at":"2026-06-30T12:00:00"}`,
		"id as a number":      `{"candidate":{"id":1}}`,
	} {
		var o assessment.Order
		require.Error(t, json.Unmarshal([]byte(text), &o), name)
	}
	_, err := json.Marshal(assessment.Order{Fields: map[string]json.RawMessage{"broken": json.RawMessage(`{`)}})
	require.Error(t, err, "a field that is not JSON")
}

func TestTeamMemberIsZero(t *testing.T) {
	require.True(t, assessment.TeamMember{}.IsZero())
	require.True(t, assessment.TeamMember{Roles: []assessment.Role{}}.IsZero())
	for _, m := range []assessment.TeamMember{
		{ID: "1"}, {RemoteID: "1"}, {FirstName: "a"}, {LastName: "b"}, {Email: "c"},
		{Roles: []assessment.Role{assessment.RoleRecruiter}},
	} {
		require.False(t, m.IsZero())
		text, err := json.Marshal(assessment.Order{Requester: m})
		require.NoError(t, err)
		require.Contains(t, string(text), `"requester"`)
	}
}

func TestOrderString(t *testing.T) {
	require.Equal(t,
		`order kombo///workday:CBNMt7dSNCzBdnRTx87dev4E/B5KQKhAgTv6ZwzrfAbqbhipd (package "typescript_test", status "")`,
		domainMinimalOrder().String())
}
