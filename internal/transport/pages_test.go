package transport

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

type page struct {
	items []int
	next  string
}

// book serves pages by cursor and notes the cursors it was asked for.
func book(asked *[]string, pages map[string]page) func(context.Context, string) ([]int, string, error) {
	return func(_ context.Context, cursor string) ([]int, string, error) {
		*asked = append(*asked, cursor)
		p, ok := pages[cursor]
		if !ok {
			return nil, "", errors.New("no such page")
		}
		return p.items, p.next, nil
	}
}

func collect(t *testing.T, fetch func(context.Context, string) ([]int, string, error)) (items []int, err error) {
	for item, e := range Pages(t.Context(), fetch) {
		require.NoError(t, err, "the range went on after an error")
		if err = e; e == nil {
			items = append(items, item)
		}
	}
	return items, err
}

func TestPages(t *testing.T) {
	for name, c := range map[string]struct {
		pages map[string]page
		items []int
		asked []string
		err   string
	}{
		"one page":           {map[string]page{"": {[]int{1, 2}, ""}}, []int{1, 2}, []string{""}, ""},
		"nothing":            {map[string]page{"": {}}, nil, []string{""}, ""},
		"blank cursor":       {map[string]page{"": {[]int{1}, " "}}, []int{1}, []string{""}, ""},
		"empty page between": {map[string]page{"": {[]int{1}, "b"}, "b": {nil, "c"}, "c": {[]int{2}, ""}}, []int{1, 2}, []string{"", "b", "c"}, ""},
		"cursor stays":       {map[string]page{"": {[]int{1}, "b"}, "b": {[]int{2}, "b"}}, []int{1, 2}, []string{"", "b"}, "same cursor"},
		"cursors in a ring":  {map[string]page{"": {nil, "b"}, "b": {nil, "c"}, "c": {nil, "b"}}, nil, []string{"", "b", "c"}, "same cursor"},
		"error in between":   {map[string]page{"": {[]int{1}, "b"}}, []int{1}, []string{"", "b"}, "no such page"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			items, err := collect(t, book(&asked, c.pages))
			require.Equal(t, c.items, items)
			require.Equal(t, c.asked, asked)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
		})
	}
}

func TestPagesAreFetchedByTheRange(t *testing.T) {
	var asked []string
	all := Pages(t.Context(), book(&asked, map[string]page{"": {[]int{1, 2}, "b"}, "b": {[]int{3}, ""}}))
	require.Empty(t, asked, "before the range")
	for range all {
		break
	}
	require.Equal(t, []string{""}, asked, "an early break fetches no more")
	count := 0
	for range all {
		count++
	}
	require.Equal(t, 3, count)
	require.Equal(t, []string{"", "", "b"}, asked, "a second range begins anew")
}

// A page may arrive with an error, such as a cursor that cannot be read: what
// there is comes first.
func TestPageWithAnError(t *testing.T) {
	broken := errors.New("broken")
	var got []int
	var last error
	for n, err := range Pages(t.Context(), func(context.Context, string) ([]int, string, error) {
		return []int{1, 2}, "more", broken
	}) {
		if last = err; err == nil {
			got = append(got, n)
		}
	}
	require.Equal(t, []int{1, 2}, got)
	require.Equal(t, broken, last)
}
