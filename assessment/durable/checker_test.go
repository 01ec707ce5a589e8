package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// checker is a vendor that outlives the processes that write to it and checks
// what must never happen.
type checker struct {
	*httptest.Server
	mu         sync.Mutex
	orders     map[string]*checked
	violations []string
	calls      int
	vitals     map[int][]vitals // by process
	onStart    func(assessment.OrderRef)
}

// checked is what the vendor knows of an order.
type checked struct {
	flying int
	final  bool
	seen   map[string]int // calls by summary
	last   string
	starts int
}

// call is one write on the wire between a process and the checker.
type call struct {
	Ref    assessment.OrderRef
	Result assessment.Result
}

func newChecker(t testing.TB) *checker {
	c := &checker{orders: make(map[string]*checked), vitals: make(map[int][]vitals)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *checker) order(ref assessment.OrderRef) *checked {
	o, ok := c.orders[ref.String()]
	if !ok {
		o = &checked{seen: make(map[string]int)}
		c.orders[ref.String()] = o
	}
	return o
}

// ServeHTTP takes a write. It takes a moment, and goes on when the writer was
// killed, as a vendor does.
func (c *checker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/vitals" {
		c.hear(r)
		return
	}
	var got call
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		w.WriteHeader(http.StatusBadRequest) // the writer died while it wrote
		return
	}
	if r.URL.Path == "/start" {
		c.mu.Lock()
		c.order(got.Ref).starts++
		told := c.onStart
		c.mu.Unlock()
		if told != nil {
			told(got.Ref)
		}
		return
	}
	c.enter(got)
	<-time.After(time.Duration(rand.N(int64(4 * time.Millisecond))))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order(got.Ref).flying--
}

// whenStarted has do told of every start.
func (c *checker) whenStarted(do func(assessment.OrderRef)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onStart = do
}

// hear keeps what a process tells of itself.
func (c *checker) hear(r *http.Request) {
	var v vitals
	if json.NewDecoder(r.Body).Decode(&v) != nil {
		return // the teller died
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vitals[v.PID] = append(c.vitals[v.PID], v)
}

func (c *checker) enter(got call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.order(got.Ref)
	c.calls++
	o.flying++
	o.seen[got.Result.Summary]++
	o.last = got.Result.Summary
	if o.flying > 1 {
		c.violations = append(c.violations, fmt.Sprintf("%s in flight twice", got.Ref.ID))
	}
	if o.final && !got.Result.Status.Final() {
		c.violations = append(c.violations, fmt.Sprintf("%s: interim %q after the final", got.Ref.ID, got.Result.Summary))
	}
	o.final = o.final || got.Result.Status.Final()
}

// check returns what went wrong for good: what was violated and which orders
// miss the final that was published last.
func (c *checker) check(lastFinal map[string]string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := append([]string(nil), c.violations...)
	for ref, want := range lastFinal {
		if o := c.orders[ref]; o == nil || o.last != want {
			found = append(found, ref+" lost its final")
		}
	}
	return found
}

// repeats counts the writes beyond the first of each result.
func (c *checker) repeats() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.orders {
		for _, times := range o.seen {
			n += times - 1
		}
	}
	return n
}

// starts returns how often the order that was started least was, and how many
// starts there were beyond the first of each.
func (c *checker) starts() (least, again int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	least = math.MaxInt
	for _, o := range c.orders {
		least = min(least, o.starts)
		again += max(o.starts-1, 0) // there are orders of before
	}
	return least, again
}

// started counts the orders that were started.
func (c *checker) started() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.orders {
		if o.starts > 0 {
			n++
		}
	}
	return n
}

// remote is the publisher of a process that writes to a checker.
type remote struct{ url string }

func (p remote) Vendor() assessment.Vendor { return assessment.Kombo }
func (p remote) Connection() string        { return "" }

func (p remote) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	if err := p.post(ctx, "/", call{ref, r}); err != nil {
		return assessment.Receipt{}, &assessment.APIError{Cause: err, Uncertain: true, SafeToRepeat: true}
	}
	return assessment.Receipt{Outcome: assessment.ResultWritten, Attempts: 1}, nil
}

func (p remote) post(ctx context.Context, path string, c call) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}
