package kombotest

import (
	"strconv"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Limits are how many calls the simulator takes; a number that is zero is no limit.
// What is beyond is answered as Kombo answers it: 429 PLATFORM.RATE_LIMIT_EXCEEDED for
// the calls of a window, 429 PLATFORM.CONCURRENCY_LIMIT_EXCEEDED for actions at once.
// Neither has a Retry-After, which Kombo does not document.
//
// The windows are fixed: one begins with the first call after the last one ended. Every
// answer carries ratelimit-limit, ratelimit-remaining and ratelimit-reset (whole
// seconds, rounded down) of the window with the fewest calls left, and answers to
// actions carry Concurrency-Limit and Concurrency-Remaining. Without limits the headers
// are the documented samples (300, 298 and 57; 30 and 29).
//
// Kombo does not document the window and whose it is, hence both scopes, which may be
// combined. Time is that of [time.Now], or of the testing/synctest bubble:
// https://docs.kombo.dev/assessment/getting-started/fetching-data
type Limits struct {
	CallsPerKey     int           // of one API key, within a window
	CallsPerAccount int           // for one integration, within a window
	Window          time.Duration // zero: a minute
	// InFlightPerAccount bounds the actions at work at once for one integration; Kombo
	// documents about 30: https://docs.kombo.dev/assessment/guides/concurrency-limiting
	InFlightPerAccount int
}

// The headers of limits.
const (
	rateLimit            = "Ratelimit-Limit"
	rateRemaining        = "Ratelimit-Remaining"
	rateReset            = "Ratelimit-Reset"
	concurrencyLimit     = "Concurrency-Limit"
	concurrencyRemaining = "Concurrency-Remaining"
)

// isAction: what counts as an action is not quite documented; reads do not.
func isAction(op string) bool { return op == OpUpdateResult }

func (s *Server) limited(standing simkit.Standing) simkit.Reply {
	if standing.Excess == simkit.TooManyAtOnce {
		return s.refused(refuse(codeConcurrency, ""))
	}
	return s.refused(refuse(codeRateLimit, ""))
}

// finish adds the headers of limits, unless a fault chose others.
func (s *Server) finish(c *simkit.Call, standing simkit.Standing, r simkit.Reply) simkit.Reply {
	limit, remaining, reset := 300, 298, 57
	if standing.Limit > 0 {
		limit, remaining, reset = standing.Limit, standing.Remaining, int(standing.Reset/time.Second)
	}
	setMissing(&r, rateLimit, limit)
	setMissing(&r, rateRemaining, remaining)
	setMissing(&r, rateReset, reset)
	if standing.Excess == simkit.TooManyAtOnce || isAction(c.Op) && r.Status < 400 {
		width, free := 30, 29
		if standing.Width > 0 {
			width, free = standing.Width, standing.Free
		}
		setMissing(&r, concurrencyLimit, width)
		setMissing(&r, concurrencyRemaining, free)
	}
	return r
}

func setMissing(r *simkit.Reply, name string, value int) {
	if r.Header.Get(name) == "" {
		r.SetHeader(name, strconv.Itoa(value))
	}
}
