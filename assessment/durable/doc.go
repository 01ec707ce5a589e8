// Package durable runs the intake and the write-back of results on River, over
// PostgreSQL or SQLite.
package durable
