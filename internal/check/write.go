package check

import (
	"errors"
	"os"
	"path/filepath"
)

// The files that [Report.Write] writes.
const (
	JSONFile  = "report.json"
	JUnitFile = "junit.xml"
	HTMLFile  = "report.html"
)

// Write writes the report in all its forms to a folder, which it makes if need be.
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report has no secrets
		return err
	}
	var all []error
	for name, content := range map[string]func() ([]byte, error){JSONFile: r.JSON, JUnitFile: r.JUnit, HTMLFile: r.HTML} {
		written, err := content()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), written, 0o644) //nolint:gosec // likewise
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}
