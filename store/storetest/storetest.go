// Package storetest holds every journal store to what the comments of
// journal.Store say, and breaks stores for tests of what uses them.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, now func() time.Time) journal.Store {
//			return memstore.New(memstore.Config{Now: now})
//		})
//	}
//
// [Run] is the suite. [Faulty] is a store behind a bad connection.
package storetest
