package check

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func everyVendor() []Check {
	closed := Failure{Key: "twin", Candidate: "What is rightly made is refused as well: the candidate waits for an invitation that never comes."}
	return []Check{
		{
			ID: "all.privacy.no-cause-no-secret-in-answers", Title: "Answers say nothing of causes, secrets and candidates", Level: Strict, Since: "2026.1", Contract: []Source{komboIntro},
			Why:    "What you answer is kept in the logs of the vendor and may be shown in a customer's ATS.",
			Steps:  []string{"Send forged requests, broken ones, and an order whose start fails (Target.FaultPackage).", "Read every answer, header and body."},
			Passes: "No answer has a secret, an expected signature, a stack trace, the text of an error or a candidate's address in it.",
			Failures: []Failure{
				{Key: "cause", Recruiter: "Stack traces and addresses of your network stand in a customer's ATS."},
				{Key: "secret", Nobody: "Anyone who sends a wrong signature is told the right one, or the secret."},
				{Key: "candidate", Nobody: "A candidate's data stands in the logs of whoever sent a broken request."},
				closed,
			},
			WithSDK: "The handlers answer with a short fixed text.", Without: "Answer every error with a fixed text, and write the cause to your own log.",
			run: privacy,
		},
		{
			ID: "all.http.method", Title: "Only POST is served", Level: Advice, Since: "2026.1",
			Why:      "Crawlers and health checks call every address, and none of them places an order.",
			Steps:    []string{"Send GET and DELETE, otherwise rightly made.", "Send the same with POST."},
			Passes:   "GET and DELETE are refused with 405 (any 4xx will do), POST is accepted.",
			Failures: []Failure{{Key: "taken", Nobody: "A link preview or a crawler sets something off."}, closed},
			WithSDK:  "The handlers do it.", Without: "Answer 405 with Allow: POST.",
			run: func(ctx context.Context, t *T) {
				for _, s := range t.surfaces() {
					other := func(method string) attempt {
						return attempt{"with " + method + " to " + s.name, s.sends(method, func(q *request) { q.method = method })}
					}
					t.twins(ctx, twins{spoiled: []attempt{other(http.MethodGet), other(http.MethodDelete)}, twin: s.twin(), expected: "405", taken: "taken", closed: "twin"})
				}
			},
		},
		{
			ID: "all.http.type", Title: "The type is not compared letter by letter, and an encoding is not ignored", Level: Advice, Since: "2026.1",
			Why:      "application/json; charset=utf-8 is JSON as well. What claims to be compressed is not to be read as if it were not.",
			Steps:    []string{"Send a request with the header Content-Encoding: br.", "Send one with the type application/json; charset=utf-8."},
			Passes:   "The first is refused with 415 (any 4xx will do), the second is accepted.",
			Failures: []Failure{{Key: "taken", Nobody: "What is compressed is taken for what it is not."}, {Key: "twin", Candidate: "One more word in a header of the vendor, and no order arrives."}},
			WithSDK:  "The handlers do it.", Without: "Parse Content-Type with a library, or do not look at it; answer 415 to a Content-Encoding that you do not undo.",
			run: func(ctx context.Context, t *T) {
				for _, s := range t.surfaces() {
					with := func(name, value string) func(context.Context) reply {
						return s.sends(name+": "+value, func(q *request) { q.header.Set(name, value) })
					}
					t.twins(ctx, twins{
						spoiled:  []attempt{{"with Content-Encoding: br to " + s.name, with("Content-Encoding", "br")}},
						twin:     attempt{"with a charset in its type, to " + s.name, with("Content-Type", "application/json; charset=utf-8")},
						expected: "a refusal: 415", taken: "taken", closed: "twin",
					})
				}
			},
		},
		{
			ID: "all.http.oversized", Title: "A body has a limit, and not a small one", Level: Advice, Since: "2026.1",
			Why:      "Anyone can send a body without end. A real order has a job description and a hiring team of any length.",
			Steps:    []string{"Send 32 MiB that prove nothing.", "Send a right request that is filled up to 1 MiB."},
			Passes:   "The service stops reading the first before its end, and accepts the second.",
			Failures: []Failure{{Key: "read", Nobody: "A few senders fill the memory of the service, and it stops."}, {Key: "twin", Candidate: "An order with a long job description is refused: the candidate waits for ever."}},
			WithSDK:  "The handlers read 8 MiB at most, and 64 MiB for all requests together.", Without: "Limit the body, well above 1 MiB, before you read it.",
			alone: true, run: oversized,
		},
		{
			ID: "all.http.slow-sender", Title: "A slow sender stops nobody else", Level: Advice, Since: "2026.1",
			Why:      "A request that never ends is the cheapest way to stop a service.",
			Steps:    []string{"Begin eight requests and send half of each.", "Send a right request meanwhile."},
			Passes:   "The right request is accepted in time.",
			Failures: []Failure{{Key: "twin", Candidate: "One sender who is slow, and no order is taken any more."}},
			WithSDK:  "The handlers hold no lock while they read.", Without: "Read bodies concurrently, with a time limit, and hold no lock meanwhile.",
			alone: true, run: slowSender,
		},
	}
}

// causes are traces of what goes on inside a service, in the languages that services
// are written in.
var causes = regexp.MustCompile(strings.Join([]string{
	`goroutine \d+`, `\bpanic:`, `\.(go|py|rb|js|ts|java|php|cs|ex):\d+`, `Traceback \(most recent`, `(?m)^\s+at [\w.$<>]+ ?\(`,
	`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}:\d+`, `connection refused`, `ECONNREFUSED`, `ETIMEDOUT`, `\bdial tcp\b`, `SQLSTATE`, `(?i)\bsyntax error at\b`,
	`\b[A-Z]\w+(Error|Exception)\b`, `\bsql: `, `\bpq: `,
}, "|"))

// privacy reads what the service answers to what is wrong.
func privacy(ctx context.Context, t *T) {
	for _, s := range t.surfaces() {
		broken := s.body[:len(s.body)-1]
		right := s.header(broken)
		for _, a := range []attempt{
			{"that is forged, to " + s.name, s.sends("forged", func(q *request) { q.header = s.forged() })},
			{"without a proof, to " + s.name, s.sends("unsigned", func(q *request) { q.header = http.Header{"Content-Type": {"application/json"}} })},
			{"that is broken, to " + s.name, s.sends("broken", func(q *request) { q.header, q.body = right, broken })},
			{"that is no object, to " + s.name, s.sends("no object", func(q *request) { q.body = []byte("[[null]]"); q.header = s.header(q.body) })},
		} {
			t.discreet(a.name, a.send(ctx), nil)
		}
		if r := s.twin().send(ctx); !r.accepted {
			t.fail("twin", Mismatch{What: "the answer to a request " + s.twin().name, Expected: "that it is accepted", Got: r.String(), at: r.at})
		}
	}
	if t.target.FaultPackage == "" || !t.target.Kombo.Webhook.IsSet() {
		return
	}
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	spec := k.spec(komboPackage(t.target.FaultPackage))
	if _, d, ok := k.place(ctx, spec); ok {
		email, _ := spec.Fields["candidate.email"].(string)
		t.discreet("that is an order which cannot be started", k.reply(d), []string{email})
	}
}

// discreet judges that an answer gives nothing away, neither in its header nor in
// its body.
func (t *T) discreet(name string, r reply, personal []string) {
	what := "the answer to a request " + name
	said := append(headerText(r.header), r.body...)
	if found := causes.Find(said); found != nil {
		t.fail("cause", Mismatch{What: what, Expected: "a short fixed text", Got: excerpt(found), at: r.at})
	}
	for _, secret := range t.secrets() {
		if bytes.Contains(said, []byte(secret)) {
			t.fail("secret", Mismatch{What: what, Expected: "no secret", Got: "a secret or key of the service", at: r.at})
		}
	}
	if signature := t.expectedSignature(r.at); signature != "" && bytes.Contains(said, []byte(signature)) {
		t.fail("secret", Mismatch{What: what, Expected: "no signature", Got: "the signature that would have been right", at: r.at})
	}
	for _, text := range personal {
		if text != "" && bytes.Contains(said, []byte(text)) {
			t.fail("candidate", Mismatch{What: what, Expected: "nothing of the candidate", Got: "the candidate's address", at: r.at})
		}
	}
}

// headerText is a header as lines. Header names may look like the names of errors;
// only values are looked at.
func headerText(h http.Header) []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			b = append(append(b, value...), '\n')
		}
	}
	return b
}

// secrets are what only the service and a vendor know.
func (t *T) secrets() []string {
	c := t.kit.cfg.Credentials
	list := []string{c.KomboKey, c.KomboSecret, c.StackOneKey, c.StackOneSecret, c.StackOneNextSecret}
	for _, customer := range c.Ashby {
		list = append(list, customer.APIKey, customer.PartnerKey)
	}
	return list
}

// expectedSignature is the one that would have fitted the request of an exchange: both
// vendors that sign do it alike, with secrets of their own.
func (t *T) expectedSignature(at place) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.records {
		if e.at == at && e.RequestHeader.Get(kombotest.SignatureHeader) != "" {
			return kombotest.Sign(t.kit.cfg.Credentials.KomboSecret, []byte(e.RequestBody))
		}
		if e.at == at {
			return kombotest.Sign(t.kit.cfg.Credentials.StackOneSecret, []byte(e.RequestBody))
		}
	}
	return ""
}

const (
	tooLarge    = 32 << 20
	largeEnough = 1 << 20
)

// hesitation is a part of a body that is empty and takes a moment. A server that has
// answered may read on for less, as net/http does since Go 1.27, so that the caller
// gets the answer.
type hesitation struct{ ctx context.Context }

func (h hesitation) Read([]byte) (int, error) {
	pause(h.ctx, 300*time.Millisecond)
	return 0, io.EOF
}

func oversized(ctx context.Context, t *T) {
	for _, s := range t.surfaces() {
		endless := &counted{Reader: io.MultiReader(io.LimitReader(blanks{}, tooLarge/2), hesitation{ctx}, io.LimitReader(blanks{}, tooLarge/2))}
		r := s.sends("32 MiB", func(q *request) { q.header, q.reader, q.size = s.forged(), endless, tooLarge })(ctx)
		if endless.n.Load() == tooLarge || r.accepted {
			t.fail("read", Mismatch{What: "how much of 32 MiB was read by " + s.name, Expected: "less", Got: "all", at: r.at})
		}
		filled := append(bytes.Clone(s.body), bytes.Repeat([]byte(" "), largeEnough-len(s.body))...)
		r = s.sends("1 MiB", func(q *request) { q.header, q.body = s.header(filled), filled })(ctx)
		if !r.accepted {
			t.fail("twin", Mismatch{What: "the answer to a right request of 1 MiB to " + s.name, Expected: "that it is accepted", Got: r.String(), at: r.at})
		}
	}
}

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// counted knows how much was read of it.
type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

const slowSenders = 8

func slowSender(ctx context.Context, t *T) {
	for _, s := range t.surfaces() {
		ctx, hangUp := context.WithCancel(ctx)
		var slow, begun sync.WaitGroup
		for range slowSenders {
			body, more := io.Pipe()
			context.AfterFunc(ctx, func() { _ = more.CloseWithError(io.ErrUnexpectedEOF) })
			begun.Go(func() { _, _ = more.Write(s.body[:len(s.body)/2]) }) // fails if the service does not read
			slow.Go(func() {
				// Not recorded: how these end does not matter, and not when either.
				_, _, _, _ = s.sender.do(ctx, request{method: http.MethodPost, header: s.header(s.body), reader: body, size: int64(len(s.body))})
				_ = body.Close()
			})
		}
		begun.Wait()
		if r := s.twin().send(ctx); !r.accepted {
			t.fail("twin", Mismatch{What: "the answer to a right request beside slow ones, to " + s.name, Expected: "that it is accepted in time", Got: r.String(), at: r.at})
		}
		hangUp()
		slow.Wait()
	}
}
