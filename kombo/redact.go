package kombo

import (
	"fmt"
	"log/slog"

	"github.com/assessbridge/assessbridge/internal/transport"
)

// The customer's people are named in many of Kombo's answers and events. The texts
// below show none of them, and neither keys nor what a host sends by itself.

// String names the event without its data.
func (e Event) String() string { return fmt.Sprintf("kombo event %s (%s)", e.ID, e.Type) }

// Format implements [fmt.Formatter]: every verb prints [Event.String], because
// an order's data is about a candidate.
func (e Event) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, e.String()) }

// LogValue implements [slog.LogValuer] without the event's data.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", e.ID), slog.String("type", string(e.Type)))
}

// String names the order without anything about people.
func (d OrderReceived) String() string { return d.Order.String() }

// Format implements [fmt.Formatter]: every verb prints [OrderReceived.String].
func (d OrderReceived) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, d.String()) }

// LogValue implements [slog.LogValuer] without anything about people.
func (d OrderReceived) LogValue() slog.Value { return d.Order.LogValue() }

// String tells the size of the data only: nobody knows what it is about.
func (d UnknownEvent) String() string { return fmt.Sprintf("unknown data (%d bytes)", len(d.Data)) }

// Format implements [fmt.Formatter]: every verb prints [UnknownEvent.String].
func (d UnknownEvent) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, d.String()) }

// LogValue implements [slog.LogValuer] without the data.
func (d UnknownEvent) LogValue() slog.Value { return slog.StringValue(d.String()) }

// String shows the provider's own id of the customer only.
func (u EndUser) String() string {
	return fmt.Sprintf("end user [redacted] (origin id %q)", u.OriginID)
}

// Format implements [fmt.Formatter]: every verb prints [EndUser.String].
func (u EndUser) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, u.String()) }

// LogValue implements [slog.LogValuer] with the text of [EndUser.String].
func (u EndUser) LogValue() slog.Value { return slog.StringValue(u.String()) }

// String names the integration without the people of the customer.
func (i Integration) String() string {
	return fmt.Sprintf("kombo integration: %q (tool %q)", i.ID, i.Tool.ID)
}

// Format implements [fmt.Formatter]: every verb prints [Integration.String].
func (i Integration) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, i.String()) }

// LogValue implements [slog.LogValuer] with the text of [Integration.String].
func (i Integration) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String names the integration without the people of the customer.
func (i ConnectedIntegration) String() string {
	return fmt.Sprintf("kombo integration: %q (tool %q)", i.ID, i.Tool)
}

// Format implements [fmt.Formatter]: every verb prints [ConnectedIntegration.String].
func (i ConnectedIntegration) Format(f fmt.State, verb rune) {
	transport.FormatText(f, verb, i.String())
}

// LogValue implements [slog.LogValuer] with the text of [ConnectedIntegration.String].
func (i ConnectedIntegration) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String names the integration without the people of the customer.
func (i IntegrationCreated) String() string {
	return fmt.Sprintf("kombo integration created: %q (tool %q)", i.ID, i.Tool)
}

// Format implements [fmt.Formatter]: every verb prints [IntegrationCreated.String].
func (i IntegrationCreated) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, i.String()) }

// LogValue implements [slog.LogValuer] with the text of [IntegrationCreated.String].
func (i IntegrationCreated) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String names the integration without the people of the customer.
func (i IntegrationDeleted) String() string {
	return fmt.Sprintf("kombo integration deleted: %q (tool %q)", i.ID, i.Tool)
}

// Format implements [fmt.Formatter]: every verb prints [IntegrationDeleted.String].
func (i IntegrationDeleted) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, i.String()) }

// LogValue implements [slog.LogValuer] with the text of [IntegrationDeleted.String].
func (i IntegrationDeleted) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String names the integration without the people of the customer.
func (i IntegrationStateChanged) String() string {
	return fmt.Sprintf("kombo integration state changed: %q (state %q)", i.ID, i.State)
}

// Format implements [fmt.Formatter]: every verb prints [IntegrationStateChanged.String].
func (i IntegrationStateChanged) Format(f fmt.State, verb rune) {
	transport.FormatText(f, verb, i.String())
}

// LogValue implements [slog.LogValuer] with the text of [IntegrationStateChanged.String].
func (i IntegrationStateChanged) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String names the integration and the kind of issue.
func (i IssueStatusChanged) String() string {
	return fmt.Sprintf("kombo issue %q: %q (%q)", i.Issue.Type, i.ID, i.Change)
}

// Format implements [fmt.Formatter]: every verb prints [IssueStatusChanged.String].
func (i IssueStatusChanged) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, i.String()) }

// LogValue implements [slog.LogValuer] with the text of [IssueStatusChanged.String].
func (i IssueStatusChanged) LogValue() slog.Value { return slog.StringValue(i.String()) }

// String names the tool without the people of the customer.
func (c ConnectionFlowFailed) String() string {
	return fmt.Sprintf("kombo connection flow failed (tool %q)", c.Tool)
}

// Format implements [fmt.Formatter]: every verb prints [ConnectionFlowFailed.String].
func (c ConnectionFlowFailed) Format(f fmt.State, verb rune) {
	transport.FormatText(f, verb, c.String())
}

// LogValue implements [slog.LogValuer] with the text of [ConnectionFlowFailed.String].
func (c ConnectionFlowFailed) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String names the tool without the people of the customer.
func (r LinkRequest) String() string { return fmt.Sprintf("kombo link request (tool %q)", r.Tool) }

// Format implements [fmt.Formatter]: every verb prints [LinkRequest.String].
func (r LinkRequest) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [LinkRequest.String].
func (r LinkRequest) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the method only: path, query and body may be about a candidate.
func (r Request) String() string { return "kombo request " + r.Method }

// Format implements [fmt.Formatter]: every verb prints [Request.String].
func (r Request) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [Request.String].
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }
