package transport

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// The key of a client cannot be printed, wherever the client stands: fmt does not
// call the methods of what is in unexported fields.
func TestClientHoldsNoPrintableKey(t *testing.T) {
	fixed := newClient(t, canned{[]byte(smallBody)})
	basic := newClient(t, canned{[]byte(smallBody)}, func(c *Config) { c.Authorize = Basic })
	asked := newClient(t, canned{[]byte(smallBody)}, func(c *Config) {
		key := c.Key
		c.Key, c.Keys = "", func(context.Context, string) (string, error) { return key, nil }
	})
	hidden := []string{
		testKey, base64.StdEncoding.EncodeToString([]byte(testKey + ":")),
		fmt.Sprintf("%x", testKey), strings.ToUpper(fmt.Sprintf("%x", testKey)), strings.Trim(fmt.Sprint([]byte(testKey)), "[]"),
	}
	type host struct{ c any }
	for _, client := range []*Client{fixed, basic, asked} {
		_, err := client.Do(t.Context(), reading) // whatever a call leaves behind
		require.NoError(t, err)
		for _, v := range []any{client, *client, host{client}, &host{*client}, []any{*client}, client.keyring, client.config} {
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			for _, text := range texts(reflect.ValueOf(v), map[uintptr]bool{}) {
				out.WriteString(text + "\n")
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
			for _, secret := range hidden {
				require.NotContains(t, out.String(), secret)
			}
		}
	}
}

// texts finds every text and byte string that can be reached from a value, as a
// debugging printer would.
func texts(v reflect.Value, seen map[uintptr]bool) (all []string) {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() || v.Kind() == reflect.Pointer && seen[v.Pointer()] {
			return nil
		}
		if v.Kind() == reflect.Pointer {
			seen[v.Pointer()] = true
		}
		return texts(v.Elem(), seen)
	case reflect.Struct:
		for i := range v.NumField() {
			all = append(all, texts(v.Field(i), seen)...)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			return []string{string(v.Bytes())}
		}
		for i := range v.Len() {
			all = append(all, texts(v.Index(i), seen)...)
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			all = append(all, texts(entry.Key(), seen)...)
			all = append(all, texts(entry.Value(), seen)...)
		}
	}
	return all
}

// Vendors quote refused keys and transports quote requests, so that the key
// comes back in every text there is.
func TestNothingShowsAKey(t *testing.T) {
	const second = "ks_prod_An0therK3y"
	credentials := base64.StdEncoding.EncodeToString([]byte(testKey + ":"))
	quote := "key " + testKey + " as " + credentials
	inError := fmt.Errorf("sent %s: %w", quote, errReset)
	for name, steps := range map[string][]step{
		"code":         {answers(503, "error "+quote)},
		"text":         {answers(503, quote, "X-Request-Id", quote)},
		"cause":        {breaks(inError)},
		"nested URL":   {breaks(fmt.Errorf("x %w", &url.Error{Op: "Get", URL: "https://h/?k=" + testKey, Err: inError}))},
		"renewed":      {answers(401, quote), answers(401, quote+second)},
		"retried":      {answers(429, "error BUSY"), breaks(inError), answers(400, quote)},
		"redirect":     {answers(302, quote, "Location", "https://"+testKey+".test/"+testKey)},
		"in a success": {answers(200, "<html>"+quote)},
		"log URL":      {answers(400, "log "+quote)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				asked := 0
				client := newClient(t, play(steps...), func(c *Config) {
					c.Key, c.Authorize, c.RequestIDHeader = "", Basic, "X-Request-Id"
					c.Keys = func(context.Context, string) (string, error) {
						asked++
						return []string{testKey, second}[min(asked, 2)-1], nil
					}
					c.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
					c.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { fmt.Fprintf(&out, "%+v\n", a) }
				})
				call := reading
				call.Query = url.Values{"q": {"in-the-query"}}
				_, _, err := JSON[named](t.Context(), client, call)
				api := apiError(t, err)
				out.Write(api.Body)
				for e := error(api); e != nil && e != inError; e = errors.Unwrap(e) {
					if _, ok := e.(*url.Error); ok {
						break
					}
					for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
						fmt.Fprintf(&out, verb+"\n", e)
					}
					if e == api.Cause {
						break
					}
				}
				slog.New(slog.NewJSONHandler(&out, nil)).Error("x", "err", err)
				for _, secret := range []string{testKey, credentials, second, "in-the-query"} {
					require.NotContains(t, out.String(), secret)
				}
			})
		})
	}
}
