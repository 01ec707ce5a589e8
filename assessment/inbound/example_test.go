package inbound_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/webhook"
)

// acme handles the orders of a vendor that this module does not know.
type acme struct {
	inbound  *inbound.Handler
	verifier *webhook.Verifier
	intake   *assessment.Intake
}

func (h *acme) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
		body, reply, ok := h.inbound.Signed(h.verifier, w, r, d)
		if !ok {
			return reply
		}
		var wire struct{ Customer, Order, Package string }
		if err := json.Unmarshal(body, &wire); err != nil {
			return inbound.Refuse("not an order", err)
		}
		order := assessment.Order{
			Ref:     assessment.OrderRef{Vendor: "acme", Account: wire.Customer, ID: wire.Order},
			Package: assessment.Package{ID: wire.Package},
			Raw:     body, ReceivedAt: time.Now().UTC(),
		}
		d.Event, d.Account, d.Order = "order", order.Ref.Account, order.Ref
		accepted, err := h.intake.Start(r.Context(), order)
		if err != nil {
			return inbound.Failed(err, h.reject)
		}
		return inbound.JSON(http.StatusOK, map[string]string{"link": accepted.Started.CandidateURL}, inbound.Taken(accepted))
	})
}

// reject is how this vendor wants to be told no.
func (h *acme) reject(no *assessment.Rejection) inbound.Reply {
	return inbound.Rejected(http.StatusConflict, map[string]string{"reason": no.Message}, no)
}

type shop struct{}

func (shop) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Package.ID != "go-test" {
		return assessment.Started{}, assessment.Reject("There is no such test.")
	}
	return assessment.Started{CandidateURL: "https://tests.example.com/t/" + o.Ref.ID}, nil
}
func (shop) CancelOrder(context.Context, assessment.OrderRef) error { return nil }
func (shop) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

// A handler for a vendor of your own: the order of work, the answers and the
// reports are those of the handlers of this module.
func Example() {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: shop{}, Store: assessment.NewMemoryStore(0)})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := webhook.NewVerifier(webhook.Scheme{Header: "Acme-Signature", Encoding: webhook.Base64}, webhook.Secret{Key: "key"})
	if err != nil {
		log.Fatal(err)
	}
	shared, err := inbound.New(inbound.Config{Vendor: "acme", Observer: assessment.Observer{
		Delivery: func(_ context.Context, d assessment.Delivery) { fmt.Println("observed:", d.Outcome, d.StatusCode) },
	}})
	if err != nil {
		log.Fatal(err)
	}
	handler := &acme{shared, verifier, intake}

	// In a server: without these two a sender that stops in the middle of its
	// headers or its body holds a connection for ever.
	_ = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}

	post := func(body, signature string) {
		r := httptest.NewRequest(http.MethodPost, "/hooks/acme", strings.NewReader(body))
		r.Header.Set("Acme-Signature", signature)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	for _, body := range []string{
		`{"customer":"globex","order":"o-1","package":"go-test"}`,
		`{"customer":"globex","order":"o-1","package":"go-test"}`,
		`{"customer":"globex","order":"o-2","package":"cobol-test"}`,
	} {
		post(body, verifier.Sign([]byte(body)))
	}
	post("{}", "forged")
	// Output:
	// observed: accepted 200
	// 200 {"link":"https://tests.example.com/t/o-1"}
	// observed: replayed 200
	// 200 {"link":"https://tests.example.com/t/o-1"}
	// observed: rejected 409
	// 409 {"reason":"There is no such test."}
	// observed: refused 401
	// 401 signature not accepted
}
