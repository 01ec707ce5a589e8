package browser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long anything may take on a busy machine.
const patience = 30 * time.Second

// stage is what all tests share: one sandbox with the provider of the demonstration,
// and one browser that reaches nothing but this machine.
var stage struct {
	program  string
	sandbox  *sandbox
	browser  context.Context
	pictures string
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sandbox-browser-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	stage.pictures = dir
	if stage.program, err = build(dir); err != nil {
		return fail(err)
	}
	if stage.sandbox, err = start(dir); err != nil {
		return fail(err)
	}
	defer stage.sandbox.stop()
	stop, err := open(dir)
	if err != nil {
		return fail(err)
	}
	defer stop()
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// build builds the sandbox from the root module, as `go run` does for its users.
func build(dir string) (string, error) {
	program := filepath.Join(dir, "sandbox")
	c := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./examples/sandbox")
	c.Dir = filepath.Join("..", "..")
	c.Env = append(os.Environ(), "GOWORK=off")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the sandbox: %w\n%s", err, out)
	}
	return program, nil
}

// sandbox is one that runs in a process of its own.
type sandbox struct {
	command  *exec.Cmd
	entrance string   // the link with the token
	lines    []string // for the provider's environment
	began    time.Time
}

// start starts the sandbox and waits until it tells where its page is.
func start(dir string, args ...string) (*sandbox, error) {
	runtime, err := os.MkdirTemp(dir, "run-")
	if err != nil {
		return nil, err
	}
	c := exec.Command(stage.program, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	c.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+runtime)
	stdout, err := os.Create(filepath.Join(runtime, "stdout"))
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	c.Stdout = stdout
	stderr, err := c.StderrPipe()
	if err != nil {
		return nil, err
	}
	s := &sandbox{command: c, began: time.Now()}
	if err := c.Start(); err != nil {
		return nil, err
	}
	found := make(chan string, 1)
	go func() {
		scanner := bufio.NewScanner(stderr)
		for scanner.Scan() {
			if _, link, ok := strings.Cut(scanner.Text(), "The page:"); ok {
				found <- strings.TrimSpace(link)
			}
		}
		_, _ = io.Copy(io.Discard, stderr)
	}()
	select {
	case s.entrance = <-found:
	case <-time.After(patience):
		s.stop()
		return nil, errors.New("the sandbox does not say where its page is")
	}
	return s, nil
}

func (s *sandbox) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	_ = s.command.Wait()
}

// open starts the browser and lets it in.
func open(dir string) (func(), error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, errors.New("these tests need a Chromium: apt-get install -y chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.WindowSize(1440, 1000), chromedp.WSURLReadTimeout(2*patience),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en"),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	browser, end := chromedp.NewContext(allocator)
	stage.browser = browser
	if err := chromedp.Do(browser, chromedp.Navigate(stage.sandbox.entrance)); err != nil {
		end()
		free()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	return func() { end(); free() }, nil
}
