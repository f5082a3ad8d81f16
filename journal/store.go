package journal

import (
	"context"
	"errors"
	"time"

	"github.com/bankrail/bankrail"
)

// The answers of a store. Any other error of Insert or Apply means that it is not
// known whether the transaction committed.
var (
	// ErrLost: the entry has another version, or a number that was not recorded is now.
	// Read it again and decide anew.
	ErrLost = errors.New("journal: entry was changed in between")
	// ErrExists: the number is recorded already.
	ErrExists = errors.New("journal: number is recorded already")
	// ErrEarly: the inbox holds news of the number, although it was never recorded.
	ErrEarly = errors.New("journal: news of the number came before its record")
	// ErrSeen: a notice of this identity and content was received before.
	ErrSeen = errors.New("journal: notice was received before")
	// ErrReused: a notice of this identity but other content was received before.
	ErrReused = errors.New("journal: notice number was used for other content")
	// ErrNotCommitted: the transaction certainly did not commit and never will.
	ErrNotCommitted = errors.New("journal: not committed")
	// ErrHook: the host's own hook refused a change, and the transaction was rolled
	// back. A *HookError says which.
	ErrHook = errors.New("journal: the host's hook refused the change")
)

// Tx is what may happen inside one transaction: the store's own, or the host's.
type Tx interface {
	// Get reads an entry. Errors: bankrail.ErrNotFound.
	Get(ctx context.Context, id bankrail.ID) (Entry, error)
	// Insert records a new entry at version 1 with its history row and event, and
	// reserves its budget, in one transaction.
	//
	// The Hold reserves the entry's Amount, which equals its Held; the zero Hold reserves
	// nothing and asks nothing of the order.
	//
	// In this order: ErrExists where the number is recorded; ErrEarly where the inbox
	// holds unmatched news of it, unless the entry is inserted as Manual;
	// bankrail.ErrBudget where the order is stopped, has another currency, or holds
	// too much; nothing is changed then.
	Insert(ctx context.Context, c Change, h Hold) error
}

// Store keeps a journal. It is one interface of its five parts because they share
// one database and one clock; storetest.Run holds every implementation to what the
// comments say.
//
// A store copies what it is given and what it gives. Every write is durable when
// the method returns nil. It is safe for concurrent use.
type Store interface {
	Tx
	// Apply commits a batch as one transaction, or nothing of it.
	//
	// Errors: ErrSeen and ErrReused for its notice, ErrLost for a version that does not
	// fit, for an insert of a number that exists and for pending news, not Blocked, of a
	// number that was recorded before the batch. A Charge in another currency than the order's, or
	// beyond int64, is a *bankrail.FieldError and ErrNotCommitted.
	Apply(ctx context.Context, b Batch) error
	// Now is the store's clock, by which all windows, leases and due times are measured.
	Now(ctx context.Context) (time.Time, error)
	// Durable reports whether what is committed survives a crash of this process.
	Durable() bool
	Queue
	Outbox
	Reader
	Controls
}

// Controls keeps what people decided about a gateway, a merchant or an operation.
type Controls interface {
	// Limits lists the limits in force.
	Limits(ctx context.Context) ([]Limit, error)
	// SetLimit puts a limit in force in the place of one of the same channel and
	// operation; one that limits nothing lifts it. Every SetLimit is kept.
	SetLimit(ctx context.Context, l Limit) error
}

// Limit stops an operation or caps its amounts. Queries and notifications go on.
type Limit struct {
	// Channel and Op say of what: an empty Merchant means every merchant of the gateway,
	// an empty Op every operation. The gateway is required.
	bankrail.Channel
	Op bankrail.Op
	// Stopped: nothing is recorded and nothing is sent.
	Stopped bool
	// Max is the largest amount of one request; zero is no cap.
	Max bankrail.Money
	// By and Why are kept for the record.
	By, Why string
	At      time.Time
}

// Queue hands out what is due.
type Queue interface {
	// Claim takes up to q.Limit entries whose NextAt has come, earliest first, and moves
	// their NextAt to now+q.Lease, each by a compare-and-swap on (version, NextAt): no
	// two callers get the same entry before the lease ends. The version stays. The
	// entries returned carry the new NextAt.
	Claim(ctx context.Context, q ClaimQuery) ([]Entry, error)
	// Rouse makes due at once every Created or Processing entry that is never due, or
	// due later than horizon from now, and returns how many: what a clock that jumped
	// or a lost schedule leaves behind.
	Rouse(ctx context.Context, horizon time.Duration) (int, error)
	// Pending lists inbox news that is not matched to an entry, oldest first.
	Pending(ctx context.Context, q PendingQuery) ([]Pending, error)
}

// Outbox hands out events in order.
type Outbox interface {
	// TakeEvents leases up to limit unpublished events, oldest first. An event is
	// taken only when every event of a lower version of its entry is published, and
	// not again before its lease ends. A limit below 1 takes nothing.
	TakeEvents(ctx context.Context, lease time.Duration, limit int) ([]Event, error)
	// Published marks events as published. Marking twice changes nothing.
	Published(ctx context.Context, ids ...string) error
}

// Reader answers questions.
type Reader interface {
	// History lists the steps of an entry by version; empty where there is no entry.
	History(ctx context.Context, id bankrail.ID) ([]Step, error)
	// List pages through entries by number of insertion.
	List(ctx context.Context, q ListQuery) (entries []Entry, next string, err error)
	// Anomalies pages through anomalies, oldest first.
	Anomalies(ctx context.Context, after string, limit int) (as []Anomaly, next string, err error)
	// Budget reads what an order holds. Errors: bankrail.ErrNotFound.
	Budget(ctx context.Context, ch bankrail.Channel, order string) (Budget, error)
	// Health counts what is open, due and unpublished.
	Health(ctx context.Context) (Health, error)
}

// Health is a snapshot of a journal, by the store's clock.
type Health struct {
	At time.Time
	// Created, Processing and Manual count the open entries.
	Created, Processing, Manual int
	// Ages counts the open entries by their age; the counts do not overlap.
	Ages [len(HealthAges) + 1]int
	// Oldest is when the oldest open entry was recorded; zero where none is open.
	Oldest time.Time
	// Due counts the entries whose NextAt has come, DueSince is the earliest of them.
	Due      int
	DueSince time.Time
	// Unpublished counts the events not published, UnpublishedSince the earliest.
	Unpublished      int
	UnpublishedSince time.Time
	// Pending counts the news that waits for its number or for the host's hook.
	Pending int
	// Anomalies counts all there are.
	Anomalies int
}

// HealthAges bounds the classes of Health.Ages; the last class is everything older.
var HealthAges = [...]time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour, 72 * time.Hour}

// Batch is one transaction.
type Batch struct {
	// Notice puts a row into the inbox.
	Notice *Notice
	// Pending is the news of Notice (or of an earlier one) for numbers that are not
	// recorded, or that is Blocked; it is kept until matched. Its Row is empty.
	Pending []Pending
	// Changes are applied in order; two changes of one entry have rising versions.
	Changes []Change
	// Wake makes entries due now, whatever their version, unless they are final or due
	// already. Unknown IDs are ignored.
	Wake []bankrail.ID
	// Matched removes pending news, Flagged marks it as reported.
	Matched []Pending
	Flagged []Pending
	// Anomalies are appended; one of the same entry, kind and evidence as an earlier
	// one is dropped.
	Anomalies []Anomaly
}

// Change turns an entry into another version of itself.
type Change struct {
	// Entry is the entry as it becomes, but for its Version, which is the one it
	// replaces: 0 inserts, n becomes n+1.
	Entry Entry
	// From is the status it had.
	From bankrail.Status
	// Source, Evidence and Note go into the history.
	Source   Source
	Evidence [32]byte
	Note     string
	// Charge is added to what the entry's order holds, whatever is left: negative
	// releases. The Hold of an Insert comes on top.
	Charge bankrail.Money
	// Stop ends refunds of the entry's order.
	Stop bool
	// Event is the type of the event to write; empty writes none.
	Event EventType
	// At is when, by the store's clock.
	At time.Time
}

// Source says where a change comes from.
type Source string

// The sources of a change.
const (
	SourceHost         Source = "host"
	SourceWorker       Source = "worker"
	SourceAnswer       Source = "answer"
	SourceNotification Source = "notification"
	SourceQuery        Source = "query"
	SourceStatement    Source = "statement"
	SourceOperator     Source = "operator"
)

// Step is a row of an entry's history: append-only, one for every version.
type Step struct {
	Version  int64
	From, To bankrail.Status
	Source   Source
	// Evidence is the SHA-256 of the verified content that caused the step.
	Evidence [32]byte
	Note     string
	At       time.Time
}

// EventType names what happened.
type EventType string

// The events. Each is written in the transaction of the change it reports.
const (
	EventCreated     EventType = "created"
	EventProcessing  EventType = "processing"
	EventSucceeded   EventType = "succeeded"
	EventFailed      EventType = "failed"
	EventReversed    EventType = "reversed"
	EventManual      EventType = "manual"
	EventLateSuccess EventType = "late_success"
)

// Event tells the host's other services of a change. It is published at least once
// and in version order per entry; ID is stable, so that a consumer can drop copies.
type Event struct {
	ID      string
	Type    EventType
	Entry   bankrail.ID
	Version int64
	Status  bankrail.Status
	Order   string
	// Amount is what was asked for, Settled what moved.
	Amount  bankrail.Money
	Settled bankrail.Money
	At      time.Time
}

// Publisher takes events to where the host wants them. It returns nil only when the
// event is safely there.
type Publisher interface {
	Publish(ctx context.Context, e Event) error
}

// Anomaly is something that must not be and that a person should see.
type Anomaly struct {
	// Row identifies the anomaly in its store; empty when it is written.
	Row      string
	Kind     AnomalyKind
	Entry    bankrail.ID
	Note     string
	Evidence [32]byte
	At       time.Time
}

// AnomalyKind names a kind of anomaly.
type AnomalyKind string

// The anomalies.
const (
	// AnomalyAmount: the gateway speaks of another amount than was asked for.
	AnomalyAmount AnomalyKind = "amount"
	// AnomalyContradiction: news against a final state, or against earlier news.
	AnomalyContradiction AnomalyKind = "contradiction"
	// AnomalyLateSuccess: a success after the number had failed.
	AnomalyLateSuccess AnomalyKind = "late_success"
	// AnomalyEarly: news of a number that was never sent.
	AnomalyEarly AnomalyKind = "early"
	// AnomalyUnmatched: news of a number that was not recorded within a day.
	AnomalyUnmatched AnomalyKind = "unmatched"
	// AnomalyStale: news outside its window that would change a final entry.
	AnomalyStale AnomalyKind = "stale"
	// AnomalyReused: one notice number for two contents.
	AnomalyReused AnomalyKind = "reused"
)

// Budget is what is known of an order's money.
type Budget struct {
	// Limit is what was paid, Held what refunds hold of it: open, succeeded, and late
	// successes. Held may exceed Limit after a late success.
	Limit, Held bankrail.Money
	// Stopped: no further refund of the order is recorded.
	Stopped bool
}

// ClaimQuery selects due entries.
type ClaimQuery struct {
	Op bankrail.Op
	// Channel selects one; the zero Channel all.
	Channel bankrail.Channel
	Lease   time.Duration
	// Limit below 1 claims nothing.
	Limit int
}

// PendingQuery selects unmatched news.
type PendingQuery struct {
	// ID selects the news of one number; the zero ID all.
	ID bankrail.ID
	// Recorded selects news whose number has an entry by now.
	Recorded bool
	// Before selects news that came before it and is not flagged; zero does not.
	Before time.Time
	// Limit bounds the answer. Defaults to 100.
	Limit int
}

// Pending is news that waits for its number.
type Pending struct {
	// Row identifies it in its store.
	Row string
	ID  bankrail.ID
	News
	Digest [32]byte
	At     time.Time
	// Blocked: the number is recorded, but the host's hook refused the change; the sweep
	// tries again.
	Blocked bool
	// Source is that of the notice; empty is SourceNotification.
	Source Source
}

// ListQuery selects entries.
type ListQuery struct {
	// Channel and Op select; zero values do not.
	Channel bankrail.Channel
	Op      bankrail.Op
	Order   string
	// Status selects one status; OpenOnly all open ones.
	Status   bankrail.Status
	OpenOnly bool
	// From and To select by CreatedAt: From <= CreatedAt < To. Zero does not.
	From, To time.Time
	// After is the next of the page before; empty starts.
	After string
	// Limit bounds the page. Defaults to 100.
	Limit int
}
