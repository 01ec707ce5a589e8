package sandbox

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed web
var web embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"label":     label,
	"orderLink": orderLink,
	"webLink":   webLink,
	"pretty":    pretty,
	"headers":   headerLines,
	"ms":        milliseconds,
	"short":     short,
	"moment":    moment,
	"atsLabel":  atsLabel,
	"add":       func(a, b int) int { return a + b },
}).ParseFS(web, "web/*.html"))

// page serves the page and its API.
type page struct {
	app    *App
	demo   bool
	ctx    context.Context // of the sandbox: what was begun goes on when a browser leaves
	health *health
	mux    *http.ServeMux
	token  string
}

func newPage(ctx context.Context, app *App, demonstration bool) *page {
	p := &page{app: app, demo: demonstration, ctx: ctx, health: newHealth(app), mux: http.NewServeMux()}
	p.mux.HandleFunc("GET /{$}", p.showAll)
	p.mux.HandleFunc("GET /o/{vendor}/{order}", p.showOrder)
	p.mux.HandleFunc("GET /x/{n}", p.showRow)
	p.mux.HandleFunc("GET /a/{vendor}/{order}/{n}", p.download)
	p.mux.HandleFunc("GET /web/{file}", serveFile)
	p.mux.HandleFunc("GET /har/{vendor}/{order}", p.downloadHAR)
	p.mux.HandleFunc("POST /do/order", p.doOrder)
	p.mux.HandleFunc("POST /do/verb", p.doVerb)
	p.mux.HandleFunc("POST /do/customer", p.doCustomer)
	p.mux.HandleFunc("POST /do/packages", p.doPackages)
	p.mux.HandleFunc("POST /do/quirk", p.doQuirk)
	p.mux.HandleFunc("POST /do/resend", p.doResend)
	p.mux.HandleFunc("POST /do/reset", p.doReset)
	p.routeAPI()
	return p
}

// guarded is the page behind all that keeps others out.
func (p *page) guarded(token, address string) http.Handler {
	port := address[strings.LastIndexByte(address, ':')+1:]
	inner := tokenCheck{token: token, cookie: "sandbox-" + port, next: p.mux}
	return safeHeaders(http.NewCrossOriginProtection().Handler(inner))
}

// maxForm is how large a form may be.
const maxForm = 4 << 20

// view is what the page shows.
type view struct {
	Path      string // with the query, for forms to lead back to
	Vendor    string // of the tab; empty: all
	Vendors   []string
	Customers []customerView
	Choices   []choiceView
	Groups    []groupView
	Faults    []faultView
	Packages  []Package
	Demo      bool
	Env       string
	Health    []endpointHealth
	Quirks    []quirkView
	Form      Request
	Remote    string // the domain of a candidate that is not example.com
	Problem   string
	Notice    string // what was done and is no exchange
	Last      int    // id of the latest news

	Card      *Card
	Rows      []Row
	Total     int
	Row       *rowView
	Verdict   string
	HasOrders bool
}

type customerView struct {
	Vendor   string
	Customer Customer
	Packages []Package
	Asks     bool // the ATS asks the provider for packages
	Verbs    []Verb
}

type groupView struct {
	Name  Group
	Cards []cardView
}

type cardView struct {
	Card
	Now   bool   // it is the chosen one
	Tab   string // query of the vendor's tab
	Admin []Verb // what can be done to the customer
	Back  string // path for its forms to lead back to
}

// choiceView are the customers of a vendor, in the order form.
type choiceView struct {
	Vendor    string
	Customers []Customer
}

type faultView struct{ Vendor, Name string }

type quirkView struct {
	Quirk
	On bool
}

// shownRows are the latest rows when no order is chosen.
const shownRows = 60

// shownCards bounds the cards of a group.
const shownCards = 50

// view is what the page shows with an order chosen; nil: none is.
func (p *page) view(r *http.Request, chosen *Card) view {
	v := view{
		Path: r.URL.RequestURI(), Vendors: Vendors, Demo: p.demo, Env: p.app.Env("sh"), Last: p.app.journal.now(),
		Health: p.health.latest(), Problem: r.URL.Query().Get("problem"), Notice: notices()[r.URL.Query().Get("done")], Form: Request{}.withCandidate(), Card: chosen,
	}
	if given := r.URL.Query().Get("vendor"); slices.Contains(Vendors, given) {
		v.Vendor = given
	}
	faults, verbs := map[string]bool{}, map[string][]Verb{}
	for _, vendor := range Vendors {
		if v.Vendor != "" && v.Vendor != vendor {
			continue
		}
		sim, err := p.app.sim(vendor)
		if err != nil {
			continue
		}
		verbs[vendor] = sim.customerVerbs()
		v.Choices = append(v.Choices, choiceView{vendor, sim.customers()})
		for _, c := range sim.customers() {
			packages := sim.packages(c.ID)
			v.Customers = append(v.Customers, customerView{vendor, c, packages, vendor != Kombo, sim.customerVerbs()})
			for _, offered := range packages {
				if !slices.Contains(v.Packages, offered) {
					v.Packages = append(v.Packages, offered)
				}
			}
		}
		for _, name := range sim.faults() {
			faults[name] = true
		}
		on := p.app.vendorSettings(vendor).Quirks
		for _, q := range Quirks {
			if q.Vendor == vendor {
				v.Quirks = append(v.Quirks, quirkView{q, on[q.Name]})
			}
		}
	}
	for name := range faults {
		v.Faults = append(v.Faults, faultView{v.Vendor, name})
	}
	slices.SortFunc(v.Faults, func(a, b faultView) int { return strings.Compare(a.Name, b.Name) })
	cards := p.app.Cards(v.Vendor)
	v.HasOrders = len(cards) > 0
	for _, name := range groups {
		g := groupView{Name: name}
		for _, c := range cards {
			if c.Group == name && len(g.Cards) < shownCards {
				now := chosen != nil && chosen.Vendor == c.Vendor && chosen.ID == c.ID
				g.Cards = append(g.Cards, cardView{c, now, vendorQuery(v.Path), verbs[c.Vendor], v.Path})
			}
		}
		if len(g.Cards) > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
	return v
}

func (p *page) showAll(w http.ResponseWriter, r *http.Request) {
	v := p.view(r, nil)
	v.Rows = p.app.journal.timeline(func(row *Row) bool { return v.Vendor == "" || row.Vendor == v.Vendor })
	if n := len(v.Rows); n > shownRows {
		v.Rows = v.Rows[n-shownRows:]
	}
	render(w, http.StatusOK, v)
}

func (p *page) showOrder(w http.ResponseWriter, r *http.Request) {
	ref := Ref{r.PathValue("vendor"), r.PathValue("order")}
	c, found := p.app.Card(ref)
	if !found {
		p.showNothing(w, r, "There is no such order, or no longer.")
		return
	}
	v := p.view(r, &c)
	v.Rows = p.app.Timeline(ref)
	render(w, http.StatusOK, v)
}

func (p *page) showRow(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.PathValue("n"))
	row, found := p.app.journal.row(n)
	if !found {
		p.showNothing(w, r, "There is no such exchange, or no longer.")
		return
	}
	ref := Ref{row.Vendor, row.Order}
	var chosen *Card
	if c, found := p.app.Card(ref); found {
		chosen = &c
	}
	v := p.view(r, chosen)
	v.Rows = []Row{row}
	if chosen != nil {
		v.Rows = p.app.Timeline(ref)
	}
	v.Row = p.rowView(row, r.URL.Query())
	render(w, http.StatusOK, v)
}

// showNothing shows the page without what was asked for. A form that made it go leads
// here, and what it did is said.
func (p *page) showNothing(w http.ResponseWriter, r *http.Request, problem string) {
	v := p.view(r, nil)
	v.Path = "/" + vendorQuery(v.Path)
	if v.Problem == "" {
		v.Problem = problem
	}
	render(w, http.StatusNotFound, v)
}

// notices are what is said of actions that are no exchange, by what they did.
var notices = sync.OnceValue(func() map[string]string {
	all := map[string]string{
		"switch": "The vendor began anew with the changed rule: its orders are gone.",
		"reset":  "The sandbox was reset: all orders are gone, and their ids come again.",
	}
	for _, v := range []Verb{verbConnect, verbReset, verbRotate, verbRevoke, verbExpire, verbMend, verbPing} {
		all[v.Name+"-customer"] = v.Label + ": " + v.Why + "."
	}
	return all
})

func render(w http.ResponseWriter, status int, v view) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "page.html", v); err != nil {
		http.Error(w, "the page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

var files = map[string]string{"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}

func serveFile(w http.ResponseWriter, r *http.Request) {
	kind, found := files[r.PathValue("file")]
	if !found {
		http.NotFound(w, r)
		return
	}
	data, err := web.ReadFile("web/" + r.PathValue("file"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(data)
}

// download hands out an attachment. A browser must not show it: its content is the
// provider's.
func (p *page) download(w http.ResponseWriter, r *http.Request) {
	c, found := p.app.Card(Ref{r.PathValue("vendor"), r.PathValue("order")})
	n, err := strconv.Atoi(r.PathValue("n"))
	if !found || err != nil || n < 0 || n >= len(c.Files) || c.Files[n].Data == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="attachment-`+strconv.Itoa(n+1)+`.bin"; filename*=UTF-8''`+url.PathEscape(c.Files[n].Name))
	_, _ = w.Write(c.Files[n].Data)
}

// patience is how long a form waits for the answer of the provider before it leads
// back to the page, where the answer will be shown.
const patience = 3 * time.Second

// act runs an action that goes on when the browser leaves, and leads to where it can
// be seen.
func (p *page) act(w http.ResponseWriter, r *http.Request, notice string, do func(context.Context) (Done, error)) {
	type result struct {
		done Done
		err  error
	}
	back := backTo(r)
	results := make(chan result, 1)
	go func() {
		done, err := do(p.ctx)
		results <- result{done, err}
	}()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case got := <-results:
		switch {
		case got.err != nil:
			back = withQuery(back, "problem", got.err.Error())
		case got.done.Order != "":
			back = orderLink(got.done.Vendor, got.done.Order) + vendorQuery(back)
		case len(got.done.Rows) > 0:
			back = "/x/" + strconv.Itoa(got.done.Rows[0]) + vendorQuery(back)
		case notice != "":
			back = withQuery(back, "done", notice)
		}
	case <-wait.C:
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// backTo is the path that the form was on.
func backTo(r *http.Request) string {
	u, err := url.Parse(r.PostFormValue("back"))
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	query := u.Query()
	query.Del("problem")
	query.Del("done")
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: query.Encode()}).String()
}

func withQuery(path, name, value string) string {
	u, err := url.Parse(path)
	if err != nil {
		return "/"
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// vendorQuery keeps the tab.
func vendorQuery(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Query().Get("vendor") == "" {
		return ""
	}
	return "?vendor=" + url.QueryEscape(u.Query().Get("vendor"))
}

// form parses a form that is not too large.
func form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "that form cannot be read", status)
		return false
	}
	return true
}

func (p *page) doOrder(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	vendor, customer, _ := strings.Cut(r.PostFormValue("customer"), " ")
	request := Request{
		Vendor: vendor, Customer: customer, Kind: r.PostFormValue("kind"), Package: strings.TrimSpace(r.PostFormValue("package")),
		First: r.PostFormValue("first"), Last: r.PostFormValue("last"), Email: r.PostFormValue("email"),
		Faults: splitFaults(r.PostFormValue("faults")), Twice: r.PostFormValue("twice") != "",
	}
	p.act(w, r, "", func(ctx context.Context) (Done, error) { return p.app.Place(ctx, request) })
}

// splitFaults reads several faults from one field.
func splitFaults(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, " + ") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (p *page) doVerb(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	ref := Ref{r.PostFormValue("vendor"), r.PostFormValue("order")}
	p.act(w, r, "", func(ctx context.Context) (Done, error) { return p.app.Act(ctx, r.PostFormValue("verb"), ref) })
}

func (p *page) doCustomer(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	p.act(w, r, r.PostFormValue("verb")+"-customer", func(ctx context.Context) (Done, error) {
		return p.app.Serve(ctx, r.PostFormValue("vendor"), r.PostFormValue("verb"), r.PostFormValue("customer"))
	})
}

func (p *page) doPackages(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	p.act(w, r, "", func(ctx context.Context) (Done, error) {
		return p.app.Ask(ctx, r.PostFormValue("vendor"), r.PostFormValue("customer"), splitFaults(r.PostFormValue("faults")))
	})
}

func (p *page) doQuirk(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	p.act(w, r, "switch", func(context.Context) (Done, error) {
		return Done{}, p.app.Switch(r.PostFormValue("vendor"), r.PostFormValue("quirk"), r.PostFormValue("on") == "true")
	})
}

func (p *page) doReset(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	p.act(w, r, "reset", func(context.Context) (Done, error) { return Done{}, p.app.Reset() })
}

func orderLink(vendor, id string) string {
	return "/o/" + url.PathEscape(vendor) + "/" + url.PathEscape(id)
}

// webLink returns a link that may be followed, or nothing: what the provider wrote
// may be a script.
func webLink(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return address
}

func milliseconds(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// moment writes a timestamp for people, and leaves every other text as it is.
func moment(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.UTC().Format("2 Jan 2006, 15:04 UTC")
}

// short cuts a long id.
func short(text string) string {
	if len(text) <= 14 {
		return text
	}
	return text[:8] + "…"
}
