package assessment_test

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// intakeMintedID stands for an id that the intake minted.
const intakeMintedID = "11111111-2222-4333-8444-555555555555"

// TestIntakeKeysAreStable pins the keys that stores hold. An order whose key
// changes with a release is started again after it.
func TestIntakeKeysAreStable(t *testing.T) {
	orders := []assessment.Order{
		{Ref: assessment.OrderRef{Vendor: assessment.Kombo, Account: "workday:CBNMt7dSNCzBdnRTx87dev4E", ID: "B5KQKhAgTv6ZwzrfAbqbhipd"}},
		{Ref: assessment.OrderRef{Vendor: assessment.StackOne, Connection: "eu", Kind: assessment.KindBackgroundCheck, Account: "45072196112816593343", ID: "c28/x y"}},
		intakeMinted("a1"),
		intakeMinted("a/1%ü"),
		{Ref: assessment.OrderRef{Vendor: assessment.Ashby, Connection: "us", Account: "acme"}, Dedupe: []string{"application", "a1", ""}},
		{Ref: assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: intakeMintedID}, Dedupe: []string{"email", "jane@example.com", "p1"}},
	}
	synctest.Test(t, func(t *testing.T) {
		spy := &intakeSpy{Store: assessment.NewMemoryStore(0)}
		in := intakeOf(t, &intakeProvider{}, spy)
		for _, o := range orders {
			intakeAccepts(t, in, o)
		}
		var keys []string
		for i, c := range spy.got {
			keys = append(keys, c.Key+"\n")
			vendors := orders[i].Ref.Vendor != assessment.Ashby
			require.Equal(t, vendors, c.Key == c.Ref.String(), "only the key of a vendor's order is its reference")
			_, err := assessment.ParseOrderRef(c.Key)
			require.Equal(t, vendors, err == nil, "a minted order's key is nobody's reference")
		}
		want, err := os.ReadFile("testdata/intake_keys.txt")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(string(want), strings.Join(keys, "")))
	})
}

func TestIntakeMintsDifferentIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0))
		seen := make(map[string]bool)
		for i := range 1000 {
			seen[intakeAccepts(t, in, intakeMinted(strings.Repeat("x", i+1))).Ref.ID] = true
		}
		require.Len(t, seen, 1000)
	})
}

// What is blank would be the id of different orders: the second would get the
// first one's answer.
func TestOrderKeyRefusesBlanks(t *testing.T) {
	for name, o := range map[string]assessment.Order{
		"id":     {Ref: assessment.OrderRef{Vendor: assessment.Kombo, Account: "lever:1", ID: " "}},
		"dedupe": {Ref: assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme"}, Dedupe: []string{"", "\t"}},
	} {
		_, err := assessment.OrderKey(o, "")
		var invalid *assessment.ValidationError
		require.ErrorAs(t, err, &invalid, name)
	}
}
