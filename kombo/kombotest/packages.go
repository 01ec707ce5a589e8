package kombotest

import (
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

func (s *Server) getPackages(c *simkit.Call) (answer, *refusal) {
	list := []wirePackage{}
	for _, p := range s.Packages(c.Account) {
		list = append(list, p.wire())
	}
	return answer{data: map[string]any{"packages": list}}, nil
}

func (p Package) wire() wirePackage {
	w := wirePackage{ID: p.ID, Name: p.Name, Description: p.Description, Type: simkit.Nullable(p.Type)}
	if !p.UpdatedAt.IsZero() {
		w.UpdatedAt = simkit.Nullable(timestamp(p.UpdatedAt))
	}
	return w
}

// setPackages replaces the list: packages that are left out are deleted.
func (s *Server) setPackages(c *simkit.Call) (answer, *refusal) {
	var packages []Package
	seen := map[string]bool{}
	if problem := checked(c, func(body *simkit.Object) {
		body.Each("packages", simkit.Required, func(o *simkit.Object) { packages = append(packages, s.readPackage(o, seen)) })
	}); problem != nil {
		return answer{}, problem
	}
	s.SetPackages(c.Account, lastOnes(packages))
	return answer{data: empty{}, write: true}, nil
}

// readPackage: Kombo documents texts and no more. An id that is empty or that two
// packages share cannot be ordered, and a package without a name cannot be chosen.
func (s *Server) readPackage(o *simkit.Object, seen map[string]bool) Package {
	return Package{
		ID:          o.Unique("id", simkit.Required, seen, s.quirks.AllowDuplicatePackages),
		Type:        o.Enum("type", simkit.Required, packageTypes...),
		Name:        o.Filled("name", simkit.Required),
		Description: o.Text("description", simkit.Required),
		UpdatedAt:   s.now(),
	}
}

// lastOnes keeps the last package of each id, at the place of the first.
func lastOnes(packages []Package) []Package {
	var list []Package
	at := map[string]int{}
	for _, p := range packages {
		if i, repeated := at[p.ID]; repeated {
			list[i] = p
			continue
		}
		at[p.ID] = len(list)
		list = append(list, p)
	}
	return list
}
