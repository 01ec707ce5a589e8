package kombotest

import (
	"slices"
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
	if problem := checked(c, func(body *simkit.Object) {
		body.Each("packages", simkit.Required, func(o *simkit.Object) { packages = s.addPackage(o, packages) })
	}); problem != nil {
		return answer{}, problem
	}
	s.SetPackages(c.Account, packages)
	return answer{data: empty{}, write: true}, nil
}

func (s *Server) addPackage(o *simkit.Object, packages []Package) []Package {
	p := Package{
		ID:          o.Text("id", simkit.Required),
		Type:        o.Enum("type", simkit.Required, packageTypes...),
		Name:        o.Text("name", simkit.Required),
		Description: o.Text("description", simkit.Required),
		UpdatedAt:   s.now(),
	}
	known := slices.IndexFunc(packages, func(other Package) bool { return other.ID == p.ID })
	if known < 0 {
		return append(packages, p)
	}
	if !s.quirks.AllowDuplicatePackages {
		o.Fail(o.At("id"), "repeats the id of another package")
	}
	packages[known] = p
	return packages
}
