package ashby_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Of several contacts the first that is marked primary counts; what Ashby names
// itself comes before.
func TestPrimaryContact(t *testing.T) {
	const listed = `"emailAddresses":[{"value":"first@x"},{"value":"second@x","isPrimary":true},{"value":"third@x","isPrimary":true}]`
	for name, tc := range map[string]struct{ body, want string }{
		"marked":       {listed, "second@x"},
		"named":        {listed + `,"primaryEmailAddress":{"value":"named@x"}`, "named@x"},
		"none is":      {`"emailAddresses":[{"value":"first@x"},{"value":"second@x","isPrimary":false}]`, ""},
		"no addresses": {`"name":"Ada"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, `{"success":true,"results":{"id":"1",`+tc.body+`}}`))
			got, err := newClient(t, server).CandidateInfo(t.Context(), account, "1")
			require.NoError(t, err)
			require.Equal(t, tc.want, got.Email)
		})
	}
}
