package main

import (
	"database/sql"
	"errors"
	"path/filepath"

	"github.com/bankrail/bankrail/store/sqlstore"
)

// openStore opens the journal of a world.
func openStore(p plan, dir string) (*sqlstore.DB, error) {
	if p.Postgres != "" {
		return nil, errors.New("-postgres: not supported yet")
	}
	return sqlstore.OpenSQLite(filepath.Join(dir, "journal.db"), sqlstore.Config{})
}

// inbox reads, past the store, the numbers of the notices that are durable.
func inbox(p plan, dir string) (map[string]bool, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "journal.db")+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query("SELECT notice FROM bankrail_notices")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found[id] = true
	}
	return found, rows.Err()
}
