package kombotest

import (
	"fmt"
	"net/http"
	"time"
)

// Fault makes one call of the API go wrong in a certain way. The zero value is no
// fault. Faults are queued with [Server.Fail] or chosen by [Server.Chaos].
type Fault struct {
	name string
	// skips: the operation is not executed.
	skips    bool
	before   time.Duration // before the operation
	after    time.Duration // after the operation, before the answer
	rewrite  func(*Server, reply) reply
	header   map[string]string
	warnings []string
}

// String returns the name of the fault, as in [Exchange.Fault].
func (f Fault) String() string { return f.name }

// Header returns the fault with a response header set, or removed if the value is
// empty, as in RateLimited().Header("Retry-After", "3").
func (f Fault) Header(name, value string) Fault {
	name = http.CanonicalHeaderKey(name)
	header := map[string]string{name: value}
	for k, v := range f.header {
		if k != name {
			header[k] = v
		}
	}
	f.header = header
	return f
}

// After returns the fault happening only after a wait.
func (f Fault) After(d time.Duration) Fault {
	f.before += d
	return f
}

// Fail queues faults for an operation, which is one of the Op constants or
// [OpAny]. Each of the next calls takes one; the queue of the operation itself
// comes first. A zero Fault in the queue lets a call pass.
func (s *Server) Fail(op string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = append(s.faults[op], faults...)
}

// Chaos chooses the fault of every call for which none is queued. It is told the
// operation and the number of the call among those of the operation, from 1; it
// may be called concurrently. Nil ends the chaos.
func (s *Server) Chaos(choose func(op string, n int) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chaos = choose
}

// RandomFaults is a choice for [Server.Chaos]: each call fails with the given
// probability, in one of the given ways. The choice depends on the seed, the
// operation and the number of the call alone, so that it can be repeated.
func (s *Server) RandomFaults(probability float64, faults ...Fault) func(op string, n int) Fault {
	seed := s.cfg.Seed
	return func(op string, n int) Fault {
		if len(faults) == 0 || fraction(seed, "chaos/"+op, n) >= probability {
			return Fault{}
		}
		return faults[int(fraction(seed, "fault/"+op, n)*float64(len(faults)))]
	}
}

// PendingFaults returns the number of queued faults that no call has taken yet.
func (s *Server) PendingFaults() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, queue := range s.faults {
		n += len(queue)
	}
	return n
}

func (s *Server) nextFault(op string) Fault {
	s.mu.Lock()
	s.calls[op]++
	n, choose := s.calls[op], s.chaos
	for _, key := range []string{op, OpAny} {
		if queue := s.faults[key]; len(queue) > 0 {
			s.faults[key] = queue[1:]
			s.mu.Unlock()
			return queue[0]
		}
	}
	s.mu.Unlock()
	if choose == nil {
		return Fault{}
	}
	return choose(op, n)
}

// Status answers with an HTTP status and an envelope with the given code, and the
// operation is not executed. An empty code is null in the envelope; the status
// zero is the one that belongs to the code.
func Status(status int, code string) Fault {
	return instead(fmt.Sprintf("status %d %s", status, code), func(s *Server) reply {
		return s.refused(&refusal{status: status, code: code})
	})
}

// RateLimited answers 429 PLATFORM.RATE_LIMIT_EXCEEDED. ratelimit-remaining is 0
// and ratelimit-reset a second. Kombo does not document Retry-After: there is
// none, unless one is added with [Fault.Header].
func RateLimited() Fault {
	f := Status(0, codeRateLimit).Header("Ratelimit-Remaining", "0").Header("Ratelimit-Reset", "1")
	f.name = "rate limited"
	return f
}

// Concurrency429 answers 429 PLATFORM.CONCURRENCY_LIMIT_EXCEEDED:
// https://docs.kombo.dev/assessment/guides/concurrency-limiting
func Concurrency429() Fault {
	f := Status(0, codeConcurrency).Header("Concurrency-Limit", "30").Header("Concurrency-Remaining", "0")
	f.name = "concurrency limit"
	return f
}

// TaskTimedOut answers PLATFORM.TASK_TIMED_OUT, and the operation is not
// executed; AppliedThen(TaskTimedOut()) executes it.
func TaskTimedOut() Fault {
	f := Status(0, codeTaskTimedOut)
	f.name = "task timed out"
	return f
}

const loadBalancerPage = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n" +
	"<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n"

// LoadBalancer503 answers 503 with a page of the load balancer instead of Kombo's
// envelope, and the operation is not executed: https://docs.kombo.dev/guides/errors
func LoadBalancer503() Fault {
	return instead("load balancer 503", func(*Server) reply {
		return htmlReply(http.StatusServiceUnavailable, loadBalancerPage)
	})
}

// HTMLBody answers 200 with a page instead of JSON, as a proxy might, and the
// operation is not executed.
func HTMLBody() Fault {
	return instead("HTML body", func(*Server) reply {
		return htmlReply(http.StatusOK, "<html><body>Please sign in.</body></html>")
	})
}

// Redirect answers 307 with the location given, and the operation is not executed.
func Redirect(location string) Fault {
	return instead("redirect", func(*Server) reply {
		rep := htmlReply(http.StatusTemporaryRedirect, "")
		rep.header.Set("Location", location)
		return rep
	})
}

// Reset resets the connection before the operation is executed.
func Reset() Fault {
	return instead("reset", func(*Server) reply { return reply{reset: true} })
}

// AppliedThenReset executes the operation and resets the connection instead of
// answering.
func AppliedThenReset() Fault { return AppliedThen(Reset()) }

// AppliedThen executes the operation and only then lets the fault happen, its
// wait included. The answer of the operation is lost unless the fault keeps it.
func AppliedThen(f Fault) Fault {
	f.name = "applied, then " + f.name
	f.skips = false
	f.before, f.after = 0, f.after+f.before
	return f
}

// Slow executes the operation after a wait and answers. If the caller gives up
// before, the operation is not executed; with AppliedThen(Slow(d)) it is.
func Slow(d time.Duration) Fault { return Fault{name: "slow", before: d} }

// SlowBody executes the operation, answers with the header at once and with the
// body after a wait.
func SlowBody(d time.Duration) Fault {
	return damaged("slow body", func(rep *reply) { rep.bodyDelay = d })
}

// EmptyBody executes the operation and answers with its status and no body.
func EmptyBody() Fault {
	return damaged("empty body", func(rep *reply) { rep.body = nil })
}

// TruncatedJSON executes the operation and answers with the first half of the
// body as if it were all.
func TruncatedJSON() Fault {
	return damaged("truncated JSON", func(rep *reply) { rep.body = rep.body[:len(rep.body)/2] })
}

// CutOff executes the operation, announces the whole body and closes the
// connection after half of it.
func CutOff() Fault {
	return damaged("cut off", func(rep *reply) { rep.cutOff = true })
}

// Warning executes the operation and adds a warning to its answer.
func Warning(text string) Fault { return Fault{name: "warning", warnings: []string{text}} }

func instead(name string, answer func(*Server) reply) Fault {
	return Fault{name: name, skips: true, rewrite: func(s *Server, _ reply) reply { return answer(s) }}
}

func damaged(name string, damage func(*reply)) Fault {
	return Fault{name: name, rewrite: func(_ *Server, rep reply) reply {
		damage(&rep)
		return rep
	}}
}

func htmlReply(status int, page string) reply {
	header := http.Header{}
	header.Set("Content-Type", "text/html")
	return reply{status: status, header: header, body: []byte(page)}
}
