package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// Offboarded counts what [Service.Offboard] removed, or would.
type Offboarded struct {
	sqlstore.Offboarded
	// Jobs are River's, Files those of the emergency folder. Neither has to be
	// confirmed: a job only points at rows.
	Jobs, Files int
	// JobsRunning are under way and stay. They find nothing, and River removes them
	// within an hour; call again to have them removed then.
	JobsRunning int
}

// Offboard removes a customer who has left from every table, River's included, and
// from the emergency folder; see [sqlstore.DB.Offboard].
func (s *Service) Offboard(ctx context.Context, vendor assessment.Vendor, connection, account string, o sqlstore.Offboarding) (Offboarded, error) {
	var done Offboarded
	of := assessment.OrderRef{Vendor: vendor, Connection: connection, Account: account}
	if o.Keep && !o.DryRun && s.config.Emergency != "" {
		// Those orders were accepted. They wait as the queued ones do.
		if err := s.takeIn(ctx); err != nil {
			return done, err
		}
	}
	var err error
	if done.Offboarded, err = s.store.Offboard(ctx, vendor, connection, account, o); err != nil {
		return done, err
	}
	if !o.DryRun && !done.Done {
		return done, nil
	}
	if done.Files, err = s.removeFiles(of, o.DryRun); err != nil {
		return done, err
	}
	done.Jobs, done.JobsRunning, err = s.removeJobs(ctx, of, o.DryRun)
	return done, err
}

// Readmit lets an account in again; see [sqlstore.DB.Readmit].
func (s *Service) Readmit(ctx context.Context, vendor assessment.Vendor, connection, account string, by sqlstore.Act) error {
	return s.store.Readmit(ctx, vendor, connection, account, by)
}

// removeFiles removes the orders of an account from the emergency folder. One that
// cannot be read stays: nobody knows whose it is.
func (s *Service) removeFiles(of assessment.OrderRef, dryRun bool) (int, error) {
	if s.config.Emergency == "" {
		return 0, nil
	}
	s.folder.Lock()
	defer s.folder.Unlock()
	saved, err := s.saved(func(o assessment.Order) bool {
		return o.Ref.Vendor == of.Vendor && o.Ref.Connection == of.Connection && o.Ref.Account == of.Account
	})
	if err != nil || dryRun {
		return len(saved), err
	}
	for _, o := range saved {
		if err := os.Remove(s.file(o.Ref)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, fmt.Errorf("durable: %w", err)
		}
	}
	return len(saved), nil
}

const (
	jobsAtOnce = 500
	// jobPatience is how long running jobs of an account are waited for.
	jobPatience = 5 * time.Second
	jobPoll     = 100 * time.Millisecond
)

// jobsOf finds the jobs of an account: an order's name its reference only.
const jobsOf = `SELECT id, CASE WHEN state = 'running' THEN 1 ELSE 0 END FROM %sriver_job WHERE kind IN (
  'assessbridge_order.v1', 'assessbridge_flush.v1', 'assessbridge_wake.v1', 'assessbridge_starts.v1') AND id > $1
AND (%s OR (%s = $3 AND %s = $4)) ORDER BY id LIMIT $5`

// jobSQL is what differs between the databases.
func (s *Service) jobSQL() (find, remove string) {
	if s.config.SQLite != nil {
		field := func(name string) string { return "args->>'" + name + "'" }
		find = fmt.Sprintf(jobsOf, "", field("ref")+" GLOB $2", field("route"), field("account"))
		remove = `DELETE FROM river_job WHERE state <> 'running' AND id IN (SELECT value FROM json_each($1))`
		return strings.ReplaceAll(find, "$", "?"), strings.ReplaceAll(remove, "$", "?")
	}
	schema := `"` + s.config.Schema + `".`
	return fmt.Sprintf(jobsOf, schema, "args->>'ref' LIKE $2", "args->>'route'", "args->>'account'"),
		`DELETE FROM ` + schema + `river_job WHERE state <> 'running' AND id IN (
		SELECT CAST(v AS BIGINT) FROM json_array_elements_text(CAST($1 AS json)) AS v)`
}

// refPattern matches the references of an account, of any kind: a reference has no
// more slashes than its five elements need.
func (s *Service) refPattern(of assessment.OrderRef) string {
	before, after, any := sqlstore.Route(of.Vendor, of.Connection), sqlstore.Account(of.Account), "%"
	if of.Connection == "" {
		before += "/"
	}
	escaped := strings.NewReplacer(`%`, `\%`, `_`, `\_`)
	if s.config.SQLite != nil {
		any, escaped = "*", strings.NewReplacer() // a reference has nothing that GLOB knows
	}
	return escaped.Replace(before) + "/" + any + "/" + escaped.Replace(after) + "/" + any
}

// removeJobs removes the jobs of an account, a portion at a time, and waits a little
// for those that run.
func (s *Service) removeJobs(ctx context.Context, of assessment.OrderRef, dryRun bool) (removed, running int, err error) {
	for until := time.Now().Add(jobPatience); ; {
		n, left, err := s.removeJobsOnce(ctx, of, dryRun)
		removed += n
		if err != nil || left == 0 || dryRun || time.Now().After(until) {
			return removed, left, err
		}
		select {
		case <-time.After(jobPoll):
		case <-ctx.Done():
			return removed, left, ctx.Err()
		}
	}
}

func (s *Service) removeJobsOnce(ctx context.Context, of assessment.OrderRef, dryRun bool) (removed, running int, err error) {
	_, remove := s.jobSQL()
	for after := int64(0); ; {
		ids, busy, last, err := s.portionOfJobs(ctx, of, after)
		if err != nil || last == 0 {
			return removed, running, err
		}
		running += busy
		after = last
		if removed += len(ids); dryRun || len(ids) == 0 {
			continue
		}
		list, err := json.Marshal(ids)
		if err != nil {
			return removed, running, fmt.Errorf("durable: %w", err)
		}
		if _, err := s.db.ExecContext(ctx, remove, string(list)); err != nil {
			return removed, running, fmt.Errorf("durable: %w", err)
		}
	}
}

// portionOfJobs returns the next jobs of an account that do not run, how many do, and the
// last number.
func (s *Service) portionOfJobs(ctx context.Context, of assessment.OrderRef, after int64) (ids []int64, running int, last int64, err error) {
	find, _ := s.jobSQL()
	rows, err := s.db.QueryContext(ctx, find, after, s.refPattern(of), sqlstore.Route(of.Vendor, of.Connection), sqlstore.Account(of.Account), jobsAtOnce)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("durable: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var busy int
		if err := rows.Scan(&last, &busy); err != nil {
			return nil, 0, 0, fmt.Errorf("durable: %w", err)
		}
		if busy == 1 {
			running++
		} else {
			ids = append(ids, last)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, 0, fmt.Errorf("durable: %w", err)
	}
	return ids, running, last, nil
}
