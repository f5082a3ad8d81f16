package redisstore

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// page is how many names one step of Trim looks at.
const page = 500

// KEYS: record, body. ARGV: before, ms. A body whose record is gone is nobody's.
var trimScript = redis.NewScript(`
local r = redis.call('HMGET', KEYS[1], 'e', 'd', 'c')
if not r[1] then redis.call('DEL', KEYS[2]) return 0 end
if r[2] ~= 'done' or (tonumber(r[3]) or 0) >= tonumber(ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[2])
`)

// Trim drops old responses; see idempotency.Store. It walks through the names of all
// keys on the server, in pages, which takes as long as there are keys; with
// Config.KeepBodies Redis does the same by itself. The count is right beside an error
// too.
func (s *Store) Trim(ctx context.Context, before time.Time, limit int) (int, error) {
	t := trimming{Store: s, before: before.UnixMilli(), limit: limit}
	err := s.eachServer(ctx, t.walk)
	return t.done, err
}

// eachServer calls visit for every server that holds keys, one after the other.
func (s *Store) eachServer(ctx context.Context, visit func(context.Context, redis.Cmdable) error) error {
	var turn sync.Mutex // the clients below visit their servers all at once
	one := func(ctx context.Context, c *redis.Client) error {
		turn.Lock()
		defer turn.Unlock()
		return visit(ctx, c)
	}
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		return c.ForEachMaster(ctx, one)
	case *redis.Ring:
		return c.ForEachShard(ctx, one)
	}
	return visit(ctx, s.client)
}

// trimming is one call of Trim.
type trimming struct {
	*Store
	before      int64
	limit, done int
}

func (t *trimming) walk(ctx context.Context, server redis.Cmdable) error {
	for cursor := uint64(0); t.done < t.limit; {
		var bodies []string
		err := t.ask(ctx, "trim", func(ctx context.Context) (err error) {
			bodies, cursor, err = server.Scan(ctx, cursor, t.cfg.Prefix+bodyOf+"*", page).Result()
			return err
		})
		if err != nil {
			return err
		}
		if err := t.drop(ctx, server, bodies); err != nil {
			return err
		}
		if cursor == 0 {
			return nil
		}
	}
	return nil
}

// drop looks at a page of bodies in one round trip, and drops the old ones.
func (t *trimming) drop(ctx context.Context, server redis.Cmdable, bodies []string) error {
	if len(bodies) == 0 {
		return nil
	}
	records := make([]*redis.SliceCmd, len(bodies))
	err := t.ask(ctx, "trim", func(ctx context.Context) error {
		_, err := server.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, body := range bodies {
				records[i] = p.HMGet(ctx, t.recordOf(body), "e", "d", "c")
			}
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	for i, r := range records {
		if t.done >= t.limit {
			return nil
		}
		if !due(r.Val(), t.before) {
			continue
		}
		// The script looks again: the record may have been completed anew in between.
		reply, err := t.run(ctx, "trim", trimScript, []string{t.recordOf(bodies[i]), bodies[i]}, t.before)
		if err != nil {
			return err
		}
		n, ok := reply.(int64)
		if !ok {
			return unreadable("trim", "0 or 1")
		}
		t.done += int(n)
	}
	return nil
}

func (t *trimming) recordOf(body string) string {
	return t.cfg.Prefix + keyOf + strings.TrimPrefix(body, t.cfg.Prefix+bodyOf)
}

// due reports whether {epoch, outcome, completed} are worth a look: an old one, or none.
func due(r []any, before int64) bool {
	if len(r) != 3 || r[0] == nil {
		return true
	}
	at, ok := number(r[2])
	return ok && word(r[1]) == "done" && at < before
}
