package ashbytest

import (
	"fmt"
	"slices"
	"time"
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

// organization is the state behind an Organization.
type organization struct {
	Organization
	keys            map[string]apiKey
	oldSecret       string
	webhookDisabled bool
	assessments     []*assessment // in order of creation
	lost            map[slot]string
	candidates      map[string]Candidate
	applications    map[string]Application
	files           map[string]string // handle to URL
}

type apiKey struct {
	title     string
	createdAt time.Time
	scopes    []string
}

func (o Organization) withDefaults(first bool) Organization {
	o.Name = orDefault(o.Name, DefaultOrganization)
	suffix := "_" + o.Name
	if first {
		suffix = ""
	}
	o.APIKey = orDefault(o.APIKey, DefaultAPIKey+suffix)
	o.PartnerKey = orDefault(o.PartnerKey, DefaultPartnerKey+suffix)
	o.PartnerID = orDefault(o.PartnerID, DefaultPartnerID)
	o.WebhookSecret = orDefault(o.WebhookSecret, DefaultWebhookSecret)
	if o.Scopes == nil {
		o.Scopes = []string{ScopeCandidatesRead, ScopeCandidatesWrite, ScopeAPIKeysRead}
	}
	return o
}

// addOrganization is called before the simulator is shared.
func (s *Server) addOrganization(spec Organization) error {
	spec = spec.withDefaults(len(s.organizations) == 0)
	for _, other := range s.organizations {
		if other.Name == spec.Name || other.APIKey == spec.APIKey || other.PartnerKey == spec.PartnerKey {
			return fmt.Errorf("ashbytest: organizations %q and %q share a name or a key", other.Name, spec.Name)
		}
	}
	o := &organization{
		Organization: spec,
		keys:         map[string]apiKey{},
		lost:         map[slot]string{},
		candidates:   map[string]Candidate{},
		applications: map[string]Application{},
		files:        map[string]string{},
	}
	o.keys[spec.APIKey] = apiKey{title: "Assessments", createdAt: s.now(), scopes: spec.Scopes}
	s.organizations = append(s.organizations, o)
	return o.addExamples()
}

// AddKey makes one more API key of an organization valid, with the given scopes,
// or with none. It fails if the organization is unknown or the key is in use.
func (s *Server) AddKey(organization, key string, scopes ...string) error {
	created := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	if err != nil {
		return err
	}
	if _, _, taken := s.keyOwner(key); taken {
		return fmt.Errorf("ashbytest: the key is in use")
	}
	o.keys[key] = apiKey{title: "Additional key", createdAt: created, scopes: slices.Clone(scopes)}
	return nil
}

// RevokeKey makes an API key invalid: calls with it are answered 403.
// https://developers.ashbyhq.com/docs/authentication
func (s *Server) RevokeKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.organizations {
		delete(o.keys, key)
	}
}

// RotatePartnerKey replaces the key with which an organization calls the provider,
// as when its admin types in a new one.
func (s *Server) RotatePartnerKey(organization, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	if err != nil {
		return err
	}
	o.PartnerKey = key
	return nil
}

// organization finds one by name; the empty name is the first. The caller holds
// s.mu.
func (s *Server) organization(name string) (*organization, error) {
	if name == "" {
		return s.organizations[0], nil
	}
	for _, o := range s.organizations {
		if o.Name == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("ashbytest: unknown organization %q", name)
}

// keyOwner finds the organization of an API key. The caller holds s.mu.
func (s *Server) keyOwner(key string) (*organization, apiKey, bool) {
	for _, o := range s.organizations {
		if k, found := o.keys[key]; found {
			return o, k, true
		}
	}
	return nil, apiKey{}, false
}
