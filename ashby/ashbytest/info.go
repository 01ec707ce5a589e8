package ashbytest

import (
	"maps"
	"slices"
	"strings"
)

// candidateInfo serves candidate.info:
// https://developers.ashbyhq.com/reference/candidateinfo
func (s *Server) candidateInfo(c *call) (answered, *refusal) {
	check := &checker{}
	body := c.object(check)
	if body == nil {
		return nil, check.refusal()
	}
	id, external := body.id("id", optional, true), body.filled("externalMappingId", optional)
	if id == "" && external == "" {
		body.fail("id", "or externalMappingId is required")
	}
	if problem := check.refusal(); problem != nil {
		return nil, problem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range slices.Sorted(maps.Keys(c.owner.candidates)) {
		candidate := c.owner.candidates[known]
		if candidate.ID == id || external != "" && candidate.ExternalMappingID == external {
			return overridden(candidate.wire(c.owner.applicationsOf(candidate.ID)), candidate.Fields), nil
		}
	}
	return nil, refuse(s.cfg.Quirks.UnknownRecordCode, "No candidate has this id.")
}

var expandable = []string{"openings", "applicationFormSubmissions", "referrals"}

// applicationInfo serves application.info:
// https://developers.ashbyhq.com/reference/applicationinfo
func (s *Server) applicationInfo(c *call) (answered, *refusal) {
	check := &checker{}
	body := c.object(check)
	if body == nil {
		return nil, check.refusal()
	}
	id := body.id("applicationId", required, true)
	expand := readExpand(body)
	if problem := check.refusal(); problem != nil {
		return nil, problem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	application, found := c.owner.applications[id]
	if !found {
		return nil, refuse(codeNoApplication, "")
	}
	candidate := c.owner.candidates[application.CandidateID]
	return overridden(application.wire(candidate, expand), application.Fields), nil
}

func readExpand(body *object) []string {
	var expand []string
	items, _ := body.list("expand", optional)
	for _, item := range items {
		name, _ := item.(string)
		if !slices.Contains(expandable, name) {
			body.fail("expand", "may hold %s", strings.Join(expandable, ", "))
			continue
		}
		expand = append(expand, name)
	}
	return expand
}

// fileInfo serves file.info: https://developers.ashbyhq.com/reference/fileinfo
func (s *Server) fileInfo(c *call) (answered, *refusal) {
	check := &checker{}
	body := c.object(check)
	if body == nil {
		return nil, check.refusal()
	}
	handle := body.filled("fileHandle", required)
	if problem := check.refusal(); problem != nil {
		return nil, problem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if url := c.owner.files[handle]; url != "" {
		return map[string]any{"url": url}, nil
	}
	return nil, refuse(s.cfg.Quirks.UnknownRecordCode, "There is no such file.")
}

// apiKeyInfo serves apiKey.info, with which a provider checks a key:
// https://developers.ashbyhq.com/reference/apikeyinfo
func (s *Server) apiKeyInfo(c *call) (answered, *refusal) {
	check := &checker{}
	if c.object(check) == nil {
		return nil, check.refusal()
	}
	return map[string]any{
		"title":     c.key.title,
		"createdAt": c.key.createdAt.UTC().Format(timestampLayout),
		"scopes":    append([]string{}, c.key.scopes...),
	}, nil
}

// timestampLayout is the format of the timestamps in Ashby's examples.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// overridden applies the overrides of a record, which were tried when it was added.
func overridden(tree map[string]any, fields map[string]any) any {
	copied, err := toTree(tree)
	if err != nil {
		return tree
	}
	if err := setFields(copied, fields); err != nil {
		return tree
	}
	return copied
}
