package ashbytest

import (
	"net/http"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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
	ID             int // from 1, in the order in which the exchanges began
	Direction      Direction
	Op             string // one of the Op constants, or the action of a webhook
	Organization   string // whose key it was; empty: none was recognised
	Assessment     string // id of the assessment it is about; empty: none, or not known before
	Delivery       int    // [Delivery.ID] or [Answer.Delivery]; 0 for calls of the API
	Time           time.Time
	Duration       time.Duration // until the answer began, or for a call of the provider was read
	Method         string
	URL            string      // with the query; secrets in it redacted
	RequestHeader  http.Header // credentials redacted
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

func exchangeOf(e simkit.Exchange) Exchange {
	return Exchange{
		ID: e.ID, Direction: Direction(e.Direction), Op: e.Op, Organization: e.Account, Assessment: e.Order, Delivery: e.Delivery,
		Time: e.Time, Duration: e.Duration, Method: e.Method, URL: e.URL,
		RequestHeader: e.RequestHeader, RequestBody: e.RequestBody,
		Status: e.Status, ResponseHeader: e.ResponseHeader, ResponseBody: e.ResponseBody,
		Err: e.Err, Fault: e.Fault, Notes: e.Notes,
	}
}

func (s *Server) followed(e simkit.Exchange) {
	if s.cfg.OnExchange != nil {
		s.cfg.OnExchange(exchangeOf(e))
	}
}

// Exchanges returns the exchanges in both directions, in the order in which they
// ended: the latest [Config.MaxExchanges] since [Server.ForgetExchanges].
func (s *Server) Exchanges() []Exchange { return simkit.Map(s.sim.Exchanges(), exchangeOf) }

// Calls returns the exchanges of one operation or webhook action.
func (s *Server) Calls(op string) []Exchange {
	return slices.DeleteFunc(s.Exchanges(), func(e Exchange) bool { return e.Op != op })
}

// ForgetExchanges drops the exchanges kept so far.
func (s *Server) ForgetExchanges() { s.sim.ForgetExchanges() }
