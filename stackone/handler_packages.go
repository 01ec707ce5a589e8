package stackone

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
	"github.com/assessbridge/assessbridge/webhook"
)

// PackagesConfig configures [NewPackagesHandler]. At least one of Verifier,
// BasicKeys and Authorize is required; all that are set must accept a request.
type PackagesConfig struct {
	// Intake asks the provider; required.
	Intake *assessment.Intake
	// Client, if set, is the one of the same StackOne project; it gives Connection.
	Client *Client
	// Connection becomes [assessment.PackageQuery.Connection]. Leave it empty if
	// there is a Client, or unless there are several StackOne projects.
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
	// is a 401. The body has been read and is given as it came. It runs on
	// [assessment.Intake.HostContext].
	Authorize func(ctx context.Context, r *http.Request, body []byte) error

	// MaxBody is the largest body accepted, in bytes; [webhook.DefaultMaxBody] if
	// zero.
	MaxBody int64
	// Budget bounds the memory of bodies of callers who are not known yet;
	// [webhook.SharedBudget] if nil.
	Budget *webhook.Budget
	// Logger gets a line per request, see package [inbound]; nil is silent.
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
// the account is empty then. It answers 405, 415, 413, 401 and 400 to what is no
// such request, and 503 or 500 if the provider fails, upon which the recruiter sees
// an error of the ATS. Packages that cannot be listed are left out; see
// [inbound.Handler.Listed].
type PackagesHandler struct {
	c       PackagesConfig
	caller  callerCheck
	inbound *inbound.Handler
}

// NewPackagesHandler returns a handler. It refuses a missing Intake, a missing
// check of the caller, a key that [webhook.CheckKey] refuses, a Client of another
// connection, an unknown Kind and a negative MaxBody.
func NewPackagesHandler(c PackagesConfig) (*PackagesHandler, error) {
	h, err := newPackagesHandler(c)
	if err != nil {
		return nil, fmt.Errorf("stackone: packages handler: %w", err)
	}
	return h, nil
}

func newPackagesHandler(c PackagesConfig) (*PackagesHandler, error) {
	c.Kind = cmp.Or(c.Kind, assessment.KindAssessment)
	switch {
	case c.Intake == nil:
		return nil, errors.New("needs an Intake")
	case resultPaths[c.Kind] == "":
		return nil, errors.New("unknown kind")
	}
	if c.Client != nil {
		var err error
		if c.Connection, err = inbound.Connection(c.Connection, c.Client); err != nil {
			return nil, err
		}
	}
	caller, err := newCallerCheck(&c)
	if err != nil {
		return nil, err
	}
	c.BasicKeys = nil // their hashes are enough
	shared, err := inbound.New(inbound.Config{
		Vendor: assessment.StackOne, Connection: c.Connection, MaxBody: c.MaxBody, Budget: c.Budget,
		Logger: c.Logger, Observer: c.Observer,
	})
	if err != nil {
		return nil, err
	}
	return &PackagesHandler{c: c, caller: caller, inbound: shared}, nil
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
			return inbound.Unauthorized(err)
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
		packages = h.inbound.Listed(r.Context(), query.Account, packages)
		return inbound.JSON(http.StatusOK, h.answer(packages), assessment.DeliveryHandled)
	})
}

// receive returns the body of an accepted caller. What can be refused by the
// headers alone is refused before the body is read.
func (h *PackagesHandler) receive(w http.ResponseWriter, r *http.Request, d *assessment.Delivery) ([]byte, error) {
	if err := h.inbound.Open(w, r, http.MethodPost, http.MethodGet); err != nil {
		return nil, err
	}
	if err := h.caller.checkHeader(r); err != nil {
		inbound.CloseUnread(w, r)
		return nil, err
	}
	unproved, err := h.inbound.ReadUnproved(w, r)
	if err != nil {
		return nil, err
	}
	defer unproved.Release()
	if h.caller.verifier != nil {
		if d.SecretID, err = unproved.Verify(h.caller.verifier, r.Header); err != nil {
			return nil, err
		}
	}
	body := unproved.Bytes()
	if h.c.Authorize == nil {
		return body, nil
	}
	ctx, cancel := h.c.Intake.HostContext(r.Context())
	defer cancel()
	if err := h.c.Authorize(ctx, r, body); err != nil {
		return nil, errors.Join(errCaller, err)
	}
	return body, nil
}

// jsonSpace is the white space of JSON (RFC 8259); Unicode has more.
const jsonSpace = " \t\r\n"

var errMalformedRequest = errors.New("stackone: packages request is not a JSON object")

// query reads a request. Only verified bytes count: a query string or a header
// is not signed. A value of another type is left out and reported.
func (h *PackagesHandler) query(ctx context.Context, body []byte) (assessment.PackageQuery, error) {
	var wire wirePackagesRequest
	if len(bytes.Trim(body, jsonSpace)) > 0 {
		var request *wirePackagesRequest
		odd, err := lenient.Unmarshal(body, &request)
		if err != nil || request == nil || len(odd) > 0 && odd[0].Path == "" {
			return assessment.PackageQuery{}, errMalformedRequest
		}
		wire = *request
		for _, o := range odd {
			h.inbound.Drift(ctx, []assessment.Drift{{
				Vendor: assessment.StackOne, Account: string(wire.Account), Event: packagesEvent, Field: o.Path,
			}})
		}
	}
	return assessment.PackageQuery{
		Vendor: assessment.StackOne, Connection: h.c.Connection, Kind: h.c.Kind,
		Account: string(wire.Account), ATS: string(wire.Provider), JobID: string(wire.JobID),
	}, nil
}

type wirePackagesRequest struct {
	Account  lenient.Text   `json:"account_id"`
	Provider lenient.Scalar `json:"provider"`
	JobID    lenient.Text   `json:"job_id"`
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

// answer is never null: an invalid shape shows an error to the recruiter.
func (h *PackagesHandler) answer(packages []assessment.Package) packagesAnswer {
	answer := packagesAnswer{Data: make([]packageAnswer, 0, len(packages))}
	for _, p := range packages {
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
