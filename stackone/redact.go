package stackone

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/assessbridge/assessbridge/internal/transport"
)

// String names the record without anything about people.
func (r CandidateRecord) String() string { return "stackone candidate " + r.Candidate.ID }

// Format implements [fmt.Formatter]: every verb prints [CandidateRecord.String].
func (r CandidateRecord) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [CandidateRecord.String].
func (r CandidateRecord) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the record without anything about people.
func (r ApplicationRecord) String() string { return "stackone application " + r.Application.ID }

// Format implements [fmt.Formatter]: every verb prints [ApplicationRecord.String].
func (r ApplicationRecord) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [ApplicationRecord.String].
func (r ApplicationRecord) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the record without anything about people.
func (r JobRecord) String() string { return "stackone job " + r.Job.ID }

// Format implements [fmt.Formatter]: every verb prints [JobRecord.String].
func (r JobRecord) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [JobRecord.String].
func (r JobRecord) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the posting without its text.
func (p JobPosting) String() string { return "stackone job posting " + p.ID }

// Format implements [fmt.Formatter]: every verb prints [JobPosting.String].
func (p JobPosting) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, p.String()) }

// LogValue implements [slog.LogValuer] with the text of [JobPosting.String].
func (p JobPosting) LogValue() slog.Value { return slog.StringValue(p.String()) }

// String names the field without its value.
func (c CustomField) String() string { return "stackone custom field " + c.ID }

// Format implements [fmt.Formatter]: every verb prints [CustomField.String].
func (c CustomField) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] with the text of [CustomField.String].
func (c CustomField) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String says how much is asked for. What Proxy asks the ATS for may be about a
// candidate.
func (o ReadOptions) String() string {
	return fmt.Sprintf("stackone read options (%d fields, %d for the ATS)", len(o.Fields), len(o.Proxy))
}

// Format implements [fmt.Formatter]: every verb prints [ReadOptions.String].
func (o ReadOptions) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, o.String()) }

// LogValue implements [slog.LogValuer] with the text of [ReadOptions.String].
func (o ReadOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

// String names the configuration without what is in it.
func (c WebhookConfig) String() string {
	return "stackone webhook config (connection " + strconv.Quote(c.Connection) + ")"
}

// Format implements [fmt.Formatter]: every verb prints [WebhookConfig.String].
func (c WebhookConfig) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] with the text of [WebhookConfig.String].
func (c WebhookConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String names the handler without what is in it.
func (h *WebhookHandler) String() string {
	return "stackone webhook handler (connection " + strconv.Quote(h.c.Connection) + ")"
}

// Format implements [fmt.Formatter]: every verb prints [WebhookHandler.String].
func (h *WebhookHandler) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, h.String()) }

// LogValue implements [slog.LogValuer] with the text of [WebhookHandler.String].
func (h *WebhookHandler) LogValue() slog.Value { return slog.StringValue(h.String()) }

// String names the handler without the keys.
func (h *PackagesHandler) String() string {
	return fmt.Sprintf("stackone packages handler (connection %q, kind %q)", h.c.Connection, h.c.Kind)
}

// Format implements [fmt.Formatter]: every verb prints [PackagesHandler.String].
func (h *PackagesHandler) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, h.String()) }

// LogValue implements [slog.LogValuer] without the keys.
func (h *PackagesHandler) LogValue() slog.Value { return slog.StringValue(h.String()) }

// String names the method only: path, query and body may be about a candidate.
func (r Request) String() string { return "stackone request " + r.Method }

// Format implements [fmt.Formatter]: every verb prints [Request.String].
func (r Request) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [Request.String].
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String says how much is asked for. What Proxy asks the ATS for may be about a
// candidate.
func (o ListOptions) String() string {
	return fmt.Sprintf("stackone list options (page size %d, %d for the ATS)", o.PageSize, len(o.Proxy))
}

// Format implements [fmt.Formatter]: every verb prints [ListOptions.String].
func (o ListOptions) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, o.String()) }

// LogValue implements [slog.LogValuer] with the text of [ListOptions.String].
func (o ListOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

// String is the code; the description is free text of the ATS.
func (r StatusReason) String() string { return "stackone status reason " + r.Code }

// Format implements [fmt.Formatter]: every verb prints [StatusReason.String].
func (r StatusReason) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [StatusReason.String].
func (r StatusReason) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String names the order without anything about people.
func (c OrderCreated) String() string { return c.Order.String() }

// Format implements [fmt.Formatter]: every verb prints [OrderCreated.String].
func (c OrderCreated) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] as [assessment.Order] does.
func (c OrderCreated) LogValue() slog.Value { return c.Order.LogValue() }

// String names the order without anything about people.
func (c OrderChanged) String() string { return c.Order.String() }

// Format implements [fmt.Formatter]: every verb prints [OrderChanged.String].
func (c OrderChanged) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] as [assessment.Order] does.
func (c OrderChanged) LogValue() slog.Value { return c.Order.LogValue() }
