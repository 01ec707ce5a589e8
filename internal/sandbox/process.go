package sandbox

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a provider that a command runs.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	once sync.Once
	err  error // once done is closed
}

const (
	// readyWithin is how long a provider may take to start; it may have to be compiled.
	readyWithin = 2 * time.Minute
	// endWithin is how long it may take to end before it is killed.
	endWithin = 3 * time.Second
)

// startProvider runs the provider, if a command for that is known, with the addresses
// and secrets of a sandbox in its environment, and waits until it answers.
func (c *command) startProvider(s *Server, r resolved) (*process, error) {
	if r.start == "" {
		return nil, nil
	}
	settings := s.App.now()
	p := &process{cmd: shellCommand(r.start), done: make(chan struct{})}
	p.cmd.Env = os.Environ()
	for _, pair := range append(settings.environment(), settings.checkEnvironment()...) {
		p.cmd.Env = append(p.cmd.Env, pair.name+"="+pair.value)
	}
	// What the provider prints is for people: stdout is this command's.
	p.cmd.Stdout, p.cmd.Stderr = c.stderr, c.stderr
	p.cmd.WaitDelay = endWithin
	inGroup(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, usagef("your service cannot be started: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.ready(c.ctx, r.ready, settings); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

var errEnded = errors.New("it ended by itself")

// ended says how the process ended.
func (p *process) ended() error {
	if p.err == nil {
		return errEnded
	}
	return p.err
}

// ready waits until the provider answers at an address, or takes connections wherever
// the vendors call it.
func (p *process) ready(ctx context.Context, address string, s Settings) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !s.answers(ctx, address) {
		select {
		case <-tick.C:
		case <-p.done:
			return nothingf("your service ended before it was ready: %w", p.ended())
		case <-ctx.Done():
			return nothingf("your service is not ready: nothing answers at its address")
		}
	}
	return nil
}

// answers tells whether the provider is there: at an address that it names for that, or
// by taking connections.
func (s Settings) answers(ctx context.Context, address string) bool {
	if address != "" {
		return answersOK(ctx, address)
	}
	for _, host := range s.hosts() {
		if !listens(ctx, host, (&net.Dialer{}).DialContext) {
			return false
		}
	}
	return true
}

func answersOK(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode < 300
}

// listens tells whether connections to a host and port are taken.
func listens(ctx context.Context, host string, dial func(ctx context.Context, network, address string) (net.Conn, error)) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := dial(ctx, "tcp", host)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// hosts are the hosts and ports at which the vendors call the provider.
func (s Settings) hosts() []string {
	var list []string
	for _, vendor := range Vendors {
		list = append(list, s.Vendors[vendor].Target.hosts()...)
	}
	return list
}

func (t Target) hosts() []string {
	var list []string
	for _, address := range []string{t.Webhook, t.Packages, t.Base} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443"}[strings.ToLower(u.Scheme)]
		}
		list = append(list, net.JoinHostPort(u.Hostname(), orDefault(port, "80")))
	}
	return list
}

// stop ends the process and all that it started.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.once.Do(func() {
		end(p.cmd)
		late := time.NewTimer(endWithin)
		defer late.Stop()
		select {
		case <-p.done:
		case <-late.C:
		}
		kill(p.cmd) // what the process started may still be there
		<-p.done
	})
}
