package stackonetest

import (
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Fault makes one call of the API go wrong in a certain way. The zero value is no
// fault. Faults are queued with [Server.Fail] or chosen by [Server.Chaos].
type Fault struct{ of simkit.Fault[*Server] }

// String returns the name of the fault with its arguments, as in [Exchange.Fault] and
// for [ParseFault].
func (f Fault) String() string { return f.of.String() }

// Header returns the fault with a response header set, or removed if the value is
// empty, as in RateLimited().Header("Retry-After", "").
func (f Fault) Header(name, value string) Fault { return Fault{f.of.Header(name, value)} }

// After returns the fault happening only after a wait.
func (f Fault) After(d time.Duration) Fault { return Fault{f.of.After(d)} }

func (f Fault) inner() simkit.Fault[*Server] { return f.of }

// Fail queues faults for an operation, which is one of the Op constants or
// [OpAny]. Each of the next calls takes one; the queue of the operation itself
// comes first. A zero Fault in the queue lets a call pass.
func (s *Server) Fail(op string, faults ...Fault) { s.sim.Fail(op, simkit.Map(faults, Fault.inner)...) }

// Chaos chooses the fault of every call for which none is queued. It is told the
// operation and the number of the call among those of the operation, from 1; it
// may be called concurrently. Nil ends the chaos.
func (s *Server) Chaos(choose func(op string, n int) Fault) {
	if choose == nil {
		s.sim.Chaos(nil)
		return
	}
	s.sim.Chaos(func(op string, n int) simkit.Fault[*Server] { return choose(op, n).of })
}

// RandomFaults is a choice for [Server.Chaos]: each call fails with the given
// probability, in one of the given ways. The choice depends on the seed, the
// operation and the number of the call alone, so that it can be repeated.
func (s *Server) RandomFaults(probability float64, faults ...Fault) func(op string, n int) Fault {
	return func(op string, n int) Fault {
		if i := s.sim.RandomFault(probability, len(faults), op, n); i >= 0 {
			return faults[i]
		}
		return Fault{}
	}
}

// PendingFaults returns the number of queued faults that no call has taken yet.
func (s *Server) PendingFaults() int { return s.sim.PendingFaults() }

// ParseFault reads a fault by name, with arguments if it takes any: "reset",
// "slow=3s", "status=412,AccountIntegrationInactiveError", "applied, then timed out".
// Behind it there may be "; after=DURATION" and "; header=NAME,VALUE". In names,
// hyphens stand for blanks, and case does not matter. [Faults] lists them.
func ParseFault(text string) (Fault, error) {
	f, err := simkit.ParseFault(faults(), text)
	if err != nil {
		return Fault{}, named(err)
	}
	return Fault{f}, nil
}

// Faults lists what [ParseFault] takes, sorted, with the arguments in capitals.
func Faults() []string { return faults().Forms() }

func faults() simkit.Catalogue[simkit.Fault[*Server]] {
	type args = *simkit.Args
	type fault = simkit.Fault[*Server]
	return append(simkit.Faults[*Server](), []simkit.Form[fault]{
		{Name: "status", Takes: "STATUS,CODE", Make: func(a args) fault { return Status(a.Int(), a.OptionalText()).of }},
		{Name: "answer", Takes: "FAILURE", Make: func(a args) fault { return Answer(readJSON[Failure](a)).of }},
		{Name: "timed out", Make: func(args) fault { return TimedOut().of }},
		{Name: "rate limited", Make: func(args) fault { return RateLimited().of }},
		{Name: "account unusable", Make: func(args) fault { return AccountUnusable().of }},
		{Name: "bad gateway", Takes: "[ERROR,…]", Make: func(a args) fault {
			if !a.More() {
				return BadGateway().of
			}
			return BadGateway(readJSON[[]ProviderError](a)...).of
		}},
		{Name: "raw body", Takes: "STATUS,TYPE,BODY", Make: func(a args) fault { return RawBody(a.Int(), a.Text(), a.Text()).of }},
		{Name: "firewall", Make: func(args) fault { return Firewall().of }},
		{Name: "heartbeat", Takes: "DURATION", Make: func(a args) fault { return Heartbeat(a.Duration()).of }},
		{Name: "heartbeat, then error", Takes: "FAILURE", Make: func(a args) fault { return HeartbeatThenError(readJSON[Failure](a)).of }},
		{Name: "edited", Takes: "FIELDS", Make: func(a args) fault { return Edited(readJSON[map[string]any](a)).of }},
	}...)
}

func readJSON[T any](a *simkit.Args) T {
	var v T
	a.JSON(&v)
	return v
}

// Answer answers with a failure, and the operation is not executed;
// AppliedThen(Answer(f)) executes it.
func Answer(f Failure) Fault { return answering(f, "answer", f) }

func answering(f Failure, name string, args ...any) Fault {
	return Fault{simkit.Instead(func(s *Server) simkit.Reply { return f.reply(s.now()) }, name, args...)}
}

// Status answers with an HTTP status and StackOne's envelope, and the operation is
// not executed. An empty error code is left out. A status of 408 has a Retry-After
// of 60 seconds, unless it is removed with [Fault.Header].
func Status(status int, errorCode string) Fault {
	f := Failure{Status: status, ErrorCode: errorCode}
	if errorCode == "" {
		return answering(f, "status", status)
	}
	return answering(f, "status", status, errorCode)
}

// TimedOut answers 408 after StackOne's own limit, with a Retry-After of 60 seconds
// and without executing the operation; AppliedThen(TimedOut()) executes it:
// https://docs.stackone.com/guides/rate-limiting
func TimedOut() Fault {
	return answering(Failure{Status: http.StatusRequestTimeout}, "timed out")
}

// RateLimited answers 429 with a Retry-After of 60 seconds, as in the documented
// sample; Header("Retry-After", "") removes it:
// https://docs.stackone.com/guides/rate-limiting
func RateLimited() Fault {
	return answering(Failure{Status: http.StatusTooManyRequests, RetryAfter: "60"}, "rate limited")
}

// AccountUnusable answers 412, as for an account that was disabled.
func AccountUnusable() Fault {
	return answering(Failure{Status: http.StatusPreconditionFailed, ErrorCode: codeInactive}, "account unusable")
}

// BadGateway answers 502 with the errors of the ATS, or without any, and the
// operation is not executed; AppliedThen(BadGateway()) executes it.
func BadGateway(provider ...ProviderError) Fault {
	f := Failure{Status: http.StatusBadGateway, Provider: provider}
	if len(provider) == 0 {
		return answering(f, "bad gateway")
	}
	return answering(f, "bad gateway", provider)
}

// RawBody answers with any bytes, such as a body that is not JSON, and the
// operation is not executed.
func RawBody(status int, contentType, body string) Fault {
	return Fault{simkit.RawBody[*Server](status, contentType, body)}
}

// Firewall answers 403 with a page of a security filter instead of StackOne's
// envelope, and the operation is not executed.
func Firewall() Fault {
	return Fault{simkit.RawBody[*Server](http.StatusForbidden, "text/html",
		"<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>\n").Named("firewall")}
}

// HTMLBody answers 200 with a page instead of JSON, as a proxy might, and the
// operation is not executed.
func HTMLBody() Fault { return Fault{simkit.HTMLBody[*Server]()} }

// Redirect answers 307 with the location given, and the operation is not executed.
func Redirect(location string) Fault { return Fault{simkit.Redirect[*Server](location)} }

// Reset resets the connection before the operation is executed.
func Reset() Fault { return Fault{simkit.Reset[*Server]()} }

// AppliedThenReset executes the operation and resets the connection instead of
// answering.
func AppliedThenReset() Fault { return AppliedThen(Reset()) }

// AppliedThen executes the operation and only then lets the fault happen, its
// wait included. The answer of the operation is lost unless the fault keeps it.
func AppliedThen(f Fault) Fault { return Fault{simkit.AppliedThen(f.of)} }

// Slow executes the operation after a wait and answers. If the caller gives up
// before, the operation is not executed; with AppliedThen(Slow(d)) it is.
func Slow(d time.Duration) Fault { return Fault{simkit.Slow[*Server](d)} }

// SlowBody executes the operation, answers with the header at once and with the
// body after a wait.
func SlowBody(d time.Duration) Fault { return Fault{simkit.SlowBody[*Server](d)} }

// EmptyBody executes the operation and answers with its status and no body.
func EmptyBody() Fault { return Fault{simkit.EmptyBody[*Server]()} }

// TruncatedJSON executes the operation and answers with the first half of the
// body as if it were all.
func TruncatedJSON() Fault { return Fault{simkit.TruncatedJSON[*Server]()} }

// CutOff executes the operation, announces the whole body and closes the
// connection after half of it.
func CutOff() Fault { return Fault{simkit.CutOff[*Server]()} }

// Heartbeat executes the operation and precedes its answer with the newlines of a
// heartbeat, also for a call that did not ask for them; the document follows after
// the wait.
func Heartbeat(d time.Duration) Fault {
	return Fault{simkit.Damaged[*Server](func(r *simkit.Reply) {
		*r = withHeartbeat(*r)
		r.BodyDelay = d
	}, "heartbeat", d)}
}

// HeartbeatThenError answers HTTP 200 and the newlines of a heartbeat, and then
// an error whose status is in the body alone; the operation is not executed.
// StackOne does not document what a heartbeat answer looks like when the work
// fails.
func HeartbeatThenError(f Failure) Fault {
	return Fault{simkit.Instead(func(s *Server) simkit.Reply {
		r := f.reply(s.now())
		r.Status = http.StatusOK
		return withHeartbeat(r)
	}, "heartbeat, then error", f)}
}

// Edited executes the operation and changes the fields of its answer by dotted
// path, as in OrderSpec.Fields; an answer that has no such place stays as it is.
func Edited(fields map[string]any) Fault {
	return Fault{simkit.Damaged[*Server](func(r *simkit.Reply) {
		tree, err := simkit.Decode(r.Body)
		if err != nil {
			return
		}
		simkit.Fields{Values: fields, Absent: Absent}.SetLeniently(tree)
		r.Body = simkit.Encode(tree)
	}, "edited", fields)}
}
