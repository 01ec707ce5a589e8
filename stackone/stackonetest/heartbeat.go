package stackonetest

import (
	"net/http"
	"strings"
)

// heartbeatLead is what precedes the JSON document of a heartbeat answer.
const heartbeatLead = "\n\n"

// heartbeat honours "Prefer: heartbeat", which all unified operations have in
// StackOne's OpenAPI description since 2026: newlines keep the connection alive
// while the work goes on, and the document follows them.
func (s *Server) heartbeat(c *call, rep reply) reply {
	unifiedOp := strings.HasPrefix(c.url.Path, "/unified/")
	if rep.reset || !unifiedOp || !strings.EqualFold(strings.TrimSpace(c.header.Get("Prefer")), "heartbeat") {
		return rep
	}
	if rep.status >= http.StatusBadRequest && s.cfg.Quirks.HeartbeatErrors {
		rep.status = http.StatusOK
	}
	return rep.withHeartbeat()
}

func (r reply) withHeartbeat() reply {
	r.setHeader("Preference-Applied", "heartbeat")
	r.lead = []byte(heartbeatLead)
	return r
}
