package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/bankrail/bankrail/store/sqlstore"
)

// openStore opens the journal of a world.
func openStore(p plan, dir string) (*sqlstore.DB, error) {
	if p.Postgres == "" {
		return sqlstore.OpenSQLite(filepath.Join(dir, "journal.db"), sqlstore.Config{})
	}
	dsn, err := p.dsn()
	if err != nil {
		return nil, err
	}
	return sqlstore.OpenPostgres(dsn, sqlstore.Config{Conns: 8})
}

// raw opens the database of a world past the store.
func raw(p plan, dir string) (*sql.DB, error) {
	if p.Postgres == "" {
		return sql.Open("sqlite", "file:"+filepath.Join(dir, "journal.db")+"?mode=ro")
	}
	dsn, err := p.dsn()
	if err != nil {
		return nil, err
	}
	return sql.Open("pgx", dsn)
}

// schema is where the journal of a world is on PostgreSQL.
func (p plan) schema() string { return fmt.Sprintf("bankrail_crash_%d_%d", p.Seed, p.Index) }

func (p plan) dsn() (string, error) {
	u, err := url.Parse(p.Postgres)
	if err != nil || u.Scheme == "" {
		return "", fmt.Errorf("-postgres: want postgres://…")
	}
	q := u.Query()
	q.Set("search_path", p.schema())
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// schemas makes the schema of a world new, or drops it.
func (p plan) schemas(statements ...string) error {
	if p.Postgres == "" {
		return nil
	}
	db, err := raw(p, "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, s := range statements {
		if _, err := db.Exec(fmt.Sprintf(s, p.schema())); err != nil {
			return err
		}
	}
	return nil
}

const (
	dropSchema = "DROP SCHEMA IF EXISTS %s CASCADE"
	makeSchema = "CREATE SCHEMA %s"
)

// inbox reads, past the store, the numbers of the notices that are durable.
func inbox(p plan, dir string) (map[string]bool, error) {
	db, err := raw(p, dir)
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
