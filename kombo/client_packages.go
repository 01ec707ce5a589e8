package kombo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Packages returns the packages last submitted for an integration. Kombo means
// it for debugging (https://docs.kombo.dev/assessment/v1/get-packages).
func (c *Client) Packages(ctx context.Context, integration string) ([]assessment.Package, error) {
	var problems assessment.ValidationError
	checkIntegration(&problems, integration)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	call := packagesCall(http.MethodGet, integration)
	got, err := read[struct {
		Packages []wireListedPackage `json:"packages"`
	}](ctx, c, call)
	if err != nil {
		return nil, err
	}
	packages := make([]assessment.Package, len(got.Packages))
	for i, p := range got.Packages {
		packages[i] = assessment.Package{
			ID: p.ID, Name: p.Name, Description: p.Description, Type: domainType(p.Type), UpdatedAt: p.UpdatedAt,
		}
	}
	return packages, nil
}

// SetPackages replaces the packages of an integration by the given ones: those
// submitted before and left out are deleted, so the whole catalogue goes into
// one call (https://docs.kombo.dev/assessment/v1/put-packages). Submit it for
// every customer after [EventIntegrationCreated] and whenever it changes.
//
// An empty list is refused with a [*assessment.ValidationError], because it
// would delete everything; [Client.DeletePackages] does that. So are a missing
// id or name, an id that occurs twice, and a type other than the five that
// Kombo has.
//
// Workday's Assessment module and SuccessFactors do not show them: there the
// customer enters the packages by hand, see [Capabilities].
func (c *Client) SetPackages(ctx context.Context, integration string, packages []assessment.Package) (assessment.Receipt, error) {
	var problems outbound.Problems
	if len(packages) == 0 {
		problems.Add("packages", "empty: this would delete all packages of the integration")
	}
	return c.putPackages(ctx, integration, packages, problems)
}

// DeletePackages deletes all packages of an integration.
func (c *Client) DeletePackages(ctx context.Context, integration string) (assessment.Receipt, error) {
	return c.putPackages(ctx, integration, nil, outbound.Problems{})
}

func (c *Client) putPackages(ctx context.Context, integration string, packages []assessment.Package, problems outbound.Problems) (assessment.Receipt, error) {
	checkIntegration(&problems.ValidationError, integration)
	wire := wirePackages(&problems, packages)
	if err := problems.Err(); err != nil {
		return assessment.Receipt{}, err
	}
	call := packagesCall(http.MethodPut, integration)
	call.Repeat = transport.Same // the second replaces the list by itself
	var err error
	call.Body, err = json.Marshal(struct {
		Packages []wirePackage `json:"packages"`
	}{wire})
	if err != nil {
		return assessment.Receipt{}, fmt.Errorf("kombo: encode packages: %w", err)
	}
	return c.write(ctx, call)
}

func packagesCall(method, integration string) transport.Call {
	return transport.Call{
		Operation: method + " /assessment/packages",
		Method:    method,
		Path:      []string{"assessment", "packages"},
		Account:   integration,
		Class:     transport.Bulk,
	}
}

func wirePackages(problems *outbound.Problems, packages []assessment.Package) []wirePackage {
	first := make(map[string]int, len(packages))
	wire := make([]wirePackage, len(packages))
	for i, p := range packages {
		path := outbound.Index("packages", i)
		problems.ID(path+".id", p.ID)
		if j, taken := first[p.ID]; taken && p.ID != "" {
			problems.Add(path+".id", fmt.Sprintf("the same as that of packages[%d]", j))
		} else {
			first[p.ID] = i
		}
		problems.Name(path+".name", p.Name)
		problems.Text(path+".description", p.Description)
		if !p.Type.Known() {
			problems.Add(path+".type", "required: one of skills_test, behavioral, video_interview, background_check, reference_check")
		}
		wire[i] = wirePackage{ID: p.ID, Type: wireType(p.Type), Name: p.Name, Description: p.Description}
	}
	return wire
}

// Kombo's words for the package types are the module's in capitals.

func wireType(t assessment.PackageType) string { return strings.ToUpper(string(t)) }

func domainType(t string) assessment.PackageType {
	if d := assessment.PackageType(strings.ToLower(t)); d.Known() {
		return d
	}
	return assessment.PackageType(t)
}

// errFailed is the cause of an error for a success whose envelope says the opposite
// in other words than Kombo's.
var errFailed = errors.New("a success that tells of a failure")

// wireWritten is the answer to a write.
type wireWritten struct {
	Status   json.RawMessage `json:"status"`
	Data     present         `json:"data"`
	Warnings json.RawMessage `json:"warnings"`
}

// present says that a member is there, whatever it is.
type present bool

// UnmarshalJSON never fails.
func (p *present) UnmarshalJSON([]byte) error {
	*p = true
	return nil
}

// Check implements [transport.Checker].
func (w *wireWritten) Check() error {
	switch {
	case len(w.Status) == 0 && len(w.Warnings) == 0 && !bool(w.Data):
		return errNoData
	case transport.Failed(strings.Trim(string(w.Status), `"`)):
		return errFailed
	}
	return nil
}

// write makes a call whose answer holds nothing but warnings. An empty body is
// a success by its status; one that is not JSON is not Kombo's, so whether the
// write got there is uncertain.
func (c *Client) write(ctx context.Context, call transport.Call) (assessment.Receipt, error) {
	call.Empty = true
	got, answer, err := transport.JSON[wireWritten](ctx, c.transport, call)
	receipt := assessment.Receipt{
		Warnings:  warningTexts(got.Warnings),
		RequestID: answer.RequestID,
		Attempts:  answer.Attempts,
	}
	var failure *assessment.APIError
	if errors.As(err, &failure) {
		receipt.Attempts = failure.Attempts // also if there was no answer
	}
	if err == nil {
		receipt.Outcome = assessment.ResultWritten
	}
	return receipt, err
}

// warningTexts reads the warnings of a write, which are text to be logged. An
// answer of another shape does not make a write that succeeded a failure.
func warningTexts(raw json.RawMessage) []string {
	if len(raw) <= len(`[]`) {
		return nil
	}
	var warnings []struct {
		Message string `json:"message"`
	}
	_, _ = lenient.Unmarshal(raw, &warnings)
	var texts []string
	for _, w := range warnings {
		if w.Message != "" {
			texts = append(texts, w.Message)
		}
	}
	return texts
}
