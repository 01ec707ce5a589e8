// Command only imports nothing of the module but package kombo: a client, a
// server that decodes events, and a logger.
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/assessbridge/assessbridge/kombo"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	client, err := kombo.New(kombo.Config{APIKey: os.Getenv("KEY"), Logger: logger})
	if err != nil {
		logger.Error("client", "error", err)
		return
	}
	packages, err := client.Packages(context.Background(), os.Getenv("INTEGRATION"))
	logger.Info("packages", "error", err, "count", len(packages))
	verifier, err := kombo.NewVerifier()
	if err != nil {
		logger.Error("verifier", "error", err)
		return
	}
	http.HandleFunc("POST /kombo", func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if _, err := verifier.Verify(r.Header, raw); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		event, err := kombo.ParseEvent(raw)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		logger.Info("event", "event", event)
	})
	logger.Error("server", "error", http.ListenAndServe(":8080", nil))
}
