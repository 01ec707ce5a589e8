package ashby

import (
	"errors"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
)

// toolName is [assessment.Order.ATS]: Ashby is vendor and ATS in one.
const toolName = "ashby"

// The statuses of an application that Ashby documents
// (https://developers.ashbyhq.com/reference/assessmentstart). Roles are free text.
var applicationStatuses = []string{"Hired", "Archived", "Active", "Lead"}

// What a call gets that nothing can be made of. The decoder's own words are not
// repeated: they quote the body.
var (
	errMalformed    = errors.New("ashby: not a JSON object")
	errNoPackage    = errors.New("ashby: start without an assessment_type_id")
	errNoCandidate  = errors.New("ashby: start without a candidate's ashby_id or email")
	errNoAssessment = errors.New("ashby: cancel without an assessment_id")
)

// decode reads a body and returns what was odd in it. A document that is no object
// is malformed.
func decode(body []byte, wire any) ([]lenient.Odd, error) {
	odd, err := lenient.Unmarshal(body, wire)
	if err != nil || len(odd) > 0 && odd[0].Path == "" {
		return nil, errMalformed
	}
	return odd, nil
}

// drifted reports what was odd in the body of a call.
func drifted(operation string, odd []lenient.Odd) []assessment.Drift {
	var found []assessment.Drift
	for _, o := range odd {
		found = append(found, assessment.Drift{Vendor: assessment.Ashby, Event: operation, Field: o.Path})
	}
	return found
}

// decodeStart translates the body of assessment.start. Unknown values are kept,
// and what is missing stays empty; but without a package there is nothing to
// start, and without a candidate, whom every start names, there is nobody to
// invite, whatever the application says. The drift may say why.
func decodeStart(body []byte) (order assessment.Order, drift []assessment.Drift, err error) {
	var wire wireStart
	odd, err := decode(body, &wire)
	if err != nil {
		return order, nil, err
	}
	drift = drifted(opStart, odd)
	if s := wire.Application.Status; s != "" && !slices.Contains(applicationStatuses, s) {
		drift = append(drift, assessment.Drift{Vendor: assessment.Ashby, Event: opStart, Field: "application.status", Value: s})
	}
	switch {
	case blank(string(wire.AssessmentTypeID)):
		return order, drift, errNoPackage
	case blank(string(wire.Candidate.AshbyID)) && blank(wire.Candidate.Email):
		return order, drift, errNoCandidate
	}
	return wire.order(body), drift, nil
}

// blank reports whether an id says nothing: taken for one, it would be that of
// different candidates.
func blank(id string) bool { return strings.TrimSpace(id) == "" }

func (w *wireStart) order(body []byte) assessment.Order {
	order := assessment.Order{
		Ref:     assessment.OrderRef{Vendor: assessment.Ashby},
		Package: assessment.Package{ID: string(w.AssessmentTypeID)},
		ATS:     toolName,
		Candidate: assessment.Candidate{
			RemoteID:   string(w.Candidate.AshbyID),
			FirstName:  w.Candidate.FirstName,
			LastName:   w.Candidate.LastName,
			Email:      w.Candidate.Email,
			ProfileURL: w.Candidate.ProfileURL,
		},
		Application: assessment.Application{RemoteID: string(w.Application.AshbyID), Status: w.Application.Status},
		Job: assessment.Job{
			RemoteID:   string(w.Job.AshbyID),
			Code:       string(w.Job.ReqID),
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
			RemoteID: string(m.UserID), FirstName: m.FirstName, LastName: m.LastName, Email: m.Email,
		}
		if m.Role != "" {
			members[i].Roles = []assessment.Role{assessment.Role(m.Role)}
		}
	}
	return members
}

// decodeCancel reads the id out of the body of assessment.cancel.
func decodeCancel(body []byte) (id string, drift []assessment.Drift, err error) {
	var wire wireCancel
	odd, err := decode(body, &wire)
	if err != nil {
		return "", nil, err
	}
	if blank(string(wire.AssessmentID)) {
		err = errNoAssessment
	}
	return string(wire.AssessmentID), drifted(opCancel, odd), err
}
