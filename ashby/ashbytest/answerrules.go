package ashbytest

import (
	"encoding/json"
	"slices"
)

// examineList checks the results of assessment.list:
// https://developers.ashbyhq.com/reference/assessmentlist
func (s *Server) examineList(body *object, a *Answer) bool {
	items, ok := body.list("results", required)
	for i, item := range items {
		entry := body.item("results", i, item)
		if entry == nil {
			continue
		}
		a.Types = append(a.Types, AssessmentType{
			ID:          entry.id("assessment_type_id", required, s.cfg.Quirks.RequireUUIDs),
			Name:        entry.text("name", required),
			Description: entry.text("description", optional),
		})
	}
	return ok
}

// examineStart checks the results of assessment.start:
// https://developers.ashbyhq.com/reference/assessmentstart
func (s *Server) examineStart(body *object, a *Answer) bool {
	results := body.child("results", required)
	if results == nil {
		return false
	}
	a.AssessmentID = results.id("assessment_id", required, s.cfg.Quirks.RequireUUIDs)
	if request := results.child("update_request", optional); request != nil {
		a.Update = s.examineUpdateRequest(request, a)
	}
	return a.AssessmentID != ""
}

// examineUpdateRequest checks the first update of an assessment, and returns nil if
// it is unusable.
func (s *Server) examineUpdateRequest(request *object, a *Answer) *Update {
	problems := len(request.problems)
	u := readUpdate(newPayload(s.cfg.Quirks), request)
	if u.AssessmentID != "" && u.AssessmentID != a.AssessmentID {
		request.fail(request.at("assessment_id"), "must be results.assessment_id")
	}
	if len(request.problems) > problems {
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
func examineCancel(body *object, id string, a *Answer) bool {
	results := body.child("results", required)
	if results == nil {
		return true // Ashby asked to cancel and was told that it was done
	}
	a.AssessmentID = results.text("assessment_id", required)
	if a.AssessmentID != "" && a.AssessmentID != id {
		results.fail(results.at("assessment_id"), "must be the id of the request")
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
func examineFields(body *object, a *Answer) bool {
	items, ok := body.list("fields", required)
	for i, item := range items {
		if spec := body.item("fields", i, item); spec != nil {
			a.Fields = append(a.Fields, examineField(spec))
		}
	}
	return ok
}

func examineField(spec *object) CustomField {
	f := CustomField{
		ID:       spec.filled("id", required),
		Name:     spec.filled("name", required),
		Type:     spec.filled("type", required),
		Required: spec.flag("isRequired", optional),
	}
	if f.Type != "" && !slices.Contains(fieldTypes, f.Type) {
		spec.fail(spec.at("type"), "%q is not a type of custom fields", f.Type)
	}
	n := optional
	if f.Type == typeSelect || f.Type == typeMultiSelect {
		n = required
	}
	options, _ := spec.list("possible_values", n)
	for i, item := range options {
		if option := spec.item("possible_values", i, item); option != nil {
			f.Options = append(f.Options, FieldOption{Key: option.filled("key", required), Value: option.filled("value", required)})
		}
	}
	// One member is camelCase and its neighbour snake_case: a mix-up is not seen by a
	// reader that ignores unknown members.
	for _, pair := range [][2]string{{"is_required", "isRequired"}, {"possibleValues", "possible_values"}} {
		if spec.has(pair[0]) {
			spec.fail(spec.at(pair[0]), "must be called %s", pair[1])
		}
	}
	return f
}
