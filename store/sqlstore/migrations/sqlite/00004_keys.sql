-- The idempotency keys of the host's own API. A row is never deleted: a key that is
-- forgotten is a request that runs again. Trimming takes only the response away.

-- +goose Up
CREATE TABLE bankrail_keys (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant       TEXT    NOT NULL,
	route        TEXT    NOT NULL,
	request_key  TEXT    NOT NULL CHECK (request_key <> ''),
	fingerprint  BLOB    NOT NULL CHECK (length(fingerprint) = 32),
	epoch        INTEGER NOT NULL CHECK (epoch >= 1),
	owner        TEXT    NOT NULL CHECK (owner <> ''),
	began_at     INTEGER NOT NULL,
	lease_until  INTEGER NOT NULL,
	outcome      TEXT    NOT NULL CHECK (outcome IN ('', 'done', 'open')),
	response     BLOB,
	completed_at INTEGER,
	trimmed      INTEGER NOT NULL CHECK (trimmed IN (0, 1)),
	UNIQUE (tenant, route, request_key)
) STRICT;
CREATE INDEX bankrail_keys_trim ON bankrail_keys (completed_at) WHERE outcome = 'done' AND trimmed = 0;

-- +goose Down
DROP TABLE bankrail_keys;
