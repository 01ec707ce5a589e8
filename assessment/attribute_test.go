package assessment_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestAttributeJSON(t *testing.T) {
	for text, value := range map[string]assessment.AttributeValue{
		`{"kind":"text","value":"x"}`:                            assessment.Text("x"),
		`{"kind":"text","value":""}`:                             assessment.Text(""),
		`{"kind":"text","value":"null"}`:                         assessment.Text("null"),
		`{"kind":"link","value":""}`:                             assessment.Link(""),
		`{"kind":"number","value":0}`:                            assessment.Number(0),
		`{"kind":"number","value":87.4}`:                         assessment.Number(87.4),
		`{"kind":"number","value":5e-324}`:                       assessment.Number(math.SmallestNonzeroFloat64),
		`{"kind":"number","value":1.7976931348623157e+308}`:      assessment.Number(math.MaxFloat64),
		`{"kind":"flag","value":false}`:                          assessment.Flag(false),
		`{"kind":"flag","value":true}`:                           assessment.Flag(true),
		`{"kind":"elapsed","value":"0s"}`:                        assessment.Elapsed(0),
		`{"kind":"elapsed","value":"1ns"}`:                       assessment.Elapsed(1),
		`{"kind":"elapsed","value":"-1m30s"}`:                    assessment.Elapsed(-90 * time.Second),
		`{"kind":"elapsed","value":"2562047h47m16.854775807s"}`:  assessment.Elapsed(math.MaxInt64),
		`{"kind":"elapsed","value":"-2562047h47m16.854775808s"}`: assessment.Elapsed(math.MinInt64),
		`{"kind":"sub_result","value":{}}`:                       assessment.SubResult{},
		`{"kind":"sub_result","value":{"score":{"value":0,"min":0,"max":1}}}`: assessment.SubResult{
			Score: assessment.ScoreBetween(0, 0, 1),
		},
	} {
		got, err := json.Marshal(assessment.Attribute{Value: value})
		require.NoError(t, err, text)
		require.Equal(t, text, string(got))
		var a assessment.Attribute
		require.NoError(t, json.Unmarshal([]byte(text), &a), text)
		domainRequireEqual(t, assessment.Attribute{Value: value}, a)
	}
}

// A result that lost a finding on its way through a queue must not be
// published, so everything that cannot be read in full is an error.
func TestAttributeJSONRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"null":                        `null`,
		"list":                        `[]`,
		"label of a number":           `{"kind":"text","label":1,"value":"x"}`,
		"no kind":                     `{"label":"l","value":"x"}`,
		"empty kind":                  `{"kind":"","value":"x"}`,
		"null kind":                   `{"kind":null,"value":"x"}`,
		"unknown kind":                `{"kind":"percentage","value":1}`,
		"kind in another case":        `{"kind":"Text","value":"x"}`,
		"text without value":          `{"kind":"text"}`,
		"link without value":          `{"kind":"link"}`,
		"number without value":        `{"kind":"number"}`,
		"flag without value":          `{"kind":"flag"}`,
		"elapsed without value":       `{"kind":"elapsed"}`,
		"sub-result without value":    `{"kind":"sub_result"}`,
		"text null":                   `{"kind":"text","value":null}`,
		"link null":                   `{"kind":"link","value": null }`,
		"number null":                 `{"kind":"number","value":null}`,
		"flag null":                   `{"kind":"flag","value":null}`,
		"elapsed null":                `{"kind":"elapsed","value":null}`,
		"sub-result null":             `{"kind":"sub_result","value":null}`,
		"text of a number":            `{"kind":"text","value":1}`,
		"number of a text":            `{"kind":"number","value":"1"}`,
		"number beyond float64":       `{"kind":"number","value":1e999}`,
		"flag of a number":            `{"kind":"flag","value":0}`,
		"elapsed of a number":         `{"kind":"elapsed","value":1000}`,
		"elapsed without unit":        `{"kind":"elapsed","value":"10"}`,
		"elapsed of another notation": `{"kind":"elapsed","value":"PT10S"}`,
		"elapsed beyond the type":     `{"kind":"elapsed","value":"9999999h"}`,
		"sub-result of a list":        `{"kind":"sub_result","value":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			before := assessment.Attribute{ID: "kept"}
			require.Error(t, json.Unmarshal([]byte(text), &before))
			require.Equal(t, assessment.Attribute{ID: "kept"}, before, "half decoded")
			var r assessment.Result
			require.Error(t, json.Unmarshal([]byte(`{"attributes":[`+text+`]}`), &r))
		})
	}
}

// domainEmbedded gets into the closed set through embedding.
type domainEmbedded struct{ assessment.Text }

// domainForeignValues are values that the compiler lets through: the methods of
// a type are those of its pointer too, and embedding promotes them. No encoder
// and no client's translation expects them.
func domainForeignValues() map[string]assessment.AttributeValue {
	took := assessment.Elapsed(time.Minute)
	return map[string]assessment.AttributeValue{
		"pointer":     &took,
		"sub-result":  &assessment.SubResult{Status: assessment.StatusCompleted},
		"nil pointer": (*assessment.Text)(nil),
		"embedded":    domainEmbedded{"x"},
	}
}

func TestAttributeJSONRefusesToEncode(t *testing.T) {
	for name, value := range domainForeignValues() {
		_, err := json.Marshal(assessment.Attribute{Label: "l", Value: value})
		require.Error(t, err, name)
	}
	for name, value := range map[string]assessment.AttributeValue{
		"no value": nil,
		"NaN":      assessment.Number(math.NaN()),
		"infinity": assessment.Number(math.Inf(-1)),
		"score":    assessment.SubResult{Score: assessment.ScoreOutOf(1, math.Inf(1))},
	} {
		_, err := json.Marshal(assessment.Attribute{Label: "l", Value: value})
		require.Error(t, err, name)
	}
}
