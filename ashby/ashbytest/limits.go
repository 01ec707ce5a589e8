package ashbytest

import (
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Limits are how many calls the simulator takes; a number that is zero is no limit.
// Ashby publishes none for the operations of assessments; others report 1,000 a minute
// of one API key.
//
// What is beyond is answered 429 with rate_limit_exceeded or concurrent_limit_exceeded,
// as Ashby answers on its report endpoints, without a Retry-After and without other
// headers. The windows are fixed: one begins with the first call after the last one
// ended. Time is that of [time.Now], or of the testing/synctest bubble.
type Limits struct {
	CallsPerKey        int           // of one API key, within a window
	CallsPerAccount    int           // of one organization, whatever the key, within a window
	Window             time.Duration // zero: a minute
	InFlightPerAccount int           // calls at work at once for one organization
}

func (s *Server) limited(standing simkit.Standing) simkit.Reply {
	code := codeRateLimit
	if standing.Excess == simkit.TooManyAtOnce {
		code = codeConcurrencyLimit
	}
	return s.refused(&refusal{status: http.StatusTooManyRequests, code: code})
}
