package sandbox

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// Every silence of a vendor that a simulator can settle in another way is a switch, and
// every switch does something.
func TestEverySilenceIsASwitch(t *testing.T) {
	// Wordings and figures that no recruiter can tell from each other.
	texts := map[string]bool{
		"GreenhouseRepeat": true, "PartnerAPIStatus": true, "ListEnd": true, "RefuseUnfetchable": true,
	}
	for vendor, quirks := range map[string]any{Kombo: &kombotest.Quirks{}, StackOne: &stackonetest.Quirks{}, Ashby: &ashbytest.Quirks{}} {
		named := map[string]bool{}
		for _, q := range Quirks {
			if q.Vendor != vendor {
				continue
			}
			require.False(t, named[q.Name], "%s is there twice", q.Name)
			named[q.Name] = true
			require.Regexp(t, `^\d+(\.\d+)?$`, q.Section)
			require.NoError(t, knownQuirk(vendor, q.Name))
			before := reflect.ValueOf(quirks).Elem().Interface()
			setQuirks(vendor, quirks, map[string]bool{q.Name: true})
			require.NotEqual(t, before, reflect.ValueOf(quirks).Elem().Interface(), "%s %s changes nothing", vendor, q.Name)
		}
		for field := range reflect.TypeOf(quirks).Elem().Fields() {
			if field.Type.Kind() == reflect.Bool || field.Type.Kind() == reflect.Int {
				require.True(t, named[field.Name] || texts[field.Name], "%s: %s is no switch", vendor, field.Name)
			}
		}
	}
	require.Error(t, knownQuirk(Kombo, "Repeat"))
}
