package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"github.com/bankrail/bankrail/store/sqlstore"
)

// plan is one run.
type plan struct {
	Database database
	Run      string // begins its numbers
	Orders   int
	Seed     uint64
	kills    int
	patience time.Duration
}

// run lets lives begin and kills them, all but the last, and reports whether every
// audit found order and refund in agreement and the last found nothing open.
func (p *plan) run(ctx context.Context, stdout, stderr io.Writer) (agree bool, err error) {
	s, err := openShop(p.Database)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	// Opened here first, so that the file is its owner's alone and the first life does
	// not spend its time on the schema.
	db, err := p.Database.journal(sqlstore.Config{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := s.fill(ctx, p.Run, p.Orders); err != nil {
		return false, err
	}
	b, err := openBank(p.Seed, p.Orders)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	born, err := json.Marshal(birth{Database: p.Database, Bank: b.url, Keys: b.Keys()})
	if err != nil {
		return false, err
	}
	_, _ = fmt.Fprintf(stdout, "%d orders on %s, %d kills.\n", p.Orders, p.Database.Kind, p.kills)
	chance := rand.New(rand.NewPCG(p.Seed, 0))
	disagreed := 0
	for life := range p.kills + 1 {
		span := p.patience
		if life < p.kills {
			span = 100*time.Millisecond + time.Duration(chance.Int64N(int64(500*time.Millisecond)))
		}
		killed, err := lead(ctx, born, span, stderr)
		if err != nil {
			return false, fmt.Errorf("life %d: %w", life+1, err)
		}
		found, err := s.audit(ctx, db, b.Ledger())
		if err != nil {
			return false, err
		}
		disagreed += len(found.disagree)
		if life < p.kills {
			_, _ = fmt.Fprintf(stdout, "life %d, killed %t after %s: %s\n", life+1, killed, span.Round(time.Millisecond), found)
			found.tell(stdout)
			continue
		}
		found.tell(stdout)
		if found.open > 0 {
			_, _ = fmt.Fprintf(stdout, "%d refunds are still open.\n", found.open)
		}
		_, _ = fmt.Fprintf(stdout, "audit: %d orders, %d refunds, %d disagree\n", found.orders, found.refunds, disagreed)
		agree = disagreed == 0 && found.open == 0 && found.refunds == p.Orders
	}
	return agree, nil
}

// lead begins a life and kills it after its span, unless it has ended by itself.
func lead(ctx context.Context, born []byte, span time.Duration, stderr io.Writer) (killed bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	bounded, cancel := context.WithTimeout(ctx, span) // the end of it is SIGKILL
	defer cancel()
	life := exec.CommandContext(bounded, self)
	life.Env = append(os.Environ(), lifeMark+"=1")
	life.Stdin = bytes.NewReader(born)
	life.Stderr = stderr
	err = life.Run()
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	if bounded.Err() != nil {
		return true, nil
	}
	return false, err
}
