package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// The words of the journal.
const (
	NoteWritten     = "result.written"
	NoteSkipped     = "result.skipped"
	NoteRefused     = "result.refused"
	NoteUncertain   = "result.uncertain"
	NoteFailed      = "result.failed"      // to be tried again
	NoteLimited     = "result.limited"     // the vendor asked to wait
	NoteGated       = "result.gated"       // the key or the account has no access
	NoteNoKey       = "result.no_key"      // the host's key store failed
	NoteInterrupted = "result.interrupted" // the process ended
	NoteLost        = "result.lost"        // the lease ended before the call
	NoteSuperseded  = "result.superseded"  // a newer one made it needless
	NoteCorrected   = "result.corrected"
	NoteRedriven    = "result.redriven"
	NoteAmended     = "result.amended"
	NoteDiscarded   = "result.discarded"
	NoteQueued      = "order.queued"
	NoteStarted     = "order.started"
	NoteRejected    = "order.rejected"
	NoteFault       = "order.fault"
	NoteAttention   = "order.attention"
	NoteStartNow    = "order.start_now"
	NoteDropped     = "order.discarded"
	NoteErased      = "erased"
	NoteImported    = "order.imported" // another system took it
	NotePublished   = "result.published"
	NotePaused      = "switch.paused" // of a route or an account; the code says which switch
	NoteResumed     = "switch.resumed"
	NoteSurge       = "reconcile.surge" // more lost orders than may be started
	NoteSince       = "reconcile.since"
	NoteHot         = "reconcile.hot"
	NoteBackfill    = "reconcile.backfill"
	NoteRenamed     = "renamed"
	// NoteOffboarding is the one of [DB.Offboard] while what waits may go on,
	// NoteOffboarded the one that stays, and NoteOffboardedOnce what it becomes if
	// the account is let in again.
	NoteOffboarding    = "offboarding"
	NoteOffboarded     = "offboarded"
	NoteOffboardedOnce = "offboarded.once"
	NoteReadmitted     = "readmitted"
	NoteFound          = "order.found" // by the reconciler: its delivery was lost
)

// Detail is what a note says beside its word. It has fixed fields and no text of
// a vendor's or about a person; Actor and Reason are what a person of the host
// gave for an act, or a code.
type Detail struct {
	Seq        int64  `json:"seq,omitempty"`
	Outcome    string `json:"outcome,omitempty"`
	HTTPStatus int    `json:"http_status,omitempty"`
	Code       string `json:"code,omitempty"`
	Operation  string `json:"operation,omitempty"` // the client's word
	RequestID  string `json:"request_id,omitempty"`
	Attempts   int    `json:"attempts,omitempty"`
	Millis     int64  `json:"millis,omitempty"`
	Actor      string `json:"actor,omitempty"`
	Reason     string `json:"reason,omitempty"`
	// Was is the name before, as a reference without an id, of what was renamed.
	Was string `json:"was,omitempty"`
	// Removed counts the rows that an offboarding removed, all of its calls together.
	Removed *Offboarded `json:"removed,omitempty"`
}

// Act says who did something by hand, and why. Both stay in the journal; they
// must not name a candidate.
type Act struct {
	Actor  string
	Reason string
}

func (a Act) detail(seq int64) Detail { return Detail{Seq: seq, Actor: a.Actor, Reason: a.Reason} }

var errNobody = errors.New("sqlstore: an act by hand needs an actor and a reason")

func (a Act) check() error {
	if strings.TrimSpace(a.Actor) == "" || strings.TrimSpace(a.Reason) == "" {
		return errNobody
	}
	return nil
}

func (d *DB) note(ctx context.Context, r runner, ref assessment.OrderRef, what string, detail Detail) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	_, err = d.exec(ctx, r, `INSERT INTO {journal} (ref, at, what, detail) VALUES ($1, {now}, $2, $3)`,
		ref.String(), what, string(text))
	return err
}

// noteLost journals that an attempt may record nothing any more, unless its account
// was offboarded meanwhile.
func (d *DB) noteLost(ctx context.Context, ref assessment.OrderRef, seq int64) error {
	_, err := d.exec(ctx, d.db, `INSERT INTO {journal} (ref, at, what, detail) SELECT CAST($1 AS TEXT), {now}, '`+NoteLost+`', CAST($2 AS TEXT)
		WHERE NOT `+hasLeft("$3"), ref.String(), jsonOf(Detail{Seq: seq}), accountRef(ref))
	return err
}

// Note is one entry of a [DB.Timeline].
type Note struct {
	At     time.Time
	What   string
	Detail Detail
}

// timeline joins the journal with what the tables say themselves: when an order
// was taken and when each result was published. What happened in the same
// millisecond is in the order in which it must have happened.
const timeline = `
SELECT at, what, detail, 2 AS place, id FROM {journal} WHERE ref = $1
UNION ALL SELECT made, CASE WHEN reason = '` + reasonImported + `' THEN '` + NoteImported + `' ELSE '` + NoteQueued + `' END, '{}', 0, 0
  FROM {orders} WHERE ref = $1
UNION ALL SELECT made, '` + NotePublished + `', '{"seq":' || CAST(seq AS TEXT) || '}', 1, seq FROM {results} WHERE ref = $1
UNION ALL SELECT settled, '` + NoteSuperseded + `', '{"seq":' || CAST(seq AS TEXT) || '}', 3, seq FROM {results}
  WHERE ref = $1 AND state = '` + stateSuperseded + `'
ORDER BY 1, 4, 5`

// Timeline returns what became of an order, the oldest note first. It holds
// states, codes and times, nothing about the candidate.
func (d *DB) Timeline(ctx context.Context, ref assessment.OrderRef) ([]Note, error) {
	var all []Note
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var n Note
		var at, place, id int64
		var detail string
		if err := scan(&at, &n.What, &detail, &place, &id); err != nil {
			return err
		}
		n.At = atMilli(at)
		all = append(all, n)
		return json.Unmarshal([]byte(detail), &all[len(all)-1].Detail)
	}, timeline, ref.String())
	return all, err
}
