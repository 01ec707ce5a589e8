package ashbytest

import (
	"net/http"
	"slices"
	"time"
)

// Direction tells who called whom.
type Direction string

// The directions of an [Exchange].
const (
	// ToAshby is a call of the API by the provider.
	ToAshby Direction = "to Ashby"
	// FromAshby is a call of the provider's endpoints, or a webhook.
	FromAshby Direction = "from Ashby"
)

// Exchange is one request and its answer. Its slices and maps belong to the
// simulator and are not to be changed.
type Exchange struct {
	Direction      Direction
	Op             string // one of the Op constants, or the action of a webhook
	Organization   string // whose key it was; empty: none was recognised
	Time           time.Time
	Method         string
	URL            string      // with the query
	RequestHeader  http.Header // the Authorization redacted
	RequestBody    []byte
	Status         int // 0: no answer
	ResponseHeader http.Header
	ResponseBody   []byte
	Err            string // why there was no answer
	Fault          string // name of the fault; several separated by a comma
	// Notes are oddities of a call that Ashby is not known to refuse, such as unknown
	// keys, and for a call from Ashby the violations of the answer.
	Notes []string
}

const redaction = "[redacted]"

// Exchanges returns all exchanges in both directions, in the order in which they
// ended. All are kept, bodies included, until [Server.ForgetExchanges].
func (s *Server) Exchanges() []Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.exchanges)
}

// Calls returns the exchanges of one operation or webhook action.
func (s *Server) Calls(op string) []Exchange {
	return slices.DeleteFunc(s.Exchanges(), func(e Exchange) bool { return e.Op != op })
}

// ForgetExchanges drops the exchanges kept so far.
func (s *Server) ForgetExchanges() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanges = nil
}

func (s *Server) keep(e Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanges = append(s.exchanges, e)
}

// redacted hides the key, so that exchanges can be printed.
func redacted(h http.Header) http.Header {
	c := h.Clone()
	if c.Get("Authorization") != "" {
		c.Set("Authorization", redaction)
	}
	return c
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
