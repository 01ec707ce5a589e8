package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// targetGuard decides whom the sandbox may call. It sends what a page tells it to
// send, so that it must not be pointed at strangers, least of all at the vendors.
type targetGuard struct {
	remote []string
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

func newTargetGuard(remote []string) *targetGuard {
	return &targetGuard{remote: remote, lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
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
		return fmt.Errorf("%s belongs to a real vendor: the sandbox never calls it", host)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !private(ip) && !g.allowed(host) {
		return remoteError(host)
	}
	return nil
}

func (g *targetGuard) allowed(host string) bool {
	return slices.ContainsFunc(g.remote, func(one string) bool { return strings.EqualFold(one, host) })
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
	for _, ip := range addresses {
		if !private(ip) {
			return remoteError(host)
		}
	}
	return nil
}

// private tells whether an address is on this machine or in a private network.
// Link-local addresses are not: there live the metadata services of clouds.
func private(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate()
}
