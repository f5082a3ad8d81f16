package sqlstore

// keyStatements holds the SQL of the idempotency keys.
type keyStatements struct {
	getKey string
	// insertKey does nothing where there is a row.
	insertKey string
	// completeKey is the compare-and-swap on the epoch; reclaimKey the one on the epoch
	// and on nobody having the key.
	completeKey, reclaimKey string
	trimKeys                string
}

const (
	byRequest  = ` WHERE tenant = ? AND route = ? AND request_key = ?`
	keyFields  = `fingerprint, epoch, owner, began_at, lease_until, outcome, response, trimmed`
	insertsKey = `INTO bankrail_keys (tenant, route, request_key, ` + keyFields + `)
		VALUES (?, ?, ?, ?, 1, ?, ?, ?, '', NULL, 0)`
)

// keysSQL is what all dialects share but for the insert and the trim.
func keysSQL(insert, trim string) keyStatements {
	return keyStatements{
		getKey:    `SELECT ` + keyFields + ` FROM bankrail_keys` + byRequest,
		insertKey: insert,
		completeKey: `UPDATE bankrail_keys SET outcome = ?, response = ?, completed_at = ?` + byRequest + `
			AND epoch = ? AND outcome <> 'done'`,
		reclaimKey: `UPDATE bankrail_keys SET epoch = epoch + 1, owner = ?, began_at = ?, lease_until = ?,
			outcome = '', response = NULL, completed_at = NULL` + byRequest + `
			AND epoch = ? AND (outcome = 'open' OR (outcome = '' AND lease_until <= ?))`,
		trimKeys: trim,
	}
}

// keySQL gives the statements of a dialect.
func keySQL(d *dialect) keyStatements {
	return keysSQL(`INSERT `+insertsKey+` ON CONFLICT DO NOTHING`,
		`UPDATE bankrail_keys SET response = NULL, trimmed = 1 WHERE id IN (SELECT id FROM bankrail_keys
			WHERE outcome = 'done' AND trimmed = 0 AND completed_at < ? ORDER BY completed_at LIMIT ?)`)
}
