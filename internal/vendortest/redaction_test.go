package vendortest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// The look-out itself: a type without methods shows the canary in every form, and
// what looks for it notices.
func TestLeaksAreNoticed(t *testing.T) {
	type text struct{ Value string }
	type raw struct{ Value []byte }
	for _, value := range []any{text{canary}, raw{[]byte(canary)}, raw{[]byte(`"` + canary + `"`)}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%# x", "%d", "%o", "%b"} {
			if _, isText := value.(text); isText && (verb == "%d" || verb == "%o" || verb == "%b") {
				continue // fmt says that the verb is a wrong one, and the text
			}
			require.NotEmpty(t, Leak(fmt.Sprintf(verb, value)), "%T: "+verb, value)
		}
		for _, form := range []string{"value slog text", "value slog JSON", "pointer slog JSON", "map %v"} {
			require.NotEmpty(t, Leak(Printed(value)[form]), "%T: %s", value, form)
		}
	}
	require.Empty(t, Leak("order kombo///a/b"))
}

// A filler reaches every text, however deep.
func TestFiller(t *testing.T) {
	type inner struct{ Text string }
	type outer struct {
		List    []inner
		Map     map[string]*inner
		Raw     []byte
		Any     any
		Shown   string
		private string
	}
	var v outer
	filler{shown: map[string][]string{"outer": {"Shown"}}}.fill(reflect.ValueOf(&v).Elem(), 0)
	require.Equal(t, outer{
		List: []inner{{canary}}, Map: map[string]*inner{canary: {canary}}, Raw: []byte(canary), Any: map[string]string{"k": canary},
	}, v)
	require.Empty(t, v.private)
}
