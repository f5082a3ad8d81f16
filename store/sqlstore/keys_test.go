package sqlstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestKeysInFile(t *testing.T) {
	t.Parallel()
	storetest.RunKeys(t, func(t *testing.T, now func() time.Time) idempotency.Store {
		return open(t, file(t), sqlstore.Config{Now: now}).Keys()
	})
}

func TestKeysInMemory(t *testing.T) {
	t.Parallel()
	storetest.RunKeys(t, func(t *testing.T, now func() time.Time) idempotency.Store {
		return open(t, ":memory:", sqlstore.Config{Now: now}).Keys()
	})
}

func TestKeysOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		stock := newStock(t, e)
		storetest.RunKeys(t, func(t *testing.T, now func() time.Time) idempotency.Store {
			db := stock.store(t, now).(released).DB
			_, err := sqlstore.Writer(db).Exec("DELETE FROM bankrail_keys")
			require.NoError(t, err)
			return db.Keys()
		})
		t.Run("by the server's clock", func(t *testing.T) {
			t.Parallel()
			storetest.RunKeysInRealTime(t, func(t *testing.T) idempotency.Store {
				db := stock.store(t, nil).(released).DB
				_, err := sqlstore.Writer(db).Exec("DELETE FROM bankrail_keys")
				require.NoError(t, err)
				return db.Keys()
			})
		})
	})
}

func TestKeysSurviveTheProcess(t *testing.T) {
	t.Parallel()
	path := file(t)
	k, p := idempotency.Key{Route: "POST /refunds", Key: "a"}, idempotency.NewFingerprint("a")
	db, err := sqlstore.OpenSQLite(path, sqlstore.Config{})
	require.NoError(t, err)
	require.True(t, db.Keys().Durable())
	_, err = db.Keys().Begin(t.Context(), k, p, "me", time.Hour)
	require.NoError(t, err)
	require.NoError(t, db.Keys().Complete(t.Context(), k, 1, idempotency.Done, []byte("paid")))
	require.NoError(t, db.Close())
	_, err = db.Keys().Begin(t.Context(), k, p, "me", time.Hour)
	require.ErrorContains(t, err, path)

	c, err := open(t, path, sqlstore.Config{}).Keys().Begin(t.Context(), k, p, "me", time.Hour)
	require.NoError(t, err)
	require.Equal(t, idempotency.Replay, c.State)
	require.Equal(t, "paid", string(c.Response))
	require.False(t, open(t, ":memory:", sqlstore.Config{}).Keys().Durable())
}
