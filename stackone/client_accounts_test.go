package stackone_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func exampleAccount() stackone.Account {
	return stackone.Account{
		ID: account, Provider: "greenhouse", ProviderName: "Greenhouse", Status: "active",
		OriginOwnerID: "owner_123", OriginOwnerName: "Acme Corp", Type: "production",
		CreatedAt: utc(2024, 1, 15, 10, 30), UpdatedAt: utc(2024, 1, 20, 14, 45),
	}
}

func withoutSetup(t testing.TB, a stackone.Account) stackone.Account {
	t.Helper()
	require.JSONEq(t, `{"domain":"companytest"}`, string(a.SetupInformation))
	a.SetupInformation = nil
	return a
}

func TestAccountExamples(t *testing.T) {
	t.Run("get", func(t *testing.T) {
		server := play(answers(200, string(example(t, "constructed.account_get.response.json"))))
		got, err := newClient(t, server).Account(t.Context(), "a/b")
		require.NoError(t, err)
		requireEqual(t, exampleAccount(), withoutSetup(t, got))
		require.Equal(t, "https://api.stackone.com/accounts/a%2Fb", server.seen[0].URL)
		require.Empty(t, server.seen[0].Header.Get("X-Account-Id"))
	})
	t.Run("list", func(t *testing.T) {
		server := play(answers(200, string(example(t, "constructed.accounts_list.response.json"))), answers(200, `[]`))
		got, err := collect(newClient(t, server).Accounts(t.Context(), stackone.AccountFilter{
			OriginOwnerIDs: []string{"owner_123", "b&c"}, Providers: []string{"greenhouse"}, AccountIDs: []string{"1"}, Statuses: []string{"active", "error"}, PageSize: 2,
		}))
		require.NoError(t, err)
		require.Len(t, got, 2)
		requireEqual(t, exampleAccount(), withoutSetup(t, got[0]))
		requireEqual(t, []stackone.StatusReason{{Code: "401", Description: "Credentials rejected by provider", At: utc(2024, 1, 21, 9, 0)}}, got[1].StatusReasons)
		require.Equal(t, url.Values{
			"page": {"1"}, "page_size": {"2"}, "origin_owner_ids": {"owner_123", "b&c"}, "providers": {"greenhouse"}, "account_ids": {"1"}, "status": {"active", "error"},
		}, queryOf(t, server.seen[0]))
		require.Equal(t, "2", queryOf(t, server.seen[1]).Get("page"))
	})
	t.Run("wrapped, and a server that ignores the page", func(t *testing.T) {
		server := play(answers(200, string(example(t, "accounts_list.guide_variant_wrapped.response.json"))))
		got, err := collect(newClient(t, server).Accounts(t.Context(), stackone.AccountFilter{}))
		require.NoError(t, err)
		require.Len(t, got, 2)
		require.Equal(t, "acct_def456", got[1].ID)
		require.Equal(t, "salesforce", got[1].Provider)
		require.Len(t, server.seen, 2)
	})
	for _, body := range []string{`{}`, `{"data":null}`, `{"statusCode":500}`, `7`, ``} {
		client := newClient(t, play(answers(200, body)), once)
		_, err := collect(client.Accounts(t.Context(), stackone.AccountFilter{}))
		require.Error(t, err, body)
		_, err = client.Account(t.Context(), account)
		require.Error(t, err, body)
	}
}

func TestAccountsSimulated(t *testing.T) {
	for _, wrapped := range []bool{false, true} {
		server := stackonetest.Start(t, func(c *stackonetest.Config) {
			c.Quirks.WrapAccounts, c.Accounts = wrapped, []stackonetest.AccountSpec{}
			for i := range 7 {
				c.Accounts = append(c.Accounts, stackonetest.AccountSpec{ID: fmt.Sprint("a", i)})
			}
		})
		client, err := stackone.New(stackone.Config{APIKey: stackonetest.DefaultAPIKey, HTTPClient: server.Client()})
		require.NoError(t, err)
		got, err := collect(client.Accounts(t.Context(), stackone.AccountFilter{PageSize: 3}))
		require.NoError(t, err)
		require.Len(t, got, 7)
		gone, err := client.DeleteAccount(t.Context(), "a3")
		require.NoError(t, err)
		require.Equal(t, "a3", gone.ID)
		_, err = client.Account(t.Context(), "a3")
		require.ErrorIs(t, err, assessment.ErrNotFound)
	}
	t.Run("deleted by an attempt whose answer was lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, _ := simulated(t, stackonetest.Workday)
			server.Fail(stackonetest.OpDeleteAccount, stackonetest.AppliedThenReset())
			gone, err := client.DeleteAccount(t.Context(), account)
			require.NoError(t, err)
			require.Equal(t, stackone.Account{}, gone)
		})
	})
}

func TestConnectSession(t *testing.T) {
	request := stackone.ConnectRequest{
		OriginOwnerID: "<string>", OriginOwnerName: "<string>", OriginUsername: "<string>", Provider: "greenhouse", ProviderVersion: "<string>",
		Categories: []string{"ats"}, AccountID: "<string>", ExpiresIn: 30 * time.Minute, Metadata: json.RawMessage(`{}`),
		Label: "<string>", Type: "production", IntegrationID: "<string>",
	}
	server := play(answers(201, string(example(t, "connect_session_create.response_201.json"))))
	got, err := newClient(t, server).CreateConnectSession(t.Context(), request)
	require.NoError(t, err)
	want := decoded(t, example(t, "connect_session_create.request.json")).(map[string]any)
	require.Equal(t, false, want["multiple"])
	delete(want, "multiple") // the documented default
	requireEqual(t, any(want), decoded(t, []byte(server.seen[0].Body)))
	requireEqual(t, stackone.ConnectSession{
		ID: "123", OrganizationID: "<string>", ProjectID: "<string>", OriginOwnerID: "<string>", OriginOwnerName: "<string>", OriginUsername: "<string>",
		Provider: "<string>", AccountID: "<string>", Label: "<string>", Type: "production", Categories: []string{"ats", "hris"}, IntegrationID: "<string>",
		CreatedAt: utc(2023, 11, 7, 5, 31).Add(56 * time.Second), Token: "<string>", AuthLinkURL: "<string>",
		ExternalTriggerToken: "f0bc3d88-2178-5423-8c81-b81d6c9da824", Metadata: json.RawMessage(`{}`),
	}, got)

	server = play(answers(201, `{"id":1,"organization_id":9007199254740993,"metadata":{"k":"v"}}`))
	request = stackone.ConnectRequest{OriginOwnerID: "o", OriginOwnerName: "n", Multiple: true, Metadata: json.RawMessage(`{"tier":{"a":[1]}}`)}
	got, err = newClient(t, server).CreateConnectSession(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, "9007199254740993", got.OrganizationID)
	require.JSONEq(t, `{"k":"v"}`, string(got.Metadata))
	require.JSONEq(t, `{"origin_owner_id":"o","origin_owner_name":"n","multiple":true,"metadata":{"tier":{"a":[1]}}}`, server.seen[0].Body)

	_, err = newClient(t, server).CreateConnectSession(t.Context(), stackone.ConnectRequest{
		ProviderVersion: "1", ExpiresIn: time.Millisecond, Metadata: json.RawMessage(`7`),
	})
	require.Equal(t, []string{"origin_owner_id", "origin_owner_name", "provider_version", "expires_in", "metadata"}, paths(t, err))
	require.Len(t, server.seen, 1)
}

// One odd account, or one odd value of it, does not cost the list.
func TestOddAccounts(t *testing.T) {
	for name, form := range map[string]string{"list": `[%s]`, "wrapped": `{"data":[%s]}`} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, fmt.Sprintf(form, `
				{"id":"1","provider":"x","status_reasons":{},"label":"L"}, null, 7, "x", [], {}, {"id":null}, {"id":true}, {"provider":"y"},
				{"id":2,"status_reasons":[null,7,{"code":401,"timestamp":[]}],"provider":{},"label":"M"}`)), answers(200, fmt.Sprintf(form, "")))
			got, err := collect(newClient(t, server).Accounts(t.Context(), stackone.AccountFilter{}))
			require.NoError(t, err)
			requireEqual(t, []stackone.Account{
				{ID: "1", Provider: "x", Label: "L"},
				{ID: "2", Label: "M", StatusReasons: []stackone.StatusReason{{Code: "401"}}},
			}, got)
			require.Len(t, server.seen, 2)
		})
	}
}

// A call that is about no customer asks for the key of none.
func TestKeysWithoutAnAccount(t *testing.T) {
	var asked []string
	server := play(answers(200, `[]`), answers(201, `{"id":1}`), answers(200, `{}`), answers(200, `{"id":"1"}`))
	client := newClient(t, server, func(c *stackone.Config) {
		c.APIKey = ""
		c.Keys = func(_ context.Context, account string) (string, error) {
			asked = append(asked, account)
			return "k", nil
		}
	})
	_, err := collect(client.Accounts(t.Context(), stackone.AccountFilter{AccountIDs: []string{"1"}}))
	require.NoError(t, err)
	_, err = client.CreateConnectSession(t.Context(), stackone.ConnectRequest{OriginOwnerID: "o", OriginOwnerName: "n", AccountID: "1"})
	require.NoError(t, err)
	_, err = client.Call(t.Context(), "", stackone.Request{Method: http.MethodGet, Path: []string{"connectors", "meta"}})
	require.NoError(t, err)
	_, err = client.Account(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, []string{"", "", "", "1"}, asked)
}
