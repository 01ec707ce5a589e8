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

func readApplication(o *simkit.Object) {
	ids(o, "id")
	o.DateTime("createdAt", required)
	o.DateTime("updatedAt", required)
	o.Filled("status", required)
	o.List("customFields", required)
	if c := o.Child("candidate", required); c != nil {
		ids(c, "id")
		c.Text("name", required)
	}
	o.Child("currentInterviewStage", required)
	if j := o.Child("job", required); j != nil {
		ids(j, "id")
		j.Text("title", required)
	}
	o.List("hiringTeam", required)
}

func readDataValue(o *simkit.Object) {
	o.Filled("identifier", required)
	o.Text("label", required)
	o.Filled("type", required)
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
		"file":                {ashbytest.OpFileInfo, `{"fileHandle":"h1"}`, func(o *simkit.Object) { o.URI("url", required) }},
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
			require.Empty(t, c.Problems)
			if tc.op != ashbytest.OpApplicationInfo { // whose other members the contract does not list
				results.Done()
				require.Empty(t, c.Unknown)
			}
		})
	}
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
}
