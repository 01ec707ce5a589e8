// Package ashbytest is the assessments framework of Ashby, simulated: a stateful
// stand-in with which an assessment provider tests its integration offline.
//
// It plays both directions. As the recruiter it calls the provider's endpoints
// assessment.list, assessment.start, assessment.cancel and the listing of custom
// fields, with the key that the provider issued to the customer, and checks every
// answer against what Ashby documents. As Ashby's API it takes assessment.update and
// its siblings, and refuses whatever Ashby documents as invalid, with Ashby's own
// error envelope under HTTP 200. And it sends Ashby's webhooks, signed as Ashby
// signs them, with Ashby's retries.
//
// # The story of a test
//
//	ashby := ashbytest.Start(t)                   // closed with the test
//	ashby.Target(provider)                        // the http.Handler under test
//	started := ashby.StartAssessment(ctx, ashbytest.StartSpec{})
//	require.Empty(t, started.Violations)          // the answer is as documented
//	…                                             // the provider updates it at ashby.URL()
//	a, _ := ashby.Assessment(started.AssessmentID) // what a recruiter would see now
//
// [Server.URL] is a base URL on a loopback socket that is opened when it is first
// asked for. [Server.Client] needs no socket at all: it calls the simulator in
// process and answers for every host name, so that a client with the real base URL
// can be tested, and so that it works in a testing/synctest bubble. A client is
// tested without a provider by [Server.AddAssessment].
//
// An update that reaches Ashby before the answer to assessment.start did is refused:
// Ashby does not know the id yet. What has to be said at once belongs into the
// update_request of that answer.
//
// # Faults
//
// What Ashby sends is made to go wrong with the [DeliveryFault] values that every
// call and delivery takes: bad keys, answers that get lost, bad signatures. A call of
// the API is made to go wrong with [Server.Fail], which queues [Fault] values for one
// operation, or with [Server.Chaos].
//
// # What Ashby does not document
//
// Where the public documentation is silent, the behaviour is a choice of the test:
// see [Quirks]. The defaults are the strictest plausible reading, so that a client
// that passes here is a careful one.
//
// # Limits and memory
//
// With [Config.Limits] the simulator refuses what is too much as Ashby does. It keeps
// the latest [Config.MaxExchanges] exchanges, and of each assessment the latest updates;
// the assessments themselves are kept until [Server.Close]. Whoever wants to
// follow takes [Config.OnExchange].
//
// Faults have names: [ParseFault] and [ParseDeliveryFault] read what their String
// methods write, for commands and files.
//
// The package uses the standard library and a workshop that knows no vendor,
// and none of the SDK it helps to test: a mistake made there is not confirmed
// here. The facts come from
// https://developers.ashbyhq.com/docs/creating-an-assessments-integration and
// its sibling pages.
package ashbytest
