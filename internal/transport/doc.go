// Package transport is the one HTTP caller that the clients of all vendors
// share: it authenticates, sends, repeats where that is safe, waits as long as
// the vendor asks, reads the answer within a limit and turns every failure into
// an [assessment.APIError].
//
// A vendor's client describes what is its own (base URL, how the key is sent,
// how its errors read) in a [Config] and then makes calls:
//
//	answer, err := client.Do(ctx, transport.Call{…})          // the raw answer
//	orders, _, err := transport.JSON[orderPage](ctx, client, call) // decoded
//	for order, err := range transport.Pages(ctx, fetch) { … }  // page by page
//
// # What is repeated
//
// Whether a failed call may be sent again depends on three things, asked in
// this order: can it help (the vendor's code, else the status, else the kind of
// connection error), can it harm (whether the request may already have been
// applied, and the call's [Repeat]), and is there time (the retries left, the
// wait that the vendor asks for, the deadline).
//
// # The gate
//
// Every attempt passes a gate first (gate.go). It holds back what the vendor would
// refuse: by the window of calls that the vendor's answers tell of (window.go), by
// the calls that one account may have in flight (lane.go), by a documented number of
// calls a minute (bucket.go) and by the waits that the vendor asks for. Whoever waits
// goes on by urgency, then in turn over the accounts, then in the order of arrival;
// nobody waits longer than [Config.MaxWait].
//
// Other processes use the same key and share nothing with this one but the vendor's
// answers. So a client estimates its own part of what is used, keeps to it, and lets
// one call go ahead when a window has ended.
//
// # How go-retryablehttp is used
//
// The loop is go-retryablehttp's. Its defaults are not: it would log to
// stderr, lose the answer when it gives up, obey any Retry-After, repeat a POST
// whose fate is unknown and close the caller's idle connections after a
// failure. Every one of these is switched off here and has a test of its own.
package transport
