package durable_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// provider is the host: it counts starts and answers what the test says.
type provider struct {
	mu     sync.Mutex
	starts []assessment.Order
	answer func(assessment.Order) (assessment.Started, error)
}

func (p *provider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	p.mu.Lock()
	p.starts = append(p.starts, o)
	answer := p.answer
	p.mu.Unlock()
	if answer != nil {
		return answer(o)
	}
	return assessment.Started{CandidateURL: "https://tests.example.com/" + marker}, nil
}

func (*provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func (*provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

// says has every further order answered so.
func (p *provider) says(s assessment.Started, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func(assessment.Order) (assessment.Started, error) { return s, err }
}

// marker is personal: it must be gone after an erasure.
const marker = "jane.roe.4711"

func order(ref assessment.OrderRef) assessment.Order {
	return assessment.Order{
		Ref: ref, Package: assessment.Package{ID: "p"},
		Candidate: assessment.Candidate{RemoteID: "c-" + ref.ID, FirstName: marker, Email: marker + "@example.com"},
	}
}

// intakeBench is a bench with an intake and a spool before a provider.
type intakeBench struct {
	*bench
	provider *provider
	intake   *assessment.Intake
	spool    *sqlstore.Spool
}

func newIntakeBench(t *testing.T, d *database) *intakeBench {
	b := &intakeBench{
		bench:    d.bench(t, d.open(t, sqlstore.Options{SubjectKey: []byte("key")}), sqlstore.OutboxConfig{}),
		provider: new(provider),
	}
	var err error
	b.intake, err = assessment.NewIntake(assessment.IntakeConfig{Provider: b.provider, Store: b.store.Store()})
	require.NoError(t, err)
	b.spool, err = b.store.Spool(sqlstore.SpoolConfig{Intake: b.intake})
	require.NoError(t, err)
	return b
}

func (b *intakeBench) work(t *testing.T, ref assessment.OrderRef) sqlstore.Worked {
	t.Helper()
	done, err := b.spool.Work(t.Context(), ref)
	require.NoError(t, err)
	return done
}

// orders are the states of the spool.
func (b *intakeBench) orders(t *testing.T) string {
	t.Helper()
	return b.text(t, "SELECT state FROM "+b.table("orders")+" ORDER BY ref")
}

func (b *intakeBench) dueOrders(t *testing.T) []assessment.OrderRef {
	t.Helper()
	refs, err := b.spool.Due(t.Context(), 100, 0)
	require.NoError(t, err)
	return refs
}
