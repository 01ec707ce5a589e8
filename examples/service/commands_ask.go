package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// remote is a running service, as its operator reaches it.
type remote struct {
	base, token string
	client      *http.Client
}

const (
	askMargin = 10 * time.Second
	maxAnswer = 64 << 20
	maxText   = 1 << 10 // of an error
)

// newRemote takes the token from the service's own settings: on a command line it
// could be read by others.
func newRemote(c settings, address string) (remote, error) {
	base, err := baseURL(address, c.OpsListen)
	if err != nil {
		return remote{}, err
	}
	if c.OpsToken == "" {
		return remote{}, misused("%sOPS_TOKEN is missing: set it here as for the service, which takes no commands without one", prefix)
	}
	return remote{base: base, token: c.OpsToken, client: &http.Client{
		Transport: &http.Transport{}, // no proxy: the token is for the service alone
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}, nil
}

// ask sends a question to a command of the service.
func (r remote) ask(ctx context.Context, command string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, timeOf(command)+askMargin)
	defer cancel()
	request, err := http.NewRequestWithContext(bounded, http.MethodPost, r.base+commandsPath+command, bytes.NewReader(body))
	if err != nil {
		return misused("--service: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Content-Type", "application/json")
	reply, err := r.client.Do(request)
	if ctx.Err() != nil {
		return refused("interrupted")
	}
	if err != nil {
		return unreachable("no service at %s: %w", r.base, err)
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode != http.StatusOK {
		return r.refusal(reply)
	}
	if kind, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type")); kind != "application/json" {
		return unreachable("what answers at %s is not the service", r.base)
	}
	if err := json.NewDecoder(io.LimitReader(reply.Body, maxAnswer)).Decode(answer); err != nil {
		return unreachable("the answer of %s was cut off: %w", r.base, err)
	}
	return nil
}

// refusal is what an answer that is no success means for the operator.
func (r remote) refusal(reply *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(reply.Body, maxText))
	said := errors.New(printable(strings.TrimSpace(string(text))))
	switch status := reply.StatusCode; {
	case status == http.StatusUnauthorized:
		return refused("the service has another ops_token")
	case status == http.StatusNotFound:
		return refused("nothing takes commands at %s: the service has no ops_token, or is of an older release, or it is another port", r.base)
	case status == http.StatusBadRequest:
		return misused("%w", said)
	case status >= 500:
		return unreachable("the service at %s answers %d: %w", r.base, status, said)
	case status >= 300 && status < 400:
		return unreachable("what answers at %s is not the service: status %d", r.base, status)
	default:
		return refused("%w", said)
	}
}

// printable is a text without what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// baseURL is where the second port is, from a flag or from where the service
// listens.
func baseURL(address, listens string) (string, error) {
	if address == "" {
		address = listens
	}
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			return "", misused("--service: want host:port or http://host:port")
		}
		return strings.TrimSuffix(u.Scheme+"://"+u.Host+u.Path, "/"), nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return "", misused("--service: want host:port or http://host:port")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere
	}
	return "http://" + net.JoinHostPort(host, port), nil
}
