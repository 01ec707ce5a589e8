package stackone

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
)

// CandidateRecord is a candidate as the ATS has it. As with the other records, Raw
// has all that StackOne answered of it, also what this package does not type, and
// RawCalls what [ReadOptions.Raw] asks for. The latter may hold addresses with
// tokens in them.
type CandidateRecord struct {
	Candidate      assessment.Candidate
	ApplicationIDs []string
	// CustomFields are those that the ATS has for candidates, as far as they were
	// asked for; [Client.Candidate] asks by itself.
	CustomFields         []CustomField
	CreatedAt, UpdatedAt time.Time
	Raw, RawCalls        json.RawMessage
}

// CustomField is a field that the customer added to its records in the ATS.
type CustomField struct {
	ID, RemoteID, Name string
	// Value is any JSON, nil where StackOne has none.
	Value json.RawMessage
	// ValueID and RemoteValueID name the value where it was chosen from a list.
	ValueID, RemoteValueID string
}

// ApplicationRecord is an application as the ATS has it. Its Candidate has ids,
// names and addresses as far as the application itself tells.
type ApplicationRecord struct {
	Application assessment.Application
	Candidate   assessment.Candidate
	// JobID and RemoteJobID are the job's.
	JobID, RemoteJobID string
	// Stage is the name of the stage that the application is in.
	Stage string
	// CustomFields are there if [IncludeCustomFields] asked for them.
	CustomFields         []CustomField
	CreatedAt, UpdatedAt time.Time
	Raw, RawCalls        json.RawMessage
}

// JobRecord is a job as the ATS has it.
type JobRecord struct {
	Job assessment.Job
	// Status is published, draft, pending, internal, archived, closed, open,
	// deleted or on_hold, or the ATS's own word.
	Status string
	// Confidential is StackOne's text: "true", "false", "unmapped_value", or
	// empty.
	Confidential string
	// CustomFields are there if [IncludeCustomFields] asked for them.
	CustomFields         []CustomField
	CreatedAt, UpdatedAt time.Time
	Raw, RawCalls        json.RawMessage
}

// JobPosting is the public text about a job. In the static-packages flow an
// assistant reads postings to propose packages.
type JobPosting struct {
	ID, RemoteID, Title string
	// JobID and RemoteJobID are the job's.
	JobID, RemoteJobID string
	// Status is live, draft, pending, internal, rejected, closed or archived, or
	// the ATS's own word.
	Status string
	// Internal is StackOne's text: "true", "false", or empty.
	Internal string
	// Plain and HTML are the text. HTML was written by somebody else: sanitise it
	// before it is shown.
	Plain, HTML                   string
	ExternalURL, ExternalApplyURL string
	EmploymentType                string
	EmploymentContractType        string
	// Locations are names of places.
	Locations            []string
	CreatedAt, UpdatedAt time.Time
	Raw, RawCalls        json.RawMessage
}

type wireCustomField struct {
	ID            lenient.Text    `json:"id"`
	RemoteID      lenient.Text    `json:"remote_id"`
	Name          lenient.Scalar  `json:"name"`
	Value         json.RawMessage `json:"value"`
	ValueID       lenient.Text    `json:"value_id"`
	RemoteValueID lenient.Text    `json:"remote_value_id"`
}

func customFields(wire []*wireCustomField) []CustomField {
	var all []CustomField
	for _, w := range wire {
		if w == nil {
			continue
		}
		field := CustomField{
			ID: string(w.ID), RemoteID: string(w.RemoteID), Name: string(w.Name),
			ValueID: string(w.ValueID), RemoteValueID: string(w.RemoteValueID),
		}
		if !absent(w.Value) {
			field.Value = w.Value
		}
		all = append(all, field)
	}
	return all
}

type wireCandidateRecord struct {
	wireCandidate
	ApplicationIDs []lenient.Text     `json:"application_ids"`
	CustomFields   []*wireCustomField `json:"custom_fields"`
	CreatedAt      time.Time          `json:"created_at"`
	UpdatedAt      time.Time          `json:"updated_at"`
}

func candidateRecord(k *kept[wireCandidateRecord]) CandidateRecord {
	w := &k.wire
	record := CandidateRecord{
		Candidate: w.domain(), CustomFields: customFields(w.CustomFields),
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Raw: k.raw, RawCalls: k.calls,
	}
	for _, id := range w.ApplicationIDs {
		if id != "" {
			record.ApplicationIDs = append(record.ApplicationIDs, string(id))
		}
	}
	return record
}

// Candidate looks a candidate up, by StackOne's id or the ATS's, with its custom
// fields. Several options are joined.
func (c *Client) Candidate(ctx context.Context, account, id string, o ...ReadOptions) (CandidateRecord, error) {
	options := joinedOptions(o)
	if options.Include == nil && options.Fields == nil {
		options.Include = []Include{IncludeCustomFields}
	}
	got, err := read[kept[wireCandidateRecord]](ctx, c, account, &candidateModel, id, options)
	return candidateRecord(&got), err
}

// CandidateFilter selects candidates. The zero value selects all of the account.
type CandidateFilter struct {
	ListOptions
	// Email is an address that the candidate has.
	Email string
}

// Candidates lists candidates. Pages are fetched while the range goes on; an error
// ends it.
func (c *Client) Candidates(ctx context.Context, account string, f CandidateFilter) iter.Seq2[CandidateRecord, error] {
	return list(ctx, c, account, &candidateModel, f.ListOptions, filters{"email": f.Email}, candidateRecord)
}

type wireApplication struct {
	wireOrderApplication
	CandidateID       lenient.Text  `json:"candidate_id"`
	RemoteCandidateID lenient.Text  `json:"remote_candidate_id"`
	JobID             lenient.Text  `json:"job_id"`
	RemoteJobID       lenient.Text  `json:"remote_job_id"`
	Candidate         wireCandidate `json:"candidate"`
	Stage             struct {
		Name string `json:"name"`
	} `json:"application_stage"`
	CustomFields []*wireCustomField `json:"custom_fields"`
	CreatedAt    time.Time          `json:"created_at"`
	UpdatedAt    time.Time          `json:"updated_at"`
}

func applicationRecord(k *kept[wireApplication]) ApplicationRecord {
	w := &k.wire
	record := ApplicationRecord{
		Application: assessment.Application{ID: string(w.ID), RemoteID: string(w.RemoteID), Status: w.Status.String()},
		Candidate:   w.Candidate.domain(),
		JobID:       string(w.JobID), RemoteJobID: string(w.RemoteJobID),
		Stage:        w.Stage.Name,
		CustomFields: customFields(w.CustomFields),
		CreatedAt:    w.CreatedAt, UpdatedAt: w.UpdatedAt, Raw: k.raw, RawCalls: k.calls,
	}
	first(&record.Candidate.ID, w.CandidateID)
	first(&record.Candidate.RemoteID, w.RemoteCandidateID)
	return record
}

// Application looks an application up, by StackOne's id or the ATS's. Several
// options are joined.
func (c *Client) Application(ctx context.Context, account, id string, o ...ReadOptions) (ApplicationRecord, error) {
	got, err := read[kept[wireApplication]](ctx, c, account, &applicationModel, id, joinedOptions(o))
	return applicationRecord(&got), err
}

// ApplicationFilter selects applications. The zero value selects all of the
// account.
type ApplicationFilter struct {
	ListOptions
	// JobID is the job's, StackOne's or the ATS's.
	JobID string
	// Stage is the name of a stage, StageID the id of one.
	Stage, StageID string
}

// Applications lists applications. Pages are fetched while the range goes on; an
// error ends it.
func (c *Client) Applications(ctx context.Context, account string, f ApplicationFilter) iter.Seq2[ApplicationRecord, error] {
	own := filters{"job_id": f.JobID, "stage": f.Stage, "application_stage_id": f.StageID}
	return list(ctx, c, account, &applicationModel, f.ListOptions, own, applicationRecord)
}

type wireJobRecord struct {
	wireJob
	CustomFields []*wireCustomField `json:"custom_fields"`
	CreatedAt    time.Time          `json:"created_at"`
}

func jobRecord(k *kept[wireJobRecord]) JobRecord {
	w := &k.wire
	record := JobRecord{
		Job: w.domain(), Status: w.Status.String(), Confidential: string(w.Confidential),
		CustomFields: customFields(w.CustomFields),
		CreatedAt:    w.CreatedAt, UpdatedAt: w.UpdatedAt, Raw: k.raw, RawCalls: k.calls,
	}
	first(&record.Status, w.LegacyStatus)
	return record
}

// Job looks a job up, by StackOne's id or the ATS's. Several options are joined.
func (c *Client) Job(ctx context.Context, account, id string, o ...ReadOptions) (JobRecord, error) {
	got, err := read[kept[wireJobRecord]](ctx, c, account, &jobModel, id, joinedOptions(o))
	return jobRecord(&got), err
}

// JobStatus is a status by which jobs can be selected.
type JobStatus string

// The statuses that StackOne's reference lists for the filter.
const (
	JobOpen  JobStatus = "open"
	JobDraft JobStatus = "draft"
)

// JobFilter selects jobs. The zero value selects all of the account.
type JobFilter struct {
	ListOptions
	Status JobStatus
}

// Jobs lists jobs. Pages are fetched while the range goes on; an error ends it.
// With [Client.JobPostings] it is what a map from jobs to packages is made from,
// where the customer's ATS has one static package for all.
func (c *Client) Jobs(ctx context.Context, account string, f JobFilter) iter.Seq2[JobRecord, error] {
	var problems outbound.Problems
	if f.Status != "" && f.Status != JobOpen && f.Status != JobDraft {
		problems.Add("job_status", "must be open or draft")
	}
	if err := problems.Err(); err != nil {
		return func(yield func(JobRecord, error) bool) { yield(JobRecord{}, err) }
	}
	return list(ctx, c, account, &jobModel, f.ListOptions, filters{"job_status": string(f.Status)}, jobRecord)
}

type wireJobPosting struct {
	ID       lenient.Text `json:"id"`
	RemoteID lenient.Text `json:"remote_id"`
	Title    string       `json:"title"`
	JobID    lenient.Text `json:"job_id"`
	// The job's remote id has had two names.
	RemoteJobID        lenient.Text   `json:"remote_job_id"`
	RemoteJobPostingID lenient.Text   `json:"remote_job_posting_id"`
	Status             enum           `json:"status"`
	Internal           lenient.Scalar `json:"internal"`
	ExternalURL        string         `json:"external_url"`
	ExternalApplyURL   string         `json:"external_apply_url"`
	Content            struct {
		Plain string `json:"plain"`
		HTML  string `json:"html"`
	} `json:"content"`
	EmploymentType         enum `json:"employment_type"`
	EmploymentContractType enum `json:"employment_contract_type"`
	Locations              []struct {
		Name string `json:"name"`
	} `json:"locations"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func jobPosting(k *kept[wireJobPosting]) JobPosting {
	w := &k.wire
	p := JobPosting{
		ID: string(w.ID), RemoteID: string(w.RemoteID), Title: w.Title,
		JobID: string(w.JobID), RemoteJobID: string(w.RemoteJobID),
		Status: w.Status.String(), Internal: string(w.Internal),
		Plain: w.Content.Plain, HTML: w.Content.HTML, ExternalURL: w.ExternalURL, ExternalApplyURL: w.ExternalApplyURL,
		EmploymentType: w.EmploymentType.String(), EmploymentContractType: w.EmploymentContractType.String(),
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Raw: k.raw, RawCalls: k.calls,
	}
	first(&p.RemoteJobID, w.RemoteJobPostingID)
	for _, l := range w.Locations {
		if l.Name != "" {
			p.Locations = append(p.Locations, l.Name)
		}
	}
	return p
}

// JobPostings lists job postings. Pages are fetched while the range goes on; an
// error ends it.
func (c *Client) JobPostings(ctx context.Context, account string, o ListOptions) iter.Seq2[JobPosting, error] {
	return list(ctx, c, account, &jobPostingModel, o, nil, jobPosting)
}

// JobPosting looks a job posting up, by StackOne's id or the ATS's. Several options
// are joined.
func (c *Client) JobPosting(ctx context.Context, account, id string, o ...ReadOptions) (JobPosting, error) {
	got, err := read[kept[wireJobPosting]](ctx, c, account, &jobPostingModel, id, joinedOptions(o))
	return jobPosting(&got), err
}
