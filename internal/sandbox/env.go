package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/internal/check"
)

// The forms of the environment.
const (
	formSh     = "sh"
	formDotenv = "dotenv"
	formJSON   = "json"
)

// variablePair is a variable of the provider's environment.
type variablePair struct{ name, value string }

// Env is what the provider's environment has to contain, for a shell ("sh"), a file
// ("dotenv") or a program ("json").
func (a *App) Env(format string) string { return a.now().Env(format) }

// now are the settings as they are.
func (a *App) now() Settings {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settings
}

// Env is like that of a sandbox.
func (s Settings) Env(format string) string { return s.format(s.environment(), format) }

// environment are the variables that the provider needs.
func (s Settings) environment() []variablePair {
	k, so, ash := s.Vendors[Kombo], s.Vendors[StackOne], s.Vendors[Ashby]
	pairs := []variablePair{
		{"KOMBO_BASE_URL", baseURL(Kombo, s.Origins)}, {"KOMBO_API_KEY", k.Key}, {"KOMBO_WEBHOOK_SECRET", k.Secret},
		{"STACKONE_BASE_URL", baseURL(StackOne, s.Origins)}, {"STACKONE_API_KEY", so.Key}, {"STACKONE_WEBHOOK_SECRET", so.Secret},
		{"ASHBY_BASE_URL", baseURL(Ashby, s.Origins)}, {"ASHBY_API_KEY", ash.Key}, {"ASHBY_PARTNER_KEY", ash.PartnerKey},
		{"ASHBY_WEBHOOK_SECRET", ash.Secret},
	}
	for _, c := range ash.Customers[min(1, len(ash.Customers)):] {
		pairs = append(pairs, ofCustomer(c.ID, c.Key, c.PartnerKey)...)
	}
	return pairs
}

// checkEnvironment are the variables that only the checks need: the second customer at
// Ashby, and the secret to which StackOne rotates.
func (s Settings) checkEnvironment() []variablePair {
	c := s.credentials()
	pairs := []variablePair{{"STACKONE_NEXT_WEBHOOK_SECRET", c.StackOneNextSecret}}
	if len(s.Vendors[Ashby].Customers) < 2 {
		pairs = append(pairs, ofCustomer(c.Ashby[1].Name, c.Ashby[1].APIKey, c.Ashby[1].PartnerKey)...)
	}
	return pairs
}

func ofCustomer(name, key, partnerKey string) []variablePair {
	suffix := strings.ToUpper(strings.ReplaceAll(slug(name), "-", "_"))
	return []variablePair{{"ASHBY_API_KEY_" + suffix, key}, {"ASHBY_PARTNER_KEY_" + suffix, partnerKey}}
}

// credentials are what the checks share with the provider.
func (s Settings) credentials() check.Credentials {
	k, so, ash := s.Vendors[Kombo], s.Vendors[StackOne], s.Vendors[Ashby]
	c := check.Credentials{
		KomboKey: k.Key, KomboSecret: k.Secret, StackOneKey: so.Key, StackOneSecret: so.Secret,
		StackOneNextSecret: rotatedSecret(StackOne),
		Ashby:              [2]check.AshbyCustomer{{}, {Name: "globex", PartnerKey: partnerKeyOf("globex"), APIKey: apiKeyOf("globex")}},
	}
	for i, customer := range ash.Customers[:min(2, len(ash.Customers))] {
		c.Ashby[i] = check.AshbyCustomer{Name: customer.ID, PartnerKey: customer.PartnerKey, APIKey: customer.Key}
	}
	return c
}

// format writes variables. A secret that is not a test one stands there as the variable
// that it comes from.
func (s Settings) format(pairs []variablePair, format string) string {
	if format == formJSON {
		object := map[string]string{}
		for _, pair := range pairs {
			object[pair.name] = s.masked(pair)
		}
		data, _ := json.MarshalIndent(object, "", "  ") // texts always encode
		return string(data) + "\n"
	}
	var b strings.Builder
	for _, pair := range pairs {
		if format == formSh {
			b.WriteString("export ")
		}
		fmt.Fprintf(&b, "%s=%s\n", pair.name, envWord(s.masked(pair)))
	}
	return b.String()
}

// masked hides a secret that is not one of the built-in ones.
func (s Settings) masked(pair variablePair) string {
	switch reference := s.References[pair.value]; {
	case strings.HasSuffix(pair.name, "_URL") || builtIn(pair.value):
		return pair.value
	case reference != "":
		return reference
	}
	return "…as in your configuration"
}

func envWord(text string) string {
	switch {
	case wholeVariable.MatchString(text):
		return `"` + text + `"`
	case strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-:/", r)
	}):
		return shellWord(text)
	}
	return text
}

// builtIn tells whether a secret is one for tests, which everybody knows.
func builtIn(secret string) bool {
	for _, d := range defaults {
		if slices.Contains([]string{d.Key, d.Secret, d.PartnerKey}, secret) {
			return true
		}
	}
	return strings.HasPrefix(secret, partnerKeyOf("")) || strings.HasPrefix(secret, apiKeyOf("")) ||
		slices.ContainsFunc(Vendors, func(vendor string) bool { return secret == rotatedSecret(vendor) })
}

// partnerKeyOf and apiKeyOf are the keys for tests of a customer at Ashby.
func partnerKeyOf(customer string) string { return "partner_test_key_" + customer }
func apiKeyOf(customer string) string     { return "ashby_test_key_" + customer }
