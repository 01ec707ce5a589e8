package webhook

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

var (
	// ErrMethodNotAllowed says that the handler does not serve the request's method.
	ErrMethodNotAllowed = errors.New("webhook: method not allowed")
	// ErrEncoding: the body is compressed. A signature covers the bytes as they
	// are sent, and nothing says before which step they were signed.
	ErrEncoding = errors.New("webhook: content encoding not supported")
)

// CheckMethod returns [ErrMethodNotAllowed] unless the method of r is one of
// those allowed. It then sets the Allow header, as the answer 405 requires.
func CheckMethod(w http.ResponseWriter, r *http.Request, allowed ...string) error {
	if slices.Contains(allowed, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	unread(w, r)
	return ErrMethodNotAllowed
}

// CheckEncoding returns [ErrEncoding] if r has a Content-Encoding other than
// identity. "utf-8", which some senders write there by mistake, is a character set
// and says nothing of a compression. CheckEncoding then sets Accept-Encoding, which
// says what the sender can do instead
// (https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3).
func CheckEncoding(w http.ResponseWriter, r *http.Request) error {
	for _, value := range fields(r.Header, "Content-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			if !plainCoding(strings.ToLower(strings.TrimSpace(coding))) {
				w.Header().Set("Accept-Encoding", "identity")
				unread(w, r)
				return ErrEncoding
			}
		}
	}
	return nil
}

// plainCoding reports a coding that leaves the body as it is.
func plainCoding(coding string) bool {
	switch coding {
	case "", "identity", "utf-8", "utf8":
		return true
	}
	return false
}

// unread keeps the server from waiting for a body that was refused unread.
func unread(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		closeAfterReply(w, r)
	}
}

// Receive takes a signed delivery in: the method must be POST ([CheckMethod]), the
// body as it is ([CheckEncoding]), a signature must be there and well-formed
// ([Verifier.Check]), the body at most limit bytes and within the budget
// ([Budget.Read]), and the signature good ([Unproved.Verify]), in that order. It
// returns the signed body and the ID of the secret, or an error and no body, so
// that nothing unverified can be parsed by mistake.
//
// It writes no answer, apart from the headers that a refusal needs; [Status]
// says what to answer.
//
// How long a sender may take is the server's to say: set ReadHeaderTimeout and
// ReadTimeout of [http.Server], or slow senders hold a connection each for ever.
func (v *Verifier) Receive(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, secretID string, err error) {
	return v.ReceiveWithin(nil, w, r, limit)
}

// ReceiveWithin is [Verifier.Receive] with a budget other than that of the process;
// nil is that.
func (v *Verifier) ReceiveWithin(budget *Budget, w http.ResponseWriter, r *http.Request, limit int64) (body []byte, secretID string, err error) {
	if err := CheckMethod(w, r, http.MethodPost); err != nil {
		return nil, "", err
	}
	if err := CheckEncoding(w, r); err != nil {
		return nil, "", err
	}
	if err := v.Check(r.Header); err != nil {
		unread(w, r)
		return nil, "", err
	}
	var u Unproved
	defer u.Release()
	if err := u.read(budget.orShared(), w, r, limit); err != nil {
		return nil, "", err
	}
	secretID, err = u.Verify(v, r.Header)
	if err != nil {
		return nil, "", err
	}
	return u.Bytes(), secretID, nil
}

// answers is what the sender gets for each error. A text says no more than the
// sender knows already; the reason is for the host's log.
var answers = []struct {
	err  error
	code int
	text string
}{
	{ErrMethodNotAllowed, http.StatusMethodNotAllowed, "method not allowed"},
	{ErrEncoding, http.StatusUnsupportedMediaType, "content encoding not supported"},
	{ErrBodyTooLarge, http.StatusRequestEntityTooLarge, "body too large"},
	{ErrNoSignature, http.StatusUnauthorized, "signature missing"},
	{ErrBadSignature, http.StatusUnauthorized, "signature not accepted"},
	{ErrStale, http.StatusUnauthorized, "delivery too old"},
	{ErrBodyBroken, http.StatusBadRequest, "body incomplete"},
	{ErrOverBudget, http.StatusServiceUnavailable, "try again later"},
}

// RetryAfter is how long a sender is asked to wait that came when the budget was
// spent; to be sent with the 503 of [ErrOverBudget].
const RetryAfter = 5 * time.Second

// Status returns the HTTP status and the short fixed text to answer an error of
// this package with. Any other error, [ErrBodyConsumed] and [ErrNoVerifier] are
// the host's own and give 500, upon which a sender tries again; nil gives 200 and
// no text.
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
