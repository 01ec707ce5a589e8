package ashbytest

import (
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// The scopes of an API key, as apiKey.info spells them. The reference names the
// same permissions candidatesRead, candidatesWrite and apiKeysRead.
const (
	ScopeCandidatesRead  = "candidates:read"
	ScopeCandidatesWrite = "candidates:write"
	ScopeAPIKeysRead     = "apiKeys:read"
)

// Organization is a customer who uses Ashby. There are two keys for it, one for
// each direction. No payload names the organization: the key is all that tells
// one from another.
type Organization struct {
	// Name is how a test calls it, and is never sent; empty: [DefaultOrganization].
	Name string
	// APIKey is the key with which the provider calls Ashby; empty:
	// [DefaultAPIKey] for the first organization, else one with the name in it.
	APIKey string
	// PartnerKey is the key with which Ashby calls the provider, who issued it;
	// empty: [DefaultPartnerKey] for the first, else one with the name in it.
	PartnerKey string
	// PartnerID is the only id of the provider that assessment.addCompletedToCandidate
	// takes; empty: [DefaultPartnerID]. Ashby does not document how it is issued.
	PartnerID string
	// Scopes are the permissions of the API key; nil: all three Scope constants.
	Scopes []string
	// WebhookSecret signs webhooks; empty: [DefaultWebhookSecret].
	WebhookSecret string
}

type apiKey struct {
	title     string
	createdAt time.Time
	scopes    []string
}

func (o Organization) withDefaults(first bool) Organization {
	o.Name = simkit.OrDefault(o.Name, DefaultOrganization)
	suffix := "_" + o.Name
	if first {
		suffix = ""
	}
	o.APIKey = simkit.OrDefault(o.APIKey, DefaultAPIKey+suffix)
	o.PartnerKey = simkit.OrDefault(o.PartnerKey, DefaultPartnerKey+suffix)
	o.PartnerID = simkit.OrDefault(o.PartnerID, DefaultPartnerID)
	o.WebhookSecret = simkit.OrDefault(o.WebhookSecret, DefaultWebhookSecret)
	if o.Scopes == nil {
		o.Scopes = []string{ScopeCandidatesRead, ScopeCandidatesWrite, ScopeAPIKeysRead}
	}
	return o
}
