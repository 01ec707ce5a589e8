package stackonetest

import (
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// heartbeatLead is what precedes the JSON document of a heartbeat answer.
const heartbeatLead = "\n\n"

// heartbeat honours "Prefer: heartbeat", which all unified operations have in
// StackOne's OpenAPI description since 2026: newlines keep the connection alive
// while the work goes on, and the document follows them.
func (s *Server) heartbeat(c *simkit.Call, _ simkit.Standing, r simkit.Reply) simkit.Reply {
	unifiedOp := strings.HasPrefix(c.URL.Path, "/unified/")
	if !unifiedOp || !strings.EqualFold(strings.TrimSpace(c.Header.Get("Prefer")), "heartbeat") || c.Op == "" {
		return r
	}
	if r.Status >= http.StatusBadRequest && s.cfg.Quirks.HeartbeatErrors {
		r.Status = http.StatusOK
	}
	return withHeartbeat(r)
}

func withHeartbeat(r simkit.Reply) simkit.Reply {
	r.SetHeader("Preference-Applied", "heartbeat")
	r.Lead = []byte(heartbeatLead)
	return r
}
