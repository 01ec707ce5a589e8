// Package kombo connects an assessment or background-check provider to Kombo
// (https://docs.kombo.dev/assessment/introduction): it takes the orders that
// Kombo sends as signed webhooks, submits packages and writes results.
//
// # The story of a customer
//
// A customer connects an ATS. Make a link with [Client.CreateLink] and open it
// in Kombo's Connect SDK, or mail a magic link; Kombo does not notice that a
// customer already has an integration, so look before you make a second link.
// The flow hands back a token, which [Client.IntegrationByToken] exchanges for
// the integration; [IntegrationCreated] tells of it too, before or after. The
// integration's id, such as "workday:HWUTwvyx2wLoSUHphiWVrp28", is the account of
// everything that follows: store it with the customer.
//
// Then the packages. [Client.SetPackages] replaces the whole catalogue of one
// integration; call it on [IntegrationCreated] and whenever the catalogue
// changes. Some ATSs do not take packages that way: see the Notes of [Capabilities].
//
// Orders come as webhooks. Mount a [WebhookHandler]; it checks signature, size
// and form and gives each order once to the [assessment.Intake], which calls the
// provider. What the provider says becomes Kombo's answer:
//
//	taken                200, and the order stays open until a result is written
//	taken, inline        200 with the candidate's URL; the candidate is waiting in the ATS
//	rejected             422 with the message for the recruiter
//	fault, too late      5xx; the order stays open and can be found by [Client.Reconcile]
//
// Kombo does not say whether it delivers again what was not answered, so run
// [Client.Reconcile] every few minutes. It never tells that a recruiter
// cancelled an order.
//
// Results go out through [Client.PublishResult], usually behind an
// [assessment.Router]: interim updates while a background check runs, then one
// that is completed, cancelled or expired. A final status cannot be changed any
// more. [Client.Preview] says beforehand what is missing and what gets lost.
//
// When a customer's credentials stop working an [IntegrationStateChanged] says
// INVALID, and calls fail with [assessment.ErrAccountUnusable]; send a
// [Client.Relink]. After [IntegrationDeleted] there is nobody to write to.
//
// # Regions and credentials
//
// There are two credentials: the API key, for calls, and the webhook secret, for
// deliveries. Both belong to one environment of one region ([RegionEU],
// [RegionUS]). For several of them make a client and a handler each, with a
// Connection that tells their orders apart, and one Router for all.
//
// # What an ATS does not show
//
// Kombo speaks to many ATSs, and few of them carry everything. [Capabilities]
// lists what Kombo's connector pages say: which fields of an order stay empty,
// where interim updates are not taken (they are skipped, not failed), where a
// report must be public to be shown. [assessment.Order.ATS] names the tool.
//
// # Uncertain writes
//
// Kombo has no idempotency key. If the answer to a result is lost, the client
// reads the order back instead of writing blindly: [Client.PublishResult].
//
// Package kombotest simulates Kombo, both directions, for tests without network.
package kombo
