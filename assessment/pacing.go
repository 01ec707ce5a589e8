package assessment

import (
	"errors"
	"time"
)

// PacingMode says who decides how fast a client calls its vendor.
type PacingMode int8

// The modes. The zero value is PacingAuto.
const (
	// PacingAuto keeps to the limits that the vendor documents or its answers tell
	// of, shares them with other processes, and slows down after refusals.
	PacingAuto PacingMode = iota
	// PacingFixed keeps to the numbers in [Pacing] alone, and to the waits that the
	// vendor asks for.
	PacingFixed
	// PacingOff sends every call at once.
	PacingOff
)

// Pacing bounds by hand how fast a client calls its vendor. It can be changed
// while the client runs. Zero means: no bound of this kind by hand.
type Pacing struct {
	Mode PacingMode
	// PerMinute is how many calls the client makes in a minute.
	PerMinute int
	// InFlight is how many calls are in flight together.
	InFlight int
	// InFlightPerAccount is how many calls of one account are in flight together.
	InFlightPerAccount int
	// Processes is how many processes share the vendor's limits. Documented limits
	// and an account's width are divided by it; what was set by hand above, and what
	// the vendor's answers show, is not. Zero is one.
	Processes int
}

// Check refuses negative numbers and unknown modes.
func (p Pacing) Check() error {
	switch {
	case p.Mode < PacingAuto || p.Mode > PacingOff:
		return errors.New("pacing: unknown mode")
	case p.PerMinute < 0, p.InFlight < 0, p.InFlightPerAccount < 0, p.Processes < 0:
		return errors.New("pacing: negative number")
	}
	return nil
}

// LimitScope says what a vendor counts calls by.
type LimitScope int8

// The scopes. The zero value is ScopeAuto: the client learns it from the vendor's
// answers.
const (
	ScopeAuto    LimitScope = iota
	ScopeKey                // all calls with one API key
	ScopeAccount            // the calls of each account
)

// Limit is what holds a client's calls back, for metrics and for queues.
type Limit struct {
	Account   string    // the customer; empty for the API key as a whole
	OpenAt    time.Time // when calls go out again; zero: they do now, or nobody knows
	Cause     string    // why calls are held back, in words; empty if they are not
	Remaining int       // calls left in the vendor's window; -1 if it is not known
	InFlight  int       // calls that are being made
	Width     int       // how many can be made together; 0: any number
}
