package kombo_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// Clients that know nothing of each other keep to the limits of one key, and use
// what it grants.
func TestPacingAgainstEnforcedLimits(t *testing.T) {
	read := kombo.Request{Method: "GET", Path: []string{"assessment", "packages"}}
	const limit, window, windows = 300, 57 * time.Second, 3
	for name, c := range map[string]struct {
		clients, workers int
		byAccount        bool
	}{
		"one client":                {1, 16, false},
		"four clients":              {4, 16, false},
		"eight clients":             {8, 32, false},
		"one client, by account":    {1, 16, true},
		"eight clients, by account": {8, 32, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := kombotest.Start(t, func(config *kombotest.Config) {
					config.Limits = kombotest.Limits{Window: window, CallsPerKey: limit, InFlightPerAccount: 30}
					if c.byAccount {
						config.Limits.CallsPerKey, config.Limits.CallsPerAccount = 0, limit
					}
				})
				var served, refused atomic.Int64
				var all sync.WaitGroup
				began := time.Now()
				for range c.clients {
					client, err := kombo.New(kombo.Config{
						APIKey: kombotest.DefaultAPIKey, HTTPClient: server.Client(),
						Observer: assessment.Observer{Attempt: func(_ context.Context, a assessment.Attempt) {
							switch {
							case a.StatusCode == 429:
								refused.Add(1)
							case time.Since(began) < windows*window:
								served.Add(1)
							}
						}},
					})
					require.NoError(t, err)
					for range c.workers {
						all.Go(func() {
							for time.Since(began) < windows*window {
								if _, err := client.Call(context.Background(), kombotest.DefaultIntegration, read); err != nil {
									<-time.After(time.Second)
								}
								<-time.After(50 * time.Millisecond)
							}
						})
					}
				}
				all.Wait()
				total := float64(served.Load() + refused.Load())
				used := float64(served.Load()) / (limit * windows)
				t.Logf("%.2f %% of %.0f refused, %.1f %% used", 100*float64(refused.Load())/total, total, 100*used)
				require.LessOrEqual(t, float64(refused.Load())/total, 0.02)
				require.GreaterOrEqual(t, used, 0.9)
			})
		})
	}
}
