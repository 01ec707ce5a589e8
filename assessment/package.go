package assessment

import "time"

// PackageType says what a package examines. Kombo requires one; StackOne and
// Ashby have no such field. Values that this version does not know are kept,
// and [PackageType.Known] says false.
type PackageType string

// The package types of Kombo's PUT /assessment/packages
// (https://docs.kombo.dev/assessment/v1/put-packages).
const (
	SkillsTest      PackageType = "skills_test"
	Behavioral      PackageType = "behavioral"
	VideoInterview  PackageType = "video_interview"
	BackgroundCheck PackageType = "background_check"
	ReferenceCheck  PackageType = "reference_check"
)

// Known reports whether t is one of the types defined here.
func (t PackageType) Known() bool {
	switch t {
	case SkillsTest, Behavioral, VideoInterview, BackgroundCheck, ReferenceCheck:
		return true
	}
	return false
}

// Package is what a recruiter picks: one product of the provider's catalogue.
type Package struct {
	// ID is the provider's own identifier. It comes back in [Order.Package].
	ID string `json:"id,omitempty"`
	// RemoteID is the ATS's identifier where an inbound order names one. It is
	// not sent.
	RemoteID string `json:"remote_id,omitempty"`
	// Name and Description are shown to the recruiter.
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	// Type is required by Kombo and not carried by the others.
	Type PackageType `json:"type,omitempty"`
	// Tests are the parts of a package; only StackOne's background checks carry
	// them.
	Tests []Test `json:"tests,omitempty"`
	// UpdatedAt is when the vendor was given the package last, where it says so
	// (Kombo). It is not sent.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Test is one part of a [Package].
type Test struct {
	ID          string `json:"id,omitempty"`
	RemoteID    string `json:"remote_id,omitempty"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
}
