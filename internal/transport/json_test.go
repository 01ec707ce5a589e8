package transport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

type named struct {
	Name string `json:"name"`
}

func TestJSON(t *testing.T) {
	for name, body := range map[string]string{
		"plain":         `{"name":"ada"}`,
		"heartbeat":     "\n\n\n\r\n {\"name\":\"ada\"}\n",
		"unknown field": `{"name":"ada","x":[1]}`,
	} {
		value, answer, err := JSON[named](t.Context(), newClient(t, play(answers(201, body))), reading)
		require.NoError(t, err, name)
		require.Equal(t, named{"ada"}, value)
		require.Equal(t, 201, answer.StatusCode)
		require.Equal(t, body, string(answer.Body))
	}
}

// A success that cannot be read is an error, once; for a write it says nothing
// about what became of it.
func TestJSONThatCannotBeRead(t *testing.T) {
	for name, body := range map[string]string{
		"empty":      "",
		"heartbeat":  "\n\n",
		"truncated":  `{"name":"ada`,
		"HTML":       "<html>down</html>",
		"other type": `["ada"]`,
		"trailing":   `{"name":"ada"} x`,
	} {
		for _, call := range []Call{reading, writing, writingWith(Same)} {
			t.Run(name, func(t *testing.T) {
				server := play(answers(200, body))
				value, answer, err := JSON[named](t.Context(), newClient(t, server, func(c *Config) { c.MaxRetries = -1 }), call)
				require.Zero(t, value)
				require.Equal(t, body, string(answer.Body))
				api := apiError(t, err)
				require.Error(t, api.Cause)
				require.Equal(t, 200, api.StatusCode)
				require.Equal(t, body, string(api.Body))
				require.Equal(t, 1, api.Attempts)
				require.Equal(t, call.repeat() != Read, api.Uncertain)
				require.Equal(t, call.repeat() == Same, api.SafeToRepeat)
				require.ErrorIs(t, err, assessment.ErrUnavailable)
				require.Len(t, server.seen, 1)
			})
		}
	}
}

// checked is a document that is only the vendor's if it has a name.
type checked struct{ named }

func (c *checked) Check() error {
	if c.Name == "" {
		return errors.New("no name")
	}
	return nil
}

// What is not the vendor's passes with what is in between.
func TestJSONOfSomethingInBetweenIsRepeated(t *testing.T) {
	for _, page := range []string{"<!DOCTYPE html>", `{"name":"a`, "", `{"message":"maintenance"}`} {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(200, page), answers(200, `{"name":"ada"}`))
			got, answer, err := JSON[checked](t.Context(), newClient(t, server), reading)
			require.NoError(t, err)
			require.Equal(t, "ada", got.Name)
			require.Equal(t, 2, answer.Attempts)
		})
	}
}

func TestEmptySuccess(t *testing.T) {
	for _, body := range []string{"", " \n"} {
		call := writing
		call.Empty = true
		got, _, err := JSON[checked](t.Context(), newClient(t, play(answers(200, body))), call)
		require.NoError(t, err)
		require.Zero(t, got)
	}
	_, _, err := JSON[named](t.Context(), newClient(t, play(answers(200, "")), func(c *Config) { c.MaxRetries = -1 }), writing)
	require.ErrorIs(t, err, ErrEmptyBody)
}

func TestJSONReturnsTheFailure(t *testing.T) {
	_, answer, err := JSON[named](t.Context(), newClient(t, play(answers(400, "<html>"))), reading)
	require.Equal(t, 400, apiError(t, err).StatusCode)
	require.Equal(t, "<html>", string(answer.Body))
}

func TestEmptyAnswerIsFineForDo(t *testing.T) {
	answer, err := newClient(t, play(answers(204, ""))).Do(t.Context(), writing)
	require.NoError(t, err)
	require.Equal(t, 204, answer.StatusCode)
	require.Empty(t, answer.Body)
}

// One odd field must not hide the rest of an answer.
func TestFieldOfAnotherType(t *testing.T) {
	var seen []assessment.Drift
	client := newClient(t, canned{[]byte("\ufeff" + `{"id":true,"name":[],"status":"NEW","status":"OPEN"}`)}, func(c *Config) {
		c.Observer.Drift = func(_ context.Context, d assessment.Drift) { seen = append(seen, d) }
	})
	type order struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Status string `json:"status"`
	}
	got, _, err := JSON[order](t.Context(), client, reading)
	require.NoError(t, err)
	require.Equal(t, order{Status: "OPEN"}, got)
	var fields []string
	for _, d := range seen {
		require.Equal(t, assessment.Drift{Vendor: "kombo", Event: reading.Operation, Account: reading.Account, Field: d.Field}, d)
		fields = append(fields, d.Field)
	}
	require.Equal(t, []string{"id", "name", "status"}, fields, "all of them")

	_, _, err = JSON[[]order](t.Context(), newClient(t, canned{[]byte(`{}`)}, func(c *Config) { c.MaxRetries = -1 }), reading)
	require.ErrorContains(t, err, "unreadable answer", "a document of another type is no answer")
}

// A caller's own reader of JSON takes no byte order mark.
func TestByteOrderMark(t *testing.T) {
	for _, lead := range []string{"\ufeff", "\n\ufeff"} {
		answer, err := newClient(t, play(answers(200, lead+`{"name":"ada"}`))).Do(t.Context(), writing)
		require.NoError(t, err)
		require.Equal(t, `{"name":"ada"}`, string(answer.Body))
	}
}

func TestWritten(t *testing.T) {
	for body, ok := range map[string]bool{
		`{}`: true, `{"success":true,"errors":[],"error":null}`: true, `{"status":"success","errors":null}`: true, `{"error":false,"errors":{}}`: true, `{"success":true,"errors":["down"]}`: true,
		`{"error":"down"}`: false, `{"errors":["down"]}`: false, `{"errors":[{"message":"down"}]}`: false, `{"errors":"down"}`: false,
		`{"success":false}`: false, `{"status":"error"}`: false, `{"status":"fail"}`: false, `{"status":"FAILED"}`: false, `{"status":"failure"}`: false,
	} {
		_, _, err := JSON[Written](t.Context(), newClient(t, play(answers(200, body))), writing)
		if ok {
			require.NoError(t, err, body)
			continue
		}
		require.True(t, apiError(t, err).Uncertain, body)
	}
}
