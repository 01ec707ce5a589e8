package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

const (
	maxResult      = 32 << 20 // large enough for a few reports
	publishTimeout = 5 * time.Minute
)

// results lets the provider's own systems hand in a result:
//
//	PUT /results?order=<text of the OrderRef>
//	Authorization: Bearer <token>
//
//	{"status": "completed", "score": {"value": 87.4, "max": 100}, "report_url": "https://…"}
func (v *service) results(token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := []byte(r.Header.Get("Authorization"))
		if token == "" || subtle.ConstantTimeCompare(given, []byte("Bearer "+token)) != 1 {
			http.Error(w, "not allowed", http.StatusUnauthorized)
			return
		}
		ref, err := assessment.ParseOrderRef(r.URL.Query().Get("order"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// A vendor that is busy may have us wait for minutes.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(publishTimeout + 10*time.Second))
		ctx, cancel := context.WithTimeout(r.Context(), publishTimeout)
		defer cancel()
		var result assessment.Result
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxResult)).Decode(&result); err != nil {
			http.Error(w, "not a result", http.StatusBadRequest)
			return
		}
		v.publish(ctx, w, ref, result)
	})
}

// write publishes a result, and notes that the test is over if it is final.
func (v *service) write(ctx context.Context, ref assessment.OrderRef, result assessment.Result) (assessment.Receipt, error) {
	receipt, err := v.router.PublishResult(ctx, ref, result)
	if err == nil && result.Status.Final() {
		v.provider.finish(ref)
	}
	return receipt, err
}

// publish answers in a way that a job queue understands: 503 is worth another
// try, everything else is not.
func (v *service) publish(ctx context.Context, w http.ResponseWriter, ref assessment.OrderRef, result assessment.Result) {
	receipt, err := v.write(ctx, ref, result)
	var invalid *assessment.ValidationError
	switch _, later := assessment.Retryable(err); {
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(receipt)
	case errors.As(err, &invalid):
		http.Error(w, invalid.Error(), http.StatusUnprocessableEntity)
	case later:
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	default:
		v.logger.ErrorContext(ctx, "result not published", "order", ref, "error", err)
		http.Error(w, "refused", http.StatusBadGateway)
	}
}
