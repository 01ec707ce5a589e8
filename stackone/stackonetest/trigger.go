package stackonetest

import (
	"fmt"
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// triggerEvents makes events for tests, which wait for [Server.DeliverPending]:
// https://stackone-60.mintlify.app/platform/api-reference/webhooks/post-webhooks-events
func (s *Server) triggerEvents(c *simkit.Call) (simkit.Reply, *Failure) {
	if !isInteger(c.Params["id"]) {
		return simkit.Reply{}, invalid("id must be a number")
	}
	check := &simkit.Checker{}
	tree, _ := check.JSON(c.Header, c.Body)
	if failure := refused(check); failure != nil {
		return simkit.Reply{}, failure
	}
	list, ok := tree.([]any)
	if !ok {
		return simkit.Reply{}, invalid("body must be an array")
	}
	type trigger struct{ event, recordID string }
	var triggers []trigger
	for i, item := range list {
		if o := check.Object(fmt.Sprintf("[%d]", i), item); o != nil {
			demand(o, "event", "record_id")
			triggers = append(triggers, trigger{o.Text("event", nullable), o.Text("record_id", nullable)})
		}
	}
	if failure := refused(check); failure != nil {
		return simkit.Reply{}, failure
	}
	answers := []map[string]any{}
	for _, t := range triggers {
		s.trigger(c.Account, t.event, t.recordID)
		answers = append(answers, map[string]any{"event": t.event, "record_id": t.recordID, "status": http.StatusOK, "message": "The event was created"})
	}
	return simkit.JSONReply(http.StatusMultiStatus, answers), nil
}

func (w *world) trigger(account, name, recordID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.order(account, recordID); o != nil && o.event != nil {
		w.leavePending(w.changedEvent(o, name))
		return
	}
	now := timestamp(w.now())
	w.leavePending(w.addEvent(Event{Name: name, Account: account, Body: simkit.Encode(map[string]any{
		"project_id": w.cfg.ProjectID, "account_id": account, "event": name, "event_date": now,
		"record_type": recordType(name), "record_id": recordID, "sent_at": now,
	})}))
}
