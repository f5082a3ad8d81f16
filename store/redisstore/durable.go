package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// CheckDurable asks the server whether it is set up as Config.Durable promises. It
// answers nil where nothing was promised. It cannot see replicas that may take over,
// nor the disk; a server that does not show its settings is an error.
//
// Errors: a text that names each setting that differs.
func (s *Store) CheckDurable(ctx context.Context) error {
	if !s.cfg.Durable {
		return nil
	}
	return s.eachServer(ctx, func(ctx context.Context, server redis.Cmdable) error {
		for _, want := range [][2]string{{"appendonly", "yes"}, {"appendfsync", "always"}, {"maxmemory-policy", "noeviction"}} {
			var got map[string]string
			err := s.ask(ctx, "check", func(ctx context.Context) (err error) {
				got, err = server.ConfigGet(ctx, want[0]).Result()
				return err
			})
			if err != nil {
				return err
			}
			if got[want[0]] != want[1] {
				return fmt.Errorf("redisstore: check: %s is %q and has to be %q: Config.Durable promises what the server does not keep", want[0], got[want[0]], want[1])
			}
		}
		return nil
	})
}
