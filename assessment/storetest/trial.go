package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// hour is a lease that does not end while a check runs.
const hour = time.Hour

// trial is the run of one check on an empty store.
type trial struct {
	reporter
	ctx   context.Context
	store assessment.Store
	lease time.Duration
	wait  func(time.Duration)
}

// vendorClaim is the claim of an order whose id the vendor assigned: its key is
// the text of its reference.
func vendorClaim(id, token string) assessment.Claim {
	ref := assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: "acme", ID: id}
	return assessment.Claim{Key: ref.String(), Ref: ref, Token: token}
}

// mintedClaim is the claim of an order whose id the intake minted: what repeats
// in a repeated order makes the key.
func mintedClaim(key, id, token string) assessment.Claim {
	ref := assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: id}
	return assessment.Claim{Key: "natural-1:" + key, Ref: ref, Token: token}
}

// bothKinds calls check with a claim of either kind. Their records do not
// touch, so one store does for both.
func bothKinds(check func(c assessment.Claim)) {
	check(vendorClaim("order", "first"))
	check(mintedClaim("application", "minted", "first"))
}

// as is c by another claimant, who brings a reference of its own where the
// intake would mint one.
func as(c assessment.Claim, token string) assessment.Claim {
	c.Token = token
	if c.Key != c.Ref.String() {
		c.Ref.ID = "minted for " + token
	}
	return c
}

// renewal is what a claimant whose provider still runs asks for.
func renewal(c assessment.Claim) assessment.Claim {
	return assessment.Claim{Key: c.Key, Token: c.Token}
}

func answered(c assessment.Claim, answer string) assessment.Claim {
	c.Answer = []byte(answer)
	return c
}

// lapse lets a lease of t.lease end.
func (t *trial) lapse() { t.wait(t.lease + t.lease/4) }

func (t *trial) claim(c assessment.Claim, lease time.Duration) assessment.Claim {
	t.Helper()
	got, err := t.store.Claim(t.ctx, c, lease)
	if err != nil {
		t.Fatalf("Claim(%v) by %q: %v", c, c.Token, err)
	}
	return got
}

// wins claims c and requires that c is the record now.
func (t *trial) wins(c assessment.Claim, lease time.Duration) {
	t.Helper()
	t.finds(c, c, lease)
}

// finds claims c and requires that the record is want then.
func (t *trial) finds(c, want assessment.Claim, lease time.Duration) {
	t.Helper()
	t.same(t.claim(c, lease), want)
}

func (t *trial) same(got, want assessment.Claim) {
	t.Helper()
	if diff := differences(got, want); diff != "" {
		t.Fatalf("record of %q is wrong: %s", want.Key, diff)
	}
}

func differences(got, want assessment.Claim) string {
	switch {
	case got.Key != want.Key:
		return fmt.Sprintf("key %q", got.Key)
	case got.Ref != want.Ref:
		return fmt.Sprintf("reference %+v, want %+v", got.Ref, want.Ref)
	case got.Token != want.Token:
		return fmt.Sprintf("token %q, want %q", got.Token, want.Token)
	case !bytes.Equal(got.Answer, want.Answer):
		return fmt.Sprintf("answer of %d bytes %.80q, want %d bytes %.80q",
			len(got.Answer), got.Answer, len(want.Answer), want.Answer)
	}
	return ""
}

func (t *trial) answer(c assessment.Claim) {
	t.Helper()
	t.ok("Answer", t.store.Answer(t.ctx, c))
}

func (t *trial) expire(c assessment.Claim) {
	t.Helper()
	t.ok("Expire", t.store.Expire(t.ctx, c))
}

func (t *trial) forget(ref assessment.OrderRef) {
	t.Helper()
	t.ok("Forget", t.store.Forget(t.ctx, ref))
}

func (t *trial) erase(ref assessment.OrderRef) {
	t.Helper()
	t.ok("Erase", t.store.Erase(t.ctx, ref))
}

func (t *trial) ok(call string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
}

// refused requires that c may not answer any more.
func (t *trial) refused(c assessment.Claim) {
	t.Helper()
	t.isLost("Answer", t.store.Answer(t.ctx, answered(c, "too late")))
}

func (t *trial) isLost(call string, err error) {
	t.Helper()
	if !errors.Is(err, assessment.ErrClaimLost) {
		t.Fatalf("%s returned %v, want ErrClaimLost", call, err)
	}
}
