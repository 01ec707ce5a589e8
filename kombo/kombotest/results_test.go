package kombotest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func TestDocumentedResultsAreAccepted(t *testing.T) {
	for name, status := range map[string]string{
		"update-order-result-request.json":               kombotest.StatusCompleted,
		"update-order-result-request-interim-open.json":  kombotest.StatusOpen,
		"update-order-result-request-remote-fields.json": kombotest.StatusCompleted,
	} {
		t.Run(name, func(t *testing.T) {
			s := kombotest.Start(t)
			id, _ := place(t, s, kombotest.OrderSpec{})
			body := fixture(t, name)
			s.Fail(kombotest.OpUpdateResult, kombotest.Warning("This is an example warning!"))
			got := newAPI(t, s).call(200, resultOp(id), body)
			require.Equal(t, tree(t, fixture(t, "update-order-result-response.json")), got)
			o := order(t, s, id)
			require.Equal(t, status, o.Status)
			require.Len(t, o.Results, 1)
			require.JSONEq(t, string(body), string(o.Results[0].Body))
			require.Empty(t, o.Results[0].UnknownKeys)
		})
	}
}

func TestResultIsKeptAsWritten(t *testing.T) {
	s := kombotest.Start(t)
	id, _ := place(t, s, kombotest.OrderSpec{})
	newAPI(t, s).call(200, resultOp(id), fixture(t, "update-order-result-request.json"))
	result, ok := order(t, s, id).Final()
	require.True(t, ok)
	require.Equal(t, json.Number("90"), result.Score)
	require.Equal(t, json.Number("100"), result.MaxScore)
	require.Equal(t, "2023-04-04T00:00:00.000Z", result.CompletedAt)
	require.Equal(t, []kombotest.Attribute{
		{Type: "TEXT", Label: "Role fit", Value: "Excellent"},
		{Type: "SUB_RESULT", ID: "<YOUR_INTERNAL_ID_OF_THE_TEST>", Label: "Personality test", Score: "97", Max: "100", Status: "COMPLETED"},
		{Type: "TEXT", Label: "SSN Status", Value: "Valid"},
	}, result.Attributes)
	require.Equal(t, "application/pdf", result.Attachments[0].ContentType)
	require.True(t, strings.HasPrefix(string(result.Attachments[0].Data), "Hi there, Kombo"))
}

// validResult is changed by each case of the tables below.
const validResult = `{"status":"COMPLETED","result_url":"https://example.com/r/1","completed_at":"2026-06-30T12:00:00Z"}`

// with returns validResult with members set to raw JSON; an empty value removes one.
func with(t *testing.T, members map[string]string) []byte {
	t.Helper()
	var body map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(validResult), &body))
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

func TestInvalidResultsAreRefused(t *testing.T) {
	const file = `{"name":"a.pdf","data_url":"https://example.com/a.pdf"}`
	sub := func(score, status string) string {
		return `[{"type":"SUB_RESULT","id":"1","label":"Test","score":` + score + `,"status":"` + status + `"}]`
	}
	for name, members := range map[string]map[string]string{
		"status missing":               {"status": ""},
		"status null":                  {"status": `null`},
		"status unknown":               {"status": `"COMPLETE"`},
		"status rejected":              {"status": `"REJECTED"`},
		"status a number":              {"status": `1`},
		"result_url missing":           {"result_url": ""},
		"result_url null":              {"result_url": `null`},
		"result_url relative":          {"result_url": `"/r/1"`},
		"result_url empty":             {"result_url": `""`},
		"result_url with a blank":      {"result_url": `"https://example.com/a b"`},
		"result_url not ASCII":         {"result_url": `"https://example.com/r/Zoë"`},
		"result_url with brackets":     {"result_url": `"https://example.com/r?x=[1]"`},
		"result_url with a percent":    {"result_url": `"https://example.com/r?score=100%"`},
		"result_url missing when open": {"status": `"OPEN"`, "completed_at": "", "result_url": ""},
		"completed_at missing":         {"completed_at": ""},
		"completed_at, cancelled":      {"status": `"CANCELLED"`, "completed_at": ""},
		"completed_at null":            {"completed_at": `null`},
		"completed_at empty":           {"completed_at": `""`},
		"completed_at empty when open": {"status": `"OPEN"`, "completed_at": `""`},
		"completed_at with offset":     {"completed_at": `"2026-06-30T12:00:00+02:00"`},
		"completed_at with small z":    {"completed_at": `"2026-06-30T12:00:00z"`},
		"completed_at a number":        {"completed_at": `1782820800`},
		"score a string":               {"score": `"90"`},
		"score null":                   {"score": `null`},
		"score infinite":               {"score": `1e999`},
		"max_score a string":           {"max_score": `"100"`},
		"max_score null":               {"max_score": `null`},
		"attributes null":              {"attributes": `null`},
		"attributes an object":         {"attributes": `{}`},
		"attribute a string":           {"attributes": `["a"]`},
		"attribute without type":       {"attributes": `[{"key":"a","value":"b"}]`},
		"attribute of unknown type":    {"attributes": `[{"type":"NUMBER","label":"a","value":"1"}]`},
		"text without label":           {"attributes": `[{"type":"TEXT","value":"b"}]`},
		"text without value":           {"attributes": `[{"type":"TEXT","label":"a"}]`},
		"text with null value":         {"attributes": `[{"type":"TEXT","label":"a","value":null}]`},
		"text with a number":           {"attributes": `[{"type":"TEXT","label":"a","value":1}]`},
		"sub-result without id":        {"attributes": `[{"type":"SUB_RESULT","label":"a","score":{"value":1,"max":1},"status":"COMPLETED"}]`},
		"sub-result without score":     {"attributes": `[{"type":"SUB_RESULT","id":"1","label":"a","status":"COMPLETED"}]`},
		"sub-result without status":    {"attributes": `[{"type":"SUB_RESULT","id":"1","label":"a","score":{"value":1,"max":1}}]`},
		"sub-result with a number":     {"attributes": sub(`97`, "COMPLETED")},
		"sub-result without value":     {"attributes": sub(`{"max":100}`, "COMPLETED")},
		"sub-result without max":       {"attributes": sub(`{"value":97}`, "COMPLETED")},
		"sub-result with max 0":        {"attributes": sub(`{"value":0,"max":0}`, "COMPLETED")},
		"sub-result with max 0.99":     {"attributes": sub(`{"value":0,"max":0.99}`, "COMPLETED")},
		"sub-result that is open":      {"attributes": sub(`{"value":1,"max":1}`, "OPEN")},
		"attachments null":             {"attachments": `null`},
		"six attachments":              {"attachments": "[" + strings.Repeat(file+",", 5) + file + "]"},
		"attachment without name":      {"attachments": `[{"data_url":"https://example.com/a.pdf"}]`},
		"attachment without content":   {"attachments": `[{"name":"a.pdf","content_type":"application/pdf"}]`},
		"attachment with both":         {"attachments": `[{"name":"a.pdf","content_type":"a/b","data":"YQ==","data_url":"https://example.com"}]`},
		"data without content type":    {"attachments": `[{"name":"a.pdf","data":"YQ=="}]`},
		"data not Base64":              {"attachments": `[{"name":"a.pdf","content_type":"a/b","data":"%%%"}]`},
		"data unpadded":                {"attachments": `[{"name":"a.pdf","content_type":"a/b","data":"YQ"}]`},
		"data null":                    {"attachments": `[{"name":"a.pdf","content_type":"a/b","data":null}]`},
		"data_url relative":            {"attachments": `[{"name":"a.pdf","data_url":"a.pdf"}]`},
		"data_url not ASCII":           {"attachments": `[{"name":"a.pdf","data_url":"https://example.com/ü.pdf"}]`},
		"data_url null":                {"attachments": `[{"name":"a.pdf","data_url":null}]`},
		"content type with plus":       {"attachments": `[{"name":"a.svg","content_type":"image/svg+xml","data":"YQ=="}]`},
		"content type with parameter":  {"attachments": `[{"name":"a.txt","content_type":"text/plain; charset=utf-8","data":"YQ=="}]`},
		"content type null":            {"attachments": `[{"name":"a.pdf","content_type":null,"data_url":"https://example.com/a"}]`},
		"remote_fields null":           {"remote_fields": `null`},
		"remote_fields a list":         {"remote_fields": `[]`},
		"scoreLabel a number":          {"remote_fields": `{"smartrecruiters":{"scoreLabel":1}}`},
		"subtitle null":                {"remote_fields": `{"recruitee":{"subtitle":null}}`},
		"workday a string":             {"remote_fields": `{"workday":"PASS"}`},
		"workday without status id":    {"remote_fields": `{"workday":{"Assess_Candidate_Data":{"Candidate_Assessment_Data":{"Assess_Candidate_Test_Result_Data":{"Assessment_Test_Status_Reference":{}}}}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := kombotest.Start(t)
			id, _ := place(t, s, kombotest.OrderSpec{})
			newAPI(t, s).refused(400, "PLATFORM.INPUT_INVALID", resultOp(id), with(t, members))
			require.Equal(t, kombotest.StatusOpen, order(t, s, id).Status)
			require.Empty(t, order(t, s, id).Results)
		})
	}
}

func TestMalformedResultBodies(t *testing.T) {
	s := kombotest.Start(t)
	id, _ := place(t, s, kombotest.OrderSpec{})
	a := newAPI(t, s)
	for _, body := range []string{"", "null", "[]", `"text"`, "{", validResult + "{}"} {
		a.refused(400, "PLATFORM.INPUT_INVALID", resultOp(id), []byte(body))
	}
	r := a.request(t.Context(), resultOp(id), []byte(validResult))
	r.Header.Set("Content-Type", "text/plain")
	response, err := a.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 400, response.StatusCode)
}

func TestUnusualResultsAreAccepted(t *testing.T) {
	for name, members := range map[string]map[string]string{
		"date only":            {"completed_at": `"2026-06-30"`},
		"date with Z":          {"completed_at": `"2026-06-30Z"`},
		"without Z":            {"completed_at": `"2026-06-30T12:00:00"`},
		"cancelled":            {"status": `"CANCELLED"`},
		"open without date":    {"status": `"OPEN"`, "completed_at": ""},
		"score zero":           {"score": `0`},
		"score negative":       {"score": `-3.5`, "max_score": `0`},
		"score above maximum":  {"score": `11`, "max_score": `10`},
		"five attachments":     {"attachments": "[" + strings.Repeat(`{"name":"a","data_url":"https://e.com/a"},`, 4) + `{"name":"b","data_url":"https://e.com/b"}]`},
		"workday half":         {"remote_fields": `{"workday":{"Assess_Candidate_Data":{}}}`},
		"empty remote fields":  {"remote_fields": `{}`},
		"empty lists":          {"attributes": `[]`, "attachments": `[]`},
		"sub-result above max": {"attributes": `[{"type":"SUB_RESULT","id":"1","label":"a","score":{"value":2,"max":1},"status":"CANCELLED"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			s := kombotest.Start(t)
			id, _ := place(t, s, kombotest.OrderSpec{})
			newAPI(t, s).call(200, resultOp(id), with(t, members))
		})
	}
}

func TestUnknownKeysAreRecorded(t *testing.T) {
	s := kombotest.Start(t)
	id, _ := place(t, s, kombotest.OrderSpec{})
	newAPI(t, s).call(200, resultOp(id), with(t, map[string]string{
		"sub_results":   `[]`,
		"attributes":    `[{"type":"TEXT","label":"a","value":"b","field":"a"}]`,
		"remote_fields": `{"lever":{}}`,
	}))
	want := []string{"attributes[0].field", "remote_fields.lever", "sub_results"}
	require.Equal(t, want, order(t, s, id).Results[0].UnknownKeys)
	require.Contains(t, s.Calls(kombotest.OpUpdateResult)[0].Notes, "unknown key sub_results")
}

func TestStatusTransitions(t *testing.T) {
	open := map[string]string{"status": `"OPEN"`, "completed_at": ""}
	cancelled := map[string]string{"status": `"CANCELLED"`}
	s := kombotest.Start(t, func(c *kombotest.Config) { c.Quirks.ClosedOrderCode = "REMOTE.INPUT_INVALID" })
	a := newAPI(t, s)
	id, _ := place(t, s, kombotest.OrderSpec{})
	a.call(200, resultOp(id), with(t, open))
	a.call(200, resultOp(id), with(t, open))
	a.call(200, resultOp(id), with(t, cancelled))
	for _, members := range []map[string]string{open, nil, cancelled} {
		a.refused(400, "REMOTE.INPUT_INVALID", resultOp(id), with(t, members))
	}
	require.Len(t, order(t, s, id).Results, 3)

	s.Target(always(422, `{"status":"ORDER_REJECTED","message":"No."}`))
	rejected, _ := place(t, s, kombotest.OrderSpec{})
	a.refused(400, "REMOTE.INPUT_INVALID", resultOp(rejected), with(t, nil))
}

func TestUnknownOrders(t *testing.T) {
	s := kombotest.Start(t, func(c *kombotest.Config) { c.Quirks.UnknownOrderCode = "PLATFORM.UNKNOWN_ERROR" })
	other, err := s.Integration(kombotest.IntegrationSpec{})
	require.NoError(t, err)
	id, _ := place(t, s, kombotest.OrderSpec{Integration: other})
	a := newAPI(t, s)
	a.refused(500, "PLATFORM.UNKNOWN_ERROR", resultOp("nobody"), []byte(validResult))
	a.refused(500, "PLATFORM.UNKNOWN_ERROR", resultOp(id), []byte(validResult))
}

func TestRepeatedFinalResult(t *testing.T) {
	body := map[string]string{"attachments": `[{"name":"a.pdf","data_url":"https://example.com/a.pdf"}]`}
	for _, c := range []struct {
		policy      kombotest.RepeatPolicy
		status      int
		attachments int
	}{
		{kombotest.RepeatRefused, 400, 1},
		{kombotest.RepeatAccepted, 200, 1},
		{kombotest.RepeatDuplicated, 200, 2},
	} {
		s := kombotest.Start(t, func(cfg *kombotest.Config) { cfg.Quirks.RepeatedFinal = c.policy })
		a := newAPI(t, s)
		id, _ := place(t, s, kombotest.OrderSpec{})
		a.call(200, resultOp(id), with(t, body))
		a.call(c.status, resultOp(id), with(t, body))
		require.Len(t, order(t, s, id).Attachments, c.attachments)
		a.call(400, resultOp(id), with(t, map[string]string{"status": `"CANCELLED"`}))
	}
}

func TestAttachmentQuirks(t *testing.T) {
	unfetchable := func(context.Context, string) error { return errors.New("404") }
	file := map[string]string{"attachments": `[{"name":"a.pdf","data_url":"https://example.com/a.pdf"}]`}
	s := kombotest.Start(t, func(c *kombotest.Config) { c.FetchAttachment = unfetchable })
	id, _ := place(t, s, kombotest.OrderSpec{})
	require.Len(t, newAPI(t, s).call(200, resultOp(id), with(t, file))["warnings"], 1)

	s = kombotest.Start(t, func(c *kombotest.Config) {
		c.FetchAttachment = unfetchable
		c.Quirks = kombotest.Quirks{RefuseUnfetchable: true, LenientBase64: true, AllowBothSources: true}
	})
	a := newAPI(t, s)
	id, _ = place(t, s, kombotest.OrderSpec{})
	a.refused(400, "PLATFORM.INPUT_INVALID", resultOp(id), with(t, file))
	a.call(200, resultOp(id), with(t, map[string]string{"attachments": `[{"name":"a","content_type":"a/b","data":"_-8"}]`}))
	require.Equal(t, []byte{0xff, 0xef}, order(t, s, id).Attachments[0].Data)
}
