package stackone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/transport"
	"github.com/assessbridge/assessbridge/webhook"
)

// PackagesConfig configures [NewPackagesHandler]. At least one of Verifier,
// BasicKeys and Authorize is required; all that are set must accept a request.
type PackagesConfig struct {
	// Intake asks the provider; required.
	Intake *assessment.Intake
	// Connection becomes [assessment.PackageQuery.Connection]. Leave it empty
	// unless there are several StackOne projects.
	Connection string
	// Kind is what the URL was configured for: StackOne asks for assessments and
	// for background checks at a URL each, and does not say which in the request.
	// [assessment.KindAssessment] if empty.
	Kind assessment.Kind

	// Verifier checks the signature. StackOne's guides name the header of the
	// webhooks; that the secret is the webhooks' too is a guess. See [NewVerifier].
	Verifier *webhook.Verifier
	// BasicKeys are the keys accepted as Basic credentials, with or without the
	// colon that ends a user name. Which key StackOne sends is not documented.
	BasicKeys []string
	// Authorize is the host's own check, such as of a secret in the URL. Any error
	// is a 401. The body has been read and is given as it came.
	Authorize func(ctx context.Context, r *http.Request, body []byte) error

	// MaxBody is the largest body accepted, in bytes; 8 MiB if zero.
	MaxBody int64
	// Logger is told why a request was refused or failed; nil is silent.
	Logger *slog.Logger
	// Observer is told of every request, as event "packages".
	Observer assessment.Observer
}

// String names the configuration without the keys.
func (c PackagesConfig) String() string {
	return fmt.Sprintf("stackone packages config (connection %q, kind %q)", c.Connection, c.Kind)
}

// Format implements [fmt.Formatter]: every verb prints [PackagesConfig.String].
func (c PackagesConfig) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] without the keys.
func (c PackagesConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// PackagesHandler is the "Package's List Endpoint URL" of StackOne's dashboard:
// StackOne posts to it when a recruiter opens the dialog in the ATS
// (https://hub.stackone.com/integration-guides/ats). Which ATSs do is in
// [Limits.PackagesEndpoint].
//
// It asks the provider for all packages of the account, kind, ATS and job that
// the request names and answers them at once. GET, without a body, is tolerated;
// the account is empty then. It answers 405, 413, 401 and 400 to what is no such
// request, and 503 or 500 if the provider fails, upon which the recruiter sees
// an error of the ATS.
type PackagesHandler struct {
	c       PackagesConfig
	caller  callerCheck
	inbound inbound.Handler
}

// NewPackagesHandler returns a handler. It refuses a missing Intake, a missing
// check of the caller, an empty key, an unknown Kind and a negative MaxBody.
func NewPackagesHandler(c PackagesConfig) (*PackagesHandler, error) {
	if c.Kind == "" {
		c.Kind = assessment.KindAssessment
	}
	switch {
	case c.Intake == nil:
		return nil, errors.New("stackone: packages handler needs an Intake")
	case resultPaths[c.Kind] == "":
		return nil, errors.New("stackone: packages handler of an unknown kind")
	case c.MaxBody < 0:
		return nil, errors.New("stackone: negative MaxBody")
	}
	caller, err := newCallerCheck(&c)
	if err != nil {
		return nil, err
	}
	c.BasicKeys = nil // their hashes are enough
	return &PackagesHandler{c: c, caller: caller, inbound: inbound.Handler{
		Vendor: assessment.StackOne, Connection: c.Connection, Logger: c.Logger, Observer: c.Observer,
	}}, nil
}

// packagesEvent is what requests are reported as.
const packagesEvent = "packages"

// ServeHTTP implements [http.Handler].
func (h *PackagesHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
		d.Event = packagesEvent
		body, err := h.receive(w, r, d)
		switch {
		case errors.Is(err, errCaller):
			return inbound.Reply{
				Status: http.StatusUnauthorized, Text: "not authorized", Outcome: assessment.DeliveryRefused, Err: err,
			}
		case err != nil:
			return inbound.Unreceived(err)
		}
		query, err := h.query(r.Context(), body)
		if err != nil {
			return inbound.Refuse("not a packages request", err)
		}
		d.Account = query.Account
		packages, err := h.c.Intake.Packages(r.Context(), query)
		if err != nil {
			return inbound.Fault(err)
		}
		return inbound.JSON(http.StatusOK, h.answer(r.Context(), packages), assessment.DeliveryHandled)
	})
}

func (h *PackagesHandler) receive(w http.ResponseWriter, r *http.Request, d *assessment.Delivery) ([]byte, error) {
	if err := webhook.CheckMethod(w, r, http.MethodPost, http.MethodGet); err != nil {
		return nil, err
	}
	body, err := webhook.Read(w, r, h.c.MaxBody)
	if err != nil {
		return nil, err
	}
	d.SecretID, err = h.caller.check(r, body)
	return body, err
}

// jsonSpace is the white space of JSON (RFC 8259); Unicode has more.
const jsonSpace = " \t\r\n"

var errMalformedRequest = errors.New("stackone: packages request is not a JSON object")

// query reads a request. Only verified bytes count: a query string or a header
// is not signed. A value of another type is left out and reported.
func (h *PackagesHandler) query(ctx context.Context, body []byte) (assessment.PackageQuery, error) {
	var wire struct {
		Account  idText `json:"account_id"`
		Provider text   `json:"provider"`
		JobID    idText `json:"job_id"`
	}
	trimmed := bytes.Trim(body, jsonSpace)
	if len(trimmed) > 0 && (trimmed[0] != '{' || json.Unmarshal(trimmed, &wire) != nil) {
		return assessment.PackageQuery{}, errMalformedRequest
	}
	if wire.Account == "" || wire.JobID == "" {
		for _, field := range oddIDs(trimmed) {
			h.inbound.Drift(ctx, []assessment.Drift{{
				Vendor: assessment.StackOne, Account: string(wire.Account), Event: packagesEvent, Field: field,
			}})
		}
	}
	return assessment.PackageQuery{
		Vendor: assessment.StackOne, Connection: h.c.Connection, Kind: h.c.Kind,
		Account: string(wire.Account), ATS: string(wire.Provider), JobID: string(wire.JobID),
	}, nil
}

type packagesAnswer struct {
	Data []packageAnswer `json:"data"`
}

type packageAnswer struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Tests       *[]testAnswer `json:"tests,omitempty"`
}

type testAnswer struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
}

// answer is never null: an invalid shape shows an error to the recruiter. A
// package without id or name would be one, so it is left out.
func (h *PackagesHandler) answer(ctx context.Context, packages []assessment.Package) packagesAnswer {
	answer := packagesAnswer{Data: make([]packageAnswer, 0, len(packages))}
	for i, p := range packages {
		if p.ID == "" || p.Name == "" {
			if h.c.Logger != nil {
				h.c.Logger.WarnContext(ctx, "package without id or name not listed", "vendor", string(assessment.StackOne), "index", i)
			}
			continue
		}
		item := packageAnswer{ID: p.ID, Name: p.Name, Description: p.Description}
		if h.c.Kind == assessment.KindBackgroundCheck {
			tests := make([]testAnswer, len(p.Tests))
			for j, t := range p.Tests {
				tests[j] = testAnswer{ID: t.ID, Name: t.Name, Description: t.Description}
			}
			item.Tests = &tests
		}
		answer.Data = append(answer.Data, item)
	}
	return answer
}
