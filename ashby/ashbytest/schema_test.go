package ashbytest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/internal/simkit"
)

const (
	required = simkit.Required
	optional = simkit.Optional
)

func ids(o *simkit.Object, names ...string) {
	for _, name := range names {
		o.UUID(name, required, true)
	}
}

// contact is an e-mail address or a telephone number.
func contact(o *simkit.Object) {
	o.Filled("value", required)
	o.Enum("type", required, "Personal", "Work", "Other")
	o.Flag("isPrimary", required)
}

func readFile(o *simkit.Object) {
	ids(o, "id")
	o.Filled("name", required)
	o.Filled("handle", required)
}

func readCandidate(o *simkit.Object) {
	ids(o, "id")
	o.Text("name", required)
	for _, name := range []string{"primaryEmailAddress", "primaryPhoneNumber"} {
		if child := o.Child(name, optional); child != nil {
			contact(child)
			child.Done()
		}
	}
	o.Each("emailAddresses", required, contact)
	o.Each("phoneNumbers", required, contact)
	o.Each("socialLinks", required, func(l *simkit.Object) {
		l.Enum("type", required, "LinkedIn", "GitHub", "Twitter", "Medium", "StackOverflow", "YouTube", "CodePen", "Website")
		l.URI("url", required)
	})
	for _, name := range []string{"tags", "applicationIds"} {
		o.List(name, required)
	}
	o.Each("fileHandles", required, readFile)
	if file := o.Child("resumeFileHandle", optional); file != nil {
		readFile(file)
		file.Done()
	}
	o.URI("profileUrl", required)
	o.Text("timezone", optional)
	o.Child("location", optional)
}

// readStage is the stage of the interview plan in which an application is.
func readStage(o *simkit.Object) {
	ids(o, "id", "interviewPlanId")
	o.Filled("title", required)
	o.Filled("type", required)
	o.Number("orderInInterviewPlan", required)
}

func readMember(o *simkit.Object) {
	ids(o, "userId")
	for _, name := range []string{"firstName", "lastName", "role"} {
		o.Text(name, required)
	}
	o.Email("email", required)
}

// readApplication is an application without its optional members, none of which the
// simulator sends but customFields and what expand asks for:
// https://developers.ashbyhq.com/reference/applicationinfo
func readApplication(o *simkit.Object) {
	ids(o, "id")
	o.DateTime("createdAt", required)
	o.DateTime("updatedAt", required)
	o.Enum("status", required, "Hired", "Archived", "Active", "Lead")
	o.List("customFields", optional)
	if c := o.Child("candidate", required); c != nil {
		ids(c, "id")
		c.Text("name", required)
		for _, name := range []string{"primaryEmailAddress", "primaryPhoneNumber"} {
			if child := c.Child(name, optional); child != nil {
				contact(child)
			}
		}
		c.Done()
	}
	if stage := o.Child("currentInterviewStage", required); stage != nil {
		readStage(stage)
		stage.Done()
	}
	if j := o.Child("job", required); j != nil {
		ids(j, "id")
		j.Text("title", required)
		j.Done()
	}
	o.Each("hiringTeam", required, readMember)
	for _, name := range []string{"openings", "applicationFormSubmissions", "referrals"} {
		o.List(name, optional)
	}
}

func readDataValue(o *simkit.Object) {
	o.Filled("identifier", required)
	o.Text("label", required)
	o.Enum("type", required, "string", "url", "numeric_score", "numeric_duration_minutes", "boolean_success")
	if _, given := o.Get("value", required); !given {
		o.Fail(o.At("value"), "must have a value")
	}
	o.Text("description", optional)
}

func readCompleted(o *simkit.Object) {
	ids(o, "assessmentTypeId", "assessmentId", "candidateId")
	o.Text("assessmentName", required)
	o.Each("metadata", required, readDataValue)
	if result := o.Child("result", optional); result != nil {
		readDataValue(result)
		result.Done()
	}
	o.UUID("applicationId", optional, true)
}

// TestAnswersHaveAllThatIsRequired is a client that is as strict as a generated one:
// it takes no answer in which a required member is missing.
func TestAnswersHaveAllThatIsRequired(t *testing.T) {
	s := ashbytest.Start(t)
	a := newAPI(t, s)
	full, err := s.AddCandidate("", ashbytest.Candidate{
		Name: "Zoë Quinn", Email: "zoe@example.com", Phone: "+1 555 0100", Timezone: "Europe/Berlin", ResumeHandle: "h1",
		SocialLinks: []ashbytest.SocialLink{{Type: "GitHub", URL: "https://github.com/zoe"}},
	})
	require.NoError(t, err)
	application, err := s.AddApplication("", ashbytest.Application{CandidateID: full, JobName: "Pilot"})
	require.NoError(t, err)
	require.NoError(t, s.AddFile("", "h1", "https://files.example.com/1"))
	for name, tc := range map[string]struct {
		op, body string
		results  func(*simkit.Object)
	}{
		"candidate":           {ashbytest.OpCandidateInfo, `{"id":"` + full + `"}`, readCandidate},
		"default candidate":   {ashbytest.OpCandidateInfo, `{"id":"` + ashbytest.DefaultCandidateID + `"}`, readCandidate},
		"application":         {ashbytest.OpApplicationInfo, `{"applicationId":"` + application + `"}`, readApplication},
		"default application": {ashbytest.OpApplicationInfo, `{"applicationId":"` + ashbytest.DefaultApplicationID + `"}`, readApplication},
		"expanded": {
			ashbytest.OpApplicationInfo,
			`{"applicationId":"` + application + `","expand":["openings","applicationFormSubmissions","referrals"]}`, readApplication,
		},
		"file": {ashbytest.OpFileInfo, `{"fileHandle":"h1"}`, func(o *simkit.Object) { o.URI("url", required) }},
		"key": {ashbytest.OpAPIKeyInfo, `{}`, func(o *simkit.Object) {
			o.Text("title", required)
			o.DateTime("createdAt", required)
			o.List("scopes", required)
		}},
		"completed": {ashbytest.OpAddCompletedToCandidate, string(fixture(t, "assessment-add-completed-to-candidate.request.json")), readCompleted},
	} {
		t.Run(name, func(t *testing.T) {
			a.t = t
			response, answer, err := a.send(tc.op, []byte(tc.body))
			require.NoError(t, err)
			var c simkit.Checker
			envelope := c.Body(response.Header, answer)
			require.NotNil(t, envelope)
			require.True(t, envelope.Flag("success", required), "%s", answer)
			results := envelope.Child("results", required)
			require.NotNil(t, results)
			tc.results(results)
			results.Done()
			envelope.Done()
			require.Empty(t, c.Problems)
			require.Empty(t, c.Unknown)
			require.NotEmpty(t, response.Header.Get(ashbytest.RequestIDHeader))
		})
	}
}

// TestErrorsHaveAllThatIsRequired: an error has all members that Ashby's OpenAPI
// document requires, and quotes the request id of its header.
func TestErrorsHaveAllThatIsRequired(t *testing.T) {
	a := newAPI(t, ashbytest.Start(t))
	for _, op := range []string{ashbytest.OpUpdate, ashbytest.OpAddCompletedToCandidate, ashbytest.OpCandidateInfo, ashbytest.OpApplicationInfo, ashbytest.OpFileInfo} {
		response, answer, err := a.send(op, []byte(`{}`))
		require.NoError(t, err)
		require.Equal(t, 200, response.StatusCode, op)
		var c simkit.Checker
		envelope := c.Body(response.Header, answer)
		require.NotNil(t, envelope, op)
		require.False(t, envelope.Flag("success", required), op)
		envelope.List("errors", required)
		if info := envelope.Child("errorInfo", required); info != nil {
			info.Filled("code", required)
			info.Text("message", optional)
			require.Equal(t, response.Header.Get(ashbytest.RequestIDHeader), info.Filled("requestId", optional), op)
			info.Free("meta")
			info.Done()
		}
		envelope.Done()
		require.Empty(t, c.Problems, op)
		require.Empty(t, c.Unknown, op)
	}
}

// TestAnswerToUpdate: success is all that Ashby documents of it.
func TestAnswerToUpdate(t *testing.T) {
	response, answer, err := newAPI(t, withExample(t)).send(ashbytest.OpUpdate, valid)
	require.NoError(t, err)
	var c simkit.Checker
	envelope := c.Body(response.Header, answer)
	require.NotNil(t, envelope)
	require.True(t, envelope.Flag("success", required), "%s", answer)
	envelope.Ask("results")
	envelope.Done()
	require.Empty(t, c.Problems)
	require.Empty(t, c.Unknown)
}

// The strict client does refuse: all that is wrong, with its path.
func TestStrictClientRefuses(t *testing.T) {
	var c simkit.Checker
	readCandidate(c.Object("body", map[string]any{
		"id": "7", "emailAddresses": []any{map[string]any{"value": "", "type": "Home"}}, "phoneNumbers": nil, "profileUrl": "/here",
	}))
	readCompleted(c.Object("body", map[string]any{"metadata": []any{map[string]any{"identifier": "x"}}}))
	require.Subset(t, c.Problems, []string{
		"id must be a UUID", "name is required", "emailAddresses[0].type must be one of Personal, Work, Other",
		"emailAddresses[0].isPrimary is required", "phoneNumbers must not be null", "socialLinks is required",
		"profileUrl must be a URI", "assessmentId is required", "metadata[0].type is required",
	})
	c.Problems = nil
	readApplication(c.Object("body", map[string]any{
		"id": "7", "createdAt": "now", "status": "Open", "candidate": nil, "hiringTeam": []any{map[string]any{"email": "x"}},
		"currentInterviewStage": map[string]any{"title": "Assessment", "orderInInterviewPlan": "2"},
	}))
	require.Subset(t, c.Problems, []string{
		"id must be a UUID", "createdAt must be a valid ISO 8601 date-time", "updatedAt is required",
		"status must be one of Hired, Archived, Active, Lead", "candidate must not be null", "job is required",
		"hiringTeam[0].userId is required", "hiringTeam[0].email must be an e-mail address",
		"currentInterviewStage.id is required", "currentInterviewStage.orderInInterviewPlan must be a number",
	})
}
