-- What people decide: proposals that wait for a second person, stops and caps; and
-- news that the host's hook refused.

-- +goose Up
ALTER TABLE bankrail_entries ADD COLUMN absent_at BIGINT, ADD COLUMN proposal LONGBLOB,
	ADD KEY bankrail_entries_created (created_at);
ALTER TABLE bankrail_pending ADD COLUMN blocked TINYINT NOT NULL DEFAULT 0, ADD COLUMN source VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE bankrail_notices ADD COLUMN source VARCHAR(64) NOT NULL DEFAULT '';

-- Every limit that was ever set; of one gateway, merchant and operation the last counts.
CREATE TABLE bankrail_limits (
	id           BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	gateway      VARBINARY(128) NOT NULL CHECK (gateway <> ''),
	merchant     VARBINARY(128) NOT NULL,
	op           VARBINARY(64) NOT NULL,
	stopped      TINYINT NOT NULL CHECK (stopped IN (0, 1)),
	max_minor    BIGINT NOT NULL CHECK (max_minor >= 0),
	max_currency VARCHAR(16) NOT NULL CHECK (max_currency <> '' OR max_minor = 0),
	set_by       TEXT NOT NULL,
	why          TEXT NOT NULL,
	at           BIGINT,
	KEY bankrail_limits_key (gateway, merchant, op, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE bankrail_limits;
ALTER TABLE bankrail_notices DROP COLUMN source;
ALTER TABLE bankrail_pending DROP COLUMN source, DROP COLUMN blocked;
ALTER TABLE bankrail_entries DROP KEY bankrail_entries_created, DROP COLUMN proposal, DROP COLUMN absent_at;
