package ashby

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Completed is an assessment that was not started from Ashby; see
// [Client.AddCompleted].
type Completed struct {
	// CandidateID is Ashby's id of the candidate; required.
	CandidateID string
	// AssessmentID is the provider's own id of it, a UUID; required.
	AssessmentID string
	// Package has the ID and the Name of what was taken, both required.
	Package assessment.Package
	// Result must be completed. The time is its CompletedAt, else its At, else
	// now.
	Result assessment.Result
	// PartnerID replaces [Config.PartnerID].
	PartnerID string
}

// String names the assessment by the provider's id.
func (a Completed) String() string {
	return fmt.Sprintf("ashby completed assessment %q", a.AssessmentID)
}

// Format implements [fmt.Formatter]: every verb prints [Completed.String].
func (a Completed) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, a.String()) }

// LogValue implements [slog.LogValuer] with the id only.
func (a Completed) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Added is what Ashby made of a [Completed].
type Added struct {
	// ApplicationID is Ashby's id of the application that it was attached to,
	// empty if Ashby did not say.
	ApplicationID string
	// Receipt says how it was taken.
	Receipt assessment.Receipt
}

// AddCompleted attaches an assessment that was not started from Ashby to a
// candidate (https://developers.ashbyhq.com/reference/assessmentaddCompletedToCandidate).
// It needs the permission candidatesWrite and the provider's own id in Ashby.
//
// There is no slot for a status text and a report URL: they are sent among the
// other values. The call is not repeated if its fate is unknown, because Ashby
// does not say whether it recognises one; the error is then Uncertain.
func (c *Client) AddCompleted(ctx context.Context, account string, a Completed) (Added, error) {
	wire, losses, err := c.completed(a)
	if err != nil {
		return Added{}, err
	}
	body, err := json.Marshal(wire)
	if err != nil {
		return Added{}, err
	}
	answer, receipt, err := c.write(ctx, operation(account, "assessment.addCompletedToCandidate", body))
	receipt.Losses = losses
	added := Added{Receipt: receipt}
	if err != nil {
		return added, err
	}
	var got envelope[struct {
		ApplicationID string `json:"applicationId"`
	}]
	// It was added, whatever can be read of the answer.
	_, _ = lenient.Unmarshal(answer.Body, &got)
	added.ApplicationID = got.Results.ApplicationID
	return added, nil
}

func (c *Client) completed(a Completed) (*wireCompleted, []assessment.Loss, error) {
	partner := cmp.Or(a.PartnerID, c.partnerID)
	var problems outbound.Problems
	for _, x := range []struct{ path, value string }{
		{"partner_id", partner},
		{"candidate_id", a.CandidateID},
		{"assessment_id", a.AssessmentID},
		{"package.id", a.Package.ID},
		{"package.name", a.Package.Name},
	} {
		problems.Name(x.path, x.value)
	}
	if a.Result.Status != assessment.StatusCompleted {
		problems.Add("result.status", "must be completed")
	}
	at := a.Result.CompletedAt
	if at.IsZero() {
		at = a.Result.At
	} else if !representable(at) {
		problems.Add("result.completed_at", unrepresentable)
	}
	t := translate(c.wording, a.Result)
	for _, p := range t.problems.Problems {
		if p.Path != "report_url" || a.Result.ReportURL != "" { // there is no slot that requires it
			problems.Add("result."+p.Path, p.Message)
		}
	}
	for i := range t.losses {
		t.losses[i].Field = "result." + t.losses[i].Field
	}
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	metadata := make([]wireDatum, 0, len(t.wire.Metadata)+2)
	if a.Result.StatusText != "" {
		metadata = append(metadata, *t.wire.Status)
	}
	if t.wire.ProfileURL != nil {
		metadata = append(metadata, *t.wire.ProfileURL)
	}
	return &wireCompleted{
		CandidateID: a.CandidateID,
		PartnerID:   partner,
		Assessment: wireCompletedAssessment{
			TypeID:   a.Package.ID,
			ID:       a.AssessmentID,
			Name:     a.Package.Name,
			Result:   t.wire.Result,
			Metadata: append(metadata, t.wire.Metadata...),
		},
		Timestamp: milliseconds(at),
	}, t.losses, nil
}
