package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// list prints entries, newest last.
func (d office) list(ctx context.Context, args []string) error {
	fs, s := d.flags("list")
	var q journal.ListQuery
	var status, from, to, zone, op string
	fs.StringVar(&status, "status", "", "`created`, processing, manual, succeeded, failed or reversed")
	fs.StringVar(&q.Order, "order", "", "of this `order`")
	fs.StringVar(&op, "op", "", "of this `operation`: refund, refund.correction, …")
	fs.StringVar(&q.Channel.Gateway, "gateway", "", "of this `gateway`, as configured: lanhai-production")
	fs.StringVar(&q.Channel.Merchant, "merchant", "", "of this `merchant`; needs -gateway")
	fs.StringVar(&from, "from", "", "recorded at or after this `time`: 2026-11-21 or 2026-11-21T08:00:00+08:00")
	fs.StringVar(&to, "to", "", "recorded before this `time`")
	fs.StringVar(&zone, "zone", "UTC", "time `zone` that days begin in: Asia/Shanghai, +08:00")
	fs.BoolVar(&q.OpenOnly, "open", false, "only what is created, processing or manual")
	limit := fs.Int("limit", 100, "print at most so many")
	if err := d.parse(fs, s, args); err != nil {
		return err
	}
	q.Op = bankrail.Op(op)
	problem := ""
	if q.Channel.Merchant != "" && q.Channel.Gateway == "" || q.Channel.Gateway != "" && q.Channel.Merchant == "" {
		problem = "-gateway and -merchant go together"
	}
	if *limit < 1 {
		problem = "-limit is at least 1"
	}
	err := errors.Join(readRange(&q, from, to, zone), readStatus(&q, status))
	if err != nil {
		problem = err.Error()
	}
	if err := complain(fs, d.errs, problem); err != nil {
		return err
	}
	return d.with(s, journal.Config{}, func(_ *sqlstore.DB, b *journal.Book) error {
		return d.pages(ctx, b, q, *limit, s.json)
	})
}

func readRange(q *journal.ListQuery, from, to, zone string) error {
	in, err := parseZone(zone)
	if err != nil {
		return err
	}
	if from != "" {
		if q.From, err = parseTime(from, in); err != nil {
			return err
		}
	}
	if to != "" {
		q.To, err = parseTime(to, in)
	}
	return err
}

func readStatus(q *journal.ListQuery, status string) (err error) {
	if status != "" {
		q.Status, err = parseStatus(status)
	}
	return err
}

// pages prints page after page.
func (d office) pages(ctx context.Context, b *journal.Book, q journal.ListQuery, limit int, asJSON bool) error {
	table := newTable(d.out, "ENTRY", "STATUS", "AMOUNT", "ORDER", "RECORDED", "NEXT LOOK", "CAUSE", "MESSAGE")
	printed := 0
	for {
		q.Limit = min(limit-printed, 500)
		entries, next, err := b.Reader().List(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if asJSON {
				if err := printJSON(d.out, entryOf(e)); err != nil {
					return err
				}
				continue
			}
			table.row(e.ID.String(), e.Status.String(), e.Amount.String(), e.Order, moment(e.CreatedAt), moment(e.NextAt), string(e.Cause), e.Message)
		}
		if printed += len(entries); next == "" || printed >= limit {
			if !asJSON {
				table.end()
			}
			if next != "" {
				_, _ = fmt.Fprintf(d.errs, "there are more: give a higher -limit, or -from and -to\n")
			}
			return nil
		}
		q.After = next
	}
}

// show prints everything that is known of one entry but its request and its secrets.
func (d office) show(ctx context.Context, args []string) error {
	fs, s := d.flags("show")
	id, err := d.parseEntry(fs, s, args)
	if err != nil {
		return err
	}
	return d.with(s, journal.Config{}, func(db *sqlstore.DB, b *journal.Book) error {
		v, err := look(ctx, db, b, id)
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(d.out, v)
		}
		return v.print(d.out)
	})
}

// look reads what show shows.
func look(ctx context.Context, db *sqlstore.DB, b *journal.Book, id bankrail.ID) (view, error) {
	e, err := b.Get(ctx, id)
	if err != nil {
		return view{}, err
	}
	v := view{Entry: entryOf(e)}
	steps, err := b.Reader().History(ctx, id)
	if err != nil {
		return v, err
	}
	for _, st := range steps {
		v.History = append(v.History, stepOf(st))
	}
	exchanges, err := db.Exchanges(ctx, id)
	if err != nil {
		return v, err
	}
	v.Exchanges = len(exchanges)
	if e.Order != "" {
		switch budget, err := b.Reader().Budget(ctx, id.Channel, e.Order); {
		case err == nil:
			v.Budget = &budgetRow{Order: e.Order, Limit: budget.Limit, Held: budget.Held, Stopped: budget.Stopped}
		case !errors.Is(err, bankrail.ErrNotFound):
			return v, err
		}
	}
	for after := ""; ; {
		as, next, err := b.Reader().Anomalies(ctx, after, 500)
		if err != nil {
			return v, err
		}
		for _, a := range as {
			if a.Entry == id {
				v.Anomalies = append(v.Anomalies, anomalyRow{a.Kind, a.Note, a.At})
			}
		}
		if after = next; next == "" {
			break
		}
	}
	late := id
	late.Op = late.Op.Correction()
	switch _, err := b.Get(ctx, late); {
	case err == nil:
		v.Correction = late.String()
	case !errors.Is(err, bankrail.ErrNotFound):
		return v, err
	}
	return v, nil
}

// limits prints what is stopped or capped.
func (d office) limits(ctx context.Context, args []string) error {
	fs, s := d.flags("limits")
	if err := d.parse(fs, s, args); err != nil {
		return err
	}
	return d.with(s, journal.Config{}, func(_ *sqlstore.DB, b *journal.Book) error {
		in, err := b.Limits(ctx)
		if err != nil {
			return err
		}
		if s.json {
			for _, l := range in {
				if err := printJSON(d.out, limitOf(l)); err != nil {
					return err
				}
			}
			return nil
		}
		table := newTable(d.out, "GATEWAY", "MERCHANT", "OPERATION", "STOPPED", "AT MOST", "BY", "SINCE", "WHY")
		for _, l := range in {
			table.row(l.Gateway, all(l.Merchant), all(string(l.Op)), yes(l.Stopped), amount(l.Max), l.By, moment(l.At), l.Why)
		}
		table.end()
		return nil
	})
}

// health prints the figures of the journal.
func (d office) health(ctx context.Context, args []string) error {
	fs, s := d.flags("health")
	if err := d.parse(fs, s, args); err != nil {
		return err
	}
	return d.with(s, journal.Config{}, func(_ *sqlstore.DB, b *journal.Book) error {
		h, err := b.Health(ctx)
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(d.out, healthOf(h))
		}
		printHealth(d.out, h)
		return nil
	})
}

// moment is a time as tables show it, in UTC.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
