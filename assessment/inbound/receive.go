package inbound

import (
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

// Signed takes in a delivery that is proved by its signature; see
// [webhook.Verifier.Receive]. If it is not a good one, ok is false and the reply is
// the answer.
func (h *Handler) Signed(v *webhook.Verifier, w http.ResponseWriter, r *http.Request, d *assessment.Delivery) (body []byte, reply Reply, ok bool) {
	body, secretID, err := v.ReceiveWithin(h.budget, w, r, h.maxBody)
	if err != nil {
		return nil, Unreceived(err), false
	}
	d.SecretID = secretID
	return body, Reply{}, true
}

// Keyed takes in a delivery that is proved by one of the keys, presented as Basic
// credentials or as a Bearer token; see [Keys.Check]. The body is read when the key
// is known to be good. If anything is wrong, ok is false and the reply is the
// answer.
func (h *Handler) Keyed(keys *Keys, w http.ResponseWriter, r *http.Request, d *assessment.Delivery) (body []byte, reply Reply, ok bool) {
	if err := h.Open(w, r, http.MethodPost); err != nil {
		return nil, Unreceived(err), false
	}
	id, err := keys.Check(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Basic charset="UTF-8", Bearer`)
		CloseUnread(w, r)
		return nil, Unauthorized(err), false
	}
	d.SecretID = id
	body, err = h.Read(w, r)
	if err != nil {
		return nil, Unreceived(err), false
	}
	return body, Reply{}, true
}

// Open checks what a request shows before its sender does: the method
// ([webhook.CheckMethod]) and the encoding ([webhook.CheckEncoding]).
func (h *Handler) Open(w http.ResponseWriter, r *http.Request, methods ...string) error {
	if err := webhook.CheckMethod(w, r, methods...); err != nil {
		return err
	}
	return webhook.CheckEncoding(w, r)
}

// Read returns the body of a sender who is known; see [webhook.Read].
func (h *Handler) Read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return webhook.Read(w, r, h.maxBody)
}

// ReadUnproved returns the body of a sender who is not known yet; see
// [webhook.Budget.Read].
func (h *Handler) ReadUnproved(w http.ResponseWriter, r *http.Request) (*webhook.Unproved, error) {
	return h.budget.Read(w, r, h.maxBody)
}

// CloseUnread keeps an HTTP/1 server from waiting for a body that was refused
// unread, in order to use the connection again.
func CloseUnread(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && !r.ProtoAtLeast(2, 0) {
		w.Header().Set("Connection", "close")
	}
}
