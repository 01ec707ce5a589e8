package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
)

// ErrRenamed: a vendor's connection has another name than before, so that every
// order would be taken for a new one.
var ErrRenamed = errors.New("sqlstore: the database has orders of a connection that is not configured")

// under is how references of a connection begin.
func under(vendor assessment.Vendor, connection string) string {
	kind := assessment.OrderRef{Vendor: vendor, Connection: connection}.String()
	return strings.TrimSuffix(kind, "//") // what stays ends with the connection's slash
}

// CheckConnections refuses, with [ErrRenamed], connections that have no order yet
// while another one of the same vendor has, which is not configured any more. Call
// it at the start; [DB.Rename] carries the orders over.
func (d *DB) CheckConnections(ctx context.Context, publishers []assessment.Publisher) error {
	configured := make(map[assessment.Vendor][]string)
	for _, p := range publishers {
		configured[p.Vendor()] = append(configured[p.Vendor()], p.Connection())
	}
	for vendor, connections := range configured {
		known, err := d.connections(ctx, vendor)
		if err != nil {
			return err
		}
		for _, was := range known {
			if slices.Contains(connections, was) {
				continue
			}
			for _, now := range connections {
				if !slices.Contains(known, now) {
					return fmt.Errorf("%w: %s has orders under %q and is configured as %q; call Rename", ErrRenamed, vendor, was, now)
				}
			}
		}
	}
	return nil
}

// connections are those under which there are orders or results of a vendor. Each
// is found by one look into the index.
func (d *DB) connections(ctx context.Context, vendor assessment.Vendor) ([]string, error) {
	var known []string
	for _, table := range []string{"{orders}", "{results}"} {
		first, last := string(vendor)+"/", string(vendor)+"0" // the character after the slash
		for {
			var text sql.NullString
			if _, err := d.row(ctx, d.db, []any{&text}, `SELECT MIN(ref) FROM `+table+` WHERE ref >= $1 AND ref < $2`, first, last); err != nil {
				return nil, err
			}
			if !text.Valid {
				break
			}
			ref, err := assessment.ParseOrderRef(text.String)
			if err != nil {
				return nil, fmt.Errorf("sqlstore: reference in the database: %w", err)
			}
			if !slices.Contains(known, ref.Connection) {
				known = append(known, ref.Connection)
			}
			begin := under(ref.Vendor, ref.Connection)
			first = begin[:len(begin)-1] + "0"
		}
	}
	return known, nil
}

// renamed are the columns that begin with a connection.
var renamed = append(slices.Clone(refColumns), column{"{gates}", "under"}, column{"{risks}", "ref"})

// Rename carries everything of a vendor's connection over to another name, in one
// transaction. Stop the processes before, see that the emergency folder is empty,
// and rename the references that the host has stored too. Orders are found by
// candidate under the new name. An order without a vendor's id (Ashby) that is
// repeated later is a new one.
func (d *DB) Rename(ctx context.Context, vendor assessment.Vendor, was, becomes string, by Act) error {
	if err := by.check(); err != nil {
		return err
	}
	if vendor == "" || was == becomes {
		return invalid("connection", "needs a vendor and another name")
	}
	begin, now := under(vendor, was), under(vendor, becomes)
	return d.inTx(ctx, func(tx *sql.Tx) error {
		for _, r := range renamed {
			s := beginning(begin)
			if _, err := d.exec(ctx, tx, `UPDATE `+r.table+` SET `+r.moved(), s.first, s.last, now); err != nil {
				return err
			}
		}
		for _, table := range []string{"{orders}", "{results}", "{gates}", "{integrations}", "{habits}", "{risks}"} {
			if _, err := d.exec(ctx, tx, `UPDATE `+table+` SET route = $2 WHERE route = $1`, Route(vendor, was), Route(vendor, becomes)); err != nil {
				return err
			}
		}
		return d.noteRenamed(ctx, tx, assessment.OrderRef{Vendor: vendor, Connection: was}, assessment.OrderRef{Vendor: vendor, Connection: becomes}, by)
	})
}

// moved has the references of the span $1 to $2 begin with $3 instead of $1.
func (c column) moved() string {
	return c.name + ` = CAST($3 AS TEXT) || substr(` + c.name + `, length(CAST($1 AS TEXT)) + 1) ` +
		c.within()[len(c.table)+1:]
}

func (d *DB) noteRenamed(ctx context.Context, tx *sql.Tx, was, becomes assessment.OrderRef, by Act) error {
	detail := by.detail(0)
	detail.Was = was.String()
	return d.note(ctx, tx, becomes, NoteRenamed, detail)
}
