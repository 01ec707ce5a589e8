package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// routeAPI serves the commands and the page's script.
func (p *page) routeAPI() {
	p.mux.HandleFunc("GET /api/events", p.events)
	p.mux.HandleFunc("GET /api/about", p.apiAbout)
	p.mux.HandleFunc("GET /api/state", p.state)
	p.mux.HandleFunc("GET /api/order/{vendor}/{order}", p.apiOrder)
	p.mux.HandleFunc("POST /api/trigger", p.apiTrigger)
	p.mux.HandleFunc("POST /api/resend", p.apiResend)
	p.mux.HandleFunc("POST /api/act", p.apiAct)
	p.mux.HandleFunc("POST /api/customer", p.apiCustomer)
	p.mux.HandleFunc("POST /api/fault", p.apiFault)
	p.mux.HandleFunc("POST /api/reset", p.apiReset)
	p.mux.HandleFunc("POST /api/check", p.apiCheck)
	p.mux.HandleFunc("GET /report/{run}", p.showReport)
}

// State is everything that the page shows, for programs.
type State struct {
	Last    int       `json:"last"` // id of the latest event
	Orders  []Card    `json:"orders"`
	Rows    []RowJSON `json:"rows"`
	Vendors []string  `json:"vendors"`
}

// RowJSON is a row for programs.
type RowJSON struct {
	N          int      `json:"n"`
	Vendor     string   `json:"vendor"`
	ToProvider bool     `json:"to_provider"`
	Op         string   `json:"op"`
	Order      string   `json:"order,omitempty"`
	Method     string   `json:"method,omitempty"`
	URL        string   `json:"url,omitempty"`
	Status     int      `json:"status"`
	Err        string   `json:"error,omitempty"`
	Fault      string   `json:"fault,omitempty"`
	Notes      []string `json:"notes,omitempty"`
	Request    string   `json:"request,omitempty"`
	Answer     string   `json:"answer,omitempty"`
	Link       string   `json:"link"`
	Verdict    Verdict  `json:"verdict"`
}

func rowJSON(r Row) RowJSON {
	return RowJSON{
		N: r.N, Vendor: r.Vendor, ToProvider: r.ToProvider, Op: r.Op, Order: r.Order, Method: r.Method, URL: r.URL,
		Status: r.Status, Err: r.Err, Fault: r.Fault, Notes: r.Notes,
		Request: strings.ToValidUTF8(string(r.RequestBody), "�"), Answer: strings.ToValidUTF8(string(r.ResponseBody), "�"),
		Link: "/x/" + strconv.Itoa(r.N), Verdict: r.Verdict,
	}
}

func (p *page) state(w http.ResponseWriter, _ *http.Request) {
	s := State{Last: p.app.journal.now(), Orders: p.app.Cards(""), Vendors: Vendors}
	for _, r := range p.app.journal.timeline(func(*Row) bool { return true }) {
		s.Rows = append(s.Rows, rowJSON(r))
	}
	answer(w, http.StatusOK, s)
}

// beat keeps an idle stream open.
const beat = 20 * time.Second

// events streams the news. A follower that names the last event it saw gets those
// after it; if some are gone it is told to start anew.
func (p *page) events(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(orDefault(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")))
	if err != nil {
		id = p.app.journal.now()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	_, _ = fmt.Fprint(w, "retry: 1000\n\n")
	for {
		news, more, whole := p.app.journal.since(id)
		if !whole {
			id = p.app.journal.now()
			_, _ = fmt.Fprintf(w, "id: %d\nevent: gap\ndata: {}\n\n", id)
		}
		for _, n := range news {
			data, err := json.Marshal(n)
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", n.ID, data)
			id = n.ID
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-more:
		case <-time.After(beat):
			_, _ = fmt.Fprint(w, ": \n\n")
		case <-r.Context().Done():
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// Result is what a command is told.
type Result struct {
	Error string    `json:"error,omitempty"`
	Order *Card     `json:"order,omitempty"`
	Rows  []RowJSON `json:"rows,omitempty"`
	Link  string    `json:"link,omitempty"`
}

func (p *page) apiOrder(w http.ResponseWriter, r *http.Request) {
	c, found := p.app.Card(Ref{r.PathValue("vendor"), r.PathValue("order")})
	if !found {
		answer(w, http.StatusNotFound, Result{Error: errUnknownOrder.Error()})
		return
	}
	answer(w, http.StatusOK, Result{Order: &c, Link: orderLink(c.Vendor, c.ID)})
}

// Trigger is an event that a command causes.
type Trigger struct {
	Request
	Event string `json:"event"`
	// Body is sent as it is, signed; nil: the vendor's own.
	Body []byte `json:"body,omitempty"`
}

func (p *page) apiTrigger(w http.ResponseWriter, r *http.Request) {
	var t Trigger
	if !read(w, r, &t) {
		return
	}
	done, err := p.app.Trigger(r.Context(), t)
	p.done(w, done, err)
}

func (p *page) apiResend(w http.ResponseWriter, r *http.Request) {
	var again Resend
	if !read(w, r, &again) {
		return
	}
	done, err := p.app.Again(r.Context(), again)
	p.done(w, done, err)
}

func (p *page) apiAct(w http.ResponseWriter, r *http.Request) {
	var act struct{ Vendor, Order, Verb string }
	if !read(w, r, &act) {
		return
	}
	done, err := p.app.Act(r.Context(), act.Verb, Ref{act.Vendor, act.Order})
	p.done(w, done, err)
}

func (p *page) apiReset(w http.ResponseWriter, _ *http.Request) {
	p.done(w, Done{}, p.app.Reset())
}

func (p *page) done(w http.ResponseWriter, done Done, err error) {
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, Result{Error: err.Error()})
		return
	}
	var result Result
	for _, n := range done.Rows {
		if row, found := p.app.journal.row(n); found {
			result.Rows = append(result.Rows, rowJSON(row))
		}
	}
	if c, found := p.app.Card(Ref{done.Vendor, done.Order}); found {
		result.Order, result.Link = &c, orderLink(c.Vendor, c.ID)
	} else if len(result.Rows) > 0 {
		result.Link = result.Rows[0].Link
	}
	answer(w, http.StatusOK, result)
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		answer(w, status, Result{Error: "not the JSON that is expected here"})
		return false
	}
	return true
}

func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":"not JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}
