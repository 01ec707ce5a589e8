package assessmenttest

import (
	"testing"

	"github.com/assessbridge/assessbridge/internal/check"
)

// Vendors are the three vendors, simulated: where the service under test finds them,
// and what it shares with them. No value is a real credential.
type Vendors struct {
	Kombo    KomboAPI
	StackOne StackOneAPI
	Ashby    AshbyAPI

	kit *check.Kit
}

// KomboAPI is what the service needs to know to work with Kombo.
type KomboAPI struct {
	BaseURL       string // version segment included
	APIKey        string
	WebhookSecret string
}

// StackOneAPI is what the service needs to know to work with StackOne.
type StackOneAPI struct {
	BaseURL       string
	APIKey        string
	WebhookSecret string // signs webhooks and calls of the packages endpoint
	// NextWebhookSecret is the one that StackOne rotates to: the service takes both.
	NextWebhookSecret string
}

// AshbyAPI is what the service needs to know to work with Ashby.
type AshbyAPI struct {
	BaseURL string
	// Customers are two, so that one can try what is the other's.
	Customers []AshbyCustomer
}

// AshbyCustomer is a customer who uses Ashby.
type AshbyCustomer struct {
	// Name is what the service has to call the customer: it is
	// [assessment.OrderRef.Account] of the orders given to [Target.Finish].
	Name string
	// PartnerKey was issued by the service; Ashby's calls carry it.
	PartnerKey string
	// APIKey was made in the customer's Ashby; the service's calls carry it.
	APIKey string
}

// Config changes how the vendors are simulated. The zero value is usable.
type Config struct {
	// Seed determines every id: two runs with one seed send the same.
	Seed uint64
}

// Start starts the vendors on loopback sockets. They end with the test. Each function
// may change the configuration.
func Start(tb testing.TB, configure ...func(*Config)) *Vendors {
	tb.Helper()
	var cfg Config
	for _, change := range configure {
		change(&cfg)
	}
	kit, err := check.New(check.Config{Seed: cfg.Seed})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(kit.Close)
	a, err := kit.Addresses()
	if err != nil {
		tb.Fatal(err)
	}
	v := &Vendors{
		Kombo:    KomboAPI{BaseURL: a.Kombo, APIKey: a.KomboKey, WebhookSecret: a.KomboSecret},
		StackOne: StackOneAPI{BaseURL: a.StackOne, APIKey: a.StackOneKey, WebhookSecret: a.StackOneSecret, NextWebhookSecret: a.StackOneNextSecret},
		Ashby:    AshbyAPI{BaseURL: a.Ashby},
		kit:      kit,
	}
	for _, c := range a.Credentials.Ashby {
		v.Ashby.Customers = append(v.Ashby.Customers, AshbyCustomer{Name: c.Name, PartnerKey: c.PartnerKey, APIKey: c.APIKey})
	}
	return v
}
