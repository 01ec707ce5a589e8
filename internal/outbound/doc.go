// Package outbound holds what the clients share on the way out: what is wrong
// with what is to be sent and where, how values are written, what was written
// of each order before, and who is told what became of a result.
package outbound
