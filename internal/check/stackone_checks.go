package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func stackoneAuth() []Check {
	one := func(id, title, why string, steps []string, spoiled map[string]stackonetest.DeliveryFault) Check {
		return Check{
			ID: "stackone.auth." + id, Title: title, Level: Core, Since: "2026.1", Contract: []Source{stackoneWebhooks}, Why: why, Steps: steps,
			Passes:   "The spoiled event is refused with 401 (any other 4xx will do), and the same bytes rightly signed are accepted.",
			Failures: refusalFailures("Anyone who knows the address can order an assessment in a customer's name."),
			WithSDK:  "stackone.NewWebhookHandler with a Verifier of the signing secret does it.",
			Without:  "Compute HMAC-SHA256 over the bytes as they came, encode it in base64url without padding, and compare in constant time before you parse anything.",
			run:      func(ctx context.Context, t *T) { t.stackoneTwins(ctx, spoiled) },
		}
	}
	return []Check{
		one("forged", "A forged signature is refused", "The signature is all that tells StackOne from anybody else.",
			[]string{"Send an order with a well-formed signature of other bytes, and one signed with another secret.", "Send it rightly signed."},
			map[string]stackonetest.DeliveryFault{
				"with a signature of other bytes": stackonetest.BadSignature(), "signed with another secret": stackonetest.SignedWith("not-the-secret-of-this-webhook"),
			}),
		one("unsigned", "An event without a signature is refused", "A service that only checks a signature which is there checks nothing.",
			[]string{"Send an order without x-stackone-signature.", "Send it rightly signed."},
			map[string]stackonetest.DeliveryFault{"without a signature": stackonetest.MissingSignature()}),
		one("wrong-alphabet", "A signature in hexadecimal digits is refused", "StackOne signs in base64url. A service that takes another form compares something else than what StackOne sends.",
			[]string{"Send an order whose signature is written in hexadecimal digits.", "Send it rightly signed."},
			map[string]stackonetest.DeliveryFault{"signed in hexadecimal digits": stackonetest.HexSignature()}),
		{
			ID: "stackone.auth.rotation", Title: "Two secrets are live while one is rotated", Level: Core, Since: "2026.1", Contract: []Source{stackoneWebhooks},
			Why:    "Events that were signed before the rotation are still on their way, and StackOne may never send them again.",
			Steps:  []string{"Rotate to the second secret that the service was told of.", "Send an order signed with the new one, and one signed with the old one.", "Send a forged one."},
			Passes: "Both are accepted, and the forged one is refused.",
			Failures: append(refusalFailures("Anyone who knows the address can order an assessment in a customer's name."),
				Failure{Key: "lost", Recruiter: "Orders are lost on the day of rotation.", Candidate: "The candidate waits for an invitation that never comes."}),
			WithSDK: "Give NewVerifier both secrets, or call Rotate on it.", Without: "Try every secret that is live.",
			Capability: "stackone.rotation", run: stackoneRotation,
		},
	}
}

func (t *T) stackoneTwins(ctx context.Context, spoiled map[string]stackonetest.DeliveryFault) {
	s := t.stackone()
	if s == nil {
		return
	}
	if id, _, ok := s.place(ctx, s.spec(), stackonetest.Lost()); ok {
		t.twins(ctx, s.twinsOf(id, spoiled))
	}
}

func (s *stackone) twinsOf(id string, spoiled map[string]stackonetest.DeliveryFault) twins {
	p := twins{twin: attempt{"rightly signed", s.again(id)}, taken: "taken", closed: "twin"}
	for _, name := range sorted(spoiled) {
		p.spoiled = append(p.spoiled, attempt{name, s.again(id, spoiled[name])})
	}
	return p
}

func (s *stackone) again(id string, faults ...stackonetest.DeliveryFault) func(context.Context) reply {
	return func(ctx context.Context) reply {
		d, err := s.sim.Redeliver(ctx, s.account, id, faults...)
		s.t.kitFault(err)
		return s.reply(d)
	}
}

func stackoneRotation(ctx context.Context, t *T) {
	s := t.stackone()
	if s == nil {
		return
	}
	s.sim.RotateSecret(t.kit.cfg.Credentials.StackOneNextSecret)
	if _, d, ok := s.place(ctx, s.spec(), stackonetest.OldSecret()); ok {
		s.taken("lost", "the answer to an order signed with the old secret", d)
	}
	id, d, ok := s.place(ctx, s.spec())
	if !ok || !s.taken("lost", "the answer to an order signed with the new secret", d) {
		return
	}
	t.twins(ctx, s.twinsOf(id, map[string]stackonetest.DeliveryFault{"with a signature of other bytes": stackonetest.BadSignature()}))
}

func stackoneOrders() []Check {
	failures := []Failure{
		{Key: "not taken", Recruiter: "The order is lost: StackOne does not say that it sends one again."},
		{Key: "not started", Candidate: "The candidate waits for an invitation that never comes."},
	}
	one := func(id, title, why string, steps []string, withSDK, without string, run func(context.Context, *T)) Check {
		return Check{
			ID: "stackone.order." + id, Title: title, Level: Strict, Since: "2026.1", Contract: []Source{stackoneWebhooks, stackoneFlow}, Why: why, Steps: steps,
			Passes:   "Every answer is 200, and the test of every order is set up once, under the order's own id (Target.Started). Without that it is not judged.",
			Failures: failures, WithSDK: withSDK, Without: without, run: run,
		}
	}
	return []Check{
		one("ids-only", "An order may be nothing but ids", "Eploy's events carry record_id and account_id and nothing else that is certain.",
			[]string{"Send an order without event_data and raw_event."},
			"The handler takes it; OnBareOrder or Client.Complete fill it in.", "Demand record_id and account_id only, and look the rest up.",
			func(ctx context.Context, t *T) {
				t.stackoneStarts(ctx, "an order of ids only", func(spec *stackonetest.OrderSpec) { spec.Shape, spec.Fields = stackonetest.ShapeSynthetic, nil })
			}),
		one("every-name", "An order is known by every name of its event", "StackOne's guides name one event in several ways.",
			[]string{"Send orders under each name that the guides and the pattern of the other events have."},
			"The handler knows all of them.", "Compare the event with all names, and never decide by record_type.", stackoneNames),
		one("big-record-id", "An id beyond 2^53 stays what it is", "record_id may be a number of 19 digits. A reader that goes through floating point makes another one of it.",
			[]string{"Send an order whose record_id is the number 9007199254740993, and one with 19 digits."},
			"The decoder keeps the digits.", "Read record_id as text, or as an integer that does not round.", func(ctx context.Context, t *T) {
				for _, id := range []string{"9007199254740993", "3223323715753018141"} {
					t.stackoneStarts(ctx, "an order with a number as its id", func(spec *stackonetest.OrderSpec) {
						spec.ID, spec.NumericRecordID = id, true
					})
				}
			}),
	}
}

// stackoneStarts places an order and judges that its test is set up.
func (t *T) stackoneStarts(ctx context.Context, what string, change func(*stackonetest.OrderSpec)) {
	s := t.stackone()
	if s == nil {
		return
	}
	spec := s.spec(change)
	id, d, ok := s.place(ctx, spec)
	if ok && s.taken("not taken", "the answer to "+what, d) && !s.startedOnce(ctx, "not started", what, s.ref(spec.Kind, id)) {
		t.notJudged("every order was acknowledged; whether its test was set up cannot be seen (Started)")
	}
}

func stackoneNames(ctx context.Context, t *T) {
	names := map[string]stackonetest.Kind{
		stackonetest.EventAssessmentCreated: stackonetest.Assessment, stackonetest.EventAssessmentAlias: stackonetest.Assessment,
		stackonetest.EventBackgroundOrderCreated: stackonetest.BackgroundCheck, stackonetest.EventBackgroundAlias: stackonetest.BackgroundCheck,
		stackonetest.EventBackgroundByPattern: stackonetest.BackgroundCheck, stackonetest.EventBackgroundsByPattern: stackonetest.BackgroundCheck,
	}
	for _, name := range sorted(names) {
		t.stackoneStarts(ctx, "an order called "+name, func(spec *stackonetest.OrderSpec) { spec.Event, spec.Kind = name, names[name] })
	}
}

func stackonePackages() []Check {
	unavailable := Failure{Key: "wrong", Recruiter: "The recruiter reads that packages are unavailable, and cannot order."}
	one := func(id, title, why, passes string, steps []string, failure Failure, without string, run func(context.Context, *T)) Check {
		return Check{
			ID: "stackone.packages." + id, Title: title, Level: Core, Since: "2026.1", Contract: []Source{stackoneFlow}, Why: why, Steps: steps, Passes: passes,
			Failures: []Failure{failure}, WithSDK: "stackone.NewPackagesHandler answers what Provider.Packages returns.", Without: without,
			Capability: "stackone.packages", run: run,
		}
	}
	return []Check{
		one("shape", "Packages are listed in the form that StackOne reads", "An ATS asks for them at the moment when the recruiter opens the dialog.",
			"The answer has no violation of the documented form and at least one package.", []string{"Ask for packages as each kind that the service serves."},
			unavailable, "Answer 200 with an object whose data is a list of packages with id, name and description as texts.", stackoneShape),
		one("by-account", "Each customer is shown its own packages", "The account in the request says who asks.",
			"Each answer has exactly the packages that Target.Packages names for the account. Not judged without it.", []string{"Ask for the packages of two accounts."},
			Failure{Key: "wrong", Recruiter: "A recruiter sees another customer's packages, and orders one of them."}, "Select by the account of the request.", stackoneByAccount),
		one("empty", "A customer without packages gets an empty list", "null or an error reads as an outage.",
			"The answer is 200 with an empty list. Not judged unless the target names such an account.", []string{"Ask for the packages of StackOneTarget.EmptyAccount."},
			unavailable, "Answer an empty list, not null and not 404.", stackoneEmpty),
		one("deadline", "Packages are listed at once", "The recruiter looks at an open dialog.",
			"The answer takes at most 5 s.", []string{"Ask for packages."},
			unavailable, "Keep the list ready; call nobody else meanwhile.", stackoneDeadline),
	}
}

// endpoints are the packages endpoints that the service serves.
func (t *T) packagesEndpoints() map[stackonetest.Kind]Endpoint {
	all := map[stackonetest.Kind]Endpoint{}
	if e := t.target.StackOne.AssessmentPackages; e.IsSet() {
		all[stackonetest.Assessment] = e
	}
	if e := t.target.StackOne.BackgroundPackages; e.IsSet() {
		all[stackonetest.BackgroundCheck] = e
	}
	return all
}

// asked asks every packages endpoint for the packages of an account.
func (t *T) asked(ctx context.Context, account func(*stackone) string, judge func(*stackone, stackonetest.Kind, string, stackonetest.PackagesAnswer)) {
	endpoints := t.packagesEndpoints()
	if len(endpoints) == 0 {
		t.notJudged("the target has no packages endpoint")
	}
	for _, kind := range []stackonetest.Kind{stackonetest.Assessment, stackonetest.BackgroundCheck} {
		e, there := endpoints[kind]
		if !there {
			continue
		}
		s := t.stackone(func(c *stackonetest.Config) { c.PackagesPath = e.path() })
		if s == nil {
			return
		}
		s.packagesAt(e)
		of := account(s)
		judge(s, kind, of, s.sim.RequestPackages(ctx, stackonetest.PackagesRequest{Account: of, Kind: kind}))
	}
}

func own(s *stackone) string { return s.account }

func (s *stackone) wrongPackages(path, expected, got string, a stackonetest.PackagesAnswer) {
	s.t.fail("wrong", Mismatch{What: "the answer of the packages endpoint", Path: path, Expected: expected, Got: got, at: place{s.world, a.Exchange}})
}

// listed notes what is wrong with the form of an answer.
func (s *stackone) listed(a stackonetest.PackagesAnswer) bool {
	if a.Err != nil {
		s.wrongPackages("", "an answer", a.Err.Error(), a)
	}
	for _, v := range a.Violations {
		s.wrongPackages(v.Path, "the documented form", v.Text, a)
	}
	return a.Err == nil && len(a.Violations) == 0
}

func stackoneShape(ctx context.Context, t *T) {
	t.asked(ctx, own, func(s *stackone, _ stackonetest.Kind, _ string, a stackonetest.PackagesAnswer) {
		if s.listed(a) && len(a.Packages) == 0 {
			s.wrongPackages("data", "at least one package", "none", a)
		}
	})
}

func stackoneByAccount(ctx context.Context, t *T) {
	if t.target.Packages == nil {
		t.notJudged("the target does not say whose packages are whose (Packages)")
	}
	for range 2 {
		t.asked(ctx, own, func(s *stackone, kind stackonetest.Kind, account string, a stackonetest.PackagesAnswer) {
			if !s.listed(a) || t.target.Packages == nil {
				return
			}
			var want []string
			err := contained(func() (err error) { want, err = t.target.Packages(ctx, s.ref(kind, "")); return err })
			if err != nil {
				s.wrongPackages("", "what Target.Packages names", err.Error(), a)
				return
			}
			var got []string
			for _, p := range a.Packages {
				got = append(got, p.ID)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				s.wrongPackages("data", strings.Join(want, ", ")+" for "+account, strings.Join(got, ", "), a)
			}
		})
	}
}

func stackoneEmpty(ctx context.Context, t *T) {
	if t.target.StackOne.EmptyAccount == "" {
		t.notJudged("the target names no account without packages (EmptyAccount)")
		return
	}
	t.asked(ctx, func(*stackone) string { return t.target.StackOne.EmptyAccount }, func(s *stackone, _ stackonetest.Kind, _ string, a stackonetest.PackagesAnswer) {
		if s.listed(a) && len(a.Packages) > 0 {
			s.wrongPackages("data", "an empty list", fmt.Sprintf("%d packages", len(a.Packages)), a)
		}
	})
}

func stackoneDeadline(ctx context.Context, t *T) {
	t.asked(ctx, own, func(s *stackone, _ stackonetest.Kind, _ string, a stackonetest.PackagesAnswer) {
		if a.Status/100 != 2 {
			s.wrongPackages("", "200", fmt.Sprintf("status %d", a.Status), a)
		}
		for _, e := range s.sim.Calls(stackonetest.OpProviderPackages) {
			if e.Duration > t.opts.InlineTimeout {
				s.wrongPackages("", "an answer within "+t.opts.InlineTimeout.String(), "a later one", a)
			}
		}
	})
}

func stackoneResults() []Check {
	one := func(id, title, why, passes string, key Failure, without string, run func(*stackone, string)) Check {
		return Check{
			ID: "stackone.result." + id, Title: title, Level: Core, Since: "2026.1", Contract: []Source{stackoneResultPg}, Why: why, Passes: passes,
			Steps: []string{"Place an order, and finish it with 87.4 of 100."},
			Failures: []Failure{
				{Key: "order", Recruiter: "The order was not taken, so there is no result."},
				{Key: "no result", Recruiter: "The recruiter never sees a result."}, key,
			},
			WithSDK: "Give the Router a Result with a Score.", Without: without, Needs: []Need{NeedFinish},
			run: func(ctx context.Context, t *T) { t.stackoneResult(ctx, run) },
		}
	}
	return []Check{
		one("scores-as-text", "Scores are texts", "StackOne's schema has strings, and refuses numbers.", "score.value and score.max are the texts 87.4 and 100.",
			Failure{Key: "wrong", Recruiter: "StackOne refuses the result, or the recruiter sees another score."}, "Write every number of a score as a string with its decimals.",
			func(s *stackone, id string) {
				score := objectAt(s.lastWrite(id), "score")
				for name, want := range map[string]string{"value": "87.4", "max": "100"} {
					if got, is := score[name].(string); !is || got != want {
						s.wrongResult(id, "score."+name, `"`+want+`"`, text(score[name]))
					}
				}
			}),
		one("enum-objects", "Enumerations are objects with a value", "StackOne's enumerations are objects: value and source_value.", "result is an object with a value, and the order has it.",
			Failure{Key: "wrong", Recruiter: "StackOne refuses the result, and the order stays open."}, `Write {"result":{"value":"completed"}}.`,
			func(s *stackone, id string) {
				if result := objectAt(s.lastWrite(id), "result"); !slices.Contains([]any{"completed", "passed", "failed"}, result["value"]) {
					s.wrongResult(id, "result.value", "completed, passed or failed", text(object(s.lastWriteBody(id))["result"]))
				}
			}),
	}
}

func (s *stackone) lastWriteBody(id string) []byte {
	writes := s.writes(id)
	if len(writes) == 0 {
		return nil
	}
	return writes[len(writes)-1].RequestBody
}

func (s *stackone) lastWrite(id string) map[string]any { return object(s.lastWriteBody(id)) }

func objectAt(members map[string]any, name string) map[string]any {
	inner, _ := members[name].(map[string]any)
	return inner
}

func (s *stackone) wrongResult(id, path, expected, got string) {
	m := Mismatch{What: "the result of the order", Path: path, Expected: expected, Got: got}
	if writes := s.writes(id); len(writes) > 0 {
		m.at = place{s.world, writes[len(writes)-1].ID}
	}
	s.t.fail("wrong", m)
}

func (t *T) stackoneResult(ctx context.Context, judge func(*stackone, string)) {
	s := t.stackone()
	if s == nil {
		return
	}
	id, d, ok := s.place(ctx, s.spec())
	if !ok || !s.taken("order", "the answer to the order", d) {
		return
	}
	// What StackOne refuses is judged by what was sent.
	err := contained(func() error { return t.target.Finish(ctx, s.ref(stackonetest.Assessment, id), t.completed()) })
	if !within(ctx, t.opts.Patience, func() bool { return len(s.writes(id)) > 0 }) {
		m := Mismatch{What: "the order after its test was finished", Expected: "a result", Got: "none"}
		if err != nil {
			m.Got += "; the service said: " + excerpt([]byte(err.Error()))
		}
		t.fail("no result", m)
		return
	}
	judge(s, id)
}
