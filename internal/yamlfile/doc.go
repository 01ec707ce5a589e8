// Package yamlfile reads YAML files that people write by hand: strictly, with the
// line of every mistake, all mistakes at once. It is the only importer of yaml.v3.
//
// Fields that a reader does not name are errors, as are repeated ones, anchors,
// aliases, tags and merge keys. Every scalar is taken as it is written: 007, yes
// and 2026-01-02 are texts.
package yamlfile
