package vendortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Example reads an example body of the package under test.
func Example(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return body
}

// SameJSON compares by meaning. Numbers are compared as written: 87.4 must not
// become 87.40000000000001.
func SameJSON(t testing.TB, want, got []byte) {
	t.Helper()
	require.Empty(t, cmp.Diff(Decoded(t, want), Decoded(t, got)))
}

// Decoded is the one JSON document of text, its numbers as they are written.
func Decoded(t testing.TB, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value), "%s", text)
	_, err := decoder.Token()
	require.ErrorIs(t, err, io.EOF, "more than one document")
	return value
}

// Equal compares structures and shows where they differ.
func Equal(t testing.TB, want, got any) {
	t.Helper()
	require.Empty(t, cmp.Diff(want, got))
}

// APIError is the answer that err stands for.
func APIError(t testing.TB, err error) *assessment.APIError {
	t.Helper()
	var api *assessment.APIError
	require.True(t, errors.As(err, &api), "%T: %v", err, err)
	return api
}

// Paths are the paths of the problems of a validation error, in order.
func Paths(t testing.TB, err error) []string {
	t.Helper()
	var invalid *assessment.ValidationError
	require.True(t, errors.As(err, &invalid), "%T: %v", err, err)
	var all []string
	for _, p := range invalid.Problems {
		require.NotEmpty(t, p.Message, p.Path)
		all = append(all, p.Path)
	}
	return all
}

// UTC is a full minute in UTC.
func UTC(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
}
