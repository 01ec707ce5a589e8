package ashby_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

// both is a provider beside a simulated Ashby, in both directions.
type both struct {
	*host
	sim    *ashbytest.Server
	client *ashby.Client
	router *assessment.Router
}

func newBoth(t testing.TB, p *provider, o options, configure ...func(*ashbytest.Config)) *both {
	t.Helper()
	b := &both{sim: ashbytest.Start(t, configure...)}
	b.client = newClient(t, b.sim.Client().Transport)
	inner := o.config
	o.config = func(c *ashby.HandlerConfig) {
		c.Client = b.client
		if inner != nil {
			inner(c)
		}
	}
	b.host = newHost(t, p, o)
	mux := http.NewServeMux()
	mux.Handle("POST /", b.handler)
	b.sim.Target(mux)
	var err error
	b.router, err = assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{b.client}, Store: b.store})
	require.NoError(t, err)
	return b
}

func (b *both) ref(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: id}
}

// invited answers every order with a first update.
func invited() *provider {
	return startsWith(assessment.Started{
		ReportURL: reportURL, Update: &assessment.Result{Status: assessment.StatusOpen, StatusText: "Invitation sent"},
	})
}

// The answers are what Ashby documents, whatever it asks.
func TestAnswersAreDocumented(t *testing.T) {
	for name, tc := range map[string]struct {
		provider *provider
		play     func(context.Context, *both) ashbytest.Answer
		outcome  ashbytest.Outcome
	}{
		"list":   {invited(), func(ctx context.Context, b *both) ashbytest.Answer { return b.sim.List(ctx) }, ashbytest.Succeeded},
		"fields": {invited(), func(ctx context.Context, b *both) ashbytest.Answer { return b.sim.SyncCustomFields(ctx) }, ashbytest.Succeeded},
		"fields, newer name": {invited(), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.SyncCustomFields(ctx, ashbytest.Under(ashbytest.OpCustomFieldsFetch))
		}, ashbytest.Succeeded},
		"start": {invited(), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.StartAssessment(ctx, ashbytest.StartSpec{})
		}, ashbytest.Succeeded},
		"start, key as password": {invited(), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.StartAssessment(ctx, ashbytest.StartSpec{}, ashbytest.KeyAsPassword())
		}, ashbytest.Succeeded},
		"start rejected": {failsWith(assessment.Reject("no")), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.StartAssessment(ctx, ashbytest.StartSpec{})
		}, ashbytest.Declined},
		"start, running": {failsWith(assessment.AlreadyRunning("no")), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.StartAssessment(ctx, ashbytest.StartSpec{})
		}, ashbytest.Declined},
		"cancel": {invited(), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.Cancel(ctx, b.sim.StartAssessment(ctx, ashbytest.StartSpec{}).AssessmentID)
		}, ashbytest.Succeeded},
		"cancel fails": {&provider{cancel: func(context.Context, assessment.OrderRef) error { return context.Canceled }},
			func(ctx context.Context, b *both) ashbytest.Answer { return b.sim.Cancel(ctx, assessmentID) }, ashbytest.Declined},
		"bad key": {invited(), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.StartAssessment(ctx, ashbytest.StartSpec{}, ashbytest.BadKey())
		}, ashbytest.Declined},
		"no key": {invited(), func(ctx context.Context, b *both) ashbytest.Answer {
			return b.sim.List(ctx, ashbytest.NoKey())
		}, ashbytest.Declined},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoth(t, tc.provider, options{config: func(c *ashby.HandlerConfig) {
				c.Fields = []ashby.FieldSpec{{ID: "due", Name: "Due", Type: ashby.FieldDate}}
			}})
			answer := tc.play(t.Context(), b)
			require.Empty(t, answer.Violations)
			require.Equal(t, tc.outcome, answer.Outcome, string(answer.Body))
			require.NoError(t, b.sim.Settle(t.Context()))
		})
	}
}

// The story of one assessment, as Ashby sees it.
func TestStory(t *testing.T) {
	b := newBoth(t, invited(), options{}, func(c *ashbytest.Config) { c.Quirks.RequireUUIDs = true })
	answer := b.sim.StartAssessment(t.Context(), ashbytest.StartSpec{AdditionalFields: map[string]any{"department": "eng"}})
	require.Empty(t, answer.Violations)
	require.Equal(t, `"eng"`, string(b.provider.orders[0].Fields["department"]))
	order := b.provider.refs()[0]
	for _, r := range []assessment.Result{
		{Status: assessment.StatusInProgress},
		{Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(87.4, 100), ReportURL: reportURL},
	} {
		_, err := b.router.PublishResult(t.Context(), order, r)
		require.NoError(t, err)
	}
	got, ok := b.sim.Assessment(order.ID)
	require.True(t, ok)
	require.Equal(t, ashbytest.StateCompleted, got.State)
	require.Equal(t, "87.4", fmt.Sprint(got.Result.Value))
	require.Equal(t, reportURL, got.ProfileURL)
	require.False(t, got.StartedAt.IsZero(), "the text Started is what Ashby looks for")
	require.Len(t, got.Updates, 3)
	require.True(t, got.Updates[0].WithStart)
	require.Empty(t, got.Updates[0].UnknownKeys)
}

// TestThousandStarts mixes everything that can happen to a start: duplicates,
// double clicks, answers that get lost, faults after the provider has committed,
// cancels and new starts, final results and late words about what is over.
func TestThousandStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chance := rand.New(rand.NewPCG(7, 11))
		var mu sync.Mutex
		invitations := map[assessment.OrderRef]int{} // a host is idempotent on the Ref
		faults := map[string]bool{}                  // by application: the next call fails after it was done
		p := &provider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			mu.Lock()
			defer mu.Unlock()
			invitations[o.Ref]++
			if faults[o.Application.RemoteID] {
				delete(faults, o.Application.RemoteID)
				return assessment.Started{}, fmt.Errorf("the answer did not get out")
			}
			return assessment.Started{ReportURL: reportURL}, nil
		}
		b := newBoth(t, p, options{})
		ctx := t.Context()
		expected := map[string]int{} // updates by assessment
		calls := map[assessment.OrderRef]int{}
		start := func(spec ashbytest.StartSpec) string {
			answer := b.sim.StartAssessment(ctx, spec)
			require.Empty(t, answer.Violations)
			require.Equal(t, ashbytest.Succeeded, answer.Outcome, string(answer.Body))
			expected[answer.AssessmentID] = max(expected[answer.AssessmentID], 1)
			return answer.AssessmentID
		}
		publish := func(id string, r assessment.Result) error {
			live := true
			if a, ok := b.sim.Assessment(id); ok {
				live = a.State == ashbytest.StateLive
			}
			// A refusal whose body got lost would look like a success.
			if live && chance.IntN(4) == 0 {
				b.sim.Fail(ashbytest.OpUpdate, []ashbytest.Fault{
					ashbytest.AppliedThenReset(), ashbytest.RateLimited(), ashbytest.EmptyBody(), ashbytest.LoadBalancer503(),
				}[chance.IntN(4)])
			}
			r.At = time.Now()
			_, err := b.router.PublishResult(ctx, b.ref(id), r)
			if err == nil {
				expected[id]++
				_, err = b.client.PublishResult(ctx, b.ref(id), r) // a queue that lost its own answer
			}
			return err
		}
		for i := range 1000 {
			spec := ashbytest.StartSpec{ApplicationID: fmt.Sprint("application-", i), CandidateID: b.sim.NewID()}
			switch chance.IntN(4) {
			case 0:
				lost := b.sim.StartAssessment(ctx, spec, ashbytest.AnswerLost())
				require.Empty(t, lost.Violations)
			case 1:
				for _, answer := range b.sim.StartTogether(ctx, 3, spec) {
					require.Empty(t, answer.Violations)
				}
			case 2:
				mu.Lock()
				faults[spec.ApplicationID] = true
				mu.Unlock()
				require.Equal(t, 500, b.sim.StartAssessment(ctx, spec).Status)
			}
			first := start(spec)
			require.Equal(t, first, start(spec), "the same order again")
			switch chance.IntN(4) {
			case 0: // cancelled, and started again
				require.Empty(t, b.sim.Cancel(ctx, first).Violations)
				second := start(spec)
				require.NotEqual(t, first, second)
				require.Empty(t, b.sim.Cancel(ctx, first).Violations)
				require.Error(t, publish(first, done(nil)), "Ashby takes nothing more")
				require.Equal(t, second, start(spec), "the successor lives")
				require.NoError(t, publish(second, assessment.Result{Status: assessment.StatusInProgress}))
			case 1: // updated and finished, and started again
				require.NoError(t, publish(first, assessment.Result{Status: assessment.StatusInProgress}))
				require.NoError(t, publish(first, assessment.Result{Status: assessment.StatusInProgress, StatusText: "Part 2"}))
				require.NoError(t, publish(first, done(nil)))
				second := start(spec)
				require.NotEqual(t, first, second)
				require.Empty(t, b.sim.Cancel(ctx, first).Violations)
				require.Equal(t, second, start(spec))
			}
			if i%10 == 0 {
				<-time.After(time.Duration(chance.IntN(3)) * time.Millisecond)
			}
		}
		require.Zero(t, b.sim.PendingFaults())
		all := b.sim.Assessments("")
		require.Len(t, invitations, len(all), "each assessment was started, and nothing else")
		for _, o := range p.refs() {
			calls[o]++
		}
		retried := 0
		for _, a := range all {
			n := calls[b.ref(a.ID)]
			require.GreaterOrEqual(t, n, 1)
			require.LessOrEqual(t, n, 2, "twice only after a fault")
			retried += n - 1
			require.Len(t, a.Updates, expected[a.ID], "each update is stored once")
			for i := 1; i < len(a.Updates); i++ {
				require.True(t, a.Updates[i].Timestamp.After(a.Updates[i-1].Timestamp), "and in order")
			}
		}
		require.Empty(t, faults)
		require.Positive(t, retried)
	})
}
