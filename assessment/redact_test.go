package assessment_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// domainMarker stands in every string that is about a person; no type name and
// no fixed text contains it. Numbers and times get domainNumber and domainYear.
const (
	domainMarker = "zqxj"
	domainNumber = 424242
	domainYear   = 1987
)

// domainFill puts a marker into every field of v, however deep, so that a field
// added later is covered without anyone remembering. Paths in shown are left
// alone; they are what a type prints on purpose.
func domainFill(t testing.TB, v reflect.Value, path string, shown map[string]bool) {
	t.Helper()
	if shown[path] {
		return
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(domainYear, 6, 5, 4, 3, 2, 1, time.UTC)))
		return
	}
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes([]byte(`"` + domainMarker + `"`))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(domainMarker)
	case reflect.Float64:
		v.SetFloat(domainNumber)
	case reflect.Int64: // Elapsed
		v.SetInt(int64(domainNumber * time.Hour))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Interface: // an attribute's value
		v.Set(reflect.ValueOf(assessment.Text(domainMarker)))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		domainFill(t, v.Elem(), path, shown)
	case reflect.Slice:
		domainFillSlice(t, v, path, shown)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		domainFill(t, key, path+"{}", shown)
		domainFill(t, value, path+"{}", shown)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			domainFill(t, v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), shown)
		}
	default:
		require.Failf(t, "teach domainFill this kind", "%s: %s", path, v.Type())
	}
}

func domainFillSlice(t testing.TB, v reflect.Value, path string, shown map[string]bool) {
	t.Helper()
	switch v.Type() {
	case reflect.TypeFor[[]byte]():
		v.SetBytes([]byte(domainMarker))
	case reflect.TypeFor[[]assessment.Attribute]():
		for _, value := range []any{
			new(assessment.Text), new(assessment.Link), new(assessment.Number), new(assessment.Flag),
			new(assessment.Elapsed), new(assessment.SubResult),
		} {
			filled := reflect.ValueOf(value).Elem()
			domainFill(t, filled, path, shown)
			v.Set(reflect.Append(v, reflect.ValueOf(assessment.Attribute{
				ID: domainMarker, Label: domainMarker, Description: domainMarker,
				Value: filled.Interface().(assessment.AttributeValue),
			})))
		}
	default:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		domainFill(t, v.Index(0), path+"[]", shown)
	}
}

// domainLeaks returns what text shows of the markers, in any of the forms that
// fmt and encoding/json give to strings, bytes and numbers.
func domainLeaks(text string) string {
	marker := []byte(domainMarker)
	spaced := fmt.Sprintf("% x", marker)
	for _, form := range []string{
		domainMarker,
		hex.EncodeToString(marker),
		spaced,
		strings.ReplaceAll(spaced, " ", " 0x"),
		strings.ReplaceAll(spaced, " ", ", 0x"),
		strings.Trim(fmt.Sprintf("%d", marker), "[]"),
		strings.Trim(fmt.Sprintf("%b", marker), "[]"),
		strings.Trim(fmt.Sprintf("%o", marker), "[]"),
		base64.RawStdEncoding.EncodeToString(marker)[:5],
		fmt.Sprint(domainNumber),
		fmt.Sprintf("%x", float64(domainNumber))[2:10],
		fmt.Sprint(domainYear),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return form
		}
	}
	return ""
}

// %p and %w are missing: fmt never asks a value about them, except %w in
// Errorf of an error. Vet refuses both.
var domainVerbs = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "%# x",
	"%d", "%b", "%o", "%O", "%c", "%U", "%t", "%e", "%f", "%g", "%T", "%z", "%200v", "%-8.2s", "%08.3f",
}

// domainTimeless leaves the time out of the lines: its digits may happen to be
// those of a marker.
func domainTimeless() *slog.HandlerOptions {
	return &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
}

// domainPrinted returns v as a user's program may print or log it.
func domainPrinted[T any](v T) map[string]string {
	type holder struct {
		Name    string
		Value   T
		Pointer *T
	}
	type embedding struct{ Holder holder }
	nested := map[string]any{
		"value":     v,
		"pointer":   &v,
		"struct":    holder{"h", v, &v},
		"in struct": &embedding{holder{"h", v, &v}},
		"slice":     []T{v},
		"pointers":  []*T{&v},
		"array":     [1]T{v},
		"map":       map[string]T{"k": v},
		"map of":    map[int][]*T{1: {&v}},
		"any":       []any{v, &v, map[string]any{"k": v}},
	}
	printed := make(map[string]string)
	for name, value := range nested {
		for _, verb := range domainVerbs {
			printed[name+" "+verb] = fmt.Sprintf(verb, value)
		}
		printed[name+" extra argument"] = fmt.Sprintf("%d", append([]any{1}, value)...)
		printed[name+" println"] = fmt.Sprintln("x", value)
		printed[name+" in an error"] = fmt.Errorf("failed: %v", value).Error()

		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, domainTimeless()))
		log.Info("m", "v", value)
		log.With("v", value).WithGroup("g").Info("m", slog.Group("h", slog.Any("v", value)))
		printed[name+" slog text"] = text.String()
	}
	for name, value := range map[string]any{"value": v, "pointer": &v} {
		// A struct, slice or map that holds the value is written in its JSON form
		// by slog's JSON handler, which never asks what is inside for a LogValue.
		var text bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&text, domainTimeless()))
		log.Info("m", "v", value)
		log.With("v", value).WithGroup("g").Info("m", slog.Group("h", slog.Any("v", value)))
		printed[name+" slog JSON"] = text.String()
	}
	return printed
}

// domainRedacted fills a T and checks that nothing of it is shown in any way,
// except for the fields named in shown.
func domainRedacted[T any](t *testing.T, shown ...string) {
	t.Helper()
	except := make(map[string]bool)
	for _, path := range shown {
		except[path] = true
	}
	var v T
	domainFill(t, reflect.ValueOf(&v).Elem(), "", except)

	// The filling is worth something only if a type without methods shows it.
	fields := make([]any, 0, 16)
	for i := range reflect.TypeFor[T]().NumField() {
		fields = append(fields, reflect.ValueOf(v).Field(i).Interface())
	}
	plain, err := json.Marshal(fields)
	require.NoError(t, err)
	require.NotEmpty(t, domainLeaks(string(plain)))

	for form, text := range domainPrinted(v) {
		require.Empty(t, domainLeaks(text), "%s: %s", form, text)
	}
}

// domainPersonal are the exported types with something about a person, each with
// the check that it hides it. A reference, a package's id and a state say nothing
// about a person, and a log without them would be of no use.
var domainPersonal = map[string]func(*testing.T){
	"Order":       func(t *testing.T) { domainRedacted[assessment.Order](t, "Ref", "Package.ID", "Status") },
	"Candidate":   func(t *testing.T) { domainRedacted[assessment.Candidate](t) },
	"TeamMember":  func(t *testing.T) { domainRedacted[assessment.TeamMember](t) },
	"Job":         func(t *testing.T) { domainRedacted[assessment.Job](t, "ID", "RemoteID") },
	"Result":      func(t *testing.T) { domainRedacted[assessment.Result](t, "Status") },
	"Score":       func(t *testing.T) { domainRedacted[assessment.Score](t) },
	"SubResult":   func(t *testing.T) { domainRedacted[assessment.SubResult](t, "Status") },
	"Attribute":   func(t *testing.T) { domainRedacted[assessment.Attribute](t, "ID") },
	"Attachment":  func(t *testing.T) { domainRedacted[assessment.Attachment](t, "ContentType") },
	"Started":     func(t *testing.T) { domainRedacted[assessment.Started](t) },
	"Accepted":    func(t *testing.T) { domainRedacted[assessment.Accepted](t, "Ref") },
	"Claim":       func(t *testing.T) { domainRedacted[assessment.Claim](t, "Key", "Ref") },
	"PastOrder":   func(t *testing.T) { domainRedacted[assessment.PastOrder](t, "Ref") },
	"MemoryStore": func(t *testing.T) { TestMemoryStorePrintsNothingStored(t) },
	"Intake":      domainIntakeHidden,
	"IntakeConfig": func(t *testing.T) {
		c := assessment.IntakeConfig{KeySecret: domainMarker, Store: &domainOpen{domainMarker}}
		for form, text := range domainPrinted(c) {
			require.Empty(t, domainLeaks(text), "%s: %s", form, text)
		}
	},
	"Router": func(t *testing.T) {
		r, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{domainPublisher{Key: domainMarker}}})
		require.NoError(t, err)
		for _, verb := range domainVerbs {
			require.Empty(t, domainLeaks(fmt.Sprintf(verb, r)), verb)
		}
	},
	"Rejection": TestRedactionOfRejection,
	"APIError": func(t *testing.T) {
		err := &assessment.APIError{Vendor: assessment.Kombo, StatusCode: 400, Body: []byte(domainMarker)}
		domainRequireHidden(t, err)
		// An error in a value that a logger writes as JSON.
		for _, v := range []any{
			err, *err, map[string]any{"err": err}, []error{err}, assessment.Delivery{Err: err}, &assessment.Attempt{Err: err},
			assessment.ResultReport{Err: err}, assessment.ProviderCall{Err: err},
			assessment.ProviderCall{Err: assessment.Reject(domainMarker)},
		} {
			text, err := json.Marshal(v)
			require.NoError(t, err)
			require.Empty(t, domainLeaks(string(text)), "%s", text)
		}
	},
}

// domainImpersonal are those without: ids, states, counts, the provider's own
// catalogue, functions, interfaces, and what a host sets.
var domainImpersonal = []string{
	"OrderRef", "Vendor", "Kind", "Status", "Outcome", "Role", "PackageType", "OrderState", "UnknownStatus",
	"DeliveryOutcome", "ResultOutcome", "Package", "Test", "PackageQuery", "Application", "Location",
	"Receipt", "Loss", "Problem", "ValidationError", "PacingMode", "Pacing", "KeyPrint", "KeyPrinter", "Admitter", "OpenOrders", "OrderLister", "LimitScope", "Limit",
	"Observer", "Delivery", "ProviderCall", "Attempt", "ResultReport", "Drift",
	"Provider", "Store", "Lookup", "Publisher", "ResultPublisher", "RouterConfig",
	// The bare values of an attribute, whose [assessment.Attribute] hides them.
	"AttributeValue", "Text", "Link", "Number", "Flag", "Elapsed",
}

func TestRedaction(t *testing.T) {
	for name, check := range domainPersonal {
		t.Run(name, check)
	}
}

// A type added later has to be put into one of the two lists.
func TestRedactionOfEveryType(t *testing.T) {
	want := slices.Concat(slices.Collect(maps.Keys(domainPersonal)), domainImpersonal)
	require.ElementsMatch(t, domainExportedTypes(t), want)
}

// domainExportedTypes are the names of the package's exported types.
func domainExportedTypes(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, spec := range group.Specs {
				if name := spec.(*ast.TypeSpec).Name; name.IsExported() {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// domainOpen is a store of the host's that shows what it has.
type domainOpen struct{ DSN string }

func (*domainOpen) Claim(context.Context, assessment.Claim, time.Duration) (assessment.Claim, error) {
	return assessment.Claim{}, nil
}
func (*domainOpen) Answer(context.Context, assessment.Claim) error    { return nil }
func (*domainOpen) Expire(context.Context, assessment.Claim) error    { return nil }
func (*domainOpen) Forget(context.Context, assessment.OrderRef) error { return nil }
func (*domainOpen) Erase(context.Context, assessment.OrderRef) error  { return nil }

type domainPublisher struct{ Key string }

func (domainPublisher) Vendor() assessment.Vendor { return assessment.Kombo }
func (domainPublisher) Connection() string        { return "" }
func (domainPublisher) PublishResult(context.Context, assessment.OrderRef, assessment.Result) (assessment.Receipt, error) {
	return assessment.Receipt{}, nil
}

func domainIntakeHidden(t *testing.T) {
	in, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: &intakeProvider{}, Store: &domainOpen{domainMarker}, KeySecret: domainMarker,
	})
	require.NoError(t, err)
	for _, verb := range domainVerbs {
		require.Empty(t, domainLeaks(fmt.Sprintf(verb, in)), verb)
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, domainTimeless())).Info("m", "intake", in)
	require.Contains(t, out.String(), `"intake":"intake"`)

	// A copy has no methods. Vet refuses one, but not through reflection.
	in, err = assessment.NewIntake(assessment.IntakeConfig{
		Provider: &intakeProvider{}, Store: assessment.NewMemoryStore(0), KeySecret: domainMarker,
	})
	require.NoError(t, err)
	for _, verb := range domainVerbs {
		require.NotContains(t, fmt.Sprintf(verb, reflect.ValueOf(in).Elem()), domainMarker, verb)
	}
}

// A Rejection has its methods on the pointer, as errors do; nobody holds one as
// a value.
func TestRedactionOfRejection(t *testing.T) {
	for _, err := range []error{assessment.Reject(domainMarker), assessment.AlreadyRunning(domainMarker)} {
		domainRequireHidden(t, err)
	}
}

// domainRequireHidden checks an error, alone and inside other things.
func domainRequireHidden(t *testing.T, err error) {
	t.Helper()
	type holder struct{ Err error }
	for name, value := range map[string]any{
		"itself":  err,
		"wrapped": fmt.Errorf("starting: %w", err),
		"joined":  errors.Join(errors.New("other"), err),
		"struct":  holder{err},
		"slice":   []error{err},
		"map":     map[string]any{"k": err},
		"key":     map[error]int{err: 1},
	} {
		verbs := domainVerbs
		if name == "wrapped" || name == "joined" {
			// The standard library's errors have no other verbs: with one fmt shows
			// their unexported fields, and cannot call a method there.
			verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"}
		}
		for _, verb := range verbs {
			text := fmt.Sprintf(verb, value)
			require.Empty(t, domainLeaks(text), "%s %s: %s", name, verb, text)
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, domainTimeless())).Error("m", "err", value)
		require.Empty(t, domainLeaks(out.String()), "%s slog text", name)
	}
	for name, value := range map[string]error{
		"itself":  err,
		"wrapped": fmt.Errorf("starting: %w", err),
		"joined":  errors.Join(errors.New("other"), err),
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&out, domainTimeless()))
		log.Error("m", "err", value)
		log.With("err", value).WithGroup("g").Error("m", slog.Group("h", slog.Any("err", value)))
		require.Empty(t, domainLeaks(out.String()), "%s slog JSON", name)
	}
}

// The look-out itself: whatever fmt makes of a marker is noticed.
func TestRedactionNoticesLeaks(t *testing.T) {
	type open struct {
		Text  string
		Bytes []byte
		Score float64
		At    time.Time
	}
	var v open
	domainFill(t, reflect.ValueOf(&v).Elem(), "", nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%# x"} {
		require.NotEmpty(t, domainLeaks(fmt.Sprintf(verb, v.Text)), "%s of a string", verb)
		require.NotEmpty(t, domainLeaks(fmt.Sprintf(verb, v.Bytes)), "%s of bytes", verb)
	}
	for _, verb := range []string{"%v", "%d", "%b", "%o"} {
		require.NotEmpty(t, domainLeaks(fmt.Sprintf(verb, v.Bytes)), "%s of bytes", verb)
	}
	require.NotEmpty(t, domainLeaks(fmt.Sprint(v.Score)))
	require.NotEmpty(t, domainLeaks(fmt.Sprintf("%x", v.Score)))
	require.NotEmpty(t, domainLeaks(fmt.Sprint(v.At)))
	text, err := json.Marshal(v.Bytes)
	require.NoError(t, err)
	require.NotEmpty(t, domainLeaks(string(text)))
	require.Empty(t, domainLeaks("order kombo///a/b"))
}

// What is printed is still useful, %q quotes it, and a nil pointer is no panic.
func TestRedactedTextIsUseful(t *testing.T) {
	o := domainMinimalOrder()
	require.Equal(t, o.String(), fmt.Sprintf("%+v", o))
	require.Equal(t, fmt.Sprintf("%q", o.String()), fmt.Sprintf("%q", o))
	require.Equal(t, "candidate [redacted]", fmt.Sprintf("%#v", o.Candidate))
	require.Equal(t, "team member [redacted]", o.Requester.String())
	require.Equal(t, "candidate [redacted]", o.Candidate.String())
	require.Equal(t, "started (candidate URL: true, report URL: false)",
		assessment.Started{CandidateURL: "https://example.com"}.String())
	require.Equal(t, `claim "k" for ashby//// (answered: true)`,
		assessment.Claim{Key: "k", Ref: assessment.OrderRef{Vendor: assessment.Ashby}, Answer: []byte("x")}.String())
	require.Equal(t, "<nil>", fmt.Sprint((*assessment.Order)(nil)))

	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, domainTimeless())).Info("m", "order", o, "ref", o.Ref, "result", domainFullResult())
	var line struct {
		Order  map[string]string `json:"order"`
		Ref    string            `json:"ref"`
		Result map[string]any    `json:"result"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, map[string]string{"ref": o.Ref.String(), "package": "typescript_test", "status": ""}, line.Order)
	require.Equal(t, o.Ref.String(), line.Ref)
	require.Equal(t, map[string]any{"status": "completed", "attributes": 11.0, "attachments": 2.0}, line.Result)
}
