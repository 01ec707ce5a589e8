package assessment

// Vendor names the partner API through which an order came in and a result
// goes out. Values that this version does not know are kept as they are, and
// [Vendor.Known] says false.
type Vendor string

// The vendors that this module has a package for.
const (
	Kombo    Vendor = "kombo"
	StackOne Vendor = "stackone"
	Ashby    Vendor = "ashby"
)

// Known reports whether v is one of the vendors that this module speaks to.
func (v Vendor) Known() bool {
	return v == Kombo || v == StackOne || v == Ashby
}

// Kind tells an assessment order from a background-check order. It is empty
// where the vendor does not say (Kombo, Ashby). StackOne keeps the two under
// different paths, so the kind is part of an [OrderRef].
type Kind string

// The kinds of order that StackOne tells apart.
const (
	KindAssessment      Kind = "assessment"
	KindBackgroundCheck Kind = "background_check"
)

// Known reports whether k is empty or one of the kinds defined here.
func (k Kind) Known() bool {
	return k == "" || k == KindAssessment || k == KindBackgroundCheck
}
