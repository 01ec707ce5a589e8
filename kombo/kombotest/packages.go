package kombotest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Package is an entry of the catalogue that a provider submitted for one
// integration: https://docs.kombo.dev/assessment/v1/put-packages
type Package struct {
	ID          string
	Type        string // empty: null, as for packages submitted before types existed
	Name        string
	Description string
	UpdatedAt   time.Time // zero: null
}

type wirePackage struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	UpdatedAt   *string `json:"updated_at"`
	Type        *string `json:"type"`
}

var packageTypes = []string{"BEHAVIORAL", "VIDEO_INTERVIEW", "SKILLS_TEST", "BACKGROUND_CHECK", "REFERENCE_CHECK"}

// Packages returns the packages last submitted for an integration, in the order
// of the request.
func (s *Server) Packages(integration string) []Package {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.packages[integration])
}

// SetPackages puts packages in place without a call of the API, for instance one
// without a type.
func (s *Server) SetPackages(integration string, packages []Package) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packages[integration] = slices.Clone(packages)
}

func (s *Server) getPackages(_ context.Context, c *call) (answer, *refusal) {
	list := []wirePackage{}
	for _, p := range s.Packages(c.integration) {
		list = append(list, p.wire())
	}
	return answer{data: map[string]any{"packages": list}}, nil
}

func (p Package) wire() wirePackage {
	w := wirePackage{ID: p.ID, Name: p.Name, Description: p.Description, Type: nullable(p.Type)}
	if !p.UpdatedAt.IsZero() {
		w.UpdatedAt = nullable(timestamp(p.UpdatedAt))
	}
	return w
}

// setPackages replaces the list: packages that are left out are deleted.
func (s *Server) setPackages(_ context.Context, c *call) (answer, *refusal) {
	check := &checker{}
	packages := s.readPackages(check, c.bodyObject(check))
	c.noteUnknown(check)
	if problem := check.refusal(); problem != nil {
		return answer{}, problem
	}
	s.SetPackages(c.integration, packages)
	return answer{data: empty{}, write: true}, nil
}

func (s *Server) readPackages(check *checker, body *object) []Package {
	if body == nil {
		return nil
	}
	defer body.done()
	var packages []Package
	for i, item := range body.list("packages", required) {
		o := check.object(fmt.Sprintf("packages[%d]", i), item)
		if o == nil {
			continue
		}
		packages = s.addPackage(o, packages)
	}
	return packages
}

func (s *Server) addPackage(o *object, packages []Package) []Package {
	p := Package{
		ID:          o.text("id", required),
		Type:        o.enum("type", required, packageTypes...),
		Name:        o.text("name", required),
		Description: o.text("description", required),
		UpdatedAt:   s.now(),
	}
	o.done()
	known := slices.IndexFunc(packages, func(other Package) bool { return other.ID == p.ID })
	if known < 0 {
		return append(packages, p)
	}
	if !s.cfg.Quirks.AllowDuplicatePackages {
		o.fail(o.at("id"), "repeats the id of another package")
	}
	packages[known] = p
	return packages
}

func (c *call) noteUnknown(check *checker) {
	for _, path := range check.unknown {
		c.note("unknown key " + path)
	}
}
