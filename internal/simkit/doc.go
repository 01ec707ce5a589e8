// Package simkit is the workshop in which the simulated vendors are built: all
// that one of them needs and that has nothing to do with which vendor it is.
//
// It has two halves. Towards the caller of an API there is [Simulator]: it serves
// the vendor's operations over one in-memory listener and, if asked for, a
// loopback socket, both with the real net/http; it lets a [Fault] happen, counts
// calls against [Limits] and keeps each [Exchange]. Towards the provider there is
// [Plan], which says how one request is sent and what goes wrong with it, and
// [Simulator.Send], which sends it to a [Target]. Beside them stand the tools that
// a simulator's own code uses: [Object] checks a JSON body against a schema, [Table]
// finds records by key in constant time, [IDs] makes ids from a seed, [SetPath]
// edits a JSON tree, [Catalogue] reads faults by name.
//
// Everything works in a testing/synctest bubble: connections are buffers in
// memory, waiting is durable, and [Simulator.Close] ends every goroutine.
//
// The package uses the standard library only. It knows no vendor and none of the
// packages that the simulators help to test.
package simkit
