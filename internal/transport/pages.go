package transport

import (
	"context"
	"errors"
	"iter"
	"strings"
)

var errRepeatedCursor = errors.New("the vendor returned the same cursor twice")

// Pages walks through a list page by page. Fetch returns one page and the
// cursor of the next; the first cursor is empty, and an empty or blank one ends
// the list. An empty page with a cursor does not.
//
// Nothing is fetched before the range begins, and every range begins anew. The
// range ends after an error.
func Pages[T any](ctx context.Context, fetch func(ctx context.Context, cursor string) (page []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		seen := map[string]bool{"": true}
		for cursor := ""; ; {
			page, next, err := fetch(ctx, cursor)
			for _, item := range page { // also those that came with an error
				if !yield(item, nil) {
					return
				}
			}
			if err != nil {
				yield(zero, err)
				return
			}
			if strings.TrimSpace(next) == "" {
				return
			}
			if seen[next] {
				yield(zero, errRepeatedCursor)
				return
			}
			seen[next] = true
			cursor = next
		}
	}
}
