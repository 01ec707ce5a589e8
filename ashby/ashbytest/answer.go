package ashbytest

import (
	"fmt"
	"mime"
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Answer is the provider's answer to one call, checked against what Ashby documents.
type Answer struct {
	Delivery     int // [Exchange.Delivery] of the call; 0: none was made
	Exchange     int // [Exchange.ID] of the call; 0: none was made
	Op           string
	Organization string
	Outcome      Outcome
	Status       int // 0: no answer
	Header       http.Header
	Body         []byte
	Err          error // why there was no answer, or why nothing was sent
	// Violations are everything that the answer does other than Ashby documents, each
	// with the path of the member. A correct provider has none.
	Violations []string

	// AssessmentID is that of a successful start or cancel.
	AssessmentID string
	// Update is what came with a successful start; nil: nothing, or it was invalid.
	Update *Update
	// Types are the assessments of a successful list.
	Types []AssessmentType
	// Fields are the custom fields of a successful sync.
	Fields []CustomField
	// Code is the one of an error envelope.
	Code string
	// Message is what the recruiter reads after a refusal, if there is a text.
	Message string
}

// AssessmentType is an entry of the list from which a customer picks:
// https://developers.ashbyhq.com/reference/assessmentlist
type AssessmentType struct {
	ID          string
	Name        string
	Description string
}

// CustomField is a field that the provider adds to the start of an assessment:
// https://developers.ashbyhq.com/reference/assessmentpartnercustomfieldlist
type CustomField struct {
	ID       string
	Name     string
	Type     string
	Required bool
	Options  []FieldOption
}

// FieldOption is a choice of a select: the key is sent, the value is shown.
type FieldOption struct{ Key, Value string }

// examine reads the answer and finds what is wrong with it.
func (s *Server) examine(q question, p *simkit.Plan, a *Answer) {
	check := &simkit.Checker{}
	switch {
	case a.Err != nil:
		a.Outcome = Failed
	case p.WrongKey:
		examineRefusedKey(check, a)
	case a.Status == http.StatusOK:
		a.Outcome = s.examineOK(check, q, a)
	case q.op == OpStart && a.Status == http.StatusConflict:
		examineConflict(check, a)
	case q.op == OpStart && a.Status == http.StatusUnprocessableEntity:
		examineUnprocessable(check, a)
	default:
		a.Outcome = Failed
		check.Fail("status", "%d is not documented for %s", a.Status, q.op)
	}
	a.Violations = check.Problems
}

// examineRefusedKey: how a wrong key is to be refused is not documented, but a
// success is none.
func examineRefusedKey(check *simkit.Checker, a *Answer) {
	body := jsonObject(&simkit.Checker{}, a)
	success, isFlag := false, false
	if body != nil {
		success, isFlag = body.Members["success"].(bool)
	}
	switch {
	case a.Status < 300 && !(isFlag && !success):
		a.Outcome = Succeeded
		check.Fail("status", "%d accepts a key that is not the customer's", a.Status)
	case a.Status >= 500:
		a.Outcome = Failed
	default:
		a.Outcome = Declined
	}
}

func (s *Server) examineOK(check *simkit.Checker, q question, a *Answer) Outcome {
	body := answerObject(check, a)
	if body == nil {
		return Failed
	}
	success := body.Flag("success", simkit.Required)
	if _, isFlag := body.Members["success"].(bool); !isFlag {
		return Failed
	}
	if success {
		return s.examineSuccess(body, q, a)
	}
	if q.op == OpStart {
		body.Fail("success", "must not be false: a start is refused with 409 or 422")
		return Failed
	}
	examineEnvelope(body, a)
	return Declined
}

func (s *Server) examineSuccess(body *simkit.Object, q question, a *Answer) Outcome {
	var usable bool
	switch q.op {
	case OpList:
		usable = s.examineList(body, a)
	case OpStart:
		usable = s.examineStart(body, a)
	case OpCancel:
		usable = examineCancel(body, q.cancels, a)
	default:
		usable = examineFields(body, a)
	}
	if !usable {
		return Failed
	}
	return Succeeded
}

// examineEnvelope checks an error, of which the schema requires all three members.
func examineEnvelope(body *simkit.Object, a *Answer) {
	texts, _ := body.List("errors", simkit.Required)
	for i, entry := range texts {
		if _, isText := entry.(string); !isText {
			body.Fail(fmt.Sprintf("errors[%d]", i), "must be a string")
		}
	}
	info := body.Child("errorInfo", simkit.Required)
	if info == nil {
		return
	}
	a.Code = info.Filled("code", simkit.Required)
	a.Message = info.Text("message", simkit.Optional)
	info.Text("requestId", simkit.Optional)
	info.Child("meta", simkit.Optional)
}

// examineConflict: no body is documented for 409; an older document had the error
// envelope. Neither is read.
func examineConflict(check *simkit.Checker, a *Answer) {
	a.Outcome = Declined
	if len(a.Body) == 0 {
		return
	}
	body := answerObject(check, a)
	if body == nil {
		return
	}
	if success := body.Flag("success", simkit.Required); success {
		body.Fail("success", "must be false in an error")
	}
	examineEnvelope(body, a)
}

// examineUnprocessable: 422 carries a text for the recruiter and no success.
func examineUnprocessable(check *simkit.Checker, a *Answer) {
	a.Outcome = Declined
	body := answerObject(check, a)
	if body == nil {
		return
	}
	a.Message = body.Text("message", simkit.Required)
	if body.Has("success") {
		body.Fail("success", "must be absent from a 422")
	}
}

// answerObject reads a body that must be a JSON object and says so.
func answerObject(check *simkit.Checker, a *Answer) *simkit.Object {
	media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		check.Fail("Content-Type", "must be application/json")
	}
	return jsonObject(check, a)
}

func jsonObject(check *simkit.Checker, a *Answer) *simkit.Object {
	v, err := simkit.Decode(a.Body)
	if err != nil {
		check.Fail("body", "is not valid JSON")
		return nil
	}
	return check.Object("body", v)
}
