package transport

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class is how urgent a call is. Of what is left in a vendor's window, the less
// urgent leave a part to the others.
type Class int8

// The classes. The zero value is the most urgent.
const (
	Interactive Class = iota // somebody waits: lookups, key checks
	Final                    // results that end an order
	Interim                  // updates that a later one makes needless
	Bulk                     // reconciling, catalogues
	classes
)

// ClassOf is the class of a write of results.
func ClassOf(final bool) Class {
	if final {
		return Final
	}
	return Interim
}

// reserves are the parts of a window that a class leaves to those before it.
var reserves = [classes]float64{Interactive: 0, Final: 0.02, Interim: 0.10, Bulk: 0.30}

const (
	// bulkFloor is the part of a window that bulk calls of all processes get in any
	// case. Where results fill every window, lost orders would never be found otherwise.
	bulkFloor = 0.02
	// bulkUse is how long a client that has made a bulk call leaves room for more.
	bulkUse = 10 * time.Minute
)

// floorOf is the number of bulk calls that a process may make of a window of so many
// calls, rounded up.
func floorOf(limit, processes int) int {
	processes = max(1, processes)
	return max(1, (int(bulkFloor*float64(limit))+processes-1)/processes)
}

const (
	// resetRounding is what a reset in whole seconds, rounded down, may lack.
	resetRounding = time.Second
	// openingJitter keeps processes from opening a window together.
	openingJitter = 250 * time.Millisecond
	// probePatience is how long the first call of a new window is waited for before
	// another one is sent.
	probePatience = 5 * time.Second
	// startFree is how many calls go out before the vendor has told anything: enough
	// for one that takes long not to hold up all others.
	startFree = 2
	// rampSpan is how long it takes at least to use a new window up, but for
	// rampFree calls.
	rampSpan = 2 * time.Second
	rampFree = 4
	// prior is how many calls the share of the window before weighs.
	prior = 20
	// alone is the share above which nobody else is taken to use the key.
	alone = 0.9
	// shareEnd is how many calls of its share a client leaves, because what it knows
	// of the others is late.
	shareEnd = 2
	// learnable is how many calls make a share worth remembering.
	learnable = 5
)

// unopened is the window before the first answer. Where every answer shows it, it
// counts as one that has ended, so that a few calls go ahead.
func unopened(shown bool) window { return window{known: shown} }

// window is what is known of the calls that a vendor grants in a stretch of time,
// from its answers alone: other processes use it too. The zero value knows
// nothing and admits everything.
//
// A client estimates its own share of what is used, keeps to it, and lets one call
// go ahead when the window has ended, so that clients that share nothing but the
// vendor's answers do not trip over each other.
type window struct {
	known     bool
	limit     int
	remaining int
	own       int     // calls made in it by this client
	bulk      int     // of them, bulk calls
	flying    int     // calls in flight, whichever window they began in
	cap       int     // how many may be in flight: grows with every good answer
	before    float64 // own share of the window before
	// The window ends between these. They close in on each other with every answer.
	endsAfter, endsBefore time.Time
	jitter                time.Duration
	opened                time.Time // when its first answer came
	probe                 time.Time // when the first call of the next window was sent
	closed                time.Time // the vendor asked to wait until then
}

// headers are what an answer tells of a window.
type headers struct {
	limit, remaining int
	reset            time.Duration
}

// windowOf reads the three headers of Kombo, which others use too, or the fields
// of the IETF draft
// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/).
func windowOf(h http.Header) (w headers, ok bool) {
	if structured := h.Get("Ratelimit"); structured != "" {
		w.limit = parameter(h.Get("Ratelimit-Policy"), "q")
		w.remaining = parameter(structured, "r")
		w.reset = time.Duration(parameter(structured, "t")) * time.Second
	} else {
		w.limit = count(h.Get("Ratelimit-Limit"))
		w.remaining = count(h.Get("Ratelimit-Remaining"))
		w.reset, _ = seconds(h.Get("Ratelimit-Reset"), h.Get("Date"))
		if h.Get("Ratelimit-Reset") == "" {
			return w, false
		}
	}
	w.limit = max(w.limit, w.remaining)
	return w, w.limit > 0 && w.remaining >= 0 && w.reset >= 0 && w.reset < time.Hour
}

// count reads a number of calls, -1 if there is none.
func count(text string) int {
	if text == "" || len(text) > 9 || !digits(text) {
		return -1
	}
	n, _ := strconv.Atoi(text)
	return n
}

// parameter is a number in the first item of a structured field, as in
// "default";r=50;t=30.
func parameter(field, name string) int {
	item, _, _ := strings.Cut(field, ",")
	for part := range strings.SplitSeq(item, ";") {
		if value, found := strings.CutPrefix(strings.TrimSpace(part), name+"="); found {
			return count(value)
		}
	}
	return -1
}

// ended reports whether the window is over for sure.
func (w *window) ended(now time.Time) bool { return !now.Before(w.opens()) }

func (w *window) opens() time.Time { return w.endsBefore.Add(w.jitter) }

// atRest reports whether nothing is worth remembering.
func (w *window) atRest(now time.Time) bool {
	return w.flying == 0 && (!w.known || w.ended(now)) && !now.Before(w.closed)
}

func (w *window) share() float64 {
	before := w.before
	if before == 0 {
		before = 0.25 // nothing is known yet
	}
	return (float64(w.own) + prior*before) / (float64(max(w.limit-w.remaining, w.own)) + prior)
}

// owes reports whether bulk calls have not had their floor of the window yet.
func (w *window) owes(processes int) bool {
	return w.known && w.limit > 0 && w.bulk < floorOf(w.limit, processes)
}

// admits returns no cause if a call may go out now. Else cause says why not, and
// openAt when that changes by itself, if it does. Reserve is the part of the window
// that the call leaves to others. A bulk call that is owed is not held up by what
// other clients may need.
func (w *window) admits(now time.Time, reserve float64, owed bool) (openAt time.Time, cause string) {
	switch {
	case now.Before(w.closed):
		return w.closed, "the vendor asked to wait"
	case !w.known:
		return time.Time{}, ""
	case w.limit == 0 && w.flying < startFree:
		return time.Time{}, ""
	case w.ended(now):
		if again := w.probe.Add(probePatience); !w.probe.IsZero() && now.Before(again) {
			return again, "waiting for the first answer of a new window"
		}
		return time.Time{}, ""
	case float64(w.remaining) <= reserve*float64(w.limit):
		return w.opens(), "the window is used up"
	}
	if at := w.ramp(); now.Before(at) {
		return at, "a new window is begun slowly"
	}
	if owed {
		return time.Time{}, ""
	}
	share := w.share()
	switch left := float64(w.remaining) * share; {
	case share > alone:
		return time.Time{}, ""
	case left <= shareEnd:
		return w.opens(), "this client's share of the window is used up"
	case w.flying >= w.cap, w.flying >= max(1, int(left/3)):
		return time.Time{}, "others use the key too"
	}
	return time.Time{}, ""
}

// ramp is when the next call may go out in a window that has just begun. Who came
// first must not take everything before the others have shown themselves.
func (w *window) ramp() time.Time {
	if w.limit == 0 {
		return w.opened
	}
	return w.opened.Add(rampSpan * time.Duration(w.own-rampFree) / time.Duration(w.limit))
}

// admit counts a call that goes out now.
func (w *window) admit(now time.Time, class Class) {
	if w.known && w.ended(now) {
		w.probe = now
	}
	w.flying++
	w.own++
	w.remaining--
	if class == Bulk {
		w.bulk++
	}
}

// leave counts a call that has ended. One that the vendor has not counted is given
// back.
func (w *window) leave(sent time.Time, good, counted bool) {
	w.flying--
	if w.probe.Equal(sent) {
		w.probe = time.Time{} // if it tells nothing, the next one may go
	}
	if good {
		w.cap++
	}
	if !counted {
		w.own = max(0, w.own-1)
		w.remaining++
	}
}

// bounds returns when a window ends at the earliest and at the latest, by an
// answer to a call.
func (h headers) bounds(sent, now time.Time) (after, before time.Time) {
	return sent.Add(h.reset), now.Add(h.reset + resetRounding)
}

// another reports whether an answer tells of a later window than this one.
func (w *window) another(h headers, sent, now time.Time) bool {
	after, _ := h.bounds(sent, now)
	return after.After(w.endsBefore)
}

// learn takes in what an answer tells.
func (w *window) learn(h headers, sent, now time.Time) {
	after, before := h.bounds(sent, now)
	if w.known && !w.another(h, sent, now) {
		w.remaining = min(w.remaining, h.remaining)
		if before.Before(w.endsBefore) {
			w.endsBefore = before
		}
		if after.After(w.endsAfter) {
			w.endsAfter = after
		}
		return
	}
	if used := w.limit - w.remaining; w.limit > 0 && w.own > learnable && used > 0 {
		w.before = min(1, float64(w.own)/float64(used))
	}
	w.known, w.limit, w.remaining = true, h.limit, h.remaining-w.flying
	w.own, w.bulk, w.cap = w.flying+1, 0, 2
	w.endsAfter, w.endsBefore, w.jitter = after, before, rand.N(openingJitter)
	w.probe, w.opened = time.Time{}, now
}

// foreign reports whether an answer tells of a window that this one cannot be: it
// began before this one has ended, or more is left of it than others can explain,
// who can only take.
func (w *window) foreign(h headers, sent, now time.Time) bool {
	if !w.known {
		return false
	}
	if w.another(h, sent, now) {
		return now.Before(w.endsAfter)
	}
	return !w.ended(now) && h.remaining > w.remaining+w.flying+max(5, w.limit/20)
}
