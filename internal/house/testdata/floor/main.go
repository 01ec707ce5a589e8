// Command floor does what command linked does with the standard library alone:
// it checks a signature, decodes JSON, sends JSON, serves and logs.
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
)

type order struct {
	ID   string `json:"id"`
	Data struct {
		ID        string `json:"id"`
		Candidate struct {
			Email string `json:"email"`
		} `json:"candidate"`
	} `json:"data"`
}

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	body, err := json.Marshal(map[string]any{"status": "COMPLETED"})
	if err != nil {
		logger.Error("encode", "error", err)
		return
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, os.Getenv("URL"), bytes.NewReader(body))
	if err != nil {
		logger.Error("request", "error", err)
		return
	}
	response, err := http.DefaultClient.Do(request)
	logger.Info("published", "error", err, "response", response)
	http.HandleFunc("POST /kombo", func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mac := hmac.New(sha256.New, []byte(os.Getenv("SECRET")))
		mac.Write(raw)
		given, err := base64.RawURLEncoding.DecodeString(r.Header.Get("X-Kombo-Signature"))
		if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var o order
		if err := json.Unmarshal(raw, &o); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		logger.Info("order", "id", o.Data.ID)
	})
	logger.Error("server", "error", http.ListenAndServe(":8080", nil))
}
