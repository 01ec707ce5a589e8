package kombo_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// A maintenance page with a 200 must not be taken for an empty list: a host
// would believe that there are no orders, packages or tools.
func TestSuccessWithoutDataIsNone(t *testing.T) {
	reads := map[string]func(context.Context, *kombo.Client) error{
		"Packages": func(ctx context.Context, c *kombo.Client) error {
			_, err := c.Packages(ctx, integration)
			return err
		},
		"Orders": func(ctx context.Context, c *kombo.Client) error { return calls["Orders"](ctx, c, integration) },
		"CheckAPIKey": func(ctx context.Context, c *kombo.Client) error {
			_, err := c.CheckAPIKey(ctx)
			return err
		},
		"Integration": func(ctx context.Context, c *kombo.Client) error {
			_, err := c.Integration(ctx, "lever:1")
			return err
		},
		"IntegrationByToken": func(ctx context.Context, c *kombo.Client) error {
			_, err := c.IntegrationByToken(ctx, "t")
			return err
		},
		"Tools": func(ctx context.Context, c *kombo.Client) error {
			_, err := c.Tools(ctx)
			return err
		},
		"Reconcile": func(ctx context.Context, c *kombo.Client) error {
			_, err := c.Reconcile(ctx, integration, kombo.ReconcileConfig{DryRun: true})
			return err
		},
		"CreateLink": func(ctx context.Context, c *kombo.Client) error {
			_, err := c.CreateLink(ctx, kombo.LinkRequest{EndUserEmail: "a@b.c", OrganizationName: "A"})
			return err
		},
	}
	for name, do := range reads {
		for _, body := range []string{
			`{"message":"maintenance"}`, `{"status":"error"}`, `{"status":"success","data":null}`, `{}`, `null`,
		} {
			t.Run(name+" "+body, func(t *testing.T) {
				server := play(answers(200, body))
				err := do(t.Context(), newClient(t, server, func(c *kombo.Config) { c.MaxRetries = -1 }))
				api := apiError(t, err)
				require.Equal(t, 200, api.StatusCode)
				require.Equal(t, assessment.Kombo, api.Vendor)
				require.NotEmpty(t, api.Operation)
				require.Equal(t, 1, api.Attempts)
				require.Equal(t, body, string(api.Body), "to be looked at")
				requireClass(t, err, assessment.ErrUnavailable)
				require.Len(t, server.seen, 1)
			})
		}
	}
}

// An order that could not be read is not open: the write must not be repeated.
func TestUncertainResultWithoutAReadableOrder(t *testing.T) {
	server := play(answers(500, ""), answers(200, `{"message":"maintenance"}`))
	_, err := newClient(t, server, func(c *kombo.Config) { c.MaxRetries = -1 }).PublishResult(t.Context(), refTo("workday"), completed())
	api := apiError(t, err)
	require.True(t, api.Uncertain)
	require.True(t, api.SafeToRepeat)
	require.Equal(t, []string{"PUT", "GET"}, server.methods())
}
