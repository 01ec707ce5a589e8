package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Comparison says what changed since an earlier report: the ids of the checks that
// fail, advice and known failures included.
type Comparison struct {
	New   []string // fail, and did not
	Fixed []string // failed, and pass
	Same  []string // fail, and did
}

// Compare compares with an earlier report. A check that was not judged in one of them
// is neither new nor fixed.
func (r *Report) Compare(earlier *Report) Comparison {
	before := map[string]State{}
	for _, one := range earlier.Results {
		before[one.ID] = one.State
	}
	var c Comparison
	for _, one := range r.Results {
		failed := before[one.ID] == Failed || before[one.ID] == Known
		switch {
		case one.State == Failed || one.State == Known:
			if failed {
				c.Same = append(c.Same, one.ID)
			} else {
				c.New = append(c.New, one.ID)
			}
		case one.State == Passed && failed:
			c.Fixed = append(c.Fixed, one.ID)
		}
	}
	return c
}

// String is the comparison in one line.
func (c Comparison) String() string {
	var parts []string
	for _, one := range []struct {
		word string
		ids  []string
	}{{"new", c.New}, {"fixed", c.Fixed}, {"same", c.Same}} {
		part := fmt.Sprintf("%d %s", len(one.ids), one.word)
		if len(one.ids) > 0 {
			part += " (" + strings.Join(one.ids, ", ") + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

var errNoReport = errors.New("check: that is no report of the conformance checks")

// ReadReport reads the JSON form of a report. Members that this version does not know
// are left out.
func ReadReport(data []byte) (*Report, error) {
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoReport, err)
	}
	if r.Schema != SchemaVersion {
		return nil, fmt.Errorf("%w: its schema is %d, not %d", errNoReport, r.Schema, SchemaVersion)
	}
	return &r, nil
}
