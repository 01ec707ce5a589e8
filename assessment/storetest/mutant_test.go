package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// mutant is a store that is right but for one flaw, which is named by what it
// does wrong. Without a flaw it is right altogether.
type mutant struct {
	flaw string

	mu      sync.Mutex
	records map[string]*mutantRecord
}

type mutantRecord struct {
	assessment.Claim
	until time.Time
}

func newMutant(flaw string) *mutant {
	return &mutant{flaw: flaw, records: make(map[string]*mutantRecord)}
}

func (m *mutant) has(flaw string) bool { return m.flaw == flaw }

// enter is where every method begins.
func (m *mutant) enter(ctx context.Context, method string) error {
	if m.has(method + " ignores its context") {
		return nil
	}
	return ctx.Err()
}

// gap lets others in between reading and writing.
func (m *mutant) gap(flaw string) {
	if m.has(flaw) {
		m.mu.Unlock()
		<-time.After(time.Millisecond)
		m.mu.Lock()
	}
}

func (m *mutant) key(key string) string {
	switch {
	case m.has("keys fold case"):
		return strings.ToLower(key)
	case m.has("keys are cut") && len(key) > 255:
		return key[:255]
	}
	return key
}

func (m *mutant) Claim(ctx context.Context, c assessment.Claim, lease time.Duration) (assessment.Claim, error) {
	if err := m.enter(ctx, "Claim"); err != nil {
		return assessment.Claim{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	until := time.Now().Add(lease)
	r, ok := m.records[m.key(c.Key)]
	if !ok {
		return m.insert(c, until)
	}
	switch {
	case len(r.Answer) > 0 && !(m.has("answered orders are leased again") && !time.Now().Before(r.until)):
		if m.has("claims of answered orders change the token") {
			r.Token = c.Token
		}
	case r.Token == c.Token:
		if m.has("holders change the reference") && !c.Ref.IsZero() {
			r.Ref = c.Ref
		}
		if !m.has("holders are not renewed") && !(m.has("renewals do nothing") && c.Ref.IsZero()) &&
			!(m.has("leases that are over are not renewed") && time.Now().After(r.until)) {
			r.until = until
		}
	case c.Ref.IsZero() && !m.has("renewals take over"):
	case m.has("leases are ignored") || !time.Now().Before(r.until) && !m.has("leases do not end"):
		m.takeOver(r, c, until)
	case m.has("losers prolong the lease"):
		r.until = until
	}
	got := r.Claim
	if !m.has("returned answers are not copies") {
		got.Answer = bytes.Clone(got.Answer)
	}
	if m.has("answers are for their claimant only") && r.Token != c.Token {
		got.Answer = nil
	}
	if m.has("take-overs are not recorded") && !time.Now().Before(r.until) && len(r.Answer) == 0 {
		got.Token = c.Token
	}
	return got, nil
}

func (m *mutant) insert(c assessment.Claim, until time.Time) (assessment.Claim, error) {
	if c.Ref.IsZero() {
		switch {
		case m.has("renewals of nothing are no error"):
			return assessment.Claim{}, nil
		case !m.has("renewals record anew"):
			return assessment.Claim{}, assessment.ErrClaimLost
		}
	}
	m.gap("first claims are not atomic")
	r := &mutantRecord{Claim: c, until: until}
	if !m.has("claims record an answer") {
		r.Answer = nil
	}
	if m.has("references end at a nul byte") {
		r.Ref.ID, _, _ = strings.Cut(r.Ref.ID, "\x00")
	}
	m.records[m.key(c.Key)] = r
	if m.has("winners are not told") {
		return assessment.Claim{Key: c.Key}, nil
	}
	return r.Claim, nil
}

func (m *mutant) takeOver(r *mutantRecord, c assessment.Claim, until time.Time) {
	m.gap("take-overs are not atomic")
	if m.has("take-overs are not recorded") {
		return
	}
	r.Token = c.Token
	if !m.has("take-overs have no lease") {
		r.until = until
	}
	if m.has("take-overs bring their own reference") {
		r.Ref = c.Ref
	}
}

func (m *mutant) Answer(ctx context.Context, c assessment.Claim) error {
	if err := m.enter(ctx, "Answer"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[m.key(c.Key)]
	switch {
	case !ok && m.has("answers to nothing are no error"):
		return nil
	case !ok && m.has("answers to nothing are recorded"):
		m.records[m.key(c.Key)] = &mutantRecord{Claim: c}
		return assessment.ErrClaimLost
	case !ok:
		return assessment.ErrClaimLost
	case m.has("anybody answers"):
	case m.has("anybody answers once") && len(r.Answer) == 0:
	case m.has("the empty token answers") && c.Token == "":
	case m.has("lost claims are no error") && r.Token != c.Token:
		return nil
	case c.Token == "" || r.Token != c.Token:
		return assessment.ErrClaimLost
	case m.has("answers are stored once") && len(r.Answer) > 0,
		m.has("answers after the lease are refused") && !time.Now().Before(r.until):
		return assessment.ErrClaimLost
	}
	m.gap("answers are not atomic")
	r.Answer = m.stored(c.Answer)
	return nil
}

func (m *mutant) stored(answer []byte) []byte {
	switch {
	case m.has("stored answers are not copies"):
		return answer
	case m.has("answers are UTF-8"):
		return bytes.ToValidUTF8(answer, []byte("?"))
	case m.has("answers are trimmed"):
		return bytes.TrimSpace(answer)
	case m.has("answers end at a nul byte"):
		before, _, _ := bytes.Cut(answer, []byte{0})
		return bytes.Clone(before)
	case m.has("answers are cut") && len(answer) > 1<<16:
		return bytes.Clone(answer[:1<<16])
	}
	return bytes.Clone(answer)
}

func (m *mutant) Expire(ctx context.Context, c assessment.Claim) error {
	if err := m.enter(ctx, "Expire"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[m.key(c.Key)]
	switch {
	case !ok && m.has("expiry of nothing is an error"):
		return assessment.ErrClaimLost
	case !ok || m.has("expiry does nothing"):
		return nil
	case (c.Token == "" || r.Token != c.Token) && !m.has("anybody expires"):
		return nil
	case m.has("expiry deletes"):
		delete(m.records, m.key(c.Key))
	case m.has("expiry drops the answer"):
		r.Answer = nil
	}
	r.until = time.Now()
	return nil
}

func (m *mutant) find(ref assessment.OrderRef) (*mutantRecord, bool) {
	for _, r := range m.records {
		got := r.Ref
		if m.has("references are found by their id") {
			got, ref = assessment.OrderRef{ID: got.ID}, assessment.OrderRef{ID: ref.ID}
		}
		if m.has("references fold case") {
			got.ID, ref.ID = strings.ToLower(got.ID), strings.ToLower(ref.ID)
		}
		if got == ref {
			return r, true
		}
	}
	return nil, false
}

func (m *mutant) Forget(ctx context.Context, ref assessment.OrderRef) error {
	if err := m.enter(ctx, "Forget"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.find(ref)
	switch {
	case !ok && m.has("forgetting nothing is an error"):
		return assessment.ErrClaimLost
	case !ok || m.has("forgetting does nothing"):
		return nil
	case r.Key == r.Ref.String() && !m.has("vendors' orders are forgotten"),
		len(r.Answer) > 0 && m.has("answered orders are not forgotten"),
		len(r.Answer) == 0 && m.has("unanswered orders are not forgotten"):
		return nil
	}
	delete(m.records, m.key(r.Key))
	return nil
}

// Lookup is wrong in the ways in which a statement for many keys can be.
func (m *mutant) Lookup(ctx context.Context, keys []string) (map[string]assessment.Claim, error) {
	if err := m.enter(ctx, "Lookup"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[string]assessment.Claim)
	for i, key := range keys {
		r, ok := m.records[m.key(key)]
		switch {
		case !ok && m.has("lookups find the unknown"):
			found[key] = assessment.Claim{Key: key}
		case !ok,
			i > 0 && m.has("lookups find one"),
			i >= 500 && m.has("lookups are cut"),
			len(r.Answer) > 0 && m.has("lookups skip the answered"),
			string(r.Answer) == assessment.ErasedAnswer && m.has("lookups skip the erased"):
		case m.has("lookups renew"):
			r.until = time.Now().Add(time.Hour)
			fallthrough
		case m.has("looked up answers are not copies"):
			found[key] = r.Claim
		default:
			c := r.Claim
			c.Answer = bytes.Clone(c.Answer)
			found[key] = c
		}
	}
	return found, nil
}

func (m *mutant) Erase(ctx context.Context, ref assessment.OrderRef) error {
	if err := m.enter(ctx, "Erase"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.find(ref)
	switch {
	case !ok && m.has("erasing nothing is an error"):
		return assessment.ErrClaimLost
	case !ok || m.has("erasing does nothing"),
		len(r.Answer) > 0 && m.has("answered orders are not erased"),
		len(r.Answer) == 0 && m.has("unanswered orders are not erased"):
		return nil
	case m.has("erasing deletes"):
		delete(m.records, m.key(r.Key))
		return nil
	}
	if !m.has("erasing keeps the token") {
		r.Token = ""
	}
	if r.Key != r.Ref.String() && !m.has("erasing keeps the key") {
		key := assessment.ErasedKey()
		if m.has("erased keys are equal") {
			key = "erased"
		}
		if _, taken := m.records[m.key(key)]; taken {
			return errors.New("duplicate key")
		}
		delete(m.records, m.key(r.Key))
		r.Key = key
		m.records[m.key(key)] = r
	}
	r.Answer = []byte(assessment.ErasedAnswer)
	if m.has("erasing leaves no answer") {
		r.Answer = nil
	}
	return nil
}
