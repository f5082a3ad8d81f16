package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// mysqlName is what tells a DSN of MySQL from a path.
var mysqlName = regexp.MustCompile(`@(tcp|unix)\(|^mysql://`)

// open opens the database of a host as it is: a file that is not there is no journal
// yet, and the schema is the host's to bring up to date.
func (d office) open(s *shared) (*sqlstore.DB, error) {
	cfg := sqlstore.Config{Now: d.now, NoMigrate: true, Logger: slog.New(slog.NewTextHandler(d.errs, nil))}
	var db *sqlstore.DB
	var err error
	switch {
	case strings.HasPrefix(s.db, "postgres://"), strings.HasPrefix(s.db, "postgresql://"):
		db, err = sqlstore.OpenPostgres(s.db, cfg)
	case mysqlName.MatchString(s.db):
		db, err = sqlstore.OpenMySQL(strings.TrimPrefix(s.db, "mysql://"), cfg)
	case strings.Contains(s.db, "://"):
		scheme, _, _ := strings.Cut(s.db, "://")
		return nil, &bankrail.FieldError{Field: "-db", Problem: fmt.Sprintf("no database is called %.20q: want a path, postgres://… or user:password@tcp(…)/…", scheme)}
	default:
		if _, err := os.Stat(s.db); err != nil {
			return nil, err
		}
		db, err = sqlstore.OpenSQLite(s.db, cfg)
	}
	if err != nil {
		return nil, errors.New(hidden(err.Error(), s.db))
	}
	return db, nil
}

// with opens the database for one command. TwoPersons: see decide.
func (d office) with(s *shared, cfg journal.Config, do func(*sqlstore.DB, *journal.Book) error) (err error) {
	db, err := d.open(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	cfg.Now = d.now
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil)) // the command prints what it did
	return do(db, journal.New(db, cfg))
}

// hidden takes the password of a DSN out of a text, should a driver have put it in.
func hidden(text, dsn string) string {
	for _, secret := range passwords(dsn) {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// passwords finds what may be one: as it is written and as it is meant.
func passwords(dsn string) (found []string) {
	name := dsn
	if _, after, ok := strings.Cut(dsn, "://"); ok {
		name = after
	}
	if at := strings.LastIndex(name, "@"); at >= 0 {
		if _, secret, ok := strings.Cut(name[:at], ":"); ok && secret != "" {
			found = append(found, secret)
			if plain, err := url.PathUnescape(secret); err == nil && plain != secret {
				found = append(found, plain)
			}
		}
	}
	if u, err := url.Parse(dsn); err == nil {
		for _, key := range []string{"password", "sslpassword"} {
			if v := u.Query().Get(key); v != "" {
				found = append(found, v)
			}
		}
	}
	return found
}
