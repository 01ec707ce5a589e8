package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// about is what a sandbox that runs says of itself to a command.
type about struct {
	// Target is a fingerprint of where the provider is: addresses may carry secrets.
	Target string `json:"target"`
	Demo   bool   `json:"demo"`
	Seed   uint64 `json:"seed"`
}

func (p *page) apiAbout(w http.ResponseWriter, _ *http.Request) {
	s := p.app.now()
	answer(w, http.StatusOK, about{Target: s.fingerprint(p.token), Demo: p.demo, Seed: s.Seed})
}

// fingerprint tells targets apart for those who know the token, and nothing else.
func (s Settings) fingerprint(token string) string {
	h := hmac.New(sha256.New, []byte(token))
	for _, vendor := range Vendors {
		t := s.Vendors[vendor].Target
		_, _ = io.WriteString(h, strings.Join([]string{vendor, t.Webhook, t.Packages, t.Base, ""}, "\n")) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// session is the sandbox that a command talks to.
type session struct {
	presence Presence
	client   *http.Client
	// own is a sandbox that the command runs for itself; nil: it is the user's.
	own      *Server
	provider *process
}

func newSession(p Presence) *session {
	return &session{presence: p, client: &http.Client{Transport: &http.Transport{}}} // no proxy
}

func (s *session) close() {
	s.provider.stop()
	if s.own != nil {
		s.own.Close()
	}
	s.client.CloseIdleConnections()
}

// link is a deep link, empty if the page is gone when the command ends.
func (s *session) link(path string) string {
	if s.own != nil || path == "" {
		return ""
	}
	return s.presence.URL + path
}

// session finds the sandbox that runs, unless another provider is named than it has.
// Else it runs one until the command ends.
func (c *command) session(t *targeting) (*session, resolved, error) {
	r, err := t.resolve()
	if err != nil {
		return nil, r, err
	}
	if running := c.running(); running != nil {
		if running.serves(c.ctx, t, r) {
			return running, r, nil
		}
		c.say("another sandbox runs for another provider: this one is separate")
		running.close()
	}
	r = r.orElse(defaultProvider)
	s, err := c.own(t, r)
	return s, r, err
}

// running finds the sandbox of the user that runs; nil: there is none.
func (c *command) running() *session {
	p, err := FindPresence(RuntimeDir(c.env))
	if err != nil {
		return nil
	}
	s := newSession(p)
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	if s.get(ctx, "/api/about", &about{}) != nil {
		s.close()
		return nil // it was killed, and its file is left
	}
	return s
}

var errNotRunning = nothingf("no sandbox runs: start one with serve")

// needRunning is the sandbox that runs, for commands that make no sense without.
func (c *command) needRunning() (*session, error) {
	if s := c.running(); s != nil {
		return s, nil
	}
	return nil, errNotRunning
}

// serves tells whether the sandbox that runs is the one that is meant.
func (s *session) serves(ctx context.Context, t *targeting, r resolved) bool {
	var is about
	if s.get(ctx, "/api/about", &is) != nil || t.seedSet && t.seed != is.Seed || t.start != "" {
		return false
	}
	return !r.named || t.demo && is.Demo || !t.demo && r.fingerprint(s.presence.Token) == is.Target
}

// own runs a sandbox for the time of the command.
func (c *command) own(t *targeting, r resolved) (*session, error) {
	o := t.options(r)
	o.Quiet = true
	server, err := Start(o)
	if errors.Is(err, syscall.EADDRINUSE) && o.Listen == DefaultListen {
		o.Listen = "127.0.0.1:0"
		if server, err = Start(o); err == nil {
			c.say("%s is taken: your service finds Kombo at %s, StackOne at %s, Ashby at %s", DefaultListen,
				baseURL(Kombo, server.App.now().Origins), baseURL(StackOne, server.App.now().Origins), baseURL(Ashby, server.App.now().Origins))
		}
	}
	if err != nil {
		return nil, failure{ExitUsage, err}
	}
	s := newSession(Presence{URL: server.URL, Token: server.Token})
	s.own = server
	if s.provider, err = c.startProvider(server, r); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) get(ctx context.Context, path string, into any) error {
	return s.call(ctx, http.MethodGet, path, nil, into)
}

func (s *session) post(ctx context.Context, path string, what, into any) error {
	return s.call(ctx, http.MethodPost, path, what, into)
}

// maxReply is how much of an answer of the sandbox is read: reports are long.
const maxReply = 256 << 20

// call calls the API of the sandbox.
func (s *session) call(ctx context.Context, method, path string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	response, err := s.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		return json.Unmarshal(data, into)
	}
	return refusal(response, data)
}

func (s *session) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.presence.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.presence.Token)
	request.Header.Set("Content-Type", "application/json")
	return s.client.Do(request)
}

// refusal is the error of an answer of the sandbox that is not a success.
func refusal(response *http.Response, data []byte) error {
	var result Result
	if json.Unmarshal(data, &result) != nil || result.Error == "" {
		return errors.New("the sandbox answered " + response.Status)
	}
	if response.StatusCode >= 500 {
		return errors.New(result.Error)
	}
	return failure{ExitUsage, errors.New(result.Error)}
}

// FindPresence reads where a sandbox of the user runs. A file that others could have
// written is not believed.
func FindPresence(dir string) (Presence, error) {
	var p Presence
	name := filepath.Join(dir, presenceFile)
	info, err := os.Lstat(name)
	if err != nil {
		return p, err
	}
	if !info.Mode().IsRegular() || othersMay(info.Mode()) {
		return p, errors.New("others may read or write " + name)
	}
	data, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(data, &p)
}
