package ashbytest

import (
	"context"
	"time"
)

// MaxAttempts is how often Ashby sends a webhook at most, the first time included:
// https://developers.ashbyhq.com/docs/retries
const MaxAttempts = 10

// Retries is a webhook that is sent until it succeeds or Ashby gives up. It is used
// by one goroutine at a time.
type Retries struct {
	server *Server
	event  Event
	faults []DeliveryFault
	made   []Delivery
}

// Retries prepares a webhook for repeated sending and sends nothing yet. The faults
// apply to every attempt. [Retries.Next] steps from attempt to attempt without
// waiting, [Retries.Run] keeps Ashby's delays.
func (s *Server) Retries(event Event, faults ...DeliveryFault) *Retries {
	return &Retries{server: s, event: event, faults: faults}
}

// Attempts returns the attempts so far.
func (r *Retries) Attempts() []Delivery { return append([]Delivery(nil), r.made...) }

// Delay is the wait before the next attempt, (2^n - 1) x 10 s after n attempts: 0,
// 10, 30, 70, 150 seconds and so on. The second result is false if there is no next
// attempt: the last one succeeded, was refused for good or was the tenth.
func (r *Retries) Delay() (wait time.Duration, due bool) {
	n := len(r.made)
	if n == 0 {
		return 0, true
	}
	if n >= MaxAttempts || !r.made[n-1].Retryable {
		return 0, false
	}
	return time.Duration(1<<n-1) * 10 * time.Second, true
}

// Next makes the next attempt at once, and returns false if there is none. Faults
// given here apply to this attempt, after those of [Server.Retries].
func (r *Retries) Next(ctx context.Context, faults ...DeliveryFault) (Delivery, bool) {
	if _, due := r.Delay(); !due {
		return Delivery{}, false
	}
	d := r.server.Deliver(ctx, r.event, append(append([]DeliveryFault(nil), r.faults...), faults...)...)
	r.made = append(r.made, d)
	return d, true
}

// Run makes the attempts that are left, with Ashby's delays between them, in real
// time or in that of a testing/synctest bubble, and returns all attempts. It ends
// early with the context or the simulator.
func (r *Retries) Run(ctx context.Context) []Delivery {
	for {
		wait, due := r.Delay()
		if !due || !r.server.sim.Pause(ctx, wait) {
			return r.Attempts()
		}
		if _, sent := r.Next(ctx); !sent {
			return r.Attempts()
		}
	}
}
