package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/refund"
)

// How many ask at once, in each node.
const (
	asking = 16 // for the node's own share
	echoes = 4  // for what the other node asks for in this moment
)

// What a node is told, on its standard input.
const (
	orderUpTo = "upto " // and a number: wishes below it may be carried out
	orderAlso = "also " // and a number: this wish, at once
	orderStop = "stop"
)

// line is what a node says on its standard output, one thing at a time.
type line struct {
	At   string `json:"at,omitempty"`   // where it takes notifications
	Also int    `json:"also,omitempty"` // 1 + a wish that the other node shall ask for too
	Done bool   `json:"done,omitempty"` // its share is carried out
	Told *told  `json:"told,omitempty"`
}

// told is what one call of Create said of a number.
type told struct {
	Number string `json:"number"`
	Kind   kind   `json:"kind"`
	Text   string `json:"text,omitempty"` // of the error
}

// kind is how a host reads an answer of Create.
type kind string

const (
	isOpen   kind = "open"    // or succeeded: no error
	isFailed kind = "failed"  // no money moved, and none will under this number
	again    kind = "again"   // not now, or nothing is known: the same number once more
	refused  kind = "refused" // what the shop does not expect
)

// kindOf reads an answer of Create by errors.Is, as a host does. What is repeated
// takes the same number: it stands for the wish.
func kindOf(r *refund.Refund, err error) kind {
	switch {
	case err == nil && !r.Unconfirmed:
		return isOpen
	case errors.Is(err, bankrail.ErrFailed):
		return isFailed
	case err == nil, errors.Is(err, bankrail.ErrUnavailable), errors.Is(err, client.ErrBreakerOpen), errors.Is(err, client.ErrBusy):
		return again
	}
	return refused
}

// clerks carry a node's share out, and say what they were told.
type clerks struct {
	refunds *refund.Service
	wishes  wishes
	echo    chan int

	mu     sync.Mutex
	mine   []int // what is left of the share, in rising order
	upTo   int
	turned chan struct{} // closed and made anew when upTo rises

	outMu sync.Mutex
	out   *json.Encoder
}

func newClerks(refunds *refund.Service, w wishes, mine []int, out io.Writer) *clerks {
	return &clerks{
		refunds: refunds, wishes: w, mine: mine, echo: make(chan int, w.n),
		turned: make(chan struct{}), out: json.NewEncoder(out),
	}
}

// say writes one line, as a whole: a killed process leaves none behind that it only
// began.
func (c *clerks) say(l line) {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	_ = c.out.Encode(l) // nobody listens any more: the input ends too, and with it this node
}

// obey takes orders until stop, or until there can come none.
func (c *clerks) obey(in *bufio.Scanner) error {
	for in.Scan() {
		text := in.Text()
		if text == orderStop {
			return nil
		}
		if err := c.order(text); err != nil {
			return err
		}
	}
	return in.Err()
}

func (c *clerks) order(text string) error {
	for _, o := range []struct {
		word string
		most int
		do   func(int)
	}{{orderUpTo, c.wishes.n, c.allow}, {orderAlso, c.wishes.n - 1, func(i int) { c.echo <- i }}} {
		if rest, ok := strings.CutPrefix(text, o.word); ok {
			n, err := strconv.Atoi(rest)
			if err != nil || n < 0 || n > o.most {
				return fmt.Errorf("want a number from 0 to %d, have %.64q", o.most, text)
			}
			o.do(n)
			return nil
		}
	}
	return fmt.Errorf("unknown: %.64q", text)
}

func (c *clerks) allow(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > c.upTo {
		c.upTo = n
		close(c.turned)
		c.turned = make(chan struct{})
	}
}

// next is the next wish of the share, when it is allowed; false when there is none.
func (c *clerks) next(ctx context.Context) (int, bool) {
	for {
		c.mu.Lock()
		turned := c.turned
		if len(c.mine) == 0 {
			c.mu.Unlock()
			return 0, false
		}
		if i := c.mine[0]; i < c.upTo {
			c.mine = c.mine[1:]
			c.mu.Unlock()
			return i, true
		}
		c.mu.Unlock()
		select {
		case <-turned:
		case <-ctx.Done():
			return 0, false
		}
	}
}

// run carries everything out, and returns when ctx has ended and nothing is in hand.
func (c *clerks) run(ctx context.Context) {
	var share, all sync.WaitGroup
	for range asking {
		share.Go(func() {
			for i, ok := c.next(ctx); ok; i, ok = c.next(ctx) {
				if c.wishes.both(i) {
					c.say(line{Also: 1 + i})
				}
				c.create(ctx, i)
			}
		})
	}
	for range echoes {
		all.Go(func() {
			for {
				select {
				case i := <-c.echo:
					c.create(ctx, i)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	share.Wait()
	if ctx.Err() == nil {
		c.say(line{Done: true})
	}
	all.Wait()
}

// create asks for one refund until it is told something of it. A call that began is
// not cut by the end of ctx: what it says must be heard.
func (c *clerks) create(ctx context.Context, i int) {
	r := c.wishes.request(i)
	for {
		got, err := c.refunds.Create(context.WithoutCancel(ctx), r)
		t := told{Number: r.Number, Kind: kindOf(got, err)}
		if err != nil {
			t.Text = clip(err.Error())
		}
		c.say(line{Told: &t})
		if t.Kind != again {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// clip keeps a line short enough to be written at once.
func clip(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
