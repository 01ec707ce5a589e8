package stackonetest

import (
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
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
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		o, failure := s.removedOf(c, kind)
		if failure != nil {
			return simkit.Reply{}, failure
		}
		return s.single(c, listing{}, simkit.DecodeObject(o.Data))
	}
}

func (s *Server) removedOrders(c *simkit.Call) (simkit.Reply, *Failure) {
	if failure := s.removed(); failure != nil {
		return simkit.Reply{}, failure
	}
	var records []map[string]any
	for _, o := range s.Orders(c.Account) {
		if o.Kind == BackgroundCheck {
			records = append(records, simkit.DecodeObject(o.Data))
		}
	}
	return s.list(c, listing{filters: []string{"updated_after"}}, records)
}

func removedResults(kind Kind) handler {
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		o, failure := s.removedOf(c, kind)
		if failure != nil {
			return simkit.Reply{}, failure
		}
		data := simkit.DecodeObject(o.State.Body)
		delete(data, "passthrough")
		data["id"], data["remote_id"] = o.ID, o.RemoteID
		candidate, _ := simkit.DecodeObject(o.Data)["candidate"].(map[string]any)
		data["candidate"] = map[string]any{"id": candidate["id"], "remote_id": candidate["remote_id"], "profile_url": candidate["profile_url"]}
		return s.single(c, listing{}, data)
	}
}

func (s *Server) removedOf(c *simkit.Call, kind Kind) (Order, *Failure) {
	if failure := s.removed(); failure != nil {
		return Order{}, failure
	}
	o, found := s.Order(c.Account, c.Params["id"])
	if !found || o.Kind != kind {
		return Order{}, noOrder()
	}
	return o, nil
}
