// Package house holds no code: its tests check the rules of this repository
// over the whole tree, so that they hold without anyone remembering them.
//
// Each rule is a function from a file tree to its violations. The tests run it
// over the repository, and over small trees in memory that break it once each,
// to show that it can fail.
package house
