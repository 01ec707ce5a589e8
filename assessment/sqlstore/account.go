package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
)

// column is one that holds references.
type column struct{ table, name string }

// refColumns are all that hold references of orders. The journal has those of
// accounts and routes too, which are references without an id.
var refColumns = []column{
	{"{lanes}", "ref"}, {"{results}", "ref"}, {"{orders}", "ref"}, {"{claims}", "key"}, {"{claims}", "ref"},
	{"{subjects}", "ref"}, {"{journal}", "ref"},
}

// span is a range of references: from first, before last.
type span struct{ first, last string }

// beginning is the span of all references that begin with a text that ends with a
// slash. The last is the text with the character after the slash in its place.
func beginning(text string) span { return span{text, text[:len(text)-1] + "0"} }

// underAccount is how references of an account and a kind begin.
func underAccount(vendor assessment.Vendor, connection string, kind assessment.Kind, account string) string {
	return assessment.OrderRef{Vendor: vendor, Connection: connection, Kind: kind, Account: account}.String()
}

// accountRef is the reference under which the journal has what concerns an account
// and none of its orders.
func accountRef(ref assessment.OrderRef) string {
	return assessment.OrderRef{Vendor: ref.Vendor, Connection: ref.Connection, Account: ref.Account}.String()
}

// spans are the ranges in which the references of an account are, one for each kind
// of orders that the connection has. The kind stands before the account, so the
// account alone is no range.
func (d *DB) spans(ctx context.Context, r runner, vendor assessment.Vendor, connection, account string) ([]span, error) {
	var kinds []assessment.Kind
	for _, c := range refColumns {
		found, err := d.kinds(ctx, r, c, vendor, connection)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, found...)
	}
	slices.Sort(kinds)
	var all []span
	for _, kind := range slices.Compact(kinds) {
		all = append(all, beginning(underAccount(vendor, connection, kind, account)))
	}
	return all, nil
}

// kinds are those of a connection's references in a column. Each is found by one
// look into the index.
func (d *DB) kinds(ctx context.Context, r runner, c column, vendor assessment.Vendor, connection string) ([]assessment.Kind, error) {
	var kinds []assessment.Kind
	whole := beginning(under(vendor, connection))
	for {
		ref, found, err := d.firstRef(ctx, r, c, whole)
		if err != nil || !found {
			return kinds, err
		}
		kinds = append(kinds, ref.Kind)
		whole.first = beginning(strings.TrimSuffix(underAccount(vendor, connection, ref.Kind, ""), "/")).last
	}
}

// firstRef is the first reference of a span in a column.
func (d *DB) firstRef(ctx context.Context, r runner, c column, s span) (ref assessment.OrderRef, found bool, err error) {
	var text sql.NullString
	if _, err := d.row(ctx, r, []any{&text}, `SELECT MIN(`+c.name+`) FROM `+c.within(), s.first, s.last); err != nil || !text.Valid {
		return ref, false, err
	}
	if ref, err = assessment.ParseOrderRef(text.String); err != nil {
		return ref, false, fmt.Errorf("sqlstore: reference in the database: %w", err)
	}
	return ref, true, nil
}

// within is the column's table, limited to the span $1 to $2. The comparison with
// the empty text is the condition of an index.
func (c column) within() string {
	return strings.ReplaceAll(c.table+` WHERE % >= $1 AND % < $2 AND % <> ''`, "%", c.name)
}
