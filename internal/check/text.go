package check

import "encoding/json"

// text is a value as it stands in JSON; what is absent is called so.
func text(v any) string {
	if v == nil {
		return "absent or null"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "unreadable"
	}
	return excerpt(b)
}
