-- The idempotency keys of the host's own API. A row is never deleted: a key that is
-- forgotten is a request that runs again. Trimming takes only the response away.

-- +goose Up
CREATE TABLE bankrail_keys (
	id           BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	tenant       VARBINARY(255) NOT NULL,
	route        VARBINARY(255) NOT NULL,
	request_key  VARBINARY(255) NOT NULL CHECK (request_key <> ''),
	fingerprint  VARBINARY(32) NOT NULL CHECK (length(fingerprint) = 32),
	epoch        BIGINT NOT NULL CHECK (epoch >= 1),
	owner        VARBINARY(255) NOT NULL CHECK (owner <> ''),
	began_at     BIGINT NOT NULL,
	lease_until  BIGINT NOT NULL,
	outcome      VARCHAR(4) NOT NULL CHECK (outcome IN ('', 'done', 'open')),
	response     LONGBLOB,
	completed_at BIGINT,
	trimmed      TINYINT NOT NULL CHECK (trimmed IN (0, 1)),
	UNIQUE KEY bankrail_keys_request (tenant, route, request_key),
	KEY bankrail_keys_trim (outcome, trimmed, completed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE bankrail_keys;
