package ashbytest

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
// empty, as in RateLimited().Header("Retry-After", "3").
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
// "slow=3s", "refused=invalid_input", "applied, then status=500".
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
		{Name: "refused", Takes: "CODE", Make: func(a args) fault { return Refused(a.Text()).of }},
		{Name: "status", Takes: "STATUS,CODE", Make: func(a args) fault { return Status(a.Int(), a.OptionalText()).of }},
		{Name: "rate limited", Make: func(args) fault { return RateLimited().of }},
		{Name: "concurrency limit", Make: func(args) fault { return Concurrency429().of }},
		{Name: "Cloudflare 1010", Make: func(args) fault { return Cloudflare1010().of }},
		{Name: "warning", Takes: "CODE", Make: func(a args) fault { return Warning(a.Text()).of }},
	}...)
}

// Refused answers 200 with success:false and the given code, known or not, and the
// operation is not executed: https://developers.ashbyhq.com/docs/responses
func Refused(code string) Fault { return refusing(http.StatusOK, code, "refused", code) }

func refusing(status int, code, name string, args ...any) Fault {
	return Fault{simkit.Instead(func(s *Server) simkit.Reply { return s.refused(&refusal{status: status, code: code}) }, name, args...)}
}

// Status answers with an HTTP status and an error envelope with the given code, and
// the operation is not executed. Without a code the body is the status as a text,
// because Ashby documents no body for a 5xx.
func Status(status int, code string) Fault {
	if code == "" {
		return Fault{simkit.RawBody[*Server](status, "text/plain; charset=utf-8", http.StatusText(status)).Named("status", status)}
	}
	return refusing(status, code, "status", status, code)
}

// RateLimited answers 429 rate_limit_exceeded. Retry-After is not documented: there
// is none, unless one is added with [Fault.Header].
func RateLimited() Fault {
	return refusing(http.StatusTooManyRequests, codeRateLimit, "rate limited")
}

// Concurrency429 answers 429 concurrent_limit_exceeded.
func Concurrency429() Fault {
	return refusing(http.StatusTooManyRequests, codeConcurrencyLimit, "concurrency limit")
}

// Cloudflare1010 answers 403 with the page of Cloudflare, which guards Ashby, as if
// it disliked the User-Agent. Nothing is wrong with the key.
func Cloudflare1010() Fault {
	return Fault{simkit.Instead(func(*Server) simkit.Reply { return cloudflareReply() }, "Cloudflare 1010")}
}

// LoadBalancer503 answers 503 with a page of the load balancer instead of Ashby's
// envelope, and the operation is not executed.
func LoadBalancer503() Fault { return Fault{simkit.LoadBalancer503[*Server]()} }

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

// Warning executes the operation and adds a warning to its answer, such as
// unable_to_add_application_metadata: https://developers.ashbyhq.com/docs/responses
func Warning(code string) Fault { return Fault{simkit.Warning[*Server](code)} }
