-- What consumers of events have taken: of every entry the highest version. Consumers
-- with a database of their own make this table alone, so it may be there already.

-- +goose Up
CREATE TABLE IF NOT EXISTS bankrail_once (
	consumer VARBINARY(255) NOT NULL,
	gateway  VARBINARY(255) NOT NULL,
	merchant VARBINARY(255) NOT NULL,
	op       VARBINARY(255) NOT NULL,
	number   VARBINARY(255) NOT NULL,
	version  BIGINT NOT NULL,
	PRIMARY KEY (consumer, gateway, merchant, op, number)
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE bankrail_once;
