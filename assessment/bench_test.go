package assessment_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// quickProvider answers at once, with links and a first update.
type quickProvider struct{ started assessment.Started }

func (q *quickProvider) StartOrder(context.Context, assessment.Order) (assessment.Started, error) {
	return q.started, nil
}

func (*quickProvider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func (*quickProvider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

var benchStarted = map[string]assessment.Started{
	"links": {CandidateURL: "https://tests.example.com/take/1", ReportURL: "https://tests.example.com/report/1"},
	"update": {
		CandidateURL: "https://tests.example.com/take/1", ReportURL: "https://tests.example.com/report/1",
		Update: &assessment.Result{Status: assessment.StatusOpen, StatusText: "Invitation sent", Score: assessment.ScoreOutOf(0, 100)},
	},
}

// BenchmarkFirstStart takes orders that were never seen before.
func BenchmarkFirstStart(b *testing.B) {
	for name, started := range benchStarted {
		b.Run(name, func(b *testing.B) {
			in, err := assessment.NewIntake(assessment.IntakeConfig{
				Provider: &quickProvider{started}, Store: assessment.NewMemoryStore(1 << 30),
			})
			require.NoError(b, err)
			o := domainFullOrder()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				o.Ref.ID = strconv.Itoa(i)
				if _, err := in.Start(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchFloor is the least that has to be done for an order that comes first: see
// that it is new, have the provider answer in a goroutine that outlives the sender,
// within a deadline, and keep the answer in a form that a database takes.
type benchFloor struct {
	mu      sync.Mutex
	records map[string]*benchRecord
}

type benchRecord struct {
	until  time.Time
	answer []byte
}

func (f *benchFloor) start(ctx context.Context, p assessment.Provider, o assessment.Order) (assessment.Started, error) {
	key := o.Ref.String()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), assessment.DefaultDeadline)
	defer cancel()
	f.mu.Lock()
	if _, known := f.records[key]; known {
		f.mu.Unlock()
		return assessment.Started{}, assessment.ErrInProgress
	}
	record := &benchRecord{until: time.Now().Add(assessment.DefaultLease)}
	f.records[key] = record
	f.mu.Unlock()
	type outcome struct {
		started assessment.Started
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		started, err := p.StartOrder(ctx, o)
		if err != nil {
			done <- outcome{err: err}
			return
		}
		answer, err := json.Marshal(started)
		f.mu.Lock()
		record.answer = answer
		f.mu.Unlock()
		done <- outcome{started, err}
	}()
	select {
	case out := <-done:
		return out.started, out.err
	case <-ctx.Done():
		return assessment.Started{}, ctx.Err()
	}
}

func BenchmarkFirstStartFloor(b *testing.B) {
	for name, started := range benchStarted {
		b.Run(name, func(b *testing.B) {
			p := &quickProvider{started}
			f := &benchFloor{records: make(map[string]*benchRecord)}
			o := domainFullOrder()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				o.Ref.ID = strconv.Itoa(i)
				if _, err := f.start(b.Context(), p, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
