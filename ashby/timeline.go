package ashby

import "time"

// timeline gives the updates of an assessment timestamps that rise strictly; what
// [outbound.Table] has forgotten is timed by [assessment.Result.At] alone.
type timeline struct {
	last int64    // the latest timestamp, in milliseconds
	sent []update // the latest updates
}

// update is an update by which its repetition is known.
type update struct {
	at        time.Time // as the host gave it
	sum       uint64    // of the body
	final     bool
	timestamp int64
}

// maxSent is how many updates of one assessment are remembered.
const maxSent = 8

// stamp returns the timestamp for an update: the one it had before, if it is one
// of the latest; else its time, or a millisecond after the last update. A final
// one that was followed by another comes after that, also when it is repeated.
func (l *timeline) stamp(u update) int64 {
	if !u.at.IsZero() {
		for _, s := range l.sent {
			if s.sum == u.sum && s.at.Equal(u.at) && (!u.final || s.timestamp == l.last) {
				return s.timestamp
			}
		}
	}
	u.timestamp = max(milliseconds(u.at), l.last+1)
	l.last = u.timestamp
	if len(l.sent) == maxSent {
		l.sent = append(l.sent[:0], l.sent[1:]...)
	}
	l.sent = append(l.sent, u)
	return u.timestamp
}

// note remembers a timestamp that was given elsewhere.
func (l *timeline) note(timestamp int64) { l.last = max(l.last, timestamp) }

// milliseconds is the time of an update. Now is rounded up to the next one: what
// happens now comes after everything so far, also after the update_request of a
// start that was answered in the same millisecond.
func milliseconds(at time.Time) int64 {
	if at.IsZero() {
		return time.Now().UnixMilli() + 1
	}
	return at.UnixMilli()
}
