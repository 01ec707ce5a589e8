package stackone

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
)

// CandidateRecord is a candidate as the ATS has it. As with the other records,
// Raw has all of it: custom fields and whatever else this package does not type.
type CandidateRecord struct {
	Candidate      assessment.Candidate
	ApplicationIDs []string
	Raw            json.RawMessage
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
	Raw   json.RawMessage
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
	UpdatedAt    time.Time
	Raw          json.RawMessage
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
	Raw                  json.RawMessage
}

// Candidate looks a candidate up, by StackOne's id or the ATS's.
func (c *Client) Candidate(ctx context.Context, account, id string) (CandidateRecord, error) {
	got, err := read[kept[struct {
		wireCandidate
		ApplicationIDs []lenient.Text `json:"application_ids"`
	}]](ctx, c, account, "candidates", id)
	record := CandidateRecord{Candidate: got.wire.domain(), Raw: got.raw}
	for _, id := range got.wire.ApplicationIDs {
		if id != "" {
			record.ApplicationIDs = append(record.ApplicationIDs, string(id))
		}
	}
	return record, err
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
}

// Application looks an application up, by StackOne's id or the ATS's.
func (c *Client) Application(ctx context.Context, account, id string) (ApplicationRecord, error) {
	got, err := read[kept[wireApplication]](ctx, c, account, "applications", id)
	w := &got.wire
	record := ApplicationRecord{
		Application: assessment.Application{ID: string(w.ID), RemoteID: string(w.RemoteID), Status: w.Status.String()},
		Candidate:   w.Candidate.domain(),
		JobID:       string(w.JobID), RemoteJobID: string(w.RemoteJobID),
		Stage: w.Stage.Name,
		Raw:   got.raw,
	}
	first(&record.Candidate.ID, w.CandidateID)
	first(&record.Candidate.RemoteID, w.RemoteCandidateID)
	return record, err
}

// Job looks a job up, by StackOne's id or the ATS's.
func (c *Client) Job(ctx context.Context, account, id string) (JobRecord, error) {
	got, err := read[kept[wireJob]](ctx, c, account, "jobs", id)
	w := &got.wire
	record := JobRecord{
		Job: w.domain(), Status: w.Status.String(), Confidential: string(w.Confidential),
		UpdatedAt: w.UpdatedAt, Raw: got.raw,
	}
	first(&record.Status, w.LegacyStatus)
	return record, err
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
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Raw: k.raw,
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
	return list(ctx, c, account, "job_postings", o, jobPosting)
}

// JobPosting looks a job posting up, by StackOne's id or the ATS's.
func (c *Client) JobPosting(ctx context.Context, account, id string) (JobPosting, error) {
	got, err := read[kept[wireJobPosting]](ctx, c, account, "job_postings", id)
	return jobPosting(&got), err
}
