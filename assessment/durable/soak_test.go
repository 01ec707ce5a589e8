package durable_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// soakVariable, if set, is how long the soak test runs.
const soakVariable = "ASSESSBRIDGE_SOAK"

func soakFor() time.Duration {
	d, err := time.ParseDuration(os.Getenv(soakVariable))
	if err != nil {
		return 0
	}
	return d
}

// soak is a run at a low rate over tables that retention keeps small. What it
// measures must not grow.
type soak struct {
	*database
	sim     *kombotest.Server
	vendor  *checker
	service *durable.Service // publishes, and runs nothing
	hosts   *hosts

	length, every time.Duration // of the run, and between two samples
	perSecond     int
	afterStart    time.Duration // when a started order gets its result
	lostOneIn     int

	placed  []assessment.OrderRef
	samples map[string][]float64
}

// keep are the periods after which an hour's run has removed most of what it made.
var keep = sqlstore.Retention{
	ResultBodies: time.Minute, AttentionBodies: time.Minute, Answers: 2 * time.Minute, Settled: 5 * time.Minute, Journal: 5 * time.Minute,
}

func newSoak(t *testing.T) *soak {
	d := newPostgres(t)
	d.slow = false
	s := &soak{
		database: d, vendor: newChecker(t), samples: make(map[string][]float64),
		length: 4 * time.Second, every: 300 * time.Millisecond, perSecond: 20, afterStart: 500 * time.Millisecond, lostOneIn: 20,
	}
	h := hostRole{
		Sweep: time.Second, Frequent: time.Second, Full: 3 * time.Second, MinAge: 100 * time.Millisecond, Calls: 60_000,
		Keep: keep, Upkeep: time.Second, Tell: s.every,
	}
	if long := soakFor(); long > 0 {
		s.length, s.every, s.perSecond, s.afterStart, s.lostOneIn = long, 10*time.Second, 5, 30*time.Second, 100
		h.Sweep, h.Frequent, h.Full, h.MinAge, h.Calls = 30*time.Second, time.Minute, 5*time.Minute, 10*time.Second, 600
		h.Upkeep, h.Tell = time.Minute, s.every
	}
	for i := range 30 {
		h.Accounts = append(h.Accounts, fmt.Sprint("workday:a", i))
	}
	s.sim = simulated(t, h.Accounts...)
	h.Kombo = s.sim.URL()
	c := d.config(t, remoteProvider{}, remote{})
	var err error
	s.service, err = durable.New(c)
	require.NoError(t, err)
	require.NoError(t, s.service.Migrate(t.Context()))
	s.hosts = d.startHosts(t, 2, h, s.vendor.URL)
	s.sim.TargetURL(s.hosts.url)
	eventually(t, "the integrations are known", func() bool {
		return d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.table("integrations")+" WHERE account <> ''") == fmt.Sprint(len(h.Accounts))
	})
	return s
}

// run places orders, some of whose deliveries are lost, publishes a result for each
// some time after it was started, and takes samples.
func (s *soak) run(t *testing.T) {
	var publishing sync.WaitGroup
	defer publishing.Wait()
	s.vendor.whenStarted(func(ref assessment.OrderRef) {
		publishing.Go(func() {
			<-time.After(s.afterStart)
			if _, err := s.service.Publish(t.Context(), sqlstore.Message{Ref: ref, Result: result(ref)}); err != nil {
				t.Error(err)
			}
		})
	})
	tick := time.NewTicker(time.Second / time.Duration(s.perSecond))
	defer tick.Stop()
	began := time.Now()
	next := began
	for i := 0; time.Since(began) < s.length; i++ {
		<-tick.C
		s.place(t, i)
		if time.Now().After(next) {
			s.sample(t)
			next = next.Add(s.every)
		}
	}
	patiently(t, 5*time.Minute, "all are written", func() bool { return s.missing() == 0 })
}

// result is a final that Kombo takes.
func result(ref assessment.OrderRef) assessment.Result {
	r := final("passed " + ref.ID)
	r.ReportURL, r.CompletedAt = "https://tests.example.com/reports/"+ref.ID, time.Now()
	r.Score = assessment.ScoreOutOf(80, 100)
	return r
}

func (s *soak) place(t *testing.T, i int) {
	accounts := s.hosts.role.Host.Accounts
	spec := kombotest.OrderSpec{Integration: accounts[i%len(accounts)]}
	var faults []kombotest.DeliveryFault
	if i%s.lostOneIn == s.lostOneIn/2 {
		faults = append(faults, kombotest.Lost())
	}
	id, d, err := s.sim.PlaceOrder(t.Context(), spec, faults...)
	require.NoError(t, err)
	if len(faults) == 0 {
		require.Equal(t, kombotest.Accepted, d.Outcome, "%v", d.Err)
	}
	s.placed = append(s.placed, ofAccount(spec.Integration, id))
}

// missing counts the orders that have no final result at Kombo.
func (s *soak) missing() (n int) {
	for _, ref := range s.placed {
		if o, _ := s.sim.Order(ref.ID); len(o.Results) == 0 {
			n++
		}
	}
	return n
}

// sample measures the tables, and takes what the processes told last.
func (s *soak) sample(t *testing.T) {
	s.ageJobs(t)
	for name, query := range map[string]string{
		"connections":  "SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
		"jobs":         "SELECT COUNT(*) FROM " + s.jobTable(),
		"jobs kB":      "SELECT pg_total_relation_size('" + s.jobTable() + "') / 1024",
		"results rows": "SELECT COUNT(*) FROM " + s.table("results"),
		"journal rows": "SELECT COUNT(*) FROM " + s.table("journal"),
	} {
		var n float64
		require.NoError(t, s.db.QueryRow(query).Scan(&n))
		s.samples[name] = append(s.samples[name], n)
	}
	s.vendor.mu.Lock()
	defer s.vendor.mu.Unlock()
	sum := map[string]float64{}
	for _, told := range s.vendor.vitals {
		v := told[len(told)-1]
		sum["heap kB"] += float64(v.Heap) / 1024
		sum["goroutines"] += float64(v.Goroutines)
		sum["files"] += float64(v.Files)
	}
	for name, n := range sum {
		s.samples[name] = append(s.samples[name], n)
	}
	if n := len(s.samples["jobs"]); n%30 == 0 {
		for _, name := range sortedKeys(s.samples) {
			t.Logf("sample %d, %s: %.0f", n, name, s.samples[name][len(s.samples[name])-1])
		}
	}
}

// ageJobs lets an hour pass for jobs that ended some minutes ago: River removes them
// after that.
func (s *soak) ageJobs(t *testing.T) {
	_, err := s.db.Exec("UPDATE " + s.jobTable() + " SET finalized_at = finalized_at - interval '1 hour' " +
		"WHERE state = 'completed' AND finalized_at BETWEEN now() - interval '1 hour' AND now() - interval '5 minutes'")
	require.NoError(t, err)
}

// growth is by how much the median of the last quarter of a series may exceed that
// of the second: the first is the start. In an hour the heaps still grow by what a
// client remembers of its last 10,000 orders, which is 3 MB in each process.
var growth = map[string]struct{ factor, more float64 }{
	"heap kB":      {1.15, 4096},
	"goroutines":   {1, 40}, // a call in flight has a few
	"files":        {1, 8},
	"connections":  {1, 6},
	"jobs":         {1.2, 500},
	"jobs kB":      {1.5, 4096}, // what was removed is used again after a vacuum
	"results rows": {1.2, 500},
	"journal rows": {1.2, 1000},
}

// grown says which series grew beyond their bound, and tells them all.
func (s *soak) grown(t *testing.T) (found []string) {
	for _, name := range sortedKeys(growth) {
		all := s.samples[name]
		quarter := len(all) / 4
		require.Positive(t, quarter, name)
		before, after := median(all[quarter:2*quarter]), median(all[len(all)-quarter:])
		line := fmt.Sprintf("%s: %.0f in the second quarter, %.0f in the last, at most %.0f", name, before, after, slices.Max(all))
		t.Log(line)
		if after > before*growth[name].factor+growth[name].more {
			found = append(found, line)
		}
	}
	return found
}

func sortedKeys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// At a low rate, with lost deliveries, retention and the reconciler at work, two
// processes grow in nothing, lose nothing and do nothing twice. An hour of it is the
// long form.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	began := time.Now()
	s.run(t)
	least, again := s.vendor.starts()
	require.Positive(t, least)
	require.Zero(t, again, "starts beyond the first of an order")
	require.Equal(t, len(s.placed), s.vendor.started())
	for _, ref := range s.placed {
		o, _ := s.sim.Order(ref.ID)
		require.Len(t, o.Results, 1, "%s", ref.ID)
		require.Empty(t, o.DeliveryFaults)
	}
	eventually(t, "all are settled", func() bool {
		return s.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+s.table("results")+" WHERE state <> 'written'") == "0"
	})
	var states []string
	for _, c := range s.hosts.children {
		c.kill()
		used := c.command.ProcessState.UserTime() + c.command.ProcessState.SystemTime()
		states = append(states, fmt.Sprintf("%.1f %% of a core", 100*used.Seconds()/time.Since(began).Seconds()))
	}
	t.Logf("%d orders in %v; the processes used %s", len(s.placed), time.Since(began).Round(time.Second), strings.Join(states, ", "))
	require.Empty(t, s.grown(t))
}
