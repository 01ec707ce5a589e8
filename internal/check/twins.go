package check

import (
	"context"
	"fmt"
	"net/http"
)

// attempt is one request that is sent to the service.
type attempt struct {
	name string // what is special about it, as in "without a signature"
	send func(context.Context) reply
}

// reply is the answer to an attempt.
type reply struct {
	status int // 0: no answer
	header http.Header
	body   []byte
	err    error
	at     place
	// accepted is the vendor's verdict that the request was taken.
	accepted bool
	// rejected is the vendor's verdict that it is a rejection for the recruiter,
	// which no request must get that is nobody's order.
	rejected bool
}

func (r reply) String() string {
	if r.status == 0 {
		return fmt.Sprintf("no answer (%v)", r.err)
	}
	return fmt.Sprintf("status %d %s", r.status, excerpt(r.body))
}

// twins is a refusal that is expected, and the proof that it means something: the same
// bytes, rightly made. There is no other way to judge a refusal.
type twins struct {
	spoiled []attempt
	twin    attempt
	// refuses tells which answers are refusals; nil: see unauthorised.
	refuses func(reply) bool
	// expected is the refusal in words; empty: 401.
	expected string
	// taken is the key of the failure of a spoiled request that was not refused, and
	// closed that of a twin which was not accepted.
	taken, closed string
}

// unauthorised: 401 is what everybody means by it. Any other refusal that blames the
// sender does as well, but not one that reads as a rejection of the order.
func unauthorised(r reply) bool { return r.status >= 400 && r.status < 500 && !r.rejected }

// twins sends the spoiled requests and then their twin, and judges them together: if
// the twin is not accepted, no refusal counts.
func (t *T) twins(ctx context.Context, p twins) {
	if p.refuses == nil {
		p.refuses = unauthorised
	}
	if p.expected == "" {
		p.expected = "a refusal: 401"
	}
	for _, s := range p.spoiled {
		r := s.send(ctx)
		if !p.refuses(r) {
			t.fail(p.taken, Mismatch{What: "the answer to a request " + s.name, Expected: p.expected, Got: r.String(), at: r.at})
		}
	}
	r := p.twin.send(ctx)
	if !r.accepted {
		t.fail(p.closed, Mismatch{
			What:     "the answer to the same request " + p.twin.name + " (a refusal counts only beside it)",
			Expected: "that it is accepted", Got: r.String(), at: r.at,
		})
	}
}
