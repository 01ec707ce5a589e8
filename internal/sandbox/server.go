package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/internal/sandbox/demo"
)

// Options say where a sandbox is served.
type Options struct {
	Settings
	// Listen is the address of the page; empty: [DefaultListen]. The simulators take
	// the three ports after it, or any if the port is 0.
	Listen string
	// Insecure allows an address that is not loopback.
	Insecure bool
	// Quiet leaves the demonstration without orders of its own.
	Quiet bool
	// RuntimeDir is the folder in which the commands find the sandbox; empty: it is
	// not to be found.
	RuntimeDir string
}

// DefaultListen is where the page is, unless told otherwise.
const DefaultListen = "127.0.0.1:8025"

// Server is a sandbox that is served.
type Server struct {
	App   *App
	URL   string // of the page, without the token
	Token string

	servers []*http.Server
	demo    *demo.Provider
	file    string
	closing context.CancelFunc
	ctx     context.Context
	close   sync.Once
	errs    chan error
}

// Start serves a sandbox until it is closed.
func Start(o Options) (*Server, error) {
	address := orDefault(o.Listen, DefaultListen)
	host, port, err := splitListen(address)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); (err != nil || !ip.IsLoopback()) && !o.Insecure {
		return nil, fmt.Errorf("%s is not a loopback address: whoever reaches it could use the sandbox; add --insecure-listen if that is wanted", address)
	}
	s := &Server{Token: newToken(), errs: make(chan error, 8)}
	s.ctx, s.closing = context.WithCancel(context.Background())
	doors, err := openDoors(host, port, 1+len(Vendors))
	if err != nil {
		return nil, err
	}
	o.Settings = o.complete()
	o.Origins = map[string]string{}
	for i, vendor := range Vendors {
		o.Origins[vendor] = "http://" + doors[1+i][0].Addr().String()
	}
	demonstration := o.Demo || !o.hasTarget()
	if demonstration {
		if err := s.startDemo(&o.Settings); err != nil {
			return nil, errors.Join(err, closeDoors(doors))
		}
	}
	if s.App, err = New(o.Settings); err != nil {
		s.Close()
		return nil, errors.Join(err, closeDoors(doors))
	}
	s.URL = "http://" + doors[0][0].Addr().String()
	page := newPage(s.ctx, s.App, demonstration)
	page.token = s.Token
	for i, listeners := range doors {
		handler := page.guarded(s.Token, s.URL)
		if i > 0 {
			// A provider is no browser: a page of somebody else has nothing to say here.
			handler = http.NewCrossOriginProtection().Handler(s.App.API(Vendors[i-1]))
		}
		s.serve(hostCheck{next: handler, anyAddress: o.Insecure}, listeners)
	}
	if o.RuntimeDir != "" {
		if err := s.publish(o.RuntimeDir); err != nil {
			s.Close()
			return nil, err
		}
	}
	if demonstration && !o.Quiet {
		go s.showLife()
	}
	return s, nil
}

func splitListen(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not an address such as %s", address, DefaultListen)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%q has no port", address)
	}
	return host, port, nil
}

// openDoors opens so many ports, the given one and those after it, on the loopback of
// both versions of IP if the host is a loopback address.
func openDoors(host string, port, n int) ([][]net.Listener, error) {
	var doors [][]net.Listener
	for i := range n {
		wanted := 0
		if port != 0 {
			wanted = port + i
		}
		door, err := openDoor(host, wanted)
		if err != nil {
			return nil, errors.Join(err, closeDoors(doors))
		}
		doors = append(doors, door)
	}
	return doors, nil
}

func openDoor(host string, port int) ([]net.Listener, error) {
	first, err := net.Listen("tcp", joinPort(host, port))
	if err != nil {
		return nil, err
	}
	door := []net.Listener{first}
	other := map[string]string{"127.0.0.1": "::1", "::1": "127.0.0.1"}[host]
	local, isTCP := first.Addr().(*net.TCPAddr)
	if other == "" || !isTCP {
		return door, nil
	}
	// A machine may have one version of IP only.
	if second, err := net.Listen("tcp", net.JoinHostPort(other, strconv.Itoa(local.Port))); err == nil {
		door = append(door, second)
	}
	return door, nil
}

func joinPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func closeDoors(doors [][]net.Listener) error {
	var errs []error
	for _, door := range doors {
		for _, l := range door {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *Server) serve(h http.Handler, listeners []net.Listener) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	s.servers = append(s.servers, server)
	for _, l := range listeners {
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				s.errs <- err
			}
		}()
	}
}

// startDemo runs the provider of the demonstration on a port of its own.
func (s *Server) startDemo(o *Settings) error {
	k, so, a := o.Vendors[Kombo], o.Vendors[StackOne], o.Vendors[Ashby]
	var err error
	s.demo, err = demo.New(demo.Config{
		KomboURL: baseURL(Kombo, o.Origins), KomboKey: k.Key, KomboSecret: k.Secret,
		StackOneURL: baseURL(StackOne, o.Origins), StackOneKey: so.Key, StackOneSecret: so.Secret,
		AshbyURL: baseURL(Ashby, o.Origins), AshbyKey: a.Key, PartnerKey: a.PartnerKey,
		Think: demoThinks,
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.serve(s.demo, []net.Listener{l})
	origin := "http://" + l.Addr().String()
	k.Target = Target{Webhook: origin + "/kombo"}
	so.Target = Target{Webhook: origin + "/stackone", Packages: origin + "/stackone/packages"}
	a.Target = Target{Base: origin + "/ashby"}
	o.Vendors = map[string]VendorSettings{Kombo: k, StackOne: so, Ashby: a}
	return nil
}

// demoThinks is how long a candidate of the demonstration takes.
const demoThinks = 700 * time.Millisecond

// showLife plays a day at the customers of the demonstration.
func (s *Server) showLife() {
	app := s.App
	for _, c := range app.vendorSettings(Kombo).Customers {
		_, _ = app.Serve(s.ctx, Kombo, verbConnect.Name, c.ID)
	}
	for _, vendor := range []string{StackOne, Ashby} {
		for _, c := range app.vendorSettings(vendor).Customers {
			_, _ = app.Ask(s.ctx, vendor, c.ID, nil)
		}
	}
	for _, r := range []Request{
		{Vendor: Kombo, First: "Robin", Last: "Example"},
		{Vendor: StackOne, First: "Sam", Last: "Example", Email: "sam@example.com"},
		{Vendor: Ashby, First: "Alex", Last: "Example", Email: "alex@example.com"},
	} {
		_, _ = app.Place(s.ctx, r)
	}
}

// baseURL is where the provider finds a vendor's API.
func baseURL(vendor string, origins map[string]string) string {
	if vendor == Kombo {
		return origins[vendor] + "/v1"
	}
	return origins[vendor]
}

func newToken() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Presence is what the commands read of a sandbox that runs.
type Presence struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`
}

const presenceFile = "sandbox.json"

// publish writes where the sandbox is, for the same user only.
func (s *Server) publish(dir string) error {
	// A folder that somebody else made may have been there before; its mode cannot be
	// changed by us.
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, 0o700)); err != nil {
		return err
	}
	data, err := json.Marshal(Presence{s.URL, s.Token, os.Getpid()})
	if err != nil {
		return err
	}
	// A new file under the name: one that somebody else opened stays his.
	temporary, err := os.CreateTemp(dir, presenceFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Close())
	name := filepath.Join(dir, presenceFile)
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	s.file = name
	return nil
}

// RuntimeDir is the folder of the user's runtime files.
func RuntimeDir(env func(string) string) string {
	if dir := env("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "assessbridge")
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "assessbridge")
	}
	return filepath.Join(os.TempDir(), "assessbridge-"+strconv.Itoa(os.Getuid()))
}

// Entrance is the address that lets a browser in.
func (s *Server) Entrance() string { return s.URL + "/?token=" + s.Token }

// Wait returns when ctx ends or a server fails.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.errs:
		return err
	}
}

// Close ends the sandbox.
func (s *Server) Close() {
	s.close.Do(func() {
		s.closing()
		if s.file != "" {
			if p, err := FindPresence(filepath.Dir(s.file)); err == nil && p.Token == s.Token {
				_ = os.Remove(s.file)
			}
		}
		for _, server := range s.servers {
			_ = server.Close()
		}
		if s.App != nil {
			s.App.Close()
		}
		if s.demo != nil {
			s.demo.Close()
		}
	})
}
