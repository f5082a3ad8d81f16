-- The journal of bankrail. Every name starts with bankrail_, because a host may keep
-- its own tables in the same database. Times are milliseconds of UTC since 1970, NULL
-- where there is none; amounts are minor units with their currency beside them.
--
-- What identifies something is VARBINARY: every collation of text that all servers
-- have takes 'R1' and 'R1 ' for one number.

-- +goose Up
-- Locks of numbers: whoever records a number, or keeps news of it, holds its row until
-- the transaction ends. The rows never change.
CREATE TABLE bankrail_slots (
	slot INT NOT NULL PRIMARY KEY
) ENGINE=InnoDB;
INSERT INTO bankrail_slots
	SELECT a.b + 2 * c.b + 4 * d.b + 8 * e.b + 16 * f.b + 32 * g.b + 64 * h.b + 128 * i.b + 256 * j.b + 512 * k.b
	FROM (SELECT 0 AS b UNION ALL SELECT 1) AS a, (SELECT 0 AS b UNION ALL SELECT 1) AS c,
		(SELECT 0 AS b UNION ALL SELECT 1) AS d, (SELECT 0 AS b UNION ALL SELECT 1) AS e,
		(SELECT 0 AS b UNION ALL SELECT 1) AS f, (SELECT 0 AS b UNION ALL SELECT 1) AS g,
		(SELECT 0 AS b UNION ALL SELECT 1) AS h, (SELECT 0 AS b UNION ALL SELECT 1) AS i,
		(SELECT 0 AS b UNION ALL SELECT 1) AS j, (SELECT 0 AS b UNION ALL SELECT 1) AS k
	ON DUPLICATE KEY UPDATE slot = slot;

CREATE TABLE bankrail_entries (
	id               BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	gateway          VARBINARY(128) NOT NULL,
	merchant         VARBINARY(128) NOT NULL,
	op               VARBINARY(64) NOT NULL,
	number           VARBINARY(255) NOT NULL CHECK (number <> ''),
	version          BIGINT NOT NULL CHECK (version >= 1),
	status           VARCHAR(16) NOT NULL CHECK (status IN ('created', 'processing', 'manual', 'succeeded', 'failed', 'reversed')),
	cause            VARCHAR(64) NOT NULL,
	order_number     VARBINARY(255) NOT NULL,
	amount_minor     BIGINT NOT NULL,
	amount_currency  VARCHAR(16) NOT NULL CHECK (amount_currency <> '' OR amount_minor = 0),
	settled_minor    BIGINT NOT NULL,
	settled_currency VARCHAR(16) NOT NULL CHECK (settled_currency <> '' OR settled_minor = 0),
	held_minor       BIGINT NOT NULL,
	held_currency    VARCHAR(16) NOT NULL CHECK (held_currency <> '' OR held_minor = 0),
	any_amount       TINYINT NOT NULL CHECK (any_amount IN (0, 1)),
	offer            TINYINT NOT NULL CHECK (offer IN (0, 1)),
	fingerprint      BINARY(32) NOT NULL,
	data             LONGBLOB,
	reply            LONGBLOB,
	sealed           LONGBLOB,
	operator         TEXT NOT NULL,
	gateway_number   TEXT NOT NULL,
	code             TEXT NOT NULL,
	message          MEDIUMTEXT NOT NULL,
	of_gateway       VARBINARY(128) NOT NULL,
	of_merchant      VARBINARY(128) NOT NULL,
	of_op            VARBINARY(64) NOT NULL,
	of_number        VARBINARY(255) NOT NULL,
	attempt          TEXT NOT NULL,
	sends            BIGINT NOT NULL CHECK (sends >= 0),
	copies           BIGINT NOT NULL CHECK (copies >= 0),
	first_send       BIGINT,
	last_send_by     BIGINT,
	send_until       BIGINT,
	postponed        TINYINT NOT NULL CHECK (postponed IN (0, 1)),
	accepted_at      BIGINT,
	tries            BIGINT NOT NULL CHECK (tries >= 0),
	asks             BIGINT NOT NULL CHECK (asks >= 0),
	next_at          BIGINT,
	expires          BIGINT,
	created_at       BIGINT,
	updated_at       BIGINT,
	fixed            BINARY(32) NOT NULL, -- digest of what a request was: most changes leave it alone
	UNIQUE KEY bankrail_entries_key (gateway, merchant, op, number),
	KEY bankrail_entries_due (op, next_at, id),
	KEY bankrail_entries_status (status),
	KEY bankrail_entries_order (order_number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row for every version of an entry; never changed.
CREATE TABLE bankrail_history (
	entry       BIGINT NOT NULL,
	version     BIGINT NOT NULL CHECK (version >= 1),
	from_status VARCHAR(16) NOT NULL,
	to_status   VARCHAR(16) NOT NULL,
	source      VARCHAR(64) NOT NULL,
	evidence    BINARY(32) NOT NULL,
	note        MEDIUMTEXT NOT NULL,
	at          BIGINT,
	PRIMARY KEY (entry, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What an order's refunds hold. limit_minor is NULL until a refund told what was paid.
CREATE TABLE bankrail_budgets (
	gateway      VARBINARY(128) NOT NULL,
	merchant     VARBINARY(128) NOT NULL,
	order_number VARBINARY(255) NOT NULL CHECK (order_number <> ''),
	currency     VARCHAR(16) NOT NULL,
	limit_minor  BIGINT,
	held_minor   BIGINT NOT NULL,
	stopped      TINYINT NOT NULL CHECK (stopped IN (0, 1)),
	PRIMARY KEY (gateway, merchant, order_number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The inbox: every notice once. news is what it said, as JSON.
CREATE TABLE bankrail_notices (
	gateway     VARBINARY(128) NOT NULL,
	merchant    VARBINARY(128) NOT NULL,
	notice      VARBINARY(255) NOT NULL,
	digest      BINARY(32) NOT NULL,
	signed_at   BIGINT,
	stale       TINYINT NOT NULL CHECK (stale IN (0, 1)),
	news        LONGBLOB NOT NULL,
	received_at BIGINT NOT NULL,
	PRIMARY KEY (gateway, merchant, notice)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- News of numbers that were not recorded when it came.
CREATE TABLE bankrail_pending (
	id       BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	gateway  VARBINARY(128) NOT NULL,
	merchant VARBINARY(128) NOT NULL,
	op       VARBINARY(64) NOT NULL,
	number   VARBINARY(255) NOT NULL,
	news     LONGBLOB NOT NULL,
	digest   BINARY(32) NOT NULL,
	at       BIGINT,
	flagged  TINYINT NOT NULL CHECK (flagged IN (0, 1)),
	KEY bankrail_pending_number (gateway, merchant, op, number),
	KEY bankrail_pending_at (at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The outbox: written with the change it reports, published later.
CREATE TABLE bankrail_events (
	id               BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	event            VARBINARY(640) NOT NULL UNIQUE,
	entry            BIGINT NOT NULL,
	version          BIGINT NOT NULL,
	type             VARCHAR(64) NOT NULL,
	status           VARCHAR(16) NOT NULL,
	order_number     VARBINARY(255) NOT NULL,
	amount_minor     BIGINT NOT NULL,
	amount_currency  VARCHAR(16) NOT NULL,
	settled_minor    BIGINT NOT NULL,
	settled_currency VARCHAR(16) NOT NULL,
	at               BIGINT,
	leased_until     BIGINT NOT NULL,
	published_at     BIGINT,
	KEY bankrail_events_unpublished (published_at, id),
	KEY bankrail_events_entry (entry, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE bankrail_anomalies (
	id       BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	kind     VARBINARY(64) NOT NULL,
	gateway  VARBINARY(128) NOT NULL,
	merchant VARBINARY(128) NOT NULL,
	op       VARBINARY(64) NOT NULL,
	number   VARBINARY(255) NOT NULL,
	note     MEDIUMTEXT NOT NULL,
	evidence BINARY(32) NOT NULL,
	at       BIGINT,
	UNIQUE KEY bankrail_anomalies_key (gateway, merchant, op, number, kind, evidence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Requests and answers as they were on the wire, without secrets, for support.
CREATE TABLE bankrail_exchanges (
	id             BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	gateway        VARBINARY(128) NOT NULL,
	merchant       VARBINARY(128) NOT NULL,
	op             VARBINARY(64) NOT NULL,
	number         VARBINARY(255) NOT NULL,
	attempt        BIGINT NOT NULL,
	method         TEXT NOT NULL,
	url            MEDIUMTEXT NOT NULL,
	request_header LONGBLOB,
	request        LONGBLOB,
	http_status    BIGINT NOT NULL,
	answer_header  LONGBLOB,
	answer         LONGBLOB,
	effect         VARCHAR(16) NOT NULL CHECK (effect IN ('unknown', 'refused', 'not sent')),
	problem        MEDIUMTEXT NOT NULL,
	started        BIGINT,
	took           BIGINT NOT NULL,
	KEY bankrail_exchanges_number (gateway, merchant, op, number),
	KEY bankrail_exchanges_started (started)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE bankrail_exchanges;
DROP TABLE bankrail_anomalies;
DROP TABLE bankrail_events;
DROP TABLE bankrail_pending;
DROP TABLE bankrail_notices;
DROP TABLE bankrail_budgets;
DROP TABLE bankrail_history;
DROP TABLE bankrail_entries;
DROP TABLE bankrail_slots;
