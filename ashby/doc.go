// Package ashby connects an assessment provider to Ashby's assessments framework
// (https://developers.ashbyhq.com/docs/creating-an-assessments-integration): it
// answers the calls that Ashby makes, and writes updates and results.
//
// # Two halves, two keys
//
// Ashby calls the provider to list, start and cancel assessments: that is
// [Handler]. The provider calls Ashby to update them: that is [Client]. Each
// direction has a credential of its own, and each customer has both:
//
//   - The provider issues a key, and the customer types it into Ashby's admin
//     panel. Ashby sends it with every call. No payload names the customer, so
//     this key is all that tells one from another: [HandlerConfig.Authenticate]
//     turns it into the account.
//   - The customer creates a key in Ashby, with the permission candidatesWrite,
//     and gives it to the provider: [Config.Keys] returns it for an account.
//     [Client.APIKeyInfo] tries it out. Ashby sets the permissions by itself if
//     the admin picks the provider in the drop-down "Integration Partner".
//
// The account is the provider's own name of the customer. It is part of every
// [assessment.OrderRef], so that one customer cannot cancel another's assessment.
//
// # The story of an assessment
//
// A customer builds an interview plan and picks one of the packages that
// [assessment.Provider] lists. Ashby keeps the choice, so a package that is
// retired goes on being ordered: answer with [assessment.Reject] then.
//
// A recruiter starts the assessment. Ashby gives it no id; the
// [assessment.Intake] mints one, and Ashby stores it. What the provider says
// becomes Ashby's answer:
//
//	taken             200 with the id, and with a first update if there is one
//	already running   409
//	rejected          422 with the message that the recruiter reads
//	fault             5xx; a later call with the same data gets the same id
//
// The same start again, for the same customer, application and package, is
// answered byte for byte as before, until the assessment is cancelled, rejected
// or finished: after that it is a new one, with a new id. A recruiter who sent
// wrong data cancels, mends it and starts again
// (https://developers.ashbyhq.com/docs/creating-an-assessments-integration).
//
// A recruiter cancels. The record is freed first and then the provider is told.
// It can happen again and again; a second cancel of an old id does nothing to the
// assessment that came after it.
//
// Faults of the other operations are answered with Ashby's error envelope under
// HTTP 200, as Ashby documents it. Their reason goes to logger and observer.
//
// # What a recruiter sees
//
// [Client.PublishResult] writes [assessment.Result] as an assessment.update
// (https://developers.ashbyhq.com/docs/assessmentupdate). A text of the status is
// shown; the text "Started" makes Ashby note the time of the start. The report URL
// is the link to the provider's page. A result, in the moment that there is one,
// completes the assessment, and a reason for the cancellation cancels it; no text
// does either. Everything else is a list of labelled values.
//
// Each of them has an identifier, by which Ashby knows it again in the next
// update. The identifiers of what is common to all results are [IDStatus] and its
// siblings. An [assessment.Attribute] has its ID or, without one, a form of its
// label. Give IDs to attributes that come again in later updates: what is made of
// labels that are equal depends on their order. The labels of the common values
// can be changed with [Config.Labels].
//
// Nothing is known of limits of their length or number.
//
// # Time
//
// An update carries the time at which it happened, in milliseconds. Set
// [assessment.Result.At] and keep it on every attempt: a repetition is then
// exactly the same update as before. Where two updates of an assessment would
// carry the same time or go back, the client moves the later one on by a
// millisecond. It remembers that for the assessments that it wrote last, in this
// process.
//
// # Webhooks
//
// The framework needs none. A provider who keeps candidates' data may want to
// know when one is deleted or merged: [WebhookHandler].
//
// Package ashbytest simulates Ashby, both directions, for tests without network.
package ashby
