package stackonetest

import (
	_ "embed" // the example bodies of StackOne's reference
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Model is a kind of record that can be looked up.
type Model string

// The models of the lookups.
const (
	Candidates   Model = "candidates"
	Applications Model = "applications"
	Jobs         Model = "jobs"
	JobPostings  Model = "job_postings"
)

var (
	//go:embed testdata/candidate_get.response.json
	exampleCandidate []byte
	//go:embed testdata/application_get.response.json
	exampleApplication []byte
	//go:embed testdata/job_get.response.json
	exampleJob []byte
	//go:embed testdata/job_postings_list.response.json
	exampleJobPostings []byte
	//go:embed testdata/job_postings_list.doc_example_bare_enums.response.json
	exampleBarePostings []byte
	//go:embed testdata/webhook.constructed.native_ats_assessments_created.json
	exampleAssessmentEvent []byte
	//go:embed testdata/webhook.constructed.background_check_order_created.json
	exampleBackgroundEvent []byte
)

// exampleRecords are those of StackOne's reference; orders refer to them.
func (s *Server) exampleRecords() map[Model][]map[string]any {
	postings := exampleJobPostings
	if s.cfg.Quirks.BareEnums {
		postings = exampleBarePostings
	}
	return map[Model][]map[string]any{
		Candidates:   dataOf(exampleCandidate),
		Applications: dataOf(exampleApplication),
		Jobs:         dataOf(exampleJob),
		JobPostings:  dataOf(postings),
	}
}

func dataOf(body []byte) []map[string]any {
	switch data := decodeObject(body)["data"].(type) {
	case map[string]any:
		return []map[string]any{data}
	case []any:
		var list []map[string]any
		for _, item := range data {
			if record, ok := item.(map[string]any); ok {
				list = append(list, record)
			}
		}
		return list
	}
	return nil
}

// Record adds a record to an account and returns its id. It starts out as the
// example of StackOne's reference, with an id of its own; fields overrides by
// dotted path, such as "emails.0.value", as in [OrderSpec.Fields].
func (s *Server) Record(account string, model Model, fields map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(account)
	if a == nil {
		return "", unknownAccount(account)
	}
	examples := s.exampleRecords()[model]
	if len(examples) == 0 {
		return "", fmt.Errorf("stackonetest: unknown model %q", model)
	}
	record := cloned(examples[0])
	record["id"], record["remote_id"] = s.nextID(string(model)), s.nextUUID(string(model)+" remote")
	if err := setFields(record, fields); err != nil {
		return "", err
	}
	a.records[model] = append(a.records[model], record)
	id, _ := record["id"].(string)
	return id, nil
}

// ClearRecords removes all records of a model from an account, the examples
// included.
func (s *Server) ClearRecords(account string, model Model) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.findAccount(account); a != nil {
		a.records[model] = nil
	}
}

func (m Model) listing() listing {
	after := []string{"updated_after", "created_after"}
	switch m {
	case Candidates:
		return listing{filters: append(after, "email"), optional: []string{"custom_fields"}}
	case Applications:
		return listing{filters: append(after, "job_id", "stage", "application_stage_id"), optional: []string{"attachments", "custom_fields"}, expand: []string{"documents"}}
	case Jobs:
		return listing{filters: append(after, "job_status"), optional: []string{"custom_fields"}, expand: []string{"job_postings", "interview_stages"}}
	}
	return listing{filters: after, optional: []string{"questionnaires"}}
}

func listRecords(model Model) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		records, failure := s.recordsOf(c.account, model)
		if failure != nil {
			return reply{}, failure
		}
		return s.list(c, model.listing(), records)
	}
}

func getRecord(model Model) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		records, failure := s.recordsOf(c.account, model)
		if failure != nil {
			return reply{}, failure
		}
		id := c.params["id"]
		i := slices.IndexFunc(records, func(r map[string]any) bool { return r["id"] == id || r["remote_id"] == id })
		if i < 0 {
			return reply{}, failed(http.StatusNotFound, "Resource not found")
		}
		return s.single(c, model.listing(), records[i])
	}
}

// recordsOf refuses lookups for accounts that only have the Partner API:
// integration-guides/ats in github.com/StackOneHQ/hub-docs
func (s *Server) recordsOf(account string, model Model) ([]map[string]any, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(account)
	if a == nil {
		return nil, failed(http.StatusNotFound, "Account not found")
	}
	if a.spec.PartnerAPI {
		return nil, &Failure{Status: s.cfg.Quirks.PartnerAPIStatus}
	}
	return slices.Clone(a.records[model]), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
