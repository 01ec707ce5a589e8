package outbound_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
)

func TestReadable(t *testing.T) {
	labelled := assessment.ScoreOutOf(7, 9)
	labelled.Label = "Stanine"
	for want, value := range map[string]assessment.AttributeValue{
		"Good":                     assessment.Text("Good"),
		"https://example.com/v":    assessment.Link("https://example.com/v"),
		"87.4":                     assessment.Number(87.4),
		"0":                        assessment.Number(math.Copysign(0, -1)),
		"100000000000000000000000": assessment.Number(1e23),
		"Yes":                      assessment.Flag(true),
		"No":                       assessment.Flag(false),
		"0s":                       assessment.Elapsed(0),
		"20ms":                     assessment.Elapsed(20 * time.Millisecond),
		"1 s":                      assessment.Elapsed(time.Second),
		"1 min":                    assessment.Elapsed(59*time.Second + 500*time.Millisecond),
		"42 min 30 s":              assessment.Elapsed(42*time.Minute + 30*time.Second),
		"26 h 3 s":                 assessment.Elapsed(26*time.Hour + 3*time.Second),
		"2562047 h 47 min 17 s":    assessment.Elapsed(math.MaxInt64),
		"completed":                assessment.SubResult{},
		"in progress":              assessment.SubResult{Status: assessment.StatusInProgress},
		"9, completed":             assessment.SubResult{Score: &assessment.Score{Value: 9}},
		"9 of 10, completed":       assessment.SubResult{Score: assessment.ScoreOutOf(9, 10)},
		"0 of 5, expired":          assessment.SubResult{Score: assessment.ScoreBetween(0, 0, 5), Status: assessment.StatusExpired},
		"5 on a scale from 1 to 9, cancelled": assessment.SubResult{
			Score: assessment.ScoreBetween(5, 1, 9), Status: assessment.StatusCancelled,
		},
		"7 of 9 (Stanine), completed": assessment.SubResult{Score: labelled},
		"B2, completed":               assessment.SubResult{Score: assessment.ScoreText("B2")},
		"B2 (CEFR), completed":        assessment.SubResult{Score: &assessment.Score{Text: "B2", Label: "CEFR"}},
		"9 (Points), good, completed": assessment.SubResult{Score: &assessment.Score{Value: 9, Text: "good", Label: "Points"}},
		"":                            nil,
	} {
		require.Equal(t, want, outbound.Readable(value, assessment.StatusCompleted))
	}
}
