// Package assessment is what the ATS partner APIs of Kombo, StackOne and Ashby
// have in common for a provider of candidate assessments, reference checks and
// background checks: orders, results, and the way from one to the other.
//
// A recruiter orders a [Package] for a candidate inside an ATS. The [Order]
// comes in through a vendor, the provider runs the test, and the [Result] goes
// back through the same vendor:
//
//	order in    vendor → handler → Intake → your Provider
//	result out  your code → Router → client → vendor
//
// # Orders
//
// A provider implements one interface, [Provider], and gives it to an [Intake]
// together with a [Store] that remembers which orders were taken:
//
//	store := assessment.NewMemoryStore(0) // a database for more than one process
//	intake, err := assessment.NewIntake(assessment.IntakeConfig{
//		Provider: provider,
//		Store:    store,
//	})
//
// Each vendor has a package with handlers to mount in the mux that is there
// already. They check where a delivery comes from, translate it, and hand it to
// the intake:
//
//	mux.Handle("POST /kombo", komboHandler)       // kombo.NewWebhookHandler
//	mux.Handle("POST /stackone", stackoneHandler) // stackone.NewWebhookHandler
//	mux.Handle("POST /ashby/", ashbyHandler)      // ashby.NewHandler
//
// [Provider.StartOrder] says yes with a [Started], and no with [Reject] or
// [AlreadyRunning], whose message is for the recruiter. Any other error is a
// fault: it is not shown to anybody, and the vendor is told to come again.
//
// # At least once
//
// Vendors repeat deliveries, deliver late and lose answers. The intake calls the
// provider once for each order that it can recognise and repeats the stored
// answer to every further delivery. When a process dies in between, nobody knows
// what the provider did, so it is called again, with the same [OrderRef]. That
// is why StartOrder must be idempotent on Order.Ref, for instance by a unique
// index on the column that holds it.
//
// Where a vendor gives its orders no id, as Ashby does, its adapter says what a
// repetition has in common ([Order.Dedupe]) and the intake mints the id. What is
// ordered again after a cancel, a rejection or a final result is a new order; see
// [Intake].
//
// A queue works as well: [Order] has a stable JSON form, without Raw. A worker
// calls [Intake.Work], which also publishes the result that says no.
//
// What runs for the host, be it StartOrder or a handler's function, is not
// cancelled when the sender hangs up, and ends with a deadline. On a server that
// uses contexts again, such as fasthttp under fiber, set [IntakeConfig.BaseContext].
//
// # Results
//
// Keep [OrderRef.String] with the test. It is all that is needed to write a
// result, weeks later and from another process:
//
//	router, err := assessment.NewRouter(assessment.RouterConfig{
//		Publishers: []assessment.Publisher{komboClient, stackoneClient, ashbyClient},
//		Store:      store, // the intake's
//	})
//
//	ref, err := assessment.ParseOrderRef(column)
//	receipt, err := router.PublishResult(ctx, ref, assessment.Result{
//		Status:      assessment.StatusCompleted,
//		Score:       assessment.ScoreOutOf(87.4, 100),
//		ReportURL:   "https://provider.example.com/reports/42",
//		At:          finishedAt, // the same on every attempt
//		CompletedAt: finishedAt,
//	})
//
// The [Receipt] lists what the vendor's format could not carry. A result that a
// vendor is known to refuse is a [*ValidationError] before anything is sent;
// what fails at the vendor is an [*APIError], which matches sentinels such as
// [ErrNotFound]. [Retryable] tells a queue whether to publish the same result
// again, and when. It answers for [Intake.Start] and [Intake.Work] too.
//
// # See what happens
//
// An [Observer] is told of every delivery, call of the provider, attempt, result and
// drift; metrics and traces hang there. With a Logger there is one line for each
// decision: what was taken, replayed, rejected, queued, written or skipped at Info,
// what was refused at Warn, faults at Error, once. The keys are those of
// [Delivery.LogValue] everywhere.
//
// # Personal data
//
// An [Order], [Candidate], [Job], [TeamMember], [Result], [Score], [Started],
// [Rejection] and [Claim] print and log without what they hold about people, and an
// [APIError] without the body of the answer. These ways around that stay open:
//
//   - The JSON forms of orders and results hold everything: they are for queues and
//     databases, not logs. [log/slog.JSONHandler] writes a struct, slice or map in
//     its JSON form, with all that is inside. Log an order itself, not a struct that
//     contains one.
//   - fmt cannot call methods on unexported fields. A struct that keeps an order
//     in one needs a String method of its own. The verb %p, and %w outside of
//     [fmt.Errorf], never reach a method either; go vet refuses both.
//   - The bare values of an attribute, such as a [Text], show themselves.
//   - An error of the provider's own is logged as it is.
//
// To erase a candidate delete what the provider itself has stored, and call
// [Store.Erase] with the reference of each order. It blanks the stored answer,
// which may hold links and a first result, and keeps the record, so that a late
// delivery does not start the order anew but gets [ErrErased]. The record of an order
// with [Order.Dedupe] gets a random key instead, and a repetition is a new order. A
// [Store] sees the parts of Dedupe as a hash; with [IntakeConfig.KeySecret] nobody
// who has the store can find out, by trying, whom it is about.
package assessment
