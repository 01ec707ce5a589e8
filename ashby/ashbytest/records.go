package ashbytest

import (
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Candidate is what candidate.info tells about somebody:
// https://developers.ashbyhq.com/reference/candidateinfo
type Candidate struct {
	ID                string // empty: generated
	ExternalMappingID string
	Name              string
	Email             string // empty: none
	Phone             string // empty: none
	Timezone          string // empty: not sent
	ProfileURL        string // empty: derived from the id
	SocialLinks       []SocialLink
	// ResumeHandle is what file.info takes; empty: there is no resume.
	ResumeHandle string
	// Fields overrides members of the results by dotted path, as in
	// [StartSpec.Fields].
	Fields map[string]any
}

// SocialLink is a link to a candidate elsewhere.
type SocialLink struct {
	Type string // such as LinkedIn or GitHub
	URL  string
}

// Application is what application.info tells:
// https://developers.ashbyhq.com/reference/applicationinfo
type Application struct {
	ID          string // empty: generated
	Status      string // empty: Active
	CandidateID string
	JobID       string // empty: [DefaultJobID]
	JobName     string
	HiringTeam  []TeamMember
	CreatedAt   time.Time // zero: when it was added
	// Fields overrides members of the results by dotted path, as in
	// [StartSpec.Fields].
	Fields map[string]any
}

// people are the candidates, applications and files of an organization.
type people struct {
	candidates   map[string]Candidate
	byExternalID map[string]string // external mapping id to candidate, the least if several
	applications map[string]Application
	applied      map[string][]string // candidate to applications, sorted
	files        map[string]string   // handle to URL
}

func newPeople() people {
	return people{
		candidates:   map[string]Candidate{},
		byExternalID: map[string]string{},
		applications: map[string]Application{},
		applied:      map[string][]string{},
		files:        map[string]string{},
	}
}

func (p people) addCandidate(c Candidate) {
	old := p.candidates[c.ID]
	if p.byExternalID[old.ExternalMappingID] == c.ID {
		delete(p.byExternalID, old.ExternalMappingID)
	}
	p.candidates[c.ID] = c
	if held, taken := p.byExternalID[c.ExternalMappingID]; c.ExternalMappingID != "" && (!taken || c.ID < held) {
		p.byExternalID[c.ExternalMappingID] = c.ID
	}
}

func (p people) addApplication(a Application) {
	if old, known := p.applications[a.ID]; known {
		p.applied[old.CandidateID] = slices.DeleteFunc(p.applied[old.CandidateID], func(id string) bool { return id == a.ID })
	}
	p.applications[a.ID] = a
	list := p.applied[a.CandidateID]
	at, _ := slices.BinarySearch(list, a.ID)
	p.applied[a.CandidateID] = slices.Insert(list, at, a.ID)
}

// forget drops an application, and its candidate if he has no other.
func (p people) forget(id string) {
	old, known := p.applications[id]
	if !known {
		return
	}
	delete(p.applications, id)
	p.applied[old.CandidateID] = slices.DeleteFunc(p.applied[old.CandidateID], func(one string) bool { return one == id })
	if len(p.applied[old.CandidateID]) > 0 {
		return
	}
	delete(p.applied, old.CandidateID)
	c := p.candidates[old.CandidateID]
	delete(p.candidates, c.ID)
	if p.byExternalID[c.ExternalMappingID] == c.ID {
		delete(p.byExternalID, c.ExternalMappingID)
	}
}

// AddCandidate makes a candidate known to an organization, or replaces one, and
// returns the id. The candidate of every [Server.StartAssessment] is known by
// itself. It fails if the organization is unknown or a path cannot be set.
func (w *world) AddCandidate(customer string, c Candidate) (string, error) {
	err := w.with(customer, func(o *organization) error {
		if c.ID == "" {
			c.ID = w.ids.UUID("candidate")
		}
		if err := tried(c.wire(nil), c.Fields); err != nil {
			return err
		}
		o.addCandidate(c)
		return nil
	})
	return c.ID, err
}

// AddApplication makes an application known to an organization, or replaces one,
// and returns the id. The application of every [Server.StartAssessment] is known by
// itself. It fails if the organization is unknown or a path cannot be set.
func (w *world) AddApplication(customer string, a Application) (string, error) {
	err := w.with(customer, func(o *organization) error {
		if a.ID == "" {
			a.ID = w.ids.UUID("application")
		}
		a.JobID = simkit.OrDefault(a.JobID, DefaultJobID)
		a.CreatedAt = simkit.OrDefault(a.CreatedAt, w.now())
		if err := tried(a.wire(Candidate{}, nil), a.Fields); err != nil {
			return err
		}
		o.addApplication(a)
		return nil
	})
	return a.ID, err
}

// AddFile makes file.info answer the URL for a handle. With an empty URL the handle
// is an error, as it is for the demo data that Ashby generates.
func (w *world) AddFile(customer, handle, url string) error {
	return w.with(customer, func(o *organization) error {
		o.files[handle] = url
		return nil
	})
}

// learn keeps the people and things that the body of a start names, unless the test
// has told more about them. The caller holds s.mu.
func (o *organization) learn(body any, now time.Time) {
	ids := sentIDs(body)
	if _, known := o.candidates[ids.candidateID]; !known && ids.candidateID != "" {
		o.addCandidate(Candidate{
			ID:    ids.candidateID,
			Name:  strings.TrimSpace(simkit.TextAt(body, "candidate", "first_name") + " " + simkit.TextAt(body, "candidate", "last_name")),
			Email: simkit.TextAt(body, "candidate", "email"),
		})
	}
	if _, known := o.applications[ids.applicationID]; !known && ids.applicationID != "" {
		o.addApplication(Application{
			ID: ids.applicationID, CandidateID: ids.candidateID, JobID: ids.jobID,
			Status: simkit.TextAt(body, "application", "status"), JobName: simkit.TextAt(body, "job", "name"), HiringTeam: teamOf(body), CreatedAt: now,
		})
	}
}

func teamOf(body any) []TeamMember {
	list, _ := simkit.At(body, "job", "hiringTeam").([]any)
	var team []TeamMember
	for _, m := range list {
		team = append(team, TeamMember{
			UserID: simkit.TextAt(m, "userId"), FirstName: simkit.TextAt(m, "firstName"), LastName: simkit.TextAt(m, "lastName"),
			Email: simkit.TextAt(m, "email"), Role: simkit.TextAt(m, "role"),
		})
	}
	return team
}

// addExamples makes the people of the example call known.
func (o *organization) addExamples(now time.Time) error {
	body, err := StartSpec{}.body()
	if err != nil {
		return err
	}
	o.learn(body, now)
	return nil
}

func (o *organization) applicationsOf(candidate string) []string { return o.applied[candidate] }

const appURL = "https://app.ashbyhq.com"

func candidateURL(id string) string {
	return appURL + "/candidate-searches/new/right-side/candidates/" + id
}

// wire has all members that the reference calls required.
func (c Candidate) wire(applications []string) map[string]any {
	w := map[string]any{
		"id":             c.ID,
		"name":           c.Name,
		"emailAddresses": []any{},
		"phoneNumbers":   []any{},
		"socialLinks":    []any{},
		"tags":           []any{},
		"applicationIds": append([]string{}, applications...),
		"fileHandles":    []any{},
		"profileUrl":     simkit.OrDefault(c.ProfileURL, candidateURL(c.ID)),
	}
	contact := func(one, all, value string) {
		if value != "" {
			entry := map[string]any{"value": value, "type": "Personal", "isPrimary": true}
			w[one], w[all] = entry, []any{entry}
		}
	}
	contact("primaryEmailAddress", "emailAddresses", c.Email)
	contact("primaryPhoneNumber", "phoneNumbers", c.Phone)
	links := []any{}
	for _, l := range c.SocialLinks {
		links = append(links, map[string]any{"type": l.Type, "url": l.URL})
	}
	w["socialLinks"] = links
	if c.Timezone != "" {
		w["timezone"] = c.Timezone
	}
	if c.ResumeHandle != "" {
		file := map[string]any{"id": c.ID, "name": "resume.pdf", "handle": c.ResumeHandle}
		w["resumeFileHandle"], w["fileHandles"] = file, []any{file}
	}
	return w
}

// assessmentStage is where an application is when an assessment is started.
var assessmentStage = map[string]any{
	"id": "a3b9d3c1-6f0e-4c53-9d0b-5f8a3f3f0c11", "title": "Assessment", "type": "Active",
	"orderInInterviewPlan": 2, "interviewPlanId": "0e7c1f52-6d0a-4f5c-8a51-3a4b8d2f9e60",
}

// wire has the members that Ashby's reference shows for every application.
func (a Application) wire(c Candidate, expand []string) map[string]any {
	team := []any{}
	for _, member := range a.HiringTeam {
		team = append(team, member.wire())
	}
	w := map[string]any{
		"id":                    a.ID,
		"createdAt":             a.CreatedAt.UTC().Format(timestampLayout),
		"updatedAt":             a.CreatedAt.UTC().Format(timestampLayout),
		"status":                simkit.OrDefault(a.Status, "Active"),
		"customFields":          []any{},
		"candidate":             map[string]any{"id": a.CandidateID, "name": c.Name},
		"currentInterviewStage": assessmentStage,
		"job":                   map[string]any{"id": a.JobID, "title": a.JobName},
		"hiringTeam":            team,
	}
	for _, name := range expand {
		w[name] = []any{}
	}
	return w
}

// tried tells whether the overrides of a record can be set.
func tried(tree map[string]any, overrides map[string]any) error {
	if err := fields(overrides).Set(simkit.Cloned(tree)); err != nil {
		return named(err)
	}
	return nil
}
