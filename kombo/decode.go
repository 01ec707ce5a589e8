package kombo

import (
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
)

// order translates Kombo's order. Values that this version does not know are
// kept as they are.
func (w *wireOrder) order(connection string) assessment.Order {
	return assessment.Order{
		Ref: assessment.OrderRef{
			Vendor:     assessment.Kombo,
			Connection: connection,
			Account:    w.IntegrationID,
			ID:         w.ID,
		},
		Package: assessment.Package{ID: w.PackageID},
		Status:  domainStatus(w.Status),
		ATS:     toolOf(w.IntegrationID),
		Candidate: assessment.Candidate{
			RemoteID:  w.Candidate.RemoteID,
			FirstName: w.Candidate.FirstName,
			LastName:  w.Candidate.LastName,
			Email:     w.Candidate.Email,
			Phone:     w.Candidate.Phone,
		},
		Application: assessment.Application{RemoteID: w.Application.RemoteID},
		Job: assessment.Job{
			RemoteID:    w.Job.RemoteID,
			Code:        w.Job.JobCode,
			Name:        w.Job.Name,
			Description: w.Job.Description,
			Location:    assessment.Location(w.Job.Location),
			HiringTeam:  domainTeam(w.Job.HiringTeam),
		},
	}
}

// toolOf returns the ATS behind an integration, whose id is "<tool>:<id>".
func toolOf(integration string) string {
	tool, _, found := strings.Cut(integration, ":")
	if !found {
		return ""
	}
	return tool
}

func domainStatus(status string) assessment.Status {
	switch status {
	case wireOpen:
		return assessment.StatusOpen
	case wireCompleted:
		return assessment.StatusCompleted
	case wireCancelled:
		return assessment.StatusCancelled
	case wireRejected:
		return assessment.StatusRejected
	}
	return assessment.Status(status)
}

// currentStatus returns Kombo's word of today for an older or another spelling of
// it; COMPLETE is of 2024.
func currentStatus(status string) string {
	switch word := strings.ToUpper(strings.TrimSpace(status)); word {
	case "COMPLETE":
		return wireCompleted
	case "CANCELED":
		return wireCancelled
	default:
		return word
	}
}

func domainRole(role string) assessment.Role {
	switch role {
	case "RECRUITER":
		return assessment.RoleRecruiter
	case "HIRING_MANAGER":
		return assessment.RoleHiringManager
	}
	return assessment.Role(role)
}

func domainTeam(team []wireTeamMember) []assessment.TeamMember {
	if len(team) == 0 {
		return nil
	}
	members := make([]assessment.TeamMember, len(team))
	for i, m := range team {
		members[i] = assessment.TeamMember{
			RemoteID:  m.RemoteID,
			FirstName: m.FirstName,
			LastName:  m.LastName,
			Email:     m.Email,
		}
		for _, r := range m.Roles {
			if r != "" { // null, or of another type
				members[i].Roles = append(members[i].Roles, domainRole(r))
			}
		}
	}
	return members
}
