package ashbytest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

func TestDocumentedUpdatesAreAccepted(t *testing.T) {
	profile := "https://app.example-assessments.test/reports/" + exampleID
	started, later := time.UnixMilli(1665680638489).UTC(), time.UnixMilli(1665686038489).UTC()
	for name, want := range map[string]ashbytest.Assessment{
		"assessment-update.request.started.json": {
			State: ashbytest.StateLive, Status: "Started", StartedAt: started, ProfileURL: profile,
		},
		"assessment-update.request.progress.json": {
			State: ashbytest.StateLive, Status: "In progress",
			Metadata: []ashbytest.DataValue{{
				Identifier: "eta", Label: "Time left", Description: "Estimated minutes until the candidate is done",
				Type: ashbytest.TypeDuration, Value: json.Number("45"),
			}},
		},
		"assessment-update.request.completed.json": {
			State: ashbytest.StateCompleted, Status: "Completed", CompletedAt: later, ProfileURL: profile,
			Result: &ashbytest.DataValue{Identifier: "result", Label: "Score", Type: ashbytest.TypeScore, Value: json.Number("8.5")},
			Metadata: []ashbytest.DataValue{
				{
					Identifier: "result-max", Label: "Max Score", Description: "The maximum possible score for the assessment",
					Type: ashbytest.TypeScore, Value: json.Number("10"),
				},
				{Identifier: "passed", Label: "Passed", Type: ashbytest.TypeSuccess, Value: true},
				{Identifier: "time-taken", Label: "Time taken", Type: ashbytest.TypeDuration, Value: json.Number("72")},
				{
					Identifier: "recording", Label: "Session recording", Type: ashbytest.TypeURL,
					Value: "https://app.example-assessments.test/recordings/" + exampleID,
				},
				{Identifier: "language", Label: "Language", Type: ashbytest.TypeString, Value: "TypeScript"},
			},
		},
		"assessment-update.request.completed-pass-fail.json": {
			State: ashbytest.StateCompleted, Status: "Completed", CompletedAt: later, ProfileURL: profile,
			Result: &ashbytest.DataValue{Identifier: "result", Label: "Background check", Type: ashbytest.TypeSuccess, Value: false},
		},
		"assessment-update.request.cancelled.json": {
			State: ashbytest.StateCancelled, CancelledAt: time.UnixMilli(1665684238489).UTC(), CancelReason: "Candidate withdrew",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := withExample(t)
			body := fixture(t, name)
			got := newAPI(t, s).ok(ashbytest.OpUpdate, body)
			require.Equal(t, tree(t, fixture(t, "assessment-update.response.success.json")), got)
			want.ID, want.Organization, want.TypeID = exampleID, ashbytest.DefaultOrganization, ashbytest.DefaultAssessmentTypeID
			want.ApplicationID, want.CandidateID, want.JobID = ashbytest.DefaultApplicationID, ashbytest.DefaultCandidateID, ashbytest.DefaultJobID
			a := assessment(t, s, exampleID)
			require.Empty(t, cmp.Diff(want, a, cmpopts.IgnoreFields(ashbytest.Assessment{}, "Updates", "CreatedAt")))
			require.Len(t, a.Updates, 1)
			require.JSONEq(t, string(body), string(a.Updates[0].Body))
			require.Empty(t, a.Updates[0].UnknownKeys)
			require.Empty(t, s.Calls(ashbytest.OpUpdate)[0].Notes)
		})
	}
}

func TestALifeOfUpdates(t *testing.T) {
	s := withExample(t)
	for _, name := range []string{"started", "progress", "completed"} {
		newAPI(t, s).ok(ashbytest.OpUpdate, fixture(t, "assessment-update.request."+name+".json"))
	}
	a := assessment(t, s, exampleID)
	require.Len(t, a.Updates, 3)
	require.Equal(t, 90*time.Minute, a.CompletedAt.Sub(a.StartedAt))
	require.Len(t, a.Metadata, 6)
}

const (
	statusSlot = `{"identifier":"status","label":"Status","type":"string","value":"Busy"}`
	urlSlot    = `{"identifier":"url","label":"Report","type":"url","value":"https://example.com/r"}`
	scoreSlot  = `{"identifier":"result","label":"Score","type":"numeric_score","value":0}`
	reasonSlot = `{"identifier":"reason","label":"Why","type":"string","value":""}`
)

// with returns a valid update with members set to raw JSON; an empty value removes one.
func with(t *testing.T, members map[string]string) []byte {
	t.Helper()
	body := map[string]json.RawMessage{
		"assessment_id":     json.RawMessage(`"` + exampleID + `"`),
		"timestamp":         json.RawMessage(`1665680638489`),
		"assessment_status": json.RawMessage(statusSlot),
	}
	for name, value := range members {
		if value == "" {
			delete(body, name)
			continue
		}
		body[name] = json.RawMessage(value)
	}
	encoded, err := json.Marshal(body)
	require.NoError(t, err)
	return encoded
}

// datum is one metadata entry with a member replaced.
func datum(replace ...string) string {
	return "[" + strings.NewReplacer(replace...).Replace(`{"identifier":"a","label":"A","type":"numeric_score","value":1}`) + "]"
}

func TestInvalidUpdatesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		members map[string]string
		message string
		allow   func(*ashbytest.Quirks) // the quirk that accepts it
	}{
		"no id":                 {map[string]string{"assessment_id": ""}, "assessment_id is required", nil},
		"id a number":           {map[string]string{"assessment_id": "1"}, "assessment_id must be a string", nil},
		"unknown id":            {map[string]string{"assessment_id": `"other"`}, "No assessment has this id", nil},
		"no timestamp":          {map[string]string{"timestamp": ""}, "timestamp is required", nil},
		"timestamp null":        {map[string]string{"timestamp": "null"}, "timestamp must not be null", nil},
		"timestamp a text":      {map[string]string{"timestamp": `"2022-10-13T17:03:58Z"`}, "timestamp must be an integer", nil},
		"timestamp a fraction":  {map[string]string{"timestamp": "1665680638489.5"}, "timestamp must be an integer", nil},
		"timestamp an exponent": {map[string]string{"timestamp": "1.6e12"}, "timestamp must be an integer", nil},
		"no status":             {map[string]string{"assessment_status": ""}, "is required unless cancelled_reason", nil},
		"status null":           {map[string]string{"assessment_status": "null"}, "is required unless cancelled_reason", nil},
		"status a text":         {map[string]string{"assessment_status": `"Started"`}, "assessment_status must be an object", nil},
		"profile a text":        {map[string]string{"assessment_profile_url": `"https://example.com"`}, "assessment_profile_url must be an object", nil},
		"profile not a url":     {map[string]string{"assessment_profile_url": strings.ReplaceAll(urlSlot, `"type":"url"`, `"type":"string"`)}, "assessment_profile_url.type must be url", nil},
		"result without url":    {map[string]string{"assessment_result": scoreSlot}, "assessment_profile_url is required", nil},
		"result without status": {map[string]string{"assessment_result": scoreSlot, "assessment_profile_url": urlSlot, "assessment_status": ""}, "assessment_status is required", nil},
		"result and cancel": {
			map[string]string{"assessment_result": scoreSlot, "assessment_profile_url": urlSlot, "cancelled_reason": reasonSlot},
			"must not come with assessment_result", func(q *ashbytest.Quirks) { q.AllowResultWithCancel = true },
		},
		"metadata an object": {map[string]string{"metadata": `{}`}, "metadata must be an array", nil},
		"metadata of null":   {map[string]string{"metadata": `[null]`}, "metadata[0] must be an object", nil},
		"no identifier":      {map[string]string{"metadata": datum(`"identifier":"a",`, "")}, "metadata[0].identifier is required", nil},
		"no label":           {map[string]string{"metadata": datum(`"label":"A",`, "")}, "metadata[0].label is required", nil},
		"no type":            {map[string]string{"metadata": datum(`"type":"numeric_score",`, "")}, "metadata[0].type is required", nil},
		"no value":           {map[string]string{"metadata": datum(`,"value":1`, "")}, "metadata[0].value is required", nil},
		"value null":         {map[string]string{"metadata": datum(`1}`, "null}")}, "metadata[0].value must not be null", nil},
		"value an object":    {map[string]string{"metadata": datum(`1}`, "{}}")}, "metadata[0].value must be a string, a number or a boolean", nil},
		"description null":   {map[string]string{"metadata": datum(`1}`, `1,"description":null}`)}, "description must not be null", nil},
		"unknown type": {
			map[string]string{"metadata": datum("numeric_score", "numeric_percentage")}, "metadata[0].type must be one of",
			func(q *ashbytest.Quirks) { q.AllowUnknownTypes = true },
		},
		"score a text": {
			map[string]string{"metadata": datum(`1}`, `"1"}`)}, "must be a number, because the type is numeric_score",
			func(q *ashbytest.Quirks) { q.AllowTypeMismatch = true },
		},
		"flag a number": {
			map[string]string{"metadata": datum("numeric_score", "boolean_success")}, "must be a boolean",
			func(q *ashbytest.Quirks) { q.AllowTypeMismatch = true },
		},
		"text a number": {
			map[string]string{"metadata": datum("numeric_score", "string")}, "must be a string, because",
			func(q *ashbytest.Quirks) { q.AllowTypeMismatch = true },
		},
		"url relative": {
			map[string]string{"metadata": datum("numeric_score", "url", "1}", `"/r/1"}`)}, "must be an absolute URL",
			func(q *ashbytest.Quirks) { q.AllowTypeMismatch = true },
		},
		"identifier twice": {
			map[string]string{"metadata": datum(`"a"`, `"status"`)}, "metadata[0].identifier is the one of assessment_status",
			func(q *ashbytest.Quirks) { q.AllowDuplicateIdentifiers = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := withExample(t)
			message := newAPI(t, s).refused(200, "invalid_input", ashbytest.OpUpdate, with(t, c.members))
			require.Contains(t, message, c.message)
			require.Empty(t, assessment(t, s, exampleID).Updates)
			if c.allow != nil {
				s := withExample(t, quirks(c.allow))
				newAPI(t, s).ok(ashbytest.OpUpdate, with(t, c.members))
			}
		})
	}
}

func TestNullsOfTheNewerRendering(t *testing.T) {
	nulls := map[string]string{"assessment_profile_url": "null", "assessment_result": "null", "cancelled_reason": "null", "metadata": "null"}
	newAPI(t, withExample(t)).ok(ashbytest.OpUpdate, with(t, nulls))
	strict := withExample(t, quirks(func(q *ashbytest.Quirks) { q.RefuseNulls = true }))
	newAPI(t, strict).refused(200, "invalid_input", ashbytest.OpUpdate, with(t, nulls))
}

func TestOddUpdatesAreNoted(t *testing.T) {
	s := withExample(t)
	a := newAPI(t, s)
	a.header.Del("Accept")
	a.ok(ashbytest.OpUpdate, with(t, map[string]string{"timestamp": "1665680638", "extra": "1"}))
	require.Equal(t, []string{
		"timestamp is before 1973: seconds instead of milliseconds?", "unknown keys: extra", "no Accept header",
	}, s.Calls(ashbytest.OpUpdate)[0].Notes)
	require.Equal(t, []string{"extra"}, assessment(t, s, exampleID).Updates[0].UnknownKeys)
}

func at(t *testing.T, ms int, members map[string]string) []byte {
	t.Helper()
	all := map[string]string{"timestamp": fmt.Sprint(ms)}
	for name, value := range members {
		all[name] = value
	}
	return with(t, all)
}

func TestUpdatesInTime(t *testing.T) {
	const now = 1665680638489
	completed := map[string]string{"assessment_result": scoreSlot, "assessment_profile_url": urlSlot}
	other := map[string]string{"metadata": "[]"}
	for name, c := range map[string]struct {
		first, second []byte
		allow         func(*ashbytest.Quirks)
	}{
		"older":                    {at(t, now, nil), at(t, now-1, nil), func(q *ashbytest.Quirks) { q.AcceptOlderTimestamps = true }},
		"same time, other content": {at(t, now, nil), at(t, now, other), func(q *ashbytest.Quirks) { q.AcceptOlderTimestamps = true }},
		"after completion":         {at(t, now, completed), at(t, now+1, nil), func(q *ashbytest.Quirks) { q.AcceptAfterTerminal = true }},
		"after cancellation": {
			at(t, now, map[string]string{"cancelled_reason": reasonSlot}), at(t, now+1, completed),
			func(q *ashbytest.Quirks) { q.AcceptAfterTerminal = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := withExample(t)
			newAPI(t, s).ok(ashbytest.OpUpdate, c.first)
			newAPI(t, s).refused(200, "invalid_input", ashbytest.OpUpdate, c.second)
			require.Len(t, assessment(t, s, exampleID).Updates, 1)

			s = withExample(t, quirks(c.allow))
			newAPI(t, s).ok(ashbytest.OpUpdate, c.first)
			newAPI(t, s).ok(ashbytest.OpUpdate, c.second)
			require.Len(t, assessment(t, s, exampleID).Updates, 2)
		})
	}
}

func TestRepeatedUpdates(t *testing.T) {
	body := fixture(t, "assessment-update.request.completed.json")
	var compact []byte
	compact, err := json.Marshal(tree(t, body))
	require.NoError(t, err)
	for policy, stored := range map[ashbytest.RepeatPolicy]int{ashbytest.RepeatAccepted: 1, ashbytest.RepeatStored: 2} {
		s := withExample(t, quirks(func(q *ashbytest.Quirks) { q.Repeat = policy }))
		newAPI(t, s).ok(ashbytest.OpUpdate, body)
		newAPI(t, s).ok(ashbytest.OpUpdate, compact)
		require.Len(t, assessment(t, s, exampleID).Updates, stored)
	}
	s := withExample(t, quirks(func(q *ashbytest.Quirks) { q.Repeat, q.ClosedAssessmentCode = ashbytest.RepeatRefused, "closed" }))
	newAPI(t, s).ok(ashbytest.OpUpdate, body)
	newAPI(t, s).refused(200, "closed", ashbytest.OpUpdate, body)
}

func TestMetadataIsMergedByIdentifier(t *testing.T) {
	s := withExample(t)
	a := newAPI(t, s)
	a.ok(ashbytest.OpUpdate, at(t, 1665680638489, map[string]string{"metadata": datum()}))
	a.ok(ashbytest.OpUpdate, at(t, 1665680638490, map[string]string{"metadata": datum("1}", "2}")}))
	got := assessment(t, s, exampleID)
	require.Equal(t, []ashbytest.DataValue{{Identifier: "a", Label: "A", Type: "numeric_score", Value: json.Number("2")}}, got.Metadata)
	require.Equal(t, json.Number("1"), got.Updates[0].Metadata[0].Value)
}

func TestTheFirstStartCounts(t *testing.T) {
	s := withExample(t)
	started := map[string]string{"assessment_status": strings.ReplaceAll(statusSlot, "Busy", "Started")}
	newAPI(t, s).ok(ashbytest.OpUpdate, at(t, 1665680638489, started))
	newAPI(t, s).ok(ashbytest.OpUpdate, at(t, 1665680638490, started))
	require.Equal(t, time.UnixMilli(1665680638489).UTC(), assessment(t, s, exampleID).StartedAt)
}

func TestUpdateResultsAndUUIDs(t *testing.T) {
	s := ashbytest.Start(t, quirks(func(q *ashbytest.Quirks) {
		q.UpdateResults, q.RequireUUIDs = json.RawMessage(`{"a":1}`), true
	}))
	_, err := s.AddAssessment(ashbytest.Assessment{ID: "pkg_456"})
	require.NoError(t, err)
	_, err = s.AddAssessment(ashbytest.Assessment{ID: "pkg_456"})
	require.Error(t, err)
	a := newAPI(t, s)
	a.refused(200, "invalid_input", ashbytest.OpUpdate, with(t, map[string]string{"assessment_id": `"pkg_456"`}))
	id, err := s.AddAssessment(ashbytest.Assessment{})
	require.NoError(t, err)
	got := a.ok(ashbytest.OpUpdate, with(t, map[string]string{"assessment_id": `"` + id + `"`}))
	require.Equal(t, map[string]any{"a": 1.0}, got["results"])
}

func TestAddCompletedToCandidate(t *testing.T) {
	s := ashbytest.Start(t)
	a := newAPI(t, s)
	body := fixture(t, "assessment-add-completed-to-candidate.request.json")
	want := tree(t, fixture(t, "assessment-add-completed-to-candidate.response.json"))
	// The example answer has another name than its request.
	want["results"].(map[string]any)["assessmentName"] = "Node Assessment"
	require.Empty(t, cmp.Diff(want, a.ok(ashbytest.OpAddCompletedToCandidate, body)))
	require.Empty(t, cmp.Diff(want, a.ok(ashbytest.OpAddCompletedToCandidate, body)))
	list := s.Assessments("")
	require.Len(t, list, 1)
	require.Equal(t, "Node Assessment", list[0].Name)
	require.Equal(t, ashbytest.StateCompleted, list[0].State)
	require.Equal(t, time.UnixMilli(1665680638489).UTC(), list[0].CompletedAt)

	for name, replace := range map[string][]string{
		"candidateId":                 {`"candidateId"`, `"candidate_id"`},
		"partnerId":                   {`"partnerId"`, `"partner_id"`},
		"partnerId is unknown":        {ashbytest.DefaultPartnerID, "00000000-0000-4000-8000-000000000000"},
		"partnerId must be a UUID":    {ashbytest.DefaultPartnerID, "example"},
		"No candidate":                {ashbytest.DefaultCandidateID, "00000000-0000-4000-8000-000000000000"},
		"assessment is required":      {`"assessment"`, `"assessments"`},
		"assessment.assessmentTypeId": {"assessmentTypeId", "assessment_type_id"},
		"assessment.assessmentId":     {`"assessmentId"`, `"assessment_id"`},
		"assessment.assessmentName":   {"assessmentName", "assessment_name"},
		"assessment.result is":        {`"result":`, `"results":`},
		"assessment.metadata":         {`"metadata"`, `"meta"`},
		"timestamp":                   {"1665680638489", `"1665680638489"`},
		"identifier is the one of":    {"result-max", "result"},
		"assessmentId is in use":      {"Node Assessment", "Other"},
	} {
		changed := strings.NewReplacer(replace...).Replace(string(body))
		require.NotEqual(t, string(body), changed, name)
		require.Contains(t, a.refused(200, "invalid_input", ashbytest.OpAddCompletedToCandidate, []byte(changed)), name)
	}
}
