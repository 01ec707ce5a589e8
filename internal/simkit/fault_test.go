package simkit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

type nobody struct{}

type fault = simkit.Fault[nobody]

func faults() simkit.Catalogue[fault] {
	return append(simkit.Faults[nobody](),
		simkit.Form[fault]{Name: "raw body", Takes: "STATUS,TYPE,BODY", Make: func(a *simkit.Args) fault {
			return simkit.RawBody[nobody](a.Int(), a.Text(), a.Text())
		}},
		simkit.Form[fault]{Name: "edited", Takes: "JSON", Make: func(a *simkit.Args) fault {
			var fields map[string]any
			a.JSON(&fields)
			return simkit.Damaged[nobody](func(*simkit.Reply) {}, "edited", fields)
		}},
	)
}

func TestFaultsRoundTrip(t *testing.T) {
	for want, f := range map[string]fault{
		"":                           {},
		"reset":                      simkit.Reset[nobody](),
		"slow=1m30s":                 simkit.Slow[nobody](90 * time.Second),
		"applied, then reset":        simkit.AppliedThen(simkit.Reset[nobody]()),
		"applied, then slow=2s":      simkit.AppliedThen(simkit.Slow[nobody](2 * time.Second)),
		"reset; after=3s":            simkit.Reset[nobody]().After(3 * time.Second),
		"slow=1s; after=3s":          simkit.Slow[nobody](time.Second).After(3 * time.Second),
		"none; header=Retry-After,3": fault{}.Header("retry-after", "3"),
		`reset; header=X,""`:         simkit.Reset[nobody]().Header("x", ""),
		"applied, then slow=1s; after=2s; before=3s": simkit.AppliedThen(simkit.Slow[nobody](time.Second).After(2 * time.Second)).After(3 * time.Second),
		"redirect=https://a.example/?b=c":            simkit.Redirect[nobody]("https://a.example/?b=c"),
		`redirect="a;b,c"; header=A,"1,2; 3"`:        simkit.Redirect[nobody]("a;b,c").Header("A", "1,2; 3"),
		`raw body=502,text/plain," x\n\"{"`:          simkit.RawBody[nobody](502, "text/plain", " x\n\"{"),
		`edited={"a":[1,"b;,"]}; after=1s`:           simkit.Damaged[nobody](func(*simkit.Reply) {}, "edited", map[string]any{"a": []any{1, "b;,"}}).After(time.Second),
	} {
		require.Equal(t, want, f.String())
		parsed, err := simkit.ParseFault(faults(), want)
		require.NoError(t, err, want)
		require.Equal(t, want, parsed.String())
	}
}

func TestFaultsAreReadAsTheyAreTyped(t *testing.T) {
	for text, want := range map[string]string{
		"HTML-body":              "HTML body",
		" html_body ":            "HTML body",
		"applied-then-reset":     "applied, then reset",
		"Applied, then RESET":    "applied, then reset",
		"slow = 1500ms":          "slow=1.5s",
		"reset;after=1s":         "reset; after=1s",
		"Load-Balancer-503":      "load balancer 503",
		"none":                   "",
		"redirect=a b;header=c,": "redirect=a b; header=C,\"\"",
	} {
		parsed, err := simkit.ParseFault(faults(), text)
		require.NoError(t, err, text)
		require.Equal(t, want, parsed.String())
	}
	for text, why := range map[string]string{
		"resett":                  `unknown fault "resett"`,
		"slow":                    "argument is missing",
		"slow=fast":               "invalid duration",
		"slow=1s,2s":              "too many arguments",
		"reset=1":                 "too many arguments",
		"raw body=x,y,z":          "invalid syntax",
		`edited={"a":`:            "not JSON",
		`edited={} x`:             "unexpected text",
		"reset; sooner=1s":        `unknown fault "sooner"`,
		"applied, then":           "unknown fault",
		"applied, then sleep":     "unknown fault",
		"reset; after":            "argument is missing",
		`redirect="a`:             "JSON",
		"reset; header=Only-Name": "argument is missing",
	} {
		_, err := simkit.ParseFault(faults(), text)
		require.ErrorContains(t, err, why, text)
	}
}

func TestFaultsAreListed(t *testing.T) {
	forms := faults().Forms()
	require.Contains(t, forms, "slow=DURATION")
	require.Contains(t, forms, "reset")
	require.IsIncreasing(t, forms)
}

func sign(secret string, body []byte) string { return secret + ":" + string(body) }

func TestDeliveryFaultsRoundTrip(t *testing.T) {
	const absent = absence("absent")
	known := append(simkit.DeliveryFaults(sign, absent, ""), simkit.Base64SignatureFaults()...)
	for _, f := range []simkit.DeliveryFault{
		{}, simkit.Lost(), simkit.Late(time.Minute), simkit.Duplicate(2), simkit.DuplicateAtOnce(3), simkit.HangUp(0),
		simkit.AnswerLost(), simkit.BadSignature(sign), simkit.MissingSignature(), simkit.OldSecret(sign),
		simkit.SignedWith(sign, "s,1;\""), simkit.AbsentFields(absent, "", "a.b", "c"), simkit.NullFields("", "d"),
		simkit.OversizedBody(100), simkit.TruncatedBody(), simkit.PaddedSignature(), simkit.StandardBase64Signature(),
	} {
		parsed, err := simkit.ParseDeliveryFault(known, f.String())
		require.NoError(t, err)
		require.Equal(t, f.String(), parsed.String())
		require.Equal(t, simkit.NewPlan(f).Names, simkit.NewPlan(parsed).Names)
	}
	require.Len(t, known.Forms(), 16)
	_, err := simkit.ParseDeliveryFault(known, "late=soon")
	require.ErrorContains(t, err, "late")
}

type absence string

func TestPlanTakesFaultsTogether(t *testing.T) {
	const absent = absence("absent")
	p := simkit.NewPlan(
		simkit.DeliveryFault{}, simkit.AbsentFields(absent, "data.", "a.0.b", "nothing.c"), simkit.NullFields("data.", "d"),
		simkit.OversizedBody(40), simkit.SignedWith(sign, "topsecret"), simkit.Duplicate(-1),
		simkit.NewDeliveryFault(func(p *simkit.Plan) { p.Account = "x" }, "from", "x").Silently(),
	)
	require.Equal(t, "absent fields=a.0.b,nothing.c, null fields=d, oversized body=40, signed with another secret, duplicate=-1", p.Fault())
	tree := p.Edit(map[string]any{"data": map[string]any{"a": []any{map[string]any{"b": 1}}, "d": 2}})
	body := p.Mangle(simkit.Encode(tree))
	require.Len(t, body, 40)
	require.JSONEq(t, `{"data":{"a":[{}],"d":null}}`, string(body))
	secrets := simkit.NewSecrets("now")
	require.Equal(t, "topsecret:x", secrets.Sign(p, sign, "", []byte("x")))
	require.Equal(t, "now-before-rotation:x", secrets.Sign(simkit.NewPlan(simkit.OldSecret(sign)), sign, "", []byte("x")))
	secrets.Rotate("next")
	require.Equal(t, "now:x", secrets.Sign(simkit.NewPlan(simkit.OldSecret(sign)), sign, "", []byte("x")))
	require.Equal(t, "next:x", secrets.Sign(&simkit.Plan{}, sign, "", []byte("x")))
	require.Equal(t, "own:x", secrets.Sign(&simkit.Plan{}, sign, "own", []byte("x")))
	require.Empty(t, secrets.Sign(simkit.NewPlan(simkit.MissingSignature()), sign, "", []byte("x")))
	require.Zero(t, p.Copies)
	retry := p.Retry()
	require.Empty(t, retry.Names)
	require.Len(t, retry.Mangles, 1)
	require.True(t, strings.HasSuffix(string(retry.Mangle([]byte("{}"))), " "))
}
