package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Fault makes one call of the API go wrong in a certain way. The zero value is no
// fault. Faults are queued with [Server.Fail] or chosen by [Server.Chaos].
type Fault struct {
	name string
	// skips: the operation is not executed.
	skips bool
	// raw: the answer is not StackOne's, so that no heartbeat precedes it.
	raw     bool
	before  time.Duration // before the operation
	after   time.Duration // after the operation, before the answer
	rewrite func(*Server, reply) reply
	header  map[string]string
}

// String returns the name of the fault, as in [Exchange.Fault].
func (f Fault) String() string { return f.name }

// Header returns the fault with a response header set, or removed if the value is
// empty, as in RateLimited().Header("Retry-After", "").
func (f Fault) Header(name, value string) Fault {
	name = http.CanonicalHeaderKey(name)
	header := map[string]string{}
	for k, v := range f.header {
		header[k] = v
	}
	header[name] = value
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
	fault, choose, n := s.queuedFault(op)
	if choose == nil {
		return fault
	}
	return choose(op, n)
}

// queuedFault takes a fault from the queue, or says who chooses one. The chooser
// is called without the lock: it may ask the simulator.
func (s *Server) queuedFault(op string) (fault Fault, choose func(op string, n int) Fault, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	for _, key := range []string{op, OpAny} {
		if queue := s.faults[key]; len(queue) > 0 {
			s.faults[key] = queue[1:]
			return queue[0], nil, 0
		}
	}
	return Fault{}, s.chaos, s.calls[op]
}

// Answer answers with a failure, and the operation is not executed;
// AppliedThen(Answer(f)) executes it.
func Answer(f Failure) Fault {
	return instead(fmt.Sprintf("status %d", f.Status), func(s *Server) reply { return f.reply(s.now()) })
}

// Status answers with an HTTP status and StackOne's envelope, and the operation is
// not executed. An empty error code is left out. A status of 408 has a Retry-After
// of 60 seconds, unless it is removed with [Fault.Header].
func Status(status int, errorCode string) Fault {
	return Answer(Failure{Status: status, ErrorCode: errorCode})
}

// TimedOut answers 408 after StackOne's own limit, with a Retry-After of 60 seconds
// and without executing the operation; AppliedThen(TimedOut()) executes it:
// https://docs.stackone.com/guides/rate-limiting
func TimedOut() Fault { return named("timed out", Status(http.StatusRequestTimeout, "")) }

// RateLimited answers 429 with a Retry-After of 60 seconds, as in the documented
// sample; Header("Retry-After", "") removes it:
// https://docs.stackone.com/guides/rate-limiting
func RateLimited() Fault {
	return named("rate limited", Answer(Failure{Status: http.StatusTooManyRequests, RetryAfter: "60"}))
}

// AccountUnusable answers 412, as for an account that was disabled.
func AccountUnusable() Fault {
	return named("account unusable", Status(http.StatusPreconditionFailed, codeInactive))
}

// BadGateway answers 502 with the errors of the ATS, or without any, and the
// operation is not executed; AppliedThen(BadGateway()) executes it.
func BadGateway(provider ...ProviderError) Fault {
	return named("bad gateway", Answer(Failure{Status: http.StatusBadGateway, Provider: provider}))
}

// RawBody answers with any bytes, such as a body that is not JSON, and the
// operation is not executed.
func RawBody(status int, contentType, body string) Fault {
	f := instead("raw body", func(*Server) reply {
		header := http.Header{}
		header.Set("Content-Type", contentType)
		return reply{status: status, header: header, body: []byte(body)}
	})
	f.raw = true
	return f
}

// Firewall answers 403 with a page of a security filter instead of StackOne's
// envelope, and the operation is not executed.
func Firewall() Fault {
	return named("firewall", RawBody(http.StatusForbidden, "text/html",
		"<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>\n"))
}

// HTMLBody answers 200 with a page instead of JSON, as a proxy might, and the
// operation is not executed.
func HTMLBody() Fault {
	return named("HTML body", RawBody(http.StatusOK, "text/html", "<html><body>Please sign in.</body></html>"))
}

// Redirect answers 307 with the location given, and the operation is not executed.
func Redirect(location string) Fault {
	return named("redirect", RawBody(http.StatusTemporaryRedirect, "text/html", "")).Header("Location", location)
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

// Heartbeat executes the operation and precedes its answer with the newlines of a
// heartbeat, also for a call that did not ask for them; the document follows after
// the wait.
func Heartbeat(d time.Duration) Fault {
	return damaged("heartbeat", func(rep *reply) {
		*rep = rep.withHeartbeat()
		rep.bodyDelay = d
	})
}

// HeartbeatThenError answers HTTP 200 and the newlines of a heartbeat, and then
// an error whose status is in the body alone; the operation is not executed.
// StackOne does not document what a heartbeat answer looks like when the work
// fails.
func HeartbeatThenError(f Failure) Fault {
	return instead("heartbeat, then error", func(s *Server) reply {
		rep := f.reply(s.now())
		rep.status = http.StatusOK
		return rep.withHeartbeat()
	})
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

// Edited executes the operation and changes the fields of its answer by dotted
// path, as in OrderSpec.Fields; an answer that has no such place stays as it is.
func Edited(fields map[string]any) Fault {
	return damaged("edited", func(rep *reply) {
		tree, err := decode(rep.body)
		if err != nil {
			return
		}
		for path, value := range fields {
			_ = setPath(tree, path, value) // documented: stays as it is
		}
		if body, err := json.Marshal(tree); err == nil {
			rep.body = body
		}
	})
}

func instead(name string, answer func(*Server) reply) Fault {
	return Fault{name: name, skips: true, rewrite: func(s *Server, _ reply) reply { return answer(s) }}
}

func damaged(name string, damage func(*reply)) Fault {
	return Fault{name: name, rewrite: func(_ *Server, rep reply) reply {
		damage(&rep)
		return rep
	}}
}

func named(name string, f Fault) Fault {
	f.name = name
	return f
}
