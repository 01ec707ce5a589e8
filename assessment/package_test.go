package assessment_test

import (
	"testing"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestPackageTypeKnown(t *testing.T) {
	domainKnown(t, false, assessment.SkillsTest, assessment.Behavioral, assessment.VideoInterview,
		assessment.BackgroundCheck, assessment.ReferenceCheck)
}
