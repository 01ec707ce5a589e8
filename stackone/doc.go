// Package stackone connects an assessment or background-check provider to
// StackOne's unified ATS API (https://docs.stackone.com/guides/webhooks,
// https://hub.stackone.com/integration-guides/ats): it takes the orders that
// StackOne sends as signed webhooks, tells recruiters which packages there are
// and writes results.
//
// Parts of this API are not documented: what an order event holds, whether one
// that was not answered comes again, what the packages endpoint is signed with.
// The package therefore reads leniently, keeps the bytes as they came
// ([assessment.Order.Raw], [Event.Raw]), and lets the host replace every guess:
// [WebhookConfig.DecodeOrder], [WebhookConfig.OrderEvents],
// [PackagesConfig.Authorize].
//
// # The story of a customer
//
// Make a session with [Client.CreateConnectSession] and open its token in
// StackOne's Hub, or send the customer to its AuthLinkURL. [AccountChanged] tells
// that an account was linked; its id is the account of everything that follows:
// store it with the customer. [Client.Accounts] lists what is linked.
//
// Orders come as webhooks. Mount a [WebhookHandler]; it checks signature, size
// and form and gives each order once to the [assessment.Intake], whatever names
// its event comes under: account, kind and order id make the key.
//
//	taken, queued   200
//	rejected        200; the cancelled result, written by [WebhookConfig.Publisher], tells the recruiter
//	fault           5xx; whether StackOne comes again is not documented
//
// Set [WebhookConfig.Queue]. With other vendors an order that could not be taken
// can be asked for later; here it cannot, so it should be stored before anything
// is done about it.
//
// Results go out through [Client.PublishResult], usually behind an
// [assessment.Router], to the path of the order's kind.
//
// # Packages
//
// How the packages get into the ATS depends on the ATS; [Capabilities] has the
// table:
//
//	Greenhouse, Teamtailor, SmartRecruiters,   StackOne asks a [PackagesHandler] while the recruiter waits;
//	Recruitee, Bullhorn                        or one static package id is set in StackOne's dashboard
//	Workday, Eploy: background checks          [Client.SyncBackgroundCheckPackages], or by hand in the ATS
//	Workday: assessments, SAP SuccessFactors   by hand in the ATS
//
// StackOne asks one URL for assessments and another for background checks, so
// mount a [PackagesHandler] for each kind that is sold. Teamtailor and
// SmartRecruiters name the job too ([assessment.PackageQuery.JobID]).
//
// An order names a package by two ids and StackOne does not document which one
// is the provider's: [MatchPackage].
//
// # Static packages that follow the jobs
//
// Where packages are entered by hand or synchronised and yet depend on the job,
// enable the job events in StackOne's dashboard. They come as [JobChanged] and
// [JobPostingChanged] through [WebhookConfig.OnEvent]: read the job with
// [Client.Job], or what is published about it with [Client.JobPosting] or
// [Client.JobPostings], decide which packages fit, and bring them in line with
// [Client.SyncBackgroundCheckPackages] or tell the customer which to enter.
//
// # What a synthetic event lacks
//
// Some ATSs call StackOne themselves (native events); others are polled, every
// hour unless set otherwise (synthetic events; Eploy). A synthetic event has
// neither event_data nor record_remote_id. Of an order it has the ids of
// candidate and application at best: [Client.Complete] looks up the rest, where
// the customer has linked the account with "Public + Partner API". An order that
// names nothing but itself ([Bare]) cannot be completed at all; give it to
// somebody who asks the customer ([WebhookConfig.OnBareOrder]) or reject it.
//
// # What an ATS does not take
//
// Greenhouse takes one update per test, so interim updates are skipped.
// SmartRecruiters wants a whole score. Such rules need the ATS's name, which the
// client looks up once an hour for each account, or asks [Config.Provider] for.
//
// # Uncertain writes
//
// StackOne has neither idempotency keys nor a call that reads an order back. A
// result whose answer is lost is sent once more; a refusal then may be due to the
// first attempt, and the error says Uncertain. The creation of a package is never
// repeated.
//
// Package stackonetest simulates StackOne, both directions, for tests without
// network.
package stackone
