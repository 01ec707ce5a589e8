package ashby_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/webhook"
)

// hidden stands in every text that must not be printed; no type name and no
// fixed text contains it.
const hidden = "zqxjv"

// fill puts the marker into every field of v, however deep, so that one that is
// added later is covered. The paths in shown are what a type prints on purpose.
func fill(v reflect.Value, path string, shown map[string]bool) {
	if shown[path] {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(hidden)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(`"` + hidden + `"`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), path, shown)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, path, shown)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(hidden).Convert(v.Type().Key()), value)
	case reflect.Interface:
		for _, value := range []any{map[string]string{"k": hidden}, ashby.UnknownEvent{Data: jsonRaw(`"` + hidden + `"`)}} {
			if reflect.TypeOf(value).AssignableTo(v.Type()) {
				v.Set(reflect.ValueOf(value))
				return
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), strings.TrimPrefix(path+"."+f.Name, "."), shown)
			}
		}
	}
}

func filled[T any](shown ...string) any {
	except := make(map[string]bool)
	for _, path := range shown {
		except[path] = true
	}
	var v T
	fill(reflect.ValueOf(&v).Elem(), "", except)
	return v
}

// leak returns the form in which text shows the marker.
func leak(text string) string {
	marker := []byte(hidden)
	for _, form := range []string{
		hidden, hex.EncodeToString(marker), fmt.Sprintf("% x", marker), fmt.Sprintf("%# x", marker), strings.Trim(fmt.Sprint(marker), "[]"),
		strings.ReplaceAll(fmt.Sprintf("%# x", marker), " ", ", "),
		base64.RawStdEncoding.EncodeToString(marker)[:5], base64.RawStdEncoding.EncodeToString(append([]byte(`"`), marker...))[2:6],
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return form
		}
	}
	return ""
}

// printed returns v as a host may print or log it.
func printed(v any) map[string]string {
	pointer := reflect.New(reflect.TypeOf(v))
	pointer.Elem().Set(reflect.ValueOf(v))
	all := make(map[string]string)
	for name, value := range map[string]any{
		"value": v, "pointer": pointer.Interface(), "struct": struct{ V any }{v}, "slice": []any{v, pointer.Interface()}, "map": map[string]any{"k": v},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%#q", "%x", "%X", "% x", "%# x", "%d", "%c", "%U", "%t", "%g", "%-8.2s"} {
			all[name+" "+verb] = fmt.Sprintf(verb, value)
		}
		var text bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", value)
		all[name+" slog text"] = text.String()
	}
	for name, value := range map[string]any{"value": v, "pointer": pointer.Interface()} {
		var text bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&text, nil))
		log.Info("m", "v", value)
		log.With("v", value).WithGroup("g").Info("m", slog.Group("h", slog.Any("v", value)))
		all[name+" slog JSON"] = text.String()
	}
	return all
}

// redacted are the types that hold something to hide, and all that is not text of
// theirs. An id says nothing about a person, and a log without it is of no use.
func redacted(t *testing.T) map[string]any {
	client := newClient(t, play(answers(200, written)), func(c *ashby.Config) { c.APIKey = hidden })
	verifier, err := ashby.NewVerifier(webhook.Secret{ID: "s", Key: hidden})
	require.NoError(t, err)
	receiver := ashby.WebhookConfig{Verifier: verifier}
	webhooks, err := ashby.NewWebhookHandler(receiver)
	require.NoError(t, err)
	var config ashby.HandlerConfig
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.Client = client
		config = *c
	}})
	return map[string]any{
		"Config":         filled[ashby.Config]("Connection"),
		"Client":         *client,
		"Request":        filled[ashby.Request]("Operation"),
		"Completed":      filled[ashby.Completed]("AssessmentID"),
		"Candidate":      filled[ashby.Candidate]("ID"),
		"Contact":        filled[ashby.Contact](),
		"SocialLink":     filled[ashby.SocialLink](),
		"Event":          filled[ashby.Event]("ID", "Action"),
		"UnknownEvent":   filled[ashby.UnknownEvent](),
		"HandlerConfig":  config,
		"Handler":        *h.handler,
		"WebhookConfig":  receiver,
		"WebhookHandler": *webhooks,
	}
}

// open are the types that hold nothing of a person but ids.
var open = map[string]bool{
	"Action": true, "Added": true, "CandidateDeleted": true, "CandidateMerged": true, "EventData": true, "FieldOption": true,
	"FieldSpec": true, "FieldType": true, "KeyInfo": true, "Ping": true,
}

func TestNothingIsPrinted(t *testing.T) {
	for name, value := range redacted(t) {
		t.Run(name, func(t *testing.T) {
			require.False(t, open[name])
			require.Equal(t, name, reflect.TypeOf(value).Name())
			for form, text := range printed(value) {
				require.Empty(t, leak(text), "%s: %s", form, text)
			}
		})
	}
}

// Whoever adds a type says whether it has anything to hide.
func TestEveryTypeIsChecked(t *testing.T) {
	known := redacted(t)
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				require.True(t, open[spec.Name.Name] || known[spec.Name.Name] != nil, spec.Name.Name)
			}
			return true
		})
	}
}

// The look-out itself: a type without methods shows the marker in every form.
func TestLeaksAreNoticed(t *testing.T) {
	type plain ashby.Contact
	type bytes struct{ Data []byte }
	for _, value := range []any{plain{Value: hidden}, bytes{[]byte(hidden)}, bytes{[]byte(`"` + hidden + `"`)}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%# x"} {
			require.NotEmpty(t, leak(fmt.Sprintf(verb, value)), "%s: "+verb, value, value)
		}
		require.NotEmpty(t, leak(printed(value)["value slog JSON"]))
	}
}

// What is printed is of use, and %q quotes it.
func TestPrintedTextIsUseful(t *testing.T) {
	verifier, err := ashby.NewVerifier(webhook.Secret{ID: "s", Key: "k"})
	require.NoError(t, err)
	webhooks, err := ashby.NewWebhookHandler(ashby.WebhookConfig{Verifier: verifier})
	require.NoError(t, err)
	for want, value := range map[string]fmt.Stringer{
		`ashby request "application.info"`:      ashby.Request{Operation: "application.info", Body: 1},
		`ashby completed assessment "a1"`:       ashby.Completed{AssessmentID: "a1", CandidateID: "c"},
		`ashby candidate c1`:                    ashby.Candidate{ID: "c1", Name: "x"},
		`contact [redacted]`:                    ashby.Contact{Value: "x"},
		`social link [redacted]`:                ashby.SocialLink{URL: "x"},
		`ashby event data [redacted]`:           ashby.UnknownEvent{Data: jsonRaw(`"x"`)},
		`ashby event "e1" ("candidateDelete")`:  ashby.Event{ID: "e1", Action: ashby.ActionCandidateDelete},
		`ashby config (connection "eu")`:        ashby.Config{Connection: "eu"},
		`ashby handler (connection "")`:         newHost(t, &provider{}, options{}).handler,
		`ashby webhook handler (connection "")`: webhooks,
	} {
		require.Equal(t, want, fmt.Sprintf("%+v", value))
		require.Equal(t, want, value.String())
		require.Equal(t, fmt.Sprintf("%q", want), fmt.Sprintf("%q", value))
		require.NotEmpty(t, value.(slog.LogValuer).LogValue().String())
	}
}
