// Package catalog reads a provider's packages from a YAML file, so that the
// catalogue can be edited without a release:
//
//	packages:
//	  - id: typescript_test
//	    name: TypeScript
//	    description: Types, generics and the event loop
//	    type: skills_test
//	  - id: 1001
//	    name: Criminal record
//	    type: background_check
//	    tests:
//	      - id: federal
//	        name: Federal register
//
// A package needs id, name and type, a test id and name. The types are those of
// [assessment.PackageType]. Ids are unique, those of tests within their
// package. A text is taken as it is written, so that the ids 1001, 007 and 0x10
// stay what they are.
//
// A catalogue with mistakes is not loaded in part. [Error] lists all of them,
// each with its line:
//
//	packages.yaml:7: package "1001": unknown field "nmae", did you mean "name"?
//	packages.yaml:7: package "1001": missing name
//
// # Ids of the customers'
//
// Some ATSs have no list of packages to choose from: the customer creates them by
// hand, with ids of its own, or enters one static id for everything. The same file
// says what they mean, for all customers or for one:
//
//	aliases:
//	  - id: RECRUITING_ASSESSMENT_TEST-6-111
//	    package: typescript_test
//	    vendor: stackone              # any, if absent
//	    account: "45355976281015164504" # all, if absent
//	jobs:
//	  - account: "45355976281015164504"
//	    job: J-1                      # its id, remote id or code
//	    package: typescript_test
//
// [Wrap] puts this in front of a provider. Those who keep the mapping in a database
// implement [Resolver].
//
// # Form
//
// Only plain YAML is understood: anchors, aliases, merge keys and tags, with
// which a small file can become a huge or a surprising one, are refused.
package catalog
