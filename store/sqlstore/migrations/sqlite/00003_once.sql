-- What consumers of events have taken: of every entry the highest version. Consumers
-- with a database of their own make this table alone, so it may be there already.

-- +goose Up
CREATE TABLE IF NOT EXISTS bankrail_once (
	consumer TEXT NOT NULL,
	gateway  TEXT NOT NULL,
	merchant TEXT NOT NULL,
	op       TEXT NOT NULL,
	number   TEXT NOT NULL,
	version  INTEGER NOT NULL,
	PRIMARY KEY (consumer, gateway, merchant, op, number)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE bankrail_once;
