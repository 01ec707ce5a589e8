// Command floor does what command only does, with the standard library alone: a
// client that lists packages and tries again, a server that verifies and decodes
// events, and a logger.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"time"
)

type packages struct {
	Data struct {
		Packages []struct {
			ID          string `json:"id"`
			Type        string `json:"type"`
			Name        string `json:"name"`
			Description string `json:"description"`
		} `json:"packages"`
	} `json:"data"`
}

type failure struct {
	Status int
	Err    struct {
		Code    string `json:"code"`
		Title   string `json:"title"`
		Message string `json:"message"`
		LogURL  string `json:"log_url"`
	} `json:"error"`
}

func (f *failure) Error() string {
	return fmt.Sprintf("kombo: %d: %s: %s", f.Status, f.Err.Code, f.Err.Message)
}

type event struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data order  `json:"data"`
}

type order struct {
	ID            string `json:"id"`
	IntegrationID string `json:"integration_id"`
	PackageID     string `json:"package_id"`
	Status        string `json:"status"`
	Candidate     struct {
		RemoteID  string `json:"remote_id"`
		Email     string `json:"email"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		Phone     string `json:"phone"`
	} `json:"candidate"`
	Application struct {
		RemoteID string `json:"remote_id"`
	} `json:"application"`
	Job struct {
		RemoteID    string            `json:"remote_id"`
		Name        string            `json:"name"`
		JobCode     string            `json:"job_code"`
		Description string            `json:"description"`
		Location    map[string]string `json:"location"`
		HiringTeam  []struct {
			Email string   `json:"email"`
			Roles []string `json:"hiring_team_roles"`
		} `json:"hiring_team"`
	} `json:"job"`
}

func get(ctx context.Context, client *http.Client, url, key, integration string) (*packages, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for attempt := range 5 {
		got, wait, err := once(ctx, client, url, key, integration)
		if err == nil || wait < 0 {
			return got, err
		}
		wait += rand.N(time.Second << attempt)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, errors.New("gave up")
}

func once(ctx context.Context, client *http.Client, url, key, integration string) (*packages, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/assessment/packages", nil)
	if err != nil {
		return nil, -1, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("X-Integration-Id", integration)
	response, err := client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err != nil {
		return nil, 0, err
	}
	if response.StatusCode != http.StatusOK {
		f := &failure{Status: response.StatusCode}
		if err := json.Unmarshal(body, f); err != nil {
			return nil, 0, err
		}
		seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil {
			seconds = -1
		}
		return nil, time.Duration(seconds) * time.Second, f
	}
	got := new(packages)
	return got, -1, json.Unmarshal(body, got)
}

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	got, err := get(context.Background(), http.DefaultClient, os.Getenv("URL"), os.Getenv("KEY"), os.Getenv("INTEGRATION"))
	logger.Info("packages", "error", err, "packages", got)
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
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		logger.Info("event", "id", e.ID, "type", e.Type)
	})
	logger.Error("server", "error", http.ListenAndServe(":8080", nil))
}
