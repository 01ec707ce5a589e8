package sandbox

import (
	"fmt"
	"strings"
)

// curl is a row as a command that can be run: with the signature as it was sent. What
// opens something else than this message is shown on demand only.
func (a *App) curl(r Row, secrets bool) string {
	address := r.URL
	if secrets {
		address = orDefault(a.addressOf(r), address)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "curl -i -X %s %s", orDefault(r.Method, "POST"), shellWord(address))
	for _, line := range headerLines(r.RequestHeader) {
		value := line.Value
		if line.Name == "Authorization" {
			value = "<shown on demand>"
			if secrets {
				value = a.authorization(r)
			}
		}
		fmt.Fprintf(&b, " \\\n  -H %s", shellWord(line.Name+": "+value))
	}
	if len(r.RequestBody) > 0 {
		fmt.Fprintf(&b, " \\\n  --data-binary %s", shellWord(string(r.RequestBody)))
	}
	return b.String()
}

// shellWord quotes a text for a POSIX shell.
func shellWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// asked is what the recruiter asked for with a row, with the faults of that row.
func (a *App) asked(r Row) (Request, bool) {
	request, found := a.requestOf(Ref{r.Vendor, r.Order})
	if !found || !isOrderOp(r.Op) {
		return Request{}, false
	}
	request = request.withCandidate()
	request.Faults, request.Twice = lastingAndPassing(r.Fault), false
	return request, true
}

// goTest is a row's order as a Go test.
func (a *App) goTest(r Row) string {
	request, found := a.asked(r)
	if !found {
		return ""
	}
	return goTestOf(request)
}

// commands are a row's order as a command line and as a scenario that expects what
// happened.
func (a *App) commands(r Row) (line, file string) {
	request, found := a.asked(r)
	if !found {
		return "", ""
	}
	expect := expectFailed
	switch {
	case r.Verdict.Good():
		expect = expectAccepted
	case r.Verdict.Outcome == Rejected || r.Verdict.Outcome == Conflict:
		expect = expectRejected
	}
	return triggerLine(request), scenarioOf(request, expect)
}

func lastingAndPassing(fault string) []string {
	if fault == "" || fault == "sent by hand" {
		return nil
	}
	return strings.Split(fault, ", ")
}

// goTestOf is the order as a test with the simulator of the vendor.
func goTestOf(r Request) string {
	kit := r.Vendor + "test"
	call := map[string]string{
		Kombo: `_, delivery, err := vendor.PlaceOrder(t.Context(), kombotest.OrderSpec{Integration: %q, PackageID: %q,
		Fields: map[string]any{"candidate.email": %q}}%s)
	if err != nil || delivery.Outcome != kombotest.Accepted {
		t.Fatal(delivery.Outcome, delivery.Reason, err)
	}`,
		StackOne: `_, delivery, err := vendor.PlaceOrder(t.Context(), stackonetest.OrderSpec{Account: %q, PackageID: %q,
		Fields: map[string]any{"candidate.emails.0.value": %q}}%s)
	if err != nil || delivery.Outcome != stackonetest.Accepted {
		t.Fatal(delivery.Outcome, delivery.Reason, err)
	}`,
		Ashby: `_ = %q // the customer
	answer := vendor.StartAssessment(t.Context(), ashbytest.StartSpec{AssessmentTypeID: %q,
		Fields: map[string]any{"candidate.email": %q}}%s)
	if answer.Outcome != ashbytest.Succeeded {
		t.Fatal(answer.Outcome, answer.Violations, answer.Err)
	}`,
	}[r.Vendor]
	var faults, parse strings.Builder
	for i, name := range r.Faults {
		fmt.Fprintf(&parse, "\tfault%d, err := %s.ParseDeliveryFault(%q)\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n", i, kit, name)
		fmt.Fprintf(&faults, ", fault%d", i)
	}
	return fmt.Sprintf("func TestOrder(t *testing.T) {\n\tvendor := %s.Start(t)\n\tvendor.Target(yourHandler)\n%s\t%s\n}\n",
		kit, parse.String(), fmt.Sprintf(call, r.Customer, r.Package, r.Email, faults.String()))
}
