package stackone

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

const (
	assessmentPackages      = "assessments/packages"
	backgroundCheckPackages = "background_checks/packages"
)

// AssessmentPackages lists the assessment packages that StackOne knows for an
// account, mostly from the ATS
// (https://docs.stackone.com/ats/api-reference/assessments/packages/list-assessments-packages).
// Pages are fetched while the range goes on; an error ends it. There is no way
// to write them: recruiters see what a [PackagesHandler] answers.
func (c *Client) AssessmentPackages(ctx context.Context, account string, o ListOptions) iter.Seq2[assessment.Package, error] {
	return list(ctx, c, account, &assessmentPackageModel, o, nil, (*wirePackage).domain)
}

// AssessmentPackage returns one assessment package.
func (c *Client) AssessmentPackage(ctx context.Context, account, id string) (assessment.Package, error) {
	got, err := read[wirePackage](ctx, c, account, &assessmentPackageModel, id, ReadOptions{})
	return got.domain(), err
}

// BackgroundCheckPackages lists the background-check packages of an account,
// with their tests. Pages are fetched while the range goes on; an error ends it.
func (c *Client) BackgroundCheckPackages(ctx context.Context, account string, o ListOptions) iter.Seq2[assessment.Package, error] {
	return list(ctx, c, account, &backgroundPackageModel, o, nil, (*wirePackage).domain)
}

// BackgroundCheckPackage returns one background-check package.
func (c *Client) BackgroundCheckPackage(ctx context.Context, account, id string) (assessment.Package, error) {
	got, err := read[wirePackage](ctx, c, account, &backgroundPackageModel, id, ReadOptions{})
	return got.domain(), err
}

// RecordID is what StackOne calls something that was made: its own id and the
// ATS's. Either may be empty.
type RecordID struct{ ID, RemoteID string }

type wireRecordID struct {
	ID       lenient.Text `json:"id"`
	RemoteID lenient.Text `json:"remote_id"`
}

// wirePackageWrite is the body of a create and of an update; what is nil is left
// alone. A create carries no ids.
type wirePackageWrite struct {
	Name        *string          `json:"name,omitempty"`
	Description *string          `json:"description,omitempty"`
	Tests       *[]wireTestWrite `json:"tests,omitempty"`
	Passthrough json.RawMessage  `json:"passthrough,omitempty"`
}

type wireTestWrite struct {
	ID          string  `json:"id,omitempty"`
	Name        string  `json:"name"`
	Description *string `json:"description,omitempty"`
}

// writeTests leaves an empty description out, unless the test is there already
// and may have one to be cleared.
func writeTests(tests []assessment.Test, withIDs bool) *[]wireTestWrite {
	all := make([]wireTestWrite, len(tests))
	for i, t := range tests {
		all[i].Name = t.Name
		if withIDs {
			all[i].ID = t.ID
		}
		if t.Description != "" || all[i].ID != "" {
			all[i].Description = &t.Description
		}
	}
	return &all
}

// CreateBackgroundCheckPackage makes a package of the given Name, Description
// and Tests (their names and descriptions); StackOne takes no ids of the
// provider's. Passthrough is for the ATS and may be nil.
//
// It is never repeated after an answer that leaves open whether the package was
// made, because a second one would be a duplicate: the error is Uncertain then.
// [Client.SyncBackgroundCheckPackages] looks first and can be repeated.
func (c *Client) CreateBackgroundCheckPackage(ctx context.Context, account string, p assessment.Package, passthrough json.RawMessage) (RecordID, error) {
	var problems outbound.Problems
	checkPackage(&problems, "", p)
	problems.Object("passthrough", passthrough)
	if err := problems.Err(); err != nil {
		return RecordID{}, err
	}
	call, err := c.unified(http.MethodPost, backgroundCheckPackages, account, splitPath(backgroundCheckPackages)...)
	if err != nil {
		return RecordID{}, err
	}
	wire := wirePackageWrite{Name: &p.Name, Passthrough: passthrough}
	if p.Description != "" {
		wire.Description = &p.Description
	}
	if len(p.Tests) > 0 {
		wire.Tests = writeTests(p.Tests, false)
	}
	if err := setBody(&call, wire); err != nil {
		return RecordID{}, err
	}
	got, _, err := transport.JSON[one[wireRecordID]](ctx, c.transport, call)
	if err != nil {
		return RecordID{}, err
	}
	return RecordID{ID: string(got.Data.ID), RemoteID: string(got.Data.RemoteID)}, nil
}

// PackageUpdate changes a background-check package; what is nil stays as it is.
type PackageUpdate struct {
	Name, Description *string
	// Tests replaces the list of tests; a test that is there already is named by
	// its ID, and an empty Description then clears the one that it has.
	Tests *[]assessment.Test
	// Passthrough is for the ATS, a JSON object.
	Passthrough json.RawMessage
}

// UpdateBackgroundCheckPackage changes a package. It may be repeated.
func (c *Client) UpdateBackgroundCheckPackage(ctx context.Context, account, id string, u PackageUpdate) error {
	var problems outbound.Problems
	if u.Name != nil {
		problems.Name("name", *u.Name)
	}
	if u.Description != nil {
		problems.Text("description", *u.Description)
	}
	if u.Tests != nil {
		checkTests(&problems, "", *u.Tests)
	}
	problems.Object("passthrough", u.Passthrough)
	if err := problems.Err(); err != nil {
		return err
	}
	wire := wirePackageWrite{Name: u.Name, Description: u.Description, Passthrough: u.Passthrough}
	if u.Tests != nil {
		wire.Tests = writeTests(*u.Tests, true)
	}
	call, err := c.packageCall(http.MethodPatch, account, id)
	if err != nil {
		return err
	}
	if err := setBody(&call, wire); err != nil {
		return err
	}
	_, err = c.write(ctx, call)
	return err
}

// DeleteBackgroundCheckPackage deletes a package.
func (c *Client) DeleteBackgroundCheckPackage(ctx context.Context, account, id string) error {
	call, err := c.packageCall(http.MethodDelete, account, id)
	if err != nil {
		return err
	}
	if _, err := c.write(ctx, call); !goneBefore(err) {
		return err
	}
	return nil
}

// packageCall is a write to one package that ends in the same state when it is
// made twice.
func (c *Client) packageCall(method, account, id string) (transport.Call, error) {
	call, err := c.unified(method, backgroundCheckPackages+"/{id}", account, append(splitPath(backgroundCheckPackages), id)...)
	call.Repeat, call.Class = transport.Same, transport.Bulk
	return call, err
}

func checkPackage(problems *outbound.Problems, path string, p assessment.Package) {
	problems.Name(path+"name", p.Name)
	problems.Text(path+"description", p.Description)
	checkTests(problems, path, p.Tests)
}

func checkTests(problems *outbound.Problems, path string, tests []assessment.Test) {
	for i, t := range tests {
		at := path + outbound.Index("tests", i)
		problems.Text(at+".id", t.ID)
		problems.Name(at+".name", t.Name)
		problems.Text(at+".description", t.Description)
	}
}
