package stackonetest

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Limits are how many calls the simulator takes; a number that is zero is no limit.
// StackOne documents 1,000 a minute of one API key, and no limit of calls at once:
// https://docs.stackone.com/guides/rate-limiting
//
// What is beyond is answered 429 with StackOne's envelope and a Retry-After: the whole
// seconds until the window ends, rounded up; a second for calls at once. There are no
// other headers of limits. The windows are fixed: one begins with the first call after
// the last one ended. Time is that of [time.Now], or of the testing/synctest bubble.
type Limits struct {
	CallsPerKey        int           // of one API key, within a window
	CallsPerAccount    int           // for one account, within a window
	Window             time.Duration // zero: a minute
	InFlightPerAccount int           // unified calls at work at once for one account
}

func (s *Server) limited(standing simkit.Standing) simkit.Reply {
	wait := time.Second
	if standing.Excess == simkit.TooManyCalls {
		wait = standing.Reset
	}
	f := Failure{Status: http.StatusTooManyRequests, RetryAfter: strconv.Itoa(int(math.Ceil(wait.Seconds())))}
	return f.reply(s.now())
}
