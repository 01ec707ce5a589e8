package assessment

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// Observer is told what happens; metrics and traces hang there. Every function
// is optional, is called synchronously with the context of the delivery or
// call, and must be safe for concurrent use. No value handed to it holds a
// secret, a signature or a candidate's data, unless an error of the host's own
// does. A panic in a function is logged and changes nothing else.
//
// What a function gets logs as a group of plain fields; see [Delivery.LogValue].
//
// Set it where the function is called: Delivery and Drift in the configuration
// of a handler, Attempt and Drift in that of a client, Provider in that of the
// [Intake]. One Observer can be set in all of them.
type Observer struct {
	// Delivery is called once for every delivery that a handler answered.
	Delivery func(context.Context, Delivery)
	// Attempt is called once for every HTTP request that a client made.
	Attempt func(context.Context, Attempt)
	// Provider is called once for every call of the host's [Provider], after it
	// returned, and before that for a start that is abandoned.
	Provider func(context.Context, ProviderCall)
	// Result is called once for every PublishResult of a client, after it ended.
	Result func(context.Context, ResultReport)
	// Drift is called when a vendor sent something that this version does not
	// know: an event type, an enum value, a field of another JSON type.
	Drift func(context.Context, Drift)
}

// Contained returns o with each of its functions guarded: a panic in one is
// logged without its value, which may be about a candidate, and ends there. The
// intake, the handlers and the clients of this module call only such functions.
// A nil logger is silent.
func (o Observer) Contained(logger *slog.Logger) Observer {
	return Observer{
		Delivery: contained(logger, "Delivery", o.Delivery),
		Attempt:  contained(logger, "Attempt", o.Attempt),
		Provider: contained(logger, "Provider", o.Provider),
		Result:   contained(logger, "Result", o.Result),
		Drift:    contained(logger, "Drift", o.Drift),
	}
}

// contained keeps nil as it is, so that callers can skip what nobody watches.
func contained[T any](logger *slog.Logger, hook string, call func(context.Context, T)) func(context.Context, T) {
	if call == nil {
		return nil
	}
	return func(ctx context.Context, value T) {
		defer func() {
			if p := recover(); p != nil && logger != nil {
				logger.ErrorContext(ctx, "observer panicked",
					"hook", hook, "panic", panicText(p), "stack", string(debug.Stack()))
			}
		}()
		call(ctx, value)
	}
}

// DeliveryOutcome is what became of a delivery.
type DeliveryOutcome string

// The outcomes of a delivery.
const (
	DeliveryAccepted DeliveryOutcome = "accepted" // the provider took the order
	DeliveryRejected DeliveryOutcome = "rejected" // the provider said no
	DeliveryReplayed DeliveryOutcome = "replayed" // an earlier answer was given again
	DeliveryQueued   DeliveryOutcome = "queued"   // the host's queue took the order
	DeliveryHandled  DeliveryOutcome = "handled"  // another event, given to the host or acknowledged
	DeliveryRefused  DeliveryOutcome = "refused"  // not a good delivery: signature, size, method, JSON
	DeliveryFault    DeliveryOutcome = "fault"    // could not be taken now; the sender was told so
	DeliveryErased   DeliveryOutcome = "erased"   // the order's data was erased; it is not started again
	DeliveryShadowed DeliveryOutcome = "shadowed" // looked at only: another system acts on it
)

// Delivery describes one request that a vendor made and a handler answered.
type Delivery struct {
	Vendor     Vendor
	Connection string
	Account    string          // the customer; empty where it is not known
	Order      OrderRef        // the zero value if the delivery is not about an order
	Path       string          // the path that was called, without its query
	Event      string          // the vendor's event type or operation
	EventID    string          // the vendor's id of the event, if it has one
	Outcome    DeliveryOutcome // what became of it
	StatusCode int             // the HTTP status answered
	Duration   time.Duration   // from the first byte asked for to the answer
	SecretID   string          // which secret matched, see webhook.Secret
	Err        error           // why it was refused or faulted; nil otherwise
}

// ProviderCall describes one call of the host's [Provider].
type ProviderCall struct {
	Operation string   // "start", "cancel" or "packages"
	Order     OrderRef // without an ID for "packages"
	Duration  time.Duration
	Late      bool  // it returned after its deadline
	Abandoned bool  // it runs on after [IntakeConfig.AbandonAfter]; it is reported again when it returns
	Err       error // a rejection, a fault, or nil
}

// Attempt describes one HTTP request that a client made.
type Attempt struct {
	Vendor     Vendor
	Connection string
	Operation  string
	Account    string
	Order      OrderRef      // the zero value if the call is not about an order
	Number     int           // 1 for the first
	StatusCode int           // 0 if no answer came
	Code       string        // the vendor's error code, if it gave one
	RequestID  string        // the vendor's request id, if it gave one
	Duration   time.Duration // of this request
	GateWait   time.Duration // that this attempt was held back to keep within the vendor's limits
	Wait       time.Duration // before the next attempt; 0 if this was the last
	Err        error         // why no answer came; nil otherwise
}

// ResultReport describes one call of a client's PublishResult.
type ResultReport struct {
	Order    OrderRef
	Status   Status        // that was to be written
	Outcome  ResultOutcome // what became of it
	Receipt  Receipt
	Duration time.Duration // retries and waits included
	Err      error         // why it was refused, failed or is uncertain; nil otherwise
}

// Drift describes something a vendor sent that this version does not know. It
// was tolerated; the report is for whoever maintains the integration.
type Drift struct {
	Vendor     Vendor
	Connection string
	Account    string
	Event      string // the event type or operation it was found in
	Field      string // the path of the field, such as "data.status"
	Value      string // the unknown value of an enum or event type; empty otherwise
}
