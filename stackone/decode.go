package stackone

import (
	"cmp"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
)

// order reads an order event: the event's data first, then the ids beside the
// envelope. No sample of such an event is published, so every part may be
// missing.
func (w *wireEvent) order(kind assessment.Kind) assessment.Order {
	data := &w.EventData
	o := assessment.Order{
		Ref: assessment.OrderRef{
			Vendor:  assessment.StackOne,
			Kind:    kind,
			Account: string(w.AccountID),
			// The record's id is the one that results are written to.
			ID: string(cmp.Or(w.RecordID, data.ID)),
		},
		RemoteID:  string(cmp.Or(w.RecordRemoteID, data.RemoteID)),
		Package:   data.Package.domain(),
		ATS:       w.Provider,
		Candidate: data.Candidate.domain(),
		Application: assessment.Application{
			ID:       string(cmp.Or(data.Application.ID, data.ApplicationID, w.ApplicationID)),
			RemoteID: string(cmp.Or(data.Application.RemoteID, data.RemoteApplicationID, w.RemoteApplicationID)),
			Status:   data.Application.Status.String(),
		},
		Job:       data.Job.domain(),
		Requester: data.Requester.domain(),
		OrderedAt: w.EventDate,
	}
	first(&o.Candidate.ID, data.CandidateID, w.CandidateID)
	first(&o.Candidate.RemoteID, data.RemoteCandidateID, w.RemoteCandidateID)
	first(&o.Job.ID, data.JobID, w.JobID)
	first(&o.Job.RemoteID, data.RemoteJobID, w.RemoteJobID)
	first(&o.Package.ID, data.PackageID, w.PackageID)
	first(&o.Package.RemoteID, data.RemotePackageID, w.RemotePackageID)
	return o
}

// first sets an empty value to the first of the others that is not.
func first[S ~string](value *string, others ...S) {
	for _, other := range others {
		*value = cmp.Or(*value, string(other))
	}
}

func (p *wirePackage) domain() assessment.Package {
	d := assessment.Package{
		ID: string(p.ID), RemoteID: string(p.RemoteID), Name: string(p.Name), Description: string(p.Description),
	}
	for _, t := range p.Tests {
		if t == (wireTest{}) { // null
			continue
		}
		d.Tests = append(d.Tests, assessment.Test{
			ID: string(t.ID), RemoteID: string(t.RemoteID), Name: string(t.Name), Description: string(t.Description),
		})
	}
	return d
}

func (c *wireCandidate) domain() assessment.Candidate {
	d := assessment.Candidate{
		ID: string(c.ID), RemoteID: string(c.RemoteID),
		FirstName: c.FirstName, LastName: c.LastName,
		Email: c.Email, Phone: string(c.Phone), ProfileURL: c.ProfileURL,
	}
	for _, e := range c.Emails {
		d.Email = cmp.Or(d.Email, e.Value)
	}
	for _, p := range c.Phones { // the single phone is their deprecated predecessor
		if p.Phone != "" {
			d.Phone = string(p.Phone)
			break
		}
	}
	if d.FirstName == "" && d.LastName == "" {
		d.FirstName, d.LastName = splitName(c.Name)
	}
	return d
}

// splitName takes the last word for the last name where the ATS has only the
// whole.
func splitName(name string) (firstName, lastName string) {
	name = strings.TrimSpace(name)
	at := strings.LastIndexByte(name, ' ')
	if at < 0 {
		return name, ""
	}
	return strings.TrimSpace(name[:at]), name[at+1:]
}

func (j *wireJob) domain() assessment.Job {
	d := assessment.Job{
		ID: string(j.ID), RemoteID: string(j.RemoteID), Code: string(j.Code), Name: j.Title, Description: j.Description,
	}
	for _, m := range j.HiringTeam {
		if member := m.domain(); !member.IsZero() {
			d.HiringTeam = append(d.HiringTeam, member)
		}
	}
	return d
}

func (m *wireTeamMember) domain() assessment.TeamMember {
	d := assessment.TeamMember{
		ID: string(m.ID), RemoteID: string(m.RemoteID), FirstName: m.FirstName, LastName: m.LastName, Email: m.Email,
	}
	if m.Role != "" {
		d.Roles = []assessment.Role{assessment.Role(m.Role)}
	}
	return d
}

// Bare reports whether an order names nothing but itself: no candidate, no
// application, no job, no package. That is all that is certain of an order from
// an ATS that StackOne polls (Eploy), and there is no call that reads an order
// back, so [Client.Complete] cannot help either: ask the customer, or reject it.
func Bare(o assessment.Order) bool {
	return o.Candidate == assessment.Candidate{} &&
		o.Application.ID == "" && o.Application.RemoteID == "" &&
		o.Job.ID == "" && o.Job.RemoteID == "" &&
		o.Package.ID == "" && o.Package.RemoteID == "" && o.Package.Name == ""
}

// MatchPackage finds the package that was ordered in the provider's catalogue.
// StackOne does not document which of an order's two package ids is the
// provider's own, so the RemoteID is looked for first, then the ID.
func MatchPackage(ordered assessment.Package, catalogue []assessment.Package) (assessment.Package, bool) {
	for _, id := range []string{ordered.RemoteID, ordered.ID} {
		for _, p := range catalogue {
			if id != "" && p.ID == id {
				return p, true
			}
		}
	}
	return assessment.Package{}, false
}
