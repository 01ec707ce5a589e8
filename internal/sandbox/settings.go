package sandbox

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// Target is where a vendor reaches the provider. An empty address is none.
type Target struct {
	Webhook  string // Kombo, StackOne, and Ashby's webhooks
	Packages string // StackOne
	Base     string // Ashby
}

// VendorSettings are those of one vendor.
type VendorSettings struct {
	Target     Target
	Key        string // with which the provider calls the vendor
	Secret     string // that signs webhooks
	PartnerKey string // Ashby: with which the vendor calls the provider
	Customers  []Customer
	Quirks     map[string]bool
}

// Settings are those of a sandbox. The zero value has the built-in customers and
// test secrets, and no provider.
type Settings struct {
	Seed    uint64
	Vendors map[string]VendorSettings
	// Timeout bounds the wait for an answer of the provider; zero: 30 s.
	Timeout time.Duration
	// AllowRemote are the hosts of the provider that may be outside of the private
	// networks.
	AllowRemote []string
	// Demo runs a provider inside.
	Demo bool
	// Origins are where the simulators are served, by vendor; empty: not served.
	Origins map[string]string
	// References are the variables of the environment in which secrets are, as
	// ${NAME}, by secret. They are shown instead.
	References map[string]string
}

// keptBySimulator is small because the journal keeps what the page shows.
const keptBySimulator = 64

const defaultTimeout = 30 * time.Second

// defaults are the settings of a vendor about which nothing was said.
var defaults = map[string]VendorSettings{
	Kombo: {
		Key: kombotest.DefaultAPIKey, Secret: kombotest.DefaultWebhookSecret,
		Customers: []Customer{
			{ID: kombotest.DefaultIntegration, Name: "Acme, Inc.", ATS: "workday"},
			{ID: "greenhouse:3uPDAvJHUKqA6hpqXtbFkDzE", Name: "Globex", ATS: "greenhouse"},
		},
	},
	StackOne: {
		Key: stackonetest.DefaultAPIKey, Secret: stackonetest.DefaultWebhookSecret,
		Customers: []Customer{
			{ID: "45355976281015164505", Name: "Initech", ATS: stackonetest.Teamtailor},
			{ID: stackonetest.DefaultAccount, Name: "Acme Corp", ATS: stackonetest.Greenhouse},
			{ID: "45355976281015164506", Name: "Umbrella", ATS: stackonetest.SmartRecruiters},
		},
	},
	Ashby: {
		// Ashby's documented example of a secret does not look like one.
		Key: ashbytest.DefaultAPIKey, Secret: "ashby-test-webhook-secret-0001", PartnerKey: ashbytest.DefaultPartnerKey,
		Customers: []Customer{{ID: ashbytest.DefaultOrganization, Name: "Acme", ATS: "ashby"}},
	},
}

// complete fills in what was not said.
func (s Settings) complete() Settings {
	all := map[string]VendorSettings{}
	for _, vendor := range Vendors {
		v, d := s.Vendors[vendor], defaults[vendor]
		v.Key = orDefault(v.Key, d.Key)
		v.Secret = orDefault(v.Secret, d.Secret)
		v.PartnerKey = orDefault(v.PartnerKey, d.PartnerKey)
		if len(v.Customers) == 0 {
			v.Customers = d.Customers
		}
		if vendor == Ashby {
			v = v.withKeys()
		}
		all[vendor] = v
	}
	s.Vendors = all
	if s.Timeout <= 0 {
		s.Timeout = defaultTimeout
	}
	return s
}

// withKeys gives every customer keys of its own. Those of the vendor belong to the first
// one.
func (v VendorSettings) withKeys() VendorSettings {
	v.Customers = slices.Clone(v.Customers)
	for i := range v.Customers {
		c := &v.Customers[i]
		if i == 0 {
			c.Key, c.PartnerKey = orDefault(c.Key, v.Key), orDefault(c.PartnerKey, v.PartnerKey)
			v.Key, v.PartnerKey = c.Key, c.PartnerKey
			continue
		}
		c.Key, c.PartnerKey = orDefault(c.Key, apiKeyOf(c.ID)), orDefault(c.PartnerKey, partnerKeyOf(c.ID))
	}
	return v
}

// hasTarget tells whether there is a provider.
func (s Settings) hasTarget() bool {
	for _, v := range s.Vendors {
		if v.Target != (Target{}) {
			return true
		}
	}
	return false
}

func rotatedSecret(vendor string) string { return vendor + "-test-webhook-secret-rotated" }

// environment is what a simulator is given by its sandbox.
type environment struct {
	seed    uint64
	timeout time.Duration
	follow  func(Row)
	// dial opens the connections to the provider.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// offers are the packages that the provider last offered, by customer.
type offers struct {
	mu   sync.Mutex
	list map[string][]Package
}

func (o *offers) of(customer string) []Package {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.list[customer]
}

func (o *offers) set(customer string, list []Package) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.list == nil {
		o.list = map[string][]Package{}
	}
	o.list[customer] = list
}
