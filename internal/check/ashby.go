package check

import (
	"context"
	"fmt"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

// Pages of Ashby's documentation.
var (
	ashbyGuide  = Source{"Ashby: creating an assessments integration", "https://developers.ashbyhq.com/docs/creating-an-assessments-integration"}
	ashbyList   = Source{"Ashby: assessment.list", "https://developers.ashbyhq.com/reference/assessmentlist"}
	ashbyStart  = Source{"Ashby: assessment.start", "https://developers.ashbyhq.com/reference/assessmentstart"}
	ashbyCancel = Source{"Ashby: assessment.cancel", "https://developers.ashbyhq.com/reference/assessmentcancel"}
	ashbyUpdate = Source{"Ashby: assessment.update", "https://developers.ashbyhq.com/docs/assessmentupdate"}
)

// ashby is an Ashby of a check's own, with the two customers whose keys the service
// knows.
type ashby struct {
	t     *T
	sim   *ashbytest.Server
	world int
}

// ashby returns a new simulator that the service's calls about its assessments reach;
// nil after a fault of the kit.
func (t *T) ashby() *ashby {
	number, seed := t.nextWorld()
	a := &ashby{t: t, world: number}
	base := t.target.Ashby.Base
	var err error
	a.sim, err = ashbytest.New(ashbytest.Config{
		Organizations: t.kit.organizations(), Seed: seed, Clock: t.kit.cfg.Clock, PartnerPath: base.path(), Timeout: t.opts.AnswerTimeout,
		DialContext: t.kit.cfg.DialContext,
		OnExchange:  func(e ashbytest.Exchange) { t.record(a.exchange(e)) },
	})
	if t.kitFault(err) {
		return nil
	}
	t.onEnd(a.sim.Close)
	t.onEnd(t.kit.ashby.add(&world{serve: a.sim, owns: func(name string) bool {
		_, own := a.sim.Assessment(name)
		return own
	}}))
	if base.Handler != nil {
		a.sim.Target(base.Handler)
	} else {
		a.sim.TargetURL(base.URL)
	}
	return a
}

func (a *ashby) exchange(e ashbytest.Exchange) Exchange {
	x := Exchange{
		Direction: "to the service", Operation: e.Op, Order: e.Assessment, Time: e.Time, Duration: e.Duration, Method: e.Method, URL: e.URL,
		RequestHeader: shown(e.RequestHeader), RequestBody: shownBody(e.RequestBody), Status: e.Status,
		ResponseHeader: shown(e.ResponseHeader), ResponseBody: shownBody(e.ResponseBody), Err: e.Err, Fault: e.Fault,
		at: place{a.world, e.ID},
	}
	if e.Direction == ashbytest.ToAshby {
		x.Direction, x.URL = "to Ashby", shownCall(e.URL)
	}
	return x
}

func (a *ashby) at(answer ashbytest.Answer) place { return place{a.world, answer.Exchange} }

func (a *ashby) reply(answer ashbytest.Answer) reply {
	return reply{status: answer.Status, body: answer.Body, err: answer.Err, at: a.at(answer), accepted: answer.Outcome == ashbytest.Succeeded}
}

// spec is an assessment of somebody new.
func (a *ashby) spec(packageID string) ashbytest.StartSpec {
	who := a.t.candidate()
	return ashbytest.StartSpec{
		AssessmentTypeID: packageID, ApplicationID: a.sim.NewID(), CandidateID: a.sim.NewID(), JobID: a.sim.NewID(),
		Fields: map[string]any{"candidate.email": who.Email, "candidate.first_name": who.First, "candidate.last_name": who.Last},
	}
}

// ok judges that an answer is a success in the documented form.
func (a *ashby) ok(key, what string, answer ashbytest.Answer) bool {
	if answer.Outcome != ashbytest.Succeeded {
		a.t.fail(key, Mismatch{What: what, Expected: "200 with success: true", Got: a.reply(answer).String(), at: a.at(answer)})
		return false
	}
	return a.formed(key, what, answer)
}

// formed notes everything that an answer does other than documented.
func (a *ashby) formed(key, what string, answer ashbytest.Answer) bool {
	for _, v := range answer.Violations {
		a.t.fail(key, Mismatch{What: what, Expected: "the documented form", Got: v, at: a.at(answer)})
	}
	return len(answer.Violations) == 0
}

// begun starts an assessment for a check of something else.
func (a *ashby) begun(ctx context.Context, spec ashbytest.StartSpec) (string, bool) {
	answer := a.sim.StartAssessment(ctx, spec)
	if answer.Outcome != ashbytest.Succeeded || answer.AssessmentID == "" {
		a.t.fail("order", Mismatch{What: "the answer to a start", Expected: "200 with an assessment_id", Got: a.reply(answer).String(), at: a.at(answer)})
		return "", false
	}
	return answer.AssessmentID, true
}

func (a *ashby) ref(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Ashby, Connection: a.t.target.Ashby.Connection, Account: a.t.kit.cfg.Credentials.Ashby[0].Name, ID: id}
}

// once judges that a test was set up once; judged is false if nobody can tell.
func (a *ashby) once(ctx context.Context, key, id string) (judged bool) {
	n, known := a.t.started(ctx, a.ref(id))
	if known && n != 1 {
		a.t.fail(key, Mismatch{What: "how often the test of one assessment was set up", Expected: "1", Got: fmt.Sprint(n)})
	}
	return known
}
