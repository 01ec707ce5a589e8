package stackonetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// An order is placed on the provider's webhook endpoint, the provider writes its
// result through the API, and the test looks at what the ATS holds.
func Example() {
	stackone, err := stackonetest.New(stackonetest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stackone.Close()

	stackone.Target(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get(stackonetest.SignatureHeader) != stackonetest.Sign(stackonetest.DefaultWebhookSecret, body) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	ctx := context.Background()
	id, delivery, err := stackone.PlaceOrder(ctx, stackonetest.OrderSpec{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("webhook:", delivery.Outcome)

	address := stackonetest.BaseURL + "/unified/ats/assessments/orders/" + url.PathEscape(id) + "/result"
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, address, strings.NewReader(`{"score":{"value":"80"},"result":{"value":"passed"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	request.SetBasicAuth(stackonetest.DefaultAPIKey, "")
	request.Header.Set(stackonetest.AccountHeader, stackonetest.DefaultAccount)
	request.Header.Set("Content-Type", "application/json")
	response, err := stackone.Client().Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = response.Body.Close() }()

	order, _ := stackone.Order(stackonetest.DefaultAccount, id)
	fmt.Println("result:", response.StatusCode, order.State.Result.Value)
	fmt.Println("the recruiter sees:", order.Shown())
	// Output:
	// webhook: accepted
	// result: 200 passed
	// the recruiter sees: map[score.value:80]
}

// The answer of a packages endpoint is checked against its documented form.
func ExampleServer_RequestPackages() {
	stackone, err := stackonetest.New(stackonetest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stackone.Close()

	stackone.PackagesTarget(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"data": []map[string]string{{"id": "PACKAGE_5421"}}})
	}))
	answer := stackone.RequestPackages(context.Background(), stackonetest.PackagesRequest{})
	fmt.Println("the recruiter sees:", answer.View)
	fmt.Println(answer.Violations)
	// Output:
	// the recruiter sees: ATS error
	// [data[0].name is missing]
}
