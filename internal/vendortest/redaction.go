package vendortest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Canary is the text that stands for every secret and for all that is about a
// person. No fixed text and no name of a type contains it.
const Canary = canary

// Exposure is what the exported types of a package may show when a host prints or
// logs them.
type Exposure struct {
	// Filled are zero values of the types that any program can fill.
	Filled []any
	// Made are values of the others, made with [Canary] wherever there is a secret
	// or something about a person.
	Made []any
	// Shown are the fields, by type, that are printed on purpose: ids, states and
	// words that say nothing about a person. All other text is hidden.
	Shown map[string][]string
	// Open are the types that hold nothing about a person, and no secret.
	Open []string
}

// shownEverywhere are the fields of shared types that may be printed wherever they
// are part of something.
var shownEverywhere = map[string][]string{
	"assessment.Order":      {"Ref", "Package.ID", "Status"},
	"assessment.Result":     {"Status"},
	"assessment.OrderRef":   {"Vendor", "Connection", "Kind", "Account", "ID"},
	"assessment.Drift":      {"Vendor", "Connection", "Account", "Event", "Field", "Value"},
	"assessment.Claim":      {"Key", "Ref"},
	"assessment.Accepted":   {"Ref"},
	"assessment.Attachment": {"ContentType"},
}

// NothingPersonal checks that no exported struct of the package in this folder
// shows a secret or something about a person, whichever way it is printed or
// logged: by itself, as a pointer, or inside something else. A type that is not
// among the Exposure's fails, so that one that is added later is thought about.
func NothingPersonal(t *testing.T, e Exposure) {
	var known []string
	for _, v := range append(slices.Clone(e.Filled), e.Made...) {
		known = append(known, base(reflect.TypeOf(v)).Name())
	}
	for _, name := range exportedStructs(t) {
		require.True(t, slices.Contains(known, name) != slices.Contains(e.Open, name), "%s is neither checked nor said to be open, or both", name)
	}
	values := slices.Clone(e.Made)
	for _, zero := range e.Filled {
		f := filler{shown: e.Shown, filled: e.Filled}
		for f.variant = range f.variants(reflect.TypeOf(zero)) {
			v := reflect.New(reflect.TypeOf(zero)).Elem()
			f.fill(v, 0)
			values = append(values, v.Interface())
		}
	}
	for _, v := range values {
		t.Run(fmt.Sprintf("%T", v), func(t *testing.T) {
			for form, text := range Printed(v) {
				require.Empty(t, Leak(text), "%s: %s", form, text)
			}
		})
	}
}

func base(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// exportedStructs are the names of the exported struct types in this folder.
func exportedStructs(t testing.TB) []string {
	t.Helper()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		if path.Ext(file.Name()) != ".go" || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, isStruct := spec.Type.(*ast.StructType); isStruct {
					names = append(names, spec.Name.Name)
				}
			}
			return true
		})
	}
	require.NotEmpty(t, names)
	return names
}

// filler puts the canary wherever there is text.
type filler struct {
	shown   map[string][]string
	filled  []any
	variant int // which of several types a field of an interface's gets
}

// attributeValues are what an attribute may hold.
var attributeValues = []any{
	assessment.Text(canary), assessment.Link("https://example.com/" + canary), assessment.Number(1),
	assessment.SubResult{Status: assessment.StatusCompleted},
}

// variants is how often a type has to be filled so that a field of an interface's
// type has held everything.
func (f filler) variants(t reflect.Type) int {
	most := 1
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if t.Field(i).Type.Kind() == reflect.Interface {
				most = max(most, len(f.assignable(t.Field(i).Type)))
			}
		}
	}
	return most
}

func (f filler) assignable(t reflect.Type) []reflect.Value {
	var all []reflect.Value
	for _, zero := range f.filled {
		if v := reflect.New(reflect.TypeOf(zero)).Elem(); v.Type().AssignableTo(t) && t.NumMethod() > 0 {
			all = append(all, v)
		}
	}
	return all
}

// deepest is how deep a type is filled that holds its own kind.
const deepest = 8

func (f filler) fill(v reflect.Value, depth int) {
	if depth > deepest {
		return
	}
	switch v.Type() {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration]():
		return
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`"` + canary + `"`))
		return
	case reflect.TypeFor[assessment.AttributeValue]():
		v.Set(reflect.ValueOf(attributeValues[depth%2]))
		return
	case reflect.TypeFor[any]():
		v.Set(reflect.ValueOf(map[string]string{"k": canary}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(canary)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		if v.Type().Elem().Kind() != reflect.Struct || fillable(v.Type().Elem()) {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(canary))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, depth+1)
		f.fill(value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if all := f.assignable(v.Type()); len(all) > 0 {
			one := all[f.variant%len(all)]
			f.fill(one, depth+1)
			v.Set(one)
		}
	case reflect.Struct:
		f.fillStruct(v, depth)
	}
}

func (f filler) fillStruct(v reflect.Value, depth int) {
	shown := slices.Concat(f.shown[v.Type().Name()], shownEverywhere[v.Type().String()])
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || slices.Contains(shown, field.Name) {
			continue
		}
		f.fill(v.Field(i), depth+1)
		for _, path := range shown {
			if outer, inner, nested := strings.Cut(path, "."); nested && outer == field.Name {
				v.Field(i).FieldByName(inner).SetZero()
			}
		}
	}
}

// fillable says whether a struct has fields that a program can set.
func fillable(t reflect.Type) bool {
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			return !strings.HasPrefix(t.PkgPath(), "net/") && !strings.HasPrefix(t.PkgPath(), "log/")
		}
	}
	return false
}

// Leak returns the form in which text shows the canary, empty if it does not.
func Leak(text string) string {
	marker := []byte(canary)
	spaced := fmt.Sprintf("% x", marker)
	for _, form := range []string{
		canary, hex.EncodeToString(marker), spaced,
		strings.ReplaceAll(spaced, " ", " 0x"), strings.ReplaceAll(spaced, " ", ", 0x"),
		strings.Trim(fmt.Sprintf("%d", marker), "[]"), strings.Trim(fmt.Sprintf("%b", marker), "[]"), strings.Trim(fmt.Sprintf("%o", marker), "[]"),
		base64.RawStdEncoding.EncodeToString(marker)[:5],
		base64.RawStdEncoding.EncodeToString(append([]byte(`"`), marker...))[2:6],
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return form
		}
	}
	return ""
}
