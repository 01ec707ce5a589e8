package ashby

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/assessbridge/assessbridge/assessment"
)

// toolName is [assessment.Order.ATS]: Ashby is vendor and ATS in one.
const toolName = "ashby"

// The statuses of an application that Ashby documents
// (https://developers.ashbyhq.com/reference/assessmentstart).
var applicationStatuses = []string{"Hired", "Archived", "Active", "Lead"}

// What a call gets that nothing can be made of. The decoder's own words are not
// repeated: they quote the body.
var (
	errMalformed    = errors.New("ashby: not a JSON object")
	errNoPackage    = errors.New("ashby: start without an assessment_type_id")
	errNoCandidate  = errors.New("ashby: start without a candidate's ashby_id or email")
	errNoAssessment = errors.New("ashby: cancel without an assessment_id")
)

// decode reads a body leniently: a member of another JSON type than documented
// counts as missing and is returned as drift.
func decode(body []byte, wire any) (drifted *json.UnmarshalTypeError, err error) {
	err = json.Unmarshal(body, wire)
	if errors.As(err, &drifted) && drifted.Field != "" {
		return drifted, nil
	}
	if err != nil {
		return nil, errMalformed
	}
	return nil, nil
}

// decodeStart translates the body of assessment.start. Unknown values are kept,
// and what is missing stays empty; but without a package or a candidate there is
// nothing to start. The drift may say why.
func decodeStart(body []byte) (order assessment.Order, drift []assessment.Drift, err error) {
	var wire wireStart
	drifted, err := decode(body, &wire)
	switch {
	case err != nil:
		return order, nil, err
	case wire.AssessmentTypeID.value == "":
		err = errNoPackage
	case wire.Candidate.AshbyID.value == "" && wire.Candidate.Email == "":
		err = errNoCandidate
	default:
		order = wire.order(body)
	}
	return order, wire.drift(drifted), err
}

func (w *wireStart) order(body []byte) assessment.Order {
	order := assessment.Order{
		Ref:     assessment.OrderRef{Vendor: assessment.Ashby},
		Package: assessment.Package{ID: w.AssessmentTypeID.value},
		ATS:     toolName,
		Candidate: assessment.Candidate{
			RemoteID:   w.Candidate.AshbyID.value,
			FirstName:  w.Candidate.FirstName,
			LastName:   w.Candidate.LastName,
			Email:      w.Candidate.Email,
			ProfileURL: w.Candidate.ProfileURL,
		},
		Application: assessment.Application{RemoteID: w.Application.AshbyID.value, Status: w.Application.Status},
		Job: assessment.Job{
			RemoteID:   w.Job.AshbyID.value,
			Code:       w.Job.ReqID.value,
			Name:       w.Job.Name,
			URL:        w.Job.URL,
			HiringTeam: team(w.Job.HiringTeam),
		},
		Raw: body,
	}
	if len(w.AdditionalFields) > 0 {
		order.Fields = w.AdditionalFields
	}
	return order
}

func team(wire []wireTeamMember) []assessment.TeamMember {
	if len(wire) == 0 {
		return nil
	}
	members := make([]assessment.TeamMember, len(wire))
	for i, m := range wire {
		members[i] = assessment.TeamMember{
			RemoteID: m.UserID.value, FirstName: m.FirstName, LastName: m.LastName, Email: m.Email,
		}
		if m.Role != "" {
			members[i].Roles = []assessment.Role{assessment.Role(m.Role)}
		}
	}
	return members
}

// drift reports what the body holds that this version does not know. Roles are
// free text.
func (w *wireStart) drift(wrong *json.UnmarshalTypeError) []assessment.Drift {
	var found []assessment.Drift
	if wrong != nil {
		found = append(found, assessment.Drift{Field: wrong.Field})
	}
	for _, field := range w.oddIDs() {
		found = append(found, assessment.Drift{Field: field})
	}
	if s := w.Application.Status; s != "" && !slices.Contains(applicationStatuses, s) {
		found = append(found, assessment.Drift{Field: "application.status", Value: s})
	}
	for i := range found {
		found[i].Vendor, found[i].Event = assessment.Ashby, opStart
	}
	return found
}

// oddIDs are the paths of ids that are neither text nor number.
func (w *wireStart) oddIDs() (paths []string) {
	note := func(id text, path string) {
		if id.odd {
			paths = append(paths, path)
		}
	}
	note(w.AssessmentTypeID, "assessment_type_id")
	note(w.Candidate.AshbyID, "candidate.ashby_id")
	note(w.Application.AshbyID, "application.ashby_id")
	note(w.Job.AshbyID, "job.ashby_id")
	note(w.Job.ReqID, "job.req_id")
	for _, m := range w.Job.HiringTeam {
		note(m.UserID, "job.hiringTeam.userId")
	}
	return paths
}

// decodeCancel reads the id out of the body of assessment.cancel.
func decodeCancel(body []byte) (id string, drift []assessment.Drift, err error) {
	var wire wireCancel
	if _, err := decode(body, &wire); err != nil {
		return "", nil, err
	}
	if wire.AssessmentID.odd {
		drift = []assessment.Drift{{Vendor: assessment.Ashby, Event: opCancel, Field: "assessment_id"}}
	}
	if wire.AssessmentID.value == "" {
		return "", drift, errNoAssessment
	}
	return wire.AssessmentID.value, drift, nil
}
