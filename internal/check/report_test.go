package check_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

const hostile = `<script>alert("here")</script>`

// reported is a run with something in every state but a fault of the kit.
func reported(t *testing.T) (report *check.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { report = runReported(t) })
	return report
}

func runReported(t *testing.T) *check.Report {
	t.Helper()
	r := newReference(t, wrong{
		inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
			if a.Code == http.StatusUnprocessableEntity {
				a.Body.Reset()
				a.Body.WriteString(hostile)
			}
		}),
		outbound: rewritten(func(result map[string]any) {
			if result["score"] == 0.0 {
				delete(result, "score")
			}
		}),
		target: func(target *check.Target, _ *reference) {
			target.Started, target.Without = nil, []string{"kombo.inline"}
		},
	})
	opts := fast
	opts.Vendor = "kombo"
	opts.Known = map[string]string{"kombo.result.completed": "mended in March"}
	report, err := r.kit.Run(t.Context(), r.target, opts)
	require.NoError(t, err)
	return report
}

// untimed is the JSON of a report without the times that a run takes.
func untimed(t *testing.T, report *check.Report) string {
	t.Helper()
	report.Duration = 0
	for i := range report.Results {
		report.Results[i].Duration = 0
		for j := range report.Results[i].Exchanges {
			report.Results[i].Exchanges[j].Duration = 0
		}
	}
	b, err := report.JSON()
	require.NoError(t, err)
	text := string(b)
	for _, own := range []string{
		`created_after=[0-9TZ.%A-F-]+`,                      // what the service itself takes from the clock
		`timestamp\\":\d+`,                                  // likewise
		`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f-]{17}`, // what it draws by lot: the ids of its assessments
	} {
		text = regexp.MustCompile(own).ReplaceAllString(text, "…")
	}
	return text
}

func TestReport(t *testing.T) {
	t.Parallel()
	report := reported(t)
	require.Equal(t, check.VerdictFailed, report.Verdict)
	require.Equal(t, []string{"kombo.order.rejected-body"}, idsIn(report, check.Failed))
	require.Equal(t, []string{"kombo.result.completed"}, idsIn(report, check.Known))
	require.Contains(t, idsIn(report, check.NotJudged), "kombo.order.duplicate")
	require.Equal(t, []string{"kombo.inline.url-in-time"}, idsIn(report, check.Skipped))
	require.Contains(t, report.Line(), "1 failed (kombo.order.rejected-body)")

	dir := filepath.Join(t.TempDir(), "report")
	require.NoError(t, report.Write(dir))
	page, err := report.HTML()
	require.NoError(t, err)
	text := string(page)
	for _, part := range []string{
		"The recruiter never reads your reason", "mended in March", "the service does without kombo.inline", "check kombo.order.rejected-body --seed 7",
		"https://docs.kombo.dev/assessment/introduction", "curl -i -X POST",
	} {
		require.Contains(t, text, part)
	}
	require.Less(t, strings.Index(text, "What fails"), strings.Index(text, "All checks"), "failures come first")
	require.NotContains(t, text, hostile, "what a service answers is text")
	require.NotContains(t, text, `src=`, "the page needs nothing else")
}

// No form of a report has a key or a secret in it.
func TestReportHasNoSecrets(t *testing.T) {
	t.Parallel()
	report := reported(t)
	for name, form := range map[string]func() ([]byte, error){"json": report.JSON, "junit": report.JUnit, "html": report.HTML} {
		b, err := form()
		require.NoError(t, err)
		for _, secret := range []string{"ks_dev_kombotest", "kombo-test-webhook-secret", "stackonetest-0123", "stackone-test-webhook-secret", "ashby_test_key", "partner_test_key"} {
			require.NotContains(t, string(b), secret, name)
		}
	}
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	b, err := reported(t).JUnit()
	require.NoError(t, err)
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(b, &suites))
	require.Equal(t, 1, suites.Failures)
	require.Zero(t, suites.Errors)
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			if c.Name == "kombo.order.rejected-body" {
				require.Contains(t, c.Failure.Message, "The recruiter never reads your reason")
			} else {
				require.Nil(t, c.Failure, c.Name)
			}
		}
	}
}

// What stands in a report is what the published schema says.
func TestSchema(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	require.NoError(t, json.Unmarshal(check.Schema(), &schema))
	b, err := reported(t).JSON()
	require.NoError(t, err)
	var report any
	require.NoError(t, json.Unmarshal(b, &report))
	require.Empty(t, against(schema, schema, report, "report"))
	require.NotEmpty(t, against(schema, schema, map[string]any{"schema": 2.0, "surprise": true}, "report"), "it can fail")
}

// against is a JSON schema's keywords as far as this one uses them. Members that the
// schema does not name are violations: it is to name all.
func against(root, schema map[string]any, value any, path string) []string {
	if ref, is := schema["$ref"].(string); is {
		defs := root["$defs"].(map[string]any)
		return against(root, defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), value, path)
	}
	if constant, is := schema["const"]; is && constant != value {
		return []string{fmt.Sprintf("%s is %v", path, value)}
	}
	if enum, is := schema["enum"].([]any); is {
		for _, one := range enum {
			if one == value {
				return nil
			}
		}
		return []string{fmt.Sprintf("%s is %v", path, value)}
	}
	var found []string
	switch schema["type"] {
	case "object":
		members, is := value.(map[string]any)
		if !is {
			return []string{path + " is no object"}
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, there := members[name.(string)]; !there {
				found = append(found, path+" lacks "+name.(string))
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		rest, _ := schema["additionalProperties"].(map[string]any)
		for name, member := range members {
			of, named := properties[name].(map[string]any)
			if !named {
				of = rest
			}
			if of == nil {
				found = append(found, path+"."+name+" is not in the schema")
				continue
			}
			found = append(found, against(root, of, member, path+"."+name)...)
		}
	case "array":
		items, is := value.([]any)
		if !is {
			return []string{path + " is no array"}
		}
		for i, item := range items {
			found = append(found, against(root, schema["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case "string":
		if _, is := value.(string); !is {
			found = append(found, path+" is no string")
		}
	case "integer":
		if n, is := value.(float64); !is || n != float64(int64(n)) {
			found = append(found, path+" is no integer")
		}
	}
	return found
}

// beforeTheBubble is a clock that stands, before the time of a bubble begins: so no
// order is too young to be looked after.
func beforeTheBubble() time.Time { return time.Date(1999, time.March, 1, 12, 0, 0, 0, time.UTC) }

// Two runs with one seed give the same report, byte for byte, but for times. Time is
// that of a bubble: on a busy machine an answer would come too late for a vendor now and
// then, which is another report.
func TestOneSeedOneReport(t *testing.T) {
	t.Parallel()
	reported := func() (text string) {
		synctest.Test(t, func(t *testing.T) {
			r := newReferenceWith(t, wrong{}, check.Config{Seed: 7, Clock: beforeTheBubble})
			report, err := r.kit.Run(t.Context(), r.target, fast)
			require.NoError(t, err)
			require.Empty(t, idsIn(report, check.Failed), "%s", detail(report))
			text = untimed(t, report)
		})
		return text
	}
	sameLines(t, reported(), reported())
}

// sameLines says where two long texts begin to differ.
func sameLines(t *testing.T, a, b string) {
	t.Helper()
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		require.Equal(t, left[i], right[i], "line %d, after %s", i, strings.Join(left[max(0, i-8):i], "\n"))
	}
	require.Len(t, right, len(left))
}

// A check gives the same alone as among all others.
func TestAloneAsAmongOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, aloneAsAmongOthers)
}

func aloneAsAmongOthers(t *testing.T) {
	r := newReferenceWith(t, wrong{}, check.Config{Seed: 7, Clock: beforeTheBubble})
	all, err := r.kit.Run(t.Context(), r.target, fast)
	require.NoError(t, err)
	untimed(t, all)
	among := map[string]check.Result{}
	for _, one := range all.Results {
		among[one.ID] = one
	}
	alone := newReferenceWith(t, wrong{}, check.Config{Seed: 7, Clock: beforeTheBubble})
	for _, id := range []string{"kombo.order.duplicate", "kombo.result.completed", "kombo.auth.forged"} {
		opts := fast
		opts.IDs = []string{id}
		one, err := alone.kit.Run(t.Context(), alone.target, opts)
		require.NoError(t, err)
		untimed(t, one)
		require.Len(t, one.Results, 1)
		require.True(t, reflect.DeepEqual(among[id], one.Results[0]), id)
	}
}

// A service that gives a secret away would have it published by its own report.
func TestNoSecretInReport(t *testing.T) {
	r := newReference(t, wrong{inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
		if a.Code == http.StatusUnauthorized {
			a.Header().Set("X-Key", "it is "+kombotest.DefaultWebhookSecret)
			a.Body.WriteString("not " + kombotest.DefaultWebhookSecret)
		}
	})})
	opts := fast
	opts.IDs = []string{"all.privacy.no-cause-no-secret-in-answers", "kombo.auth.forged"}
	report, err := r.kit.Run(t.Context(), r.target, opts)
	require.NoError(t, err)
	b, err := report.JSON()
	require.NoError(t, err)
	require.Contains(t, string(b), "[secret]")
	require.NotContains(t, string(b), kombotest.DefaultWebhookSecret)
}
