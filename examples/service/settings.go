package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/assessbridge/assessbridge/assessment"
)

// prefix begins the name of every variable.
const prefix = "ASSESSBRIDGE_"

// settings are everything that differs between two installations. A field is
// read from the file under its yaml name, then from the environment under that
// name in capitals behind prefix, then from a flag if it is tagged so.
type settings struct {
	DB             string        `yaml:"db" flag:"db" help:"a SQLite file, or postgres://… for any number of processes"`
	PollOnly       bool          `yaml:"poll_only" help:"do without LISTEN, for PgBouncer in transaction mode"`
	Hold           bool          `yaml:"hold" flag:"hold" help:"answer the operator's commands and do nothing else: for what has to be erased after a restore, before anything is started or written"`
	Migrate        bool          `yaml:"migrate" help:"make or update the tables at the start; needs the right to create"`
	Listen         string        `yaml:"listen" flag:"listen" help:"address for the vendors and for results"`
	OpsListen      string        `yaml:"ops_listen" flag:"ops-listen" help:"address for health, metrics and the operator's pages; not for the internet"`
	OpsToken       string        `yaml:"ops_token" help:"password of the operator's pages, 16 characters or more; without it there are none"`
	OpsHosts       []string      `yaml:"ops_hosts" help:"names of the second port for operators beside localhost and addresses, such as [ops.internal]"`
	MetricsEvery   time.Duration `yaml:"metrics_every" help:"how often the numbers of the database are read for /metrics, by one process of all"`
	JobsWrite      bool          `yaml:"jobs_write" flag:"jobs-write" help:"let operators change jobs on River's page"`
	PublicURL      string        `yaml:"public_url" help:"what links for candidates and recruiters begin with"`
	Catalogue      string        `yaml:"catalogue" flag:"catalogue" help:"YAML file of what can be ordered; the built-in example if empty"`
	Results        string        `yaml:"results_token" help:"bearer token of your systems that hand in results, 16 characters or more; without it none are taken"`
	SubjectKey     string        `yaml:"subject_key" help:"secret for erasure by candidate; must never change"`
	Drain          time.Duration `yaml:"drain" help:"how long running work may take to end after SIGTERM"`
	DrainAfter     time.Duration `yaml:"drain_after" help:"how long after SIGTERM orders are still taken, while /readyz says 503 to the load balancer"`
	KomboKey       string        `yaml:"kombo_api_key" help:"ks_prod_… or ks_dev_…"`
	KomboSecret    string        `yaml:"kombo_webhook_secret" help:"as shown in Kombo's dashboard"`
	KomboOld       string        `yaml:"kombo_webhook_secret_old" help:"the one before, or the one to come: what is signed with either is taken"`
	KomboRegion    string        `yaml:"kombo_region" help:"eu or us"`
	KomboURL       string        `yaml:"kombo_base_url" help:"in the place of Kombo's own, for tests"`
	Integrations   []string      `yaml:"kombo_integrations" help:"customers connected before the service was there, such as [workday:HWUT]"`
	CatalogueEvery time.Duration `yaml:"kombo_catalogue_every" help:"how often it is looked who does not have the catalogue yet"`
	Reconcile      time.Duration `yaml:"kombo_reconcile_every" help:"how often lost orders of a customer in use are looked for, where nothing told of any"`
	MinAge         time.Duration `yaml:"kombo_reconcile_min_age" help:"younger orders are left to their webhook"`
	CallsPerMinute int           `yaml:"kombo_calls_per_minute" help:"Kombo's limit for your key; a fifth of it is used to look for lost orders"`
	MaxStarts      int           `yaml:"kombo_max_starts" help:"how many lost orders of a customer are started at once; more are held until somebody has looked"`
	StackOneKey    string        `yaml:"stackone_api_key" help:"v1.…"`
	StackOneSecret string        `yaml:"stackone_webhook_secret" help:"as shown in StackOne's dashboard"`
	StackOneOld    string        `yaml:"stackone_webhook_secret_old" help:"the one before, or the one to come: what is signed with either is taken"`
	StackOneURL    string        `yaml:"stackone_base_url" help:"in the place of StackOne's own, for tests"`
	Emergency      string        `yaml:"stackone_emergency" help:"folder for StackOne's orders while the database is away; they do not come again"`
	Customers      []customer    `yaml:"ashby_customers" help:"[{name: acme, our_key: …, ashby_key: …}]"`
	AshbyURL       string        `yaml:"ashby_base_url" help:"in the place of Ashby's own, for tests"`
}

func defaults() settings {
	return settings{
		DB: "service.db", Migrate: true, Listen: ":8080", OpsListen: "127.0.0.1:8081", KomboRegion: "eu",
		MetricsEvery: 30 * time.Second, Drain: 25 * time.Second, CatalogueEvery: time.Minute, Reconcile: time.Hour, MinAge: 5 * time.Minute, CallsPerMinute: 300, MaxStarts: 50,
	}
}

// field is one setting, by its names.
type field struct {
	name, variable, flag, help string
	value                      reflect.Value
}

func (s *settings) fields() []field {
	var all []field
	for i, v := 0, reflect.ValueOf(s).Elem(); i < v.NumField(); i++ {
		tag := v.Type().Field(i).Tag
		name := tag.Get("yaml")
		all = append(all, field{name, prefix + strings.ToUpper(name), tag.Get("flag"), tag.Get("help"), v.Field(i)})
	}
	return all
}

// set reads a text. Its error does not show the text, which may be a secret.
func (f field) set(text string) error {
	var err error
	switch into := f.value.Addr().Interface().(type) {
	case *string:
		*into = text
	case *bool:
		if *into, err = strconv.ParseBool(text); err != nil {
			return errors.New("want true or false")
		}
	case *int:
		if *into, err = strconv.Atoi(text); err != nil {
			return errors.New("want a number")
		}
	case *time.Duration:
		if *into, err = time.ParseDuration(text); err != nil {
			return errors.New("want a duration such as 25s or 5m")
		}
	default:
		if err := decode(strings.NewReader(text), into); err != nil {
			return fmt.Errorf("want %s: %w", f.help, err)
		}
	}
	return nil
}

// command is what the command line asks for beside the settings.
type command struct {
	settings
	simulate, migrate bool
}

// read takes the settings from the file, the environment and the flags.
func read(args, environ []string, out io.Writer) (command, error) {
	c := command{settings: defaults()}
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.BoolVar(&c.simulate, "simulate", false, "play orders against simulated vendors, and exit 0 if nothing is lost or doubled")
	flags.BoolVar(&c.migrate, "migrate", false, "make or update the tables, and exit")
	file := flags.String("config", "", "YAML file of settings; also "+prefix+"CONFIG")
	flags.Usage = func() { usage(flags, c.fields()) }
	given := make(map[string]*string)
	for _, f := range c.fields() {
		if f.flag != "" && f.value.Kind() == reflect.Bool {
			given[f.flag] = new(string)
			flags.BoolFunc(f.flag, f.help, func(text string) error { *given[f.flag] = text; return nil })
		} else if f.flag != "" {
			given[f.flag] = flags.String(f.flag, "", f.help)
		}
	}
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("unknown argument %q; see --help", flags.Arg(0))
	}
	if c.simulate {
		return c, nil
	}
	if err := c.environment(environ, file); err != nil {
		return c, err
	}
	for _, f := range c.fields() {
		if text := given[f.flag]; text != nil && *text != "" {
			if err := f.set(*text); err != nil {
				return c, fmt.Errorf("--%s: %w", f.flag, err)
			}
		}
	}
	return c, c.check()
}

// environment reads the variables, and before them the file that one of them
// may name.
func (s *settings) environment(environ []string, file *string) error {
	variables := make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	if *file == "" {
		*file = variables[prefix+"CONFIG"]
	}
	if *file != "" {
		if err := s.file(*file); err != nil {
			return err
		}
	}
	known := map[string]bool{prefix + "CONFIG": true}
	for _, f := range s.fields() {
		known[f.variable] = true
		if text, ok := variables[f.variable]; ok {
			if err := f.set(text); err != nil {
				return fmt.Errorf("%s: %w", f.variable, err)
			}
		}
	}
	for name := range variables {
		for meant := range known {
			if !known[name] && distance(strings.ToUpper(name), meant) <= 2 {
				return fmt.Errorf("unknown variable %s: did you mean %s?", name, meant)
			}
		}
	}
	return nil
}

func (s *settings) file(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := decode(f, s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// decode reads one YAML document strictly. Its error has lines, and no value.
func decode(r io.Reader, into any) error {
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	err := d.Decode(into)
	if err == nil && !errors.Is(d.Decode(new(any)), io.EOF) {
		return errors.New("want one YAML document")
	}
	if err == nil || errors.Is(err, io.EOF) { // an empty file says nothing
		return nil
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ")
	text = unknownField.ReplaceAllString(text, `unknown setting "$1"`)
	return errors.New(quoted.ReplaceAllString(strings.ReplaceAll(text, "\n  ", "; "), ""))
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	quoted       = regexp.MustCompile("(?s) `.*?`")
)

// check says what is missing, by the name of its variable.
func (s *settings) check() error {
	vendors := [][]string{
		{"kombo_api_key", "kombo_webhook_secret"}, {"stackone_api_key", "stackone_webhook_secret"}, {"ashby_customers"},
	}
	texts := make(map[string]string)
	for _, f := range s.fields() {
		texts[f.name] = f.value.String()
	}
	texts["ashby_customers"] = strings.Repeat("x", len(s.Customers))
	complete := 0
	for _, needs := range vendors {
		var missing []string
		for _, name := range needs {
			if texts[name] == "" {
				missing = append(missing, prefix+strings.ToUpper(name))
			}
		}
		if len(missing) > 0 && len(missing) < len(needs) {
			return fmt.Errorf("%s is missing", missing[0])
		}
		if len(missing) == 0 {
			complete++
		}
	}
	u, err := url.Parse(s.DB)
	switch {
	case complete == 0:
		return fmt.Errorf("no vendor is configured: set %[1]sKOMBO_API_KEY and %[1]sKOMBO_WEBHOOK_SECRET, "+
			"%[1]sSTACKONE_API_KEY and %[1]sSTACKONE_WEBHOOK_SECRET, or %[1]sASHBY_CUSTOMERS; see --help, or try --simulate", prefix)
	case s.PublicURL == "":
		return errors.New(prefix + "PUBLIC_URL is missing")
	case !assessment.Link(s.PublicURL).Valid():
		return errors.New(prefix + "PUBLIC_URL: want an absolute http or https URL")
	case s.OpsToken != "" && len(s.OpsToken) < 16:
		return errors.New(prefix + "OPS_TOKEN: want 16 characters or more")
	case s.Results != "" && len(s.Results) < 16:
		return errors.New(prefix + "RESULTS_TOKEN: want 16 characters or more")
	case s.Drain <= 0 || s.DrainAfter < 0 || s.Reconcile <= 0 || s.MinAge <= 0 || s.CatalogueEvery <= 0:
		return errors.New(prefix + "DRAIN, DRAIN_AFTER, KOMBO_CATALOGUE_EVERY, KOMBO_RECONCILE_EVERY, KOMBO_RECONCILE_MIN_AGE: want positive durations")
	case s.MetricsEvery < 0:
		return errors.New(prefix + "METRICS_EVERY: want a duration, or 0 to read at every scrape")
	case s.CallsPerMinute <= 0 || s.MaxStarts <= 0:
		return errors.New(prefix + "KOMBO_CALLS_PER_MINUTE, KOMBO_MAX_STARTS: want positive numbers")
	case err != nil, u.Scheme != "" && !s.postgres():
		return errors.New(prefix + "DB: want a file or postgres://…")
	}
	for _, c := range s.Customers {
		if c.Name == "" || c.OurKey == "" || c.AshbyKey == "" {
			return errors.New(prefix + "ASHBY_CUSTOMERS: each needs name, our_key and ashby_key")
		}
	}
	return nil
}

func (s *settings) postgres() bool {
	return strings.HasPrefix(s.DB, "postgres://") || strings.HasPrefix(s.DB, "postgresql://")
}

func usage(flags *flag.FlagSet, fields []field) {
	out := flags.Output()
	_, _ = fmt.Fprint(out, "Usage: service [flags]\n       service COMMAND [flags]\n\nFlags:\n")
	flags.PrintDefaults()
	_, _ = fmt.Fprintf(out, "\nVariables (in the file of --config: in small letters, without %s):\n", prefix)
	for _, f := range fields {
		standard := ""
		if !f.value.IsZero() {
			standard = fmt.Sprintf(" (default %v)", f.value.Interface())
		}
		_, _ = fmt.Fprintf(out, "  %s\n    \t%s%s\n", f.variable, f.help, standard)
	}
	commandsUsage(out)
}

// distance is how many letters have to be changed, put in or left out to get
// from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before, row[j+1] = row[j+1], min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
