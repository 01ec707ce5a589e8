package kombo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

func FuzzParseEvent(f *testing.F) {
	for _, name := range []string{
		"webhook-assessment-order-received.json", "webhook-inline-assessment-order-received.json",
		"webhook-integration-created.json", "webhook-integration-deleted.json", "webhook-integration-state-changed.json",
		"webhook-connection-flow-failed.json", "webhook-sync-finished.json", "webhook-data-changed.json",
	} {
		f.Add(example(f, name))
	}
	for _, body := range []string{
		"", "null", "[]", `{"type":7}`, `{"type":"new","data":null}`, `{"id":"o","package_id":"p"}`,
		`{"type":"assessment:order-received","data":{"id":"o","integration_id":"lever:1","job":7,"candidate":[1]}}`,
		`{"TYPE":"assessment:order-received","Data":{"ID":"o"},"data":"x"}`,
		`{"type":"assessment:order-received","datA":{"id":"~","integration_id":7}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		event, err := kombo.ParseEvent(body)
		require.Equal(t, before, body, "the signed bytes are not changed")
		if errors.Is(err, kombo.ErrUnwrappedOrder) {
			unwrapped, err := kombo.ParseUnwrappedOrder(body)
			require.NoError(t, err)
			require.NotEmpty(t, unwrapped.Data.(kombo.OrderReceived).Order.Ref.ID)
			return
		}
		if err != nil {
			require.Equal(t, kombo.Event{}, event)
			return
		}
		require.NotEmpty(t, event.Type)
		require.NotNil(t, event.Data)
		require.True(t, valid(body))
		_ = event.String()
		received, ok := event.Data.(kombo.OrderReceived)
		if !ok {
			return
		}
		require.Equal(t, event.Type == kombo.EventInlineOrderReceived, received.Order.Inline)
		requireIDs(t, body, received.Order)
		requireStorable(t, received.Order)
	})
}

// requireIDs finds the ids of an order once more, by another way, and wants them
// in the order: one that has ids must never come out without them.
func requireIDs(t *testing.T, body []byte, order assessment.Order) {
	t.Helper()
	// Maps, because a struct's members are found in any case, and "datA" is no data.
	var envelope, members map[string]json.RawMessage
	if json.Unmarshal(body, &envelope) != nil || json.Unmarshal(envelope["data"], &members) != nil || !unambiguous(body) {
		return
	}
	for name, got := range map[string]string{"id": order.Ref.ID, "integration_id": order.Ref.Account, "package_id": order.Package.ID} {
		var want string
		if json.Unmarshal(members[name], &want) == nil {
			require.Equal(t, strings.ReplaceAll(want, "\x00", "\ufffd"), got, name)
		}
	}
}

// unambiguous: encoding/json takes names in any case and the last of several, so
// only a body in which every name occurs once can be compared.
func unambiguous(body []byte) bool {
	lower := bytes.ToLower(body)
	for _, name := range []string{`"data"`, `"id"`, `"integration_id"`, `"package_id"`} {
		if n := bytes.Count(lower, []byte(name)); n > 1 && name != `"id"` || n > 2 {
			return false
		}
	}
	return utf8.Valid(body) && bytes.Equal(lower, bytes.ToLower(bytes.ToUpper(lower))) && !bytes.ContainsRune(body, '\\') && !bytes.ContainsAny(body, "ſK")
}

// Of all texts that a header can hold, only the one signature is accepted, and copies
// of it behind commas.
func FuzzSignatureHeader(f *testing.F) {
	const body = `{"id":"evt_1","type":"integration-deleted","data":{}}`
	const good = "cXMM5gknLEVrp0w4dNV1RiF32CzBoog-r-rrlACvdI4"
	for _, header := range []string{
		"", good, good + "=", good + "==", good[:42], good + "A", " " + good, good + "\n", "sha256=" + good,
		"cXMM5gknLEVrp0w4dNV1RiF32CzBoog+r+rrlACvdI4=", "cXMM5gknLEVrp0w4dNV1RiF32CzBoog-r-rrlACvdI5",
		"71730ce609272c456ba74c3874d575462177d82cc1a2883eafeaeb9400af748e", good + "," + good,
	} {
		f.Add(header, []byte(body))
	}
	f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, 32)), []byte{})
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "now", Key: secretKey})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		id, err := verifier.Verify(http.Header{kombo.SignatureHeader: {header}}, body)
		sign := verifier.Sign(body)
		if !slices.ContainsFunc(strings.Split(header, ","), func(s string) bool { return strings.TrimLeft(s, " \t") != sign }) && strings.HasPrefix(header, sign) {
			require.NoError(t, err)
			require.Equal(t, "now", id)
			return
		}
		require.Error(t, err)
		require.Empty(t, id)
	})
}

// valid reports whether a body is JSON, behind a byte order mark or not.
func valid(body []byte) bool {
	return json.Valid(bytes.TrimPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("\ufeff")))
}
