CREATE TABLE {meta} (
  id SMALLINT PRIMARY KEY,
  version INTEGER NOT NULL,
  min_reader INTEGER NOT NULL
);

CREATE TABLE {claims} (
  key TEXT COLLATE "C" PRIMARY KEY,
  ref TEXT COLLATE "C" NOT NULL,
  token TEXT NOT NULL,
  until BIGINT NOT NULL,
  answer BYTEA,
  made BIGINT NOT NULL
);
-- The record of an order with a vendor's id has its reference as key, and no ref.
CREATE INDEX {index}claims_ref ON {claims} (ref) WHERE ref <> '';

CREATE TABLE {orders} (
  ref TEXT COLLATE "C" PRIMARY KEY,
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  subject TEXT NOT NULL,
  form INTEGER NOT NULL,
  body TEXT,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  tries INTEGER NOT NULL,
  faulted BIGINT NOT NULL,
  due BIGINT NOT NULL,
  token TEXT NOT NULL,
  until BIGINT NOT NULL,
  made BIGINT NOT NULL,
  settled BIGINT NOT NULL
);
CREATE INDEX {index}orders_due ON {orders} (due) WHERE state IN ('queued', 'attention');
CREATE INDEX {index}orders_account ON {orders} (route, account, due) WHERE state IN ('queued', 'attention');
CREATE INDEX {index}orders_subject ON {orders} (subject) WHERE subject <> '';

CREATE TABLE {results} (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ref TEXT COLLATE "C" NOT NULL,
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  dedupe TEXT COLLATE "C" NOT NULL,
  digest TEXT NOT NULL,
  final SMALLINT NOT NULL,
  correction SMALLINT NOT NULL,
  form INTEGER NOT NULL,
  body TEXT,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  receipt TEXT NOT NULL,
  tries INTEGER NOT NULL,
  waited BIGINT NOT NULL,
  due BIGINT NOT NULL,
  made BIGINT NOT NULL,
  settled BIGINT NOT NULL,
  UNIQUE (ref, dedupe)
);
CREATE INDEX {index}results_pending ON {results} (ref) WHERE state = 'pending';
CREATE INDEX {index}results_due ON {results} (made, seq) WHERE state = 'pending';
CREATE INDEX {index}results_account ON {results} (route, account, seq) WHERE state = 'pending';
CREATE INDEX {index}results_attention ON {results} (seq) WHERE state IN ('refused', 'uncertain') OR reason = 'late';
CREATE INDEX {index}results_settled ON {results} (settled) WHERE settled > 0;

CREATE TABLE {lanes} (
  ref TEXT COLLATE "C" PRIMARY KEY,
  token TEXT NOT NULL,
  until BIGINT NOT NULL,
  written_seq BIGINT NOT NULL,
  final_seq BIGINT NOT NULL,
  sent_seq BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  crashes INTEGER NOT NULL
);

CREATE TABLE {gates} (
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  what TEXT NOT NULL,
  cause TEXT NOT NULL,
  under TEXT NOT NULL,
  print TEXT NOT NULL,
  opens BIGINT NOT NULL,
  probing SMALLINT NOT NULL,
  probes INTEGER NOT NULL,
  token TEXT NOT NULL,
  wake BIGINT NOT NULL,
  switched_by TEXT NOT NULL,
  made BIGINT NOT NULL,
  PRIMARY KEY (route, account, what, cause, under)
);

CREATE TABLE {journal} (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ref TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  what TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX {index}journal_ref ON {journal} (ref);
CREATE INDEX {index}journal_at ON {journal} (at);

CREATE TABLE {processes} (
  id TEXT PRIMARY KEY,
  seen BIGINT NOT NULL
);

CREATE TABLE {integrations} (
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  since BIGINT NOT NULL,
  next BIGINT NOT NULL,
  period BIGINT NOT NULL,
  hot SMALLINT NOT NULL,
  hot_from BIGINT NOT NULL,
  delivered BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  asked BIGINT NOT NULL,
  full_next BIGINT NOT NULL,
  run TEXT NOT NULL,
  run_from BIGINT NOT NULL,
  run_began BIGINT NOT NULL,
  cursor TEXT NOT NULL,
  found TEXT NOT NULL,
  released SMALLINT NOT NULL,
  failures INTEGER NOT NULL,
  gone BIGINT NOT NULL,
  token TEXT NOT NULL,
  until BIGINT NOT NULL,
  made BIGINT NOT NULL,
  PRIMARY KEY (route, account)
);
CREATE INDEX {index}integrations_next ON {integrations} (next) WHERE gone = 0;

-- Whose orders those are that never were in the spool.
CREATE TABLE {subjects} (
  subject TEXT NOT NULL,
  ref TEXT COLLATE "C" NOT NULL,
  made BIGINT NOT NULL,
  PRIMARY KEY (subject, ref)
);
CREATE INDEX {index}subjects_ref ON {subjects} (ref);

-- version 2

-- How often an account orders: its longest pause, of which a tenth of what passes
-- is forgotten.
CREATE TABLE {habits} (
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  orders BIGINT NOT NULL,
  pause BIGINT NOT NULL,
  made BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  PRIMARY KEY (route, account)
);

-- Deliveries with a bad signature, by minute.
CREATE TABLE {refusals} (
  route TEXT NOT NULL,
  minute BIGINT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (route, minute)
);

-- Orders whose delivery was answered with a fault, until they are taken.
CREATE TABLE {risks} (
  ref TEXT COLLATE "C" PRIMARY KEY,
  route TEXT NOT NULL,
  account TEXT NOT NULL,
  made BIGINT NOT NULL
);
