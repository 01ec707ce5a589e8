// Package sandbox is a local page and a command with which a developer plays the
// recruiter at three vendors, against a provider in any language.
//
// It runs the simulators of this module on the loopback, keeps what they and the
// provider said to each other, and says for every exchange what the recruiter sees
// of it.
package sandbox
