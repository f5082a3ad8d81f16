package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/bankrail/bankrail"
)

// OpenMySQL opens the database of MySQL or MariaDB that dsn names, as go-sql-driver
// takes it: user:password@tcp(host:port)/database. It brings the schema up to date
// (see Config.NoMigrate). MySQL 5.7, MariaDB 10.3 or newer; from MySQL 8.0.1 and
// MariaDB 10.6 on, workers pass over what others are claiming instead of waiting.
//
// Whatever the DSN says, clientFoundRows is true, loc is UTC, the sql_mode strict, the
// isolation READ COMMITTED and innodb_lock_wait_timeout half of Config.BusyTimeout; interpolateParams is true where the DSN does not say
// otherwise: it halves the round trips.
//
// Errors: *Error with ErrNewer, ErrOlder, ErrNotDatabase, ErrReadOnly or the driver's
// own; *bankrail.FieldError for a DSN that cannot be read. None shows the password.
func OpenMySQL(dsn string, cfg Config) (*DB, error) {
	parsed, err := mysql.ParseDSN(dsn)
	if err != nil || parsed.DBName == "" {
		return nil, &bankrail.FieldError{Field: "dsn", Problem: "want user:password@tcp(host:port)/database"}
	}
	if !strings.Contains(dsn, "interpolateParams=") {
		parsed.InterpolateParams = true
	}
	parsed.ClientFoundRows, parsed.Loc, parsed.MultiStatements = true, time.UTC, false
	if parsed.Timeout == 0 {
		parsed.Timeout = 10 * time.Second
	}
	// COMMIT takes no context: without a bound a server that froze would hold its caller
	// for ever.
	bound := cfg.withDefaults().BusyTimeout + time.Minute
	if parsed.ReadTimeout == 0 {
		parsed.ReadTimeout = bound
	}
	if parsed.WriteTimeout == 0 {
		parsed.WriteTimeout = bound
	}
	if parsed.InterpolateParams {
		// The driver refuses collations in which escaping is not safe, when it reads a DSN.
		if _, err := mysql.ParseDSN(parsed.FormatDSN()); err != nil {
			return nil, &bankrail.FieldError{Field: "dsn", Problem: "interpolateParams is not safe with this collation"}
		}
	}
	connector, err := mysql.NewConnector(parsed)
	if err != nil {
		return nil, &bankrail.FieldError{Field: "dsn", Problem: "want user:password@tcp(host:port)/database"}
	}
	where := "mysql://" + parsed.Addr + "/" + parsed.DBName
	return openServer(where, inMySQL(false, false), sql.OpenDB(&strict{connector, patience(cfg)}), cfg, false)
}

// FromMySQL works on a pool of the host's, opened with go-sql-driver. Close leaves it
// open. Its DSN must have clientFoundRows=true and its sql_mode must be strict, as it
// is by default; otherwise ErrSettings. In all else it is as OpenMySQL.
func FromMySQL(pool *sql.DB, cfg Config) (*DB, error) {
	if pool == nil {
		return nil, &bankrail.FieldError{Field: "pool", Problem: "want a pool"}
	}
	return openServer("mysql", inMySQL(false, false), pool, cfg, true)
}

// patience is how many seconds a statement waits for a lock: less than its caller, who
// would otherwise be gone while the server waits on and keeps what it has locked.
func patience(cfg Config) int64 {
	return max(1, int64(cfg.withDefaults().BusyTimeout/(2*time.Second)))
}

// strict sets what must hold on every connection.
type strict struct {
	driver.Connector
	patience int64
}

// Connect makes a connection.
func (c *strict) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	exec, ok := conn.(driver.ExecerContext)
	for _, set := range []string{
		`SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'`,
		`SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`,
		`SET SESSION innodb_lock_wait_timeout = ` + strconv.FormatInt(c.patience, 10),
	} {
		if !ok {
			err = driver.ErrBadConn
		} else {
			_, err = exec.ExecContext(ctx, set, nil)
		}
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// checkMySQL reads what the server can do, whether its commits are durable, and
// whether a value that does not fit is an error.
func (db *DB) checkMySQL(ctx context.Context) error {
	var version, mode, flush string
	err := db.writer.QueryRowContext(ctx, `SELECT VERSION(), @@SESSION.sql_mode, CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS CHAR)`).
		Scan(&version, &mode, &flush)
	if err != nil {
		return err
	}
	if !strings.Contains(mode, "STRICT_") {
		return fmt.Errorf("%w: sql_mode is not strict, values would be cut; want STRICT_ALL_TABLES", ErrSettings)
	}
	db.durable = flush == "1"
	db.dialect = inMySQL(canSkipLocked(version))
	return nil
}

// canSkipLocked reads off a version whether the server has SKIP LOCKED, and OF.
func canSkipLocked(version string) (skip, of bool) {
	var major, minor, patch int
	_, _ = fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch)
	if strings.Contains(strings.ToLower(version), "mariadb") {
		return major > 10 || major == 10 && minor >= 6, false
	}
	skip = major > 8 || major == 8 && (minor > 0 || patch >= 1)
	return skip, skip
}

// checkFoundRows refuses a pool that counts changed rows where matching ones are
// meant: a compare-and-swap that writes what is there already would look lost.
func (db *DB) checkFoundRows(ctx context.Context) error {
	res, err := db.writer.ExecContext(ctx, `UPDATE bankrail_slots SET slot = slot WHERE slot = 0`)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%w: want clientFoundRows=true in the DSN", ErrSettings)
	}
	return nil
}
