package kombo_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// requireRequest checks the only request: none of these selects an integration
// by header.
func requireRequest(t testing.TB, server *script, method, path, body string) {
	t.Helper()
	require.Len(t, server.seen, 1)
	got := server.seen[0]
	require.Equal(t, method, got.Method)
	require.Equal(t, "https://api.kombo.dev/v1"+path, got.URL)
	require.NotContains(t, got.Header, "X-Integration-Id")
	require.Equal(t, "Bearer "+testKey, got.Header.Get("Authorization"))
	if body == "" {
		require.Empty(t, got.Body)
		return
	}
	requireSameJSON(t, []byte(body), []byte(got.Body))
}

func TestCheckAPIKey(t *testing.T) {
	server := play(answers(200, string(example(t, "check-api-key-response.json"))))
	environment, err := newClient(t, server).CheckAPIKey(t.Context())
	require.NoError(t, err)
	require.Equal(t, "2Uev1YUTqLFdvMPD3Jtrg2FX", environment)
	requireRequest(t, server, "GET", "/check-api-key", "")

	_, err = newClient(t, play(answers(401, string(example(t, "error-401-authentication-invalid.json"))))).CheckAPIKey(t.Context())
	require.ErrorIs(t, err, assessment.ErrUnauthorized)
}

func TestCreateLink(t *testing.T) {
	const link = "https://connect.kombo.dev/v1?token=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln"
	// Kombo's own example is of its default category, HRIS. A provider must ask
	// for another, whatever the tool.
	var documented map[string]any
	require.NoError(t, json.Unmarshal(example(t, "create-link-request.json"), &documented))
	require.Equal(t, "HRIS", documented["integration_category"])
	documented["integration_category"] = "ASSESSMENT"
	ofAProvider, err := json.Marshal(documented)
	require.NoError(t, err)

	full := kombo.LinkRequest{
		EndUserEmail: "test@example.com", OrganizationName: "Test Inc.", OriginID: "123",
		Tool: "greenhouse", Language: "en", LinkType: kombo.LinkEmbedded,
	}
	personio := full
	personio.Tool = "personio"
	for name, tc := range map[string]struct {
		request kombo.LinkRequest
		want    string
	}{
		"assessment": {full, string(example(t, "create-link-request-assessment.json"))},
		"documented": {personio, string(ofAProvider)},
		"least": {
			kombo.LinkRequest{EndUserEmail: "a@b.c", OrganizationName: "A"},
			`{"end_user_email":"a@b.c","end_user_organization_name":"A","integration_category":"ASSESSMENT"}`,
		},
		"most": {
			kombo.LinkRequest{
				EndUserEmail: "a@b.c", OrganizationName: "A", OriginID: "o", Tool: "workday", RemoteEnvironment: "r",
				Language: "de", ScopeConfigID: "s", EnableFieldMapping: true, LinkType: kombo.LinkMagic,
			},
			`{"end_user_email":"a@b.c","end_user_organization_name":"A","integration_category":"ASSESSMENT","end_user_origin_id":"o","integration_tool":"workday",
			  "remote_environment":"r","language":"de","scope_config_id":"s","enable_field_mapping":true,"link_type":"MAGIC_LINK"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, string(example(t, "create-link-response.json"))))
			got, err := newClient(t, server).CreateLink(t.Context(), tc.request)
			require.NoError(t, err)
			require.Equal(t, link, got)
			requireRequest(t, server, "POST", "/connect/create-link", tc.want)
		})
	}
	t.Run("refused", func(t *testing.T) {
		server := play(answers(200, ""))
		_, err := newClient(t, server).CreateLink(t.Context(), kombo.LinkRequest{RemoteEnvironment: "r"})
		require.Equal(t, []string{"end_user_email", "end_user_organization_name", "remote_environment"}, paths(t, err))
		require.Empty(t, server.seen)
	})
}

func TestIntegrationByToken(t *testing.T) {
	server := play(answers(200, string(example(t, "integration-by-token-response.json"))))
	got, err := newClient(t, server).IntegrationByToken(t.Context(), "t/o?k")
	require.NoError(t, err)
	requireEqual(t, kombo.ConnectedIntegration{
		ID: "personio:CBNMt7dSNCzBdnRTx87dev4E", Tool: "personio", OriginID: "36123",
		OrganizationName: "Acme, Inc.", EndUserEmail: "user@example.com", SetupStatus: "COMPLETED",
	}, got)
	requireRequest(t, server, "GET", "/connect/integration-by-token/t%2Fo%3Fk", "")

	server = play(answers(200, `{"data":{"id":"lever:1","end_user_origin_id":null,"end_user_email":null}}`))
	got, err = newClient(t, server).IntegrationByToken(t.Context(), "t")
	require.NoError(t, err)
	requireEqual(t, kombo.ConnectedIntegration{ID: "lever:1"}, got)
}

func TestIntegration(t *testing.T) {
	server := play(answers(200, string(example(t, "get-integration-response.json"))))
	got, err := newClient(t, server).Integration(t.Context(), "factorial:8d1hpPsbjxUkoCoa1veLZGe5")
	require.NoError(t, err)
	want := kombo.Integration{
		ID: "factorial:8d1hpPsbjxUkoCoa1veLZGe5",
		Tool: kombo.Tool{
			ID: "factorial", Label: "Factorial",
			LogoURL: "https://storage.googleapis.com/kombo-assets/integrations/factorial/logo.svg",
			IconURL: "https://storage.googleapis.com/kombo-assets/integrations/factorial/icon.svg",
		},
		Category: "HRIS", Status: "ACTIVE", SetupStatus: "COMPLETED",
		EndUser: kombo.EndUser{
			OrganizationName: "Acme", CreatorEmail: "example-integration-creator@acme.com", OriginID: "2DQJAUtSzzzKP9buDTvUvPk3",
		},
		CreatedAt: time.Date(2022, time.August, 7, 14, 1, 29, 196e6, time.UTC),
		ReadModels: []kombo.Capability{{
			ID: "hris_employees", Label: "Employees", IsAvailable: true, CoverageStatus: "SUPPORTED", ScopeConfigSetting: "ENABLED",
			Fields: []kombo.Capability{{ID: "date_of_birth", CoverageStatus: "SUPPORTED", ScopeConfigSetting: "OPTIONAL", OptedOutByCustomer: true}},
		}},
		WriteActions: []kombo.Capability{{
			ID: "hris_create_employee", Label: "Create employee", IsAvailable: true, CoverageStatus: "SUPPORTED", ScopeConfigSetting: "ENABLED",
			Fields: []kombo.Capability{{ID: "first_name", IsAvailable: true, CoverageStatus: "SUPPORTED"}},
		}},
	}
	want.ScopeConfig.ID, want.ScopeConfig.Name = "B1hu5NGyhdjSq5X3hxEz4bAN", "Anonymous Scopes"
	requireEqual(t, want, got)
	require.Len(t, server.seen, 1)
	require.Contains(t, []string{
		"https://api.kombo.dev/v1/integrations/factorial:8d1hpPsbjxUkoCoa1veLZGe5",
		"https://api.kombo.dev/v1/integrations/factorial%3A8d1hpPsbjxUkoCoa1veLZGe5",
	}, server.seen[0].URL, "a colon may stand in a path element as it is (RFC 3986, 3.3)")
}

// A time that cannot be read must not hide the rest of an integration.
func TestIntegrationWithOddTimes(t *testing.T) {
	for at, expired := range map[string]time.Time{
		`"2026-01-01"`: utc(2026, time.January, 1, 0, 0), `1767225600`: utc(2026, time.January, 1, 0, 0), `null`: {}, `""`: {}, `{}`: {},
	} {
		t.Run(at, func(t *testing.T) {
			server := play(answers(200, `{"status":"success","data":{"id":"lever:1","data_expired_at":`+at+
				`,"created_at":"2026-01-02T03:04:00Z","status":"ACTIVE"}}`))
			got, err := newClient(t, server).Integration(t.Context(), "lever:1")
			require.NoError(t, err)
			requireEqual(t, kombo.Integration{
				ID: "lever:1", Status: "ACTIVE", CreatedAt: utc(2026, time.January, 2, 3, 4), DataExpiredAt: expired,
			}, got)
		})
	}
	server := play(answers(200, `{"data":{"id":"lever:1","data_expired_at":"2026-01-02T03:04:00Z","created_at":null}}`))
	got, err := newClient(t, server).Integration(t.Context(), "lever:1")
	require.NoError(t, err)
	requireEqual(t, kombo.Integration{ID: "lever:1", DataExpiredAt: utc(2026, time.January, 2, 3, 4)}, got)
}

// What drifted is named as Kombo names it, not as the structs here are built.
func TestIntegrationDrift(t *testing.T) {
	var found []assessment.Drift
	server := play(answers(200, `{"data":{"id":"lever:1","end_user":{"origin_id":7,"organization_name":"A"},"status":"ACTIVE"}}`))
	client := newClient(t, server, func(c *kombo.Config) {
		c.Observer.Drift = func(_ context.Context, d assessment.Drift) { found = append(found, d) }
	})
	got, err := client.Integration(t.Context(), "lever:1")
	require.NoError(t, err)
	requireEqual(t, kombo.Integration{ID: "lever:1", Status: "ACTIVE", EndUser: kombo.EndUser{OrganizationName: "A", OriginID: "7"}}, got)
	requireEqual(t, []assessment.Drift{{
		Vendor: assessment.Kombo, Event: "GET /integrations/{id}", Field: "data.end_user.origin_id",
	}}, found)
}

// The customer's integration can be named by nothing but its id.
func TestOnboardingRefusesNoIntegration(t *testing.T) {
	for name, call := range map[string]func(context.Context, *kombo.Client, string) error{
		"IntegrationByToken": func(ctx context.Context, c *kombo.Client, id string) error {
			_, err := c.IntegrationByToken(ctx, id)
			return err
		},
		"Integration": func(ctx context.Context, c *kombo.Client, id string) error {
			_, err := c.Integration(ctx, id)
			return err
		},
		"DeleteIntegration": func(ctx context.Context, c *kombo.Client, id string) error { return c.DeleteIntegration(ctx, id) },
		"SetEnabled":        func(ctx context.Context, c *kombo.Client, id string) error { return c.SetEnabled(ctx, id, true) },
		"Relink": func(ctx context.Context, c *kombo.Client, id string) error {
			_, err := c.Relink(ctx, id, kombo.RelinkRequest{})
			return err
		},
		"SetupLink": func(ctx context.Context, c *kombo.Client, id string) error {
			_, err := c.SetupLink(ctx, id, kombo.RelinkRequest{})
			return err
		},
	} {
		for _, id := range []string{"", "..", "."} {
			t.Run(name+" "+id, func(t *testing.T) {
				server := play(answers(200, `{"data":{}}`))
				err := call(t.Context(), newClient(t, server), id)
				require.ErrorIs(t, err, assessment.ErrInvalid)
				require.Empty(t, server.seen)
				if id != "" {
					return
				}
				want := "integration"
				if name == "IntegrationByToken" {
					want = "token"
				}
				require.Equal(t, []string{want}, paths(t, err), "in the words of the method's arguments")
			})
		}
	}
}

func TestDeleteIntegration(t *testing.T) {
	deleted := string(example(t, "delete-integration-response.json"))
	server := play(answers(200, deleted))
	require.NoError(t, newClient(t, server).DeleteIntegration(t.Context(), "lever:1"))
	requireRequest(t, server, "DELETE", "/integrations/lever:1", `{}`)

	gone := answers(404, envelope("PLATFORM.INTEGRATION_NOT_FOUND"))
	require.ErrorIs(t, newClient(t, play(gone)).DeleteIntegration(t.Context(), "lever:1"), assessment.ErrNotFound)
	t.Run("the answer was lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			require.NoError(t, newClient(t, play(breaks(errReset), gone)).DeleteIntegration(t.Context(), "lever:1"))
		})
	})
	// The first attempt was refused before it began, so it deleted nothing, and
	// the integration is of another environment.
	t.Run("the load balancer was busy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			err := newClient(t, play(answers(503, "<html>"), gone)).DeleteIntegration(t.Context(), "lever:1")
			require.ErrorIs(t, err, assessment.ErrNotFound)
		})
	})
}

// A success without a body is a success, as it is of every other write.
func TestOnboardingWritesWithoutAnAnswer(t *testing.T) {
	for name, call := range map[string]func(*kombo.Client) error{
		"DeleteIntegration": func(c *kombo.Client) error { return c.DeleteIntegration(t.Context(), "lever:1") },
		"SetEnabled":        func(c *kombo.Client) error { return c.SetEnabled(t.Context(), "lever:1", true) },
	} {
		for _, status := range []int{200, 204} {
			t.Run(name, func(t *testing.T) {
				require.NoError(t, call(newClient(t, play(answers(status, "")))))
			})
		}
	}
}

// A link that is not there must not be handed to a customer.
func TestNoLinkIsNoSuccess(t *testing.T) {
	_, err := newClient(t, play(answers(200, `{"status":"success","data":{}}`))).Relink(t.Context(), "lever:1", kombo.RelinkRequest{})
	require.Error(t, err)
}

func TestSetEnabled(t *testing.T) {
	for enabled, want := range map[bool]string{true: `{"value":true}`, false: `{"value":false}`} {
		server := play(answers(200, `{"status":"success","data":{}}`))
		require.NoError(t, newClient(t, server).SetEnabled(t.Context(), "lever:1", enabled))
		requireRequest(t, server, "PUT", "/integrations/lever:1/enabled", want)
	}
}

func TestRelinkAndSetupLink(t *testing.T) {
	answer := string(example(t, "create-link-response.json"))
	all := kombo.RelinkRequest{Language: "en", ScopeConfigID: "9Pv6aCFwNDEzPNmwjSsY9SQx", LinkType: kombo.LinkEmbedded}

	server := play(answers(200, answer))
	link, err := newClient(t, server).Relink(t.Context(), "lever:1", all)
	require.NoError(t, err)
	require.NotEmpty(t, link)
	requireRequest(t, server, "POST", "/integrations/lever:1/relink", string(example(t, "relink-request.json")))

	server = play(answers(200, answer))
	_, err = newClient(t, server).Relink(t.Context(), "lever:1", kombo.RelinkRequest{})
	require.NoError(t, err)
	requireRequest(t, server, "POST", "/integrations/lever:1/relink", `{}`)

	// link_type is required here, and there is no scope.
	server = play(answers(200, answer))
	_, err = newClient(t, server).SetupLink(t.Context(), "lever:1", kombo.RelinkRequest{Language: "fr"})
	require.NoError(t, err)
	requireRequest(t, server, "POST", "/integrations/lever:1/setup-link", `{"language":"fr","link_type":"EMBEDDED"}`)
}

func TestTools(t *testing.T) {
	server := play(answers(200, `{"status":"success","data":{"tools":[{"id":"lever","label":"Lever","internal_label":null,
		"assets":{"logo_url":"https://x/l.svg","icon_url":"https://x/i.svg","icon_black_url":"https://x/b.svg"},"coverage":{}}]}}`))
	got, err := newClient(t, server).Tools(t.Context())
	require.NoError(t, err)
	requireEqual(t, []kombo.Tool{{ID: "lever", Label: "Lever", LogoURL: "https://x/l.svg", IconURL: "https://x/i.svg"}}, got)
	requireRequest(t, server, "GET", "/tools/assessment", "")

	server = play(answers(200, `{"status":"success","data":{"tools":[{"id":"lever","label":"Lever","internal_label":null,
		"assets":{"logo_url":"https://x/l.svg","icon_url":"https://x/i.svg","icon_black_url":"https://x/b.svg"},
		"paid_api_details_markdown":"**Paid**","fast_track_details_markdown":null,"partner_only_details_markdown":"Partners",
		"connection_guide_url":"https://help.kombo.dev/lever",
		"coverage":{"read_models":[{"id":"ats_jobs","label":"Jobs","coverage_status":"SUPPORTED"}],"write_actions":[],"features":[{"id":"f"}]}}]}}`))
	got, err = newClient(t, server).Tools(t.Context())
	require.NoError(t, err)
	requireEqual(t, []kombo.Tool{{
		ID: "lever", Label: "Lever", LogoURL: "https://x/l.svg", IconURL: "https://x/i.svg",
		ConnectionGuideURL: "https://help.kombo.dev/lever", PaidAPIDetails: "**Paid**", PartnerOnlyDetails: "Partners",
		Coverage: kombo.Coverage{
			ReadModels:   []kombo.Capability{{ID: "ats_jobs", Label: "Jobs", CoverageStatus: "SUPPORTED"}},
			WriteActions: []kombo.Capability{},
			Features:     []kombo.Capability{{ID: "f"}},
		},
	}}, got)
}

// What this package has no method for goes through Call, whose answer is whole.
func TestCallExamples(t *testing.T) {
	for name, tc := range map[string]struct {
		request kombo.Request
		answer  []byte
		body    string
	}{
		"force sync": {
			kombo.Request{Method: http.MethodPost, Path: []string{"force-sync"}, Body: map[string]string{"type": "DELTA"}},
			example(t, "force-sync-response.json"), `{"type":"DELTA"}`,
		},
		"passthrough": {
			kombo.Request{Method: http.MethodPost, Path: []string{"passthrough", "personio", "v1"}, Body: map[string]any{
				"method": "GET", "path": "/company/employees", "params": map[string]string{"limit": "1"},
			}},
			example(t, "passthrough-response.json"), `{"method":"GET","path":"/company/employees","params":{"limit":"1"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, string(tc.answer)))
			got, err := newClient(t, server).Call(t.Context(), integration, tc.request)
			require.NoError(t, err)
			requireSameJSON(t, tc.answer, got)
			requireSameJSON(t, []byte(tc.body), []byte(server.seen[0].Body))
			require.Equal(t, integration, server.seen[0].Header.Get("X-Integration-Id"))
		})
	}
}

func TestOnboardingAtTheSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		client, err := kombo.New(kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: server.Client()})
		require.NoError(t, err)
		h := newHost(t, &provider{}, options{})
		server.Target(h.handler)

		environment, err := client.CheckAPIKey(t.Context())
		require.NoError(t, err)
		require.Equal(t, kombotest.DefaultEnvironmentID, environment)
		link, err := client.CreateLink(t.Context(), kombo.LinkRequest{
			EndUserEmail: "a@example.com", OrganizationName: "A", OriginID: "c1", Tool: "greenhouse",
		})
		require.NoError(t, err)
		connection, err := server.Connect(t.Context(), kombotest.ConnectSpec{Link: link})
		require.NoError(t, err)
		require.Equal(t, 200, connection.Delivery.Status)
		connected, err := client.IntegrationByToken(t.Context(), connection.Token)
		require.NoError(t, err)
		require.Equal(t, connection.Integration, connected.ID)
		require.Equal(t, "c1", connected.OriginID)

		got, err := client.Integration(t.Context(), connected.ID)
		require.NoError(t, err)
		require.Equal(t, "ASSESSMENT", got.Category)
		require.Equal(t, "greenhouse", got.Tool.ID)
		require.NoError(t, client.SetEnabled(t.Context(), connected.ID, false))
		got, err = client.Integration(t.Context(), connected.ID)
		require.NoError(t, err)
		require.Equal(t, "INACTIVE", got.Status)
		_, err = client.Relink(t.Context(), connected.ID, kombo.RelinkRequest{Language: "de"})
		require.NoError(t, err)
		_, err = client.SetupLink(t.Context(), connected.ID, kombo.RelinkRequest{})
		require.ErrorIs(t, err, assessment.ErrInvalid, "it has no setup step")
		tools, err := client.Tools(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, tools)
		require.NotEmpty(t, tools[0].ConnectionGuideURL)
		require.NoError(t, client.DeleteIntegration(t.Context(), connected.ID))
		_, err = client.Integration(t.Context(), connected.ID)
		require.ErrorIs(t, err, assessment.ErrNotFound)
	})
}
