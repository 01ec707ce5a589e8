package ashby

import (
	"fmt"
	"slices"

	"github.com/assessbridge/assessbridge/internal/outbound"
)

// FieldType is the type of a custom field.
type FieldType string

// The types of custom fields. Of the values that come back in
// [assessment.Order.Fields] Ashby documents only those of the two selects: the
// key of the option.
const (
	FieldString      FieldType = "String"
	FieldDate        FieldType = "Date"
	FieldDateRange   FieldType = "DateRange"
	FieldNumber      FieldType = "Number"
	FieldSelect      FieldType = "ValueSelect"
	FieldMultiSelect FieldType = "MultiValueSelect"
	FieldBoolean     FieldType = "Boolean"
	FieldLongText    FieldType = "LongText"
	FieldEmail       FieldType = "Email"
	FieldPhone       FieldType = "Phone"
	FieldScore       FieldType = "Score"
	FieldSocialLink  FieldType = "SocialLink"
	FieldURL         FieldType = "Url"
	FieldCurrency    FieldType = "Currency"
	FieldLocation    FieldType = "Location"
)

var fieldTypes = [...]FieldType{
	FieldString, FieldDate, FieldDateRange, FieldNumber, FieldSelect, FieldMultiSelect, FieldBoolean, FieldLongText,
	FieldEmail, FieldPhone, FieldScore, FieldSocialLink, FieldURL, FieldCurrency, FieldLocation,
}

// FieldSpec is a question that the recruiter answers when an assessment is started
// (https://developers.ashbyhq.com/reference/assessmentpartnercustomfieldlist).
// Ashby fetches the fields about every hour and when an admin asks for it, and
// enables them for a provider on request.
type FieldSpec struct {
	// ID is the key of the answer in [assessment.Order.Fields]; required.
	ID string
	// Name is what the recruiter reads; required.
	Name string
	Type FieldType
	// Options are the choices of [FieldSelect] and [FieldMultiSelect], which need
	// at least one; no other type has any.
	Options []FieldOption
	// Required: an assessment is not started without an answer.
	Required bool
}

// FieldOption is a choice: Value is shown, and Key comes back.
type FieldOption struct{ Key, Value string }

// One member is in camelCase among others in snake_case.
type wireField struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Type     FieldType    `json:"type"`
	Options  []wireOption `json:"possible_values,omitempty"`
	Required bool         `json:"isRequired"`
}

type wireOption struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// wireFields checks and encodes the fields; the result is never nil.
func wireFields(fields []FieldSpec) ([]wireField, error) {
	var problems outbound.Problems
	wire := make([]wireField, len(fields))
	ids := make(map[string]bool, len(fields))
	for i, f := range fields {
		path := fmt.Sprintf("fields[%d]", i)
		switch {
		case f.ID == "":
			problems.Add(path+".id", "required")
		case ids[f.ID]:
			problems.Add(path+".id", "used before")
		}
		ids[f.ID] = true
		if f.Name == "" {
			problems.Add(path+".name", "required")
		}
		if !slices.Contains(fieldTypes[:], f.Type) {
			problems.Add(path+".type", "unknown")
		}
		problems.Text(path+".id", f.ID)
		problems.Text(path+".name", f.Name)
		wire[i] = wireField{ID: f.ID, Name: f.Name, Type: f.Type, Required: f.Required, Options: f.options(&problems, path)}
	}
	return wire, problems.Err()
}

func (f *FieldSpec) options(problems *outbound.Problems, path string) []wireOption {
	path += ".options"
	choice := f.Type == FieldSelect || f.Type == FieldMultiSelect
	switch {
	case choice && len(f.Options) == 0:
		problems.Add(path, "required for a select")
	case !choice && len(f.Options) > 0:
		problems.Add(path, "for selects only")
	}
	keys := make(map[string]bool, len(f.Options))
	wire := make([]wireOption, len(f.Options))
	for i, o := range f.Options {
		if o.Key == "" || o.Value == "" {
			problems.Add(fmt.Sprintf("%s[%d]", path, i), "needs a key and a value")
		} else if keys[o.Key] {
			problems.Add(fmt.Sprintf("%s[%d]", path, i), "key used before")
		}
		keys[o.Key] = true
		problems.Text(fmt.Sprintf("%s[%d]", path, i), o.Key+o.Value)
		wire[i] = wireOption(o)
	}
	return wire
}
