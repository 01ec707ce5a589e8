package sandbox

import (
	"flag"
	"fmt"
	"strings"
)

const program = "go run github.com/assessbridge/assessbridge/examples/sandbox@latest"

// printManual prints what there is.
func (c *command) printManual() error {
	var b strings.Builder
	b.WriteString("Plays the recruiter at Kombo, StackOne and Ashby against your service.\n\n")
	fmt.Fprintf(&b, "  %s [COMMAND] [ARGUMENTS] [--FLAGS]\n\n", program)
	for _, s := range subcommands() {
		fmt.Fprintf(&b, "  %-8s %s\n", s.Name, s.Text)
	}
	b.WriteString("\nCOMMAND --help has the flags. Without a command it is serve.\n\nExit status:\n")
	for _, e := range exitTexts {
		fmt.Fprintf(&b, "  %3d  %s\n", e.Status, e.Text)
	}
	return c.write(b.String())
}

// printUsage prints the flags of a command.
func (c *command) printUsage(s subcommand, f *flag.FlagSet) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s.\n", strings.TrimSpace(s.Name+" "+s.Args), strings.ToUpper(s.Text[:1])+s.Text[1:])
	first := true
	f.VisitAll(func(one *flag.Flag) {
		if first {
			b.WriteByte('\n')
			first = false
		}
		name, text := flag.UnquoteUsage(one)
		fmt.Fprintf(&b, "  --%s\n        %s", strings.TrimSpace(one.Name+" "+name), text)
		if d := one.DefValue; d != "" && d != "false" && d != "0" && d != "0s" {
			fmt.Fprintf(&b, " (%s)", d)
		}
		b.WriteByte('\n')
	})
	return c.write(b.String())
}
