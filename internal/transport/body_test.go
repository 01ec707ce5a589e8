package transport

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestBodiesAreRewound(t *testing.T) {
	encoded, err := Encode(map[string]int{"a": 1})
	require.NoError(t, err)
	for name, body := range map[string]Body{
		"bytes":   Bytes([]byte(`{"a":1}`)),
		"encoded": encoded,
		"stream":  Stream(7, func() (io.ReadCloser, error) { return readCloser(`{"a":1}`), nil }),
	} {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(429, ""), answers(200, ""))
			call := writing
			call.Body = body
			_, err := newClient(t, server).Do(t.Context(), call)
			require.NoError(t, err, name)
			require.Len(t, server.seen, 2)
			for _, got := range server.seen {
				require.Equal(t, `{"a":1}`, got.Body)
				require.EqualValues(t, 7, got.Length)
			}
		})
	}
}

func TestStreamIsOpenedOncePerAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened, closed := 0, 0
		call := writing
		call.Body = Stream(1, func() (io.ReadCloser, error) {
			opened++
			return countedClose{readCloser("x"), &closed}, nil
		})
		_, err := newClient(t, play(answers(429, ""), answers(200, ""))).Do(t.Context(), call)
		require.NoError(t, err)
		require.Equal(t, 2, opened)
		require.Equal(t, 2, closed)
	})
}

type countedClose struct {
	io.ReadCloser
	n *int
}

func (c countedClose) Close() error { *c.n++; return c.ReadCloser.Close() }

func TestBodyThatCannotBeOpened(t *testing.T) {
	broken := errors.New("disk full")
	call := writing
	call.Body = Stream(1, func() (io.ReadCloser, error) { return nil, broken })
	server := play(answers(200, ""))
	_, err := newClient(t, server).Do(t.Context(), call)
	require.ErrorIs(t, err, broken)
	var api *assessment.APIError
	require.False(t, errors.As(err, &api))
	require.Empty(t, server.seen)
}

func TestBodyThatCannotBeOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("disk full")
		opened := 0
		call := writing
		call.Body = Stream(1, func() (io.ReadCloser, error) {
			if opened++; opened > 1 {
				return nil, broken
			}
			return readCloser("x"), nil
		})
		_, err := newClient(t, play(answers(429, "slow"))).Do(t.Context(), call)
		require.ErrorIs(t, err, broken)
		api := apiError(t, err)
		require.Equal(t, 429, api.StatusCode)
		require.Equal(t, 1, api.Attempts)
	})
}

// What is wrong with the body is wrong again the next time, and a server that
// never got the whole of it has not acted on it.
func TestFaultyBodyIsNotSentAgain(t *testing.T) {
	broken := errors.New("disk unreadable")
	for name, c := range map[string]struct {
		source io.Reader
		length int64
		want   error
	}{
		"unreadable": {errorReader{broken}, 1, broken},
		"too short":  {readCloser("x"), 2, errBodyShort},
		"too long":   {readCloser("xyz"), 2, errBodyLong},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, ""))
			attempts := 0
			call := writingWith(Same)
			call.Body = Stream(c.length, func() (io.ReadCloser, error) { attempts++; return io.NopCloser(c.source), nil })
			_, err := newClient(t, server).Do(t.Context(), call)
			require.ErrorIs(t, err, c.want)
			require.False(t, apiError(t, err).Uncertain)
			require.Equal(t, 1, attempts)
		})
	}
}

func TestEncodeRefusesWhatIsNoJSON(t *testing.T) {
	_, err := Encode(make(chan int))
	require.Error(t, err)
}
