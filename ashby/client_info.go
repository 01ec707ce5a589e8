package ashby

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Candidate is what Ashby knows of a candidate beyond what an order says
// (https://developers.ashbyhq.com/reference/candidateinfo). It prints and logs as
// its id only.
type Candidate struct {
	ID             string
	Name           string
	Email          string // the primary one
	Phone          string // the primary one
	Emails         []Contact
	Phones         []Contact
	SocialLinks    []SocialLink
	Timezone       string
	ApplicationIDs []string
	// ResumeHandle is what file.info takes; empty: there is no resume.
	ResumeHandle string
	ProfileURL   string
	// Raw holds everything as Ashby sent it.
	Raw json.RawMessage
}

// Contact is an address or number of a candidate.
type Contact struct {
	Value   string `json:"value"`
	Type    string `json:"type"` // Personal, Work or Other
	Primary bool   `json:"isPrimary"`
}

// String shows neither address nor number.
func (Contact) String() string { return "contact [redacted]" }

// Format implements [fmt.Formatter]: every verb prints [Contact.String].
func (c Contact) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] without address or number.
func (c Contact) LogValue() slog.Value { return slog.StringValue(c.String()) }

// SocialLink is a page of a candidate elsewhere.
type SocialLink struct {
	Type string `json:"type"` // such as LinkedIn or GitHub
	URL  string `json:"url"`
}

// String shows nothing of the page, which names the candidate.
func (SocialLink) String() string { return "social link [redacted]" }

// Format implements [fmt.Formatter]: every verb prints [SocialLink.String].
func (s SocialLink) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, s.String()) }

// LogValue implements [slog.LogValuer] without the page.
func (s SocialLink) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String names the candidate by id.
func (c Candidate) String() string { return fmt.Sprintf("ashby candidate %s", c.ID) }

// Format implements [fmt.Formatter]: every verb prints [Candidate.String].
func (c Candidate) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, c.String()) }

// LogValue implements [slog.LogValuer] with the id only.
func (c Candidate) LogValue() slog.Value { return slog.StringValue(c.String()) }

type wireCandidateInfo struct {
	ID             string          `json:"id"`
	Name           string          `json:"name"`
	PrimaryEmail   *Contact        `json:"primaryEmailAddress"`
	PrimaryPhone   *Contact        `json:"primaryPhoneNumber"`
	Emails         []Contact       `json:"emailAddresses"`
	Phones         []Contact       `json:"phoneNumbers"`
	SocialLinks    []SocialLink    `json:"socialLinks"`
	Timezone       string          `json:"timezone"`
	ApplicationIDs []string        `json:"applicationIds"`
	Resume         *wireFileHandle `json:"resumeFileHandle"`
	ProfileURL     string          `json:"profileUrl"`
}

type wireFileHandle struct {
	Handle string `json:"handle"`
}

// CandidateInfo looks a candidate up by Ashby's id, which is the RemoteID of an
// order's candidate. An order names one e-mail address and no phone number; here
// are the others. It needs the permission candidatesRead. A success that holds
// nobody is an error that matches [assessment.ErrNotFound].
func (c *Client) CandidateInfo(ctx context.Context, account, id string) (Candidate, error) {
	if id == "" {
		var p assessment.ValidationError
		p.Add("id", "required")
		return Candidate{}, p.Err()
	}
	const name = "candidate.info"
	raw, answer, err := c.read(ctx, account, name, struct {
		ID string `json:"id"`
	}{id})
	if err != nil {
		return Candidate{}, err
	}
	if empty(raw) {
		return Candidate{}, notAnswered(account, name, "the answer holds no candidate", answer, assessment.ErrNotFound)
	}
	return newCandidate(raw), nil
}

func newCandidate(raw json.RawMessage) Candidate {
	var wire wireCandidateInfo
	// A field of another shape than documented is in Raw, and does not take the
	// others along.
	_, _ = lenient.Unmarshal(raw, &wire)
	found := Candidate{
		ID:             wire.ID,
		Name:           wire.Name,
		Emails:         wire.Emails,
		Phones:         wire.Phones,
		SocialLinks:    wire.SocialLinks,
		Timezone:       wire.Timezone,
		ApplicationIDs: wire.ApplicationIDs,
		ProfileURL:     wire.ProfileURL,
		Raw:            raw,
	}
	found.Email = primary(wire.PrimaryEmail, wire.Emails)
	found.Phone = primary(wire.PrimaryPhone, wire.Phones)
	if wire.Resume != nil {
		found.ResumeHandle = wire.Resume.Handle
	}
	return found
}

func primary(named *Contact, all []Contact) string {
	if named != nil {
		return named.Value
	}
	for _, c := range all {
		if c.Primary {
			return c.Value
		}
	}
	return ""
}

// KeyInfo is what Ashby tells about a customer's key
// (https://developers.ashbyhq.com/reference/apikeyinfo).
type KeyInfo struct {
	Title     string
	CreatedAt time.Time // zero if it could not be read
	// Scopes are the key's permissions, spelled as in "candidates:write".
	Scopes []string
}

// Allows reports whether the key has a permission, in the spelling of the scopes,
// "candidates:write", or in that of the reference, "candidatesWrite".
func (k KeyInfo) Allows(permission string) bool {
	for _, scope := range k.Scopes {
		if bare(scope) == bare(permission) {
			return true
		}
	}
	return false
}

func bare(permission string) string {
	return strings.Map(func(r rune) rune {
		if r == ':' || r == '.' || r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(permission))
}

// ErrKeyUnknown is what [Client.APIKeyInfo] returns, together with the
// [*assessment.APIError], when the answer says nothing about the key.
var ErrKeyUnknown = errors.New("ashby: it is not known whether the key is good")

// APIKeyInfo tries a customer's key out before the first update needs it. That
// needs the permission apiKeysRead, which updates do not, and Ashby refuses a key
// without it as it does one that is wrong: the error then matches [ErrKeyUnknown],
// and the key may be good all the same. So it does after an answer that holds
// nothing, or nothing readable, about the key.
func (c *Client) APIKeyInfo(ctx context.Context, account string) (KeyInfo, error) {
	const name = "apiKey.info"
	raw, answer, err := c.read(ctx, account, name, struct{}{})
	var failure *assessment.APIError
	switch {
	case errors.Is(err, assessment.ErrForbidden), errors.Is(err, transport.ErrEmptyBody),
		errors.As(err, &failure) && failure.StatusCode == http.StatusForbidden:
		return KeyInfo{}, fmt.Errorf("%w: %w", ErrKeyUnknown, err)
	case err != nil:
		return KeyInfo{}, err
	}
	var wire struct {
		Title     string    `json:"title"`
		CreatedAt time.Time `json:"createdAt"`
		Scopes    []string  `json:"scopes"`
	}
	odd, err := lenient.Unmarshal(raw, &wire)
	if empty(raw) || err != nil || slices.ContainsFunc(odd, func(o lenient.Odd) bool { return o.Why == lenient.WrongShape }) {
		return KeyInfo{}, fmt.Errorf("%w: %w", ErrKeyUnknown, notAnswered(account, name, "the answer names no key", answer, assessment.ErrUnavailable))
	}
	return KeyInfo{Title: wire.Title, CreatedAt: wire.CreatedAt, Scopes: wire.Scopes}, nil
}
