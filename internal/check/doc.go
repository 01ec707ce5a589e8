// Package check judges whether a provider's service does what Kombo, StackOne and
// Ashby expect of it, from outside and over HTTP, so that it works for a service in
// any language.
//
// A [Kit] plays the vendors. It has an address for each of their APIs, which the
// service is told of like those of the real ones, and it calls the endpoints that a
// [Target] names. [Kit.Run] runs the checks of the [Catalogue] and returns a
// [Report].
//
// Every check has simulators, customers, orders and faults of its own: what the
// service calls is handed to the simulator that the call is about. So a check can
// run alone, twice, in any order and beside the others, and one seed determines
// every id.
//
// # Refusals
//
// A service that refuses everything must not pass. A refusal is therefore only ever
// judged by [T.Twins], together with its twin: the same bytes, rightly signed, which
// have to be accepted in the same check.
//
// # What cannot be seen
//
// Whether a candidate was invited once cannot be seen from outside. Such a check is
// not judged unless the target says how to look ([Target.Started]).
package check
