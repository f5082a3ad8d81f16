package storetest

import "testing"

// Violation makes the histories of one store and returns what is wrong with them.
func Violation(t *testing.T, cfg Histories) error {
	t.Helper()
	cfg.Count, cfg.Seed = cfg.count(t), max(cfg.Seed, 1)
	switch {
	case cfg.Keys != nil:
		return cfg.check(t.Context(), keyHistory(cfg.Keys(t)))
	case cfg.Locker != nil:
		return cfg.check(t.Context(), lockHistory(cfg.Locker(t)))
	}
	return cfg.check(t.Context(), journalHistory(cfg.Journal(t)))
}
