package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/assessbridge/assessbridge/assessment"
)

// RenameAccount carries everything of a customer over to another name, as
// [DB.Rename] does for a connection: with Ashby, whose customers the host names, or
// where a StackOne account was made anew. It is one transaction; the same has to be
// seen to before. An order that is there under both names is an error, and nothing
// is changed then. Of an integration that is there under both, the older since
// counts.
func (d *DB) RenameAccount(ctx context.Context, vendor assessment.Vendor, connection, was, becomes string, by Act) error {
	if err := by.check(); err != nil {
		return err
	}
	if vendor == "" || was == "" || becomes == "" || was == becomes {
		return invalid("account", "needs a vendor, an account and another name")
	}
	before := assessment.OrderRef{Vendor: vendor, Connection: connection, Account: was}
	after := before
	after.Account = becomes
	return d.inTx(ctx, func(tx *sql.Tx) error {
		spans, err := d.spans(ctx, tx, vendor, connection, was)
		if err != nil {
			return err
		}
		for _, s := range spans {
			if err := d.moveSpan(ctx, tx, s, after); err != nil {
				return err
			}
		}
		if err := d.moveNamed(ctx, tx, before, after); err != nil {
			return err
		}
		return d.noteRenamed(ctx, tx, before, after, by)
	})
}

// moveSpan has the references of a span begin with another account, and the column
// of that name with them. Settled orders have none.
func (d *DB) moveSpan(ctx context.Context, tx *sql.Tx, s span, to assessment.OrderRef) error {
	ref, err := assessment.ParseOrderRef(s.first)
	if err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	begin := underAccount(to.Vendor, to.Connection, ref.Kind, to.Account)
	for _, c := range renamed {
		args := []any{s.first, s.last, begin}
		set := ""
		if c.table == "{orders}" || c.table == "{results}" || c.table == "{risks}" {
			set = `account = CASE WHEN account = '' THEN '' ELSE CAST($4 AS TEXT) END, `
			args = append(args, Account(to.Account))
		}
		if _, err := d.exec(ctx, tx, `UPDATE `+c.table+` SET `+set+c.moved(), args...); err != nil {
			return err
		}
	}
	return nil
}

// moveNamed moves gates, the integration and what is known of how the account orders.
func (d *DB) moveNamed(ctx context.Context, tx *sql.Tx, before, after assessment.OrderRef) error {
	for _, statement := range []string{
		`UPDATE {integrations} SET since = (SELECT MIN(since) FROM {integrations} WHERE route = $1 AND account IN ($2, $3))
			WHERE route = $1 AND account = $2`,
		`DELETE FROM {integrations} WHERE route = $1 AND account = $3 AND EXISTS (SELECT 1 FROM {integrations} WHERE route = $1 AND account = $2)`,
		`UPDATE {integrations} SET account = $3 WHERE route = $1 AND account = $2`,
		`DELETE FROM {gates} WHERE route = $1 AND account = $3 AND EXISTS (SELECT 1 FROM {gates} o
			WHERE o.route = $1 AND o.account = $2 AND o.what = {gates}.what AND o.cause = {gates}.cause AND o.under = {gates}.under)`,
		`UPDATE {gates} SET account = $3 WHERE route = $1 AND account = $2`,
		`DELETE FROM {habits} WHERE route = $1 AND account = $3 AND EXISTS (SELECT 1 FROM {habits} WHERE route = $1 AND account = $2)`,
		`UPDATE {habits} SET account = $3 WHERE route = $1 AND account = $2`,
	} {
		if _, err := d.exec(ctx, tx, statement, routeOf(before), Account(before.Account), Account(after.Account)); err != nil {
			return err
		}
	}
	return nil
}

// namesOf are the names that an account may have had, that of today first: it, or
// its connection, may have been renamed. A renaming takes the notes of earlier ones
// with it, so all are under the name of today.
func (d *DB) namesOf(ctx context.Context, today assessment.OrderRef) ([]assessment.OrderRef, error) {
	connections, accounts := []string{today.Connection}, []string{today.Account}
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var text string
		var detail Detail
		if err := scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &detail); err != nil {
			return err
		}
		if was, err := assessment.ParseOrderRef(detail.Was); err == nil { // an older release did not note it
			connections = append(connections, was.Connection)
			accounts = append(accounts, was.Account)
		}
		return nil
	}, `SELECT detail FROM {journal} WHERE ref IN ($1, $2) AND what = '`+NoteRenamed+`'`,
		accountRef(today), assessment.OrderRef{Vendor: today.Vendor, Connection: today.Connection}.String())
	var all []assessment.OrderRef
	for _, connection := range connections {
		for _, account := range accounts {
			name := assessment.OrderRef{Vendor: today.Vendor, Connection: connection, Account: account}
			if account != "" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all, err
}

// CheckAccounts refuses, with [ErrRenamed], a list of customers that names one who
// has no order yet while another one has who is not listed any more. That is what a
// customer under a new name looks like, whose every order would be taken for a new
// one. Call it at the start, with all customers of the connections that the list
// names. [DB.RenameAccount] carries the orders over; a customer who really left is
// offboarded ([DB.Offboard]), or listed for as long as there are orders. It takes a
// few looks into an index for each customer.
func (d *DB) CheckAccounts(ctx context.Context, customers iter.Seq2[Integration, error]) error {
	listed := make(map[assessment.OrderRef][]string) // by connection
	for c, err := range customers {
		if err == nil {
			err = c.check()
		}
		if err != nil {
			return fmt.Errorf("sqlstore: list of customers: %w", err)
		}
		of := assessment.OrderRef{Vendor: c.Vendor, Connection: c.Connection}
		listed[of] = append(listed[of], c.Account)
	}
	for of, accounts := range listed {
		known, err := d.accounts(ctx, of)
		if err != nil {
			return err
		}
		gone, fresh := known.without(accounts), setOf(accounts).without(slices.Collect(maps.Keys(known)))
		if len(gone) > 0 && len(fresh) > 0 {
			return fmt.Errorf("%w: %s has orders of %d customers that are not listed, %q the first, and %q is listed and has none; call RenameAccount or Offboard",
				ErrRenamed, routeOf(of), len(gone), gone[0], fresh[0])
		}
	}
	return nil
}

// accountSet is a set of names.
type accountSet map[string]bool

func setOf(all []string) accountSet {
	s := make(accountSet, len(all))
	for _, name := range all {
		s[name] = true
	}
	return s
}

// without returns what is in n and not in others, sorted.
func (n accountSet) without(others []string) []string {
	left := maps.Clone(n)
	for _, name := range others {
		delete(left, name)
	}
	return slices.Sorted(maps.Keys(left))
}

// accounts are those under which there are orders or results of a connection.
func (d *DB) accounts(ctx context.Context, of assessment.OrderRef) (accountSet, error) {
	known := make(accountSet)
	for _, c := range refColumns {
		if c.table != "{orders}" && c.table != "{results}" && c.table != "{claims}" {
			continue
		}
		whole := beginning(under(of.Vendor, of.Connection))
		for {
			ref, found, err := d.firstRef(ctx, d.db, c, whole)
			if err != nil {
				return nil, err
			}
			if !found {
				break
			}
			known[ref.Account] = true
			whole.first = beginning(underAccount(ref.Vendor, ref.Connection, ref.Kind, ref.Account)).last
		}
	}
	delete(known, "")
	return known, nil
}
