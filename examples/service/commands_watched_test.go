package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// The orders and accounts behind an alarm have names on the command line.
func TestCommandsNameWhatAlarmsCount(t *testing.T) {
	for name, database := range map[string]string{
		"postgresql": postgresURL(postgresFolder, postgres(t)), "sqlite": filepath.Join(t.TempDir(), "service.db"),
	} {
		t.Run(name, func(t *testing.T) {
			r := begin(t, func(s *settings) { s.DB = database })
			r.ready(t)
			o := operator{t, good(prefix+"OPS_TOKEN="+secret, prefix+"OPS_LISTEN="+r.ops)}
			var orders []orderAtRisk
			var waiting []accountWaiting
			var silent []accountSilent
			o.does(exitDone, &orders, "at-risk")
			o.does(exitDone, &waiting, "accounts waiting")
			o.does(exitDone, &silent, "accounts silent")
			require.Empty(t, orders)
			require.Empty(t, waiting)
			require.Empty(t, silent)

			const account = "5 & 6/7" // escaped in the tables
			lost := assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: "lost"}
			require.NoError(t, r.durable.DB().Notice(t.Context(), sqlstore.Noticed{AtRisk: []assessment.OrderRef{lost}}))
			schema := ""
			if r.settings.postgres() {
				schema = "assessbridge."
			}
			month, day := (30 * 24 * time.Hour).Milliseconds(), (24 * time.Hour).Milliseconds()
			now := time.Now().UnixMilli()
			_, err := r.db.Exec(`INSERT INTO `+schema+`assessbridge_habits (route, account, orders, pause, made, seen) VALUES ($1, $2, 40, $3, $4, $5)`,
				sqlstore.Route(assessment.StackOne, ""), sqlstore.Account(account), day, now-month, now-4*day)
			require.NoError(t, err)
			o.does(exitDone, nil, "pause results --vendor kombo", by...)
			for _, id := range []string{"a", "b"} {
				require.Equal(t, 202, r.putResult(t, secret, komboRef(id).String(), finalResult))
			}

			o.does(exitDone, &orders, "at-risk")
			require.Len(t, orders, 1)
			require.Equal(t, []orderAtRisk{{lost.String(), orders[0].Age}}, orders)
			require.Less(t, orders[0].Age, int64(600))
			o.does(exitDone, &waiting, "accounts waiting")
			require.Len(t, waiting, 1)
			require.Equal(t, []accountWaiting{{"kombo", kombotest.DefaultIntegration, 2, waiting[0].Oldest}}, waiting)
			o.does(exitDone, &silent, "accounts silent --max 1")
			require.Len(t, silent, 1)
			require.Equal(t, []accountSilent{{"stackone", account, 40, silent[0].Silent, day / 1000}}, silent)
			require.InDelta(t, 4*day/1000, silent[0].Silent, 600)

			code, text, _ := o.run("accounts", "silent")
			require.Zero(t, code)
			require.Regexp(t, `^ROUTE +ACCOUNT +ORDERS +SILENT +PAUSE\nstackone +5 & 6/7 +40 +96h\S+ +24h0m0s\n$`, text)
			code, text, _ = o.run("at-risk")
			require.Zero(t, code)
			require.Regexp(t, `^ORDER +AGE\nstackone//assessment/\S+/lost +\d\S*s\n$`, text)
			o.does(exitMisused, nil, "at-risk --max 0")
			o.does(exitMisused, nil, "accounts waiting kombo")
			o.does(exitMisused, nil, "accounts")
		})
	}
}
