package lenient_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/lenient"
)

func TestTimes(t *testing.T) {
	noon := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	midnight := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	half := noon.Add(500 * time.Millisecond)
	for text, want := range map[string]time.Time{
		`"2026-03-01T12:00:00Z"`:                     noon,
		`"2026-03-01T12:00:00.000Z"`:                 noon,
		`"2026-03-01T12:00:00.5Z"`:                   half,
		`"2026-03-01T12:00:00,5Z"`:                   half,
		`"2026-03-01T12:00:00.500000000Z"`:           half,
		`"2026-03-01t12:00:00z"`:                     noon,
		`"2026-03-01T13:00:00+01:00"`:                noon,
		`"2026-03-01T12:00:00+0000"`:                 noon,
		`"2026-03-01T12:00:00.500+0000"`:             half,
		`"2026-03-01T14:00:00+0200"`:                 noon,
		`"2026-03-01T14:00:00+02"`:                   noon,
		`"2026-03-01T12:00:00"`:                      noon,
		`"2026-03-01T12:00:00.500"`:                  half,
		`"2026-03-01 12:00:00"`:                      noon,
		`"2026-03-01 12:00:00.5 UTC"`:                half,
		`"2026-03-01 13:00:00 +0100"`:                noon,
		`"2026-03-01T12:00"`:                         noon,
		`"2026-03-01T12:00Z"`:                        noon,
		`"2026-03-01T12:00+00:00"`:                   noon,
		`"2026-03-01"`:                               midnight,
		`" 2026-03-01 "`:                             midnight,
		`"Sun, 01 Mar 2026 12:00:00 GMT"`:            noon,
		`"Sun, 01 Mar 2026 14:00:00 +0200"`:          noon,
		`1772366400`:                                 noon,
		`"1772366400"`:                               noon,
		`1772366400.5`:                               half,
		`1772366400000`:                              noon,
		`"1772366400500"`:                            half,
		`1772366400000000`:                           noon,
		`1772366400000000000`:                        noon,
		`"2026-03-01T11:59:60Z"`:                     noon, // a leap second
		`"2026-03-01T12:59:60.5+01:00"`:              half,
		`"2026-03-01 11:59:60"`:                      noon,
		`"2026-02-28T24:00:00Z"`:                     midnight,
		`"2026-02-28T24:00"`:                         midnight,
		`"2026-02-28T24:00:00.000Z"`:                 midnight,
		`"20260301T120000Z"`:                         noon,
		`"20260301T120000.500+0000"`:                 half,
		`"20260301T120000"`:                          noon,
		`"2026-03-01T13:00:00+01:00[Europe/Berlin]"`: noon,
		`"2026-03-01T12:00:00Z[UTC]"`:                noon,
		`"Sun Mar 01 2026 13:00:00 GMT+0100 (Central European Standard Time)"`: noon,
		`"Sun Mar  1 12:00:00 2026"`:       noon,
		`"Sunday, 01-Mar-26 12:00:00 GMT"`: noon,
		`1.7723664E9`:                      noon,
		`1.7723664e+12`:                    noon,
		`"1.7723664E12"`:                   noon,
		`1772366400.0`:                     noon,
	} {
		var got struct {
			At time.Time `json:"at"`
		}
		odd, err := lenient.Unmarshal([]byte(`{"at":`+text+`}`), &got)
		require.NoError(t, err)
		require.Equal(t, want, got.At, "%s", text)
		require.Empty(t, odd, "%s", text)
	}
}

// A time that no reader can write again would fail what it is part of.
func TestNoTimes(t *testing.T) {
	for _, text := range []string{
		`"soon"`, `"2026-13-01"`, `"2026-02-30T00:00:00Z"`, `"2026"`, `2026`, `-1772366400`, `0`, `"12:00"`, `"2026-03-01Tnoon"`, `"0000-01-01"`,
		`"9999-12-31T23:59:59-12:00"`, `"0001-01-01T00:00:00+12:00"`, `99999999999999999999999`, `1e400`, `{"$date":1}`, `[]`, `true`,
	} {
		got := struct {
			At time.Time `json:"at"`
		}{time.Unix(1, 0)}
		odd, err := lenient.Unmarshal([]byte(`{"at":`+text+`,"at":`+text+`}`), &got)
		require.NoError(t, err)
		require.Zero(t, got.At, "%s", text)
		require.Equal(t, []lenient.Odd{{Path: "at", Why: lenient.Repeated}}, odd, "%s", text)
		odd, err = lenient.Unmarshal([]byte(`{"at":`+text+`}`), &got)
		require.NoError(t, err)
		require.Equal(t, []lenient.Odd{{Path: "at", Why: lenient.WrongType}}, odd, "%s", text)
		_, err = json.Marshal(got)
		require.NoError(t, err)
	}
}
