package transport

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A code that is no plain word can hold anything, a candidate's name too.
func TestCodeThatIsNoWord(t *testing.T) {
	for code, word := range map[string]bool{
		"PLATFORM.RATE_LIMIT": true, "a": true, "A-1_b.c": true, strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false, "two words": false, "jane@example.com": false, "caf\u00e9": false, "a\nb": false, "a/b": false, "a:b": false,
	} {
		body := "error " + code
		client := newClient(t, play(answers(400, body)), func(c *Config) {
			c.Classify = func(Answer) *Failure { return &Failure{Code: code, Message: "it says"} }
		})
		_, err := client.Do(t.Context(), writing)
		api := apiError(t, err)
		if word {
			require.Equal(t, []string{code, "it says"}, []string{api.Code, api.Message})
			continue
		}
		require.Equal(t, []string{"", code + ": it says"}, []string{api.Code, api.Message})
		require.NotContains(t, err.Error(), code)
		require.Contains(t, err.Error(), "message withheld")
		require.NotContains(t, fmt.Sprint(client.config), code)
	}
	code, message := plain("no word", "")
	require.Equal(t, []string{"", "no word"}, []string{code, message})
}

func TestWhatIsShownOfAMessage(t *testing.T) {
	call := writing
	call.Body = []byte(`{"status":"OPEN","attributes":[{"type":"TEXT","label":"Jane"}],"result_url":"x"}`)
	for name, c := range map[string]struct {
		failure Failure
		shown   string
	}{
		"none":        {Failure{}, ""},
		"fixed":       {Failure{Message: "Bad Request", Public: "Bad Request"}, "Bad Request"},
		"a person":    {Failure{Message: "Candidate jane@example.com is not in this job"}, "message withheld"},
		"partly":      {Failure{Message: "Bad Request: Jane", Public: "Bad Request"}, "Bad Request (message withheld)"},
		"named":       {Failure{Message: "Jane", Fields: []string{"a.b"}}, "message withheld, about a.b"},
		"in the text": {Failure{Message: "attributes[0].type of Jane: bad, see 'result_url'."}, "message withheld, about attributes[0].type, result_url"},
		// What looks like a path and is none of the body's is a value.
		"a value":  {Failure{Message: "jane_doe.type is bad, 0 too"}, "message withheld"},
		"too many": {Failure{Message: "x", Fields: strings.Split("abcdefghijklmnop", "")}, "message withheld, about a, b, c, d, e, f, g, h, i, j"},
	} {
		t.Run(name, func(t *testing.T) {
			classify := func(Answer) *Failure { f := c.failure; return &f }
			_, err := newClient(t, play(answers(400, "")), func(config *Config) { config.Classify = classify }).Do(t.Context(), call)
			require.Equal(t, c.shown, apiError(t, err).Shown)
			require.Equal(t, c.failure.Message, apiError(t, err).Message)
			_, err = newClient(t, play(answers(400, "")), func(config *Config) {
				config.Classify, config.ShowVendorMessages = classify, true
			}).Do(t.Context(), call)
			require.Equal(t, c.failure.Message, apiError(t, err).Shown)
		})
	}
}
