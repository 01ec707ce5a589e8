package ashbytest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// The types of a [DataValue]. They are all there are:
// https://developers.ashbyhq.com/docs/creating-an-assessments-integration
const (
	TypeString   = "string"
	TypeURL      = "url"
	TypeScore    = "numeric_score"
	TypeDuration = "numeric_duration_minutes"
	TypeSuccess  = "boolean_success"
)

var dataTypes = []string{TypeString, TypeURL, TypeScore, TypeDuration, TypeSuccess}

// DataValue is one datum that a provider reports (AssessmentDataValue):
// https://developers.ashbyhq.com/docs/assessmentupdate
type DataValue struct {
	Identifier  string
	Label       string
	Type        string // one of the Type constants
	Description string // empty: none
	// Value is a string, a [json.Number] with the digits that were sent, or a bool.
	Value any
}

// wire is the datum as it is written in an answer.
func (v DataValue) wire() map[string]any {
	w := map[string]any{"identifier": v.Identifier, "label": v.Label, "type": v.Type, "value": v.Value}
	if v.Description != "" {
		w["description"] = v.Description
	}
	return w
}

func wireValues(list []DataValue) []any {
	wires := []any{}
	for _, v := range list {
		wires = append(wires, v.wire())
	}
	return wires
}

// payload checks the data of one payload, in which an identifier may occur once.
type payload struct {
	quirks      Quirks
	identifiers map[string]string // to the path of the first use
}

func newPayload(q Quirks) *payload { return &payload{quirks: q, identifiers: map[string]string{}} }

// nullable is the need of an optional slot.
func (p *payload) nullable() simkit.Need {
	if p.quirks.RefuseNulls {
		return simkit.Optional
	}
	return simkit.OptionalOrNull
}

// slot reads a member that holds one datum, and returns nil if there is none.
func (p *payload) slot(o *simkit.Object, name string, n simkit.Need) *DataValue {
	child := o.Child(name, n)
	if child == nil {
		return nil
	}
	v := p.value(child)
	return &v
}

func (p *payload) list(o *simkit.Object, name string, n simkit.Need) []DataValue {
	values := []DataValue{}
	o.Each(name, n, func(item *simkit.Object) { values = append(values, p.value(item)) })
	return values
}

func (p *payload) value(o *simkit.Object) DataValue {
	v := DataValue{
		Identifier:  o.Text("identifier", simkit.Required),
		Label:       o.Text("label", simkit.Required),
		Type:        o.Text("type", simkit.Required),
		Description: o.Text("description", simkit.Optional),
	}
	v.Value, _ = o.Get("value", simkit.Required)
	o.Done()
	p.checkType(o, v)
	if first, taken := p.identifiers[v.Identifier]; taken && !p.quirks.AllowDuplicateIdentifiers {
		o.Fail(o.At("identifier"), "is the one of %s", first)
	}
	if text, isText := o.Members["identifier"].(string); isText {
		p.identifiers[text] = o.Path
	}
	return v
}

func (p *payload) checkType(o *simkit.Object, v DataValue) {
	if v.Type == "" && !o.Given("type") {
		return // reported as missing
	}
	if !slices.Contains(dataTypes, v.Type) && !p.quirks.AllowUnknownTypes {
		o.Fail(o.At("type"), "must be one of %s", strings.Join(dataTypes, ", "))
		return
	}
	kind := jsonKind(v.Value)
	switch want := wantedKind(v.Type); {
	case v.Value == nil:
		// reported as missing or null
	case kind == "":
		o.Fail(o.At("value"), "must be a string, a number or a boolean")
	case p.quirks.AllowTypeMismatch:
	case want != "" && kind != want:
		o.Fail(o.At("value"), "must be a %s, because the type is %s", want, v.Type)
	case v.Type == TypeURL && !simkit.IsAbsoluteURL(v.Value.(string)):
		o.Fail(o.At("value"), "must be an absolute URL")
	}
}

func jsonKind(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	}
	return ""
}

// wantedKind couples a type to a JSON type by its prefix; a type that is not
// coupled takes all three.
func wantedKind(dataType string) string {
	switch {
	case dataType == TypeString || dataType == TypeURL:
		return "string"
	case strings.HasPrefix(dataType, "numeric_"):
		return "number"
	case strings.HasPrefix(dataType, "boolean_"):
		return "boolean"
	}
	return ""
}
