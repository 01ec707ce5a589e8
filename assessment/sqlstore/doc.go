// Package sqlstore keeps orders and results in PostgreSQL or SQLite, so that
// what was answered 200 is not lost and what was published is written, whatever
// restarts. It needs database/sql and no driver of its own; the caller brings
// one.
//
//   - [DB.Store] is the intake's store: an order starts once on any number of
//     replicas.
//   - [Spool] takes orders before the vendor is answered and starts them
//     afterwards. Its Queue is what every handler's Queue field takes.
//   - [Outbox] takes results, in the host's own transaction if it likes, and
//     writes them to the vendors: one at a time per order, the final last and
//     always, each until the vendor has answered.
//   - [DB.Timeline] tells what became of an order, [DB.Erase] and
//     [DB.EraseSubject] remove a person, [DB.Retain] removes what is old.
//
// # Who does the work
//
// A loop: [Outbox.Due] names the orders that have something to write,
// [Outbox.Flush] writes it; [Spool.Due] and [Spool.Work] do the same for orders.
// Any number of processes may run it, and any engine (a workflow engine, cron,
// the host's own workers) may call Flush for a reference at any time, also twice
// and in parallel: a lane in the database lets one writer through per order. The
// module assessment/durable drives it with River.
//
// # What is promised
//
// Per order one write is in flight over all processes. An interim result never
// overtakes or follows a final one. Pending interims shrink to the newest. A
// final is always sent, also one that was committed late or bears an older time;
// of several pending finals the newest is sent. A process that is killed
// between the vendor's answer and its record repeats the identical result once
// more. Only the vendor's answer, or a check that stands for it, refuses a
// result for good, and then it waits with its reason until somebody deals with
// it.
//
// Not excluded: a process that is frozen for longer than its lease between the
// last look at the lane and the socket. No vendor takes a fencing token.
package sqlstore
