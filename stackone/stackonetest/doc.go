// Package stackonetest is StackOne's unified ATS API, simulated: a stateful
// stand-in with which a provider of assessments and background checks tests its
// integration offline.
//
// It plays both directions. As the API it takes results and background-check
// packages, answers lookups, lists accounts and creates connect sessions, and it
// refuses whatever StackOne or the ATS behind it documents as invalid, with
// StackOne's own error body. As the sender of webhooks it places orders on the
// provider's endpoint, signed with HMAC-SHA256 the way StackOne signs them. And as
// the ATS whose recruiter opens a dialog it asks the provider's packages endpoint
// and checks the answer.
//
// # The story of a test
//
//	stackone := stackonetest.Start(t)             // closed with the test
//	stackone.Target(webhooks)                     // the http.Handler under test
//	stackone.PackagesTarget(packages)             // the other one, if there is one
//	id, delivery, err := stackone.PlaceOrder(ctx, stackonetest.OrderSpec{})
//	…                                             // the provider writes its result to stackone.URL()
//	order, _ := stackone.Order(account, id)       // what the ATS holds now
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
// a second name for the same order, bad and rotated signatures, absent fields,
// answers that get lost. An API call is made to go wrong with [Server.Fail],
// which queues [Fault] values for one operation, or with [Server.Chaos].
//
// # What StackOne does not document
//
// Where the public documentation is silent, the behaviour is a choice of the test:
// see [Quirks], [Config.AccountFailures] and [OrderSpec]. The defaults are the
// strictest plausible reading, so that a client that passes here is a careful one.
//
// # Limits and memory
//
// With [Config.Limits] the simulator refuses what is too much as StackOne does. It keeps
// the latest [Config.MaxExchanges] exchanges, and of each order the latest results; the
// orders themselves are kept until [Server.Close]. Whoever wants to
// follow takes [Config.OnExchange].
//
// Faults have names: [ParseFault] and [ParseDeliveryFault] read what their String
// methods write, for commands and files.
//
// The package uses the standard library and a workshop that knows no vendor,
// and none of the SDK it helps to test: a mistake made there is not confirmed
// here. The facts come from https://docs.stackone.com and from the guides and
// the OpenAPI description in https://github.com/StackOneHQ/hub-docs.
package stackonetest
