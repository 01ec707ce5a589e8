package ashby_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// Ashby does not document which half of the credentials holds the key.
func TestAuthentication(t *testing.T) {
	down := errors.New("database of keys down: " + marker)
	asked := func(answer map[string]error) (func(context.Context, string) (string, error), *[]string) {
		var all []string
		return func(_ context.Context, key string) (string, error) {
			all = append(all, key)
			err, known := answer[key]
			if !known {
				return "", fmt.Errorf("no such key: %w", assessment.ErrUnauthorized)
			}
			if err != nil {
				return "", err
			}
			return "name of " + key, nil
		}, &all
	}
	for name, tc := range map[string]struct {
		user, password string
		known          map[string]error
		status         int
		account        string
		asked          []string
	}{
		"user name":             {"k", "", map[string]error{"k": nil}, 200, "name of k", []string{"k"}},
		"user name first":       {"k", "l", map[string]error{"k": nil, "l": nil}, 200, "name of k", []string{"k"}},
		"password":              {"", "l", map[string]error{"l": nil}, 200, "name of l", []string{"l"}},
		"password on refusal":   {"k", "l", map[string]error{"l": nil}, 200, "name of l", []string{"k", "l"}},
		"both refused":          {"k", "l", nil, 401, "", []string{"k", "l"}},
		"the same twice":        {"k", "k", nil, 401, "", []string{"k"}},
		"neither":               {"", "", nil, 401, "", nil},
		"database down":         {"k", "l", map[string]error{"k": down, "l": nil}, 503, "", []string{"k"}},
		"down for the password": {"k", "l", map[string]error{"l": down}, 503, "", []string{"k", "l"}},
	} {
		for _, operation := range []string{"assessment.start", "assessment.list", "assessment.cancel", "customFields.fetch"} {
			t.Run(name+" "+operation, func(t *testing.T) {
				authenticate, all := asked(tc.known)
				h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
					c.Authenticate, c.Fields = authenticate, []ashby.FieldSpec{}
				}})
				body := minimal(t)
				if operation == "assessment.cancel" {
					body = cancelBody("1")
				}
				w := h.post(operation, body, withKey(tc.user, tc.password))
				require.Equal(t, tc.status, w.Code)
				require.Equal(t, tc.asked, *all)
				require.Equal(t, tc.account, h.delivered(t).Account)
				require.Equal(t, tc.status == 503, w.Header().Get("Retry-After") != "")
				require.Equal(t, tc.status == 401, w.Header().Get("WWW-Authenticate") != "")
				require.NotContains(t, w.Body.String(), marker)
			})
		}
	}
	t.Run("an empty account is nobody", func(t *testing.T) {
		h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
			c.Authenticate = func(context.Context, string) (string, error) { return "", nil }
		}})
		requireFailure(t, h.post("assessment.start", minimal(t)), 401, "unauthorized")
	})
}

// asks is a handler whose Authenticate or FieldsFor is fn.
func asks(t *testing.T, name string, fn func(context.Context), deadline time.Duration) *host {
	return newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.Deadline = deadline
		known := c.Authenticate
		c.Authenticate = func(ctx context.Context, key string) (string, error) {
			if name == "authenticate" {
				fn(ctx)
			}
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return known(ctx, key)
		}
		c.FieldsFor = func(ctx context.Context, _ string) ([]ashby.FieldSpec, error) {
			fn(ctx)
			return nil, nil
		}
	}})
}

// A host's function that panics ends the call and nothing else.
func TestHostPanics(t *testing.T) {
	for name, fn := range map[string]func(context.Context){
		"panic":       func(context.Context) { panic(marker) },
		"error panic": func(context.Context) { panic(errors.New(marker)) },
		"goexit":      func(context.Context) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			h := asks(t, "fields", fn, 0)
			w := h.post("customFields.fetch", nil)
			requireFailure(t, w, 200, "internal_error")
			require.Equal(t, assessment.DeliveryFault, h.delivered(t).Outcome)
			require.Equal(t, name != "goexit", strings.Contains(h.log.String(), "stack="))
			require.NotContains(t, w.Body.String()+h.log.String(), marker)

			h = asks(t, "authenticate", fn, 0)
			for _, operation := range []string{"assessment.start", "assessment.list", "assessment.cancel", "customFields.fetch"} {
				w = h.post(operation, minimal(t))
				requireFailure(t, w, 503, "temporarily_unavailable")
				require.NotEmpty(t, w.Header().Get("Retry-After"))
				require.Empty(t, w.Header().Get("WWW-Authenticate"))
			}
			require.Empty(t, h.provider.orders)
			require.NotContains(t, w.Body.String()+h.log.String(), marker)
		})
	}
}

// http.ErrAbortHandler is for the server.
func TestHostAborts(t *testing.T) {
	for _, name := range []string{"authenticate", "fields"} {
		h := asks(t, name, func(context.Context) { panic(http.ErrAbortHandler) }, 0)
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { h.post("customFields.fetch", nil) })
		require.Empty(t, h.log.String())
	}
}

// Who is too slow is no longer waited for, also if the context is not heeded.
func TestSlowHost(t *testing.T) {
	for name, fn := range map[string]func(context.Context){
		"deaf":    func(context.Context) { <-time.After(time.Hour) },
		"heeding": func(ctx context.Context) { <-ctx.Done() },
	} {
		for deadline, want := range map[time.Duration]time.Duration{0: assessment.DefaultDeadline, time.Second: time.Second} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					requireFailure(t, asks(t, "fields", fn, deadline).post("customFields.fetch", nil), 200, "temporarily_unavailable")
					require.Equal(t, want, time.Since(began))
					began = time.Now()
					requireFailure(t, asks(t, "authenticate", fn, deadline).post("assessment.start", minimal(t)), 503, "temporarily_unavailable")
					require.Equal(t, want, time.Since(began))
					<-time.After(2 * time.Hour)
				})
			})
		}
	}
}

// The deadline is that of a call, not of each key that is tried.
func TestSlowForTwoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
			c.Authenticate = func(context.Context, string) (string, error) {
				<-time.After(8 * time.Second)
				return "", assessment.ErrUnauthorized
			}
		}})
		began := time.Now()
		requireFailure(t, h.post("assessment.list", nil, withKey("k", "l")), 503, "temporarily_unavailable")
		require.Equal(t, assessment.DefaultDeadline, time.Since(began))
		<-time.After(time.Hour)
	})
}

// A panic of an observer changes nothing.
func TestObserverPanics(t *testing.T) {
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.Observer.Drift = func(context.Context, assessment.Drift) { panic(marker) }
	}})
	w := h.post("assessment.start", []byte(`{"assessment_type_id":"t","candidate":{"email":"a","ashby_id":true}}`))
	require.Equal(t, 200, w.Code)
	requireFailure(t, h.post("assessment.cancel", []byte(`{"assessment_id":true}`)), 400, "invalid_input")
	require.Contains(t, h.log.String(), "observer panicked")
	require.NotContains(t, h.log.String(), marker)
}
