package sandbox

import (
	"context"
	"fmt"
	"net"
	"reflect"
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

// Quirk is a behaviour on which the vendor is silent.
type Quirk struct {
	Vendor  string `json:"vendor"`
	Name    string `json:"name"` // of the field of the simulator's Quirks
	Label   string `json:"label"`
	Section string `json:"section"` // of the vendor's contract
}

// Quirks are those that can be switched, by vendor.
var Quirks = []Quirk{
	{Kombo, "RequirePackage", "A package that you never submitted cannot be ordered", "2.2"},
	{Kombo, "InlineRejectionIgnored", "A rejected inline order counts as a fault", "4.5"},
	{Kombo, "LenientBase64", "Attachments in other forms of Base64 are taken", "2.5"},
	{Kombo, "AllowBothSources", "An attachment may have data and data_url", "2.5"},
	{Kombo, "AllowDuplicatePackages", "A package list may repeat an id", "2.2"},
	{Kombo, "ServePausedReads", "Lists are served although the credentials expired", "7.2"},
	{Kombo, "NewestFirst", "Orders are listed from the newest", "2.3"},
	{StackOne, "Any2xx", "Every 2xx counts as the acceptance of a webhook", "7.6"},
	{StackOne, "SentAtPerAttempt", "Every attempt has a sent_at of its own", "7.6"},
	{StackOne, "RepeatableGreenhouse", "Greenhouse takes more than one result", "11"},
	{StackOne, "FinalIsFinal", "A final result cannot be corrected", "3.2"},
	{StackOne, "NullLeaves", "An explicit null leaves the earlier value alone", "2.2"},
	{StackOne, "AllowUnknownEnums", "Unknown enum values are taken", "2.3"},
	{StackOne, "RefuseUnlistedResults", "Results that the ATS does not list are refused", "11"},
	{StackOne, "RefuseUnknownFields", "Unknown members of a result are refused", "2.2"},
	{Ashby, "PartnerKeyAsPassword", "Your key comes as the Basic password", "4"},
	{Ashby, "AcceptOlderTimestamps", "An update may be older than the last one", "2.1"},
	{Ashby, "AcceptAfterTerminal", "Updates are taken after the end", "2.3"},
	{Ashby, "AcceptCancelConfirmation", "A cancel may be confirmed with an update", "5.5"},
	{Ashby, "AllowTypeMismatch", "A value may not fit its type", "2.2"},
	{Ashby, "AllowDuplicateIdentifiers", "An identifier may come twice", "2.2"},
	{Ashby, "RefuseNulls", "Nulls in an update are refused", "1.6"},
	{Ashby, "RequireUUIDs", "Your ids have to be UUIDs", "4.2"},
	{Ashby, "TextAuthErrors", "Refused keys are answered with plain text", "1.4"},
}

// setQuirks switches the fields of a simulator's Quirks.
func setQuirks(quirks any, on map[string]bool) {
	target := reflect.ValueOf(quirks).Elem()
	for name, value := range on {
		if field := target.FieldByName(name); field.IsValid() && field.Kind() == reflect.Bool {
			field.SetBool(value)
		}
	}
}

func knownQuirk(vendor, name string) error {
	for _, q := range Quirks {
		if q.Vendor == vendor && q.Name == name {
			return nil
		}
	}
	return fmt.Errorf("%s has no switch %q", label(vendor), name)
}

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
