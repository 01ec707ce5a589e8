package stackonetest

import (
	"fmt"
	"net/http"
)

// triggerEvents makes events for tests, which wait for [Server.DeliverPending]:
// https://stackone-60.mintlify.app/platform/api-reference/webhooks/post-webhooks-events
func (s *Server) triggerEvents(c *call) (reply, *Failure) {
	if !isInteger(c.params["id"]) {
		return reply{}, invalid("id must be a number")
	}
	tree, failure := c.json()
	if failure != nil {
		return reply{}, failure
	}
	list, ok := tree.([]any)
	if !ok {
		return reply{}, invalid("body must be an array")
	}
	check := &checker{}
	type trigger struct{ event, recordID string }
	var triggers []trigger
	for i, item := range list {
		if o := check.object(fmt.Sprintf("[%d]", i), item); o != nil {
			o.require("event", "record_id")
			triggers = append(triggers, trigger{o.text("event"), o.text("record_id")})
		}
	}
	if failure := check.failure(); failure != nil {
		return reply{}, failure
	}
	answers := []map[string]any{}
	for _, t := range triggers {
		s.trigger(c.account, t.event, t.recordID)
		answers = append(answers, map[string]any{"event": t.event, "record_id": t.recordID, "status": http.StatusOK, "message": "The event was created"})
	}
	return jsonReply(http.StatusMultiStatus, answers), nil
}

func (s *Server) trigger(account, name, recordID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.findOrder(account, recordID); o != nil && o.event != nil {
		s.changedEvent(o, name)
	} else {
		now := timestamp(s.now())
		s.addEvent(Event{Name: name, Account: account, Body: encode(map[string]any{
			"project_id": s.cfg.ProjectID, "account_id": account, "event": name, "event_date": now,
			"record_type": recordType(name), "record_id": recordID, "sent_at": now,
		})})
	}
	s.events[len(s.events)-1].pending = true
}
