package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"
)

// clockTries is how many dead connections of a pool are passed over to read the clock.
const clockTries = 16

// server reports whether the database is a server's.
func (db *DB) server() bool { return db.dialect.now != "" }

// openServer makes a DB of a pool, and closes the pool where that fails and it is ours.
func openServer(where string, d dialect, pool *sql.DB, cfg Config, host bool) (*DB, error) {
	local := cfg.Now
	cfg = cfg.withDefaults()
	db := &DB{cfg: cfg, path: where, dialect: d, writer: pool, reader: pool, reads: pool, host: host}
	if local == nil {
		db.clock = newServerClock(cfg.Now, db.askClock)
		db.cfg.Now = db.clock.last
	}
	r := &server{db: db}
	if db.runner = r; host {
		r.isolation = sql.LevelReadCommitted
	} else {
		pool.SetMaxOpenConns(cfg.Conns)
		pool.SetMaxIdleConns(cfg.Conns)
		pool.SetConnMaxLifetime(cfg.ConnLife)
		pool.SetConnMaxIdleTime(min(cfg.ConnLife, 5*time.Minute))
	}
	if d.name == "postgres" {
		r.isolation = sql.LevelReadCommitted // it travels with BEGIN
	}
	if err := db.prepareServer(); err != nil {
		if !host {
			err = errors.Join(err, pool.Close())
		}
		return nil, db.fail("open", err)
	}
	if !db.durable {
		cfg.Logger.Warn("bankrail: the server may forget commits when the power fails", "database", where)
	}
	return db, nil
}

// prepareServer checks the server and brings its schema up to date.
func (db *DB) prepareServer() error {
	ctx, cancel := context.WithTimeout(context.Background(), db.cfg.BusyTimeout+time.Minute)
	defer cancel()
	if db.dialect.name == "postgres" {
		return errors.Join(db.checkPostgres(ctx), db.migrate(ctx))
	}
	if err := db.checkMySQL(ctx); err != nil {
		return err
	}
	if err := db.migrate(ctx); err != nil {
		return err
	}
	return db.checkFoundRows(ctx)
}

// askClock reads the server's clock.
func (db *DB) askClock(ctx context.Context, sent func()) (time.Time, error) {
	for try := 1; ; try++ {
		now, err := db.askClockOnce(ctx, sent)
		// A connection may have died in the pool; one of the next is sure to be new.
		if err == nil || try > clockTries || !errors.Is(err, driver.ErrBadConn) {
			return now, err
		}
	}
}

func (db *DB) askClockOnce(ctx context.Context, sent func()) (time.Time, error) {
	conn, err := db.reader.Conn(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = conn.Close() }()
	var ms int64
	sent()
	if err := conn.QueryRowContext(ctx, db.dialect.now).Scan(&ms); err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(ms), nil
}
