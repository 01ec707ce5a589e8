package ashbytest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// world is what Ashby knows: its customers with their keys, and of each the assessments,
// people and files. It knows nothing of HTTP. Every lookup by key costs the same however
// much there is.
type world struct {
	ids    *simkit.IDs
	now    func() time.Time
	quirks Quirks

	mu            sync.Mutex
	first         *organization
	organizations simkit.Table[string, *organization]
	keyOwners     map[string]*organization // by API key
	cancellations int                      // settled so far
}

// organization is the state behind an Organization.
type organization struct {
	Organization
	keys            map[string]apiKey
	secrets         *simkit.Secrets
	webhookDisabled bool
	assessments     simkit.Table[string, *assessment]
	liveIn          map[slot][]*assessment // those that are live, in order of creation
	lost            map[slot]string        // ids of answers that got lost
	lostIn          map[string]slot        // and the other way round
	people
}

func newWorld(cfg Config, ids *simkit.IDs) *world {
	return &world{ids: ids, now: cfg.Clock, quirks: cfg.Quirks, keyOwners: map[string]*organization{}}
}

// requestIDAlphabet is that of the ULIDs in Ashby's examples of request ids.
const requestIDAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func (w *world) newRequestID() string {
	return "01JSJ8FDK5" + w.ids.Pick("request", requestIDAlphabet, 16)
}

// NewID returns a UUID that no earlier call returned, for the records of a test.
// The sequence depends on [Config.Seed] alone.
func (w *world) NewID() string { return w.ids.UUID("new") }

// addOrganization is called before the simulator is shared.
func (w *world) addOrganization(spec Organization) error {
	spec = spec.withDefaults(w.first == nil)
	for other := range w.organizations.All() {
		if other.Name == spec.Name || other.APIKey == spec.APIKey || other.PartnerKey == spec.PartnerKey {
			return fmt.Errorf("ashbytest: organizations %q and %q share a name or a key", other.Name, spec.Name)
		}
	}
	o := &organization{
		Organization: spec,
		keys:         map[string]apiKey{},
		secrets:      simkit.NewSecrets(spec.WebhookSecret),
		liveIn:       map[slot][]*assessment{},
		lost:         map[slot]string{},
		lostIn:       map[string]slot{},
		people:       newPeople(),
	}
	w.addKey(o, spec.APIKey, apiKey{title: "Assessments", createdAt: w.now(), scopes: spec.Scopes})
	w.organizations.Add(o, spec.Name)
	if w.first == nil {
		w.first = o
	}
	return o.addExamples(w.now())
}

func (w *world) addKey(o *organization, key string, about apiKey) {
	o.keys[key] = about
	w.keyOwners[key] = o
}

// AddKey makes one more API key of an organization valid, with the given scopes,
// or with none. It fails if the organization is unknown or the key is in use.
func (w *world) AddKey(customer, key string, scopes ...string) error {
	return w.with(customer, func(o *organization) error {
		if w.keyOwners[key] != nil {
			return errors.New("ashbytest: the key is in use")
		}
		w.addKey(o, key, apiKey{title: "Additional key", createdAt: w.now(), scopes: slices.Clone(scopes)})
		return nil
	})
}

// RevokeKey makes an API key invalid: calls with it are answered 403.
// https://developers.ashbyhq.com/docs/authentication
func (w *world) RevokeKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.keyOwners[key]; o != nil {
		delete(o.keys, key)
		delete(w.keyOwners, key)
	}
}

// RotatePartnerKey replaces the key with which an organization calls the provider,
// as when its admin types in a new one.
func (w *world) RotatePartnerKey(customer, key string) error {
	return w.with(customer, func(o *organization) error {
		o.PartnerKey = key
		return nil
	})
}

// RotateSecret replaces the webhook secret of an organization. Webhooks are signed
// with the new one from now on; [OldSecret] still signs with the one before. It
// fails if the organization is unknown.
func (w *world) RotateSecret(customer, secret string) error {
	return w.with(customer, func(o *organization) error {
		o.secrets.Rotate(secret)
		o.WebhookSecret = secret
		return nil
	})
}

// with does something to an organization; the empty name is the first.
func (w *world) with(name string, do func(*organization) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.organization(name)
	if err != nil {
		return err
	}
	return do(o)
}

// organization finds one by name; the empty name is the first. The caller holds
// w.mu.
func (w *world) organization(name string) (*organization, error) {
	if name == "" {
		return w.first, nil
	}
	if o, found := w.organizations.Find(name); found {
		return o, nil
	}
	return nil, fmt.Errorf("ashbytest: unknown organization %q", name)
}

// keyOwner finds the organization of an API key.
func (w *world) keyOwner(key string) (*organization, apiKey, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.keyOwners[key]; o != nil {
		return o, o.keys[key], true
	}
	return nil, apiKey{}, false
}

// WebhookEnabled tells whether webhooks of an organization are sent. They are until
// a ping fails.
func (w *world) WebhookEnabled(customer string) bool {
	enabled := false
	_ = w.with(customer, func(o *organization) error { // an unknown organization has no webhook
		enabled = !o.webhookDisabled
		return nil
	})
	return enabled
}

// Assessment returns an assessment by its id, that of the first organization if several
// have it.
func (w *world) Assessment(id string) (Assessment, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for o := range w.organizations.All() {
		if a := o.assessment(id); a != nil {
			return a.snapshot(), true
		}
	}
	return Assessment{}, false
}

// Assessments returns all assessments of an organization in the order in which
// Ashby learned of them; the empty name is the first organization.
func (w *world) Assessments(customer string) []Assessment {
	var list []Assessment
	_ = w.with(customer, func(o *organization) error { // an unknown organization has none
		list = simkit.Map(o.assessments.Values(), (*assessment).snapshot)
		return nil
	})
	return list
}

// ForgetApplication drops an application with its assessments, and its candidate if he
// has no other, as if nothing had ever been started for it, so that a program which runs
// for long keeps its memory. An unknown id changes nothing; the empty name is the first
// organization.
func (w *world) ForgetApplication(customer, id string) {
	_ = w.with(customer, func(o *organization) error { // an unknown organization has none
		o.assessments.RemoveFunc(func(a *assessment) bool {
			ours := a.ApplicationID == id
			if ours {
				delete(o.liveIn, a.slot())
			}
			return ours
		})
		for where := range o.lost {
			if where.application == id {
				o.find(where)
			}
		}
		o.forget(id)
		return nil
	})
}

// AddAssessment puts a live assessment in place without a call of the provider,
// for a test of updates alone, and returns its id. Of the given one it takes ID,
// Organization, TypeID, ApplicationID, CandidateID and JobID; an empty ID is
// generated, the others are those of the example call. It fails if the
// organization is unknown or the id is taken.
func (w *world) AddAssessment(a Assessment) (string, error) {
	id := a.ID
	err := w.with(a.Organization, func(o *organization) error {
		if id == "" {
			id = w.ids.UUID("assessment")
		}
		if o.assessment(id) != nil {
			return fmt.Errorf("ashbytest: assessment %q exists already", id)
		}
		spec := StartSpec{AssessmentTypeID: a.TypeID, ApplicationID: a.ApplicationID, CandidateID: a.CandidateID, JobID: a.JobID}.withDefaults()
		o.addAssessment(id, spec.ids(), w.now())
		return nil
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// addAssessment keeps a new live one. The caller holds the lock of the world.
func (o *organization) addAssessment(id string, ids startIDs, created time.Time) *assessment {
	a := &assessment{Assessment: Assessment{
		ID:            id,
		Organization:  o.Name,
		TypeID:        ids.typeID,
		ApplicationID: ids.applicationID,
		CandidateID:   ids.candidateID,
		JobID:         ids.jobID,
		State:         StateLive,
		CreatedAt:     created,
	}}
	o.assessments.Add(a, id)
	o.liveIn[a.slot()] = append(o.liveIn[a.slot()], a)
	return a
}

// assessment finds one by its id; nil: there is none. The caller holds the lock of the
// world.
func (o *organization) assessment(id string) *assessment {
	a, _ := o.assessments.Find(id)
	return a
}

// live returns the live assessment of a slot, and nil if there is none.
func (o *organization) live(where slot) *assessment {
	if list := o.liveIn[where]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// ended takes an assessment out of those that are live, and counts it if it was
// cancelled. The caller holds w.mu.
func (w *world) ended(o *organization, a *assessment) {
	if a.State == StateLive {
		return
	}
	where := a.slot()
	o.liveIn[where] = slices.DeleteFunc(o.liveIn[where], func(live *assessment) bool { return live == a })
	if len(o.liveIn[where]) == 0 {
		delete(o.liveIn, where)
	}
	if a.State == StateCancelled && a.cancellation == 0 {
		w.cancellations++
		a.cancellation = w.cancellations
	}
}

// lose remembers the id of an answer that got lost; find forgets it.
func (o *organization) lose(where slot, id string) {
	o.lost[where], o.lostIn[id] = id, where
}

func (o *organization) find(where slot) {
	delete(o.lostIn, o.lost[where])
	delete(o.lost, where)
}

// update gives an assessment an update.
func (w *world) update(o *organization, u Update) *refusal {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := o.assessment(u.AssessmentID)
	if a == nil {
		return refuse(w.quirks.UnknownAssessmentCode, "No assessment has this id.")
	}
	return w.take(o, a, u)
}

// take judges an update by the state of its assessment and lets it take effect.
// The caller holds w.mu.
func (w *world) take(o *organization, a *assessment, u Update) *refusal {
	q := w.quirks
	if q.Repeat != RepeatRefused && a.knows(u) {
		if q.Repeat == RepeatStored {
			a.apply(u)
		}
		return nil
	}
	if a.State != StateLive && !q.AcceptAfterTerminal && !(q.AcceptCancelConfirmation && a.confirms(u)) {
		return refuse(q.ClosedAssessmentCode, "The assessment is "+string(a.State)+".")
	}
	if n := len(a.Updates); n > 0 && !u.Timestamp.After(a.Updates[n-1].Timestamp) && !q.AcceptOlderTimestamps {
		return refuse(q.OlderTimestampCode, "The timestamp is not after that of the last update.")
	}
	a.apply(u)
	w.ended(o, a)
	return nil
}
