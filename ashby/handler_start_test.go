package ashby_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// wantOrder is what the minimal start says.
func wantOrder(ref assessment.OrderRef, raw []byte) assessment.Order {
	return assessment.Order{
		Ref: ref, Package: assessment.Package{ID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e"}, ATS: "ashby",
		Candidate: assessment.Candidate{
			RemoteID: "5b591aed-88e3-4395-b9c6-7d529f93354a", FirstName: "Adam", LastName: "Hart", Email: marker,
			ProfileURL: "https://app.ashbyhq.com/candidate-searches/new/right-side/candidates/5b591aed-88e3-4395-b9c6-7d529f93354a",
		},
		Application: assessment.Application{RemoteID: "3ae2b801-19f6-41ef-ad28-214bd731948f", Status: "Active"},
		Job: assessment.Job{
			RemoteID: "2c6991c5-c9e2-4af8-879e-29c5a9d26509", Name: "Software Engineer",
			URL: "https://app.ashbyhq.com/jobs/2c6991c5-c9e2-4af8-879e-29c5a9d26509",
		},
		Dedupe: []string{"application", "3ae2b801-19f6-41ef-ad28-214bd731948f", "e9ed20fd-d45f-4aad-8a00-a19bfba0083e"},
		Raw:    raw,
	}
}

// TestStartExamples decodes each documented start to its full value.
func TestStartExamples(t *testing.T) {
	full := func(o *assessment.Order) {
		o.Job.Code = "REQ-1042"
		o.Job.HiringTeam = []assessment.TeamMember{
			{RemoteID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e", FirstName: "Joey", LastName: "Joe", Email: "test@ashbyhq.com", Roles: []assessment.Role{"Hiring Manager"}},
			{RemoteID: "a0c1b2d3-1111-4222-8333-444455556666", FirstName: "Robin", LastName: "Ray", Email: "recruiter@example.com", Roles: []assessment.Role{"Recruiter"}},
		}
	}
	for file, change := range map[string]func(*assessment.Order){
		"assessment-start.request.minimal.json": func(*assessment.Order) {},
		"assessment-start.request.full.json":    full,
		"assessment-start.request.with-additional-fields.json": func(o *assessment.Order) {
			full(o)
			o.Fields = map[string]json.RawMessage{"department": json.RawMessage(`"eng"`)}
		},
	} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) { c.Connection = "partner-2" }})
				raw := example(t, file)
				w := h.post("assessment.start", raw)
				id := startedID(t, w)
				// No update_request: there was nothing to say.
				requireSameJSON(t, replaced(example(t, "assessment-start.response.minimal.json"), assessmentID, id), w.Body.Bytes())
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))

				ref := assessment.OrderRef{Vendor: assessment.Ashby, Connection: "partner-2", Account: account, ID: id}
				want := wantOrder(ref, raw)
				want.ReceivedAt = time.Now().UTC()
				change(&want)
				requireEqual(t, []assessment.Order{want}, h.provider.orders)
				requireEqual(t, assessment.Delivery{
					Vendor: assessment.Ashby, Connection: "partner-2", Account: account, Order: ref, Path: "/ashby/assessment.start", Event: "assessment.start",
					Outcome: assessment.DeliveryAccepted, StatusCode: 200,
				}, h.delivered(t))
				require.Equal(t, 1, strings.Count(h.log.String(), "\n"), "one line per call")
				require.Contains(t, h.log.String(), "level=INFO msg=delivery vendor=ashby connection=partner-2 account=acme order=")
				require.Empty(t, h.drift)
			})
		})
	}
}

// Nothing but the package and the candidate has to be there.
func TestLenientStart(t *testing.T) {
	const base = `"assessment_type_id":"t","candidate":{"ashby_id":"c"}`
	for name, tc := range map[string]struct {
		body  string
		want  func(*assessment.Order)
		drift []assessment.Drift
	}{
		"least": {`{` + base + `}`, func(*assessment.Order) {}, nil},
		"email only": {`{"assessment_type_id":"t","candidate":{"email":"a@b"}}`, func(o *assessment.Order) {
			o.Candidate, o.Dedupe = assessment.Candidate{Email: "a@b"}, []string{"email", "a@b", "t"}
		}, nil},
		"nulls": {
			`{` + base + `,"application":null,"job":{"req_id":null,"hiringTeam":null,"name":null},"additional_fields":null}`,
			func(*assessment.Order) {}, nil,
		},
		"unknown members": {`{` + base + `,"new":{"a":[1]},"job":{"x":1}}`, func(*assessment.Order) {}, nil},
		"fields of every kind": {
			`{` + base + `,"additional_fields":{"a":null,"b":[1, 2],"c":{"x":1.50},"d":""}}`,
			func(o *assessment.Order) {
				o.Fields = map[string]json.RawMessage{
					"a": json.RawMessage(`null`), "b": json.RawMessage(`[1, 2]`), "c": json.RawMessage(`{"x":1.50}`), "d": json.RawMessage(`""`),
				}
			}, nil,
		},
		"no fields": {`{` + base + `,"additional_fields":{}}`, func(*assessment.Order) {}, nil},
		"unknown status": {
			`{` + base + `,"application":{"ashby_id":"a","status":"IN_REVIEW"}}`,
			func(o *assessment.Order) {
				o.Application = assessment.Application{RemoteID: "a", Status: "IN_REVIEW"}
				o.Dedupe = []string{"application", "a", "t"}
			},
			[]assessment.Drift{{Field: "application.status", Value: "IN_REVIEW"}},
		},
		"other types": {
			`{"job":{"name":7,"ashby_id":"j","hiringTeam":{"a":1}},"additional_fields":[],` + base + `}`,
			func(o *assessment.Order) { o.Job.RemoteID, o.Job.Name = "j", "7" },
			[]assessment.Drift{{Field: "job.name"}, {Field: "job.hiringTeam"}, {Field: "additional_fields"}},
		},
		"empty member of the team": {
			`{` + base + `,"job":{"hiringTeam":[null,{"role":"Vp of Äpfel"}]}}`,
			func(o *assessment.Order) {
				o.Job.HiringTeam = []assessment.TeamMember{{}, {Roles: []assessment.Role{"Vp of Äpfel"}}}
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{}, options{})
				id := startedID(t, h.post("assessment.start", []byte(tc.body)))
				want := assessment.Order{
					Ref:     assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: id},
					Package: assessment.Package{ID: "t"}, ATS: "ashby", Candidate: assessment.Candidate{RemoteID: "c"},
					Dedupe:     []string{"candidate", "c", "t"},
					ReceivedAt: time.Now().UTC(), Raw: []byte(tc.body),
				}
				tc.want(&want)
				requireEqual(t, []assessment.Order{want}, h.provider.orders)
				for i := range tc.drift {
					tc.drift[i].Vendor, tc.drift[i].Account, tc.drift[i].Event = assessment.Ashby, account, "assessment.start"
				}
				requireEqual(t, tc.drift, h.drift)
			})
		})
	}
}

// The first update goes with the answer.
func TestUpdateRequest(t *testing.T) {
	documented := example(t, "assessment-start.response.with-update-request.json")
	update := &assessment.Result{
		Status: assessment.StatusOpen, StatusText: "Invitation sent",
		Attributes: []assessment.Attribute{{ID: "eta", Label: "Expected time to complete", Value: assessment.Elapsed(90 * time.Minute)}},
	}
	broken := &assessment.Result{Status: assessment.StatusOpen, Attributes: []assessment.Attribute{{ID: "status", Label: marker, Value: assessment.Text(marker)}}}
	statusOf := func(text string) string { return status(text) }
	for name, tc := range map[string]struct {
		started assessment.Started
		want    string // members of the update after id and timestamp; empty: no update
		log     string
	}{
		"nothing":          {assessment.Started{CandidateURL: "https://example.com/secret"}, "", ""},
		"report only":      {assessment.Started{ReportURL: reportURL}, statusOf("Invited") + "," + profile(), ""},
		"update only":      {assessment.Started{Update: &assessment.Result{Status: assessment.StatusInProgress}}, statusOf("Started"), ""},
		"no status":        {assessment.Started{Update: &assessment.Result{StatusText: "Sent"}}, statusOf("Sent"), ""},
		"its own report":   {assessment.Started{ReportURL: "https://example.com/other", Update: &assessment.Result{ReportURL: reportURL}}, statusOf("Invited") + "," + profile(), ""},
		"invalid":          {assessment.Started{Update: broken}, "", "first update left out"},
		"invalid, report":  {assessment.Started{Update: broken, ReportURL: reportURL}, statusOf("Invited") + "," + profile(), "first update left out"},
		"with a loss":      {assessment.Started{Update: &assessment.Result{Attachments: []assessment.Attachment{{Name: "a", ContentType: "a/b", Data: []byte("x")}}}}, statusOf("Invited"), "not complete"},
		"another time set": {assessment.Started{Update: &assessment.Result{At: time.Unix(-1, 0)}}, statusOf("Invited"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, startsWith(tc.started), options{})
				answered := time.Now().UnixMilli()
				w := h.post("assessment.start", minimal(t))
				id := startedID(t, w)
				want := `{"success":true,"results":{"assessment_id":"` + id + `"}}`
				if tc.want != "" {
					want = fmt.Sprintf(`{"success":true,"results":{"assessment_id":%q,"update_request":{"assessment_id":%q,"timestamp":%d,%s}}}`, id, id, answered, tc.want)
				}
				requireSameJSON(t, []byte(want), w.Body.Bytes())
				require.NotContains(t, w.Body.String(), "secret")
				require.Contains(t, h.log.String(), tc.log)
				require.NotContains(t, h.log.String(), marker)
				if tc.log == "" {
					require.NotContains(t, h.log.String(), "WARN")
				}

				<-time.After(time.Hour)
				again := h.post("assessment.start", minimal(t))
				require.Equal(t, w.Body.Bytes(), again.Body.Bytes(), "byte for byte")
				require.Equal(t, assessment.DeliveryReplayed, h.deliveries[1].Outcome)
				require.Len(t, h.provider.refs(), 1)

				// Erased: nobody can tell any more that it is the same order.
				require.NoError(t, h.store.Erase(t.Context(), h.provider.refs()[0]))
				require.NotEqual(t, id, startedID(t, h.post("assessment.start", minimal(t))))
			})
		})
	}
	t.Run("documented", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			<-time.After(time.Until(at(1665680638489)))
			client := newClient(t, play(answers(200, written)), func(c *ashby.Config) {
				c.Labels = map[string]string{ashby.IDReportURL: "Open in Example Assessments"}
			})
			h := newHost(t, startsWith(assessment.Started{Update: update, ReportURL: reportURL}), options{
				config: func(c *ashby.HandlerConfig) { c.Client = client },
			})
			w := h.post("assessment.start", minimal(t))
			requireSameJSON(t, replaced(documented, `"3f0d5c0e-8a52-4b53-9d0a-6b7f2f3f1a10"`, `"`+startedID(t, w)+`"`), w.Body.Bytes())
		})
	})
	t.Run("the updates after it come later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(200, written))
			client := newClient(t, server)
			h := newHost(t, startsWith(assessment.Started{ReportURL: reportURL}), options{
				config: func(c *ashby.HandlerConfig) { c.Client = client },
			})
			id := startedID(t, h.post("assessment.start", minimal(t)))
			_, err := client.PublishResult(t.Context(), assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: id},
				assessment.Result{Status: assessment.StatusInProgress, At: time.Now()})
			require.NoError(t, err)
			require.Equal(t, []int64{time.Now().UnixMilli() + 1}, server.timestamps(t))
		})
	})
}

// Ids that come as numbers keep all their digits: one that is lost would switch
// off that a repeated start is known.
func TestNumericIDs(t *testing.T) {
	const body = `{"assessment_type_id":7,"candidate":{"ashby_id":9007199254740993},"application":{"ashby_id":12345678901234567890123},
		"job":{"ashby_id":0,"req_id":1042,"hiringTeam":[{"userId":-1}]}}`
	h := newHost(t, &provider{}, options{})
	id := startedID(t, h.post("assessment.start", []byte(body)))
	o := h.provider.orders[0]
	require.Equal(t, []string{"7", "9007199254740993", "12345678901234567890123", "0", "1042", "-1"}, []string{
		o.Package.ID, o.Candidate.RemoteID, o.Application.RemoteID, o.Job.RemoteID, o.Job.Code, o.Job.HiringTeam[0].RemoteID,
	})
	require.Equal(t, id, startedID(t, h.post("assessment.start", []byte(body))), "the same order")
	neighbour := replaced([]byte(body), "9007199254740993", "9007199254740992", "12345678901234567890123", "12345678901234567890124")
	require.NotEqual(t, id, startedID(t, h.post("assessment.start", neighbour)), "not the same order")
	require.Len(t, h.provider.refs(), 2)
	require.Empty(t, h.drift)
	w := h.post("assessment.cancel", []byte(`{"assessment_id":9007199254740993}`))
	require.Equal(t, `{"success":true,"results":{"assessment_id":"9007199254740993"}}`, w.Body.String())
	require.Equal(t, "9007199254740993", h.provider.cancelled[0].ID)
}

// What is neither text nor number counts as missing, and is reported.
func TestOddIDs(t *testing.T) {
	fields := func(found []assessment.Drift) (all []string) {
		for _, d := range found {
			require.Equal(t, []any{assessment.Ashby, account, ""}, []any{d.Vendor, d.Account, d.Value})
			all = append(all, d.Event+" "+d.Field)
		}
		return all
	}
	h := newHost(t, &provider{}, options{})
	startedID(t, h.post("assessment.start", []byte(`{"assessment_type_id":"t\u0041ü","candidate":{"ashby_id":false,"email":"a@b"},
		"application":{"ashby_id":[1]},"job":{"ashby_id":{},"req_id":true,"hiringTeam":[{"userId":[]},{"userId":null}]}}`)))
	o := h.provider.orders[0]
	require.Equal(t, "tAü", o.Package.ID)
	require.Empty(t, o.Candidate.RemoteID+o.Application.RemoteID+o.Job.RemoteID+o.Job.Code+o.Job.HiringTeam[0].RemoteID)
	require.Equal(t, []string{
		"assessment.start candidate.ashby_id", "assessment.start application.ashby_id", "assessment.start job.ashby_id",
		"assessment.start job.req_id", "assessment.start job.hiringTeam[0].userId",
	}, fields(h.drift))

	h.drift = nil
	requireFailure(t, h.post("assessment.start", []byte(`{"assessment_type_id":true,"candidate":{"ashby_id":"c"}}`)), 400, "invalid_input")
	requireFailure(t, h.post("assessment.cancel", []byte(`{"assessment_id":true}`)), 400, "invalid_input")
	require.Equal(t, []string{"assessment.start assessment_type_id", "assessment.cancel assessment_id"}, fields(h.drift))
}

// With neither an application's nor a candidate's id the e-mail tells the orders
// apart, however it is written.
func TestStartAgainByEmail(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	start := func(email, pkg string) string {
		body := fmt.Sprintf(`{"assessment_type_id":%q,"candidate":{"email":%q}}`, pkg, email)
		return startedID(t, h.post("assessment.start", []byte(body)))
	}
	first := start("jane@example.com", "t")
	require.Equal(t, first, start(" Jane@Example.COM ", "t"))
	require.NotEqual(t, first, start("jane@example.com", "u"))
	require.NotEqual(t, first, start("john@example.com", "t"))
	require.Len(t, h.provider.refs(), 3)
}

// A blank id is none: taken for one, the second candidate would get the first
// candidate's test.
func TestBlankIDs(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	start := func(email string) string {
		body := fmt.Sprintf(`{"assessment_type_id":"t","candidate":{"ashby_id":" ","email":%q},"application":{"ashby_id":" "}}`, email)
		return startedID(t, h.post("assessment.start", []byte(body)))
	}
	require.NotEqual(t, start("jane@example.com"), start("john@example.com"))
	require.Len(t, h.provider.refs(), 2)

	for operation, body := range map[string]string{
		"assessment.start":  `{"assessment_type_id":"t","candidate":{"ashby_id":" ","email":"\t"},"application":{"ashby_id":"a"}}`,
		"assessment.cancel": `{"assessment_id":" "}`,
	} {
		requireFailure(t, h.post(operation, []byte(body)), 400, "invalid_input")
	}
	requireFailure(t, h.post("assessment.start", []byte(`{"assessment_type_id":" ","candidate":{"email":"a@b"}}`)), 400, "invalid_input")
}
