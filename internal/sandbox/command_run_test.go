package sandbox_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
)

// scenario runs a scenario for itself, at ports that are free.
func (s *shell) scenario(args ...string) said {
	return s.run(append([]string{"run", "--listen", "127.0.0.1:0"}, args...)...)
}

// The stories that are built in go well with the demonstration. The one that waits out a
// rate limit is only read: it waits for long.
func TestBuiltInScenarios(t *testing.T) {
	s := newShell(t)
	s.serve("--demo")
	var all []struct{ Name, Text string }
	require.NoError(t, json.Unmarshal([]byte(s.run("list", "scenarios", "--format", "json").out), &all))
	require.Len(t, all, 7)
	ends := make([]said, len(all))
	var group sync.WaitGroup
	for i, one := range all {
		require.NotEmpty(t, one.Text, "%s can be read", one.Name)
		if one.Name != "kombo-rate-limited" {
			group.Go(func() { ends[i] = s.run("run", one.Name) })
		}
	}
	group.Wait()
	for i, one := range all {
		if one.Name != "kombo-rate-limited" {
			require.Equal(t, sandbox.ExitOK, ends[i].status, "%s: %v", one.Name, ends[i])
			require.Contains(t, ends[i].out, "\ndone: ")
		}
	}
}

func TestScenarioPlays(t *testing.T) {
	s := newShell(t)
	s.write("s.yaml", `
name: everything
steps:
  - order: kombo.order
    as: first
    customer: globex
    set: {candidate.first_name: Kim, candidate.email: kim@example.com}
  - order: ashby.order
    as: other
  - wait: completed
    of: first
  - expect: {status: completed, score: 87 of 100, candidate: Kim Example}
    of: first
  - do: redeliver
    of: first
  - do: again
    of: first
  - do: rotate
    vendor: kombo
  - order: kombo.order
    expect: failed
  - expect: {status: open, vendor-status: OPEN, score: ""}
  - order: ashby.order
    set: {candidate.email: reject@example.com}
    expect: rejected
  - expect: {status: rejected, message: We do not offer this test in the candidate's country.}
`)
	got := s.scenario("s.yaml", "--demo")
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Contains(t, got.out, "8. order kombo.order\nPOST ")
	require.Contains(t, got.out, "done: 11 steps")
}

// A fault of a call is met by the provider's next call.
func TestScenarioFault(t *testing.T) {
	s := newShell(t)
	s.write("s.yaml", "steps:\n- {fault: \"status=400\", vendor: stackone, call: result, times: 9}\n- order: stackone.order\n- {wait: completed, timeout: 1s}\n")
	got := s.scenario("s.yaml", "--demo")
	requireSaid(t, got, sandbox.ExitOutcome, "step 3, line 4: after 1s the order is still sent")
}

func TestScenarioFails(t *testing.T) {
	s := newShell(t)
	for _, c := range []struct {
		steps, message string
		status         int
	}{
		{"- order: kombo.order", "step 1, line 2: expected accepted: assessment:order-received is failed", sandbox.ExitOutcome},
		{"- {order: kombo.order, expect: failed}\n- expect: {status: completed, link: x}", `step 2, line 3: link: expected "x", got ""; status: expected "completed", got "open"`, sandbox.ExitOutcome},
		{"- {order: ashby.order, expect: failed}\n- {do: cancel}", "Ashby has no assessment to cancel", sandbox.ExitUsage},
		{"- {wait: completed}", "step 1, line 2: there is no order yet", sandbox.ExitUsage},
		{"- {order: kombo.order, fault: [lost]}", "nothing could be judged: the message was lost on purpose", sandbox.ExitNothing},
		{"- {do: dance, vendor: kombo}", "that cannot be done here", sandbox.ExitUsage},
		{"- {do: rotate, vendor: kombo, customer: initec}", "there is no customer of Kombo", sandbox.ExitUsage},
	} {
		s.write("s.yaml", "steps:\n"+c.steps)
		requireSaid(t, s.scenario("s.yaml", "--provider", newService(t, 500, "").URL), c.status, c.message)
	}
	got := s.scenario("s.yaml", "--provider", newService(t, 500, "").URL, "--format", "json")
	var told []struct {
		Step   int
		Kind   string
		Failed string
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &told))
	require.Equal(t, "do", told[0].Kind)
	require.Contains(t, told[0].Failed, "there is no customer")
	requireSaid(t, s.scenario("kombo-order", "--provider", nobody(t)), sandbox.ExitNothing, "nothing listens")
}

func TestScenarioIsStrict(t *testing.T) {
	s := newShell(t)
	for _, c := range []struct{ file, message string }{
		{"nam: x\nsteps: [{order: kombo.order}]", `s.yaml:1: unknown field "nam", did you mean "name"?`},
		{"name: x", "missing steps"},
		{"steps: []", "steps is empty"},
		{"steps: [{ordr: kombo.order}]", `unknown field "ordr", did you mean "order"?`},
		{"steps: [{of: x}]", "it is none of order, do, wait, fault, expect"},
		{"steps: [{order: kombo.ordr}]", `there is no event "kombo.ordr", did you mean "kombo.order"?`},
		{"steps: [{order: kombo.order, timeout: 2s}]", `a step with "order" takes no "timeout"`},
		{"steps: [{order: kombo.order, fault: [duplikate]}]", `there is no fault "duplikate", did you mean "duplicate"?`},
		{"steps: [{order: kombo.order, expect: acepted}]", `did you mean "accepted"?`},
		{"steps: [{order: kombo.order, set: {\"a:\": \"{\"}}]", "takes JSON"},
		{"steps: [{wait: complete}]", `did you mean "completed"?`},
		{"steps: [{wait: completed, timeout: long}]", "timeout has to be a duration"},
		{"steps: [{wait: completed, of: first}]", `no order before is named "first"`},
		{"steps: [{order: kombo.order, as: first}, {wait: completed, of: firts}]", `did you mean "first"?`},
		{"steps: [{fault: rate limited}]", "a fault of a call names its vendor"},
		{"steps: [{fault: rate limitd, vendor: kombo}]", `did you mean "rate limited"?`},
		{"steps: [{fault: rate limited, vendor: komba}]", `there is no vendor "komba", did you mean "kombo"?`},
		{"steps: [{fault: rate limited, vendor: kombo, call: resul}]", `there is no call "resul", did you mean "result"?`},
		{"steps: [{fault: rate limited, vendor: kombo, times: 0}]", "times is between 1 and 1000"},
		{"steps: [{expect: {state: open}}]", `unknown field "state"`},
		{"steps: [{expect: {status: OPEN}}]", "status is one of open, completed, rejected, cancelled"},
		{"steps: [{expect: }]", "nothing is expected"},
	} {
		s.write("s.yaml", c.file)
		requireSaid(t, s.scenario("s.yaml", "--demo"), sandbox.ExitUsage, c.message)
	}
	requireSaid(t, s.scenario("kombo-ordr"), sandbox.ExitUsage, `did you mean "kombo-order"?`)
	requireSaid(t, s.scenario("other.yaml"), sandbox.ExitUsage, "list scenarios has them all")
	requireSaid(t, s.scenario(), sandbox.ExitUsage, "the scenario, a file of YAML")
	require.True(t, strings.HasPrefix(s.scenario("s.yaml").errors, "sandbox: s.yaml:1: "))
}
