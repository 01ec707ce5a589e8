package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// commandsPath begins the path of every command on the second port.
const commandsPath = "/commands/"

const (
	maxQuestion = 1 << 20
	commandTime = 30 * time.Second
	vendorTime  = 5 * time.Minute // where a vendor is asked, within its limit
	rowsAtOnce  = 1000
)

// timeOf is how long a command may take.
func timeOf(name string) time.Duration {
	if name == "backfill" {
		return vendorTime
	}
	return commandTime
}

// protected lets operators through: a request under a name that this port is not
// known by comes from a browser that was led here (DNS rebinding), and so does a
// write from another origin.
func protected(s settings, next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(guard(s.OpsToken, next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.operatorsHost(r.Host) {
			http.Error(w, "unknown host name; see ops_hosts", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// operatorsHost says whether the second port is meant: by an address, which no name
// server can hand out, by localhost, or by a name that is configured.
func (s settings) operatorsHost(host string) bool {
	name := hostname(host)
	if name == "" {
		return false
	}
	return net.ParseIP(name) != nil || name == "localhost" || name == hostname(s.OpsListen) ||
		slices.ContainsFunc(s.OpsHosts, func(one string) bool { return hostname(one) == name })
}

// hostname is the host of host:port, in small letters.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// commands is the handler of the operator's commands.
func (v *service) commands() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+commandsPath+"attention", answering(v, "attention", v.listAttention))
	mux.Handle("POST "+commandsPath+"redrive", answering(v, "redrive", v.redrive))
	mux.Handle("POST "+commandsPath+"discard", answering(v, "discard", v.discard))
	mux.Handle("POST "+commandsPath+"reject", answering(v, "reject", v.reject))
	mux.Handle("POST "+commandsPath+"hot", answering(v, "hot", v.hot))
	mux.Handle("POST "+commandsPath+"since", answering(v, "since", v.since))
	mux.Handle("POST "+commandsPath+"backfill", answering(v, "backfill", v.backfill))
	mux.Handle("POST "+commandsPath+"at-risk", answering(v, "at-risk", v.atRisk))
	mux.Handle("POST "+commandsPath+"accounts", answering(v, "accounts", v.accounts))
	mux.Handle("POST "+commandsPath+"switch", answering(v, "switch", v.turn))
	mux.Handle("POST "+commandsPath+"gates", answering(v, "gates", v.gates))
	mux.Handle("POST "+commandsPath+"erase", answering(v, "erase", v.erase))
	mux.Handle("POST "+commandsPath+"subject", answering(v, "subject", v.subject))
	mux.Handle("POST "+commandsPath+"offboard", answering(v, "offboard", v.offboard))
	mux.Handle("POST "+commandsPath+"readmit", answering(v, "readmit", v.readmit))
	mux.Handle("POST "+commandsPath+"timeline", answering(v, "timeline", v.timeline))
	return mux
}

// wrong is a question that cannot be answered as it is.
type wrong struct{ error }

// no is a question whose answer is no.
type no struct{ error }

// answering reads a question as JSON and writes the answer. What failed is in the
// log; the operator reads what can be done.
func answering[Q, A any](v *service, name string, answer func(context.Context, Q) (A, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
			return
		}
		var question Q
		read := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
		read.DisallowUnknownFields()
		if err := read.Decode(&question); err != nil || !errors.Is(read.Decode(new(any)), io.EOF) {
			http.Error(w, "the question cannot be read: are service and command of the same release?", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeOf(name))
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeOf(name) + 10*time.Second))
		found, err := answer(ctx, question)
		var bad wrong
		var not no
		switch {
		case errors.As(err, &bad):
			http.Error(w, bad.Error(), http.StatusBadRequest)
		case errors.As(err, &not):
			http.Error(w, not.Error(), http.StatusConflict)
		case errors.Is(err, context.DeadlineExceeded):
			http.Error(w, "it takes too long; what was done is kept, so call again", http.StatusServiceUnavailable)
		case err != nil:
			v.logger.WarnContext(ctx, "command failed", "command", name, "error", err)
			http.Error(w, "the database is away", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(found)
		}
	})
}

// byHand logs an act. Its reason is in the journal.
func (v *service) byHand(ctx context.Context, name string, act sqlstore.Act, changed int, dryRun bool) {
	if !dryRun {
		v.logger.InfoContext(ctx, "by hand", "command", name, "actor", act.Actor, "changed", changed)
	}
}
