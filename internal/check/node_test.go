package check_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/check"
)

// nodeProvider starts the provider in testdata/provider.mjs and returns its address.
func nodeProvider(t *testing.T, a check.Addresses) string {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"kombo": a.Kombo, "komboKey": a.KomboKey, "komboSecret": a.KomboSecret,
		"stackone": a.StackOne, "stackoneKey": a.StackOneKey, "stackoneSecret": a.StackOneSecret, "stackoneNextSecret": a.StackOneNextSecret,
		"ashby": a.Ashby, "ashbyCustomers": append(a.Credentials.Ashby[:], check.AshbyCustomer{Name: emptyCustomer, PartnerKey: emptyKey}),
		"emptyAccount": emptyAccount, "emptyCustomer": emptyCustomer,
	})
	require.NoError(t, err)
	node, err := exec.LookPath("node")
	require.NoError(t, err, "Node is needed; on Debian type: apt-get install -y nodejs")
	process := exec.CommandContext(t.Context(), node, "testdata/provider.mjs")
	process.Env = append(os.Environ(), "CONFIG="+string(config))
	process.Stderr = t.Output()
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	t.Cleanup(func() { _ = process.Wait() }) // killed with the test's context
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

func finishAt(url string) func(context.Context, assessment.OrderRef, assessment.Result) error {
	return func(ctx context.Context, ref assessment.OrderRef, result assessment.Result) error {
		body, err := json.Marshal(map[string]any{
			"vendor": ref.Vendor, "account": ref.Account, "id": ref.ID, "kind": ref.Kind, "result": result,
		})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("HTTP %d", response.StatusCode)
		}
		return nil
	}
}

// A provider in another language, which has none of our code, passes every check at
// level core.
func TestNodeProviderPassesCore(t *testing.T) {
	kit, err := check.New(check.Config{Seed: 3})
	require.NoError(t, err)
	t.Cleanup(kit.Close)
	addresses, err := kit.Addresses()
	require.NoError(t, err)
	base := nodeProvider(t, addresses)
	at := func(path string) check.Endpoint { return check.Endpoint{URL: base + path} }
	report, err := kit.Run(t.Context(), check.Target{
		Name:  "node",
		Kombo: check.KomboTarget{Webhook: at("/kombo")},
		StackOne: check.StackOneTarget{
			Webhook: at("/stackone"), AssessmentPackages: at("/stackone/packages"), EmptyAccount: emptyAccount,
		},
		Ashby:   check.AshbyTarget{Base: at("/ashby"), EmptyKey: emptyKey},
		Package: offered, RejectedPackage: rejected, FaultPackage: faulty, ConflictPackage: running,
		Finish: finishAt(base + "/finish"),
		Packages: func(_ context.Context, customer assessment.OrderRef) ([]string, error) {
			return []string{offered, ownPackage(customer.Account)}, nil
		},
	}, check.Options{Level: check.Core, AnswerTimeout: fast.AnswerTimeout, Settle: fast.Settle, Patience: fast.Patience, Timeout: fast.Timeout})
	require.NoError(t, err)
	t.Log(report.Line())
	core := 0
	for _, c := range check.Catalogue() {
		if c.Level == check.Core {
			core++
		}
	}
	require.Len(t, report.Results, core)
	for _, r := range report.Results {
		require.Equal(t, check.Passed, r.State, "%s: %+v", r.ID, r)
	}
}
