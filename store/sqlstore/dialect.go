package sqlstore

import (
	"embed"
	"strings"
)

// dialect is what differs between databases: everything else in this package is the
// same for all.
type dialect struct {
	// name is goose's name of the dialect and the folder of its migrations.
	name string
	statements
	// share ends a query that must see what is committed, whatever the snapshot.
	share string
	// slots is how many locks there are for numbers, a power of two; 0 is one for every
	// int64.
	slots int64
	// bind turns the question marks of a query into the database's own placeholders.
	bind func(query string) string
	// kind says which of the package's errors the driver's error is, nil for none.
	kind func(error) error
	// duplicate reports a violated uniqueness, where the statement could not avoid it.
	duplicate func(error) bool
	// repeat reports that the server rolled the transaction back for the sake of others,
	// aborted that a COMMIT which failed so certainly did not happen.
	repeat, aborted func(error) bool
	// now asks for the server's clock in milliseconds.
	now string
	// xid names the transaction, once it wrote, and the server; fate asks what became of
	// it: "committed", "aborted", "elsewhere" on another server, or anything else for not
	// known yet. Empty where the server cannot say.
	xid, fate string
	// lockSchema and unlockSchema make migrations take turns.
	lockSchema, unlockSchema string
	// halfDone reports that a step of a migration was done by an earlier try, where the
	// server commits each by itself. Nil where all of them are one transaction.
	halfDone func(error) bool
	// answered reports an error the server answered with, which took the statement back.
	answered func(error) bool
}

//go:embed migrations
var migrations embed.FS

// statements holds every SQL text of the store, in the dialect's own words.
type statements struct {
	// lockNumber makes all that records a number, or keeps news of it, take turns until
	// the transaction ends; its argument is slotOf the number. It answers the isolation
	// of the transaction. Empty where there is one writer anyway.
	lockNumber string
	// Entries. insertEntry does nothing where there is a row, or violates uniqueness;
	// insertUnlessEarly neither where there is news of the number, unless told to. They
	// and the updates answer with the row, or leave it as the last insert id.
	// updateEntry is the compare-and-swap on the version, updateChanging where what is
	// fixed stays, claimEntry the one on (version, next_at). hasEntry is asked where the number is locked.
	getEntry, hasEntry, insertEntry, insertUnlessEarly, updateEntry, updateChanging, listEntries string
	deleteEntry, dueEntries, claimEntry, wake, rouse                                             string
	// What follows a change; the row of the entry comes first.
	insertStep, listSteps, insertEvent string
	// insertAll and changeAll are insertUnlessEarly and updateChanging with all that
	// follows: they answer whether the budget held, and xid. Empty where a statement
	// cannot do that.
	insertAll, changeAll string
	// Budgets. addBudget does nothing where there is a row; holdBudget is the one
	// conditional step that reserves, openBudget both where the database can.
	addBudget, holdBudget, openBudget, chargeBudget, stopBudget, getBudget string
	// The inbox. insertNotice does nothing where there is a row, or violates uniqueness.
	noticeDigest, insertNotice                                         string
	hasPending, insertPending, deletePending, flagPending, listPending string
	// The outbox.
	waitingEvents, leaseEvent, publishEvent string
	// addAnomaly does nothing where there is a row.
	addAnomaly, listAnomalies string
	// Controls. listLimits gives the last row of every key, liftings too.
	listLimits, insertLimit string
	// Health: the open entries by status, created_at and due; the outbox; what waits.
	openEntries, healthCounts string
	// The exchange log.
	insertExchange, listExchanges, trimExchanges string
	// The version table, of goose's shape.
	hasVersions, createVersions, getVersion, insertVersion string
	// The steps of a migration, where each commits by itself.
	beginVersion, unbeginVersion string
}

const (
	byKey        = `gateway = ? AND merchant = ? AND op = ? AND number = ?`
	byOrder      = `gateway = ? AND merchant = ? AND order_number = ?`
	ofKey        = ` FROM bankrail_entries WHERE ` + byKey
	insertEntry  = `INSERT INTO bankrail_entries (` + entryColumns + `, fixed)`
	indexed      = ` AND status <> 'succeeded'` // says so where SQLite's index has only these
	returningID  = ` RETURNING id`
	unlessThere  = ` ON CONFLICT (gateway, merchant, op, number) DO NOTHING`
	unlessEarly  = `(? = 1 OR NOT EXISTS (SELECT 1 FROM bankrail_pending WHERE ` + byKey + `))`
	stepColumns  = `version, from_status, to_status, source, evidence, note, at`
	eventColumns = `event, version, type, status, order_number, amount_minor, amount_currency, settled_minor, settled_currency, at`
	logColumns   = `gateway, merchant, op, number, attempt, method, url, request_header, request,
	http_status, answer_header, answer, effect, problem, started, took`
)

// sqlite is the dialect of OpenSQLite.
var sqlite = dialect{
	name:       "sqlite",
	kind:       sqliteKind,
	bind:       asIs,
	duplicate:  never,
	statements: embedded(),
}

func asIs(query string) string { return query }

func never(error) bool { return false }

// embedded are the statements where there is SQLite itself. It finds the events of an
// entry by what their names begin with, which spares an index.
func embedded() statements {
	s := inSQLite()
	for _, insert := range []*string{&s.insertEntry, &s.insertUnlessEarly} {
		*insert = strings.TrimSuffix(*insert, returningID) // rows to read cost more than a last insert id
	}
	s.waitingEvents = strings.Replace(s.waitingEvents, `WHERE w.entry = v.entry`,
		`WHERE w.event > rtrim(v.event, '0123456789') AND w.event < rtrim(v.event, '0123456789') || ':' AND w.entry = v.entry`, 1)
	return s
}

// inSQLite gives all statements as SQLite takes them. The other dialects start from
// these and say theirs where they differ.
func inSQLite() statements {
	return statements{
		getEntry:          `SELECT id, ` + entryColumns + ofKey,
		hasEntry:          `SELECT 1` + ofKey,
		insertEntry:       insertEntry + ` VALUES (` + marks(strings.Count(entryColumns, ",")+2) + `)` + unlessThere + returningID,
		insertUnlessEarly: insertEntry + ` SELECT ` + marks(strings.Count(entryColumns, ",")+2) + ` WHERE ` + unlessEarly + unlessThere + returningID,
		updateEntry:       `UPDATE bankrail_entries SET ` + assignments(strings.SplitN(entryColumns, ",", keyColumns+1)[keyColumns]+", fixed") + ` WHERE ` + byKey + ` AND version = ?` + returningID,
		updateChanging:    `UPDATE bankrail_entries SET ` + assignments(changingColumns) + ` WHERE ` + byKey + ` AND version = ? AND fixed = ?` + returningID,
		deleteEntry:       `DELETE FROM bankrail_entries WHERE id = ?`,
		listEntries:       `SELECT id, ` + entryColumns + ` FROM bankrail_entries`,
		dueEntries: `SELECT id, ` + entryColumns + ` FROM bankrail_entries
			WHERE op = ? AND next_at IS NOT NULL AND next_at <= ? AND (next_at > ? OR (next_at = ? AND id > ?))
			AND (? = 1 OR (gateway = ? AND merchant = ?))
			ORDER BY next_at, id LIMIT ?`,
		claimEntry: `UPDATE bankrail_entries SET next_at = ? WHERE id = ? AND version = ? AND next_at = ?`,
		wake: `UPDATE bankrail_entries SET next_at = ? WHERE ` + byKey + `
			AND status IN ('created', 'processing', 'manual') AND (next_at IS NULL OR next_at > ?)`,
		rouse: `UPDATE bankrail_entries SET next_at = ?
			WHERE status IN ('created', 'processing')` + indexed + ` AND (next_at IS NULL OR next_at > ?)`,

		insertStep: `INSERT INTO bankrail_history (entry, ` + stepColumns + `) VALUES (` + marks(8) + `)`,
		listSteps: `SELECT ` + stepColumns + ` FROM bankrail_history
			WHERE entry = (SELECT id` + ofKey + `) ORDER BY version`,
		insertEvent: `INSERT INTO bankrail_events (entry, ` + eventColumns + `, leased_until) VALUES (` + marks(11) + `, 0)`,

		addBudget: `INSERT INTO bankrail_budgets (gateway, merchant, order_number, currency, held_minor, stopped)
			VALUES (?, ?, ?, '', 0, 0) ON CONFLICT DO NOTHING`,
		holdBudget: `UPDATE bankrail_budgets SET limit_minor = ?, held_minor = held_minor + ?, currency = ?
			WHERE ` + byOrder + ` AND stopped = 0 AND currency IN (?, '') AND held_minor <= ?`,
		openBudget: `INSERT INTO bankrail_budgets (gateway, merchant, order_number, currency, limit_minor, held_minor, stopped)
			VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (gateway, merchant, order_number) DO UPDATE
			SET limit_minor = excluded.limit_minor, held_minor = bankrail_budgets.held_minor + excluded.held_minor, currency = excluded.currency
			WHERE bankrail_budgets.stopped = 0 AND bankrail_budgets.currency IN (excluded.currency, '') AND bankrail_budgets.held_minor <= ?`,
		chargeBudget: `UPDATE bankrail_budgets SET held_minor = held_minor + ?, currency = ?
			WHERE ` + byOrder + ` AND currency IN (?, '') AND held_minor BETWEEN ? AND ?`,
		stopBudget: `UPDATE bankrail_budgets SET stopped = 1 WHERE ` + byOrder,
		getBudget:  `SELECT currency, limit_minor, held_minor, stopped FROM bankrail_budgets WHERE ` + byOrder,

		noticeDigest: `SELECT digest FROM bankrail_notices WHERE gateway = ? AND merchant = ? AND notice = ?`,
		insertNotice: `INSERT INTO bankrail_notices (gateway, merchant, notice, digest, signed_at, stale, source, news, received_at)
			VALUES (` + marks(9) + `) ON CONFLICT (gateway, merchant, notice) DO NOTHING`,
		hasPending: `SELECT 1 FROM bankrail_pending WHERE ` + byKey + ` LIMIT 1`,
		insertPending: `INSERT INTO bankrail_pending (gateway, merchant, op, number, news, digest, at, blocked, source, flagged)
			VALUES (` + marks(9) + `, 0)`,
		deletePending: `DELETE FROM bankrail_pending WHERE id = ?`,
		flagPending:   `UPDATE bankrail_pending SET flagged = 1 WHERE id = ?`,
		listPending: `SELECT id, gateway, merchant, op, number, news, digest, at, blocked, source FROM bankrail_pending AS p
			WHERE (? = 1 OR (` + byKey + `))
			AND (? = 1 OR EXISTS (SELECT 1 FROM bankrail_entries AS e WHERE e.gateway = p.gateway
				AND e.merchant = p.merchant AND e.op = p.op AND e.number = p.number))
			AND (? = 1 OR (flagged = 0 AND at < ?))
			ORDER BY at, id LIMIT ?`,

		waitingEvents: `SELECT v.id, v.leased_until, v.event, e.gateway, e.merchant, e.op, e.number, v.version, v.type, v.status,
			v.order_number, v.amount_minor, v.amount_currency, v.settled_minor, v.settled_currency, v.at
			FROM bankrail_events AS v JOIN bankrail_entries AS e ON e.id = v.entry
			WHERE v.published_at IS NULL AND v.leased_until <= ? AND v.id > ?
			AND NOT EXISTS (SELECT 1 FROM bankrail_events AS w
				WHERE w.entry = v.entry AND w.version < v.version AND w.published_at IS NULL)
			ORDER BY v.id LIMIT ?`,
		leaseEvent:   `UPDATE bankrail_events SET leased_until = ? WHERE id = ? AND leased_until = ? AND published_at IS NULL`,
		publishEvent: `UPDATE bankrail_events SET published_at = ? WHERE event = ? AND published_at IS NULL`,

		addAnomaly: `INSERT INTO bankrail_anomalies (kind, gateway, merchant, op, number, note, evidence, at)
			VALUES (` + marks(8) + `) ON CONFLICT DO NOTHING`,
		listAnomalies: `SELECT id, kind, gateway, merchant, op, number, note, evidence, at
			FROM bankrail_anomalies WHERE id > ? ORDER BY id LIMIT ?`,

		listLimits: `SELECT gateway, merchant, op, stopped, max_minor, max_currency, set_by, why, at
			FROM bankrail_limits AS l WHERE NOT EXISTS (SELECT 1 FROM bankrail_limits AS n WHERE n.gateway = l.gateway
				AND n.merchant = l.merchant AND n.op = l.op AND n.id > l.id) ORDER BY id`,
		insertLimit: `INSERT INTO bankrail_limits (gateway, merchant, op, stopped, max_minor, max_currency, set_by, why, at)
			VALUES (` + marks(9) + `)`,
		openEntries: `SELECT status, COUNT(*), MIN(created_at),
			COUNT(CASE WHEN next_at <= ? THEN 1 END), MIN(CASE WHEN next_at <= ? THEN next_at END),
			COUNT(CASE WHEN created_at > ? THEN 1 END), COUNT(CASE WHEN created_at > ? THEN 1 END), COUNT(CASE WHEN created_at > ? THEN 1 END),
			COUNT(CASE WHEN created_at > ? THEN 1 END), COUNT(CASE WHEN created_at > ? THEN 1 END)
			FROM bankrail_entries WHERE status IN ('created', 'processing', 'manual')` + indexed + ` GROUP BY status`,
		healthCounts: `SELECT (SELECT COUNT(*) FROM bankrail_events WHERE published_at IS NULL),
			(SELECT MIN(at) FROM bankrail_events WHERE published_at IS NULL),
			(SELECT COUNT(*) FROM bankrail_pending), (SELECT COUNT(*) FROM bankrail_anomalies)`,

		insertExchange: `INSERT INTO bankrail_exchanges (` + logColumns + `) VALUES (` + marks(16) + `)`,
		listExchanges:  `SELECT ` + logColumns + ` FROM bankrail_exchanges WHERE ` + byKey + ` ORDER BY id`,
		trimExchanges: `DELETE FROM bankrail_exchanges WHERE id IN
			(SELECT id FROM bankrail_exchanges WHERE started < ? ORDER BY started LIMIT ?)`,

		hasVersions: `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'bankrail_goose_db_version'`,
		createVersions: `CREATE TABLE IF NOT EXISTS bankrail_goose_db_version (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			version_id INTEGER NOT NULL,
			is_applied INTEGER NOT NULL,
			tstamp TIMESTAMP DEFAULT (datetime('now')))`,
		getVersion:    `SELECT version_id, is_applied FROM bankrail_goose_db_version ORDER BY id`,
		insertVersion: `INSERT INTO bankrail_goose_db_version (version_id, is_applied) VALUES (?, 1)`,
	}
}

// all lists the statements.
func (s *statements) all() []*string {
	return []*string{
		&s.lockNumber,
		&s.getEntry, &s.hasEntry, &s.insertEntry, &s.insertUnlessEarly, &s.updateEntry, &s.updateChanging, &s.listEntries,
		&s.deleteEntry, &s.dueEntries, &s.claimEntry, &s.wake, &s.rouse,
		&s.insertStep, &s.listSteps, &s.insertEvent, &s.insertAll, &s.changeAll,
		&s.addBudget, &s.holdBudget, &s.openBudget, &s.chargeBudget, &s.stopBudget, &s.getBudget,
		&s.noticeDigest, &s.insertNotice,
		&s.hasPending, &s.insertPending, &s.deletePending, &s.flagPending, &s.listPending,
		&s.waitingEvents, &s.leaseEvent, &s.publishEvent,
		&s.addAnomaly, &s.listAnomalies,
		&s.listLimits, &s.insertLimit,
		&s.openEntries, &s.healthCounts,
		&s.insertExchange, &s.listExchanges, &s.trimExchanges,
		&s.hasVersions, &s.createVersions, &s.getVersion, &s.insertVersion,
		&s.beginVersion, &s.unbeginVersion,
	}
}

// assignments makes "version = ?, …" of the columns.
func assignments(columns string) string {
	var set []string
	for _, c := range strings.Split(columns, ",") {
		set = append(set, strings.TrimSpace(c)+" = ?")
	}
	return strings.Join(set, ", ")
}
