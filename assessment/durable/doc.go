// Package durable runs the intake and the write-back of results on River, over
// PostgreSQL or SQLite: one [Service] from one [Config].
//
//	orders in     handler → Service.Queue → one transaction: the order, a job → 200
//	              job → lookups → Intake.Start → one transaction: started, or rejected with its result
//	results out   your transaction: your rows, Service.PublishTx → commit
//	              job → the order's lane → the vendor → one transaction: written
//
// The truth is in the tables of sqlstore; a job is a hint. It may be lost, come
// twice or be run by two processes: the lane of an order lets one through, and
// every process looks for work that no job told of, at its start and once a
// minute. So what River guarantees decides how soon things are done, and nothing
// else.
//
// A job ends when there is nothing to do for it: nothing pending, the lane taken
// (its holder looks again after it has given it back), the gate closed. Each
// closed gate has one waker, which sleeps until it opens and deals out what waits
// behind it. A result that waits after a failure keeps its job, and so does one
// that was refused: on River's page it is cancelled, and Retry there sets it back.
package durable
