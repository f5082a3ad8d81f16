package sqlstore

import "strings"

// keyStatements holds the SQL of the idempotency keys.
type keyStatements struct {
	getKey string
	// insertKey does nothing where there is a row, or fails as a duplicate.
	insertKey string
	// completeKey is the compare-and-swap on the epoch; reclaimKey the one on the epoch
	// and on nobody having the key.
	completeKey, reclaimKey string
	trimKeys                string
}

const (
	byRequest = ` WHERE tenant = ? AND route = ? AND request_key = ?`
	keyFields = `fingerprint, epoch, owner, began_at, lease_until, outcome, response, trimmed`
	trimmable = `outcome = 'done' AND trimmed = 0 AND completed_at < ? ORDER BY completed_at LIMIT ?`
)

// keySQL gives the statements in the words of a dialect.
//
// Leases are judged by the statement itself where there is a server, so that all
// processes see one end at the same moment: the parameter of the time is NULL then.
func keySQL(d *dialect) keyStatements {
	now := `?`
	if d.now != "" {
		// Of one statement there is one time, and it does not move while it waits.
		now = `COALESCE(?, (` + strings.Replace(d.now, "clock_timestamp", "statement_timestamp", 1) + `))`
	}
	s := keyStatements{
		getKey: `SELECT ` + keyFields + `, ` + now + ` FROM bankrail_keys` + byRequest,
		insertKey: `INSERT INTO bankrail_keys (tenant, route, request_key, ` + keyFields + `)
			VALUES (?, ?, ?, ?, 1, ?, ` + now + `, ` + now + ` + ?, '', NULL, 0)`,
		completeKey: `UPDATE bankrail_keys SET outcome = ?, response = ?, completed_at = ` + now + byRequest + `
			AND epoch = ? AND outcome <> 'done'`,
		reclaimKey: `UPDATE bankrail_keys SET epoch = epoch + 1, owner = ?, began_at = ` + now + `, lease_until = ` + now + ` + ?,
			outcome = '', response = NULL, completed_at = NULL` + byRequest + `
			AND epoch = ? AND (outcome = 'open' OR (outcome = '' AND lease_until <= ` + now + `))`,
		trimKeys: `UPDATE bankrail_keys SET response = NULL, trimmed = 1 WHERE id IN (SELECT id FROM bankrail_keys WHERE ` + trimmable + `)`,
	}
	if d.name == "mysql" { // where a second row is an error, and UPDATE knows LIMIT
		s.trimKeys = `UPDATE bankrail_keys SET response = NULL, trimmed = 1 WHERE ` + trimmable
		return s
	}
	s.insertKey += ` ON CONFLICT (tenant, route, request_key) DO NOTHING`
	for _, q := range []*string{&s.getKey, &s.insertKey, &s.completeKey, &s.reclaimKey, &s.trimKeys} {
		*q = d.bind(*q)
	}
	return s
}
