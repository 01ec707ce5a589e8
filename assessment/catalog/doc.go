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
// Only plain YAML is understood: anchors, aliases, merge keys and tags, with
// which a small file can become a huge or a surprising one, are refused.
//
// This is the only package of the module that imports gopkg.in/yaml.v3.
package catalog
