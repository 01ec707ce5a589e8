package kombo

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// PassthroughRequest is a call of the ATS's own API; see [Client.Passthrough].
type PassthroughRequest struct {
	// Tool and API name the API, such as "greenhouse" and "harvest"
	// (https://docs.kombo.dev/ats/v1/post-passthrough-tool-api).
	Tool, API string
	// Method is GET, POST, PUT, PATCH or DELETE.
	Method string
	// Path is that of the ATS's API, with its leading slash.
	Path string
	// Headers and Params, the query, are optional.
	Headers, Params map[string]string
	// Data is the body: a JSON object, array or string; nil sends none.
	Data json.RawMessage
	// Base64 asks for an answer that is not text, as base64.
	Base64 bool
	// Options are api_options, a JSON object that depends on the API; nil sends none.
	Options json.RawMessage
}

// String names the API without path, parameters and body: they may be about a
// candidate or hold a token.
func (r PassthroughRequest) String() string {
	return fmt.Sprintf("kombo passthrough request (%s to %q, %q)", r.Method, r.Tool, r.API)
}

// Format implements [fmt.Formatter]: every verb prints [PassthroughRequest.String].
func (r PassthroughRequest) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, r.String()) }

// LogValue implements [slog.LogValuer] with the text of [PassthroughRequest.String].
func (r PassthroughRequest) LogValue() slog.Value { return slog.StringValue(r.String()) }

// PassthroughAnswer is what the ATS answered.
type PassthroughAnswer struct {
	URL     string // that was called
	Status  int    // of the ATS; an error of the ATS is no error of the call
	Headers http.Header
	Data    json.RawMessage // the body as Kombo read it; nil if there was none
	// Warnings are Kombo's.
	Warnings []string
}

// String names the status only: the rest may hold a candidate's data or a token.
func (a PassthroughAnswer) String() string {
	return fmt.Sprintf("kombo passthrough answer (status %d)", a.Status)
}

// Format implements [fmt.Formatter]: every verb prints [PassthroughAnswer.String].
func (a PassthroughAnswer) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, a.String()) }

// LogValue implements [slog.LogValuer] with the text of [PassthroughAnswer.String].
func (a PassthroughAnswer) LogValue() slog.Value { return slog.StringValue(a.String()) }

type wirePassthrough struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Params  map[string]string `json:"params,omitempty"`
	Data    json.RawMessage   `json:"data,omitempty"`
	Base64  bool              `json:"response_as_base64,omitempty"`
	Options json.RawMessage   `json:"api_options,omitempty"`
}

type wirePassed struct {
	Data *struct {
		URL     string                     `json:"url"`
		Status  int                        `json:"status"`
		Headers map[string]json.RawMessage `json:"headers"`
		Data    json.RawMessage            `json:"data"`
	} `json:"data"`
	Warnings json.RawMessage `json:"warnings"`
}

// Check implements [transport.Checker].
func (w *wirePassed) Check() error {
	if w.Data == nil {
		return errNoData
	}
	return nil
}

// Passthrough calls the ATS's own API with the customer's credentials
// (https://docs.kombo.dev/ats/v1/post-passthrough-tool-api). Kombo enables it for
// each customer on request. An error of the ATS is in [PassthroughAnswer.Status];
// errors are Kombo's. A GET is repeated after failures that may pass, anything
// else only if it was certainly not carried out.
func (c *Client) Passthrough(ctx context.Context, integration string, r PassthroughRequest) (PassthroughAnswer, error) {
	if err := r.check(integration); err != nil {
		return PassthroughAnswer{}, err
	}
	body, err := outbound.Body(wirePassthrough{
		Method: r.Method, Path: r.Path, Headers: r.Headers, Params: r.Params, Data: r.Data, Base64: r.Base64, Options: r.Options,
	})
	if err != nil {
		return PassthroughAnswer{}, fmt.Errorf("kombo: encode request: %w", err)
	}
	call := transport.Call{
		Operation: "POST /passthrough/{tool}/{api}",
		Method:    http.MethodPost,
		Path:      []string{"passthrough", r.Tool, r.API},
		Account:   integration,
		Body:      body,
	}
	if r.Method == http.MethodGet {
		call.Repeat = transport.Read
	}
	got, _, err := transport.JSON[wirePassed](ctx, c.transport, call)
	if err != nil {
		return PassthroughAnswer{}, err
	}
	return PassthroughAnswer{
		URL: got.Data.URL, Status: got.Data.Status, Headers: headers(got.Data.Headers), Data: got.Data.Data,
		Warnings: warningTexts(got.Warnings),
	}, nil
}

func (r *PassthroughRequest) check(integration string) error {
	var problems outbound.Problems
	checkIntegration(&problems.ValidationError, integration)
	problems.Name("tool", r.Tool)
	problems.Name("api", r.API)
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		problems.Add("method", "must be GET, POST, PUT, PATCH or DELETE")
	}
	if !strings.HasPrefix(r.Path, "/") {
		problems.Add("path", "must begin with a slash")
	}
	if r.Data != nil && !json.Valid(r.Data) {
		problems.Add("data", "must be JSON")
	}
	problems.Object("options", r.Options)
	return problems.Err()
}

// headers are text or lists of text.
func headers(wire map[string]json.RawMessage) http.Header {
	all := make(http.Header, len(wire))
	for name, raw := range wire {
		var one string
		var many []string
		if json.Unmarshal(raw, &one) == nil {
			many = []string{one}
		} else {
			_ = json.Unmarshal(raw, &many) // of another form there is nothing to keep
		}
		for _, value := range many {
			all.Add(name, value)
		}
	}
	return all
}
