package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// reconciles asks in bulk as the reconciler of a process does: every twenty seconds,
// one call after the other, until one is refused. It counts, by window, the calls
// that went through.
func reconciles(client *Client, server *limited, during time.Duration, mu *sync.Mutex, counts map[int]int) {
	for began := time.Now(); time.Since(began) < during; <-time.After(20 * time.Second) {
		for tick := time.Now(); time.Since(tick) < 15*time.Second; {
			call := of("reconciled")
			call.Class = Bulk
			_, err := client.Do(context.Background(), call)
			if err != nil {
				break
			}
			mu.Lock()
			counts[int(time.Since(server.began)/server.span)]++
			mu.Unlock()
		}
	}
}

// Finals that fill every window leave a fiftieth of it to bulk calls, in whatever
// moment those come, and lose no more by it.
func TestBulkFloor(t *testing.T) {
	for _, c := range []struct {
		clients int
		byKey   bool
	}{{1, true}, {4, true}, {1, false}} {
		t.Run(fmt.Sprintf("%d clients, by key %v", c.clients, c.byKey), func(t *testing.T) {
			for seed := range uint64(3) {
				synctest.Test(t, func(t *testing.T) {
					server := newLimited(seed)
					server.byKey = c.byKey
					const windows = 6
					during := windows * server.span
					var mu sync.Mutex
					var all sync.WaitGroup
					counts := make(map[int]int)
					finals := 0
					for range c.clients {
						client := newClient(t, server, paced, func(config *Config) {
							config.MaxWait, config.MaxRetries, config.Pacing.Processes = 5*time.Second, -1, c.clients
						})
						all.Go(func() { reconciles(client, server, during, &mu, counts) })
						for range 16 {
							all.Go(func() {
								for began := time.Now(); time.Since(began) < during; {
									account := "reconciled"
									if c.byKey {
										account = "busy"
									}
									call := of(account)
									call.Class = Final
									_, err := client.Do(context.Background(), call)
									mu.Lock()
									if err == nil {
										finals++
									}
									mu.Unlock()
									if err != nil {
										<-time.After(500 * time.Millisecond)
									}
								}
							})
						}
					}
					all.Wait()
					for window := 1; window < windows-1; window++ { // the first and the last are cut
						require.GreaterOrEqual(t, counts[window], server.limit/50, "window %d of %v", window, counts)
					}
					require.GreaterOrEqual(t, float64(finals), 0.85*float64(windows*server.limit))
					require.LessOrEqual(t, float64(server.refused)/float64(server.refused+server.served), 0.02)
				})
			}
		})
	}
}

// The floor is a floor: beyond it bulk calls wait as they did, and the process's part
// of it is smaller where there are more.
func TestBulkBeyondTheFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for processes, want := range map[int]int{0: 6, 1: 6, 3: 2, 4: 2, 100: 1} {
			w := window{known: true, limit: 300, remaining: 20, own: 200, endsBefore: time.Now().Add(time.Minute), opened: time.Now().Add(-time.Hour)}
			got := 0
			for w.owes(processes) {
				_, cause := w.admits(time.Now(), 0, true)
				require.Empty(t, cause)
				w.admit(time.Now(), Bulk)
				got++
			}
			require.Equal(t, want, got, "%d processes", processes)
			_, cause := w.admits(time.Now(), reserves[Bulk], w.owes(processes))
			require.Equal(t, "the window is used up", cause)
		}
		empty := window{known: true, limit: 300, endsBefore: time.Now().Add(time.Minute)}
		_, cause := empty.admits(time.Now(), 0, true)
		require.Equal(t, "the window is used up", cause, "what the vendor grants is the end")
	})
}

// A documented limit of calls a minute has the same floor.
func TestBulkFloorOfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &held{release: make(chan struct{})}
		close(server.release)
		client := newClient(t, server, func(c *Config) {
			c.AccountHeader, c.PerMinute, c.MaxWait, c.MaxRetries = "X-Account-Id", 1000, 5*time.Second, -1
		})
		ctx, stop := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				for ctx.Err() == nil {
					call := of("busy")
					call.Class = Final
					if _, err := client.Do(context.Background(), call); err != nil {
						<-time.After(100 * time.Millisecond)
					}
				}
			})
		}
		<-time.After(90 * time.Second)
		through := 0
		for began := time.Now(); time.Since(began) < 5*time.Minute; {
			call := of("asked")
			call.Class = Bulk
			_, err := client.Do(context.Background(), call)
			if err == nil {
				through++
				continue
			}
			require.True(t, errors.Is(err, assessment.ErrRateLimited), "%v", err)
			<-time.After(10 * time.Second)
		}
		stop()
		all.Wait()
		require.GreaterOrEqual(t, through, 4*950/50)
	})
}
