package stackonetest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestSignatureVectors(t *testing.T) {
	var file struct {
		Header  string
		Vectors []struct {
			Name, Secret string
			Body         []byte `json:"body_base64"`
			Expected     string `json:"expected_header"`
			Padded       string `json:"padded_variant_not_documented"`
			Other        struct {
				Standard string `json:"base64_standard"`
				Hex      string
			} `json:"other_encodings_not_documented"`
		}
	}
	require.NoError(t, json.Unmarshal(fixture(t, "webhook_signature_vectors.json"), &file))
	require.Equal(t, http.CanonicalHeaderKey(file.Header), stackonetest.SignatureHeader)
	require.NotEmpty(t, file.Vectors)
	for _, v := range file.Vectors {
		require.Equal(t, v.Expected, stackonetest.Sign(v.Secret, v.Body), v.Name)
		s := stackonetest.Start(t, func(c *stackonetest.Config) { c.WebhookSecret = v.Secret })
		s.Target(always(200, ""))
		sent := map[string][]stackonetest.DeliveryFault{
			v.Expected: nil, v.Padded: {stackonetest.PaddedSignature()}, v.Other.Hex: {stackonetest.HexSignature()},
		}
		if v.Other.Standard != "" {
			sent[v.Other.Standard] = []stackonetest.DeliveryFault{stackonetest.StandardBase64Signature()}
		}
		for want, faults := range sent {
			s.ForgetExchanges()
			s.DeliverBody(t.Context(), v.Body, faults...)
			require.Equal(t, want, s.Exchanges()[0].RequestHeader.Get(stackonetest.SignatureHeader), v.Name)
		}
	}
}

func sentBody(t *testing.T, s *stackonetest.Server) object {
	t.Helper()
	all := s.Exchanges()
	require.NotEmpty(t, all)
	return tree[object](t, all[len(all)-1].RequestBody)
}

func TestOrderEventsMatchTheExamples(t *testing.T) {
	ids := object{"id": example, "remote_id": example}
	for name, spec := range map[string]stackonetest.OrderSpec{
		"webhook.constructed.native_ats_assessments_created.json": {
			ID: "c28xIQaWQ6b3JkZXItMQ", RemoteID: "order-1",
			Fields: object{"id": example, "remote_id": stackonetest.Absent, "package.remote_id": example},
		},
		"webhook.constructed.background_check_order_created.json": {
			ID: "c28xIQaWQ6b3JkZXItMg", RemoteID: "order-2", Kind: stackonetest.BackgroundCheck,
			Fields:   object{"id": ids["id"], "remote_id": ids["remote_id"], "package.remote_id": example},
			Envelope: object{"raw_event": stackonetest.Absent},
		},
	} {
		s := stackonetest.Start(t, at("2024-11-13T17:01:16.844Z"))
		s.Target(always(200, ""))
		spec.CreatedAt = time.Date(2024, 11, 13, 17, 1, 16, 0, time.UTC)
		place(t, s, spec)
		require.Empty(t, cmp.Diff(tree[object](t, fixture(t, name)), sentBody(t, s)), name)
	}
}

func TestOtherEventsMatchTheExamples(t *testing.T) {
	synthetic := tree[object](t, fixture(t, "webhook.synthetic_hris_employees_updated.json"))
	posting := tree[object](t, fixture(t, "webhook.native_ats_job_postings_updated.json"))
	s := stackonetest.Start(t, at("2023-11-01T15:09:22.978Z"), func(c *stackonetest.Config) { c.ProjectID = "acmeinc-27270" })
	s.Target(always(200, ""))
	for _, c := range []struct {
		want object
		spec stackonetest.EventSpec
	}{
		{synthetic, stackonetest.EventSpec{
			Name: "hris_employees.updated", Account: "GnQoASvosYhE5wJcmmAQs", RecordID: "3223323715753018140",
			Date: time.Date(2023, 11, 1, 15, 9, 22, 961e6, time.UTC),
		}},
		{posting, stackonetest.EventSpec{
			Name: stackonetest.EventJobPostingsUpdated, Account: "GnQoASvosYhE5wJcmmAQs", RecordID: posting["record_id"],
			RemoteID: "132c7edc-cf19-47c3-a87e-51357428d5fd", RawEvent: posting["raw_event"].(object),
			Date:     time.Date(2024, 11, 13, 17, 1, 16, 0, time.UTC),
			Envelope: object{"project_id": "dev-56501", "sent_at": "2024-11-13T17:01:16.844Z"},
		}},
	} {
		event, err := s.NewEvent(c.spec)
		require.NoError(t, err)
		require.Equal(t, stackonetest.Accepted, s.Deliver(t.Context(), event).Outcome)
		require.Empty(t, cmp.Diff(c.want, sentBody(t, s)))
	}
	_, err := s.NewEvent(stackonetest.EventSpec{Name: "x", RecordID: func() {}})
	require.Error(t, err)
}

func TestAccountEventMatchesTheExample(t *testing.T) {
	s := stackonetest.Start(t, at("2023-11-01T13:10:31.418Z"), func(c *stackonetest.Config) {
		c.ProjectID = "acmeinc-27270"
		c.Accounts = []stackonetest.AccountSpec{{
			ID: "GnQoASvosYhE5wJcmmAQs", Provider: "integration_key", OriginOwnerID: "unique-org-identifier",
			OriginOwnerName: "Test organization", OriginUsername: "sample-user", SetupInformation: object{"domain": "companytest"},
		}}
	})
	s.Target(always(200, ""))
	event, err := s.AccountEvent("GnQoASvosYhE5wJcmmAQs", stackonetest.EventAccountUpdated)
	require.NoError(t, err)
	s.Deliver(t.Context(), event, stackonetest.ChangedFields(object{"event_date": "2023-11-01T13:10:31.408Z"}))
	require.Empty(t, cmp.Diff(tree[object](t, fixture(t, "webhook.account_updated.json")), sentBody(t, s)))
	_, err = s.AccountEvent("nobody", "account.created")
	require.Error(t, err)
}

func TestShapesOfOrders(t *testing.T) {
	for name, c := range map[string]struct {
		account stackonetest.AccountSpec
		spec    stackonetest.OrderSpec
		check   func(*testing.T, object)
	}{
		"numeric record id": {spec: stackonetest.OrderSpec{ID: "3223323715753018140", NumericRecordID: true}, check: func(t *testing.T, e object) {
			require.Equal(t, json.Number("3223323715753018140"), e["record_id"])
		}},
		"numeric record id, generated": {spec: stackonetest.OrderSpec{NumericRecordID: true}, check: func(t *testing.T, e object) {
			require.Greater(t, len(e["record_id"].(json.Number)), 16)
		}},
		"any name": {spec: stackonetest.OrderSpec{Event: stackonetest.EventBackgroundAlias}, check: func(t *testing.T, e object) {
			require.Equal(t, "background_check.created", e["event"])
			require.Equal(t, "background_check", e["record_type"])
		}},
		"Eploy's background checks are synthetic": {
			account: stackonetest.AccountSpec{Provider: stackonetest.Eploy}, spec: stackonetest.OrderSpec{Kind: stackonetest.BackgroundCheck},
			check: func(t *testing.T, e object) {
				require.ElementsMatch(t, []string{"project_id", "account_id", "event", "event_date", "record_type", "record_id", "sent_at"}, keys(e))
			},
		},
		"record only": {spec: stackonetest.OrderSpec{Shape: stackonetest.ShapeRecordOnly}, check: func(t *testing.T, e object) {
			require.ElementsMatch(t, []string{"account_id", "event", "record_id"}, keys(e))
		}},
		"flat references": {spec: stackonetest.OrderSpec{References: stackonetest.Flat}, check: func(t *testing.T, e object) {
			data := e["event_data"].(object)
			require.Equal(t, example, data["candidate_id"])
			require.Equal(t, example, data["remote_application_id"])
			require.NotContains(t, data, "job")
		}},
		"references at the top": {spec: stackonetest.OrderSpec{References: stackonetest.TopLevel}, check: func(t *testing.T, e object) {
			require.Equal(t, example, e["application_id"])
			require.NotContains(t, e["event_data"], "application")
		}},
		"package in remote_id": {spec: stackonetest.OrderSpec{PackageID: "p"}, check: packageIDs(example, "p")},
		"package in id":        {spec: stackonetest.OrderSpec{PackageID: "p", PackageIn: stackonetest.PackageOwnID}, check: packageIDs("p", example)},
		"package in both":      {spec: stackonetest.OrderSpec{PackageID: "p", PackageIn: stackonetest.PackageBothIDs}, check: packageIDs("p", "p")},
		"Partner API": {account: stackonetest.AccountSpec{PartnerAPI: true}, check: func(t *testing.T, e object) {
			require.NotContains(t, e["event_data"].(object)["job"], "hiring_team")
		}},
		"provider": {spec: stackonetest.OrderSpec{Provider: true}, check: func(t *testing.T, e object) {
			require.Equal(t, stackonetest.Greenhouse, e["provider"])
		}},
		"fields": {
			spec: stackonetest.OrderSpec{
				Fields:   object{"candidate.emails.0.value": "a@example.com", "job": nil, "requester": stackonetest.Absent, "candidate.emails.0": object{"value": "b@example.com"}},
				Envelope: object{"record_remote_id": stackonetest.Absent, "event_data.package.name": nil},
			},
			check: func(t *testing.T, e object) {
				data := e["event_data"].(object)
				require.Equal(t, "a@example.com", data["candidate"].(object)["emails"].([]any)[0].(object)["value"])
				require.Nil(t, data["job"])
				require.NotContains(t, data, "requester")
				require.NotContains(t, e, "record_remote_id")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.account.ID = account
			s := stackonetest.Start(t, func(cfg *stackonetest.Config) { cfg.Accounts = []stackonetest.AccountSpec{c.account} })
			s.Target(always(200, ""))
			_, d := place(t, s, c.spec)
			require.Equal(t, stackonetest.Accepted, d.Outcome)
			c.check(t, sentBody(t, s))
		})
	}
}

func packageIDs(id, remoteID string) func(*testing.T, object) {
	return func(t *testing.T, e object) {
		p := e["event_data"].(object)["package"].(object)
		require.Equal(t, []any{id, remoteID}, []any{p["id"], p["remote_id"]})
	}
}

func keys(m object) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	return list
}

func TestOrdersThatCannotBePlaced(t *testing.T) {
	s := stackonetest.Start(t)
	place(t, s, stackonetest.OrderSpec{ID: "1"})
	for name, spec := range map[string]stackonetest.OrderSpec{
		"taken id":        {ID: "1"},
		"unknown account": {Account: "nobody"},
		"unknown kind":    {Kind: "reference_check"},
		"not a number":    {ID: "c28x", NumericRecordID: true},
		"no such place":   {Fields: object{"candidate.emails.9": "x"}},
		"not JSON":        {Fields: object{"candidate": func() {}}},
	} {
		_, _, err := s.PlaceOrder(t.Context(), spec)
		require.Error(t, err, name)
	}
	_, err := s.Redeliver(t.Context(), account, "nobody")
	require.Error(t, err)
	require.Len(t, s.Orders(account), 1)
}

func TestFaultsOfDelivery(t *testing.T) {
	const body, header = "body", "header"
	get := func(e stackonetest.Exchange, what string) string {
		if what == header {
			return e.RequestHeader.Get(stackonetest.SignatureHeader)
		}
		return string(e.RequestBody)
	}
	valid := func(e stackonetest.Exchange) bool {
		return get(e, header) == stackonetest.Sign("second", e.RequestBody)
	}
	for name, c := range map[string]struct {
		fault    stackonetest.DeliveryFault
		requests int
		check    func(*testing.T, []stackonetest.Exchange)
	}{
		"none": {stackonetest.DeliveryFault{}, 1, func(t *testing.T, e []stackonetest.Exchange) { require.True(t, valid(e[0])) }},
		"bad signature": {stackonetest.BadSignature(), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.False(t, valid(e[0]))
			require.Len(t, get(e[0], header), 43)
		}},
		"missing signature": {stackonetest.MissingSignature(), 1, func(t *testing.T, e []stackonetest.Exchange) { require.Empty(t, get(e[0], header)) }},
		"old secret": {stackonetest.OldSecret(), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.Equal(t, stackonetest.Sign("first", e[0].RequestBody), get(e[0], header))
		}},
		"signed with another": {stackonetest.SignedWith("third"), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.Equal(t, stackonetest.Sign("third", e[0].RequestBody), get(e[0], header))
		}},
		"duplicate": {stackonetest.Duplicate(2), 3, func(t *testing.T, e []stackonetest.Exchange) {
			require.Equal(t, get(e[0], body), get(e[2], body))
		}},
		"duplicate at once": {stackonetest.DuplicateAtOnce(2), 3, func(t *testing.T, e []stackonetest.Exchange) {
			require.Equal(t, get(e[0], body), get(e[2], body))
		}},
		"also as": {stackonetest.AlsoAs(stackonetest.EventAssessmentAlias), 2, func(t *testing.T, e []stackonetest.Exchange) {
			require.Contains(t, get(e[1], body), `"event":"assessment.created"`)
			require.Equal(t, "assessment.created", e[1].Op)
			require.True(t, valid(e[1]))
		}},
		"lost": {stackonetest.Lost(), 0, func(*testing.T, []stackonetest.Exchange) {}},
		"named": {stackonetest.NamedEvent("ats_unknown.created"), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.Contains(t, get(e[0], body), `"event":"ats_unknown.created"`)
		}},
		"absent": {stackonetest.AbsentFields("event_data.candidate", "no.such.place"), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.NotContains(t, tree[object](t, e[0].RequestBody)["event_data"], "candidate")
		}},
		"null": {stackonetest.NullFields("event_data"), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.Contains(t, get(e[0], body), `"event_data":null`)
		}},
		"changed": {stackonetest.ChangedFields(object{"event_data.application.application_status.value": "ghosted"}), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.Contains(t, get(e[0], body), `"value":"ghosted"`)
		}},
		"legacy": {stackonetest.LegacyBody(), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.NotContains(t, get(e[0], body), "record_remote_id")
		}},
		"oversized": {stackonetest.OversizedBody(1 << 20), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.Len(t, e[0].RequestBody, 1<<20)
			require.True(t, valid(e[0]))
		}},
		"truncated": {stackonetest.TruncatedBody(), 1, func(t *testing.T, e []stackonetest.Exchange) {
			require.False(t, json.Valid(e[0].RequestBody))
			require.True(t, valid(e[0]))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := stackonetest.Start(t, func(cfg *stackonetest.Config) { cfg.WebhookSecret = "first" })
			s.RotateSecret("second")
			s.Target(always(200, ""))
			_, d := place(t, s, stackonetest.OrderSpec{}, c.fault)
			all := s.Exchanges()
			require.Len(t, all, c.requests)
			require.Len(t, d.Duplicates, max(c.requests-1, 0))
			if c.requests == 0 {
				require.Equal(t, stackonetest.NotSent, d.Outcome)
			}
			c.check(t, all)
		})
	}
}

func TestAnswersThatNobodyReads(t *testing.T) {
	s := stackonetest.Start(t)
	s.Target(always(200, ""))
	_, d := place(t, s, stackonetest.OrderSpec{}, stackonetest.AnswerLost())
	require.Equal(t, stackonetest.Unread, d.Outcome)
	require.Equal(t, 200, d.Status)
	id, d := place(t, s, stackonetest.OrderSpec{}, stackonetest.HangUp(0))
	require.Equal(t, stackonetest.Unread, d.Outcome)
	require.Zero(t, d.Status)
	require.NoError(t, s.Settle(t.Context()))
	require.False(t, order(t, s, id).Accepted)
}

func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		any2xx  bool
		outcome stackonetest.Outcome
	}{
		"200": {200, false, stackonetest.Accepted}, "202": {202, false, stackonetest.Failed}, "202, any 2xx": {202, true, stackonetest.Accepted},
		"302": {302, true, stackonetest.Failed}, "401": {401, true, stackonetest.Failed}, "500": {500, false, stackonetest.Failed},
	} {
		s := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.Any2xx = c.any2xx }))
		s.Target(always(c.status, ""))
		id, d := place(t, s, stackonetest.OrderSpec{})
		require.Equal(t, c.outcome, d.Outcome, name)
		require.Equal(t, c.outcome == stackonetest.Accepted, order(t, s, id).Accepted, name)
	}
}

func TestPanickingHandlerIsNoAnswer(t *testing.T) {
	s := stackonetest.Start(t)
	s.Target(provider(func(*http.Request, []byte) (int, string) { panic("oh no") }))
	_, d := place(t, s, stackonetest.OrderSpec{})
	require.Equal(t, stackonetest.Failed, d.Outcome)
	require.ErrorContains(t, d.Err, "oh no")
}

func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.SentAtPerAttempt = true }), func(c *stackonetest.Config) {
			c.Retry = stackonetest.Retry{Times: 3, Wait: time.Minute}
		})
		var calls atomic.Int32
		s.Target(provider(func(r *http.Request, body []byte) (int, string) {
			if r.Header.Get(stackonetest.SignatureHeader) != stackonetest.Sign(stackonetest.DefaultWebhookSecret, body) {
				return 401, ""
			}
			if calls.Add(1) == 1 {
				return 500, ""
			}
			return 200, ""
		}))
		started := time.Now()
		id, d := place(t, s, stackonetest.OrderSpec{}, stackonetest.BadSignature())
		require.Equal(t, 401, d.Status)
		require.Len(t, d.Retries, 2)
		require.Equal(t, stackonetest.Accepted, d.Last().Outcome)
		require.Empty(t, d.Last().Faults)
		require.Equal(t, 2*time.Minute, time.Since(started))
		require.True(t, order(t, s, id).Accepted)
		require.Len(t, order(t, s, id).DeliveryFaults, 2)
		sent := map[any]bool{}
		for _, e := range s.Exchanges() {
			sent[tree[object](t, e.RequestBody)["sent_at"]] = true
		}
		require.Len(t, sent, 3)
	})
}

func TestSlowTargetsTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stackonetest.Start(t)
		gone := make(chan struct{})
		s.Target(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http notices that a peer is gone only once the body is read
			<-r.Context().Done()
			close(gone)
		}))
		_, d := place(t, s, stackonetest.OrderSpec{}, stackonetest.Late(time.Hour))
		require.Equal(t, stackonetest.Failed, d.Outcome)
		<-gone
		require.NoError(t, s.Settle(t.Context()))
	})
}

func TestRedeliveryAndSentAt(t *testing.T) {
	s := stackonetest.Start(t, at("2026-01-01T00:00:00Z"))
	s.Target(always(200, ""))
	id, _ := place(t, s, stackonetest.OrderSpec{})
	for range 2 {
		_, err := s.Redeliver(t.Context(), account, id)
		require.NoError(t, err)
	}
	_, err := s.Redeliver(t.Context(), account, id, stackonetest.NewSentAt(), stackonetest.Duplicate(1))
	require.NoError(t, err)
	all := s.Exchanges()
	require.Equal(t, all[0].RequestBody, all[2].RequestBody)
	a, b := tree[object](t, all[3].RequestBody), tree[object](t, all[4].RequestBody)
	require.Less(t, "2026-01-01T00:00:00.000Z", a["sent_at"])
	require.Less(t, a["sent_at"], b["sent_at"])
	require.Equal(t, a["event_date"], b["event_date"])
}

func TestOrdersOfEvents(t *testing.T) {
	s := stackonetest.Start(t)
	s.Target(always(200, ""))
	id, _ := place(t, s, stackonetest.OrderSpec{}, stackonetest.Lost())
	created, err := s.OrderEvent(account, id)
	require.NoError(t, err)
	deleted, err := s.OrderChangedEvent(account, id, stackonetest.EventAssessmentDeleted)
	require.NoError(t, err)
	for _, d := range s.DeliverShuffled(t.Context(), created, deleted) {
		require.Equal(t, stackonetest.Accepted, d.Outcome)
	}
	require.Equal(t, []string{"ats_assessments.deleted", "ats_assessments.created"}, []string{s.Exchanges()[0].Op, s.Exchanges()[1].Op})
	s.DeliverAll(t.Context(), deleted, created)
	require.Equal(t, []stackonetest.Event{created, deleted}, s.Events())
	require.Equal(t, stackonetest.EventAssessmentDeleted, s.Exchanges()[2].Op)
	_, err = s.OrderChangedEvent(account, "nobody", "x")
	require.Error(t, err)
}

func TestPrettyPrintIsSigned(t *testing.T) {
	s := stackonetest.Start(t, func(c *stackonetest.Config) { c.PrettyPrint, c.WebhookPath = true, "/hook?token=1" })
	s.Target(always(200, ""))
	place(t, s, stackonetest.OrderSpec{})
	e := s.Exchanges()[0]
	require.True(t, strings.HasPrefix(string(e.RequestBody), "{\n  \""))
	require.Equal(t, stackonetest.Sign(stackonetest.DefaultWebhookSecret, e.RequestBody), e.RequestHeader.Get(stackonetest.SignatureHeader))
	require.Equal(t, "http://provider.example/hook?token=redacted", e.URL)
}

func TestTargetURL(t *testing.T) {
	server := httptest.NewServer(always(200, ""))
	s := stackonetest.Start(t)
	s.TargetURL(server.URL + "/hook")
	_, d := place(t, s, stackonetest.OrderSpec{})
	require.Equal(t, stackonetest.Accepted, d.Outcome)
	_, d = place(t, s, stackonetest.OrderSpec{}, stackonetest.HangUp(0))
	require.Equal(t, stackonetest.Unread, d.Outcome)
	server.Close()
	_, d = place(t, s, stackonetest.OrderSpec{})
	require.Equal(t, stackonetest.Failed, d.Outcome)
	require.False(t, errors.Is(d.Err, http.ErrServerClosed))
	s.TargetURL("")
	_, d = place(t, s, stackonetest.OrderSpec{})
	require.Equal(t, stackonetest.NotSent, d.Outcome)
}

func TestSameSeedSameIDs(t *testing.T) {
	ids := func(seed uint64) []string {
		s := stackonetest.Start(t, func(c *stackonetest.Config) { c.Seed = seed })
		var list []string
		for range 4 {
			id, _ := place(t, s, stackonetest.OrderSpec{})
			list = append(list, id)
		}
		return list
	}
	require.Equal(t, ids(1), ids(1))
	require.NotEqual(t, ids(1), ids(2))
	all := strings.Join(ids(1), "")
	for _, c := range "/+=" {
		require.Contains(t, all, string(c))
	}
}
