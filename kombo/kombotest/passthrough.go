package kombotest

import (
	"context"
	"encoding/json"
	"net/http"
)

// PassthroughCall is a call that Kombo forwards to the ATS.
type PassthroughCall struct {
	Integration string
	Tool        string
	API         string
	Method      string
	Path        string
	Headers     map[string]string
	Params      map[string]string
	Data        json.RawMessage // nil: none
}

// PassthroughAnswer is what the ATS answers. An error of the ATS is a Status in an
// answer that is itself a success of Kombo.
type PassthroughAnswer struct {
	URL     string         // empty: made up from tool and path
	Status  int            // zero: 200
	Headers map[string]any // values are strings or lists of strings
	Data    any            // nil: absent
}

// HandlePassthrough sets the ATS behind passthrough calls. Without one, every
// call is answered 200 without data. Whether an integration may be called this
// way is set up by Kombo on request; here every one may.
func (s *Server) HandlePassthrough(ats func(PassthroughCall) PassthroughAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passthrough = ats
}

func (s *Server) callPassthrough(_ context.Context, c *call) (answer, *refusal) {
	check := &checker{}
	forwarded := PassthroughCall{Integration: c.integration, Tool: c.params["tool"], API: c.params["api"]}
	if body := c.bodyObject(check); body != nil {
		readPassthrough(body, &forwarded)
		body.done()
	}
	c.noteUnknown(check)
	if spec, found := s.IntegrationState(c.integration); found && spec.Tool != forwarded.Tool {
		check.fail("tool", "is not that of the integration")
	}
	if problem := check.refusal(); problem != nil {
		return answer{}, problem
	}
	s.mu.Lock()
	ats := s.passthrough
	s.mu.Unlock()
	var upstream PassthroughAnswer
	if ats != nil {
		upstream = ats(forwarded)
	}
	return answer{data: upstream.wire(forwarded), write: true}, nil
}

func readPassthrough(o *object, forwarded *PassthroughCall) {
	forwarded.Method = o.enum("method", required, "GET", "POST", "PUT", "PATCH", "DELETE")
	forwarded.Path = o.text("path", required)
	forwarded.Headers = readStrings(o.child("headers", optional))
	forwarded.Params = readStrings(o.child("params", optional))
	if data, ok := o.get("data", optional); ok {
		forwarded.Data = encode(data)
	}
	o.flag("response_as_base64", optional)
	o.list("multipart_form_data", optional)
	o.child("api_options", optional)
}

func readStrings(o *object) map[string]string {
	if o == nil {
		return nil
	}
	values := map[string]string{}
	for name := range o.members {
		values[name] = o.text(name, required)
	}
	return values
}

func (a PassthroughAnswer) wire(c PassthroughCall) map[string]any {
	headers := a.Headers
	if headers == nil {
		headers = map[string]any{"content-type": "application/json"}
	}
	w := map[string]any{
		"url":     orDefault(a.URL, "https://"+c.Tool+".example"+c.Path),
		"status":  orDefault(a.Status, http.StatusOK),
		"headers": headers,
	}
	if a.Data != nil {
		w["data"] = a.Data
	}
	return w
}
