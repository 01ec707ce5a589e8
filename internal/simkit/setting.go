package simkit

import "sync"

// Setting is a value that may be replaced while others read it. The zero value holds
// the zero value.
type Setting[T any] struct {
	mu    sync.Mutex
	value T
}

// Set replaces the value.
func (s *Setting[T]) Set(value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = value
}

// Value returns the latest value.
func (s *Setting[T]) Value() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// Map translates every item of a list.
func Map[A, B any](list []A, translate func(A) B) []B {
	mapped := make([]B, len(list))
	for i, item := range list {
		mapped[i] = translate(item)
	}
	return mapped
}

// OrDefault is a value, or another one if it is zero.
func OrDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// maxLatest is how many entries of a list that only grows are kept.
const maxLatest = 1000

// Latest is a list without its oldest entries, if it has grown too long.
func Latest[T any](list []T) []T {
	if len(list) < 2*maxLatest {
		return list
	}
	return append([]T(nil), list[len(list)-maxLatest:]...)
}
