package sandbox

import (
	"net/url"
	"strings"
)

// places are where the vendors reach the provider, as one source knows: the flags, the
// environment or sandbox.yaml. What a source does not say is empty.
type places struct {
	Kombo, StackOne, Packages, Ashby, AshbyWebhook string
}

// defaultProvider is where a provider is looked for if nobody says where it is.
const defaultProvider = "http://localhost:8080"

// The paths of examples/provider, below its base URL.
const (
	komboPath    = "/kombo"
	stackonePath = "/stackone"
	packagesPath = "/assessments" // below the webhook of StackOne
	ashbyPath    = "/ashby"
)

// placesBelow are the paths of examples/provider below a base URL.
func placesBelow(base string) places {
	base = strings.TrimSuffix(base, "/")
	return places{Kombo: base + komboPath, StackOne: base + stackonePath, Ashby: base + ashbyPath}.withPackages()
}

// withPackages adds where StackOne asks for packages, if only its webhook is known.
func (p places) withPackages() places {
	if p.StackOne == "" || p.Packages != "" {
		return p
	}
	if u, err := url.Parse(p.StackOne); err == nil {
		p.Packages = u.JoinPath(packagesPath).String()
	}
	return p
}

func (p places) known() bool { return p != places{} }

// or is p, completed by what another source knows.
func (p places) or(other places) places {
	if p.StackOne != "" {
		p = p.withPackages() // those of the other source belong to its webhook
	}
	return places{
		Kombo: orDefault(p.Kombo, other.Kombo), StackOne: orDefault(p.StackOne, other.StackOne), Packages: orDefault(p.Packages, other.Packages),
		Ashby: orDefault(p.Ashby, other.Ashby), AshbyWebhook: orDefault(p.AshbyWebhook, other.AshbyWebhook),
	}
}

// target is what the places mean for a vendor.
func (p places) target(vendor string) Target {
	switch vendor {
	case Kombo:
		return Target{Webhook: p.Kombo}
	case StackOne:
		return Target{Webhook: p.StackOne, Packages: p.Packages}
	}
	return Target{Base: p.Ashby, Webhook: p.AshbyWebhook}
}

// placeFlags are the flags and variables that name a place.
var placeFlags = []struct {
	flag, variable, text string
	at                   func(*places) *string
}{
	{"kombo", "SANDBOX_KOMBO_URL", "`URL` of your webhook for Kombo", func(p *places) *string { return &p.Kombo }},
	{"stackone", "SANDBOX_STACKONE_URL", "`URL` of your webhook for StackOne", func(p *places) *string { return &p.StackOne }},
	{"stackone-packages", "SANDBOX_STACKONE_PACKAGES_URL", "`URL` where StackOne asks you for packages; below the webhook if only that is named", func(p *places) *string { return &p.Packages }},
	{"ashby", "SANDBOX_ASHBY_URL", "`URL` below which Ashby finds assessment.list and the others", func(p *places) *string { return &p.Ashby }},
	{"ashby-webhook", "SANDBOX_ASHBY_WEBHOOK_URL", "`URL` of your webhook for Ashby", func(p *places) *string { return &p.AshbyWebhook }},
}

const providerVariable = "SANDBOX_PROVIDER_URL"

// placesIn are what the environment says.
func placesIn(env func(string) string) places {
	var p places
	for _, one := range placeFlags {
		*one.at(&p) = env(one.variable)
	}
	if base := env(providerVariable); base != "" {
		p = p.or(placesBelow(base))
	}
	return p
}
