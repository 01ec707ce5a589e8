package sandbox

import (
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

var exported = Request{
	Vendor: Kombo, Kind: KindInline, Customer: "Acme, Inc.", Package: "typescript_test", First: "Zoë", Email: "o'neil+1@example.com",
	Set:    map[string]any{"candidate.phone": nil, "job.name": "a\n\"b\" \\ $HOME `id`\u2028\x07", "candidate.email": "set@example.com"},
	Faults: []string{"late=10ms", "absent fields=job.job_code"}, Twice: true,
}

// What the page hands out as a command line means the same to a shell and to the command.
func TestTriggerLine(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", `printf '%s\0' `+triggerLine(exported)).Output()
	require.NoError(t, err)
	require.Equal(t, []string{
		"trigger", "kombo.inline-order", "--customer", "Acme, Inc.", "--package", "typescript_test",
		"--set", "candidate.first_name=Zoë", "--set", "candidate.email=set@example.com", "--set", "candidate.phone:=null",
		"--set", "job.name=a\n\"b\" \\ $HOME `id`\u2028\x07",
		"--fault", "late=10ms", "--fault", "absent fields=job.job_code", "--fault", "duplicate at once=1",
	}, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
	require.Equal(t, "trigger ashby.order", triggerLine(Request{Vendor: Ashby}))
}

// What the page hands out as a scenario is read as the same order.
func TestScenarioOf(t *testing.T) {
	request := exported
	request.Set = map[string]any{"candidate.phone": nil, "job.name": "a \"b\" \\ ${X} #: é", "candidate.email": "set@example.com"}
	for _, r := range []Request{request, {Vendor: StackOne, Kind: KindBackground, First: "Zoë"}, {Vendor: Ashby}} {
		text := scenarioOf(r, expectRejected)
		file, err := fstest.MapFS{"s.yaml": {Data: []byte(text)}}.Open("s.yaml")
		require.NoError(t, err)
		s, err := readScenario(file, "s.yaml")
		require.NoError(t, err, text)
		require.Len(t, s.Steps, 1)
		is := s.Steps[0]
		require.Equal(t, eventOf(r), is.word)
		require.Equal(t, r.Customer, is.customer)
		require.Equal(t, r.Package, is.pack)
		require.Equal(t, r.allFaults(), is.faults)
		require.Equal(t, expectRejected, is.expect)
		if r.Vendor == Kombo {
			require.Equal(t, map[string]any{
				"candidate.first_name": "Zoë", "candidate.phone": nil, "job.name": r.Set["job.name"], "candidate.email": "set@example.com",
			}, is.set)
		} else {
			require.Empty(t, is.set)
		}
	}
}

func TestExpectationOf(t *testing.T) {
	for outcome, want := range map[Outcome]string{Taken: "accepted", Again: "accepted", Rejected: "rejected", Failed: "failed", Unreachable: "", NoTarget: ""} {
		require.Equal(t, want, expectationOf(outcome), outcome)
	}
}
