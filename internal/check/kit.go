package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/internal/simkit"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// Config is what a [Kit] is made of. The zero value is usable.
type Config struct {
	// Seed determines every id; two runs with one seed send the same.
	Seed uint64
	// Clock gives the time of what the vendors send; nil: [time.Now].
	Clock func() time.Time
	// Credentials of the vendors; what is empty is that of the vendor's simulator.
	Credentials Credentials
	// Others answer the calls of a vendor's API that are about no check, by vendor; nil:
	// a simulator without customers does.
	Others map[string]http.Handler
	// DialContext opens the connections to the service, so that a program that is told
	// its address by others can decide whom it calls; nil: a [net.Dialer] does.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Credentials are what the service and the vendors share.
type Credentials struct {
	KomboKey    string // of the API
	KomboSecret string // of the webhooks

	StackOneKey    string
	StackOneSecret string
	// StackOneNextSecret is the one that StackOne rotates to; the service knows both.
	StackOneNextSecret string

	// Ashby has two customers, so that one can try what is the other's.
	Ashby [2]AshbyCustomer
}

// AshbyCustomer is a customer who uses Ashby.
type AshbyCustomer struct {
	// Name is what the service calls the customer: [assessment.OrderRef.Account].
	Name string
	// PartnerKey was issued by the service; Ashby's calls carry it.
	PartnerKey string
	// APIKey was made in the customer's Ashby; the service's calls carry it.
	APIKey string
}

func (c Credentials) withDefaults() Credentials {
	c.KomboKey = simkit.OrDefault(c.KomboKey, kombotest.DefaultAPIKey)
	c.KomboSecret = simkit.OrDefault(c.KomboSecret, kombotest.DefaultWebhookSecret)
	c.StackOneKey = simkit.OrDefault(c.StackOneKey, stackonetest.DefaultAPIKey)
	c.StackOneSecret = simkit.OrDefault(c.StackOneSecret, stackonetest.DefaultWebhookSecret)
	c.StackOneNextSecret = simkit.OrDefault(c.StackOneNextSecret, "stackone-test-webhook-secret-0002")
	c.Ashby[0].Name = simkit.OrDefault(c.Ashby[0].Name, ashbytest.DefaultOrganization)
	c.Ashby[0].PartnerKey = simkit.OrDefault(c.Ashby[0].PartnerKey, ashbytest.DefaultPartnerKey)
	c.Ashby[0].APIKey = simkit.OrDefault(c.Ashby[0].APIKey, ashbytest.DefaultAPIKey)
	c.Ashby[1].Name = simkit.OrDefault(c.Ashby[1].Name, "globex")
	c.Ashby[1].PartnerKey = simkit.OrDefault(c.Ashby[1].PartnerKey, "partner_test_key_globex")
	c.Ashby[1].APIKey = simkit.OrDefault(c.Ashby[1].APIKey, "ashby_test_key_globex")
	return c
}

// Kit is the vendors, simulated for the checks. It is closed with [Kit.Close].
type Kit struct {
	cfg    Config
	kombo  *front
	stack  *front
	ashby  *front
	others []interface{ Close() }
	open   [3]*simkit.Endpoint // the fronts on the loopback
}

// New returns a kit. It opens no socket until an address is asked for.
func New(cfg Config) (*Kit, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cfg.Credentials = cfg.Credentials.withDefaults()
	k := &Kit{cfg: cfg}
	kombo, err := kombotest.New(kombotest.Config{APIKey: cfg.Credentials.KomboKey, Seed: cfg.Seed, Clock: cfg.Clock, Integrations: []kombotest.IntegrationSpec{}})
	if err != nil {
		return nil, err
	}
	stackone, err := stackonetest.New(stackonetest.Config{APIKey: cfg.Credentials.StackOneKey, Seed: cfg.Seed, Clock: cfg.Clock, Accounts: []stackonetest.AccountSpec{}})
	if err != nil {
		return nil, err
	}
	ashby, err := ashbytest.New(ashbytest.Config{Organizations: k.organizations(), Seed: cfg.Seed, Clock: cfg.Clock})
	if err != nil {
		return nil, err
	}
	other := func(vendor string, otherwise http.Handler) http.Handler {
		if h := cfg.Others[vendor]; h != nil {
			return h
		}
		return otherwise
	}
	k.kombo = &front{names: byHeader(kombotest.IntegrationHeader), other: other("kombo", kombo)}
	k.stack = &front{names: byHeader(stackonetest.AccountHeader), other: other("stackone", stackone)}
	k.ashby = &front{names: byBody, other: other("ashby", ashby)}
	k.others = []interface{ Close() }{kombo, stackone, ashby}
	for i, f := range []*front{k.kombo, k.stack, k.ashby} {
		k.open[i] = simkit.NewEndpoint(f)
	}
	return k, nil
}

func (k *Kit) organizations() []ashbytest.Organization {
	var list []ashbytest.Organization
	for _, c := range k.cfg.Credentials.Ashby {
		list = append(list, ashbytest.Organization{Name: c.Name, APIKey: c.APIKey, PartnerKey: c.PartnerKey})
	}
	return list
}

// Close ends the simulators.
func (k *Kit) Close() {
	for _, e := range k.open {
		e.Close()
	}
	for _, o := range k.others {
		o.Close()
	}
}

// Addresses are where a service finds the vendors of a kit, in place of the real
// ones, and what it shares with them.
type Addresses struct {
	Kombo, StackOne, Ashby string // base URLs of the APIs
	Credentials
}

var errNoSocket = errors.New("check: no loopback socket can be opened")

// Addresses opens the loopback sockets, at the first call, and names them.
func (k *Kit) Addresses() (Addresses, error) {
	a := Addresses{Kombo: k.open[0].URL(), StackOne: k.open[1].URL(), Ashby: k.open[2].URL(), Credentials: k.cfg.Credentials}
	if a.Kombo == "" || a.StackOne == "" || a.Ashby == "" {
		return Addresses{}, errNoSocket
	}
	a.Kombo += "/v1"
	return a, nil
}

// API returns a vendor's API as a handler, for a program that serves it at an
// address of its own. Kombo's paths begin with /v1.
func (k *Kit) API(vendor string) (http.Handler, error) {
	switch vendor {
	case "kombo":
		return k.kombo, nil
	case "stackone":
		return k.stack, nil
	case "ashby":
		return k.ashby, nil
	}
	return nil, fmt.Errorf("check: there is no vendor %q", vendor)
}
