package webhook

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// ErrMethodNotAllowed says that the handler does not serve the request's method.
var ErrMethodNotAllowed = errors.New("webhook: method not allowed")

// CheckMethod returns [ErrMethodNotAllowed] unless the method of r is one of
// those allowed. It then sets the Allow header, as the answer 405 requires.
func CheckMethod(w http.ResponseWriter, r *http.Request, allowed ...string) error {
	if slices.Contains(allowed, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return ErrMethodNotAllowed
}

// Receive takes a signed delivery in: the method must be POST ([CheckMethod]),
// the body at most limit bytes ([Read]), and the signature good
// ([Verifier.Verify]), in that order. It returns the signed body and the ID of
// the secret, or an error and no body, so that nothing unverified can be
// parsed by mistake.
//
// It writes no answer, apart from the headers that a refusal needs; [Status]
// says what to answer.
func (v *Verifier) Receive(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, secretID string, err error) {
	if err := CheckMethod(w, r, http.MethodPost); err != nil {
		return nil, "", err
	}
	body, err = Read(w, r, limit)
	if err != nil {
		return nil, "", err
	}
	secretID, err = v.Verify(r.Header, body)
	if err != nil {
		return nil, "", err
	}
	return body, secretID, nil
}

// answers is what the sender gets for each error. A text says no more than the
// sender knows already; the reason is for the host's log.
var answers = []struct {
	err  error
	code int
	text string
}{
	{ErrMethodNotAllowed, http.StatusMethodNotAllowed, "method not allowed"},
	{ErrBodyTooLarge, http.StatusRequestEntityTooLarge, "body too large"},
	{ErrNoSignature, http.StatusUnauthorized, "signature missing"},
	{ErrBadSignature, http.StatusUnauthorized, "signature not accepted"},
	{ErrBodyBroken, http.StatusBadRequest, "body incomplete"},
}

// Status returns the HTTP status and the short fixed text to answer an error of
// this package with. Any other error, and [ErrBodyConsumed], is the host's own
// and gives 500, upon which a sender tries again; nil gives 200 and no text.
func Status(err error) (code int, text string) {
	if err == nil {
		return http.StatusOK, ""
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return a.code, a.text
		}
	}
	return http.StatusInternalServerError, "internal error"
}
