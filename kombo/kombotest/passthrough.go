package kombotest

import (
	"encoding/json"
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
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
	s.ats.Set(ats)
}

func (s *Server) callPassthrough(c *simkit.Call) (answer, *refusal) {
	forwarded := PassthroughCall{Integration: c.Account, Tool: c.Params["tool"], API: c.Params["api"]}
	if problem := checked(c, func(body *simkit.Object) {
		readPassthrough(body, &forwarded)
		if spec, found := s.IntegrationState(c.Account); found && spec.Tool != forwarded.Tool {
			body.Fail("tool", "is not that of the integration")
		}
	}); problem != nil {
		return answer{}, problem
	}
	var upstream PassthroughAnswer
	if ats := s.ats.Value(); ats != nil {
		upstream = ats(forwarded)
	}
	return answer{data: upstream.wire(forwarded), write: true}, nil
}

func readPassthrough(o *simkit.Object, forwarded *PassthroughCall) {
	forwarded.Method = o.Enum("method", simkit.Required, "GET", "POST", "PUT", "PATCH", "DELETE")
	forwarded.Path = o.Text("path", simkit.Required)
	forwarded.Headers = readStrings(o.Child("headers", simkit.Optional))
	forwarded.Params = readStrings(o.Child("params", simkit.Optional))
	if data, ok := o.Get("data", simkit.Optional); ok {
		forwarded.Data = simkit.Encode(data)
	}
	o.Flag("response_as_base64", simkit.Optional)
	o.List("multipart_form_data", simkit.Optional)
	o.Child("api_options", simkit.Optional)
}

func readStrings(o *simkit.Object) map[string]string {
	if o == nil {
		return nil
	}
	values := map[string]string{}
	for name := range o.Members {
		values[name] = o.Text(name, simkit.Required)
	}
	return values
}

func (a PassthroughAnswer) wire(c PassthroughCall) map[string]any {
	headers := a.Headers
	if headers == nil {
		headers = map[string]any{"content-type": "application/json"}
	}
	w := map[string]any{
		"url":     simkit.OrDefault(a.URL, "https://"+c.Tool+".example"+c.Path),
		"status":  simkit.OrDefault(a.Status, http.StatusOK),
		"headers": headers,
	}
	if a.Data != nil {
		w["data"] = a.Data
	}
	return w
}
