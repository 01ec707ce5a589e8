package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/assessbridge/assessbridge/assessment"
)

// resultForm and orderForm are the forms of stored bodies. A process leaves a
// body of a newer form to a newer process.
const (
	resultForm = 1
	orderForm  = 1
)

// MaxAttachmentBytes is how many bytes of attachments a result may carry into
// the database. Larger files belong where they are: give their URL or a Ref.
const MaxAttachmentBytes = 64 << 10

// row is a result as it is stored.
type row struct {
	ref, route, account string
	scope               string // see accountRef
	dedupe              string
	neighbour           bool // the key ends with the number of the newest row
	digest              string
	body                string
	final, correction   bool
}

// keying is how a result's repetition is told.
type keying int

const (
	keyed      keying = iota // by the host's id, else by content
	correcting               // by what stands before it
	rejecting                // an order is rejected once
)

// rejectionKey is the key of every rejection.
const rejectionKey = "rejection"

func newRow(m Message, key keying) (row, error) {
	if m.Ref.Vendor == "" || m.Ref.ID == "" {
		return row{}, invalid("ref", "needs a vendor and an id")
	}
	if err := validate(m.Result); err != nil {
		return row{}, err
	}
	body, err := json.Marshal(m.Result)
	if err != nil {
		return row{}, fmt.Errorf("sqlstore: result: %w", err)
	}
	r := row{
		ref: m.Ref.String(), route: routeOf(m.Ref), account: Account(m.Ref.Account), scope: accountRef(m.Ref),
		digest: digest(body), body: string(body),
		final: m.Result.Status.Final(), correction: key == correcting,
	}
	r.dedupe, r.neighbour = dedupe(m, r.digest, key)
	return r, nil
}

// dedupe returns the key of a message. Each way of making one has a prefix of
// its own, and none shows what the host named.
func dedupe(m Message, content string, key keying) (text string, neighbour bool) {
	switch {
	case key == rejecting:
		return rejectionKey, false
	case m.DedupeID != "":
		return "id/" + digest([]byte(m.DedupeID)), false
	case key == correcting:
		return "correct/" + content + "/", true
	case !m.Result.At.IsZero():
		return "at/" + content, false
	}
	return "next/" + content + "/", true
}

// digest is a hash that tells contents apart; half of SHA-256 is enough for
// that and fits the index.
func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// validate checks a result as the clients will. An attachment that the host
// names by Ref is checked as if its bytes were there.
func validate(r assessment.Result) error {
	r.Attachments = slices.Clone(r.Attachments)
	bytes := 0
	for i, a := range r.Attachments {
		bytes += len(a.Data)
		if referred(a) {
			r.Attachments[i].Data = []byte{0}
		}
	}
	if err := r.Validate(); err != nil {
		return err
	}
	if bytes > MaxAttachmentBytes {
		return invalid("attachments", fmt.Sprintf("%d bytes of data, at most %d can be stored; give a URL or a Ref", bytes, MaxAttachmentBytes))
	}
	return nil
}

// referred says whether the bytes of a have to be asked for.
func referred(a assessment.Attachment) bool { return a.Ref != "" && a.URL == "" && len(a.Data) == 0 }

// isRejection says whether r has the shape of a rejection's result and nothing
// else.
func isRejection(r assessment.Result) bool {
	return r.Status == assessment.StatusCancelled && r.Reason != "" && r.CompletedAt.Equal(r.At) &&
		r.StatusText == "" && r.Outcome == "" && r.Score == nil && r.ReportURL == "" && r.Summary == "" &&
		r.StartedAt.IsZero() && len(r.Attributes) == 0 && len(r.Attachments) == 0 && len(r.Passthrough) == 0
}

// invalid is a [*assessment.ValidationError] with one problem.
func invalid(path, message string) error {
	return &assessment.ValidationError{Problems: []assessment.Problem{{Path: path, Message: message}}}
}
