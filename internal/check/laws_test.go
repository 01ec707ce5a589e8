package check_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/check"
)

// A refusal counts only beside its twin: whoever refuses everything passes nothing.
func TestRefusesEverything(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusInternalServerError} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReference(t, wrong{inbound: always(status)})
				opts := fast
				opts.Level = check.Advice
				report, err := r.kit.Run(t.Context(), r.target, opts)
				require.NoError(t, err)
				require.Empty(t, idsIn(report, check.Passed), detail(report))
				require.Empty(t, idsIn(report, check.KitError), detail(report))
				require.Equal(t, check.VerdictFailed, report.Verdict)
			})
		})
	}
}

// Every entry tells the reader all that he needs.
func TestCatalogueIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range check.Catalogue() {
		require.False(t, seen[c.ID], "%s is there twice", c.ID)
		seen[c.ID] = true
		require.Regexp(t, `^(kombo|stackone|ashby|all)(\.[a-z0-9-]+){2}$`, c.ID)
		for name, text := range map[string]string{"title": c.Title, "why": c.Why, "passes": c.Passes, "with the SDK": c.WithSDK, "without": c.Without} {
			require.NotEmpty(t, text, "%s: %s", c.ID, name)
		}
		require.Contains(t, []check.Level{check.Core, check.Strict, check.Advice}, c.Level, c.ID)
		require.Contains(t, check.Sets(), c.Since, c.ID)
		require.NotEmpty(t, c.Steps, c.ID)
		require.NotEmpty(t, c.Failures, c.ID)
		if c.Level == check.Core {
			require.NotEmpty(t, c.Contract, c.ID)
		}
		for _, f := range c.Failures {
			require.NotEmpty(t, f.Sentence(), "%s: %s", c.ID, f.Key)
		}
	}
}
