package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
)

// texts are elements of references. A vendor may send any of them.
var texts = []string{
	"a/b//c", "%2F", "100%", "_", "'; DROP TABLE claims; --", `"quoted" \ back`, "$1 ? :name @p",
	"tab\tand\nnewline", "Zoë 測試 🧪", " leading and trailing ", "case", "CASE", "nul\x00byte", "\xff\xfe not UTF-8",
	strings.Repeat("0123456789abcdef", 64),
}

// keys are texts that a key may be: printable, because the intake escapes what
// it puts in.
var keys = []string{
	"natural/ashby///acme/application/a%2Fb/p1", "natural/ashby///acme/application/A%2FB/p1",
	"it's \"quoted\"", "100%", "%", "_", `back\slash`, "$1 ? :name @p", "natural/Zoë 測試 🧪",
	"natural/" + strings.Repeat("0123456789abcdef", 64), "natural/" + strings.Repeat("0123456789abcdef", 64) + "0",
}

var valueRules = []rule{
	{"references of any bytes", func(t *trial) {
		var all []assessment.Claim
		for i, text := range texts {
			ref := assessment.OrderRef{Vendor: "v" + assessment.Vendor(text), Connection: text, Kind: assessment.Kind(text), ID: text}
			c := assessment.Claim{Key: ref.String(), Ref: ref, Token: fmt.Sprint("vendor", i)}
			ref.Account = text
			m := assessment.Claim{Key: fmt.Sprint("natural/", i), Ref: ref, Token: fmt.Sprint("minted", i)}
			if len(text) > 100 { // once is long enough for a column with an index
				c.Ref = assessment.OrderRef{Vendor: assessment.Kombo, ID: text}
				c.Key = c.Ref.String()
				m.Ref = assessment.OrderRef{Vendor: assessment.Ashby, ID: text}
			}
			all = append(all, c, m)
		}
		for _, c := range all {
			t.wins(c, hour)
		}
		for _, c := range all {
			t.answer(answered(c, c.Token))
			t.forget(c.Ref)
		}
		for _, c := range all {
			if c.Key == c.Ref.String() {
				t.finds(as(c, "second"), answered(c, c.Token), hour)
				t.erase(c.Ref)
				t.finds(as(c, "second"), erased(c), hour)
				continue
			}
			t.wins(as(c, "second"), hour)
		}
	}},
	{"keys of any printable text", func(t *trial) {
		var all []assessment.Claim
		for i, key := range keys {
			ref := assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: fmt.Sprint(i)}
			all = append(all, assessment.Claim{Key: key, Ref: ref, Token: fmt.Sprint("token", i)})
		}
		for _, c := range all {
			t.wins(c, hour)
		}
		for _, c := range all {
			t.answer(answered(c, c.Key))
		}
		for _, c := range all {
			t.finds(as(c, "second"), answered(c, c.Key), hour)
		}
	}},
	{"answers of any bytes up to a megabyte", func(t *trial) {
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		for name, answer := range map[string][]byte{
			"nul":        {0},
			"newline":    []byte("\n"),
			"quotes":     []byte(`{"v":1,"message":"it's \"that\""}`),
			"not UTF-8":  []byte("\xff\xfe\x80"),
			"trailing":   []byte("  spaces and nul \x00"),
			"hex":        []byte(`\x414243`),
			"every byte": every,
			"a megabyte": bytes.Repeat(every, 4096),
		} {
			c := vendorClaim(name, "first")
			t.wins(c, hour)
			c.Answer = answer
			t.answer(c)
			t.finds(as(vendorClaim(name, ""), "second"), c, hour)
		}
	}},
	{"the answer that is returned is a copy", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.answer(answered(c, "yes"))
			got := t.claim(as(c, "second"), hour)
			for i := range got.Answer {
				got.Answer[i] = 'x'
			}
			t.finds(as(c, "second"), answered(c, "yes"), hour)
		})
	}},
	{"the answer that is stored is a copy", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			mine := answered(c, "yes")
			t.answer(mine)
			copy(mine.Answer, "xxx")
			t.finds(as(c, "second"), answered(c, "yes"), hour)
		})
	}},
	{"a cancelled context is an error and changes nothing", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		cancelled, cancel := context.WithCancel(t.ctx)
		cancel()
		fails := func(call string, err error) {
			t.Helper()
			if err == nil || errors.Is(err, assessment.ErrClaimLost) {
				t.Fatalf("%s with a cancelled context returned %v", call, err)
			}
		}
		_, err := t.store.Claim(cancelled, c, hour)
		fails("Claim", err)
		t.wins(as(c, "second"), hour)
		c = as(c, "second")
		fails("Answer", t.store.Answer(cancelled, answered(c, "yes")))
		t.finds(as(c, "third"), c, hour)
		fails("Expire", t.store.Expire(cancelled, c))
		t.finds(as(c, "third"), c, hour)
		fails("Forget", t.store.Forget(cancelled, c.Ref))
		t.finds(as(c, "third"), c, hour)
		fails("Erase", t.store.Erase(cancelled, c.Ref))
		t.finds(as(c, "third"), c, hour)
	}},
}
