package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Row is one line of the timeline: a request with its answer, or a message that
// never was sent.
type Row struct {
	N          int // of the sandbox, from 1; the deep link is /x/{N}
	Vendor     string
	Exchange   int // the simulator's number; 0: nothing was sent
	ToProvider bool
	Op         string
	Customer   string
	Order      string // as in the deep link of the order; empty: it is about none
	At         time.Time
	Duration   time.Duration
	Method     string
	URL        string // secrets redacted

	RequestHeader  http.Header
	RequestBody    []byte
	Status         int // 0: no answer
	ResponseHeader http.Header
	ResponseBody   []byte
	Err            string
	Fault          string
	Notes          []string
	By             string // "hand": sent again past the simulator; else empty
	Of             int    // the row that it repeats by hand
	Verdict        Verdict
}

// Clock is the time of day to the millisecond.
func (r Row) Clock() string { return r.At.Format("15:04:05.000") }

func (r Row) size() int { return len(r.RequestBody) + len(r.ResponseBody) }

// key names the simulator's exchange.
type key struct {
	vendor   string
	exchange int
}

// limits of what is kept: the oldest is dropped.
const (
	maxRows     = 10_000
	maxRowBytes = 64 << 20
	maxNews     = 1_000
)

// journal keeps the latest rows, and tells whoever follows what is new.
type journal struct {
	mu    sync.Mutex
	rows  []Row // consecutive by N
	first int   // of rows: those before it were dropped
	bytes int
	last  int
	byKey map[key]int // N

	news    []News // consecutive by ID
	lastNew int
	changed chan struct{} // closed at the next news
}

// News is what a follower is told.
type News struct {
	ID     int    `json:"-"`
	Vendor string `json:"vendor,omitempty"`
	Order  string `json:"order,omitempty"`
	Row    int    `json:"row,omitempty"`
	Say    string `json:"say,omitempty"` // a verdict, to be read aloud
}

func newJournal() *journal {
	return &journal{byKey: map[key]int{}, changed: make(chan struct{})}
}

// add keeps a row and returns its number.
func (j *journal) add(r Row) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	r.N = j.last
	j.rows = append(j.rows, r)
	j.bytes += r.size()
	if r.Exchange > 0 {
		j.byKey[key{r.Vendor, r.Exchange}] = r.N
	}
	for j.overfull() {
		j.drop()
	}
	if j.first > len(j.rows)/2 {
		j.rows = slices.Clone(j.rows[j.first:])
		j.first = 0
	}
	j.tell(News{Vendor: r.Vendor, Order: r.Order, Row: r.N, Say: r.Verdict.Text})
	return r.N
}

func (j *journal) overfull() bool {
	n := len(j.rows) - j.first
	return n > maxRows || n > 1 && j.bytes > maxRowBytes
}

func (j *journal) drop() {
	old := &j.rows[j.first]
	j.bytes -= old.size()
	delete(j.byKey, key{old.Vendor, old.Exchange})
	*old = Row{}
	j.first++
}

// find returns the row of a simulator's exchange.
func (j *journal) find(k key) (Row, bool) {
	j.mu.Lock()
	n := j.byKey[k]
	j.mu.Unlock()
	return j.row(n)
}

// judge adds the verdict, and the order if that was not known before. It returns
// the number of the row, 0 if it is gone.
func (j *journal) judge(k key, order string, v Verdict) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := j.byKey[k]
	r := j.at(n)
	if r == nil {
		return 0
	}
	r.Verdict = v
	if r.Order == "" {
		r.Order = order
	}
	j.tell(News{Vendor: r.Vendor, Order: r.Order, Row: n, Say: v.Text})
	return n
}

func (j *journal) at(n int) *Row {
	kept := j.rows[j.first:]
	if len(kept) == 0 || n < kept[0].N || n > j.last {
		return nil
	}
	return &kept[n-kept[0].N]
}

// row returns a row by its number.
func (j *journal) row(n int) (Row, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r := j.at(n); r != nil {
		return *r, true
	}
	return Row{}, false
}

// timeline returns the rows that are wanted, in the order in which they began.
func (j *journal) timeline(want func(*Row) bool) []Row {
	j.mu.Lock()
	var found []Row
	for i := range j.rows[j.first:] {
		if r := &j.rows[j.first+i]; want(r) {
			found = append(found, *r)
		}
	}
	j.mu.Unlock()
	slices.SortStableFunc(found, func(a, b Row) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if a.Vendor == b.Vendor {
			return a.Exchange - b.Exchange
		}
		return strings.Compare(a.Vendor, b.Vendor)
	})
	return found
}

// announce tells followers of a change that is no row.
func (j *journal) announce(n News) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tell(n)
}

// tell adds news. The caller holds j.mu.
func (j *journal) tell(n News) {
	j.lastNew++
	n.ID = j.lastNew
	if len(j.news) >= maxNews {
		j.news = slices.Clone(j.news[maxNews/2:])
	}
	j.news = append(j.news, n)
	close(j.changed)
	j.changed = make(chan struct{})
}

// since returns the news after an id, and a channel that is closed when there is
// more. It returns false if some are missing: the follower has to start anew.
func (j *journal) since(id int) (news []News, more <-chan struct{}, whole bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case id > j.lastNew || len(j.news) > 0 && id < j.news[0].ID-1:
		return nil, j.changed, false
	case id < j.lastNew:
		news = slices.Clone(j.news[len(j.news)-(j.lastNew-id):])
	}
	return news, j.changed, true
}

// now is the id of the latest news.
func (j *journal) now() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lastNew
}
