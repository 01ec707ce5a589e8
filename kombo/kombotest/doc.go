// Package kombotest is Kombo's assessment API, simulated: a stateful stand-in
// with which an assessment provider tests its integration offline.
//
// It plays both directions. As the API it accepts package lists and results and
// lists orders, and it refuses whatever Kombo documents as invalid, with Kombo's
// own error envelope. As the sender of webhooks it places orders on the
// provider's endpoint, signed with HMAC-SHA256 the way Kombo signs them, and
// interprets the answer as Kombo says it does: 2xx accepts the order, 422 with
// the ORDER_REJECTED body rejects it, everything else leaves it open.
//
// # The story of a test
//
//	kombo := kombotest.Start(t)                   // closed with the test
//	kombo.Target(provider)                        // the http.Handler under test
//	id, delivery, err := kombo.PlaceOrder(ctx, kombotest.OrderSpec{})
//	…                                             // the provider writes its result to kombo.URL()
//	order, _ := kombo.Order(id)                   // what a recruiter would see now
//
// [Server.URL] is a base URL on a loopback socket that is opened when it is first
// asked for. [Server.Client] needs no socket at all: it calls the simulator in
// memory and answers for every host name, so that a client with the real base
// URL can be tested, and so that it works in a testing/synctest bubble.
//
// # Faults
//
// A webhook is made to go wrong with the [DeliveryFault] values that
// [Server.PlaceOrder], [Server.Redeliver] and [Server.Deliver] take: duplicates,
// bad and rotated signatures, unknown types and enum values, absent fields,
// answers that get lost. An API call is made to go wrong with [Server.Fail],
// which queues [Fault] values for one operation, or with [Server.Chaos].
//
// # What Kombo does not document
//
// Where the public documentation is silent, the behaviour is a choice of the test:
// see [Quirks] and [Config.Statuses]. The defaults are the strictest plausible
// reading, so that a client that passes here is a careful one.
//
// # Limits and memory
//
// With [Config.Limits] the simulator refuses what is too much as Kombo does. It keeps
// the latest [Config.MaxExchanges] exchanges, and of each order the latest results; the
// orders themselves are kept until [Server.ResetUI] or [Server.Close]. Whoever wants to
// follow takes [Config.OnExchange].
//
// Faults have names: [ParseFault] and [ParseDeliveryFault] read what their String
// methods write, for commands and files.
//
// The package uses the standard library and a workshop that knows no vendor,
// and none of the SDK it helps to test: a mistake made there is not confirmed
// here. The facts come from https://docs.kombo.dev/assessment/introduction and
// its sibling pages.
package kombotest
