package check

import (
	"encoding/json"
	"math"
)

// object reads a JSON object; anything else is nil.
func object(body []byte) map[string]any {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	return members
}

// equals tells whether the text of a number is that of a value, exactly as a JSON
// reader sees it: 87.4 and 87.40 are, 87 is not.
func equals(text json.Number, value float64) bool {
	f, err := text.Float64()
	return err == nil && f == value && !math.IsInf(f, 0)
}
