package main

import "context"

// scenarios are what a provider meets sooner or later.
var scenarios = []struct {
	vendor, order string
	play          func(context.Context, *simulation, *row) error
}{
	{"kombo", "a new customer", newCustomer},
	{"kombo", "ordinary order", ordinary},
	{"kombo", "same candidate again", rejected},
	{"kombo", "delivered three times", duplicate},
	{"kombo", "API busy and down", retried},
	{"kombo", "inline order", inline},
	{"kombo", "webhook lost", lostWebhook},
	{"kombo", "background check", backgroundCheck},
	{"kombo", "answer of the write lost", uncertain},
	{"kombo", "candidate gave up", cancelled},
	{"ashby", "what can be ordered", ashbyList},
	{"ashby", "ordinary start", ashbyOrdinary},
	{"ashby", "started by two clicks", ashbyTwoClicks},
	{"ashby", "cancelled, started again", ashbyRestart},
	{"ashby", "package not offered", ashbyRejected},
	{"ashby", "API limited and down", ashbyRetried},
	{"stackone", "Greenhouse asks for packages", stackonePackages},
	{"stackone", "Greenhouse takes one update", stackoneOneUpdate},
	{"stackone", "background check in Workday", stackoneBackgroundCheck},
	{"stackone", "event with ids only", stackoneSynthetic},
	{"stackone", "package not offered", stackoneRejected},
	{"stackone", "answer of the write lost", stackoneUncertain},
}
