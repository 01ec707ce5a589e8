package outbound

import "github.com/assessbridge/assessbridge/assessment"

// ScoreWarnings says what is odd about the scores of a result: a value outside
// its scale, or a scale that ends where it begins. They are sent all the same.
func ScoreWarnings(r assessment.Result) []string {
	warnings := scoreWarning(nil, "score", r.Score)
	for i, a := range r.Attributes {
		if part, ok := a.Value.(assessment.SubResult); ok {
			warnings = scoreWarning(warnings, Index("attributes", i)+".value.score", part.Score)
		}
	}
	return warnings
}

func scoreWarning(warnings []string, path string, s *assessment.Score) []string {
	switch {
	case s == nil:
	case pointless(s):
		warnings = append(warnings, path+": the scale has no length")
	case s.Max != nil && s.Value > *s.Max, s.Min != nil && s.Value < *s.Min:
		warnings = append(warnings, path+": outside its scale")
	}
	return warnings
}

// pointless: a scale that does not say where it begins is taken to begin at 0.
func pointless(s *assessment.Score) bool {
	if s.Max == nil {
		return false
	}
	if s.Min == nil {
		return *s.Max == 0
	}
	return *s.Min == *s.Max
}
