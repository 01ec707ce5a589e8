package check

import _ "embed" // the schema

//go:embed report.schema.json
var schema []byte

// Schema is the JSON schema of [Report.JSON].
func Schema() []byte { return append([]byte(nil), schema...) }
