package ashbytest

import (
	"encoding/json"
	"slices"
	"strings"
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
func (p *payload) nullable() need {
	if p.quirks.RefuseNulls {
		return optional
	}
	return optionalOrNull
}

// slot reads a member that holds one datum, and returns nil if there is none.
func (p *payload) slot(o *object, name string, n need) *DataValue {
	child := o.child(name, n)
	if child == nil {
		return nil
	}
	v := p.value(child)
	return &v
}

func (p *payload) list(o *object, name string, n need) []DataValue {
	items, _ := o.list(name, n)
	values := make([]DataValue, 0, len(items))
	for i, item := range items {
		if child := o.item(name, i, item); child != nil {
			values = append(values, p.value(child))
		}
	}
	return values
}

func (p *payload) value(o *object) DataValue {
	v := DataValue{
		Identifier:  o.text("identifier", required),
		Label:       o.text("label", required),
		Type:        o.text("type", required),
		Description: o.text("description", optional),
	}
	v.Value, _ = o.get("value", required)
	o.done()
	p.checkType(o, v)
	if first, taken := p.identifiers[v.Identifier]; taken && !p.quirks.AllowDuplicateIdentifiers {
		o.fail(o.at("identifier"), "is the one of %s", first)
	}
	if text, isText := o.members["identifier"].(string); isText {
		p.identifiers[text] = o.path
	}
	return v
}

func (p *payload) checkType(o *object, v DataValue) {
	if v.Type == "" && !o.given("type") {
		return // reported as missing
	}
	if !slices.Contains(dataTypes, v.Type) && !p.quirks.AllowUnknownTypes {
		o.fail(o.at("type"), "must be one of %s", strings.Join(dataTypes, ", "))
		return
	}
	kind := jsonKind(v.Value)
	switch want := wantedKind(v.Type); {
	case v.Value == nil:
		// reported as missing or null
	case kind == "":
		o.fail(o.at("value"), "must be a string, a number or a boolean")
	case p.quirks.AllowTypeMismatch:
	case want != "" && kind != want:
		o.fail(o.at("value"), "must be a %s, because the type is %s", want, v.Type)
	case v.Type == TypeURL && !isAbsoluteURL(v.Value.(string)):
		o.fail(o.at("value"), "must be an absolute URL")
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
