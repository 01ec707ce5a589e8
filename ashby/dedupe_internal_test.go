package ashby

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestDedupe(t *testing.T) {
	order := func(application, candidate, email string) *assessment.Order {
		return &assessment.Order{
			Package:     assessment.Package{ID: "p"},
			Application: assessment.Application{RemoteID: application},
			Candidate:   assessment.Candidate{RemoteID: candidate, Email: email},
		}
	}
	for name, c := range map[string]struct {
		order *assessment.Order
		want  []string
	}{
		"application":         {order("a", "c", "jane@example.com"), []string{"application", "a", "p"}},
		"blank application":   {order(" ", "c", ""), []string{"candidate", "c", "p"}},
		"application, blanks": {order(" a ", "c", ""), []string{"application", "a", "p"}},
		"candidate":           {order("", "c", "jane@example.com"), []string{"candidate", "c", "p"}},
		"e-mail":              {order("", "", "jane@example.com"), []string{"email", "jane@example.com", "p"}},
		"e-mail, as it came":  {order("", "", " Jane@EXAMPLE.com\n"), []string{"email", "jane@example.com", "p"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, known := dedupe(c.order)
			require.True(t, known)
			require.Equal(t, c.want, got)
		})
	}
	one, known := dedupe(order("", "", " "))
	require.False(t, known)
	two, _ := dedupe(order("", "", " "))
	require.NotEqual(t, one, two, "nobody knows whether they are the same")
}
