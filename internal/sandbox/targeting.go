package sandbox

import (
	"flag"
	"slices"
	"strconv"
)

// targeting is how a command is told of the provider: by flags, else by the environment,
// else by sandbox.yaml.
type targeting struct {
	c           *command
	places      places
	provider    string
	file        string
	allowRemote texts
	demo        bool
	start       string
	listen      string
	insecure    bool
	seed        uint64
	seedSet     bool
}

// targetFlags declares the flags that say where the provider is.
func (c *command) targetFlags(f *flag.FlagSet) *targeting {
	t := &targeting{c: c, seed: 1}
	f.StringVar(&t.file, "config", "", "`FILE` to read instead of "+configFile+" in this folder")
	f.StringVar(&t.provider, "provider", "", "base `URL` of your service, with the paths of examples/provider below it (else $"+providerVariable+")")
	for _, p := range placeFlags {
		f.StringVar(p.at(&t.places), p.flag, "", p.text+" (else $"+p.variable+")")
	}
	f.Var(&t.allowRemote, "allow-remote", "`HOST` of your service that is neither on this machine nor in a private network; may be repeated")
	f.BoolVar(&t.demo, "demo", false, "use the small provider of the demonstration that is built in")
	f.StringVar(&t.start, "start", "", "`COMMAND` that runs your service; it ends with this one")
	f.StringVar(&t.listen, "listen", DefaultListen, "`ADDRESS` of the page; the simulators take the three ports after it")
	f.Func("seed", "`NUMBER` that determines every id (1)", func(text string) (err error) {
		t.seedSet = true
		t.seed, err = strconv.ParseUint(text, 10, 64)
		return err
	})
	return t
}

// resolved is what a command knows of the provider.
type resolved struct {
	Settings
	config
	named bool // somebody said where the provider is
}

// resolve reads what there is to read.
func (t *targeting) resolve() (resolved, error) {
	file, err := readConfig(t.file, t.c.env)
	if err != nil {
		return resolved{}, failure{ExitUsage, err}
	}
	if file.file != "" && t.file == "" {
		t.c.say("reading %s", file.file)
	}
	found := t.places
	if t.provider != "" {
		found = found.or(placesBelow(t.provider))
	}
	found = found.or(placesIn(t.c.env)).or(file.places)
	r := resolved{config: file, named: found.known() || t.demo}
	r.Settings = Settings{Seed: t.seed, AllowRemote: t.allowRemote, Demo: t.demo, References: file.references, Vendors: map[string]VendorSettings{}}
	for _, vendor := range Vendors {
		v := file.vendors[vendor]
		v.Target = found.target(vendor)
		r.Vendors[vendor] = v
	}
	r.start = orDefault(t.start, r.start)
	return r, nil
}

// orElse looks for the provider at the default address if nobody said where it is.
func (r resolved) orElse(base string) resolved {
	if r.named {
		return r
	}
	p := placesBelow(base)
	for _, vendor := range Vendors {
		v := r.Vendors[vendor]
		v.Target = p.target(vendor)
		r.Vendors[vendor] = v
	}
	return r
}

// options serve the sandbox.
func (t *targeting) options(r resolved) Options {
	return Options{Settings: r.Settings, Listen: t.listen, Insecure: t.insecure}
}

// origins are where the simulators of a sandbox are that listens at an address.
func origins(listen string) (map[string]string, error) {
	host, port, err := splitListen(listen)
	if err != nil {
		return nil, usagef("%w", err)
	}
	all := map[string]string{}
	for i, vendor := range Vendors {
		if port == 0 {
			return nil, usagef("the ports are not known before a sandbox runs: name one in --listen")
		}
		all[vendor] = "http://" + joinPort(host, port+1+i)
	}
	return all, nil
}

func (t *targeting) printsEnv(r resolved, checks bool, form string) (string, error) {
	s := r.complete()
	var err error
	if s.Origins, err = origins(t.listen); err != nil {
		return "", err
	}
	pairs := s.environment()
	if checks {
		pairs = slices.Concat(pairs, s.checkEnvironment())
	}
	return s.format(pairs, form), nil
}
