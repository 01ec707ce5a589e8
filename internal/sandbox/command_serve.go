package sandbox

import (
	"context"
	"flag"
	"os/exec"
	"runtime"
)

func (c *command) serve(f *flag.FlagSet) func([]string) error {
	t := c.targetFlags(f)
	f.BoolVar(&t.insecure, "insecure-listen", false, "allow --listen at an address that others can reach")
	open := f.Bool("open", false, "open the page in your browser")
	return func(args []string) error {
		if err := none(args); err != nil {
			return err
		}
		r, err := t.resolve()
		if err != nil {
			return err
		}
		o := t.options(r)
		o.RuntimeDir = RuntimeDir(c.env)
		s, err := Start(o)
		if err != nil {
			return failure{ExitUsage, err}
		}
		defer s.Close()
		c.sayPage(s)
		if err := c.write(s.App.Env(formDotenv)); err != nil {
			return err
		}
		provider, err := c.startProvider(s, r)
		if err != nil {
			return err
		}
		defer provider.stop()
		if *open {
			c.open(s.Entrance())
		}
		return c.waitFor(s, provider)
	}
}

// sayPage says where the page is, on a line of its own: programs look for it.
func (c *command) sayPage(s *Server) {
	_, _ = c.stderr.Write([]byte("The page:  " + s.Entrance() + "\n"))
}

// waitFor returns when the user has had enough, or when the provider or a server ends.
func (c *command) waitFor(s *Server, provider *process) error {
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	if provider != nil {
		go func() {
			<-provider.done
			cancel(nothingf("your service ended: %v", provider.ended()))
		}()
	}
	if err := s.Wait(ctx); err != nil {
		return err
	}
	if c.ctx.Err() != nil {
		return nil // which is how a server ends
	}
	return context.Cause(ctx)
}

// openers open an address in a browser, by operating system.
var openers = map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}

func (c *command) open(address string) {
	opener := openers[runtime.GOOS]
	if opener == nil {
		opener = []string{"xdg-open"}
	}
	process := exec.CommandContext(context.WithoutCancel(c.ctx), opener[0], append(opener[1:], address)...)
	if err := process.Start(); err != nil {
		c.say("no browser can be opened (%v): open the page yourself", err)
		return
	}
	go func() { _ = process.Wait() }() // a browser may stay open longer than the sandbox
}
