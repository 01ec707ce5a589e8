package assessment_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// domainEnum is what all open enums have in common.
type domainEnum interface {
	~string
	Known() bool
}

// domainKnown checks that an enum knows its own values and nothing that merely
// looks like one, and that it keeps what it does not know, verbatim.
func domainKnown[E domainEnum](t *testing.T, emptyKnown bool, known ...E) {
	t.Helper()
	for _, v := range known {
		require.True(t, v.Known(), "%q", v)
	}
	require.Equal(t, emptyKnown, E("").Known(), "empty")
	for _, v := range []E{"unmapped_value", "OPEN", "Passed", " ", "kombo ", "Ängstlich\x00"} {
		require.False(t, v.Known(), "%q", v)
		text, err := json.Marshal(v)
		require.NoError(t, err)
		var back E
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, v, back)
	}
}

func TestVendorKnown(t *testing.T) {
	domainKnown(t, false, assessment.Kombo, assessment.StackOne, assessment.Ashby)
}

func TestKindKnown(t *testing.T) {
	domainKnown(t, true, assessment.KindAssessment, assessment.KindBackgroundCheck)
}
