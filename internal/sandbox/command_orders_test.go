package sandbox_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
)

var orderLine = regexp.MustCompile(`(?m)^order (\S+)$`)

// place places an order with the sandbox that runs and returns it as printed.
func (s *shell) place(args ...string) string {
	s.t.Helper()
	got := s.run(append([]string{"trigger"}, args...)...)
	found := orderLine.FindStringSubmatch(got.out)
	require.NotNil(s.t, found, got)
	return found[1]
}

func TestWait(t *testing.T) {
	s := newShell(t)
	s.serve("--demo")
	var refs []string
	for _, event := range []string{"kombo.order", "stackone.order", "ashby.order"} {
		refs = append(refs, s.place(event, "--set", "candidate.email=kim@example.com"))
	}
	for _, ref := range refs {
		got := s.run("wait", ref)
		require.Equal(t, sandbox.ExitOK, got.status, got)
		require.Contains(t, got.out, "order "+ref+"\nstatus: ")
		require.Contains(t, got.out, "/o/")
		_, id, _ := strings.Cut(ref, "/")
		got = s.run("wait", "--format", "json", id)
		require.Equal(t, sandbox.ExitOK, got.status, got)
		var card sandbox.Card
		require.NoError(t, json.Unmarshal([]byte(got.out), &card))
		require.Equal(t, sandbox.Finished, card.Group)
		requireSaid(t, s.run("wait", ref, "--status", "cancelled"), sandbox.ExitOutcome, "so that it will not be cancelled")
	}
	ref := s.place("kombo.order", "--set", "candidate.email=fail@example.com")
	requireSaid(t, s.run("wait", ref, "--timeout", "120ms"), sandbox.ExitOutcome, "after 120ms the order is still OPEN")
	require.Equal(t, sandbox.ExitOK, s.run("wait", ref, "--status", "OPEN").status)
	ref = s.place("kombo.order", "--set", "candidate.email=reject@example.com")
	requireSaid(t, s.run("wait", ref), sandbox.ExitOutcome, "the order is REJECTED, so that it will not be completed")
	requireSaid(t, s.run("wait", ref, "--status", "complet"), sandbox.ExitUsage, `did you mean "completed"?`)
	requireSaid(t, s.run("wait", "kombo/unknown"), sandbox.ExitUsage, "there is no such order")
	requireSaid(t, s.run("wait", "unknown"), sandbox.ExitUsage, `there is no order "unknown"`)
	requireSaid(t, s.run("wait"), sandbox.ExitUsage, "the order, as trigger prints it, is missing")
}

func TestReplay(t *testing.T) {
	s := newShell(t)
	provider := newService(t, 200, "")
	page := s.serve("--provider", provider.URL)
	ref := s.place("kombo.order")
	got := s.run("replay", ref)
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Contains(t, got.out, "Kombo counts it as one order")
	require.Equal(t, sandbox.ExitOK, s.run("replay", "1", "--signed").status)
	require.Equal(t, sandbox.ExitOK, s.run("replay", page+"/x/1").status)
	require.Len(t, provider.bodies, 4)
	for i := range provider.bodies {
		require.Equal(t, provider.bodies[0], provider.bodies[i])
	}
	requireSaid(t, s.run("replay", "1", "--expect", "rejected"), sandbox.ExitOutcome, "expected rejected")
	requireSaid(t, s.run("replay", "99"), sandbox.ExitUsage, "there is no such exchange")
	lost := s.place("kombo.order", "--fault", "lost", "--expect", "failed")
	require.Equal(t, sandbox.ExitOK, s.run("replay", page+"/o/"+lost).status, "what was lost can be sent")
}

func TestCancel(t *testing.T) {
	s := newShell(t)
	s.serve("--demo")
	ref := s.place("ashby.order")
	require.Equal(t, sandbox.ExitOK, s.run("wait", ref, "--status", "open").status)
	got := s.run("cancel", ref, "--restart")
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Contains(t, got.out, "the assessment is cancelled; the recruiter may start it again")
	require.Contains(t, got.out, "Ashby holds a live assessment")
	requireSaid(t, s.run("cancel", s.place("kombo.order")), sandbox.ExitUsage, "Kombo has no way to cancel an order")
	requireSaid(t, s.run("cancel", "ashby/unknown"), sandbox.ExitUsage, "Ashby has no assessment to cancel")
}

func TestReset(t *testing.T) {
	s := newShell(t)
	s.serve("--provider", newService(t, 200, "").URL)
	first := s.place("kombo.order")
	requireSaid(t, s.run("reset"), sandbox.ExitOK, "the same ids again")
	requireSaid(t, s.run("wait", first), sandbox.ExitUsage, "there is no such order")
	require.Equal(t, first, s.place("kombo.order"))
}

func TestOrdersNeedTheSandbox(t *testing.T) {
	s := newShell(t)
	for _, line := range []string{"wait kombo/x", "replay 1", "cancel ashby/x", "reset"} {
		requireSaid(t, s.run(strings.Fields(line)...), sandbox.ExitNothing, "no sandbox runs: start one with serve")
	}
}
