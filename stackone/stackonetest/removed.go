package stackonetest

import (
	"net/http"
)

// The removed endpoints: whether the old addresses still answer is not documented.

func (s *Server) removed() *Failure {
	switch s.cfg.Quirks.Removed {
	case RemovedServed:
		return nil
	case RemovedNotImplemented:
		return &Failure{Status: http.StatusNotImplemented}
	}
	return &Failure{Status: http.StatusNotFound}
}

func removedOrder(kind Kind) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		o, failure := s.removedOf(c, kind)
		if failure != nil {
			return reply{}, failure
		}
		return s.single(c, listing{}, decodeObject(o.Data))
	}
}

func (s *Server) removedOrders(c *call) (reply, *Failure) {
	if failure := s.removed(); failure != nil {
		return reply{}, failure
	}
	var records []map[string]any
	for _, o := range s.Orders(c.account) {
		if o.Kind == BackgroundCheck {
			records = append(records, decodeObject(o.Data))
		}
	}
	return s.list(c, listing{filters: []string{"updated_after"}}, records)
}

func removedResults(kind Kind) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		o, failure := s.removedOf(c, kind)
		if failure != nil {
			return reply{}, failure
		}
		data := decodeObject(o.State.Body)
		delete(data, "passthrough")
		data["id"], data["remote_id"] = o.ID, o.RemoteID
		candidate, _ := decodeObject(o.Data)["candidate"].(map[string]any)
		data["candidate"] = map[string]any{"id": candidate["id"], "remote_id": candidate["remote_id"], "profile_url": candidate["profile_url"]}
		return s.single(c, listing{}, data)
	}
}

func (s *Server) removedOf(c *call, kind Kind) (Order, *Failure) {
	if failure := s.removed(); failure != nil {
		return Order{}, failure
	}
	o, found := s.Order(c.account, c.params["id"])
	if !found || o.Kind != kind {
		return Order{}, failed(http.StatusNotFound, "Order not found")
	}
	return o, nil
}
