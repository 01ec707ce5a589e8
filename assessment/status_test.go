package assessment_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestStatusKnown(t *testing.T) {
	domainKnown(t, false, assessment.StatusOpen, assessment.StatusInProgress, assessment.StatusCompleted,
		assessment.StatusCancelled, assessment.StatusExpired, assessment.StatusRejected)
}

func TestStatusFinal(t *testing.T) {
	for status, final := range map[assessment.Status]bool{
		"":                          false,
		"paused":                    false, // what we do not know may go on
		"COMPLETING":                false,
		"COMPLETED":                 true, // every spelling that a vendor has used
		"COMPLETE":                  true,
		"CANCELED":                  true,
		"Completed":                 true,
		"passed":                    true,
		assessment.StatusOpen:       false,
		assessment.StatusInProgress: false,
		assessment.StatusCompleted:  true,
		assessment.StatusCancelled:  true,
		assessment.StatusExpired:    true,
		assessment.StatusRejected:   true,
	} {
		require.Equal(t, final, status.Final(), "%q", status)
	}
}

func TestOutcomeKnown(t *testing.T) {
	domainKnown(t, true, assessment.OutcomePassed, assessment.OutcomeFailed)
}

func TestRoleKnown(t *testing.T) {
	domainKnown(t, false, assessment.RoleRecruiter, assessment.RoleHiringManager)
}
