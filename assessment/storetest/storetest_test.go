package storetest

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestMemoryStore(t *testing.T) {
	Run(t, Config{
		New:    func(testing.TB) assessment.Store { return assessment.NewMemoryStore(0) },
		Around: synctest.Test,
	})
}

func TestAStoreWithoutFlawsPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { require.Empty(t, failures(t, "")) })
}

// TestFlawsAreFound shows that no rule can be broken unnoticed.
func TestFlawsAreFound(t *testing.T) {
	found := make(map[string]bool)
	for flaw, rule := range flaws {
		t.Run(flaw, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failed := failures(t, flaw)
				require.Contains(t, failed, rule, "the rule did not notice the flaw")
				for name := range failed {
					found[name] = true
				}
			})
		})
	}
	for _, r := range slices.Concat(rules, lookupRules) {
		require.True(t, found[r.name], "no flaw makes the rule %q fail", r.name)
	}
}

// flaws names, for each flaw of a mutant, the rule that is about it.
var flaws = map[string]string{
	"winners are not told":                       "the first claim wins",
	"leases are ignored":                         "a second claimant loses while the lease runs",
	"leases do not end":                          "after the lease a claimant takes over with the same reference",
	"losers prolong the lease":                   "a second claimant does not prolong the lease",
	"holders are not renewed":                    "the holder renews its lease",
	"holders change the reference":               "the holder keeps the reference of its first claim",
	"renewals do nothing":                        "a renewal without a reference renews",
	"leases that are over are not renewed":       "the holder renews even a lease that is over",
	"renewals of nothing are no error":           "a renewal of no record is a lost claim and records nothing",
	"renewals record anew":                       "a forgotten order is not renewed",
	"renewals take over":                         "a renewal does not take over",
	"take-overs are not recorded":                "after the lease a claimant takes over with the same reference",
	"take-overs have no lease":                   "after the lease a claimant takes over with the same reference",
	"take-overs bring their own reference":       "after the lease a claimant takes over with the same reference",
	"first claims are not atomic":                "one of many claimants wins",
	"take-overs are not atomic":                  "one of many claimants takes over",
	"claims record an answer":                    "a claim records no answer",
	"claims of answered orders change the token": "an answered order is never leased again",
	"answered orders are leased again":           "an answered order is never leased again",
	"answers are for their claimant only":        "an answer is given to everybody",
	"anybody answers":                            "another token cannot answer",
	"anybody answers once":                       "another token cannot answer",
	"the empty token answers":                    "an erased order cannot be answered",
	"lost claims are no error":                   "another token cannot answer",
	"answers to nothing are no error":            "what is not recorded cannot be answered",
	"answers to nothing are recorded":            "what is not recorded cannot be answered",
	"answers are stored once":                    "an answer can be stored twice",
	"answers after the lease are refused":        "a holder may answer after its lease, unless it was taken over",
	"answers are not atomic":                     "an answer and a take-over exclude each other",
	"answers are UTF-8":                          "answers of any bytes up to a megabyte",
	"answers are trimmed":                        "answers of any bytes up to a megabyte",
	"answers end at a nul byte":                  "answers of any bytes up to a megabyte",
	"answers are cut":                            "answers of any bytes up to a megabyte",
	"stored answers are not copies":              "the answer that is stored is a copy",
	"returned answers are not copies":            "the answer that is returned is a copy",
	"anybody expires":                            "nobody else ends the lease",
	"expiry does nothing":                        "the holder ends its lease",
	"expiry deletes":                             "the holder ends its lease",
	"expiry drops the answer":                    "an answered order does not expire",
	"expiry of nothing is an error":              "a lease that is not there can be ended",
	"forgetting does nothing":                    "a minted order is forgotten",
	"forgetting nothing is an error":             "an unknown order can be forgotten",
	"vendors' orders are forgotten":              "a vendor's order is not forgotten",
	"answered orders are not forgotten":          "an answered minted order is forgotten",
	"unanswered orders are not forgotten":        "a minted order is forgotten",
	"references are found by their id":           "the whole reference says what is forgotten",
	"references fold case":                       "the whole reference says what is forgotten",
	"references end at a nul byte":               "references of any bytes",
	"keys fold case":                             "keys of any printable text",
	"keys are cut":                               "keys of any printable text",
	"erasing does nothing":                       "erasing leaves nothing of an answer",
	"erasing nothing is an error":                "an unknown order can be erased",
	"erasing deletes":                            "erasing leaves nothing of an answer",
	"erasing leaves no answer":                   "an erased order is not started again",
	"erasing keeps the token":                    "an erased answer cannot be stored again",
	"answered orders are not erased":             "erasing leaves nothing of an answer",
	"unanswered orders are not erased":           "an erased order is not started again",
	"Claim ignores its context":                  "a cancelled context is an error and changes nothing",
	"Answer ignores its context":                 "a cancelled context is an error and changes nothing",
	"Expire ignores its context":                 "a cancelled context is an error and changes nothing",
	"Forget ignores its context":                 "a cancelled context is an error and changes nothing",
	"erasing keeps the key":                      "erasing takes the key of a minted order away",
	"erased keys are equal":                      "minted orders are erased one by one",
	"lookups find the unknown":                   "a lookup finds what is recorded",
	"lookups find one":                           "a lookup finds what is recorded",
	"lookups skip the answered":                  "a lookup finds what is recorded",
	"lookups skip the erased":                    "a lookup finds what was erased, and not what was forgotten",
	"lookups are cut":                            "a lookup of many orders",
	"lookups renew":                              "a lookup neither takes nor renews a lease",
	"looked up answers are not copies":           "the answers of a lookup are copies",
	"Lookup ignores its context":                 "a lookup with a cancelled context is an error",
	"Erase ignores its context":                  "a cancelled context is an error and changes nothing",
}

// failures runs every rule over a mutant and returns what the failed ones said.
func failures(t *testing.T, flaw string) map[string]string {
	failed := make(map[string]string)
	for _, r := range slices.Concat(rules, lookupRules) {
		var rec recorder
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.check(Config{}.trial(t.Context(), &rec, newMutant(flaw)))
		}()
		<-ended
		if rec.said != "" {
			failed[r.name] = rec.said
		}
	}
	return failed
}

// recorder is a test that may fail.
type recorder struct{ said string }

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
