package ashbytest

import (
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// candidateInfo serves candidate.info:
// https://developers.ashbyhq.com/reference/candidateinfo
func (s *Server) candidateInfo(c *call) (answered, *refusal) {
	var id, external string
	if problem := c.checked(func(body *simkit.Object) {
		id, external = body.UUID("id", simkit.Optional, true), body.Filled("externalMappingId", simkit.Optional)
		if id == "" && external == "" {
			body.Fail("id", "or externalMappingId is required")
		}
	}); problem != nil {
		return nil, problem
	}
	return s.candidate(c.owner, id, external)
}

// candidate finds somebody by either id.
func (w *world) candidate(o *organization, id, external string) (answered, *refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	candidate, found := o.candidates[id]
	if !found {
		candidate, found = o.candidates[o.byExternalID[external]]
	}
	if !found {
		return nil, refuse(w.quirks.UnknownRecordCode, "No candidate has this id.")
	}
	return overridden(candidate.wire(o.applicationsOf(candidate.ID)), candidate.Fields), nil
}

var expandable = []string{"openings", "applicationFormSubmissions", "referrals"}

// applicationInfo serves application.info:
// https://developers.ashbyhq.com/reference/applicationinfo
func (s *Server) applicationInfo(c *call) (answered, *refusal) {
	var id string
	var expand []string
	if problem := c.checked(func(body *simkit.Object) {
		id, expand = body.UUID("applicationId", simkit.Required, true), readExpand(body)
	}); problem != nil {
		return nil, problem
	}
	return s.application(c.owner, id, expand)
}

func (w *world) application(o *organization, id string, expand []string) (answered, *refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	application, found := o.applications[id]
	if !found {
		return nil, refuse(codeNoApplication, "")
	}
	return overridden(application.wire(o.candidates[application.CandidateID], expand), application.Fields), nil
}

func readExpand(body *simkit.Object) []string {
	var expand []string
	items, _ := body.List("expand", simkit.Optional)
	for _, item := range items {
		name, _ := item.(string)
		if !slices.Contains(expandable, name) {
			body.Fail("expand", "may hold %s", strings.Join(expandable, ", "))
			continue
		}
		expand = append(expand, name)
	}
	return expand
}

// fileInfo serves file.info: https://developers.ashbyhq.com/reference/fileinfo
func (s *Server) fileInfo(c *call) (answered, *refusal) {
	var handle string
	if problem := c.checked(func(body *simkit.Object) { handle = body.Filled("fileHandle", simkit.Required) }); problem != nil {
		return nil, problem
	}
	return s.file(c.owner, handle)
}

func (w *world) file(o *organization, handle string) (answered, *refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if url := o.files[handle]; url != "" {
		return map[string]any{"url": url}, nil
	}
	return nil, refuse(w.quirks.UnknownRecordCode, "There is no such file.")
}

// apiKeyInfo serves apiKey.info, with which a provider checks a key:
// https://developers.ashbyhq.com/reference/apikeyinfo
func (s *Server) apiKeyInfo(c *call) (answered, *refusal) {
	if problem := c.checked(func(*simkit.Object) {}); problem != nil {
		return nil, problem
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
func overridden(tree map[string]any, overrides map[string]any) any {
	copied := simkit.Cloned(tree)
	fields(overrides).SetLeniently(copied)
	return copied
}
