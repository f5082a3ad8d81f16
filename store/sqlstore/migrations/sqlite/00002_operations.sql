-- What people decide: proposals that wait for a second person, stops and caps; and
-- news that the host's hook refused.

-- +goose Up
ALTER TABLE bankrail_entries ADD COLUMN absent_at INTEGER;
ALTER TABLE bankrail_entries ADD COLUMN proposal BLOB;
CREATE INDEX bankrail_entries_created ON bankrail_entries (created_at);
ALTER TABLE bankrail_pending ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1));
ALTER TABLE bankrail_pending ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE bankrail_notices ADD COLUMN source TEXT NOT NULL DEFAULT '';

-- Every limit that was ever set; of one gateway, merchant and operation the last counts.
CREATE TABLE bankrail_limits (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	gateway      TEXT    NOT NULL CHECK (gateway <> ''),
	merchant     TEXT    NOT NULL,
	op           TEXT    NOT NULL,
	stopped      INTEGER NOT NULL CHECK (stopped IN (0, 1)),
	max_minor    INTEGER NOT NULL CHECK (max_minor >= 0),
	max_currency TEXT    NOT NULL CHECK (max_currency <> '' OR max_minor = 0),
	set_by       TEXT    NOT NULL,
	why          TEXT    NOT NULL,
	at           INTEGER
) STRICT;
CREATE INDEX bankrail_limits_key ON bankrail_limits (gateway, merchant, op, id);

-- +goose Down
DROP TABLE bankrail_limits;
ALTER TABLE bankrail_notices DROP COLUMN source;
ALTER TABLE bankrail_pending DROP COLUMN source;
ALTER TABLE bankrail_pending DROP COLUMN blocked;
DROP INDEX bankrail_entries_created;
ALTER TABLE bankrail_entries DROP COLUMN proposal;
ALTER TABLE bankrail_entries DROP COLUMN absent_at;
