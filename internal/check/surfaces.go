package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// surface is an endpoint of the service and a harmless request that it accepts, for
// checks that look at HTTP alone.
type surface struct {
	name   string
	sender *raw
	// header is that of the request for a body: the signature depends on it.
	header func(body []byte) http.Header
	// forged is a header that looks right and proves nothing.
	forged func() http.Header
	body   []byte
}

// surfaces are the endpoints of all vendors that the service serves.
func (t *T) surfaces() []surface {
	var all []surface
	secrets := t.kit.cfg.Credentials
	signed := func(name, value string) http.Header {
		return http.Header{"Content-Type": {"application/json"}, name: {value}}
	}
	if e := t.target.Kombo.Webhook; e.IsSet() {
		all = append(all, surface{
			name: "Kombo's webhook", sender: t.raw(e),
			header: func(body []byte) http.Header {
				return signed(kombotest.SignatureHeader, kombotest.Sign(secrets.KomboSecret, body))
			},
			forged: func() http.Header { return signed(kombotest.SignatureHeader, kombotest.Sign("nobody's", nil)) },
			body:   t.json(map[string]any{"id": fmt.Sprintf("probe-%x", t.seed), "type": "conformance-probe", "data": map[string]any{}}),
		})
	}
	if e := t.target.StackOne.Webhook; e.IsSet() {
		now := t.kit.cfg.Clock().UTC().Format("2006-01-02T15:04:05.000Z")
		all = append(all, surface{
			name: "StackOne's webhook", sender: t.raw(e),
			header: func(body []byte) http.Header {
				return signed(stackonetest.SignatureHeader, stackonetest.Sign(secrets.StackOneSecret, body))
			},
			forged: func() http.Header { return signed(stackonetest.SignatureHeader, stackonetest.Sign("nobody's", nil)) },
			body: t.json(map[string]any{
				"project_id": stackonetest.DefaultProjectID, "account_id": fmt.Sprintf("%d", t.seed), "event": "conformance.probe", "event_date": now,
				"record_type": "conformance", "record_id": "1", "sent_at": now,
			}),
		})
	}
	if e := t.target.Ashby.Base; e.IsSet() {
		keyed := func(key string) http.Header {
			r := http.Request{Header: http.Header{"Content-Type": {"application/json"}}}
			r.SetBasicAuth(key, "")
			return r.Header
		}
		all = append(all, surface{
			name: "Ashby's " + ashbytest.OpList, sender: t.raw(e.below(ashbytest.OpList)),
			header: func([]byte) http.Header { return keyed(secrets.Ashby[0].PartnerKey) },
			forged: func() http.Header { return keyed("nobody's-key") },
			body:   []byte("{}"),
		})
	}
	return all
}

// below is the endpoint of an operation under a base.
func (e Endpoint) below(op string) Endpoint {
	if e.Handler != nil {
		e.Path = strings.TrimSuffix(e.path(), "/") + "/" + op
		return e
	}
	e.URL = strings.TrimSuffix(e.URL, "/") + "/" + op
	return e
}

func (t *T) json(v any) []byte {
	b, err := json.Marshal(v)
	t.kitFault(err)
	return b
}

// sends is an attempt with the surface's request, changed.
func (s surface) sends(note string, change func(*request)) func(context.Context) reply {
	return func(ctx context.Context) reply {
		q := request{method: http.MethodPost, header: s.header(s.body), body: s.body, note: note}
		if change != nil {
			change(&q)
		}
		return s.sender.send(ctx, q)
	}
}

// twin is the request as it should be.
func (s surface) twin() attempt {
	return attempt{"as it should be, to " + s.name, s.sends("a request as it should be", nil)}
}
