// Package inbound is what the handlers of all vendors share: the order of work
// on a delivery, the answers that a sender may see, and the report of it to
// logger and observer. What a vendor's answers look like is the vendor
// package's.
package inbound
