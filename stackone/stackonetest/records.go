package stackonetest

import (
	_ "embed" // the example bodies of StackOne's reference
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

// exampleRecords are those of StackOne's reference; orders refer to them. The reference
// lets the application and the posting name a job and a candidate that it does not show:
// here they are those that exist.
func (w *world) exampleRecords() map[Model][]map[string]any {
	postings := exampleJobPostings
	if w.quirks.BareEnums {
		postings = exampleBarePostings
	}
	records := map[Model][]map[string]any{
		Candidates:   dataOf(exampleCandidate),
		Applications: dataOf(exampleApplication),
		Jobs:         dataOf(exampleJob),
		JobPostings:  dataOf(postings),
	}
	job, candidate := records[Jobs][0], records[Candidates][0]
	for _, application := range records[Applications] {
		refers(application, "job", job)
		refers(application, "candidate", candidate)
	}
	for _, posting := range records[JobPostings] {
		refers(posting, "job", job)
	}
	return records
}

// refers names another record in the members of one that are there for it.
func refers(record map[string]any, name string, to map[string]any) {
	for member, in := range map[string]string{name + "_id": "id", "remote_" + name + "_id": "remote_id"} {
		if _, has := record[member]; has {
			record[member] = to[in]
		}
	}
}

func dataOf(body []byte) []map[string]any {
	switch data := simkit.DecodeObject(body)["data"].(type) {
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
// example of StackOne's reference, with an id of its own; the overrides are by
// dotted path, such as "emails.0.value", as in [OrderSpec.Fields].
func (w *world) Record(account string, model Model, overrides map[string]any) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return "", unknownAccount(account)
	}
	examples := w.exampleRecords()[model]
	if len(examples) == 0 {
		return "", fmt.Errorf("stackonetest: unknown model %q", model)
	}
	record := simkit.Cloned(examples[0])
	record["id"], record["remote_id"] = w.newID(string(model)), w.ids.UUID(string(model)+" remote")
	if err := fields(overrides).Set(record); err != nil {
		return "", named(err)
	}
	a.addRecord(model, record)
	return simkit.TextAt(record, "id"), nil
}

// ClearRecords removes all records of a model from an account, the examples
// included.
func (w *world) ClearRecords(account string, model Model) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a := w.account(account); a != nil {
		delete(a.records, model)
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
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		var records []map[string]any
		failure := s.lookUp(c.Account, model, func(t *recordTable) { records = t.Values() })
		if failure != nil {
			return simkit.Reply{}, failure
		}
		return s.list(c, model.listing(), records)
	}
}

func getRecord(model Model) handler {
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		var record map[string]any
		failure := s.lookUp(c.Account, model, func(t *recordTable) { record, _ = t.Find(c.Params["id"]) })
		if failure == nil && record == nil {
			failure = failed(http.StatusNotFound, "Resource not found")
		}
		if failure != nil {
			return simkit.Reply{}, failure
		}
		return s.single(c, model.listing(), record)
	}
}

// lookUp refuses lookups for accounts that only have the Partner API:
// integration-guides/ats in github.com/StackOneHQ/hub-docs
func (w *world) lookUp(account string, model Model, find func(*recordTable)) *Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return noAccount()
	}
	if a.spec.PartnerAPI {
		return &Failure{Status: w.quirks.PartnerAPIStatus}
	}
	find(a.table(model))
	return nil
}

// recordTable holds the records of one model, which are found by both kinds of ids. A
// record does not change once it is in there.
type recordTable = simkit.Table[string, map[string]any]

// table returns the records of a model. The caller holds the lock of the world.
func (a *account) table(model Model) *recordTable {
	if a.records[model] == nil {
		a.records[model] = &recordTable{}
	}
	return a.records[model]
}

func (a *account) addRecord(model Model, record map[string]any) {
	a.table(model).Add(record, simkit.TextAt(record, "id"), simkit.TextAt(record, "remote_id"))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
