package stackone

import (
	"cmp"
	"context"
	"errors"

	"github.com/assessbridge/assessbridge/assessment"
)

// Complete fills in what is missing of an order's candidate, application, job
// and ATS, by up to four lookups; what is there stays. Call it where there is
// time, such as in a queue's worker before [assessment.Intake.Work]: an order
// of an ATS that StackOne polls has ids at most. See also [Bare].
//
// Answers 403, 404 and 501 are no errors: an account that was linked with
// "Partner API" only has no lookups at all
// (https://hub.stackone.com/integration-guides/ats). Any other failure is
// returned after the remaining lookups were made; the order has then what could
// be found, and [assessment.Retryable] says whether to try again.
func (c *Client) Complete(ctx context.Context, o *assessment.Order) error {
	account := o.Ref.Account
	if account == "" {
		return errNoAccount()
	}
	applicant, err := c.completeApplication(ctx, account, o)
	errs := []error{err, c.completeCandidate(ctx, account, o), c.completeJob(ctx, account, o)}
	fillCandidate(&o.Candidate, applicant) // where the candidate's own record was not to be had
	if o.ATS == "" {
		ats, err := c.ats.of(ctx, account)
		o.ATS = ats
		errs = append(errs, missing(err))
	}
	return errors.Join(errs...)
}

// completeApplication comes first: it names the candidate and the job. It
// returns the candidate as the application has it.
func (c *Client) completeApplication(ctx context.Context, account string, o *assessment.Order) (assessment.Candidate, error) {
	id := cmp.Or(o.Application.ID, o.Application.RemoteID)
	if id == "" {
		return assessment.Candidate{}, nil
	}
	got, err := c.Application(ctx, account, id)
	if err != nil {
		return assessment.Candidate{}, missing(err)
	}
	fill(&o.Application.ID, got.Application.ID)
	fill(&o.Application.RemoteID, got.Application.RemoteID)
	fill(&o.Application.Status, got.Application.Status)
	fill(&o.Job.ID, got.JobID)
	fill(&o.Job.RemoteID, got.RemoteJobID)
	if otherCandidate(o.Candidate, got.Candidate) {
		return assessment.Candidate{}, nil
	}
	fill(&o.Candidate.ID, got.Candidate.ID)
	fill(&o.Candidate.RemoteID, got.Candidate.RemoteID)
	return got.Candidate, nil
}

// otherCandidate reports whether two sources speak of different people. What one
// of them says must not complete the other: somebody else would be invited.
func otherCandidate(a, b assessment.Candidate) bool {
	differ := func(x, y string) bool { return x != "" && y != "" && x != y }
	return differ(a.ID, b.ID) || differ(a.RemoteID, b.RemoteID)
}

func (c *Client) completeCandidate(ctx context.Context, account string, o *assessment.Order) error {
	id := cmp.Or(o.Candidate.ID, o.Candidate.RemoteID)
	if id == "" {
		return nil
	}
	got, err := c.Candidate(ctx, account, id, ReadOptions{Include: []Include{}}) // an order has no custom fields
	if err != nil {
		return missing(err)
	}
	fillCandidate(&o.Candidate, got.Candidate)
	return nil
}

func (c *Client) completeJob(ctx context.Context, account string, o *assessment.Order) error {
	id := cmp.Or(o.Job.ID, o.Job.RemoteID)
	if id == "" {
		return nil
	}
	got, err := c.Job(ctx, account, id)
	if err != nil {
		return missing(err)
	}
	fill(&o.Job.ID, got.Job.ID)
	fill(&o.Job.RemoteID, got.Job.RemoteID)
	fill(&o.Job.Code, got.Job.Code)
	fill(&o.Job.Name, got.Job.Name)
	fill(&o.Job.Description, got.Job.Description)
	if len(o.Job.HiringTeam) == 0 {
		o.Job.HiringTeam = got.Job.HiringTeam
	}
	return nil
}

// fillCandidate takes a name as a whole: a first name of one source and a last
// name of another would be nobody's.
func fillCandidate(known *assessment.Candidate, found assessment.Candidate) {
	fill(&known.ID, found.ID)
	fill(&known.RemoteID, found.RemoteID)
	if known.FirstName == "" && known.LastName == "" {
		known.FirstName, known.LastName = found.FirstName, found.LastName
	}
	fill(&known.Email, found.Email)
	fill(&known.Phone, found.Phone)
	fill(&known.ProfileURL, found.ProfileURL)
}

func fill(value *string, found string) { *value = cmp.Or(*value, found) }

// missing drops what only says that there is nothing to be had.
func missing(err error) error {
	for _, none := range []error{assessment.ErrForbidden, assessment.ErrNotFound, assessment.ErrNotSupported} {
		if errors.Is(err, none) {
			return nil
		}
	}
	return err
}
