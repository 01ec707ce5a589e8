package ashbytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
	JobID       string
	JobName     string
	HiringTeam  []TeamMember
	// Fields overrides members of the results by dotted path, as in
	// [StartSpec.Fields].
	Fields map[string]any
}

// AddCandidate makes a candidate known to an organization, or replaces one, and
// returns the id. The candidate of every [Server.StartAssessment] is known by
// itself. It fails if the organization is unknown or a path cannot be set.
func (s *Server) AddCandidate(organization string, c Candidate) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	if err != nil {
		return "", err
	}
	if c.ID == "" {
		c.ID = s.nextID("candidate")
	}
	if err := setAll(c.wire(nil), c.Fields); err != nil {
		return "", err
	}
	o.candidates[c.ID] = c
	return c.ID, nil
}

// AddApplication makes an application known to an organization, or replaces one,
// and returns the id. The application of every [Server.StartAssessment] is known by
// itself. It fails if the organization is unknown or a path cannot be set.
func (s *Server) AddApplication(organization string, a Application) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	if err != nil {
		return "", err
	}
	if a.ID == "" {
		a.ID = s.nextID("application")
	}
	if err := setAll(a.wire(Candidate{}, nil), a.Fields); err != nil {
		return "", err
	}
	o.applications[a.ID] = a
	return a.ID, nil
}

// AddFile makes file.info answer the URL for a handle. With an empty URL the handle
// is an error, as it is for the demo data that Ashby generates.
func (s *Server) AddFile(organization, handle, url string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	if err != nil {
		return err
	}
	o.files[handle] = url
	return nil
}

// learn keeps the people and things that the body of a start names, unless the test
// has told more about them. The caller holds s.mu.
func (o *organization) learn(body any) {
	ids := sentIDs(body)
	if _, known := o.candidates[ids.candidateID]; !known && ids.candidateID != "" {
		o.candidates[ids.candidateID] = Candidate{
			ID:    ids.candidateID,
			Name:  strings.TrimSpace(textAt(body, "candidate", "first_name") + " " + textAt(body, "candidate", "last_name")),
			Email: textAt(body, "candidate", "email"),
		}
	}
	if _, known := o.applications[ids.applicationID]; !known && ids.applicationID != "" {
		o.applications[ids.applicationID] = Application{
			ID: ids.applicationID, CandidateID: ids.candidateID, JobID: ids.jobID,
			Status: textAt(body, "application", "status"), JobName: textAt(body, "job", "name"), HiringTeam: teamOf(body),
		}
	}
}

func teamOf(body any) []TeamMember {
	members, _ := body.(map[string]any)
	job, _ := members["job"].(map[string]any)
	list, _ := job["hiringTeam"].([]any)
	var team []TeamMember
	for _, m := range list {
		team = append(team, TeamMember{
			UserID: textAt(m, "userId"), FirstName: textAt(m, "firstName"), LastName: textAt(m, "lastName"),
			Email: textAt(m, "email"), Role: textAt(m, "role"),
		})
	}
	return team
}

// addExamples makes the people of the example call known.
func (o *organization) addExamples() error {
	body, err := StartSpec{}.body()
	if err != nil {
		return err
	}
	o.learn(body)
	return nil
}

func (o *organization) applicationsOf(candidate string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(o.applications)) {
		if o.applications[id].CandidateID == candidate {
			ids = append(ids, id)
		}
	}
	return ids
}

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
		"profileUrl":     orDefault(c.ProfileURL, candidateURL(c.ID)),
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

func (a Application) wire(c Candidate, expand []string) map[string]any {
	team := []any{}
	for _, member := range a.HiringTeam {
		team = append(team, member.wire())
	}
	w := map[string]any{
		"id":                    a.ID,
		"status":                orDefault(a.Status, "Active"),
		"candidate":             map[string]any{"id": a.CandidateID, "name": c.Name},
		"currentInterviewStage": map[string]any{"id": a.JobID, "title": "Assessment", "type": "Active"},
		"job":                   map[string]any{"id": a.JobID, "title": a.JobName},
		"hiringTeam":            team,
	}
	for _, name := range expand {
		w[name] = []any{}
	}
	return w
}

func setAll(tree map[string]any, fields map[string]any) error {
	copied, err := toTree(tree)
	if err != nil {
		return err
	}
	return setFields(copied, fields)
}

func setFields(tree any, fields map[string]any) error {
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if err := setPath(tree, path, fields[path]); err != nil {
			return fmt.Errorf("%w (path %q)", err, path)
		}
	}
	return nil
}
