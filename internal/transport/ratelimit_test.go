package transport

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

const longest = time.Duration(math.MaxInt64/int64(time.Second)) * time.Second

func TestAskedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // midnight UTC 2000-01-01, 946684800 since 1970
		for name, c := range map[string]struct {
			status int
			header []string
			want   time.Duration
		}{
			"nothing":              {429, nil, 0},
			"seconds":              {429, []string{"Retry-After", "7"}, 7 * time.Second},
			"white space":          {429, []string{"Retry-After", " 7 "}, 7 * time.Second},
			"zero":                 {429, []string{"Retry-After", "0"}, 0},
			"negative":             {429, []string{"Retry-After", "-5"}, 0},
			"plus sign":            {429, []string{"Retry-After", "+5"}, 0},
			"fraction":             {429, []string{"Retry-After", "1.2"}, 2 * time.Second},
			"whole fraction":       {429, []string{"Retry-After", "1.0"}, time.Second},
			"exponent":             {429, []string{"Retry-After", "1e9"}, 0},
			"hexadecimal":          {429, []string{"Retry-After", "0x10"}, 0},
			"since 1970":           {429, []string{"Retry-After", "946684807"}, 7 * time.Second},
			"since 1970, ms":       {429, []string{"Retry-After", "946684807500"}, 7500 * time.Millisecond},
			"since 1970, past":     {429, []string{"Retry-After", "946684700"}, 0},
			"since 1970, server's": {429, []string{"Retry-After", "2161900810", "Date", "Mon, 05 Jul 2038 00:00:00 GMT"}, 10 * time.Second},
			"reset since 1970":     {429, []string{"RateLimit-Reset", "946684857"}, 57 * time.Second},
			"a long wait":          {429, []string{"Retry-After", "86400"}, 24 * time.Hour},
			"eleven digits":        {429, []string{"Retry-After", "99999999999"}, longest},
			"words":                {429, []string{"Retry-After", "soon"}, 0},
			"a dot":                {429, []string{"Retry-After", "."}, 0},
			"over 64 bits":         {429, []string{"Retry-After", "99999999999999999999"}, longest},
			"over a duration":      {429, []string{"Retry-After", "9223372036855"}, longest},
			"date":                 {429, []string{"Retry-After", "Sat, 01 Jan 2000 00:01:30 GMT"}, 90 * time.Second},
			"date, server's time":  {429, []string{"Retry-After", "Mon, 05 Jul 2038 00:00:10 GMT", "Date", "Mon, 05 Jul 2038 00:00:00 GMT"}, 10 * time.Second},
			"date in the past":     {429, []string{"Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"}, 0},
			"date of long ago":     {429, []string{"Retry-After", "Mon, 01 Jan 0001 00:00:00 GMT"}, 0},
			"date far ahead":       {429, []string{"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"}, math.MaxInt64},
			"reset":                {429, []string{"RateLimit-Reset", "57"}, 57 * time.Second},
			"reset, overflow":      {429, []string{"RateLimit-Reset", "99999999999999999999"}, longest},
			"reset, unreadable":    {429, []string{"RateLimit-Reset", "x"}, 0},
			"reset of a 503":       {503, []string{"RateLimit-Reset", "57"}, 0},
			"both":                 {429, []string{"RateLimit-Reset", "57", "Retry-After", "3"}, 3 * time.Second},
			"of a 503":             {503, []string{"Retry-After", "3"}, 3 * time.Second},
			"a copy":               {429, []string{"Retry-After", "7", "Retry-After", "7"}, 7 * time.Second},
			"a proxy's own":        {429, []string{"Retry-After", "1", "Retry-After", "7"}, 7 * time.Second},
			"an empty one":         {429, []string{"Retry-After", "", "Retry-After", "7"}, 7 * time.Second},
			"behind a comma":       {429, []string{"Retry-After", "7, 7"}, 7 * time.Second},
			"others behind commas": {429, []string{"Retry-After", "1,soon, 7,2"}, 7 * time.Second},
			"date and seconds":     {429, []string{"Retry-After", "Sat, 01 Jan 2000 00:01:30 GMT", "Retry-After", "7"}, 90 * time.Second},
			"RFC 3339":             {429, []string{"Retry-After", "2000-01-01T00:01:30Z"}, 90 * time.Second},
			"RFC 3339, zone":       {429, []string{"Retry-After", "2000-01-01T01:01:30.5+01:00"}, 90500 * time.Millisecond},
			"milliseconds":         {429, []string{"Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
			"milliseconds beside":  {429, []string{"Retry-After-Ms", "1500", "Retry-After", "2"}, 2 * time.Second},
			"milliseconds, odd":    {429, []string{"Retry-After-Ms", "soon", "RateLimit-Reset", "57"}, 57 * time.Second},
			"milliseconds, most":   {429, []string{"Retry-After-Ms", "99999999999999999999"}, longest},
			"milliseconds, zero":   {429, []string{"Retry-After-Ms", "0", "RateLimit-Reset", "57"}, 0},
		} {
			h := http.Header{}
			for i := 0; i < len(c.header); i += 2 {
				h.Add(c.header[i], c.header[i+1])
			}
			require.Equal(t, c.want, askedWait(Answer{StatusCode: c.status, Header: h}, &Failure{Limit: KeyLimit}), name)
		}
	})
}

func FuzzWait(f *testing.F) {
	for _, seed := range []string{"", "60", "-1", "1.5", "1e9", "946684807", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		require.GreaterOrEqual(t, waitOf(value, date), time.Duration(0))
	})
}

// ratelimit-reset comes with every answer of Kombo and is about the window of the
// key alone. A rate limit can come under another status: Kombo asks to go by the
// code.
func TestResetIsOfTheKeysLimitOnly(t *testing.T) {
	answer := Answer{StatusCode: 503, Header: http.Header{"Ratelimit-Reset": {"7"}}}
	require.Equal(t, 7*time.Second, askedWait(answer, &Failure{Class: assessment.ErrRateLimited, Limit: KeyLimit}))
	require.Zero(t, askedWait(answer, &Failure{Class: assessment.ErrUnavailable, Limit: KeyLimit}))
	answer.StatusCode = 429
	for _, limit := range []Limit{UnknownLimit, ConcurrencyLimit, RemoteLimit} {
		require.Zero(t, askedWait(answer, &Failure{Class: assessment.ErrRateLimited, Limit: limit}))
		answer.Header.Set("Retry-After", "3")
		require.Equal(t, 3*time.Second, askedWait(answer, &Failure{Class: assessment.ErrRateLimited, Limit: limit}))
		answer.Header.Del("Retry-After")
	}
}
