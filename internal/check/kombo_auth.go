package check

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// refusalFailures are the two ways in which a check of refusals goes wrong.
func refusalFailures(taken string) []Failure {
	return []Failure{
		{Key: "taken", Nobody: taken},
		{Key: "twin", Candidate: "Orders that are rightly made are refused as well: the candidate waits for an invitation that never comes."},
	}
}

func komboAuth() []Check {
	const forged = "Anyone who knows the address can order an assessment in a customer's name."
	verify := "kombo.NewWebhookHandler with a Verifier of the webhook secret does it."
	byHand := "Compute HMAC-SHA256 over the bytes as they came, encode it in base64url without padding, and compare in constant time before you parse anything; answer 401 otherwise."
	one := func(id, title, why string, steps []string, run func(context.Context, *T)) Check {
		return Check{
			ID: "kombo.auth." + id, Title: title, Level: Core, Since: "2026.1", Contract: []Source{komboWebhooks}, Why: why, Steps: steps,
			Passes:   "The spoiled delivery is refused with 401 (any other 4xx will do), and the same bytes rightly signed are accepted.",
			Failures: refusalFailures(forged), WithSDK: verify, Without: byHand, run: run,
		}
	}
	return []Check{
		one("forged", "A forged signature is refused",
			"The signature is all that tells Kombo from anybody else.",
			[]string{"Send an order with a well-formed signature of other bytes.", "Send it signed with a secret that is not valid.", "Send it rightly signed."},
			func(ctx context.Context, t *T) {
				t.komboTwins(ctx, map[string]kombotest.DeliveryFault{
					"with a signature of other bytes": kombotest.BadSignature(), "signed with another secret": kombotest.SignedWith("not-the-secret-of-this-webhook"),
				})
			}),
		one("unsigned", "A delivery without a signature is refused",
			"A service that only checks a signature which is there checks nothing.",
			[]string{"Send an order without X-Kombo-Signature.", "Send it rightly signed."},
			func(ctx context.Context, t *T) {
				t.komboTwins(ctx, map[string]kombotest.DeliveryFault{"without a signature": kombotest.MissingSignature()})
			}),
		one("wrong-alphabet", "A signature in standard Base64 is refused",
			"Kombo signs in base64url. A service that takes another alphabet compares something else than the text that Kombo sends.",
			[]string{"Send an order whose signature is written in standard Base64, with + and / and padding.", "Send it rightly signed."},
			komboWrongAlphabet),
		one("reserialised", "The signature belongs to the bytes that came",
			"A service that parses the body and writes it anew before it computes the signature takes what Kombo never signed, and refuses what Kombo formats in another way.",
			[]string{"Send an order with indentation, signed as if it had none.", "Send it with indentation, rightly signed."},
			komboReserialised),
	}
}

// komboTwins sends one order spoiled in several ways, and then as it should be.
func (t *T) komboTwins(ctx context.Context, spoiled map[string]kombotest.DeliveryFault) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	id, _, ok := k.place(ctx, k.spec(), kombotest.Lost())
	if !ok {
		return
	}
	t.twins(ctx, k.twinsOf(id, spoiled))
}

func (k *kombo) twinsOf(id string, spoiled map[string]kombotest.DeliveryFault) twins {
	p := twins{twin: attempt{"rightly signed", k.again(id)}, taken: "taken", closed: "twin"}
	for _, name := range sorted(spoiled) {
		p.spoiled = append(p.spoiled, attempt{name, k.again(id, spoiled[name])})
	}
	return p
}

// again delivers an order.
func (k *kombo) again(id string, faults ...kombotest.DeliveryFault) func(context.Context) reply {
	return func(ctx context.Context) reply {
		d, err := k.sim.Redeliver(ctx, id, faults...)
		k.t.kitFault(err)
		return k.reply(d)
	}
}

// komboWrongAlphabet needs bytes whose signature is written differently in the two
// alphabets, padding apart; two in three are.
func komboWrongAlphabet(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	sender := t.raw(t.target.Kombo.Webhook)
	body := k.body(nil)
	for !strings.ContainsAny(kombotest.Sign(k.secret(), body), "-_") {
		if body = k.body(nil); body == nil {
			return
		}
	}
	right := kombotest.Sign(k.secret(), body)
	wrong := strings.NewReplacer("-", "+", "_", "/").Replace(right)
	t.twins(ctx, twins{
		spoiled: []attempt{
			{"signed in standard Base64", sender.kombo(wrong+"=", body)},
			{"signed in standard Base64 without padding", sender.kombo(wrong, body)},
		},
		twin: attempt{"rightly signed", sender.kombo(right, body)}, taken: "taken", closed: "twin",
	})
}

func komboReserialised(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	sender := t.raw(t.target.Kombo.Webhook)
	compact := k.body(nil)
	var indented bytes.Buffer
	if t.kitFault(json.Indent(&indented, compact, "", "  ")) {
		return
	}
	t.twins(ctx, twins{
		spoiled: []attempt{{"signed as if it were written in another way", sender.kombo(kombotest.Sign(k.secret(), compact), indented.Bytes())}},
		twin:    attempt{"rightly signed", sender.kombo(kombotest.Sign(k.secret(), indented.Bytes()), indented.Bytes())},
		taken:   "taken", closed: "twin",
	})
}

func (k *kombo) secret() string { return k.t.kit.cfg.Credentials.KomboSecret }

// body is the webhook of a new order, as Kombo writes it, for the raw sender.
func (k *kombo) body(change func(map[string]any)) []byte {
	id, _, err := k.sim.PlaceOrder(context.Background(), k.spec(), kombotest.Lost())
	if k.t.kitFault(err) {
		return nil
	}
	event, err := k.sim.OrderEvent(id)
	if k.t.kitFault(err) {
		return nil
	}
	members := map[string]any{"id": event.ID, "type": event.Type, "data": object(event.Data)}
	if change != nil {
		change(members)
	}
	body, err := json.Marshal(members)
	if k.t.kitFault(err) {
		return nil
	}
	return body
}

// kombo sends a webhook with the signature given.
func (r *raw) kombo(signature string, body []byte) func(context.Context) reply {
	return func(ctx context.Context) reply {
		header := http.Header{"Content-Type": {"application/json"}, kombotest.SignatureHeader: {signature}}
		return r.send(ctx, request{method: http.MethodPost, header: header, body: body, note: kombotest.EventOrderReceived})
	}
}
