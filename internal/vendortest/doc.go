// Package vendortest states once what must hold for every vendor, and runs it
// over each of them.
//
// A vendor package describes itself to the laws as a [Vendor]: how a handler and
// a client of it are made, what a good delivery looks like, how yes, no and a
// fault are told there. [Run] then plays every law over it. What is said about
// one vendor only stays in that vendor's own tests.
//
// Beside the laws lies the harness that the tests of all vendors share: a scripted
// API ([Script]), comparison of JSON by meaning ([SameJSON]), and the scaffolding
// of benchmarks. The package knows no vendor, so that no vendor's habits slip into
// a law.
package vendortest
