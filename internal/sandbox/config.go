package sandbox

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// configFile is the name of the configuration, which is read from the working folder
// unless another file is named.
const configFile = "sandbox.yaml"

// config is what sandbox.yaml says.
type config struct {
	places
	file    string // empty: there is none
	base    string // of the provider
	start   string // a command that runs it
	ready   string // URL that answers once it runs
	vendors map[string]VendorSettings
	// references are the variables from which secrets came, as ${NAME}, by secret.
	references map[string]string
	check      checkConfig
}

// checkConfig is what the checks have to know of the provider.
type checkConfig struct {
	Known    string // file
	Settle   time.Duration
	Patience time.Duration
	Without  []string
	Hooks    checkHooks
}

// checkHooks are what a build of the provider for tests offers to the checks.
type checkHooks struct {
	Package         string `json:"package,omitempty"`
	RejectedPackage string `json:"rejected_package,omitempty"`
	FaultPackage    string `json:"fault_package,omitempty"`
	ConflictPackage string `json:"conflict_package,omitempty"`
	EmptyAccount    string `json:"empty_account,omitempty"` // at StackOne, with no packages
	EmptyKey        string `json:"empty_key,omitempty"`     // of a customer at Ashby with no assessments
	Finish          string `json:"finish,omitempty"`        // URL that takes an order and its result
	Reconcile       string `json:"reconcile,omitempty"`     // URL at which the provider looks for lost orders
	Started         string `json:"started,omitempty"`       // URL that tells how often an order was started
	Packages        string `json:"packages,omitempty"`      // URL that tells which packages a customer may order
}

// readConfig reads sandbox.yaml. Without a name it is the one in the working folder, if
// there is one.
func readConfig(name string, env func(string) string) (config, error) {
	named := name != ""
	name = orDefault(name, configFile)
	file, err := os.Open(filepath.Clean(name))
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return config{}, nil
	case err != nil:
		return config{}, err
	}
	r := configReader{env: env, config: &config{file: name, references: map[string]string{}, vendors: map[string]VendorSettings{}}}
	err = yamlfile.Read(file, name, r.top)
	return *r.config, err
}

// configReader reads the values of sandbox.yaml.
type configReader struct {
	env func(string) string
	*config
}

func (r configReader) top(v yamlfile.Value) {
	top, ok := v.Mapping("provider", Kombo, StackOne, Ashby, "check")
	if !ok {
		return
	}
	r.provider(top)
	sections := map[string]func(yamlfile.Mapping){Kombo: r.komboSection, StackOne: r.stackoneSection, Ashby: r.ashbySection}
	served := false
	for _, vendor := range Vendors {
		if !top.Has(vendor) {
			continue
		}
		served = true
		section, isMapping := yamlfile.Mapping{}, true
		if value, filled := top.Field(vendor); filled {
			section, isMapping = value.Mapping(sectionFields[vendor]...)
		}
		if isMapping {
			sections[vendor](section)
		}
	}
	if !served && r.base != "" {
		r.places = placesBelow(r.base)
	}
	r.places = r.withPackages()
	if value, filled := top.Field("check"); filled {
		r.checkSection(value)
	}
}

var sectionFields = map[string][]string{
	Kombo:    {"webhook", "key", "secret", "customers", "quirks"},
	StackOne: {"webhook", "packages", "key", "secret", "customers", "quirks"},
	Ashby:    {"base", "webhook", "key", "partner_key", "secret", "customers", "quirks"},
}

func (r configReader) provider(top yamlfile.Mapping) {
	value, filled := top.Field("provider")
	if !filled {
		return
	}
	m, ok := value.Mapping("base", "start", "ready")
	if !ok {
		return
	}
	r.base = strings.TrimSuffix(r.address(m, "base", ""), "/")
	r.start = m.Text("start")
	r.ready = r.address(m, "ready", "")
}

func (r configReader) komboSection(m yamlfile.Mapping) {
	r.Kombo = r.address(m, "webhook", komboPath)
	r.vendors[Kombo] = VendorSettings{
		Key: r.secret(m, "key"), Secret: r.secret(m, "secret"), Quirks: quirksOf(m, Kombo),
		Customers: r.customers(m, "tool", func(name, tool string) string { return tool + ":" + madeOf(name, 24) }),
	}
}

func (r configReader) stackoneSection(m yamlfile.Mapping) {
	r.StackOne = r.address(m, "webhook", stackonePath)
	r.Packages = r.address(m, "packages", "")
	r.vendors[StackOne] = VendorSettings{
		Key: r.secret(m, "key"), Secret: r.secret(m, "secret"), Quirks: quirksOf(m, StackOne),
		Customers: r.customers(m, "provider", func(name, _ string) string { return "4" + digitsOf(name, 19) }),
	}
}

func (r configReader) ashbySection(m yamlfile.Mapping) {
	r.Ashby = r.address(m, "base", ashbyPath)
	r.AshbyWebhook = r.address(m, "webhook", "")
	r.vendors[Ashby] = VendorSettings{
		Key: r.secret(m, "key"), PartnerKey: r.secret(m, "partner_key"), Secret: r.secret(m, "secret"), Quirks: quirksOf(m, Ashby),
		Customers: r.customers(m, "", func(name, _ string) string { return slug(name) }),
	}
}

// customers reads the customers of a vendor. The id is made of the name, so that it is
// the same every time, unless it is given.
func (r configReader) customers(m yamlfile.Mapping, tool string, makeID func(name, tool string) string) []Customer {
	fields := []string{"name", "id"}
	if tool != "" {
		fields = append(fields, tool)
	} else {
		fields = append(fields, "partner_key", "key")
	}
	var list []Customer
	for i, value := range m.List("customers") {
		one, ok := value.Element("customer", i).Mapping(fields...)
		if !ok {
			continue
		}
		c := Customer{Name: one.Required("name"), ID: one.Text("id"), ATS: Ashby}
		if tool != "" {
			c.ATS = one.ID(tool)
		} else {
			c.PartnerKey, c.Key = r.secret(one, "partner_key"), r.secret(one, "key")
		}
		c.ID = orDefault(c.ID, makeID(c.Name, c.ATS))
		if slices.ContainsFunc(list, func(other Customer) bool { return other.ID == c.ID }) {
			one.Problemf("a second customer with the id %q", c.ID)
			continue
		}
		list = append(list, c)
	}
	return list
}

// textsOf are the texts of a list.
func textsOf(m yamlfile.Mapping, name string) []string {
	var list []string
	for _, value := range m.List(name) {
		list = append(list, value.Text("an element of "+name))
	}
	return list
}

func quirksOf(m yamlfile.Mapping, vendor string) map[string]bool {
	on := map[string]bool{}
	for _, name := range textsOf(m, "quirks") {
		if err := knownQuirk(vendor, name); err != nil {
			m.ProblemOf("quirks", "%v", err)
			continue
		}
		on[name] = true
	}
	return on
}

func (r configReader) checkSection(v yamlfile.Value) {
	m, ok := v.Mapping("known", "settle", "patience", "without", "package", "rejected_package", "fault_package", "conflict_package",
		"empty_account", "empty_key", "finish", "reconcile", "started", "packages")
	if !ok {
		return
	}
	c := &r.check
	if c.Known = m.Text("known"); c.Known != "" && !filepath.IsAbs(c.Known) {
		c.Known = filepath.Join(filepath.Dir(r.file), c.Known)
	}
	c.Settle, c.Patience = durationOf(m, "settle"), durationOf(m, "patience")
	for _, name := range textsOf(m, "without") {
		if !slices.Contains(check.Capabilities(), name) {
			m.ProblemOf("without", "nothing is called %q that a service could do without: there are %s", name, strings.Join(check.Capabilities(), ", "))
		}
		c.Without = append(c.Without, name)
	}
	c.Hooks = checkHooks{
		Package: m.Text("package"), RejectedPackage: m.Text("rejected_package"), FaultPackage: m.Text("fault_package"),
		ConflictPackage: m.Text("conflict_package"), EmptyAccount: m.Text("empty_account"), EmptyKey: r.secret(m, "empty_key"),
		Finish: r.address(m, "finish", ""), Reconcile: r.address(m, "reconcile", ""),
		Started: r.address(m, "started", ""), Packages: r.address(m, "packages", ""),
	}
}

func durationOf(m yamlfile.Mapping, name string) time.Duration {
	text := m.Text(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		m.ProblemOf(name, "%s has to be a duration such as 2s", name)
	}
	return d
}

// address reads a URL, or a path below the base of the provider.
func (r configReader) address(m yamlfile.Mapping, name, otherwise string) string {
	base := orDefault(r.base, defaultProvider)
	text := m.Text(name)
	switch {
	case text == "" && otherwise == "":
		return ""
	case text == "":
		return base + otherwise
	case strings.HasPrefix(text, "/"):
		return base + r.expand(m, name, text)
	}
	u, err := url.Parse(variable.ReplaceAllString(text, "x"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		m.ProblemOf(name, "%s has to be an http or https URL, or a path that begins with /", name)
		return ""
	}
	if password, _ := u.User.Password(); password != "" && password != "x" {
		m.ProblemOf(name, "the password in %s has to be ${NAME}: name a variable of the environment", name)
		return ""
	}
	return r.expand(m, name, text)
}

var (
	variable      = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	wholeVariable = regexp.MustCompile(`^` + variable.String() + `$`)
)

// expand puts in the variables of the environment.
func (r configReader) expand(m yamlfile.Mapping, name, text string) string {
	return variable.ReplaceAllStringFunc(text, func(reference string) string {
		value := r.env(reference[2 : len(reference)-1])
		if value == "" {
			m.ProblemOf(name, "the environment has no %s, or it is empty", reference)
		}
		return value
	})
}

// secret reads a key or secret. In the file stands only the name of a variable, so that
// the file can be shared; the secrets for tests are known anyway.
func (r configReader) secret(m yamlfile.Mapping, name string) string {
	text := m.Text(name)
	switch {
	case text == "" || builtIn(text):
		return text
	case !wholeVariable.MatchString(text):
		m.ProblemOf(name, "%s has to be ${NAME}: name a variable of the environment, so that the secret stays out of this file", name)
		return ""
	}
	value := r.expand(m, name, text)
	r.references[value] = text
	return value
}

// madeOf is a text of n letters and digits that depends on a name only.
func madeOf(name string, n int) string {
	text := sumOf(name).Text(62)
	return text[:n]
}

func digitsOf(name string, n int) string { return sumOf(name).Text(10)[:n] }

func sumOf(name string) *big.Int {
	sum := sha256.Sum256([]byte(name))
	sum[0] |= 0x80 // as many digits for every name
	return new(big.Int).SetBytes(sum[:])
}

// slug is a name in lower case, with hyphens for all that is neither letter nor digit.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return orDefault(strings.Join(words, "-"), madeOf(name, 8))
}
