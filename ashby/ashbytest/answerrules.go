package ashbytest

import (
	"encoding/json"
	"slices"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// examineList checks the results of assessment.list:
// https://developers.ashbyhq.com/reference/assessmentlist
func (s *Server) examineList(body *simkit.Object, a *Answer) bool {
	seen := map[string]bool{}
	return body.Each("results", simkit.Required, func(entry *simkit.Object) {
		if s.cfg.Quirks.RequireUUIDs {
			entry.UUID("assessment_type_id", simkit.Optional, true)
		}
		a.Types = append(a.Types, AssessmentType{
			ID:          entry.Unique("assessment_type_id", simkit.Required, seen, false),
			Name:        entry.Filled("name", simkit.Required),
			Description: entry.Text("description", simkit.Optional),
		})
	})
}

// examineStart checks the results of assessment.start:
// https://developers.ashbyhq.com/reference/assessmentstart
func (s *Server) examineStart(body *simkit.Object, a *Answer) bool {
	results := body.Child("results", simkit.Required)
	if results == nil {
		return false
	}
	a.AssessmentID = results.UUID("assessment_id", simkit.Required, s.cfg.Quirks.RequireUUIDs)
	if request := results.Child("update_request", simkit.Optional); request != nil {
		a.Update = s.examineUpdateRequest(request, a)
	}
	return a.AssessmentID != ""
}

// examineUpdateRequest checks the first update of an assessment, and returns nil if
// it is unusable.
func (s *Server) examineUpdateRequest(request *simkit.Object, a *Answer) *Update {
	problems := len(request.Problems)
	u := readUpdate(newPayload(s.cfg.Quirks), request)
	if u.AssessmentID != "" && u.AssessmentID != a.AssessmentID {
		request.Fail(request.At("assessment_id"), "must be results.assessment_id")
	}
	if len(request.Problems) > problems {
		return nil
	}
	u.WithStart, u.Body = true, updateRequestBody(a.Body)
	return &u
}

func updateRequestBody(body []byte) json.RawMessage {
	var answer struct {
		Results struct {
			UpdateRequest json.RawMessage `json:"update_request"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil // cannot happen: the body was decoded before
	}
	return answer.Results.UpdateRequest
}

// examineCancel checks the results of assessment.cancel, which repeat the id:
// https://developers.ashbyhq.com/reference/assessmentcancel
func examineCancel(body *simkit.Object, id string, a *Answer) bool {
	results := body.Child("results", simkit.Required)
	if results == nil {
		return true // Ashby asked to cancel and was told that it was done
	}
	a.AssessmentID = results.Text("assessment_id", simkit.Required)
	if a.AssessmentID != "" && a.AssessmentID != id {
		results.Fail(results.At("assessment_id"), "must be the id of the request")
	}
	return true
}

// fieldTypes are the types of custom fields. The two selects need options.
var fieldTypes = []string{
	"String", "Date", "DateRange", "Number", typeSelect, typeMultiSelect, "Boolean", "LongText", "Email", "Phone", "Score",
	"SocialLink", "Url", "Currency", "Location",
}

const (
	typeSelect      = "ValueSelect"
	typeMultiSelect = "MultiValueSelect"
)

// examineFields checks a listing of custom fields, whose fields are not under
// results: https://developers.ashbyhq.com/reference/assessmentpartnercustomfieldlist
func examineFields(body *simkit.Object, a *Answer) bool {
	return body.Each("fields", simkit.Required, func(spec *simkit.Object) { a.Fields = append(a.Fields, examineField(spec)) })
}

func examineField(spec *simkit.Object) CustomField {
	f := CustomField{
		ID:       spec.Filled("id", simkit.Required),
		Name:     spec.Filled("name", simkit.Required),
		Type:     spec.Filled("type", simkit.Required),
		Required: spec.Flag("isRequired", simkit.Optional),
	}
	if f.Type != "" && !slices.Contains(fieldTypes, f.Type) {
		spec.Fail(spec.At("type"), "%q is not a type of custom fields", f.Type)
	}
	n := simkit.Optional
	if f.Type == typeSelect || f.Type == typeMultiSelect {
		n = simkit.Required
	}
	spec.Each("possible_values", n, func(option *simkit.Object) {
		f.Options = append(f.Options, FieldOption{Key: option.Filled("key", simkit.Required), Value: option.Filled("value", simkit.Required)})
	})
	// One member is camelCase and its neighbour snake_case: a mix-up is not seen by a
	// reader that ignores unknown members.
	for _, pair := range [][2]string{{"is_required", "isRequired"}, {"possibleValues", "possible_values"}} {
		if spec.Has(pair[0]) {
			spec.Fail(spec.At(pair[0]), "must be called %s", pair[1])
		}
	}
	return f
}
