package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
)

// trimAtOnce is how many exchanges one transaction deletes: few enough that what
// moves money hardly waits for it.
const trimAtOnce = 500

// effects are the stored names of bankrail.Effect.
var effects = map[string]bankrail.Effect{
	bankrail.Unknown.String(): bankrail.Unknown,
	bankrail.Refused.String(): bankrail.Refused,
	bankrail.NotSent.String(): bankrail.NotSent,
}

// Record keeps an exchange for support and audit. Bodies are cut to Config.MaxBody.
func (db *DB) Record(ctx context.Context, x bankrail.Exchange) error {
	doing := "record exchange of " + x.Channel.String()
	sent, err := header(x.RequestHeader)
	if err != nil {
		return db.fail(doing, err)
	}
	answered, err := header(x.AnswerHeader)
	if err != nil {
		return db.fail(doing, err)
	}
	return db.write(ctx, doing, func(ctx context.Context, s session) error {
		_, err := s.q.ExecContext(ctx, s.insertExchange, x.Gateway, x.Merchant, string(x.Op), x.Number, x.Attempt,
			x.Method, text(x.URL), blob(sent), blob(db.bounded(x.Request)), x.HTTPStatus, blob(answered), blob(db.bounded(x.Answer)),
			x.Effect.String(), text(x.Problem), ms(x.Started), int64(x.Took))
		return err
	})
}

// Exchanges reads the exchanges of one number, oldest first.
func (db *DB) Exchanges(ctx context.Context, id bankrail.ID) ([]bankrail.Exchange, error) {
	var found []bankrail.Exchange
	err := db.on(db.reader).each(ctx, func(r scanner) error {
		var x bankrail.Exchange
		var sent, answered []byte
		var effect string
		err := r.Scan(&x.Gateway, &x.Merchant, &x.Op, &x.Number, &x.Attempt, &x.Method, &x.URL, &sent, &x.Request,
			&x.HTTPStatus, &answered, &x.Answer, &effect, &x.Problem, at(&x.Started), &x.Took)
		if err != nil {
			return err
		}
		x.Effect = effects[effect]
		for _, h := range []struct {
			text []byte
			to   *map[string][]string
		}{{sent, &x.RequestHeader}, {answered, &x.AnswerHeader}} {
			if len(h.text) > 0 {
				if err := json.Unmarshal(h.text, h.to); err != nil {
					return fmt.Errorf("header: %w", err)
				}
			}
		}
		found = append(found, x)
		return nil
	}, db.dialect.listExchanges, key(id)...)
	if err != nil {
		return nil, db.fail("exchanges of "+id.String(), err)
	}
	return found, nil
}

// TrimExchanges deletes the exchanges that started before a time and returns how
// many. It does so a few at a time; after an error some may be gone.
func (db *DB) TrimExchanges(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for {
		var n int64
		err := db.write(ctx, "trim exchanges", func(ctx context.Context, s session) error {
			res, err := s.q.ExecContext(ctx, s.trimExchanges, ms(before), trimAtOnce)
			if err == nil {
				n, err = res.RowsAffected()
			}
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(n)
		if n < trimAtOnce {
			return total, nil
		}
	}
}

func (db *DB) bounded(body []byte) []byte { return body[:min(len(body), db.cfg.MaxBody)] }

func header(h map[string][]string) ([]byte, error) {
	if len(h) == 0 {
		return nil, nil
	}
	return json.Marshal(h)
}
