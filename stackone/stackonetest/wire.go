package stackonetest

import (
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// timestampLayout is the format of StackOne's documented timestamps.
const timestampLayout = "2006-01-02T15:04:05.000Z"

func timestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }

// nullable: in StackOne's schemas every property is optional and nullable unless they
// say otherwise.
const nullable = simkit.OptionalOrNull

// demand makes a member that is absent or null a problem.
func demand(o *simkit.Object, names ...string) {
	for _, name := range names {
		if !o.Given(name) {
			o.Fail(o.At(name), "should not be null or undefined")
		}
	}
}

// readEnum reads an object with a value from the list and the ATS's own value, which
// can be of any type.
func readEnum(o *simkit.Object, name string, values ...string) Enum {
	child := o.Child(name, nullable)
	if child == nil {
		return Enum{}
	}
	defer child.Done()
	e := Enum{Value: child.Enum("value", nullable, values...)}
	if source, given := child.Get("source_value", nullable); given {
		e.SourceValue = simkit.Encode(source)
	}
	return e
}

// checked decodes a JSON body and lets read look at its object. Members that the
// schema does not name are noted or refused.
func (s *Server) checked(c *simkit.Call, read func(*simkit.Object)) (*simkit.Checker, *Failure) {
	check := &simkit.Checker{OpenEnums: s.cfg.Quirks.AllowUnknownEnums}
	if body := check.Body(c.Header, c.Body); body != nil {
		read(body)
		body.Done()
	}
	c.NoteUnknown(check)
	if s.cfg.Quirks.RefuseUnknownFields {
		for _, path := range check.Unknown {
			check.Fail(path, "should not exist")
		}
	}
	return check, refused(check)
}

// refused is the answer to a request in which a check found problems; nil: none.
func refused(check *simkit.Checker) *Failure {
	if len(check.Problems) == 0 {
		return nil
	}
	return invalid(check.Problems...)
}

// Absence is the type of [Absent].
type Absence string

// Absent as the value of a field removes its key.
const Absent Absence = "absent"

// fields are set by dotted path.
func fields(values map[string]any) simkit.Fields {
	return simkit.Fields{Values: values, Absent: Absent}
}
