package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

// notBegun is the failure of a check that needs an assessment.
var notBegun = Failure{Key: "order", Recruiter: "The assessment could not be started."}

func ashbyLists() []Check {
	empty := Failure{Key: "wrong", Recruiter: "The drop-down of assessments is empty."}
	one := func(id, title string, level Level, why, passes string, steps []string, without string, run func(context.Context, *T)) Check {
		return Check{
			ID: "ashby.list." + id, Title: title, Level: level, Since: "2026.1", Contract: []Source{ashbyList, ashbyGuide}, Why: why, Steps: steps, Passes: passes,
			Failures: []Failure{empty}, WithSDK: "ashby.NewHandler answers what Provider.Packages returns.", Without: without, run: run,
		}
	}
	return []Check{
		one("empty-body", "A list may be asked for without a body", Core, "Ashby documents an empty body.", "Every answer is a success.",
			[]string{"Call assessment.list without a body, with {} and with a member that nobody knows."}, "Do not parse the body of a list.",
			func(ctx context.Context, t *T) {
				a := t.ashby()
				if a == nil {
					return
				}
				for _, body := range []string{"", "{}", `{"surprise":true}`} {
					if answer := a.sim.List(ctx, ashbytest.WithBody([]byte(body))); answer.Outcome != ashbytest.Succeeded {
						t.fail("wrong", Mismatch{What: fmt.Sprintf("the answer to a list with the body %q", body), Expected: "200 with success: true", Got: a.reply(answer).String(), at: a.at(answer)})
					}
				}
			}),
		one("shape", "The list has the form that Ashby reads", Core, "A customer picks an assessment from it when the plan of a job is made.",
			"The answer has no violation of the documented form and at least one assessment.", []string{"Call assessment.list."},
			`Answer {"success":true,"results":[{"assessment_type_id","name","description"}]}.`, func(ctx context.Context, t *T) {
				a := t.ashby()
				if a == nil {
					return
				}
				answer := a.sim.List(ctx)
				if a.ok("wrong", "the answer to a list", answer) && len(answer.Types) == 0 {
					t.fail("wrong", Mismatch{What: "the answer to a list", Path: "results", Expected: "at least one assessment", Got: "none", at: a.at(answer)})
				}
			}),
		one("never-null", "A customer without assessments gets an empty list", Strict, "null is no list, and reads as an outage.",
			"results is an empty list. Not judged unless the target names the key of such a customer.", []string{"Call assessment.list with AshbyTarget.EmptyKey."},
			"Answer [], not null.", ashbyNeverNull),
	}
}

func ashbyNeverNull(ctx context.Context, t *T) {
	key := t.target.Ashby.EmptyKey
	if key == "" {
		t.notJudged("the target names no key of a customer without assessments (EmptyKey)")
		return
	}
	q := http.Request{Header: http.Header{"Content-Type": {"application/json"}}}
	q.SetBasicAuth(key, "")
	r := t.raw(t.target.Ashby.Base.below(ashbytest.OpList)).send(ctx, request{method: http.MethodPost, header: q.Header, body: []byte("{}"), note: ashbytest.OpList})
	results, isList := object(r.body)["results"].([]any)
	if !r.accepted || !isList || len(results) > 0 {
		t.fail("wrong", Mismatch{What: "the list of a customer without assessments", Path: "results", Expected: "[]", Got: r.String(), at: r.at})
	}
}

func ashbyAuth() []Check {
	return []Check{
		{
			ID: "ashby.auth.bad-key", Title: "A key that you did not issue is refused", Level: Core, Since: "2026.1", Contract: []Source{ashbyGuide},
			Why: "The key is all that tells Ashby, and the customer, from anybody else.", Steps: []string{"Start an assessment with a key that was never issued, and without one.", "Start the same with the customer's key."},
			Passes: "The first two are refused with 401 (any other 4xx will do), and the last is accepted.", Failures: refusalFailures("Anyone who knows the address can order in a customer's name."),
			WithSDK: "HandlerConfig.Authenticate returns assessment.ErrUnauthorized.", Without: "Look the key up, and answer 401 if it is nobody's.", run: ashbyBadKey,
		},
		{
			ID: "ashby.auth.other-customers-cancel", Title: "One customer cannot cancel another's assessment", Level: Core, Since: "2026.1", Contract: []Source{ashbyGuide},
			Why: "An assessment_id says nothing about who may use it.", Steps: []string{"Start an assessment for one customer.", "Cancel it with the key of the other.", "Start it again for the first."},
			Passes:   "The last start answers with the same assessment_id, or with 409: the assessment is still there.",
			Failures: []Failure{notBegun, {Key: "cancelled", Recruiter: "One customer cancels another's assessment."}},
			WithSDK:  "Match the whole OrderRef in CancelOrder.", Without: "Select by the customer of the key and the id together.", run: ashbyForeignCancel,
		},
	}
}

func ashbyBadKey(ctx context.Context, t *T) {
	a := t.ashby()
	if a == nil {
		return
	}
	spec := a.spec(t.target.packageID())
	start := func(faults ...ashbytest.DeliveryFault) func(context.Context) reply {
		return func(ctx context.Context) reply { return a.reply(a.sim.StartAssessment(ctx, spec, faults...)) }
	}
	t.twins(ctx, twins{
		spoiled: []attempt{{"with a key that nobody has", start(ashbytest.BadKey())}, {"without a key", start(ashbytest.NoKey())}},
		twin:    attempt{"with the customer's key", start()}, taken: "taken", closed: "twin",
	})
}

func ashbyForeignCancel(ctx context.Context, t *T) {
	a := t.ashby()
	if a == nil {
		return
	}
	spec := a.spec(t.target.packageID())
	id, ok := a.begun(ctx, spec)
	if !ok {
		return
	}
	a.sim.Cancel(ctx, id, ashbytest.From(t.kit.cfg.Credentials.Ashby[1].Name))
	a.sameOrConflict("cancelled", "the answer to the same start after another customer's cancel", id, a.sim.StartAssessment(ctx, spec))
}

// sameOrConflict judges the answer to a start of what runs already: either of the two
// documented answers will do.
func (a *ashby) sameOrConflict(key, what, id string, answer ashbytest.Answer) {
	if answer.Outcome == ashbytest.Succeeded && answer.AssessmentID == id || answer.Status == http.StatusConflict {
		return
	}
	a.t.fail(key, Mismatch{What: what, Path: "results.assessment_id", Expected: id + ", or 409", Got: a.reply(answer).String(), at: a.at(answer)})
}

func ashbyStarts() []Check {
	hangs := Failure{Key: "wrong", Recruiter: `The stage hangs at "starting".`}
	silent := Failure{Key: "wrong", Recruiter: "There is no text for the recruiter."}
	twice := Failure{Key: "twice", Candidate: "The candidate is invited twice."}
	one := func(id, title string, level Level, why, passes string, steps []string, failures []Failure, withSDK, without string, run func(context.Context, *ashby)) Check {
		return Check{
			ID: "ashby.start." + id, Title: title, Level: level, Since: "2026.1", Contract: []Source{ashbyStart, ashbyGuide}, Why: why, Steps: steps, Passes: passes,
			Failures: failures, WithSDK: withSDK, Without: without,
			run: func(ctx context.Context, t *T) {
				if a := t.ashby(); a != nil {
					run(ctx, a)
				}
			},
		}
	}
	return []Check{
		one("shape", "A start is answered in the form that Ashby reads", Core, "Without an assessment_id Ashby has nothing to ask for later.",
			"The answer has no violation of the documented form.", []string{"Start an assessment."}, []Failure{hangs},
			"ashby.NewHandler does it.", `Answer {"success":true,"results":{"assessment_id":"…"}}.`, func(ctx context.Context, a *ashby) {
				answer := a.sim.StartAssessment(ctx, a.spec(a.t.target.packageID()))
				if answer.Outcome != ashbytest.Succeeded || answer.AssessmentID == "" {
					a.ok("wrong", "the answer to a start", answer)
					return
				}
				answer.Violations = slices.DeleteFunc(answer.Violations, aboutUpdate)
				a.formed("wrong", "the answer to a start", answer)
			}),
		one("update-request-same-id", "The first update is about the assessment that it comes with", Core, "update_request is a whole update of its own: id, time and values are judged as those of any other.",
			"update_request has no violation of the documented form. Not judged if there is none.", []string{"Start an assessment."}, []Failure{notBegun, hangs},
			"Return Started.Update.", "Put the same assessment_id and a timestamp in milliseconds into update_request.", func(ctx context.Context, a *ashby) {
				answer := a.sim.StartAssessment(ctx, a.spec(a.t.target.packageID()))
				if answer.Outcome != ashbytest.Succeeded && objectAt(object(answer.Body), "results")["update_request"] == nil {
					a.t.fail("order", Mismatch{What: "the answer to a start", Expected: "200 with an assessment_id", Got: a.reply(answer).String(), at: a.at(answer)})
					return
				}
				if objectAt(object(answer.Body), "results")["update_request"] == nil {
					a.t.notJudged("the answer to a start has no update_request, which is optional")
					return
				}
				answer.Violations = slices.DeleteFunc(answer.Violations, func(v string) bool { return !aboutUpdate(v) })
				a.formed("wrong", "the update in the answer to a start", answer)
			}),
		one("message-422", "A start that is turned down has a message for the recruiter", Core, "Ashby shows the message of a 422, and of nothing else.",
			"The answer is 422 with a message and without success. Not judged if the package is taken and the target names none that is turned down.",
			[]string{"Start an assessment that the service turns down (Target.RejectedPackage)."}, []Failure{silent},
			"Return assessment.Reject(message).", `Answer 422 with {"message":"…"}.`, ashbyMessage),
		one("conflict-409", "A candidate who is assessed already is answered with 409", Core, "Ashby tells the recruiter so.",
			"The answer is 409. Not judged unless the target names such a package.", []string{"Start an assessment that the service finds running already (Target.ConflictPackage)."}, []Failure{silent},
			"Return assessment.AlreadyRunning(message).", "Answer 409.", func(ctx context.Context, a *ashby) {
				if a.t.target.ConflictPackage == "" {
					a.t.notJudged("the target names no package whose start finds one running (ConflictPackage)")
					return
				}
				if answer := a.sim.StartAssessment(ctx, a.spec(a.t.target.ConflictPackage)); answer.Status != http.StatusConflict {
					a.t.fail("wrong", Mismatch{What: "the answer to a start of what runs already", Expected: "409", Got: a.reply(answer).String(), at: a.at(answer)})
				}
			}),
		one("repeated", "A repeated start is one assessment", Strict, "Ashby may repeat a start whose answer it did not get.",
			"The answers have the same assessment_id, or are 409, and the test was set up once (Target.Started).", []string{"Start the same assessment three times."}, []Failure{notBegun, twice},
			"The intake knows the order by application and package.", "Look for a running assessment of the same application and type first.", func(ctx context.Context, a *ashby) {
				spec := a.spec(a.t.target.packageID())
				id, ok := a.begun(ctx, spec)
				if !ok {
					return
				}
				for range 2 {
					a.sameOrConflict("twice", "the answer to the same start again", id, a.sim.StartAssessment(ctx, spec))
				}
				a.once(ctx, "twice", id)
			}),
		one("at-once", "A start that comes twice at once is one assessment", Strict, "A double click is two starts at the same moment, perhaps to two replicas.",
			"At most one assessment_id comes of them, and the test was set up once (Target.Started).", []string{"Start the same assessment four times at the same moment."}, []Failure{notBegun, twice},
			"All replicas share the Store of the intake.", "Claim application and type in your database before you start.", ashbyAtOnce),
		one("after-cancel-new-id", "A start after a cancel is a new assessment", Core, "The customer cancelled because the data was wrong, and starts anew with the right data.",
			"The start succeeds with another assessment_id.", []string{"Start, cancel, and start the same again."},
			[]Failure{notBegun, {Key: "old", Candidate: "The restart hands back the cancelled test: the candidate cannot take it."}, {Key: "cancel", Recruiter: "The assessment cannot be cancelled."}},
			"The intake frees the order with the cancel.", "Leave cancelled assessments out when you look for a running one.", func(ctx context.Context, a *ashby) {
				spec := a.spec(a.t.target.packageID())
				id, ok := a.begun(ctx, spec)
				if !ok {
					return
				}
				if answer := a.sim.Cancel(ctx, id); answer.Outcome != ashbytest.Succeeded {
					a.t.fail("cancel", Mismatch{What: "the answer to a cancel", Expected: "200 with success: true", Got: a.reply(answer).String(), at: a.at(answer)})
					return
				}
				answer := a.sim.StartAssessment(ctx, spec)
				if answer.Outcome != ashbytest.Succeeded || answer.AssessmentID == id {
					a.t.fail("old", Mismatch{What: "the answer to a start after a cancel", Path: "results.assessment_id", Expected: "a new id", Got: a.reply(answer).String(), at: a.at(answer)})
				}
			}),
	}
}

func aboutUpdate(violation string) bool { return strings.Contains(violation, "update_request") }

func ashbyMessage(ctx context.Context, a *ashby) {
	named := a.t.target.RejectedPackage
	pkg := named
	if pkg == "" {
		pkg = "a-package-that-nobody-offers"
	}
	answer := a.sim.StartAssessment(ctx, a.spec(pkg))
	if answer.Outcome == ashbytest.Succeeded && named == "" {
		a.t.notJudged("the service starts a package that nobody offers: name one that it turns down (RejectedPackage)")
		return
	}
	members := object(answer.Body)
	message, _ := members["message"].(string)
	_, hasSuccess := members["success"]
	if answer.Status != http.StatusUnprocessableEntity || strings.TrimSpace(message) == "" || hasSuccess {
		a.t.fail("wrong", Mismatch{What: "the answer to a start that is turned down", Path: "message", Expected: "422 with a message and without success", Got: a.reply(answer).String(), at: a.at(answer)})
	}
}

func ashbyAtOnce(ctx context.Context, a *ashby) {
	ids := map[string]ashbytest.Answer{}
	for _, answer := range a.sim.StartTogether(ctx, 4, a.spec(a.t.target.packageID())) {
		switch {
		case answer.Outcome == ashbytest.Succeeded:
			ids[answer.AssessmentID] = answer
		case answer.Status != http.StatusConflict:
			a.t.fail("order", Mismatch{What: "the answer to a start that comes four times at once", Expected: "200 or 409", Got: a.reply(answer).String(), at: a.at(answer)})
		}
	}
	if len(ids) != 1 {
		a.t.fail("twice", Mismatch{What: "the assessments that came of one start", Expected: "1", Got: fmt.Sprint(len(ids))})
	}
	for id := range ids {
		a.once(ctx, "twice", id)
	}
}

func ashbyCancels() []Check {
	failure := Failure{Key: "wrong", Recruiter: "The cancel button fails."}
	one := func(id, title string, level Level, why, passes string, steps []string, without string, times int, judge func(*ashby, string, ashbytest.Answer)) Check {
		return Check{
			ID: "ashby.cancel." + id, Title: title, Level: level, Since: "2026.1", Contract: []Source{ashbyCancel}, Why: why, Steps: steps, Passes: passes,
			Failures: []Failure{notBegun, failure}, WithSDK: "ashby.NewHandler does it, if CancelOrder is no error for what is over.", Without: without,
			run: func(ctx context.Context, t *T) {
				a := t.ashby()
				if a == nil {
					return
				}
				id, ok := a.begun(ctx, a.spec(t.target.packageID()))
				for range times {
					if ok {
						judge(a, id, a.sim.Cancel(ctx, id))
					}
				}
			},
		}
	}
	return []Check{
		one("repeated", "A repeated cancel succeeds", Strict, "Ashby may repeat a cancel whose answer it did not get.", "Every answer is a success.",
			[]string{"Start an assessment and cancel it three times."}, "Answer a cancel of what is over like the first.", 3, func(a *ashby, _ string, answer ashbytest.Answer) {
				if answer.Outcome != ashbytest.Succeeded {
					a.t.fail("wrong", Mismatch{What: "the answer to a cancel", Expected: "200 with success: true", Got: a.reply(answer).String(), at: a.at(answer)})
				}
			}),
		one("echoed-id", "A cancel is answered with the id that it cancelled", Core, "The answer has the form of a start's.", "The answer has no violation of the documented form, and the id of the cancel.",
			[]string{"Start an assessment and cancel it."}, `Answer {"success":true,"results":{"assessment_id":"…"}} with the id of the request.`, 1, func(a *ashby, id string, answer ashbytest.Answer) {
				got := objectAt(object(answer.Body), "results")["assessment_id"]
				if answer.Status != http.StatusOK || got != id {
					a.t.fail("wrong", Mismatch{What: "the answer to a cancel", Path: "results.assessment_id", Expected: id, Got: text(got), at: a.at(answer)})
				}
			}),
	}
}

func ashbyUpdates() []Check {
	one := func(id, title, why, passes string, steps []string, failures []Failure, without string, run func(context.Context, *ashby, string)) Check {
		return Check{
			ID: "ashby.update." + id, Title: title, Level: Core, Since: "2026.1", Contract: []Source{ashbyUpdate}, Why: why, Steps: steps, Passes: passes,
			Failures: append(failures, notBegun), WithSDK: "Give the Router a Result with a Score.", Without: without, Needs: []Need{NeedFinish},
			run: func(ctx context.Context, t *T) {
				a := t.ashby()
				if a == nil {
					return
				}
				if id, ok := a.begun(ctx, a.spec(t.target.packageID())); ok {
					run(ctx, a, id)
				}
			},
		}
	}
	lost := Failure{Key: "lost", Nobody: "You believe that the result was written; it was not."}
	return []Check{
		one("value-types", "Values have the types that they name", "A value says its type, and Ashby refuses one that is of another.",
			"The assessment is completed with the number 87.4 as numeric_score.", []string{"Start an assessment and finish it with 87.4 of 100."},
			[]Failure{{Key: "wrong", Recruiter: "Ashby refuses the result, or the recruiter sees another score."}}, "Write a numeric_score as a number, a url as an absolute URL, and a duration in minutes.",
			func(ctx context.Context, a *ashby, id string) {
				err := contained(func() error { return a.t.target.Finish(ctx, a.ref(id), a.t.completed()) })
				a.completed(ctx, "wrong", id, err)
			}),
		one("success-false-under-200", "An error under HTTP 200 is an error", "Ashby answers many errors with HTTP 200 and success: false.",
			"The result that was refused once arrives, or Finish returns an error and it arrives the next time.", []string{"Start an assessment and finish it. Ashby answers the first update with 200 and success: false."},
			[]Failure{lost}, "Look at success, not at the status.", func(ctx context.Context, a *ashby, id string) {
				a.sim.Fail(ashbytest.OpUpdate, ashbytest.Refused("unexpected_error"))
				err := a.t.finish(ctx, a.ref(id), a.t.completed())
				if !a.ended(ctx, id) {
					m := Mismatch{What: "the assessment after its test was finished", Expected: "completed", Got: "not completed"}
					if err != nil {
						m.Got += "; the service said: " + excerpt([]byte(err.Error()))
					}
					a.t.fail("lost", m)
				}
			}),
	}
}

func (a *ashby) ended(ctx context.Context, id string) bool {
	return within(ctx, a.t.opts.Patience, func() bool {
		got, _ := a.sim.Assessment(id)
		return got.State == ashbytest.StateCompleted
	})
}

// completed judges the result of an assessment.
func (a *ashby) completed(ctx context.Context, key, id string, err error) {
	m := Mismatch{What: "the result of the assessment", Path: "assessment_result", Expected: "the numeric_score 87.4"}
	for _, e := range a.sim.Calls(ashbytest.OpUpdate) {
		m.at = place{a.world, e.ID}
	}
	if !a.ended(ctx, id) {
		m.Got = "the assessment is not completed"
		if err != nil {
			m.Got += "; the service said: " + excerpt([]byte(err.Error()))
		}
		a.t.fail(key, m)
		return
	}
	got, _ := a.sim.Assessment(id)
	score, isNumber := json.Number(""), false
	if got.Result != nil {
		score, isNumber = got.Result.Value.(json.Number)
	}
	if !isNumber || got.Result.Type != ashbytest.TypeScore || !equals(score, 87.4) {
		m.Got = fmt.Sprintf("%+v", got.Result)
		a.t.fail(key, m)
	}
}
