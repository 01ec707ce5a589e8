package kombotest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// A provider accepts an order and writes its result.
func Example() {
	kombo, err := kombotest.New(kombotest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kombo.Close()
	kombo.Target(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	}))

	ctx := context.Background()
	id, delivery, err := kombo.PlaceOrder(ctx, kombotest.OrderSpec{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("order:", delivery.Outcome)

	fmt.Println("result:", writeResult(ctx, kombo.Client(), kombotest.BaseURLEU, id))
	order, _ := kombo.Order(id)
	result, _ := order.Final()
	fmt.Println(order.Status, result.Score, "of", result.MaxScore)
	// Output:
	// order: accepted
	// result: 200
	// COMPLETED 87.4 of 100
}

// writeResult stands for the client under test.
func writeResult(ctx context.Context, client *http.Client, baseURL, orderID string) int {
	body := `{"status":"COMPLETED","result_url":"https://example.com/r/1","completed_at":"2026-06-30T12:00:00Z","score":87.4,"max_score":100}`
	url := baseURL + "/assessment/orders/" + orderID + "/result"
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+kombotest.DefaultAPIKey)
	r.Header.Set("X-Integration-Id", kombotest.DefaultIntegration)
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// The first write is applied but answered with an error, the second is throttled.
func ExampleServer_Fail() {
	kombo, err := kombotest.New(kombotest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kombo.Close()
	kombo.Fail(kombotest.OpUpdateResult,
		kombotest.AppliedThen(kombotest.Status(500, "PLATFORM.UNKNOWN_ERROR")),
		kombotest.RateLimited().Header("Retry-After", "2"),
	)

	ctx := context.Background()
	id, _, err := kombo.PlaceOrder(ctx, kombotest.OrderSpec{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		status := writeResult(ctx, kombo.Client(), kombotest.BaseURLEU, id)
		order, _ := kombo.Order(id)
		fmt.Println(status, order.Status)
	}
	// Output:
	// 500 COMPLETED
	// 429 COMPLETED
}

// A provider must not start an order whose signature is wrong, and an order with
// fields missing is still an order.
func ExampleServer_PlaceOrder_faults() {
	kombo, err := kombotest.New(kombotest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kombo.Close()
	kombo.Target(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(kombotest.SignatureHeader) == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))

	for _, fault := range []kombotest.DeliveryFault{
		kombotest.MissingSignature(),
		kombotest.AbsentFields("candidate.phone", "job.location"),
	} {
		_, delivery, err := kombo.PlaceOrder(context.Background(), kombotest.OrderSpec{}, fault)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(fault, "→", delivery.Status, delivery.Outcome)
	}
	// Output:
	// missing signature → 401 failed
	// absent fields=candidate.phone,job.location → 200 accepted
}
