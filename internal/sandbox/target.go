package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// targetGuard decides whom the sandbox may call. It sends what a page tells it to
// send, so that it must not be pointed at strangers, least of all at the vendors.
type targetGuard struct {
	remote []string
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// canonical is the name that a name is an alias of.
	canonical func(ctx context.Context, host string) (string, error)
	dialer    net.Dialer
}

func newTargetGuard(remote []string) *targetGuard {
	return &targetGuard{
		remote: remote,
		lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		canonical: net.DefaultResolver.LookupCNAME,
		dialer:    net.Dialer{Timeout: 10 * time.Second},
	}
}

// vendorDomains are never called, whatever is allowed.
var vendorDomains = []string{"kombo.dev", "stackone.com", "ashbyhq.com"}

func ofVendor(host string) bool {
	host = strings.ToLower(strings.TrimRight(host, "."))
	for _, domain := range vendorDomains {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// permits refuses addresses that can be refused by their text.
func (g *targetGuard) permits(t Target) error {
	for _, address := range []string{t.Webhook, t.Packages, t.Base} {
		if address == "" {
			continue
		}
		if err := g.permit(address); err != nil {
			return err
		}
	}
	return nil
}

func (g *targetGuard) permit(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the address of the provider has to be an http or https URL")
	}
	host := u.Hostname()
	if ofVendor(host) {
		return vendorError(host)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !private(ip) && !g.allowed(host) {
		return remoteError(host)
	}
	return nil
}

func (g *targetGuard) allowed(host string) bool {
	return slices.ContainsFunc(g.remote, func(one string) bool { return strings.EqualFold(one, host) })
}

func vendorError(host string) error {
	return fmt.Errorf("%s belongs to a real vendor: the sandbox never calls it", host)
}

func remoteError(host string) error {
	return fmt.Errorf("%s is neither on this machine nor in a private network: add --allow-remote %s if it is yours", host, host)
}

// resolve refuses addresses that lead elsewhere than they may. A name that does not
// resolve is left to the call, whose error says so.
func (g *targetGuard) resolve(ctx context.Context, t Target) error {
	for _, address := range []string{t.Webhook, t.Packages, t.Base} {
		if address == "" {
			continue
		}
		if err := g.resolveOne(ctx, address); err != nil {
			return err
		}
	}
	return nil
}

func (g *targetGuard) resolveOne(ctx context.Context, address string) error {
	if err := g.permit(address); err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	host := u.Hostname()
	if host == "localhost" || g.allowed(host) {
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil // permit has looked at it
	}
	addresses, err := g.lookup(ctx, host)
	if err != nil {
		return nil // the call itself says what is wrong
	}
	if slices.ContainsFunc(addresses, func(ip netip.Addr) bool { return !private(ip) }) {
		return remoteError(host)
	}
	return nil
}

// dial connects to whom the guard permits. It looks at the address that it connects to,
// because a name may resolve to another one than it did when it was looked at before.
func (g *targetGuard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := g.reachable(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, ip := range addresses {
		c, err := g.dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// reachable are the addresses of a host, all of which have to be permitted.
func (g *targetGuard) reachable(ctx context.Context, host string) ([]netip.Addr, error) {
	if ofVendor(host) {
		return nil, vendorError(host)
	}
	addresses, err := g.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	if !g.allowed(host) && slices.ContainsFunc(addresses, func(ip netip.Addr) bool { return !private(ip) }) {
		return nil, remoteError(host)
	}
	return addresses, nil
}

func (g *targetGuard) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	// A name that is allowed may still be an alias of a vendor's.
	if g.allowed(host) {
		if name, err := g.canonical(ctx, host); err == nil && ofVendor(name) {
			return nil, vendorError(host)
		}
	}
	return g.lookup(ctx, host)
}

// client calls nobody whom the guard does not permit, and follows no redirects.
func (g *targetGuard) client() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: g.dial},
	}
}

// private tells whether an address is on this machine or in a private network.
// Link-local addresses are not: there live the metadata services of clouds.
func private(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	metadata := slices.ContainsFunc(metadataNetworks, func(n netip.Prefix) bool { return n.Contains(ip) })
	return !metadata && (ip.IsLoopback() || ip.IsPrivate())
}

// metadataNetworks are those parts of the private networks in which the metadata
// services of clouds live.
var metadataNetworks = []netip.Prefix{netip.MustParsePrefix("fd00:ec2::/32"), netip.MustParsePrefix("fd20:ce::/32")}
