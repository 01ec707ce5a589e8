package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

const maxResult = 1 << 20 // files are given by URL or Ref

// takeResult lets the provider's own systems hand in a result:
//
//	PUT /results?order=<text of the OrderRef>
//	Authorization: Bearer <token>
//
//	{"status": "completed", "score": {"value": 87.4, "max": 100}, "report_url": "https://…", "at": "…"}
//
// 202 says that it is stored for good, and will be written; the same again does
// no harm. 422 says what is wrong with it; after 503 try again.
func (v *service) takeResult(w http.ResponseWriter, r *http.Request) {
	ref, err := assessment.ParseOrderRef(r.URL.Query().Get("order"))
	if err != nil {
		http.Error(w, "order: not a reference", http.StatusBadRequest)
		return
	}
	var result assessment.Result
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxResult)).Decode(&result); err != nil {
		http.Error(w, "not a result", http.StatusBadRequest)
		return
	}
	done, err := v.publish(r.Context(), sqlstore.Message{Ref: ref, Result: result})
	var invalid *assessment.ValidationError
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(map[string]any{"seq": done.Seq, "duplicate": done.Duplicate})
	case errors.As(err, &invalid):
		http.Error(w, invalid.Error(), http.StatusUnprocessableEntity)
	default:
		v.logger.ErrorContext(r.Context(), "result not stored", "order", ref, "error", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	}
}

// publish stores a result and what it means to us in one transaction: it is
// written to the vendor if this commits, and never otherwise.
func (v *service) publish(ctx context.Context, m sqlstore.Message) (sqlstore.Published, error) {
	tx, err := v.db.BeginTx(ctx, nil)
	if err != nil {
		return sqlstore.Published{}, err
	}
	defer func() { _ = tx.Rollback() }() // no-op after the commit
	done, err := v.durable.PublishTx(ctx, tx, m)
	if err != nil {
		return done, err
	}
	if m.Result.Status.Final() {
		if _, err := tx.ExecContext(ctx, finish, m.Ref.String()); err != nil {
			return done, err
		}
	}
	return done, tx.Commit()
}

// guard asks for a token, as Bearer or as the password of Basic credentials,
// which browsers ask for.
func guard(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, given, ok := r.BasicAuth()
		if !ok {
			given = bearer(r)
		}
		if got := sha256.Sum256([]byte(given)); subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="assessbridge"`)
			http.Error(w, "not allowed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func bearer(r *http.Request) string {
	const scheme = "Bearer "
	if h := r.Header.Get("Authorization"); len(h) > len(scheme) && h[:len(scheme)] == scheme {
		return h[len(scheme):]
	}
	return ""
}
