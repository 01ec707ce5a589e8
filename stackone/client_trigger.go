package stackone

import (
	"context"
	"net/http"

	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// TestEvent is an event that StackOne is to send for a test.
type TestEvent struct {
	Event EventType
	// RecordID is the record that the event is about.
	RecordID string
}

// TriggeredEvent is what became of a [TestEvent]. It does not say that the webhook
// was delivered.
type TriggeredEvent struct {
	TestEvent
	// Status is like that of HTTP: 200 where the event was made. Message is
	// StackOne's text.
	Status  int
	Message string
}

type wireTestEvent struct {
	Event    EventType `json:"event"`
	RecordID string    `json:"record_id"`
}

type wireTriggered struct {
	Event    lenient.Name   `json:"event"`
	RecordID lenient.Text   `json:"record_id"`
	Status   statusCode     `json:"status"`
	Message  lenient.Scalar `json:"message"`
}

type triggeredList []*wireTriggered

// Tolerates implements [transport.Tolerant]: the events were made, whatever is odd
// in the answer.
func (*triggeredList) Tolerates(path string) bool { return path != "" }

// TriggerEvents makes StackOne send events to a webhook, to test one's endpoint
// (https://stackone-60.mintlify.app/platform/api-reference/webhooks/post-webhooks-events).
// The webhook's id is the number that the dashboard shows.
//
// Such an event looks like any other and has ids only. One with the name of an
// order event is an order for [WebhookHandler]: of a record that was taken before it
// is the same order once more, of any other it is [Bare].
//
// It is never repeated after a failure that leaves open whether the events were
// made.
func (c *Client) TriggerEvents(ctx context.Context, account, webhook string, events ...TestEvent) ([]TriggeredEvent, error) {
	if account == "" {
		return nil, errNoAccount()
	}
	if err := checkTestEvents(webhook, events); err != nil {
		return nil, err
	}
	call := transport.Call{
		Operation: "POST /webhooks/{id}/events", Method: http.MethodPost, Path: []string{"webhooks", webhook, "events"},
	}
	c.selectAccount(&call, account)
	wire := make([]wireTestEvent, len(events))
	for i, e := range events {
		wire[i] = wireTestEvent(e)
	}
	if err := setBody(&call, wire); err != nil {
		return nil, err
	}
	got, _, err := transport.JSON[triggeredList](ctx, c.transport, call)
	if err != nil {
		return nil, err
	}
	var all []TriggeredEvent
	for _, w := range got {
		if w != nil {
			all = append(all, TriggeredEvent{
				TestEvent: TestEvent{EventType(w.Event), string(w.RecordID)}, Status: int(w.Status), Message: string(w.Message),
			})
		}
	}
	return all, nil
}

func checkTestEvents(webhook string, events []TestEvent) error {
	var problems outbound.Problems
	if !isNumber(webhook) {
		problems.Add("webhook", "must be a number")
	}
	if len(events) == 0 {
		problems.Add("events", "required")
	}
	for i, e := range events {
		problems.Name(outbound.Index("events", i)+".event", string(e.Event))
		problems.Name(outbound.Index("events", i)+".record_id", e.RecordID)
	}
	return problems.Err()
}

func isNumber(text string) bool {
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return false
		}
	}
	return text != ""
}
