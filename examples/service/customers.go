package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// deleted is the state of a customer who is gone.
const deleted = "DELETED"

const setCustomer = `
INSERT INTO customers (vendor, account, state, since, catalogue) VALUES ($1, $2, $3, $4, '')
ON CONFLICT (vendor, account) DO UPDATE SET state = excluded.state`

// setCustomer remembers a customer. What follows from it is done by upkeep, as
// often as it takes.
func (v *service) setCustomer(ctx context.Context, vendor assessment.Vendor, account, state string) error {
	if _, err := v.db.ExecContext(ctx, setCustomer, string(vendor), account, state, time.Now().UnixMilli()); err != nil {
		return err
	}
	select {
	case v.news <- struct{}{}:
	default: // it is told already
	}
	return nil
}

// integrations lists Kombo's customers: their open orders are asked for, so that
// one whose webhook was lost is found. An order from before the customer was known
// is somebody else's.
func (v *service) integrations(ctx context.Context) iter.Seq2[sqlstore.Integration, error] {
	return func(yield func(sqlstore.Integration, error) bool) {
		err := v.addSettled(ctx)
		var customers []komboCustomer
		if err == nil {
			customers, err = v.komboCustomers(ctx)
		}
		if err != nil {
			yield(sqlstore.Integration{}, err)
			return
		}
		for _, c := range customers {
			if !yield(sqlstore.Integration{Vendor: assessment.Kombo, Account: c.account, Since: time.UnixMilli(c.since)}, nil) {
				return
			}
		}
	}
}

// addSettled takes in the customers of the settings who are not known yet.
func (v *service) addSettled(ctx context.Context) error {
	const known = `INSERT INTO customers (vendor, account, state, since, catalogue) VALUES ($1, $2, 'ACTIVE', $3, '') ON CONFLICT DO NOTHING`
	for _, account := range v.settings.Integrations {
		if _, err := v.db.ExecContext(ctx, known, string(assessment.Kombo), account, time.Now().UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// upkeep gives Kombo's customers the catalogue, at once, after every change and
// regularly. Any number of processes may do it at the same time.
func (v *service) upkeep(ctx context.Context) {
	if v.kombo == nil {
		return
	}
	for {
		if err := v.submitCatalogue(ctx); err != nil && ctx.Err() == nil {
			v.logger.WarnContext(ctx, "upkeep", "error", err)
		}
		select {
		case <-time.After(v.settings.CatalogueEvery):
		case <-v.news:
		case <-ctx.Done():
			return
		}
	}
}

// komboCustomer is what we know of a customer. Its catalogue is a hash of what was
// submitted last.
type komboCustomer struct {
	account, catalogue string
	since              int64
}

func (v *service) submitCatalogue(ctx context.Context) error {
	if err := v.addSettled(ctx); err != nil {
		return err
	}
	customers, err := v.komboCustomers(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(v.provider.packages)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	catalogue := hex.EncodeToString(sum[:])
	for _, c := range customers {
		if c.catalogue == catalogue {
			continue
		}
		if _, err := v.kombo.SetPackages(ctx, c.account, v.provider.packages); err != nil {
			v.logger.WarnContext(ctx, "catalogue not submitted", "account", c.account, "error", err)
			continue
		}
		if _, err := v.db.ExecContext(ctx, `UPDATE customers SET catalogue = $1 WHERE vendor = $2 AND account = $3`,
			catalogue, string(assessment.Kombo), c.account); err != nil {
			return err
		}
	}
	return nil
}

func (v *service) komboCustomers(ctx context.Context) (all []komboCustomer, err error) {
	rows, err := v.db.QueryContext(ctx, `SELECT account, catalogue, since FROM customers WHERE vendor = $1 AND state = 'ACTIVE' ORDER BY account`,
		string(assessment.Kombo))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c komboCustomer
		if err := rows.Scan(&c.account, &c.catalogue, &c.since); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}
