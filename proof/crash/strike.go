package main

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"

	"modernc.org/sqlite"

	"github.com/bankrail/bankrail/internal/point"
)

// hook kills this process when it comes to the strike's point for the nth time.
func (s strike) hook() point.Hook {
	var times atomic.Int64
	return func(_ context.Context, p point.Point, _ string) {
		if p == s.Point && times.Add(1) == int64(s.Nth) {
			kill()
		}
	}
}

// kill ends this process as nothing can prevent: nothing is flushed, closed or
// deferred. It does not return.
func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// betweenMigrations kills this process when a migration is about to be noted as done
// for the nth time: those before it are noted, and its own statements have run. A
// database is opened without a context, so SQLite itself has to say when that is.
func betweenMigrations(hook point.Hook) {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, _ string) error {
		if c, ok := conn.(sqlite.HookRegisterer); ok {
			c.RegisterPreUpdateHook(func(d sqlite.SQLitePreUpdateData) {
				if d.TableName == "bankrail_goose_db_version" {
					hook(context.Background(), point.HalfMigrated, "")
				}
			})
		}
		return nil
	})
}
