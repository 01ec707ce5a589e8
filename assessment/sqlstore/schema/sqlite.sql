CREATE TABLE {meta} (
  id INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  min_reader INTEGER NOT NULL
);

CREATE TABLE {claims} (
  key TEXT PRIMARY KEY,
  ref TEXT NOT NULL,
  token TEXT NOT NULL,
  until INTEGER NOT NULL,
  answer BLOB,
  made INTEGER NOT NULL
);
-- The record of an order with a vendor's id has its reference as key, and no ref.
CREATE INDEX {index}claims_ref ON {claims} (ref) WHERE ref <> '';

CREATE TABLE {orders} (
  ref TEXT PRIMARY KEY,
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  subject TEXT NOT NULL,
  form INTEGER NOT NULL,
  body TEXT,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  tries INTEGER NOT NULL,
  faulted INTEGER NOT NULL,
  due INTEGER NOT NULL,
  token TEXT NOT NULL,
  until INTEGER NOT NULL,
  made INTEGER NOT NULL,
  settled INTEGER NOT NULL
);
CREATE INDEX {index}orders_due ON {orders} (due) WHERE state IN ('queued', 'attention');
CREATE INDEX {index}orders_account ON {orders} (route, account, due) WHERE state IN ('queued', 'attention');
CREATE INDEX {index}orders_subject ON {orders} (subject) WHERE subject <> '';

CREATE TABLE {results} (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  ref TEXT NOT NULL,
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  dedupe TEXT NOT NULL,
  digest TEXT NOT NULL,
  final INTEGER NOT NULL,
  correction INTEGER NOT NULL,
  form INTEGER NOT NULL,
  body TEXT,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  receipt TEXT NOT NULL,
  tries INTEGER NOT NULL,
  waited INTEGER NOT NULL,
  due INTEGER NOT NULL,
  made INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  UNIQUE (ref, dedupe)
);
CREATE INDEX {index}results_pending ON {results} (ref) WHERE state = 'pending';
CREATE INDEX {index}results_due ON {results} (made, seq) WHERE state = 'pending';
CREATE INDEX {index}results_account ON {results} (route, account, seq) WHERE state = 'pending';
CREATE INDEX {index}results_attention ON {results} (seq) WHERE state IN ('refused', 'uncertain') OR reason = 'late';
CREATE INDEX {index}results_settled ON {results} (settled) WHERE settled > 0;

CREATE TABLE {lanes} (
  ref TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  until INTEGER NOT NULL,
  written_seq INTEGER NOT NULL,
  final_seq INTEGER NOT NULL,
  sent_seq INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  crashes INTEGER NOT NULL
);

CREATE TABLE {gates} (
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  what TEXT NOT NULL,
  cause TEXT NOT NULL,
  under TEXT NOT NULL,
  print TEXT NOT NULL,
  opens INTEGER NOT NULL,
  probing INTEGER NOT NULL,
  probes INTEGER NOT NULL,
  token TEXT NOT NULL,
  wake INTEGER NOT NULL,
  switched_by TEXT NOT NULL,
  made INTEGER NOT NULL,
  PRIMARY KEY (route, account, what, cause, under)
);

CREATE TABLE {journal} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ref TEXT NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX {index}journal_ref ON {journal} (ref);
CREATE INDEX {index}journal_at ON {journal} (at);

CREATE TABLE {processes} (
  id TEXT PRIMARY KEY,
  seen INTEGER NOT NULL
);

CREATE TABLE {integrations} (
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  since INTEGER NOT NULL,
  next INTEGER NOT NULL,
  period INTEGER NOT NULL,
  hot INTEGER NOT NULL,
  hot_from INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  full_next INTEGER NOT NULL,
  run TEXT NOT NULL,
  run_from INTEGER NOT NULL,
  run_began INTEGER NOT NULL,
  cursor TEXT NOT NULL,
  found TEXT NOT NULL,
  released INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  token TEXT NOT NULL,
  until INTEGER NOT NULL,
  made INTEGER NOT NULL,
  PRIMARY KEY (route, account)
);
CREATE INDEX {index}integrations_next ON {integrations} (next) WHERE gone = 0;

-- Whose orders those are that never were in the spool.
CREATE TABLE {subjects} (
  subject TEXT NOT NULL,
  ref TEXT NOT NULL,
  made INTEGER NOT NULL,
  PRIMARY KEY (subject, ref)
);
CREATE INDEX {index}subjects_ref ON {subjects} (ref);

-- version 2

-- How often an account orders: its longest pause, of which a tenth of what passes
-- is forgotten.
CREATE TABLE {habits} (
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  orders INTEGER NOT NULL,
  pause INTEGER NOT NULL,
  made INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  PRIMARY KEY (route, account)
);

-- Deliveries with a bad signature, by minute.
CREATE TABLE {refusals} (
  route TEXT NOT NULL,
  minute INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (route, minute)
);

-- Orders whose delivery was answered with a fault, until they are taken.
CREATE TABLE {risks} (
  ref TEXT PRIMARY KEY,
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  made INTEGER NOT NULL
);
