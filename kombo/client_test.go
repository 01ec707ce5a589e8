package kombo_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]kombo.Config{
		"no key":                  {},
		"blank key":               {APIKey: " "},
		"key with a line break":   {APIKey: "ks_dev_x\n"},
		"key and keys":            {APIKey: testKey, Keys: func(context.Context, string) (string, error) { return testKey, nil }},
		"unknown region":          {APIKey: testKey, Region: "ap"},
		"base URL without scheme": {APIKey: testKey, BaseURL: "api.kombo.dev/v1"},
		"base URL with a query":   {APIKey: testKey, BaseURL: "https://api.kombo.dev/v1?a=b"},
		"relative stand-in":       {APIKey: testKey, ResultURL: "/results"},
		"stand-in of a mail":      {APIKey: testKey, ResultURL: "mailto:a@example.com"},
		"stand-in without a host": {APIKey: testKey, ResultURL: "https:///results"},
		"negative timeout":        {APIKey: testKey, Timeout: -time.Second},
		"negative longest wait":   {APIKey: testKey, MaxWait: -time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := kombo.New(config)
			require.Error(t, err)
			require.Nil(t, client)
			require.NotContains(t, err.Error(), "ks_dev_")
		})
	}
}

// https://docs.kombo.dev/data-residency-compliance
func TestRegions(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(*kombo.Config)
		want string
	}{
		"default":  {func(*kombo.Config) {}, "https://api.kombo.dev/v1/assessment/packages"},
		"EU":       {func(c *kombo.Config) { c.Region = kombo.RegionEU }, "https://api.kombo.dev/v1/assessment/packages"},
		"US":       {func(c *kombo.Config) { c.Region = kombo.RegionUS }, "https://api.us.kombo.dev/v1/assessment/packages"},
		"base URL": {func(c *kombo.Config) { c.BaseURL = "http://127.0.0.1:1/v1/" }, "http://127.0.0.1:1/v1/assessment/packages"},
		"base URL before region": {func(c *kombo.Config) {
			c.BaseURL, c.Region = "https://proxy.test/kombo", kombo.RegionUS
		}, "https://proxy.test/kombo/assessment/packages"},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, `{"status":"success","data":{"packages":[]}}`))
			_, err := newClient(t, server, tc.set).Packages(t.Context(), integration)
			require.NoError(t, err)
			require.Equal(t, tc.want, server.seen[0].URL)
		})
	}
}

// calls are all calls that act for one customer.
var calls = map[string]func(context.Context, *kombo.Client, string) error{
	"Packages": func(ctx context.Context, c *kombo.Client, integration string) error {
		_, err := c.Packages(ctx, integration)
		return err
	},
	"SetPackages": func(ctx context.Context, c *kombo.Client, integration string) error {
		_, err := c.SetPackages(ctx, integration, []assessment.Package{{ID: "1", Name: "One", Type: assessment.SkillsTest}})
		return err
	},
	"DeletePackages": func(ctx context.Context, c *kombo.Client, integration string) error {
		_, err := c.DeletePackages(ctx, integration)
		return err
	},
	"Orders": func(ctx context.Context, c *kombo.Client, integration string) error {
		for _, err := range c.Orders(ctx, integration, kombo.OrderFilter{}) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"PublishResult": func(ctx context.Context, c *kombo.Client, integration string) error {
		_, err := c.PublishResult(ctx, assessment.OrderRef{Vendor: assessment.Kombo, Account: integration, ID: orderID},
			assessment.Result{Status: assessment.StatusOpen, ReportURL: "https://example.com"})
		return err
	},
}

// Kombo's own clients leave the header out silently if there is no integration.
func TestEveryCallSelectsTheIntegration(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, `{"status":"success","data":{"packages":[],"results":[]},"warnings":[]}`))
			require.NoError(t, call(t.Context(), newClient(t, server), integration))
			require.Len(t, server.seen, 1)
			got := server.seen[0].Header
			require.Equal(t, []string{integration}, got["X-Integration-Id"])
			require.Equal(t, []string{"Bearer " + testKey}, got["Authorization"])
			require.Equal(t, "application/json", got.Get("Accept"))
			require.NotEmpty(t, got.Get("User-Agent"))
			if server.seen[0].Method == http.MethodPut {
				require.Equal(t, "application/json", got.Get("Content-Type"))
			}
		})
		t.Run(name+" without one", func(t *testing.T) {
			server := play(answers(200, written))
			err := call(t.Context(), newClient(t, server), "")
			require.Len(t, paths(t, err), 1)
			require.ErrorIs(t, err, assessment.ErrInvalid)
			require.Empty(t, server.seen)
		})
	}
}

func TestKeys(t *testing.T) {
	asked := 0
	keys := func(_ context.Context, account string) (string, error) {
		require.Equal(t, integration, account)
		asked++
		return fmt.Sprintf("ks_prod_%d", asked), nil
	}
	server := play(
		answers(401, string(example(t, "error-401-authentication-invalid.json"))),
		answers(200, `{"data":{"packages":[]}}`),
	)
	client := newClient(t, server, func(c *kombo.Config) { c.APIKey, c.Keys = "", keys })
	_, err := client.Packages(t.Context(), integration)
	require.NoError(t, err)
	require.Equal(t, 2, asked)
	require.Equal(t, "Bearer ks_prod_1", server.seen[0].Header.Get("Authorization"))
	require.Equal(t, "Bearer ks_prod_2", server.seen[1].Header.Get("Authorization"))
}

func TestRedirectTakesNoKeyAlong(t *testing.T) {
	for name, location := range map[string]string{
		"another host":   "https://api.us.kombo.dev/v1/assessment/packages",
		"another scheme": "http://api.kombo.dev/v1/assessment/packages",
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(307, "", "Location", location), answers(200, `{"data":{"packages":[]}}`))
			_, err := newClient(t, server, func(c *kombo.Config) { c.MaxRetries = -1 }).Packages(t.Context(), integration)
			require.Equal(t, 307, apiError(t, err).StatusCode)
			require.Len(t, server.seen, 1)
		})
	}
}

func TestCall(t *testing.T) {
	server := play(answers(200, `{"status":"success","data":{"tools":[]}}`))
	client := newClient(t, server)

	got, err := client.Call(t.Context(), "", kombo.Request{
		Method: http.MethodGet, Path: []string{"tools", "a/b?c"}, Query: url.Values{"q": {"x,y"}},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"status":"success","data":{"tools":[]}}`, string(got))
	require.Equal(t, "https://api.kombo.dev/v1/tools/a%2Fb%3Fc?q=x%2Cy", server.seen[0].URL)
	require.NotContains(t, server.seen[0].Header, "X-Integration-Id")
	require.Empty(t, server.seen[0].Body)

	_, err = client.Call(t.Context(), integration, kombo.Request{
		Method: http.MethodPut, Path: []string{"integrations", integration, "enabled"}, Body: map[string]bool{"value": false},
	})
	require.NoError(t, err)
	require.Equal(t, integration, server.seen[1].Header.Get("X-Integration-Id"))
	require.JSONEq(t, `{"value":false}`, server.seen[1].Body)
	require.Equal(t, "https://api.kombo.dev/v1/integrations/workday%3AHWUTwvyx2wLoSUHphiWVrp28/enabled",
		strings.ReplaceAll(server.seen[1].URL, "workday:", "workday%3A"))
}

func TestCallErrors(t *testing.T) {
	t.Run("nothing sent", func(t *testing.T) {
		for name, r := range map[string]kombo.Request{
			"no method":       {Path: []string{"tools"}},
			"dots":            {Method: "GET", Path: []string{"tools", ".."}},
			"empty element":   {Method: "GET", Path: []string{"tools", ""}},
			"body not JSON":   {Method: "POST", Path: []string{"tools"}, Body: func() {}},
			"method of words": {Method: "GET IT", Path: []string{"tools"}},
		} {
			t.Run(name, func(t *testing.T) {
				server := play(answers(200, `{}`))
				_, err := newClient(t, server).Call(t.Context(), "", r)
				require.Error(t, err)
				require.Empty(t, server.seen)
			})
		}
	})
	t.Run("refused", func(t *testing.T) {
		body := string(example(t, "error-403-permission-missing.json"))
		server := play(answers(403, body))
		got, err := newClient(t, server).Call(t.Context(), integration, kombo.Request{Method: "GET", Path: []string{"x"}})
		api := apiError(t, err)
		require.ErrorIs(t, err, assessment.ErrForbidden)
		require.Equal(t, integration, api.Account)
		require.JSONEq(t, body, string(got))
	})
	t.Run("a read is repeated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(500, ""), answers(200, `{}`))
			_, err := newClient(t, server).Call(t.Context(), "", kombo.Request{Method: "GET", Path: []string{"x"}})
			require.NoError(t, err)
			require.Len(t, server.seen, 2)
		})
	})
	t.Run("a write of unknown fate is not", func(t *testing.T) {
		server := play(answers(500, ""))
		_, err := newClient(t, server).Call(t.Context(), "", kombo.Request{Method: "POST", Path: []string{"x"}, Body: 1})
		require.True(t, apiError(t, err).Uncertain)
		require.Len(t, server.seen, 1)
	})
}

func TestObserverAndLogSeeNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		var attempts []assessment.Attempt
		server := play(answers(503, "<html>busy "+testKey+"</html>"), answers(401, `{"error":{"code":"PLATFORM.AUTHENTICATION_INVALID","message":"bad key `+testKey+`"}}`))
		client := newClient(t, server, func(c *kombo.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { attempts = append(attempts, a) }
			c.Connection = "eu"
		})
		_, err := client.Packages(t.Context(), integration)
		require.ErrorIs(t, err, assessment.ErrUnauthorized)
		require.Len(t, attempts, 2)
		require.Equal(t, "eu", attempts[0].Connection)
		require.Equal(t, integration, attempts[0].Account)
		require.Equal(t, "PLATFORM.AUTHENTICATION_INVALID", attempts[1].Code)
		require.NotEmpty(t, text.String())
		everything := text.String() + fmt.Sprintf("%+v %#v %+v", err, err, attempts) + string(apiError(t, err).Body)
		require.NotContains(t, everything, testKey)
	})
}

// A configuration ends up in start-up logs.
func TestConfigShowsNoKey(t *testing.T) {
	config := kombo.Config{APIKey: testKey, Region: kombo.RegionUS}
	client := newClient(t, play(answers(200, "")))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{config, &config, client, *client} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, testKey, "%s of %T", verb, v)
			require.NotContains(t, text, fmt.Sprintf("%x", testKey), "%s of %T", verb, v)
		}
	}
	var text strings.Builder
	log := slog.New(slog.NewJSONHandler(&text, nil))
	log.Info("x", "config", config, "pointer", &config, "client", client)
	require.NotContains(t, text.String(), testKey)
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		server := play(hangs)
		client := newClient(t, server, func(c *kombo.Config) { c.Timeout = 90 * time.Second })
		_, err := client.Packages(t.Context(), integration)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, assessment.ErrUnavailable)
		require.Equal(t, 90*time.Second, time.Since(began))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = client.Packages(ctx, integration)
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, server.seen, 1)
	})
}

func TestMaxRetries(t *testing.T) {
	for retries, want := range map[int]int{0: 5, -1: 1, 2: 3} {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(503, ""))
			client := newClient(t, server, func(c *kombo.Config) { c.MaxRetries = retries })
			_, err := client.Packages(t.Context(), integration)
			require.ErrorIs(t, err, assessment.ErrUnavailable)
			require.Len(t, server.seen, want)
			require.Equal(t, want, apiError(t, err).Attempts)
		})
	}
}

func TestUserAgent(t *testing.T) {
	for given, want := range map[string]string{"": "^assessbridge-go/[0-9]", "acme-tests/7": "^acme-tests/7$"} {
		server := play(answers(200, `{"data":{"packages":[]}}`))
		_, err := newClient(t, server, func(c *kombo.Config) { c.UserAgent = given }).Packages(t.Context(), integration)
		require.NoError(t, err)
		require.Len(t, server.seen[0].Header.Values("User-Agent"), 1)
		require.Regexp(t, want, server.seen[0].Header.Get("User-Agent"))
	}
}

func TestHTTPClientIsNotChanged(t *testing.T) {
	server := play(answers(200, `{"data":{"packages":[]}}`))
	given := &http.Client{Transport: server}
	_, err := newClient(t, nil, func(c *kombo.Config) { c.HTTPClient = given }).Packages(t.Context(), integration)
	require.NoError(t, err)
	require.Same(t, server, given.Transport)
	require.Nil(t, given.CheckRedirect)
}

func TestAgainstTheSimulatorsRegions(t *testing.T) {
	server := kombotest.Start(t, func(c *kombotest.Config) { c.Region = kombotest.US })
	for region, want := range map[kombo.Region]error{kombo.RegionUS: nil, kombo.RegionEU: assessment.ErrUnauthorized} {
		client, err := kombo.New(kombo.Config{APIKey: kombotest.DefaultAPIKey, Region: region, HTTPClient: server.Client()})
		require.NoError(t, err)
		_, err = client.Packages(t.Context(), kombotest.DefaultIntegration)
		require.True(t, errors.Is(err, want), "%s: %v", region, err)
	}
}
