package simkit

import "iter"

// Table keeps values in the order in which they were added and finds them by key in
// constant time, however many there are. A value may have several keys; one that is
// taken still leads to the value that had it first.
type Table[K comparable, V any] struct {
	rows []*row[K, V]
	keys map[K]*row[K, V]
	live int
}

type row[K comparable, V any] struct {
	value   V
	keys    []K
	removed bool
}

// Add appends a value under its keys.
func (t *Table[K, V]) Add(value V, keys ...K) {
	if t.keys == nil {
		t.keys = map[K]*row[K, V]{}
	}
	r := &row[K, V]{value: value, keys: keys}
	for _, key := range keys {
		if _, taken := t.keys[key]; !taken {
			t.keys[key] = r
		}
	}
	t.rows = append(t.rows, r)
	t.live++
}

// Find returns the value that a key leads to.
func (t *Table[K, V]) Find(key K) (value V, found bool) {
	if r, found := t.keys[key]; found {
		return r.value, true
	}
	return value, false
}

// Len is the number of values.
func (t *Table[K, V]) Len() int { return t.live }

// All goes through the values in the order in which they were added.
func (t *Table[K, V]) All() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, r := range t.rows {
			if !r.removed && !yield(r.value) {
				return
			}
		}
	}
}

// Values returns the values in the order in which they were added.
func (t *Table[K, V]) Values() []V {
	list := make([]V, 0, t.live)
	for v := range t.All() {
		list = append(list, v)
	}
	return list
}

// Remove takes the value of a key out of the table, all its keys included.
func (t *Table[K, V]) Remove(key K) {
	if r, found := t.keys[key]; found {
		t.drop(r)
		t.tidy()
	}
}

func (t *Table[K, V]) drop(r *row[K, V]) {
	for _, k := range r.keys {
		if t.keys[k] == r {
			delete(t.keys, k)
		}
	}
	r.removed = true
	t.live--
}

func (t *Table[K, V]) tidy() {
	if t.live < len(t.rows)/2 {
		t.compact()
	}
}

// RemoveFunc takes the values out of the table for which remove returns true, all their
// keys included.
func (t *Table[K, V]) RemoveFunc(remove func(V) bool) {
	for _, r := range t.rows {
		if !r.removed && remove(r.value) {
			t.drop(r)
		}
	}
	t.tidy()
}

func (t *Table[K, V]) compact() {
	rows := make([]*row[K, V], 0, t.live)
	for _, r := range t.rows {
		if !r.removed {
			rows = append(rows, r)
		}
	}
	t.rows = rows
}
