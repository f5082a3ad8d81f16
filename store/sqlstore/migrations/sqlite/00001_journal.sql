-- The journal of bankrail. Every name starts with bankrail_, because a host may keep
-- its own tables in the same database. Times are milliseconds of UTC since 1970, NULL
-- where there is none; amounts are minor units with their currency beside them.

-- +goose Up
CREATE TABLE bankrail_entries (
	id               INTEGER PRIMARY KEY, -- no row is ever deleted
	gateway          TEXT    NOT NULL,
	merchant         TEXT    NOT NULL,
	op               TEXT    NOT NULL,
	number           TEXT    NOT NULL CHECK (number <> ''),
	version          INTEGER NOT NULL CHECK (version >= 1),
	status           TEXT    NOT NULL CHECK (status IN ('created', 'processing', 'manual', 'succeeded', 'failed', 'reversed')),
	cause            TEXT    NOT NULL,
	order_number     TEXT    NOT NULL,
	amount_minor     INTEGER NOT NULL,
	amount_currency  TEXT    NOT NULL CHECK (amount_currency <> '' OR amount_minor = 0),
	settled_minor    INTEGER NOT NULL,
	settled_currency TEXT    NOT NULL CHECK (settled_currency <> '' OR settled_minor = 0),
	held_minor       INTEGER NOT NULL,
	held_currency    TEXT    NOT NULL CHECK (held_currency <> '' OR held_minor = 0),
	any_amount       INTEGER NOT NULL CHECK (any_amount IN (0, 1)),
	offer            INTEGER NOT NULL CHECK (offer IN (0, 1)),
	fingerprint      BLOB    NOT NULL CHECK (length(fingerprint) = 32),
	data             BLOB,
	reply            BLOB,
	sealed           BLOB,
	operator         TEXT    NOT NULL,
	gateway_number   TEXT    NOT NULL,
	code             TEXT    NOT NULL,
	message          TEXT    NOT NULL,
	of_gateway       TEXT    NOT NULL,
	of_merchant      TEXT    NOT NULL,
	of_op            TEXT    NOT NULL,
	of_number        TEXT    NOT NULL,
	attempt          TEXT    NOT NULL,
	sends            INTEGER NOT NULL CHECK (sends >= 0),
	copies           INTEGER NOT NULL CHECK (copies >= 0),
	first_send       INTEGER,
	last_send_by     INTEGER,
	send_until       INTEGER,
	postponed        INTEGER NOT NULL CHECK (postponed IN (0, 1)),
	accepted_at      INTEGER,
	tries            INTEGER NOT NULL CHECK (tries >= 0),
	asks             INTEGER NOT NULL CHECK (asks >= 0),
	next_at          INTEGER,
	expires          INTEGER,
	created_at       INTEGER,
	updated_at       INTEGER,
	fixed            BLOB    NOT NULL CHECK (length(fixed) = 32), -- digest of what a request was: most changes leave it alone
	UNIQUE (gateway, merchant, op, number)
) STRICT;
CREATE INDEX bankrail_entries_due ON bankrail_entries (op, next_at, id) WHERE next_at IS NOT NULL;
-- Nearly all entries end as succeeded: they need no index to be found.
CREATE INDEX bankrail_entries_status ON bankrail_entries (status) WHERE status <> 'succeeded';
CREATE INDEX bankrail_entries_order ON bankrail_entries (order_number) WHERE order_number <> '';

-- One row for every version of an entry; never changed.
CREATE TABLE bankrail_history (
	entry       INTEGER NOT NULL REFERENCES bankrail_entries (id),
	version     INTEGER NOT NULL CHECK (version >= 1),
	from_status TEXT    NOT NULL,
	to_status   TEXT    NOT NULL,
	source      TEXT    NOT NULL,
	evidence    BLOB    NOT NULL CHECK (length(evidence) = 32),
	note        TEXT    NOT NULL,
	at          INTEGER,
	PRIMARY KEY (entry, version)
) STRICT, WITHOUT ROWID;

-- What an order's refunds hold. limit_minor is NULL until a refund told what was paid.
CREATE TABLE bankrail_budgets (
	gateway      TEXT    NOT NULL,
	merchant     TEXT    NOT NULL,
	order_number TEXT    NOT NULL CHECK (order_number <> ''),
	currency     TEXT    NOT NULL,
	limit_minor  INTEGER,
	held_minor   INTEGER NOT NULL,
	stopped      INTEGER NOT NULL CHECK (stopped IN (0, 1)),
	PRIMARY KEY (gateway, merchant, order_number)
) STRICT, WITHOUT ROWID;

-- The inbox: every notice once. news is what it said, as JSON.
CREATE TABLE bankrail_notices (
	gateway     TEXT    NOT NULL,
	merchant    TEXT    NOT NULL,
	notice      TEXT    NOT NULL,
	digest      BLOB    NOT NULL CHECK (length(digest) = 32),
	signed_at   INTEGER,
	stale       INTEGER NOT NULL CHECK (stale IN (0, 1)),
	news        BLOB    NOT NULL,
	received_at INTEGER NOT NULL,
	PRIMARY KEY (gateway, merchant, notice)
) STRICT;

-- News of numbers that were not recorded when it came.
CREATE TABLE bankrail_pending (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	gateway  TEXT    NOT NULL,
	merchant TEXT    NOT NULL,
	op       TEXT    NOT NULL,
	number   TEXT    NOT NULL,
	news     BLOB    NOT NULL,
	digest   BLOB    NOT NULL CHECK (length(digest) = 32),
	at       INTEGER,
	flagged  INTEGER NOT NULL CHECK (flagged IN (0, 1))
) STRICT;
CREATE INDEX bankrail_pending_number ON bankrail_pending (gateway, merchant, op, number);
CREATE INDEX bankrail_pending_at ON bankrail_pending (at, id);

-- The outbox: written with the change it reports, published later.
CREATE TABLE bankrail_events (
	id               INTEGER PRIMARY KEY,
	event            TEXT    NOT NULL UNIQUE,
	entry            INTEGER NOT NULL REFERENCES bankrail_entries (id),
	version          INTEGER NOT NULL,
	type             TEXT    NOT NULL,
	status           TEXT    NOT NULL,
	order_number     TEXT    NOT NULL,
	amount_minor     INTEGER NOT NULL,
	amount_currency  TEXT    NOT NULL,
	settled_minor    INTEGER NOT NULL,
	settled_currency TEXT    NOT NULL,
	at               INTEGER,
	leased_until     INTEGER NOT NULL,
	published_at     INTEGER
) STRICT;
CREATE INDEX bankrail_events_unpublished ON bankrail_events (id) WHERE published_at IS NULL;

CREATE TABLE bankrail_anomalies (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	kind     TEXT    NOT NULL,
	gateway  TEXT    NOT NULL,
	merchant TEXT    NOT NULL,
	op       TEXT    NOT NULL,
	number   TEXT    NOT NULL,
	note     TEXT    NOT NULL,
	evidence BLOB    NOT NULL CHECK (length(evidence) = 32),
	at       INTEGER,
	UNIQUE (gateway, merchant, op, number, kind, evidence)
) STRICT;

-- Requests and answers as they were on the wire, without secrets, for support.
CREATE TABLE bankrail_exchanges (
	id             INTEGER PRIMARY KEY AUTOINCREMENT,
	gateway        TEXT    NOT NULL,
	merchant       TEXT    NOT NULL,
	op             TEXT    NOT NULL,
	number         TEXT    NOT NULL,
	attempt        INTEGER NOT NULL,
	method         TEXT    NOT NULL,
	url            TEXT    NOT NULL,
	request_header BLOB,
	request        BLOB,
	http_status    INTEGER NOT NULL,
	answer_header  BLOB,
	answer         BLOB,
	effect         TEXT    NOT NULL CHECK (effect IN ('unknown', 'refused', 'not sent')),
	problem        TEXT    NOT NULL,
	started        INTEGER,
	took           INTEGER NOT NULL
) STRICT;
CREATE INDEX bankrail_exchanges_number ON bankrail_exchanges (gateway, merchant, op, number);
CREATE INDEX bankrail_exchanges_started ON bankrail_exchanges (started);

-- +goose Down
DROP TABLE bankrail_exchanges;
DROP TABLE bankrail_anomalies;
DROP TABLE bankrail_events;
DROP TABLE bankrail_pending;
DROP TABLE bankrail_notices;
DROP TABLE bankrail_budgets;
DROP TABLE bankrail_history;
DROP TABLE bankrail_entries;
