package sqlstore

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// inMySQL is the dialect of OpenMySQL. skipLocked says whether the server can pass
// over rows that others have locked (MySQL 8.0.1, MariaDB 10.6); where it cannot, the
// compare-and-swap of a claim waits and loses instead.
func inMySQL(skipLocked, of bool) dialect {
	s := inSQLite()
	s.lockNumber = `SELECT 'read committed' FROM bankrail_slots WHERE slot = ? FOR UPDATE`
	// A host's transaction of REPEATABLE READ sees what is committed only by locking.
	share := ` LOCK IN SHARE MODE`
	s.hasPending += share
	s.noticeDigest += share
	// IGNORE would take a value that does not fit, too: a second row is an error here.
	s.insertEntry = insertEntry + ` VALUES (` + marks(strings.Count(entryColumns, ",")+2) + `)`
	s.insertUnlessEarly = insertEntry + ` SELECT ` + marks(strings.Count(entryColumns, ",")+2) +
		` FROM DUAL WHERE ` + strings.TrimSuffix(unlessEarly, `))`) + share + `))`
	for _, update := range []*string{&s.updateEntry, &s.updateChanging} {
		*update = strings.TrimSuffix(strings.Replace(*update, ` SET `, ` SET id = LAST_INSERT_ID(id), `, 1), returningID)
	}
	s.openBudget = ``
	s.insertNotice = strings.Replace(s.insertNotice, `ON CONFLICT (gateway, merchant, notice) DO NOTHING`, ``, 1)
	s.addBudget = strings.Replace(s.addBudget, `ON CONFLICT DO NOTHING`, `ON DUPLICATE KEY UPDATE bankrail_budgets.stopped = bankrail_budgets.stopped`, 1)
	s.addAnomaly = strings.Replace(s.addAnomaly, `ON CONFLICT DO NOTHING`, `ON DUPLICATE KEY UPDATE bankrail_anomalies.at = bankrail_anomalies.at`, 1)
	if skipLocked {
		s.dueEntries += ` FOR UPDATE SKIP LOCKED`
	}
	if skipLocked && of { // without OF the entries would be locked too
		s.waitingEvents += ` FOR UPDATE OF v SKIP LOCKED`
	}
	s.trimExchanges = `DELETE FROM bankrail_exchanges WHERE started < ? ORDER BY started LIMIT ?`
	s.hasVersions = `SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'bankrail_goose_db_version'`
	s.createVersions = `CREATE TABLE IF NOT EXISTS bankrail_goose_db_version (
		id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
		version_id BIGINT NOT NULL,
		is_applied BOOLEAN NOT NULL,
		tstamp TIMESTAMP NULL DEFAULT now()) ENGINE=InnoDB`
	s.beginVersion = `INSERT INTO bankrail_goose_db_version (version_id, is_applied) VALUES (?, 0)`
	s.unbeginVersion = `DELETE FROM bankrail_goose_db_version WHERE version_id = ? AND is_applied = 0 ORDER BY id DESC LIMIT 1`
	return dialect{
		name:         "mysql",
		statements:   s,
		share:        share,
		slots:        1024,
		bind:         asIs,
		kind:         mysqlKind,
		duplicate:    func(err error) bool { return mysqlCode(err, 1062) },
		repeat:       func(err error) bool { return mysqlCode(err, 1213, 1205, 3101) },
		aborted:      func(err error) bool { return mysqlCode(err, 1213, 3101) }, // 3101: another node of the group wrote the same
		now:          `SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000`,
		lockSchema:   `SELECT GET_LOCK(CONCAT('bankrail:', LEFT(SHA1(DATABASE()), 32)), 60)`,
		unlockSchema: `SELECT RELEASE_LOCK(CONCAT('bankrail:', LEFT(SHA1(DATABASE()), 32)))`,
		// A table, a column, a key is there already.
		halfDone: func(err error) bool { return mysqlCode(err, 1050, 1060, 1061) },
		answered: func(err error) bool { return errors.As(err, new(*mysql.MySQLError)) },
	}
}

// mysqlKind reads what the server's error means.
func mysqlKind(err error) error {
	switch {
	case mysqlCode(err, 1290, 1792, 1836):
		return ErrReadOnly
	case mysqlCode(err, 1021, 1114):
		return ErrFull
	case mysqlCode(err, 1046, 1049):
		return ErrNotDatabase
	case mysqlCode(err, 1205, 1040, 1203):
		return ErrBusy
	}
	return nil
}

func mysqlCode(err error, codes ...uint16) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && slices.Contains(codes, e.Number)
}
